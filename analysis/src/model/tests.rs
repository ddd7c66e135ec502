use super::*;
use crate::label::clean;

fn category(label: &str, minor: i64) -> Option<&'static str> {
    let guess = guess(&clean(label), minor)?;
    assert!((0.0..=1.0).contains(&guess.probability));
    (guess.probability >= crate::THRESHOLD).then_some(guess.category)
}

#[test]
fn words_and_cut_words_decide() {
    for (label, expected) in [
        ("CB XRT BOULANGERIE VERTOU", "groceries"),
        ("CB AUSSANT BOULANG LEVALLOIS", "groceries"),
        ("CB PHARMACIE DU PORT", "pharmacy"),
        ("CB KORVAL TAXIS BREST", "taxi"),
        ("VIR SEPA EMIS LOYER MAI DUPONT", "rent"),
        ("CB GARAGE MARTIN CONTROLE TECHNIQUE", "auto"),
        ("CARD PAYMENT TO THE GOLDEN DRAGON RESTAURANT", "restaurant"),
        ("Kartenzahlung Apotheke am Markt", "pharmacy"),
    ] {
        assert_eq!(
            category(label, -1000),
            Some(expected),
            "{label}: {:?}",
            guess(&clean(label), -1000)
        );
    }
    assert_eq!(category("VIREMENT SALAIRE", 250_000), Some("salary"));
}

#[test]
fn earnings_do_not_go_out_and_unknown_words_decide_nothing() {
    assert_ne!(category("VIR SALAIRE NOUNOU", -50_000), Some("salary"));
    assert_eq!(guess(&clean("CB XQZTV KRRG"), -100).map(|guess| guess.category), None);
}

#[test]
fn the_stored_weights_are_those_the_command_makes() {
    let report = train();
    let anew = Weights::read(&report.model).unwrap();
    let stored = Weights::read(include_str!("../../tables/words.model")).unwrap();
    assert!(report.right * 100 >= report.held_out * 60, "{} of {}", report.right, report.held_out);
    // A rounding of another machine may move single weights, so what counts is what they say.
    assert!((anew.temperature - stored.temperature).abs() < 0.21);
    let mut differ = 0;
    let mut all = 0;
    for (name, _) in crate::dictionary::names() {
        let label = clean(name);
        let (a, b) = (anew.guess(&label, -1), stored.guess(&label, -1));
        all += 1;
        differ += usize::from(a.map(|guess| guess.category) != b.map(|guess| guess.category));
    }
    assert!(differ * 200 <= all, "{differ} of {all}: run `quittance train-categories`");
}
