//! The shop's address: the rows around its name that look like one.

use super::{
    Reading, kind,
    normalise::{fold, pattern},
    parties,
    reliability::Situation,
};
use regex::Regex;
use std::sync::LazyLock;

static STREET: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(jalan|jln|lorong|taman|street|st|road|rd|avenue|ave|av|blvd|bd|boulevard|rue|place|chemin|route|allee|quai|impasse|strasse|str|straat|plein|calle|avda|plaza|paseo|drive|dr|lane|suite|lot|kampung|bandar|persiaran|highway|hwy|square|mall|floor|centre|seksyen|section|batu|level|tingkat|block|blok|menara|wisma|bangunan|kawasan|lrg)\b|strasse|steenweg|laan\b|straat\b",
    )
});
static POSTCODE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b[0-9]{4,5}\b|\b[a-z][0-9][a-z] ?[0-9][a-z][0-9]\b|\b[a-z]{1,2}[0-9][0-9a-z]? [0-9][a-z]{2}\b",
    )
});
/// Regions and countries that stand alone in the row under a town.
static REGION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(selangor|johor|perak|penang|pulau pinang|kedah|melaka|negeri sembilan|pahang|kelantan|terengganu|sabah|sarawak|malaysia|france|belgique|belgie|belgium|suisse|schweiz|luxembourg|deutschland|espana|nederland|united kingdom|england|scotland|ireland|canada|quebec|ontario|singapore)( darul [a-z]+)?[ .,]*$",
    )
});
static NOT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(tel|fax|phone|gst|tva|vat|steuernummer|siret|inv[o0]ice|receipt|ticket|date|www|email|sales|reg|co no|company|cashier|table|order)\b|@|www\.|[0-9]{6,}",
    )
});

/// A row's text without the boxes that are the buyer's.
fn own(r: &Reading, row: usize) -> String {
    let segs = r.layout.rows[row].segs.iter().enumerate();
    let kept = segs.filter(|(at, _)| !r.parties.buyers(row, *at));
    kept.map(|(_, s)| s.text.trim()).collect::<Vec<_>>().join(" ")
}

/// An address as it is printed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Address {
    pub(crate) text: String,
    /// Rows it was put together from.
    pub(crate) rows: Vec<usize>,
    pub(crate) situation: Situation,
}

/// What speaks for a row being a part of the address.
#[derive(Clone, Copy, Debug, Default)]
struct Signs {
    street: bool,
    town: bool,
    /// Words that may belong to an address, and nothing that does not.
    words: bool,
}

/// `None` for an amount or a date, behind which no address goes on.
fn signs(r: &Reading, row: usize) -> Option<Signs> {
    let own = own(r, row);
    let text = fold(&own);
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let money = r.amounts.iter().any(|a| a.row == row && a.money());
    if money || r.dates.iter().any(|d| d.row == row) {
        return None;
    }
    if NOT.is_match(&text) || parties::titled(&own) || kind::is_title(&own) {
        return Some(Signs::default());
    }
    let numbered = text.chars().any(|c| c.is_ascii_digit() || c == ',');
    Some(Signs {
        street: STREET.is_match(&text) && numbered,
        town: POSTCODE.is_match(&text) && letters >= 3,
        words: letters >= 4,
    })
}

/// The address under the shop's name.
pub(crate) fn find(r: &Reading, merchant_row: usize) -> Option<Address> {
    /// Rows below the name that are looked at.
    const REACH: usize = 10;
    /// Rows of an address at most.
    const LONGEST: usize = 6;
    let from = merchant_row.saturating_sub(1);
    let end = r.layout.rows.len().min(from + REACH);
    let mut rows: Vec<usize> = Vec::new();
    let mut whole = Signs::default();
    for row in (from..end).filter(|row| *row != merchant_row) {
        let last = rows.last().copied();
        let Some(s) = signs(r, row) else {
            if last.is_some() {
                break;
            }
            continue;
        };
        let text = own(r, row);
        let under = last.is_some_and(|l| l + 1 == row);
        let open = last.is_some_and(|l| own(r, l).trim_end().ends_with(','));
        let follows = under && s.words && (text.contains(',') || open);
        let region = under && s.words && REGION.is_match(fold(&text).trim());
        let gap = last.is_some_and(|l| l + 2 == row) && row - 1 != merchant_row;
        let between = gap && signs(r, row - 1).is_some_and(|s| s.words);
        if s.street || s.town || follows || region {
            // A district's name alone, between a street and a town.
            if between && (s.street || s.town) {
                rows.push(row - 1);
            }
            rows.push(row);
            whole.street |= s.street;
            whole.town |= s.town;
        } else if last.is_some_and(|l| row > l + 1) {
            break;
        }
    }
    rows.truncate(LONGEST);
    let part = |row: &usize| own(r, *row).trim().trim_matches([',', '.', ' ']).to_owned();
    let text = rows.iter().map(part).collect::<Vec<_>>().join(", ");
    let situation =
        if whole.street && whole.town { Situation::AddressWhole } else { Situation::AddressPart };
    text.chars().any(|c| c.is_ascii_digit()).then_some(Address { text, rows, situation })
}

#[cfg(test)]
mod tests {
    use super::super::testing::document;
    use super::*;

    #[test]
    fn rows_below_the_name() {
        let r = Reading::new(&document(&[
            "HORLOGE BLEUE",
            "19 bis Rue Godefroy",
            "92800 PUTEAUX",
            "Tél 01 42 22 16 48",
            "Pain|1,20",
        ]));
        assert_eq!(
            find(&r, 0).map(|a| a.text).as_deref(),
            Some("19 bis Rue Godefroy, 92800 PUTEAUX")
        );
    }

    #[test]
    fn a_title_with_a_number_is_no_town() {
        let r = Reading::new(&document(&[
            "LAKE JOINERY LTD",
            "12 Quay Street",
            "London",
            "QUOTATION Q-1042",
            "Door|900.00",
        ]));
        let found = find(&r, 0).map(|a| a.text).unwrap_or_default();
        assert!(found.starts_with("12 Quay Street") && !found.contains("QUOTATION"), "{found}");
    }

    #[test]
    fn a_district_between_and_a_region_below() {
        let r = Reading::new(&document(&[
            "KEDAI BUKU",
            "LOT 2811, JALAN ANGSA,",
            "TAMAN BERKELEY",
            "41150 KLANG",
            "SELANGOR DARUL EHSAN",
            "CASH BILL",
            "Pen|1.20",
        ]));
        let found = find(&r, 0).map(|a| (a.text, a.situation));
        let text = "LOT 2811, JALAN ANGSA, TAMAN BERKELEY, 41150 KLANG, SELANGOR DARUL EHSAN";
        assert_eq!(found, Some((text.to_owned(), Situation::AddressWhole)));
    }
}
