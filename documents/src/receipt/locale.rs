//! Language, country and currency from what is printed: tax names, legal forms, postcodes, signs, common words.

mod hints;

use super::{
    amounts::{Amount, Sign},
    language,
    layout::Layout,
    normalise::{fold, squash},
};
use hints::{CURRENCIES, FRENCH_TAX, HINTS, LANGUAGES, SHAPES, TOWN, YEAR_FIRST};
use quittance_domain::money::Currency;

/// What was found, each with its probability.
#[derive(Clone, Debug, Default)]
pub(crate) struct Locale {
    pub(crate) language: Option<&'static str>,
    pub(crate) country: Option<(&'static str, f32)>,
    pub(crate) currency: Option<(Currency, f32)>,
    /// Words of where short dates begin with the year.
    pub(crate) year_first: bool,
}

/// Looks at everything that is printed.
pub(crate) fn detect(layout: &Layout, amounts: &[Amount]) -> Locale {
    let text: String = layout.rows.iter().map(|r| r.text() + "\n").collect();
    let squashed = squash(&text);
    let language = language::detect(&text);
    let mut scores: Vec<(&'static str, f32)> = HINTS.iter().map(|(c, _)| (*c, 0.0)).collect();
    let mut add = |country: &str, points: f32| {
        if let Some(s) = scores.iter_mut().find(|s| s.0 == country) {
            s.1 += points;
        }
    };
    for (country, hints) in HINTS {
        for (hint, points) in *hints {
            if squashed.contains(hint) {
                add(country, *points);
            }
        }
    }
    for (country, shape, points) in SHAPES.iter() {
        if shape.is_match(&text) {
            add(country, *points);
        }
    }
    let signs = |wanted: Sign| amounts.iter().filter(|a| a.sign == Some(wanted)).count();
    let (euro, dollar, pound, ringgit) =
        (signs(Sign::Euro), signs(Sign::Dollar), signs(Sign::Pound), signs(Sign::Ringgit));
    if TOWN.is_match(&text) && FRENCH_TAX.is_match(&fold(&text)) {
        add("FR", 3.0);
    }
    if dollar > 0 {
        for c in ["US", "CA", "AU", "SG"] {
            add(c, 1.0);
        }
        for c in ["FR", "DE", "ES", "BE", "GB", "IE", "NL"] {
            add(c, -2.0);
        }
        add("US", 0.5);
    }
    if pound > 0 && pound >= euro {
        add("GB", 5.0);
    }
    let rm = ringgit > 0
        || fold(&text)
            .split_whitespace()
            .any(|w| w.trim_matches(|c: char| !c.is_alphabetic()) == "rm");
    if rm {
        add("MY", 3.0);
    }
    let tongue = match language {
        Some("fr") => &["FR", "BE", "CA", "CH"][..],
        Some("de") => &["DE", "AT", "CH"],
        Some("nl") => &["NL", "BE"],
        Some("es") => &["ES"],
        Some("it") => &["IT"],
        Some("en") => &["US", "GB", "IE", "MY", "SG", "CA", "AU", "IN", "PH"],
        _ => &["MY"],
    };
    for c in tongue {
        add(c, 1.0);
    }
    scores.sort_by(|a, b| b.1.total_cmp(&a.1));
    let country = match scores.as_slice() {
        [best, second, ..] if best.1 >= 2.5 && best.1 > second.1 => {
            Some((best.0, (0.5 + 0.06 * (best.1 - second.1) + 0.02 * best.1).min(0.98)))
        }
        _ => None,
    };
    // A few words can be too few to tell a language alone, and enough where the country speaks it.
    let language = language.or_else(|| {
        let spoken = country.and_then(|(c, _)| LANGUAGES.iter().find(|(k, _)| *k == c))?;
        language::spoken(&text, spoken.1).then_some(spoken.1)
    });
    let currency = currency(country, amounts, &squashed, rm);
    let year_first = YEAR_FIRST.is_match(&fold(&text));
    Locale { language, country, currency, year_first }
}

fn currency(
    country: Option<(&str, f32)>,
    amounts: &[Amount],
    squashed: &str,
    rm: bool,
) -> Option<(Currency, f32)> {
    let code = |c: &str| c.parse::<Currency>().ok();
    let of_country = country.and_then(|(c, p)| {
        CURRENCIES.iter().find(|(k, _)| *k == c).and_then(|(_, v)| code(v)).map(|v| (v, p))
    });
    let printed = printed(amounts, of_country.map(|c| c.0));
    match printed {
        Some(Sign::Euro) => Some((Currency::EUR, 0.98)),
        Some(Sign::Pound) => code("GBP").map(|c| (c, 0.97)),
        Some(Sign::Ringgit) => code("MYR").map(|c| (c, 0.98)),
        Some(Sign::Code(letters)) if of_country.is_none() => {
            std::str::from_utf8(&letters).ok().and_then(code).map(|c| (c, 0.8))
        }
        Some(Sign::Dollar) => match of_country {
            Some((c, p)) if p >= 0.6 || ["USD", "CAD", "AUD", "SGD"].contains(&c.code()) => {
                Some((c, p))
            }
            _ => code("USD").map(|c| (c, 0.6)),
        },
        _ if rm => code("MYR").map(|c| (c, 0.95)),
        _ => of_country.or_else(|| {
            (squashed.contains("euro") || squashed.contains('€')).then_some((Currency::EUR, 0.8))
        }),
    }
}

/// The sign that most amounts carry; of several so many carry, the country's, else the first. What a row says in two
/// currencies is a rate of exchange.
fn printed(amounts: &[Amount], of_country: Option<Currency>) -> Option<Sign> {
    let signs = || amounts.iter().filter(|a| !a.second).filter_map(|a| Some((a.row, a.sign?)));
    let rate = |row: usize, sign: Sign| signs().any(|(r, s)| r == row && s != sign);
    let mut votes: Vec<(Sign, usize)> = Vec::new();
    for (_, sign) in signs().filter(|(row, s)| *s != Sign::Francs && !rate(*row, *s)) {
        match votes.iter_mut().find(|v| v.0 == sign) {
            Some(v) => v.1 += 1,
            None => votes.push((sign, 1)),
        }
    }
    let own = |s: Sign| of_country.is_some_and(|c| s.may_be(c));
    votes.iter().rev().max_by_key(|v| (v.1, own(v.0))).map(|v| v.0)
}

#[cfg(test)]
mod tests {
    use super::super::{Reading, testing::document};

    fn of(rows: &[&str]) -> (Option<&'static str>, Option<&'static str>, Option<String>) {
        let l = Reading::new(&document(rows)).locale;
        (l.language, l.country.map(|c| c.0), l.currency.map(|c| c.0.to_string()))
    }

    #[test]
    fn countries_and_currencies() {
        let fr = of(&[
            "BOULANGERIE DU PORT",
            "12 rue de la Paix 75002 Paris",
            "SIRET 902 446 988 00021",
            "Total TTC|4,20 €",
            "Merci de votre visite",
        ]);
        assert_eq!(fr, (Some("fr"), Some("FR"), Some("EUR".into())));
        let my = of(&[
            "KEDAI MAKAN SDN BHD",
            "JALAN ANGSA, SELANGOR",
            "TOTAL|RM 12.50",
            "THANK YOU FOR YOUR VISIT",
        ]);
        assert_eq!((my.1, my.2), (Some("MY"), Some("MYR".into())));
        let ca = of(&[
            "Restaurant du Vieux Port",
            "Montréal, QC H2Y 1B7",
            "TPS|$0.86",
            "TVQ|$1.72",
            "TOTAL|$19.78",
        ]);
        assert_eq!((ca.1, ca.2), (Some("CA"), Some("CAD".into())));
        let us = of(&[
            "Joe's Diner",
            "Snellville, GA 30078",
            "Subtotal|$9.00",
            "Sales Tax|$0.63",
            "Total|$9.63",
        ]);
        assert_eq!((us.1, us.2), (Some("US"), Some("USD".into())));
        let be = of(&[
            "SUPERMARCHE DU COIN",
            "1950 Kraainem",
            "TOTAAL|27,21",
            "BANCONTACT|27,21",
            "TVA BE 0402 206 045",
        ]);
        assert_eq!((be.1, be.2), (Some("BE"), Some("EUR".into())));
    }

    #[test]
    fn a_french_town_with_french_taxes_is_of_france() {
        for tax in ["TOTAL TTC|24,50", "TVA 10 %|2,23"] {
            let found = of(&["LE BOUCHON", "69002 LYON", "13.12.23", tax]);
            assert_eq!(found, (Some("fr"), Some("FR"), Some("EUR".into())), "{tax}");
        }
        assert_eq!(of(&["WALGREENS", "04/05/2024", "TOTAL|7.00"]).1, Some("US"));
        assert_eq!(of(&["SUPERMARCHE", "1950 Kraainem", "TVA 21 %|2,23"]).1, None);
    }

    #[test]
    fn of_two_currencies_the_country_s_or_the_first_is_the_page_s() {
        for (rows, currency) in [
            (&["COOP", "8001 Zürich", "Total CHF|20.00", "EUR|18.50"][..], "CHF"),
            (&["SOUVENIRS", "TOTAL EUR|20,00", "TOTAL USD|21,80"], "EUR"),
            (&["DUTY FREE", "London", "TOTAL EUR|23.40", "TOTAL GBP|20.00"], "GBP"),
            (&["HOTEL", "SUMME EUR|100,00", "USD 109.80", "1 USD = 0.91 EUR"], "EUR"),
        ] {
            assert_eq!(of(rows).2.as_deref(), Some(currency), "{rows:?}");
        }
    }
}
