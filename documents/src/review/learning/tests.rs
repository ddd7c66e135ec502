use super::*;

fn read(name: &str, confidence: f64, more: Value) -> Value {
    let mut fields = json!({
        "merchantName": { "value": name, "confidence": confidence, "page": 1, "raw": name,
            "alternatives": [{ "value": "Z", "confidence": 0.1 }] },
        "totalAmount": { "value": 12.5, "currency": null, "confidence": 0.9 },
    });
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "extractedFields": fields })
}

fn learned(field: &str, value: &str, keys: &[&str]) -> Lesson {
    Lesson {
        correction_id: "c1".into(),
        field: field.into(),
        value: value.into(),
        keys: keys.iter().map(|k| (*k).to_owned()).collect(),
        reviewed: 0,
        overturned: 0,
    }
}

#[test]
fn merchants_are_known_again() {
    let document = read(
        "BOUL. Zoé-Martin",
        0.5,
        json!({
            "siret": { "value": "303 265 045 00012" }, "vatId": { "value": "FR40303265045" },
            "merchantPhone": { "value": "+33 2 40 12 34 56" },
        }),
    );
    assert_eq!(keys(&document), ["siren:303265045", "phone:240123456", "name:boul zoe martin"]);
    assert_eq!(keys(&read("TICKET CLIENT", 0.9, json!({}))), Vec::<String>::new());
    assert_eq!(keys(&read("1234", 0.9, json!({}))), Vec::<String>::new());
    let belgian = read(
        "Zoé & Co",
        0.9,
        json!({ "vatId": { "value": "BE0123456789" }, "merchantPhone": { "value": "02 40 12 34" } }),
    );
    assert_eq!(keys(&belgian), ["vat:be0123456789", "phone:02401234", "name:zoe co"]);
}

#[test]
fn only_what_stays_the_same_is_learned() {
    let eur = |currency: Value| json!({ "value": 3, "currency": currency });
    assert_eq!(
        lesson("merchantName", &json!("A"), &json!("B")),
        Some(("merchantName", "B".into()))
    );
    assert_eq!(lesson("merchantName", &json!("A"), &json!("A")), None);
    assert_eq!(lesson("merchantName", &json!("A"), &Value::Null), None);
    assert_eq!(lesson("category", &Value::Null, &json!("fuel")), Some(("category", "fuel".into())));
    assert_eq!(lesson("date", &Value::Null, &json!("2024-01-31")), None);
    assert_eq!(
        lesson("totalAmount", &eur(json!("EUR")), &json!({ "value": 4, "currency": "EUR" })),
        None
    );
    assert_eq!(
        lesson("totalAmount", &eur(Value::Null), &eur(json!("CHF"))),
        Some(("currency", "CHF".into()))
    );
}

#[test]
fn a_lesson_changes_the_field_and_keeps_the_reading() {
    let mut document = read("B0UL ZOE", 0.5, json!({}));
    let lessons = [
        learned("merchantName", "Boulangerie Zoé", &["name:b0ul zoe"]),
        learned("currency", "CHF", &["name:b0ul zoe"]),
    ];
    let applied = apply(&mut document, &lessons);
    assert_eq!(applied.len(), 2);
    let fields = &document["extractedFields"];
    assert_eq!(fields["merchantName"]["value"], "Boulangerie Zoé");
    assert_eq!(fields["merchantName"]["source"], "learned");
    assert_eq!(fields["merchantName"]["confidence"], 0.9);
    assert_eq!(
        fields["merchantName"]["alternatives"][0],
        json!({ "value": "B0UL ZOE", "confidence": 0.5 })
    );
    assert_eq!(fields["merchantName"]["alternatives"][1]["value"], "Z");
    assert_eq!(fields["totalAmount"]["currency"], "CHF");
    assert_eq!(fields["totalAmount"]["value"], 12.5, "never the total");
    assert_eq!(fields["summary"], "Achat à la Boulangerie Zoé pour 12,50 CHF");
    assert_eq!(document["appliedCorrections"][0]["correctionId"], "c1");
}

#[test]
fn another_merchant_is_left_alone() {
    let siret = |siret: &str| json!({ "siret": { "value": siret } });
    let mine = learned("merchantName", "Zoé", &["siren:303265045", "name:boul zoe"]);
    for (name, confidence, more, hits) in [
        ("BOUL ZOE", 0.95, json!({}), 1),
        ("BOUL ZOE", 0.5, siret("30326504500099"), 1),
        ("SOMETHING", 0.5, siret("30326504500099"), 1),
        // The same name, another company.
        ("BOUL ZOE", 0.5, siret("55210055400013"), 0),
        // The same company, surely another name.
        ("BISTRO ZOE", 0.95, siret("30326504500099"), 0),
        ("ELSEWHERE", 0.5, json!({}), 0),
        // It says so already.
        ("Zoé", 0.5, siret("30326504500099"), 0),
    ] {
        let mut document = read(name, confidence, more.clone());
        let before = document.clone();
        assert_eq!(apply(&mut document, std::slice::from_ref(&mine)).len(), hits, "{name} {more}");
        assert_eq!(document == before, hits == 0);
    }
    // Yen have no cents.
    let mut document = read("BOUL ZOE", 0.5, json!({}));
    assert!(apply(&mut document, &[learned("currency", "JPY", &["name:boul zoe"])]).is_empty());
}

#[test]
fn the_last_word_counts_also_where_it_agrees_with_the_reading() {
    let key = "name:boul zoe";
    let (older, mut newer) =
        (learned("merchantName", "Zoé", &[key]), learned("merchantName", "BOUL ZOE", &[key]));
    newer.correction_id = "c2".into();
    let mut document = read("BOUL ZOE", 0.5, json!({}));
    assert!(apply(&mut document, &[newer, older.clone()]).is_empty());
    // A changed document is still known by what was read of it.
    assert_eq!(apply(&mut document, &[older]).len(), 1);
    assert_eq!(keys(&document), [key]);
}

#[test]
fn what_people_overturn_weighs() {
    let mut lesson = learned("merchantName", "x", &[]);
    assert!((confidence(&lesson, true) - 0.95).abs() < 1e-9);
    (lesson.reviewed, lesson.overturned) = (10, 5);
    assert!((confidence(&lesson, false) - 0.7).abs() < 1e-9);
}
