//! One French sentence.

use super::normalise::fold;
use quittance_domain::{
    i18n::Language,
    kind::DocumentType,
    money::{Currency, Minor},
};

/// "Achat au Super Marché pour 25,99€", "Remboursement chez Dupont pour 12,50€"; what is not known is left out, and
/// nothing at all gives nothing. `total` in hundredths, whatever the currency; a negative one was given back.
#[must_use]
pub fn sentence(
    receipt_type: &str,
    sort: Option<DocumentType>,
    merchant: Option<&str>,
    total: Option<i64>,
    currency: Option<Currency>,
) -> Option<String> {
    let back = total.is_some_and(|t| t < 0);
    let what = match (sort, receipt_type) {
        (Some(sort), _) if !sort.is_payment() => title(sort.name().0),
        (_, "credit_note") => "Avoir".to_owned(),
        (_, "refund") => "Remboursement".to_owned(),
        _ if back => "Remboursement".to_owned(),
        _ => "Achat".to_owned(),
    };
    let price = total.map(|t| amount(Language::French, t.saturating_abs(), currency));
    match (merchant.map(place), price) {
        (Some(place), Some(price)) => Some(format!("{what} {place} pour {price}")),
        (Some(place), None) => Some(format!("{what} {place}")),
        (None, Some(price)) => Some(format!("{what} de {price}")),
        (None, None) => None,
    }
}

/// "un devis ou une facture pro forma" as the beginning of a sentence: "Devis".
fn title(name: &str) -> String {
    let first = name.split(" ou ").next().unwrap_or(name);
    let name = first.split_once(' ').map_or(first, |(_, name)| name);
    let mut letters = name.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// The amount, in hundredths, as it is written in a language.
pub(super) fn amount(language: Language, minor: i64, currency: Option<Currency>) -> String {
    let digits = currency.map_or(2, |c| c.exponent().min(2));
    let shown =
        if digits == 0 { Minor(minor / 100).to_decimal(0) } else { Minor(minor).to_decimal(2) };
    let (whole, cents) = shown.split_once('.').unwrap_or((&shown, ""));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |w| ("-", w));
    let mut number = String::new();
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            number.push(language.of('\u{202f}', ','));
        }
        number.push(c);
    }
    if !cents.is_empty() {
        number.push(language.of(',', '.'));
        number.push_str(cents);
    }
    let code = currency.map(|c| c.code().to_owned());
    match (language, code.as_deref()) {
        (Language::French, Some("EUR")) => format!("{sign}{number}€"),
        (Language::French, Some("GBP")) => format!("{sign}{number}£"),
        (Language::French, Some("USD")) => format!("{sign}{number}$"),
        (Language::French, Some("CAD")) => format!("{sign}{number}$ CA"),
        (Language::English, Some("EUR")) => format!("{sign}€{number}"),
        (Language::English, Some("GBP")) => format!("{sign}£{number}"),
        (Language::English, Some("USD")) => format!("{sign}${number}"),
        (Language::English, Some("CAD")) => format!("{sign}CA${number}"),
        (_, Some(code)) => format!("{sign}{number} {code}"),
        (_, None) => format!("{sign}{number}"),
    }
}

/// "au Café du Port", "à la Boulangerie Louise", "à l'Hôtel Bleu", "chez Dupont".
fn place(name: &str) -> String {
    const MASCULINE: &[&str] = &[
        "super",
        "supermarche",
        "restaurant",
        "cafe",
        "bar",
        "marche",
        "bistro",
        "bistrot",
        "petit",
        "grand",
        "garage",
        "magasin",
        "salon",
        "theatre",
        "cinema",
        "musee",
        "tabac",
        "comptoir",
        "relais",
        "hypermarche",
    ];
    const FEMININE: &[&str] = &[
        "boulangerie",
        "pharmacie",
        "patisserie",
        "brasserie",
        "librairie",
        "pizzeria",
        "boucherie",
        "fromagerie",
        "creperie",
        "papeterie",
        "station",
        "poissonnerie",
        "cave",
        "maison",
        "boutique",
        "droguerie",
    ];
    const ELIDED: &[&str] = &["epicerie", "hotel", "auberge", "alimentation", "opticien"];
    let first = fold(name.split_whitespace().next().unwrap_or(""));
    if MASCULINE.contains(&first.as_str()) {
        format!("au {name}")
    } else if FEMININE.contains(&first.as_str()) {
        format!("à la {name}")
    } else if ELIDED.contains(&first.as_str()) {
        format!("à l'{name}")
    } else {
        format!("chez {name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences() {
        let eur = Some(Currency::EUR);
        assert_eq!(
            sentence("retail", None, Some("Super Marché"), Some(2599), eur).as_deref(),
            Some("Achat au Super Marché pour 25,99€")
        );
        assert_eq!(
            sentence("retail", None, Some("Boulangerie Louise"), Some(120), eur).as_deref(),
            Some("Achat à la Boulangerie Louise pour 1,20€")
        );
        assert_eq!(
            sentence("retail", None, Some("Dupont"), None, eur).as_deref(),
            Some("Achat chez Dupont")
        );
        assert_eq!(
            sentence("other", None, None, Some(123_456), "USD".parse().ok()).as_deref(),
            Some("Achat de 1\u{202f}234,56$")
        );
        assert_eq!(sentence("refund", None, None, None, eur), None);
        for (sort, said) in [
            (DocumentType::Quote, "Devis chez Dupont pour 12,50€"),
            (DocumentType::BankStatement, "Relevé de compte chez Dupont pour 12,50€"),
            (DocumentType::Invoice, "Achat chez Dupont pour 12,50€"),
        ] {
            let found = sentence("other", Some(sort), Some("Dupont"), Some(1250), eur);
            assert_eq!(found.as_deref(), Some(said));
        }
        assert_eq!(
            sentence("credit_note", None, Some("Dupont"), Some(-1250), eur).as_deref(),
            Some("Avoir chez Dupont pour 12,50€")
        );
        assert_eq!(
            sentence("refund", None, Some("Café du Port"), Some(1250), eur).as_deref(),
            Some("Remboursement au Café du Port pour 12,50€")
        );
        // A person said that it was given back.
        assert_eq!(
            sentence("retail", None, None, Some(-1250), eur).as_deref(),
            Some("Remboursement de 12,50€")
        );
    }
}
