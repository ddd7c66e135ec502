//! Candidates for the date of purchase and what speaks for each; the time that belongs to it.

use super::{
    Reading, dated,
    dates::{DateHit, Order, TimeHit},
    model::Features,
    normalise::{fold, label_key},
    num::{count, flag},
    reliability::Situation,
};
use chrono::{Datelike, NaiveDate};
use std::collections::BTreeMap;

/// One date with all prints that can mean it.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) date: NaiveDate,
    /// Indices into `Reading::dates`.
    pub(crate) hits: Vec<usize>,
    pub(crate) features: Features,
}

const DATE_WORDS: &[&str] =
    &["date", "datum", "fecha", "dated", "tarikh", "data", "invdate", "kuupaev"];
const OTHER_WORDS: &[&str] = &[
    "exp",
    "valid",
    "valab",
    "until",
    "jusqu",
    "echeance",
    "due",
    "birth",
    "ne le",
    "member",
    "since",
    "depuis",
    "garantie",
    "warranty",
    "return",
    "refund",
    "bis ",
    "gultig",
    "vanaf",
    "geldig",
    "best before",
    "delivery",
    "eff",
    "issued",
    "w.e.f",
    "promo",
    "offer",
    "period",
    "hasta",
    "lo antes",
    "version",
    "licen",
    "before",
    "policy",
];

/// Every date with its features.
pub(crate) fn candidates(r: &Reading) -> Vec<Candidate> {
    let mut by_date: BTreeMap<NaiveDate, Vec<usize>> = BTreeMap::new();
    let eligible = dated::eligible(r);
    let habit = habit(r);
    let possible = |i: usize, h: &DateHit| eligible[i] && !impossible(r, h) && !against(habit, h);
    for (i, hit) in r.dates.iter().enumerate().filter(|(i, h)| possible(*i, h)) {
        by_date.entry(hit.date).or_default().push(i);
    }
    let sure: Vec<&DateHit> = r.dates.iter().filter(|h| !h.ambiguous).collect();
    let plausible: Vec<NaiveDate> =
        by_date.keys().copied().filter(|d| (2000..2040).contains(&d.year())).collect();
    let first_row = r.dates.iter().map(|h| h.row).min().unwrap_or(0);
    by_date
        .iter()
        .take(60)
        .map(|(date, hits)| {
            let mut f: Features = Vec::with_capacity(48);
            let all: Vec<&DateHit> = hits.iter().map(|i| &r.dates[*i]).collect();
            order_features(r, &all, &mut f);
            place_features(r, &all, first_row, &mut f);
            let rows: std::collections::BTreeSet<usize> = all.iter().map(|h| h.row).collect();
            f.push(("repeated", count(rows.len()).ln().min(2.0)));
            f.push((
                "confirmed",
                flag(all.iter().any(|h| h.ambiguous) && all.iter().any(|h| !h.ambiguous)),
            ));
            let contradicted = all.iter().all(|h| h.ambiguous)
                && sure.iter().any(|s| {
                    s.date != *date && r.dates.iter().any(|o| o.date == s.date && o.ambiguous)
                });
            f.push(("contradicted", flag(contradicted)));
            f.push(("only", flag(by_date.len() == 1)));
            f.push(("earliest", flag(plausible.first() == Some(date))));
            f.push(("latest", flag(plausible.last() == Some(date))));
            let year = date.year();
            f.push(("year_far", flag(!(2000..2040).contains(&year))));
            f.push(("year_old", flag(year < 2008)));
            f.push(("year_2010s", flag((2010..2020).contains(&year))));
            f.push(("year_late", flag((2028..2040).contains(&year))));
            let others = plausible
                .iter()
                .filter(|d| *d != date)
                .map(|d| (*d - *date).num_days().abs())
                .min();
            f.push(("neighbour", flag(others.is_some_and(|d| d <= 3))));
            Candidate { date: *date, hits: hits.clone(), features: f }
        })
        .collect()
}

/// Month first is read only where it is written: not on a page that is neither English nor from such a country.
fn impossible(r: &Reading, hit: &DateHit) -> bool {
    let abroad = !matches!(r.locale.country.map(|c| c.0), Some("US" | "PH" | "CA"));
    let english = r.locale.language == Some("en");
    hit.order == Order::Mdy && hit.ambiguous && hit.weekday != Some(true) && abroad && !english
}

/// The order that dates with a full year have on the page, where some can have no other and all of those agree.
fn habit(r: &Reading) -> Option<Order> {
    let sure =
        |order: Order| r.dates.iter().any(|h| h.long_year && !h.ambiguous && h.order == order);
    match (sure(Order::Dmy), sure(Order::Mdy)) {
        (true, false) => Some(Order::Dmy),
        (false, true) => Some(Order::Mdy),
        _ => None,
    }
}

/// A page writes its dates one way: what could be both is what the others are.
fn against(habit: Option<Order>, hit: &DateHit) -> bool {
    let other = match habit {
        Some(Order::Dmy) => Order::Mdy,
        Some(Order::Mdy) => Order::Dmy,
        _ => return false,
    };
    hit.long_year && hit.ambiguous && hit.order == other
}

fn order_features(r: &Reading, all: &[&DateHit], f: &mut Features) {
    let any = |test: &dyn Fn(&DateHit) -> bool| flag(all.iter().any(|h| test(h)));
    f.push(("ymd", any(&|h| h.order == Order::Ymd)));
    f.push(("named", any(&|h| h.order == Order::Named)));
    f.push(("compact", flag(all.iter().all(|h| h.order == Order::Compact))));
    f.push(("dmy_sure", any(&|h| h.order == Order::Dmy && !h.ambiguous)));
    f.push(("mdy_sure", any(&|h| h.order == Order::Mdy && !h.ambiguous)));
    f.push(("short_ymd", any(&|h| h.order == Order::ShortYmd)));
    let country = r.locale.country.map(|c| c.0);
    let place = |dmy, mdy, other| match country {
        Some("US" | "PH") => mdy,
        Some("CA") => other,
        Some(_) => dmy,
        None => "",
    };
    let names = [
        (Order::Dmy, place("dmy_in_dmy", "dmy_in_mdy", "dmy_in_ca"), "dmy_nowhere"),
        (Order::Mdy, place("mdy_in_dmy", "mdy_in_mdy", "mdy_in_ca"), "mdy_nowhere"),
        (Order::ShortYmd, place("yy_in_dmy", "yy_in_mdy", "yy_in_ca"), "yy_nowhere"),
    ];
    for (order, name, nowhere) in names {
        let hit = all.iter().any(|h| h.order == order && h.ambiguous);
        f.push((if name.is_empty() { nowhere } else { name }, flag(hit)));
    }
    let dollar = r.amounts.iter().any(|a| a.sign == Some(super::amounts::Sign::Dollar));
    f.push((
        "mdy_dollar",
        flag(dollar && all.iter().any(|h| h.order == Order::Mdy && h.ambiguous)),
    ));
    f.push((
        "dmy_dollar",
        flag(dollar && all.iter().any(|h| h.order == Order::Dmy && h.ambiguous)),
    ));
    let english = r.locale.language == Some("en");
    f.push(("mdy_foreign", flag(!english && all.iter().any(|h| h.order == Order::Mdy))));
    f.push(("long_year", any(&|h| h.long_year)));
    f.push(("weekday_fits", any(&|h| h.weekday == Some(true))));
    f.push(("weekday_wrong", any(&|h| h.weekday == Some(false))));
}

fn place_features(r: &Reading, all: &[&DateHit], first_row: usize, f: &mut Features) {
    let labelled = |h: &DateHit, words: &[&str]| {
        let before = text_before(r, h);
        let key = label_key(&before);
        let folded = fold(&before);
        words.iter().any(|w| key.contains(w) || folded.contains(w))
    };
    f.push(("said_date", flag(all.iter().any(|h| labelled(h, DATE_WORDS)))));
    f.push(("said_other", flag(all.iter().any(|h| labelled(h, OTHER_WORDS)))));
    f.push(("all_other", flag(all.iter().all(|h| labelled(h, OTHER_WORDS)))));
    let gap = |h: &DateHit| r.times.iter().map(|t| t.row.abs_diff(h.row)).min().unwrap_or(99);
    f.push(("time_in_row", flag(all.iter().any(|h| gap(h) == 0))));
    f.push(("time_near", flag(all.iter().any(|h| gap(h) == 1))));
    f.push(("first", flag(all.iter().any(|h| h.row == first_row))));
    f.push(("depth", all.iter().map(|h| r.layout.depth(h.row)).fold(1.0, f32::min)));
    f.push(("second_page", flag(all.iter().all(|h| r.layout.rows[h.row].page > 0))));
    let alone = all.iter().any(|h| {
        let length = r.layout.rows[h.row].segs[h.seg].text.chars().count();
        h.span.1 - h.span.0 + 2 >= length
    });
    f.push(("alone", flag(alone)));
}

/// Words before the date in its row, or the row above when there are none.
fn text_before(r: &Reading, h: &DateHit) -> String {
    let row = &r.layout.rows[h.row];
    let mut text: String = row.segs.iter().take(h.seg).map(|s| s.text.clone() + " ").collect();
    text.extend(row.segs[h.seg].text.chars().take(h.span.0));
    if text.trim().is_empty() && h.row > 0 && r.layout.rows[h.row - 1].page == row.page {
        let above = &r.layout.rows[h.row - 1];
        if above.segs.len() == 1 {
            text = above.text();
        }
    }
    text
}

/// Features of "no printed date is the date of purchase".
pub(crate) fn none_features(candidates: &[Candidate]) -> Features {
    vec![("none", 1.0), ("none_empty", flag(candidates.is_empty()))]
}

/// The time printed nearest to the chosen date, and where that is.
pub(crate) fn time<'a>(r: &'a Reading, hits: &[&DateHit]) -> Option<(&'a TimeHit, Situation)> {
    let hours = |t: &TimeHit| {
        let text = fold(&r.layout.rows[t.row].text());
        let many = r.times.iter().filter(|o| o.row == t.row).count() > 1;
        many && (text.contains('-')
            || text.contains(" a ")
            || text.contains("to ")
            || text.contains("bis"))
    };
    r.times
        .iter()
        .filter(|t| !hours(t))
        .map(|t| {
            let gap = hits.iter().map(|h| t.row.abs_diff(h.row)).min().unwrap_or(50);
            (gap, t)
        })
        .min_by_key(|(gap, t)| (*gap, t.row))
        .map(|(gap, t)| {
            let situation = match gap {
                0 => Situation::TimeInRow,
                1 => Situation::TimeNear,
                _ => Situation::TimeFar,
            };
            (t, situation)
        })
}

#[cfg(test)]
mod tests {
    use super::super::testing::document;
    use super::*;

    fn days(rows: &[&str]) -> Vec<String> {
        let r = Reading::new(&document(rows));
        candidates(&r).iter().map(|c| c.date.to_string()).collect()
    }

    #[test]
    fn a_page_writes_its_dates_one_way() {
        let page = ["Thank you for your business", "Invoice Date 11/03/2024", "Paid 11/17/2024"];
        assert_eq!(days(&page), ["2024-11-03"], "the payment's month can only be the first");
        let page = ["Facture du 03/11/2024", "Acompte du 17/10/2024", "Échéance 03/12/2024"];
        assert_eq!(days(&page), ["2024-11-03"]);
        let short = ["25/06/18 11:18", "25/06/18 11:03 - 25/06/18 11:18"];
        assert!(days(&short).contains(&"2018-06-25".to_owned()), "short years prove nothing");
    }
}
