//! What speaks for a country.

use crate::receipt::normalise::pattern;
use regex::Regex;
use std::sync::LazyLock;

/// Pieces of squashed text that speak for a country, with their weight.
pub(super) const HINTS: &[(&str, &[(&str, f32)])] = &[
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
            ("walgreens", 3.0),
            ("cvspharmacy", 3.0),
            ("riteaid", 3.0),
            ("publix", 3.0),
            ("kroger", 3.0),
            ("traderjoe", 3.0),
            ("wegmans", 3.0),
            ("meijer", 3.0),
            ("albertsons", 3.0),
            ("dollargeneral", 3.0),
            ("familydollar", 3.0),
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

/// The currency of a country.
pub(super) const CURRENCIES: &[(&str, &str)] = &[
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

/// The language of countries with one.
pub(super) const LANGUAGES: &[(&str, &str)] = &[
    ("FR", "fr"),
    ("DE", "de"),
    ("AT", "de"),
    ("ES", "es"),
    ("NL", "nl"),
    ("IT", "it"),
    ("GB", "en"),
    ("IE", "en"),
    ("US", "en"),
    ("AU", "en"),
];

/// A code of five digits before a town.
pub(super) static TOWN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?m)(?:^|[\s,:-])(?:F-?\s?)?(?:0[1-9]|[1-8][0-9]|9[0-8])[0-9]{3}[ ,]+\p{Lu}[\p{L}'-]{2,}",
    )
});

/// French taxes, in folded text: with such a code they are of France, elsewhere codes of towns are shorter.
pub(super) static FRENCH_TAX: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:ttc|tva)\b"));

/// Words of countries that write a short year before month and day, in folded text: Hungary, Sweden, Japan, China, Korea.
pub(super) static YEAR_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:budapest|nyugta|osszesen|kft|zrt|huf|sverige|stockholm|kvitto|sek|tokyo|jpy|beijing|shanghai|cny|seoul|krw)\b",
    )
});

const STATES: &str = "AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|DC|PR";

/// What only one country prints so, with its weight.
pub(super) static SHAPES: LazyLock<Vec<(&'static str, Regex, f32)>> = LazyLock::new(|| {
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
