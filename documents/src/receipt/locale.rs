//! Language, country and currency from what is printed: tax names, legal forms, postcodes, signs, common words.

use super::{
    amounts::{Amount, Sign},
    language,
    layout::Layout,
    normalise::{fold, squash},
};
use quittance_domain::money::Currency;
use regex::Regex;
use std::sync::LazyLock;

/// What was found, each with its probability.
#[derive(Clone, Debug, Default)]
pub(crate) struct Locale {
    pub(crate) language: Option<&'static str>,
    pub(crate) country: Option<(&'static str, f32)>,
    pub(crate) currency: Option<(Currency, f32)>,
}

/// Pieces of squashed text that speak for a country, with their weight.
const HINTS: &[(&str, &[(&str, f32)])] = &[
    (
        "FR",
        &[
            ("siret", 5.0),
            ("siren", 2.0),
            ("naf", 1.0),
            ("france", 2.5),
            ("paris", 2.0),
            ("tva", 1.5),
            ("cartebancaire", 1.5),
            ("ticketclient", 0.5),
            ("ticketderestaurant", 1.0),
            ("sarl", 1.5),
            ("rcs", 1.5),
        ],
    ),
    (
        "BE",
        &[
            ("belgique", 4.0),
            ("belgie", 4.0),
            ("bancontact", 4.0),
            ("brussel", 3.0),
            ("bruxelles", 3.0),
            ("tvabe", 5.0),
            ("btwbe", 5.0),
            ("antwerpen", 3.0),
            ("rpm", 1.0),
            ("payconiq", 3.0),
        ],
    ),
    (
        "CA",
        &[
            ("tvq", 5.0),
            ("tps", 2.0),
            ("rt0001", 5.0),
            ("hst", 2.5),
            ("canada", 4.0),
            ("montreal", 3.0),
            ("toronto", 3.0),
            ("vancouver", 3.0),
            ("quebec", 3.0),
            ("interac", 3.0),
            ("gstpst", 2.0),
            ("calgary", 3.0),
            ("ontario", 3.0),
            ("cad", 1.0),
        ],
    ),
    (
        "DE",
        &[
            ("mwst", 3.0),
            ("ustid", 3.0),
            ("steuernr", 3.0),
            ("gmbh", 2.0),
            ("deutschland", 4.0),
            ("girocard", 3.0),
            ("kundenbeleg", 3.0),
            ("summe", 1.5),
            ("beleg", 1.0),
            ("kasse", 1.0),
            ("vielendank", 1.5),
            ("bonnr", 1.0),
            ("uhr", 0.5),
        ],
    ),
    ("AT", &[("atu", 1.0), ("osterreich", 4.0), ("wien", 3.0)]),
    ("CH", &[("chf", 4.0), ("schweiz", 4.0), ("suisse", 3.0), ("zurich", 3.0), ("geneve", 3.0)]),
    (
        "ES",
        &[
            ("facturasimplificada", 4.0),
            ("nif", 2.5),
            ("cif", 2.0),
            ("espana", 4.0),
            ("madrid", 3.0),
            ("valencia", 3.0),
            ("barcelona", 3.0),
            ("ivaincluido", 3.0),
            ("gracias", 1.0),
            ("bizkaia", 2.0),
            ("avda", 1.0),
        ],
    ),
    (
        "NL",
        &[
            ("nederland", 4.0),
            ("kvk", 3.0),
            ("tebetalen", 1.0),
            ("amsterdam", 3.0),
            ("btwnl", 4.0),
            ("rotterdam", 3.0),
        ],
    ),
    (
        "IT",
        &[
            ("partitaiva", 4.0),
            ("scontrino", 4.0),
            ("documentocommerciale", 5.0),
            ("italia", 3.0),
            ("roma", 1.0),
        ],
    ),
    ("PT", &[("contribuinte", 4.0), ("portugal", 4.0), ("lisboa", 3.0), ("faturasimpl", 4.0)]),
    (
        "GB",
        &[
            ("couk", 4.0),
            ("vatno", 2.5),
            ("vatreg", 2.5),
            ("london", 3.0),
            ("edinburgh", 3.0),
            ("glasgow", 3.0),
            ("gbp", 3.0),
            ("unitedkingdom", 4.0),
            ("scotland", 3.0),
            ("england", 2.0),
            ("plc", 1.5),
        ],
    ),
    ("IE", &[("ireland", 5.0), ("dublin", 4.0), ("galway", 3.0), ("eircode", 3.0), ("cork", 1.0)]),
    (
        "MY",
        &[
            ("sdnbhd", 4.0),
            ("malaysia", 4.0),
            ("jalan", 2.0),
            ("selangor", 3.0),
            ("kualalumpur", 3.0),
            ("johor", 3.0),
            ("taman", 1.5),
            ("gstid", 2.0),
            ("restoran", 1.5),
            ("kedai", 2.0),
            ("bhd", 1.5),
            ("rounding", 0.5),
            ("petalingjaya", 3.0),
            ("shahalam", 3.0),
            ("penang", 2.0),
        ],
    ),
    ("SG", &[("singapore", 6.0), ("pteltd", 4.0)]),
    (
        "US",
        &[
            ("salestax", 2.0),
            ("usa", 1.5),
            ("gratuity", 1.0),
            ("newyork", 3.0),
            ("california", 2.0),
            ("zipcode", 1.0),
            ("texas", 2.0),
            ("florida", 2.0),
            ("chicago", 2.5),
            ("lasvegas", 3.0),
            ("sanfrancisco", 3.0),
        ],
    ),
    (
        "AU",
        &[("australia", 5.0), ("abn", 2.0), ("eftpos", 2.0), ("sydney", 3.0), ("melbourne", 3.0)],
    ),
    (
        "IN",
        &[
            ("gstin", 4.0),
            ("cgst", 4.0),
            ("sgst", 3.0),
            ("india", 4.0),
            ("mumbai", 3.0),
            ("bangalore", 3.0),
        ],
    ),
    ("PH", &[("philippine", 5.0), ("vatregtin", 3.0), ("manila", 3.0), ("vatable", 2.0)]),
    ("AE", &[("dubai", 5.0), ("aed", 2.0), ("abudhabi", 4.0)]),
];

const CURRENCIES: &[(&str, &str)] = &[
    ("FR", "EUR"),
    ("BE", "EUR"),
    ("DE", "EUR"),
    ("AT", "EUR"),
    ("ES", "EUR"),
    ("NL", "EUR"),
    ("IT", "EUR"),
    ("PT", "EUR"),
    ("IE", "EUR"),
    ("CA", "CAD"),
    ("CH", "CHF"),
    ("GB", "GBP"),
    ("MY", "MYR"),
    ("SG", "SGD"),
    ("US", "USD"),
    ("AU", "AUD"),
    ("IN", "INR"),
    ("PH", "PHP"),
    ("AE", "AED"),
];

const STATES: &str = "AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|DC|PR";

#[expect(clippy::expect_used, reason = "constant patterns, compiled in every test run")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

static SHAPES: LazyLock<Vec<(&'static str, Regex, f32)>> = LazyLock::new(|| {
    let state = format!(r"(?:^|[\s,.])(?:{STATES})[\s.,]{{0,2}}[0-9]{{5}}(?:-[0-9]{{4}})?(?:\D|$)");
    vec![
        ("US", pattern(&state), 5.0),
        ("US", pattern(r"\([0-9]{3}\)\s?[0-9]{3}\s?-\s?[0-9]{4}"), 1.5),
        ("CA", pattern(r"\b[ABCEGHJ-NPRSTVXY][0-9][A-Z]\s?[0-9][A-Z][0-9]\b"), 4.0),
        ("CA", pattern(r"(?i)[, ](QC|ON|BC|AB)\b"), 2.0),
        ("GB", pattern(r"\b[A-Z]{1,2}[0-9][0-9A-Z]?\s[0-9][ABD-HJLNP-UW-Z]{2}\b"), 3.5),
        ("FR", pattern(r"\bFR\s?[0-9]{2}\s?[0-9]{3}\s?[0-9]{3}\s?[0-9]{3}\b"), 6.0),
        ("FR", pattern(r"\b0[1-9]([ .][0-9]{2}){4}\b"), 3.0),
        ("BE", pattern(r"\bBE\s?0[0-9]{3}[. ]?[0-9]{3}[. ]?[0-9]{3}\b"), 6.0),
        ("DE", pattern(r"\bDE\s?[0-9]{9}\b"), 5.0),
        ("AT", pattern(r"\bATU\s?[0-9]{8}\b"), 6.0),
        ("NL", pattern(r"\bNL\s?[0-9]{9}B[0-9]{2}\b"), 6.0),
        ("IE", pattern(r"\bIE\s?[0-9]{7}[A-Z]{1,2}\b"), 6.0),
        ("IE", pattern(r"\.ie\b"), 3.0),
        ("FR", pattern(r"\.fr\b"), 2.0),
        ("BE", pattern(r"\.be\b"), 3.0),
        ("DE", pattern(r"\.de\b"), 2.0),
        ("ES", pattern(r"\.es\b"), 3.0),
        ("CA", pattern(r"\.ca\b"), 3.0),
        ("MY", pattern(r"\.my\b"), 4.0),
        ("ES", pattern(r"\b[AB]-?[0-9]{8}\b"), 2.0),
        ("ES", pattern(r"\bIVA\b"), 1.0),
    ]
});

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
