//! The shop's address: the rows around its name that look like one.

use super::{Reading, normalise::fold, parties};
use regex::Regex;
use std::sync::LazyLock;

#[expect(clippy::expect_used, reason = "constant patterns, compiled in every test run")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

static STREET: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(jalan|jln|lorong|taman|street|st|road|rd|avenue|ave|av|blvd|bd|boulevard|rue|place|chemin|route|allee|quai|impasse|strasse|str|straat|plein|calle|avda|plaza|paseo|drive|dr|lane|suite|lot|kampung|bandar|persiaran|highway|hwy|square|mall|floor|centre|seksyen|section|batu)\b|strasse|steenweg|laan\b|straat\b",
    )
});
static POSTCODE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b[0-9]{4,5}\b|\b[a-z][0-9][a-z] ?[0-9][a-z][0-9]\b|\b[a-z]{1,2}[0-9][0-9a-z]? [0-9][a-z]{2}\b",
    )
});
static NOT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(tel|fax|phone|gst|tva|vat|steuernummer|siret|invoice|receipt|ticket|date|www|email|reg|co no|company|cashier|table|order)\b|@|www\.|[0-9]{6,}",
    )
});

/// A row's text without the boxes that are the buyer's.
fn own(r: &Reading, row: usize) -> String {
    let segs = r.layout.rows[row].segs.iter().enumerate();
    let kept = segs.filter(|(at, _)| !r.parties.buyers(row, *at));
    kept.map(|(_, s)| s.text.trim()).collect::<Vec<_>>().join(" ")
}

/// Rows that make up the address, and the text.
pub(crate) fn find(r: &Reading, merchant_row: usize) -> Option<(String, Vec<usize>)> {
    let from = merchant_row.saturating_sub(1);
    let mut rows: Vec<usize> = Vec::new();
    for row in from..r.layout.rows.len().min(from + 10) {
        let own = own(r, row);
        let text = fold(&own);
        let money = r.amounts.iter().any(|a| a.row == row && a.money());
        let dated = r.dates.iter().any(|d| d.row == row);
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        let street = STREET.is_match(&text) && text.chars().any(|c| c.is_ascii_digit() || c == ',');
        let town = POSTCODE.is_match(&text) && letters >= 3;
        let follows =
            rows.last().is_some_and(|l| *l + 1 == row) && text.contains(',') && letters > 4;
        if row != merchant_row
            && !money
            && !dated
            && !NOT.is_match(&text)
            && !parties::titled(&own)
            && (street || town || follows)
        {
            rows.push(row);
        } else if !rows.is_empty() && (money || dated || row > rows[rows.len() - 1] + 1) {
            break;
        }
    }
    rows.truncate(5);
    let parts: Vec<String> = rows
        .iter()
        .map(|row| own(r, *row).trim().trim_matches([',', '.', ' ']).to_owned())
        .collect();
    let text = parts.join(", ");
    (text.chars().any(|c| c.is_ascii_digit())).then_some((text, rows))
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
        assert_eq!(find(&r, 0).map(|a| a.0).as_deref(), Some("19 bis Rue Godefroy, 92800 PUTEAUX"));
    }
}
