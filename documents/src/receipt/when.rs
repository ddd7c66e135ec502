//! Candidates for the date of purchase and what speaks for each; the time that belongs to it.

use super::{
    Reading,
    date_order::{self, Habit, against, impossible, same_print},
    dated,
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
    let (habit, proven) = (Habit::of(r), date_order::proven(r));
    let possible =
        |i: usize, h: &DateHit| eligible[i] && !impossible(r, habit, h) && !against(proven, h);
    for (i, hit) in r.dates.iter().enumerate().filter(|(i, h)| possible(*i, h)) {
        by_date.entry(hit.date).or_default().push(i);
    }
    // What is left of several readings when the impossible ones are gone leaves nothing open.
    let left = |h: &DateHit| {
        let readings = by_date.values().flatten().map(|i| &r.dates[*i]);
        readings.filter(|o| same_print(o, h)).any(|o| o.date != h.date)
    };
    let dates: Vec<DateHit> = r
        .dates
        .iter()
        .map(|h| DateHit { ambiguous: h.ambiguous && left(h), ..h.clone() })
        .collect();
    let sure: Vec<&DateHit> = dates.iter().filter(|h| !h.ambiguous).collect();
    let plausible: Vec<NaiveDate> =
        by_date.keys().copied().filter(|d| (2000..2040).contains(&d.year())).collect();
    let first_row = r.dates.iter().map(|h| h.row).min().unwrap_or(0);
    by_date
        .iter()
        .take(60)
        .map(|(date, hits)| {
            let mut f: Features = Vec::with_capacity(48);
            let all: Vec<&DateHit> = hits.iter().map(|i| &dates[*i]).collect();
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
                    s.date != *date && dates.iter().any(|o| o.date == s.date && o.ambiguous)
                });
            f.push(("contradicted", flag(contradicted)));
            f.push(("only", flag(by_date.len() == 1)));
            f.push(("earliest", flag(plausible.first() == Some(date))));
            f.push(("latest", flag(plausible.last() == Some(date))));
            let year = date.year();
            f.push(("year_far", flag(!(2000..2040).contains(&year))));
            f.push(("year_old", flag(year < 2008)));
            f.push(("year_2010s", flag((2010..2020).contains(&year))));
            f.push(("year_late", flag((r.late..2040).contains(&year))));
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

/// Whether day and month of a choice could be the other way round, and nothing on the page tells which comes first.
pub(crate) fn open(r: &Reading, found: &[Candidate], best: usize) -> bool {
    let hits = |c: &Candidate| -> Vec<&DateHit> { c.hits.iter().map(|i| &r.dates[*i]).collect() };
    let numeric = |h: &DateHit| h.ambiguous && matches!(h.order, Order::Dmy | Order::Mdy);
    let chosen = hits(&found[best]);
    let sure = chosen.iter().any(|h| !numeric(h) || h.weekday == Some(true));
    let turned = |c: &Candidate| {
        let other = hits(c);
        c.date != found[best].date
            && other.iter().any(|h| numeric(h) && chosen.iter().any(|o| same_print(o, h)))
    };
    !sure && Habit::of(r) == Habit::Open && found.iter().any(turned)
}

fn order_features(r: &Reading, all: &[&DateHit], f: &mut Features) {
    let any = |test: &dyn Fn(&DateHit) -> bool| flag(all.iter().any(|h| test(h)));
    f.push(("ymd", any(&|h| h.order == Order::Ymd)));
    f.push(("named", any(&|h| h.order == Order::Named)));
    f.push(("compact", flag(all.iter().all(|h| h.order == Order::Compact))));
    // A short year first counts as a day first would where it can be nothing else: the sets have hardly any.
    let behind = |h: &DateHit| matches!(h.order, Order::Dmy | Order::ShortYmd);
    f.push(("dmy_sure", any(&|h| behind(h) && !h.ambiguous)));
    f.push(("mdy_sure", any(&|h| h.order == Order::Mdy && !h.ambiguous)));
    f.push(("short_ymd", any(&|h| h.order == Order::ShortYmd && h.ambiguous)));
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
    // In most countries without a 24-hour clock that are not known by anything else, the month comes first.
    let halves = country.is_none() && r.times.iter().any(|t| t.raw.contains(['a', 'p']));
    for (order, name) in [(Order::Dmy, "dmy_clock12"), (Order::Mdy, "mdy_clock12")] {
        f.push((name, flag(halves && all.iter().any(|h| h.order == order && h.ambiguous))));
    }
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
        let abroad =
            ["Au bon moulin", "84340 Malaucène", "Invoice Date 11/03/2017", "Paid 11/17/2017"];
        assert_eq!(days(&abroad), ["2017-11-03"], "a French invoice in English");
        let short = ["25/06/18 11:18", "25/06/18 11:03 - 25/06/18 11:18"];
        assert!(days(&short).contains(&"2018-06-25".to_owned()), "short years prove nothing");
    }

    /// The date, how sure it is, and the other readings that are shown.
    fn dated(rows: &[&str]) -> (String, f32, Vec<String>) {
        let date = super::super::extract(&document(rows)).extracted_fields.date.unwrap();
        let others = date.alternatives.iter().filter_map(|a| a.value.as_str().map(str::to_owned));
        (date.value, date.confidence, others.collect())
    }

    #[test]
    fn where_nothing_tells_the_order_both_are_shown_and_none_is_sure() {
        for rows in [
            &["SHOP", "01/02/2024", "TOTAL|10.00"][..],
            &["JOE'S PIZZA", "01/02/2024 1:15 PM", "Soda|7.00", "TOTAL|7.00"],
            &["THE CORNER DELI", "Thank you for your visit", "01/02/2024", "Total|8.50"],
            &["TIM HORTONS", "Toronto, ON M5V 2T6", "01/02/2024 10:00 AM", "TOTAL|$2.26"],
        ] {
            let (date, confidence, others) = dated(rows);
            let mut both = vec![date];
            both.extend(others);
            both.sort();
            assert_eq!(both, ["2024-01-02", "2024-02-01"], "{rows:?}");
            assert!(confidence < 0.8, "{confidence}: {rows:?}");
        }
    }

    #[test]
    fn a_chain_of_the_united_states_writes_the_month_first() {
        let page = ["WALGREENS", "04/05/2024 1:15 PM", "Soda|7.00", "TOTAL|7.00"];
        let (date, confidence, others) = dated(&page);
        assert_eq!((date.as_str(), others.as_slice()), ("2024-04-05", &["2024-05-04".into()][..]));
        assert!(confidence < 0.95, "{confidence}");
    }

    #[test]
    fn the_day_stays_first_and_sure_where_words_currency_or_commas_say_so() {
        for rows in [
            &["CAFE", "03/04/2024 10:00", "TOTAL|2.00", "Merci de votre visite"][..],
            &["CAFE", "03/04/2024 10:00", "Item|2.00 €", "TOTAL|2.00 €"],
            &["KAMPS", "03.04.2024 10:00", "SUMME|2.00", "Vielen Dank für Ihren Einkauf"],
            &["ALBERT HEIJN", "03-04-2024 10:00", "TOTAAL|2.00", "Bedankt"],
            &["BAR PEPE", "03/04/2024 10:00", "TOTAL|2.00", "Gracias por su visita"],
            &["NISA LOCAL", "London SW1A 1AA", "03/04/2024 13:15", "TOTAL|3.20"],
            &["SHOP", "03/04/2024 13:15", "Item|3,20", "TOTAL|3,20"],
        ] {
            let (date, confidence, others) = dated(rows);
            assert_eq!((date.as_str(), others.len()), ("2024-04-03", 0), "{rows:?}");
            assert!(confidence >= 0.95, "{confidence}: {rows:?}");
        }
    }

    #[test]
    fn a_short_year_stands_first_only_where_that_is_written_or_nothing_else_can_be() {
        for (rows, date) in [
            (&["CHEZ PAUL", "75011 PARIS", "13.12.23", "TOTAL TTC|24,50"][..], "2023-12-13"),
            (&["SHOP", "13.12.23", "TOTAL|20,00"], "2023-12-13"),
            (&["TESCO ZRT", "BUDAPEST", "23.12.13", "NYUGTA", "TOTAL|20,00"], "2023-12-13"),
            (&["ICA", "STOCKHOLM", "KVITTO", "23-12-11", "TOTAL SEK|20,00"], "2023-12-11"),
            (&["SHOP", "23.12.31", "TOTAL|20,00"], "2023-12-31"),
        ] {
            assert_eq!(dated(rows).0, date, "{rows:?}");
        }
    }
}
