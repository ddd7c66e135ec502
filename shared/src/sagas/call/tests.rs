use super::*;
use crate::sagas::builtin;

fn checkout(client: &Value) -> Result<Vec<Request>, String> {
    let definition = builtin().into_iter().find(|d| d.name == "checkout_saga").unwrap();
    let input = json!({ "client_id": client, "magasin_id": 1 });
    let facts =
        Facts { run: RunId::new(), input: &input, outputs: &HashMap::new(), config: &Value::Null };
    Compiled::of(&definition).unwrap().requests(0, Direction::Do, &facts)
}

#[test]
fn a_value_stays_one_segment_of_the_path() {
    for (client, segment) in
        [(json!(7), "7"), (json!("a/../b?c"), "a%2F..%2Fb%3Fc"), (json!("..."), "...")]
    {
        let path = &checkout(&client).unwrap()[0].path;
        assert_eq!(path, &format!("/api/paniers/client/{segment}"));
    }
    for client in [".", ".."] {
        let refused = checkout(&json!(client)).unwrap_err();
        assert!(refused.contains("no name"), "{refused}");
    }
}
