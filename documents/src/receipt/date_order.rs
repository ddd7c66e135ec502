//! In which order a page writes day, month and year, where the digits of a date leave it open.

use super::{
    Reading,
    dates::{DateHit, Order},
};
use chrono::Datelike as _;
use quittance_domain::money::Currency;

/// What the page says of the order of its dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Language, country, currency or decimal commas of where the day comes first.
    DayFirst,
    /// A country where the month comes first.
    MonthFirst,
    /// Nothing tells, or both are in use there.
    Open,
}

/// [`Reading::late`] of a text whose day of reading nobody says.
pub(crate) const LATE: i32 = 2028;

impl Habit {
    pub(crate) fn of(r: &Reading) -> Self {
        match r.locale.country.map(|c| c.0) {
            Some("US" | "PH") => Self::MonthFirst,
            // An invoice for abroad may be written another way than its country's.
            _ if proven(r) == Some(Order::Mdy) => Self::MonthFirst,
            Some("CA") => Self::Open,
            Some(_) => Self::DayFirst,
            None if day_first(r) => Self::DayFirst,
            None => Self::Open,
        }
    }
}

/// Signs of it on a page whose country is not known.
fn day_first(r: &Reading) -> bool {
    let language = r.locale.language.is_some_and(|l| l != "en");
    let dollars = ["USD", "CAD", "PHP"];
    let currency = |c: Currency| !dollars.contains(&c.code());
    language || r.locale.currency.is_some_and(|c| currency(c.0)) || decimal_commas(r)
}

/// Whether the page prints its cents behind commas.
fn decimal_commas(r: &Reading) -> bool {
    let sign = |raw: &str| raw.chars().rev().find(|c| matches!(c, '.' | ','));
    let money = || r.amounts.iter().filter(|a| a.money() && !a.second);
    let commas = money().filter(|a| sign(&a.raw) == Some(',')).count();
    commas * 2 > money().count()
}

/// Whether a date is read in an order that nobody writes there, while its digits allow another.
pub(crate) fn impossible(r: &Reading, habit: Habit, hit: &DateHit) -> bool {
    if !hit.ambiguous || hit.weekday == Some(true) {
        return false;
    }
    let late = |h: &DateHit| h.date.year() >= r.late;
    let mut others = r.dates.iter().filter(|h| same_print(h, hit) && h.order != hit.order);
    match hit.order {
        // A short year stands first where that is the habit, or where it would be yet to come behind.
        Order::Dmy | Order::Mdy if r.locale.year_first || late(hit) && !hit.long_year => {
            others.any(|h| h.order == Order::ShortYmd && !late(h))
        }
        Order::Mdy => habit == Habit::DayFirst,
        Order::ShortYmd => {
            let canadian = r.locale.country.is_some_and(|c| c.0 == "CA");
            !r.locale.year_first && !canadian && others.any(|h| !late(h))
        }
        Order::Dmy | Order::Ymd | Order::Named | Order::Compact => false,
    }
}

/// Two readings of the same digits.
pub(crate) fn same_print(a: &DateHit, b: &DateHit) -> bool {
    (a.row, a.seg, a.span) == (b.row, b.seg, b.span)
}

/// The order that dates with a full year have on the page, where some can have no other and all of those agree.
pub(crate) fn proven(r: &Reading) -> Option<Order> {
    let sure =
        |order: Order| r.dates.iter().any(|h| h.long_year && !h.ambiguous && h.order == order);
    match (sure(Order::Dmy), sure(Order::Mdy)) {
        (true, false) => Some(Order::Dmy),
        (false, true) => Some(Order::Mdy),
        _ => None,
    }
}

/// A page writes its dates one way: what could be both is what the others are.
pub(crate) fn against(proven: Option<Order>, hit: &DateHit) -> bool {
    let other = match proven {
        Some(Order::Dmy) => Order::Mdy,
        Some(Order::Mdy) => Order::Dmy,
        _ => return false,
    };
    hit.long_year && hit.ambiguous && hit.order == other
}

#[cfg(test)]
mod tests {
    use crate::receipt::{extract, testing::document};

    #[test]
    fn what_is_yet_to_come_hangs_on_the_day_of_reading() {
        let mut text =
            document(&["CHEZ PAUL", "75011 PARIS", "13.12.29", "TOTAL TTC 12,50", "CB 12,50"]);
        let mut on = |day: &str| {
            text.read_on = Some(day.parse().unwrap());
            extract(&text).extracted_fields.date.map(|date| date.value)
        };
        assert_eq!(on("2029-12-14").as_deref(), Some("2029-12-13"));
        assert_ne!(on("2026-12-14").as_deref(), Some("2029-12-13"));
    }
}
