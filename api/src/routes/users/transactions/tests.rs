use crate::testing::{App, UNKNOWN};
use axum::http::Method;
use quittance_documents::statement::{Options, parse};
use serde_json::{Value, json};

const ANALYZE: &str = "/api/v1/users/marie/transactions/analyze";
const LIST: &str = "/api/v1/users/marie/transactions";

fn batch(count: usize) -> Value {
    let one = |n: usize| {
        json!({
            "date": format!("2026-{:02}-{:02}", n % 12 + 1, n % 28 + 1),
            "amount": format!("-{}.{:02}", (n + 1) / 100, (n + 1) % 100),
            "label": format!("CB CARREFOUR MARKET {n} 28/02"), "account": "FR7630006000011234567890189",
        })
    };
    (0..count).map(one).collect()
}

#[tokio::test]
async fn a_batch_is_analysed_and_kept_once() {
    let app = App::new().await;
    let coffee = json!({"date": "2026-03-01", "amount": -2.5, "label": "CAFE DU COIN"});
    let body = json!({"transactions": [coffee, coffee], "store": true});
    let got = app.send_json(Method::POST, ANALYZE, &body).await;
    let data = got.data(200);
    assert_eq!(
        (&data["count"], &data["stored"], &data["duplicates"]),
        (&2.into(), &2.into(), &0.into())
    );
    assert!(data["transactions"][0]["category"]["explanation"].is_string(), "{data}");
    let again = app.send_json(Method::POST, ANALYZE, &body).await;
    assert_eq!(
        (&again.data(200)["stored"], &again.json["data"]["duplicates"]),
        (&0.into(), &2.into())
    );
    let unkept = app.send_json(Method::POST, ANALYZE, &json!({"transactions": [coffee]})).await;
    assert_eq!(unkept.data(200)["stored"], Value::Null);
    assert_eq!(app.get(LIST).await.data(200)["transactions"].as_array().unwrap().len(), 2);
    for (body, words) in [
        (json!({}), "transactions"),
        (json!({"transactions": []}), "transactions"),
        (json!({"transactions": [coffee, {"date": "x"}]}), "transactions[1]"),
        (json!({"transactions": [coffee], "store": "yes"}), "store"),
    ] {
        let got = app.send_json(Method::POST, ANALYZE, &body).await;
        let message = got.refusal(400, "INVALID_REQUEST");
        assert!(message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn a_key_makes_one_batch() {
    let app = App::new().await;
    let body = |label: &str, store: bool| {
        let coffee = json!({"date": "2026-03-01", "amount": -2.5, "label": label});
        json!({"store": store, "transactions": [coffee]}).to_string()
    };
    let send = async |body: String| {
        app.json(Method::POST, ANALYZE, &[("idempotency-key", "till-7/42")], &body).await
    };
    // Nothing is made without `store`, so nothing is noted.
    assert_eq!(send(body("CB FNAC", false)).await.data(200)["stored"], Value::Null);
    let first = send(body("CAFE DU COIN", true)).await;
    assert_eq!(first.data(200)["stored"], 1);
    assert_eq!(send(body("CAFE DU COIN", true)).await.data(200), first.data(200));
    let other = send(body("CB FNAC", true)).await;
    other.refusal(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(other.json["error"]["field"], "Idempotency-Key");
    assert_eq!(app.get(LIST).await.data(200)["transactions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn ten_thousand_are_one_batch_and_not_one_more() {
    let app = App::new().await;
    let body = json!({"transactions": batch(10_000), "store": false});
    let got = app.send_json(Method::POST, ANALYZE, &body).await;
    assert_eq!(got.data(200)["count"], 10_000);
    let more = json!({"transactions": batch(10_001)});
    app.send_json(Method::POST, ANALYZE, &more).await.refusal(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn lists_have_filters_and_pages() {
    let app = App::new().await;
    let body = json!({"transactions": batch(30), "store": true});
    app.send_json(Method::POST, ANALYZE, &body).await.data(200);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let got = app.get(&format!("{LIST}?limit=7{cursor}")).await;
        let data = got.data(200);
        let page = data["transactions"].as_array().unwrap();
        seen.extend(page.iter().map(|t| t["date"].as_str().unwrap().to_owned()));
        let Some(next) = data["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.len(), 30);
    assert!(seen.is_sorted_by(|a, b| a >= b), "{seen:?}");
    for (query, count) in [
        ("from=2026-03-01&to=2026-03-31", 3),
        ("q=market%2029", 1),
        ("minAmount=-0.05&maxAmount=-0.04", 2),
        ("currency=USD", 0),
        ("origin=submitted&limit=100", 30),
    ] {
        let got = app.get(&format!("{LIST}?{query}")).await;
        let found = got.data(200)["transactions"].as_array().unwrap().len();
        assert_eq!(found, count, "{query}");
    }
    for (query, field) in [
        ("from=1/3/2026", "from"),
        ("from=2026-03-02&to=2026-03-01", "to"),
        ("minAmount=1,5", "minAmount"),
        ("origin=bank", "origin"),
        ("cursor=x", "cursor"),
        ("limit=501", "limit"),
    ] {
        let got = app.get(&format!("{LIST}?{query}")).await;
        assert!(got.refusal(400, "INVALID_REQUEST").contains(field), "{query}");
        assert_eq!(got.json["error"]["field"], field);
    }
    app.get("/api/v1/users/a%20b/transactions").await.refusal(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn labels_are_corrected_by_hand() {
    let app = App::new().await;
    let body = json!({"transactions": batch(1), "store": true});
    let got = app.send_json(Method::POST, ANALYZE, &body).await;
    let id = got.data(200)["transactions"][0]["id"].as_str().unwrap().to_owned();
    let url = format!("{LIST}/{id}");
    let change = json!({"category": "groceries", "merchant": "Chez Zo\u{e9}"});
    let got = app.send_json(Method::PATCH, &url, &change).await;
    let data = got.data(200);
    assert_eq!(
        (&data["category"]["source"], &data["merchant"]["value"]),
        (&"user".into(), &"Chez Zo\u{e9}".into())
    );
    assert!(data["changedAt"].is_string(), "{data}");
    for (body, field) in [
        (json!({}), "category"),
        (json!({"category": "nonsense"}), "category"),
        (json!({"merchant": ""}), "merchant"),
        (json!({"merchant": 5}), "merchant"),
    ] {
        let got = app.send_json(Method::PATCH, &url, &body).await;
        assert!(got.refusal(400, "INVALID_REQUEST").contains(field), "{body}");
    }
    for unknown in [format!("{LIST}/{UNKNOWN}"), format!("/api/v1/users/paul/transactions/{id}")] {
        app.send_json(Method::PATCH, &unknown, &change).await.refusal(404, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn exports_are_read_again() {
    let app = App::new().await;
    let body = json!({"transactions": batch(1_200), "store": true});
    app.send_json(Method::POST, ANALYZE, &body).await.data(200);
    let export = async |query: &str| {
        let got = app.get(&format!("{LIST}/export?{query}")).await;
        assert_eq!(got.status, 200, "{query}: {}", String::from_utf8_lossy(&got.bytes));
        assert!(
            got.header("content-disposition").starts_with("attachment; filename=\"transactions.")
        );
        got.bytes
    };
    let lines = String::from_utf8(export("format=jsonl").await).unwrap();
    let mut told: Vec<(String, String, String)> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|t| {
            let text = |name: &str| t[name].as_str().unwrap().to_owned();
            (text("date"), format!("{:.2}", t["amount"].as_f64().unwrap()), text("label"))
        })
        .collect();
    told.sort();
    assert_eq!(told.len(), 1_200);
    let bytes = export("format=ofx").await;
    let statement = parse(&bytes, &Options::default()).unwrap();
    let mut found: Vec<_> = statement
        .accounts
        .iter()
        .flat_map(|account| &account.entries)
        .map(|e| (e.booked.to_string(), e.amount.minor.to_decimal(2), e.label.clone()))
        .collect();
    found.sort();
    assert_eq!(found, told);
    let sheet = std::io::Cursor::new(export("format=xlsx").await);
    let mut book: calamine::Xlsx<_> = calamine::open_workbook_from_rs(sheet).unwrap();
    let sheet = calamine::Reader::worksheet_range(&mut book, "Transactions").unwrap();
    let mut found: Vec<_> = sheet
        .rows()
        .skip(1)
        .map(|row| {
            let date = calamine::DataType::as_date(&row[0]).unwrap().to_string();
            let amount = calamine::DataType::get_float(&row[3]).unwrap();
            (date, format!("{amount:.2}"), row[2].to_string())
        })
        .collect();
    found.sort();
    assert_eq!(found, told);
    let text = export("format=csv&decimal=comma&bom=true").await;
    assert!(text.starts_with("\u{feff}".as_bytes()));
    let mut found: Vec<_> = csv::ReaderBuilder::new()
        .delimiter(b';')
        .from_reader(&text[3..])
        .records()
        .map(Result::unwrap)
        .map(|row| (row[0].to_owned(), row[3].replace(',', "."), row[2].to_owned()))
        .collect();
    found.sort();
    assert_eq!(found, told);
    let few = export("format=csv&from=2026-03-01&to=2026-03-31").await;
    assert_eq!(String::from_utf8(few).unwrap().lines().count(), 101);
    for query in ["", "format=pdf", "format=csv&decimal=x", "format=csv&bom=x"] {
        app.get(&format!("{LIST}/export?{query}")).await.refusal(400, "INVALID_REQUEST");
    }
}
