//! The rhythm of a list of days.

use super::Period;
use chrono::{Datelike, Days, Months, NaiveDate};

/// A period that fits.
pub(super) struct Rhythm {
    pub(super) period: Period,
    /// Share of the gaps that are one period long, 0..1.
    pub(super) regularity: f32,
    /// Days in between on which a payment was due.
    pub(super) missed: Vec<NaiveDate>,
}

/// What comes after the last day.
pub(super) struct Outlook {
    pub(super) next: NaiveDate,
    pub(super) missed: Vec<NaiveDate>,
}

/// Share of the gaps that must be regular.
const REGULAR: f32 = 0.7;
/// More missing days than these are not listed.
const MOST_MISSED: usize = 12;

impl Period {
    /// Days between two payments, and by how many they may be off.
    fn days(self) -> (i64, i64) {
        match self {
            Self::Weekly => (7, 2),
            Self::Monthly => (30, 6),
            Self::Quarterly => (91, 9),
            Self::Yearly => (365, 15),
        }
    }

    fn least(self) -> usize {
        if self == Self::Yearly { 2 } else { 3 }
    }

    /// `count` periods after a day; months keep the day of the month where they can.
    fn after(self, day: NaiveDate, count: u32) -> NaiveDate {
        let months =
            |months: u32| day.checked_add_months(Months::new(months.saturating_mul(count)));
        match self {
            Self::Weekly => day.checked_add_days(Days::new(7 * u64::from(count))),
            Self::Monthly => months(1),
            Self::Quarterly => months(3),
            Self::Yearly => months(12),
        }
        .unwrap_or(day)
    }
}

/// The period that most of the gaps agree with. `dates` is sorted.
pub(super) fn rhythm(dates: &[NaiveDate]) -> Option<Rhythm> {
    [Period::Weekly, Period::Monthly, Period::Quarterly, Period::Yearly]
        .into_iter()
        .filter(|period| dates.len() >= period.least())
        .filter_map(|period| fit(dates, period))
        .max_by(|a, b| a.regularity.total_cmp(&b.regularity))
}

fn fit(dates: &[NaiveDate], period: Period) -> Option<Rhythm> {
    let (length, off) = period.days();
    let (mut regular, mut gaps) = (0_u16, 0_u16);
    let mut missed = Vec::new();
    for pair in dates.windows(2) {
        let gap = (pair[1] - pair[0]).num_days();
        gaps = gaps.saturating_add(1);
        if (gap - length).abs() <= off {
            regular = regular.saturating_add(1);
            continue;
        }
        let times = (gap + length / 2) / length;
        if (2..=4).contains(&times) && (gap - times * length).abs() <= off + times {
            missed.extend(
                (1..u32::try_from(times).unwrap_or(1)).map(|count| period.after(pair[0], count)),
            );
        }
    }
    let enough = usize::from(regular) + 1 >= period.least();
    let regularity = f32::from(regular) / f32::from(gaps.max(1));
    (enough && regularity >= REGULAR).then_some(Rhythm { period, regularity, missed })
}

/// The next day a payment is due, and the due days before `today` on which none came.
pub(super) fn outlook(dates: &[NaiveDate], period: Period, today: NaiveDate) -> Outlook {
    let last = dates.last().copied().unwrap_or(today);
    let (_, off) = period.days();
    let base = typical(dates, period, last);
    let mut missed = Vec::new();
    let mut count = 1;
    loop {
        let due = period.after(base, count);
        if (today - due).num_days() <= off || missed.len() >= MOST_MISSED {
            return Outlook { next: due, missed };
        }
        missed.push(due);
        count += 1;
    }
}

/// The last day, moved to the usual day of the month: a payment that came late on a Monday is not late for ever.
fn typical(dates: &[NaiveDate], period: Period, last: NaiveDate) -> NaiveDate {
    if period == Period::Weekly {
        return last;
    }
    let mut days: Vec<u32> = dates.iter().map(Datelike::day).collect();
    days.sort_unstable();
    let usual = days[days.len() / 2];
    let moved = (0..4).find_map(|less| last.with_day(usual.saturating_sub(less).max(1)));
    moved.filter(|day| (*day - last).num_days().abs() <= 6).unwrap_or(last)
}
