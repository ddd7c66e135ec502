//! Language, country and currency from what is printed: tax names, legal forms, postcodes, signs, common words.

mod hints;

use super::{
    amounts::{Amount, Sign},
    language,
    layout::Layout,
    normalise::{fold, squash},
};
use hints::{CURRENCIES, HINTS, SHAPES};
use quittance_domain::money::Currency;

/// What was found, each with its probability.
#[derive(Clone, Debug, Default)]
pub(crate) struct Locale {
    pub(crate) language: Option<&'static str>,
    pub(crate) country: Option<(&'static str, f32)>,
    pub(crate) currency: Option<(Currency, f32)>,
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
    Locale { language, country, currency: currency(country, amounts, &squashed, rm) }
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
    let mut votes: Vec<(Sign, usize)> = Vec::new();
    for sign in amounts.iter().filter_map(|a| a.sign) {
        match votes.iter_mut().find(|v| v.0 == sign) {
            Some(v) => v.1 += 1,
            None => votes.push((sign, 1)),
        }
    }
    votes.retain(|v| v.0 != Sign::Francs);
    let printed = votes.iter().max_by_key(|v| v.1).map(|v| v.0);
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
}
