//! Numbers that name a company or a receipt, with their check digits where they have some.

use super::{
    Reading,
    captions::{self, Place},
    normalise::{fold, pattern, spelt},
    parties,
    reliability::Situation,
};
use regex::Regex;
use std::sync::LazyLock;

/// Something read from one row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) value: String,
    pub(crate) row: usize,
    pub(crate) raw: String,
    /// Whether the check digits fit; `None` when the kind has none that we know.
    pub(crate) key: Option<bool>,
    pub(crate) situation: Situation,
}

macro_rules! patterns {
    ($($name:ident = $text:expr;)*) => { $(static $name: LazyLock<Regex> = LazyLock::new(|| pattern($text));)* };
}

patterns! {
    SIRET = r"(?:^|[^0-9])((?:[0-9][ .]?){14})(?:[^0-9]|$)";
    VAT = r"\b(fr ?[0-9a-z]{2} ?(?:[0-9] ?){9}|be ?[01](?:[. ]?[0-9]){9}|de ?(?:[0-9] ?){9}|atu ?[0-9]{8}|nl ?[0-9]{9} ?b ?[0-9]{2}|es ?[a-z][0-9]{7}[0-9a-z]|ie ?[0-9]{7}[a-z]{1,2}|lu ?[0-9]{8}|it ?[0-9]{11}|gb ?[0-9]{3} ?[0-9]{4} ?[0-9]{2}|pt ?[0-9]{9}|ee ?[0-9]{9}|che[ \-]?[0-9]{3}[. ]?[0-9]{3}[. ]?[0-9]{3}|[0-3][0-9][a-z]{5}[0-9]{4}[a-z][0-9a-z]z[0-9a-z])\b";
    VAT_NAMED = r"(?:vat|gst|hst|tps|tvq|iva|nif|cif|tva|btw|ust|mwst|steuer)[a-z \-]*(?:reg(?:istration)?|id|no|nr|number|intracom[a-z.]*)?[ .:#°]*(?:no|nr|id)?[ .:#]*([a-z]?-?[0-9](?:[ \-]?[0-9a-z]){6,14})";
    PHONE = r"(?:tel|phone|ph|telephone|fon|tlf|mobile|hp|call)[a-z]*[ .:#/()]*(\+?[0-9(][0-9 ()./\-]{6,18}[0-9])";
    PHONE_SHAPE = r"(?:^|[^0-9])(0[1-9](?:[ .][0-9]{2}){4}|\(?[0-9]{3}\)?[ .\-][0-9]{3}[ .\-][0-9]{4}|\+[0-9]{2}[ 0-9().\-]{7,16}[0-9])(?:[^0-9]|$)";
}

/// Luhn's sum; French establishment numbers carry it, but the post office's, whose digits sum to a multiple of 5.
pub(crate) fn siret_key(digits: &str) -> bool {
    let ds: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(10)).collect();
    if ds.len() != 14 {
        return false;
    }
    let luhn: u32 = ds
        .iter()
        .rev()
        .enumerate()
        .map(|(i, d)| if i % 2 == 1 { if d * 2 > 9 { d * 2 - 9 } else { d * 2 } } else { *d })
        .sum();
    luhn.is_multiple_of(10) || (digits.starts_with("356000000") && ds.iter().sum::<u32>() % 5 == 0)
}

/// The French and Belgian keys of a VAT number without spaces; `None` for other countries.
pub(crate) fn vat_key(id: &str) -> Option<bool> {
    let number = |s: &str| s.parse::<u64>().ok();
    if let Some(rest) = id.strip_prefix("FR") {
        let (key, siren) = (number(rest.get(..2)?)?, number(rest.get(2..)?)?);
        return Some((12 + 3 * (siren % 97)) % 97 == key);
    }
    if let Some(rest) = id.strip_prefix("BE") {
        let (body, key) = (number(rest.get(..8)?)?, number(rest.get(8..)?)?);
        return Some(97 - body % 97 == key);
    }
    None
}

/// First SIRET: by its word, or by its shape and key.
pub(crate) fn siret(r: &Reading) -> Option<Found> {
    let mut best: Option<Found> = None;
    for (row, printed) in r.layout.rows.iter().enumerate() {
        let text = fold(&printed.text());
        for c in SIRET.captures_iter(&text) {
            let digits: String = c[1].chars().filter(char::is_ascii_digit).collect();
            let named = text.contains("sir");
            let key = siret_key(&digits);
            let start = c.get(1).map_or(0, |m| text[..m.start()].chars().count());
            if !key && !named || of_buyer(r, row, start) {
                continue;
            }
            let situation = if key && named {
                Situation::SiretNamed
            } else if key && r.locale.country.is_some_and(|x| x.0 == "FR") {
                Situation::SiretKey
            } else if key {
                Situation::SiretChance
            } else {
                Situation::SiretBroken
            };
            let found = Found {
                value: digits,
                row,
                raw: c[1].trim().to_owned(),
                key: Some(key),
                situation,
            };
            if best.as_ref().is_none_or(|b| found.situation < b.situation) {
                best = Some(found);
            }
        }
    }
    best
}

/// Whether what begins at a character of a row's text is the buyer's: by its caption, or by the block it stands in.
fn of_buyer(r: &Reading, row: usize, start: usize) -> bool {
    let printed = &r.layout.rows[row];
    let mut before = 0;
    for (seg, s) in printed.segs.iter().enumerate() {
        let length = s.text.trim().chars().count();
        if start <= before + length {
            let place = Place { row, seg, start: start.saturating_sub(before) };
            let c = captions::of(&r.layout, place, 0);
            let said = [Some(c.inside), c.left, c.above].into_iter().flatten();
            return r.parties.buyers(row, seg)
                || said.into_iter().any(|text| parties::of_buyer(&text));
        }
        before += length + 1;
    }
    false
}

/// A number without its spaces and points, in capitals.
fn compact(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase()
}

/// The shop's VAT number, or the number its country uses in its place; not the buyer's.
pub(crate) fn vat(r: &Reading) -> Option<Found> {
    let rows = || r.layout.rows.iter().enumerate().map(|(i, x)| (i, x.text(), fold(&x.text())));
    let mut best: Option<Found> = None;
    for (row, original, text) in rows() {
        for m in VAT.captures_iter(&text).filter_map(|c| c.get(1)) {
            let start = text[..m.start()].chars().count();
            let spelt = spelt(&original, &text, m.range());
            // "de 120 000 000 €" is no German number.
            let small = spelt.get(..2).is_some_and(|p| p.chars().all(char::is_lowercase));
            if small && spelt.get(2..3) == Some(" ") || of_buyer(r, row, start) {
                continue;
            }
            let value = compact(m.as_str());
            let key = vat_key(&value);
            let situation = match key {
                Some(true) => Situation::VatKey,
                None => Situation::VatShape,
                Some(false) => Situation::VatBroken,
            };
            let found = Found { value, row, raw: spelt.trim().to_owned(), key, situation };
            if best.as_ref().is_none_or(|b| found.situation < b.situation) {
                best = Some(found);
            }
        }
    }
    best.or_else(|| rows().find_map(|(row, original, text)| named_vat(r, row, &original, &text)))
}

/// A number that a tax's name stands before, whatever its shape.
fn named_vat(r: &Reading, row: usize, original: &str, text: &str) -> Option<Found> {
    let m = VAT_NAMED.captures(text).and_then(|c| c.get(1))?;
    let value = compact(m.as_str());
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let start = text[..m.start()].chars().count();
    if !(8..=15).contains(&value.len()) || digits < 7 || of_buyer(r, row, start) {
        return None;
    }
    let raw = spelt(original, text, m.range()).trim().to_owned();
    Some(Found { value, row, raw, key: None, situation: Situation::VatNamed })
}

/// The shop's phone number.
pub(crate) fn phone(r: &Reading) -> Option<Found> {
    for (pattern, situation) in
        [(&PHONE, Situation::PhoneNamed), (&PHONE_SHAPE, Situation::PhoneShape)]
    {
        for (row, printed) in r.layout.rows.iter().enumerate() {
            let text = fold(&printed.text());
            if situation == Situation::PhoneShape
                && r.layout.depth(row) > 0.35
                && r.layout.depth(row) < 0.8
            {
                continue;
            }
            if let Some(c) =
                pattern.captures(&text).filter(|_| !text.contains("fax") || text.contains("tel"))
            {
                let value = c[1].trim().trim_matches(['(', ' ']).to_owned();
                let value = if value.contains(')') && !value.contains('(') {
                    format!("({value}")
                } else {
                    value
                };
                let digits = value.chars().filter(char::is_ascii_digit).count();
                if (7..=15).contains(&digits) {
                    return Some(Found { raw: value.clone(), value, row, key: None, situation });
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::{number, testing::document};
    use super::*;

    #[test]
    fn keys() {
        assert!(siret_key("73282932000074") && !siret_key("73282932000075"));
        assert!(siret_key("35600000000048"), "the post office has its own rule");
        assert_eq!(vat_key("FR40303265045"), Some(true));
        assert_eq!(vat_key("FR41303265045"), Some(false));
        assert_eq!(vat_key("BE0402206045"), Some(true));
        assert_eq!(vat_key("DE123456789"), None);
    }

    #[test]
    fn found_on_receipts() {
        let r = Reading::new(&document(&[
            "LE PETIT COMPTOIR",
            "Tél : 01 42 22 16 48",
            "Siret : 732 829 320 00074",
            "TVA : FR40 303 265 045",
            "Facture n° 2023-118",
        ]));
        assert_eq!(siret(&r).map(|f| f.value), Some("73282932000074".into()));
        assert_eq!(vat(&r).map(|f| (f.value, f.key)), Some(("FR40303265045".into(), Some(true))));
        assert_eq!(phone(&r).map(|f| f.value), Some("01 42 22 16 48".into()));
        assert_eq!(number::find(&r).map(|f| f.value), Some("2023-118".into()));
    }
}
