//! What the reading is to reach: `quittance evaluate --aims` fails where it does not.

use super::{
    report::Report,
    score::{Calibration, Scores, Tally},
};

/// Of the set in which all three fields are asked for at once.
const SROIE: &str = "sroie";
/// Expected calibration error at most.
const CALIBRATION: f64 = 0.04;
/// Taken without a look at the review threshold at least, and wrong of these at most.
const TAKEN: f64 = 0.80;
const WRONG: f64 = 0.01;

/// The aims that are missed, each with what was reached; those of sets without a file are left out.
#[must_use]
pub fn missed(report: &Report) -> Vec<String> {
    let none = Scores::default();
    let sroie = report.sets.get(SROIE).unwrap_or(&none);
    let (all, french) = (&report.all, &report.french);
    let shares: [(&str, &Tally, f64); 6] = [
        ("total", &all.total, 96.0),
        ("date", &all.date, 96.0),
        ("name", &all.merchant, 85.0),
        ("French total", &french.total, 96.0),
        ("French date", &french.date, 96.0),
        ("SROIE, all three", &sroie.all_three, 80.0),
    ];
    let short = |(what, tally, aim): (&str, &Tally, f64)| {
        let reached = tally.percent().filter(|percent| *percent < aim)?;
        Some(format!("{what}: {reached:.1} %, aim {aim:.0} %"))
    };
    let mut missed: Vec<String> = shares.into_iter().filter_map(short).collect();
    let calibrations: [(&str, &Calibration); 2] =
        [("total", &all.total_calibration), ("date", &all.date_calibration)];
    let off = |(what, calibration): (&str, &Calibration)| {
        let error = calibration.ece();
        (error > CALIBRATION)
            .then(|| format!("calibration error of the {what}: {error:.3}, aim {CALIBRATION}"))
    };
    missed.extend(calibrations.into_iter().filter_map(off));
    let taken = all.total_calibration.accepted(report.review_threshold, all.total.of);
    if all.total.of > 0 && (taken.share < TAKEN || taken.wrong > WRONG) {
        missed.push(format!(
            "totals taken without a look: {:.1} %, wrong {:.1} %, aim {:.0} % and {:.0} %",
            100.0 * taken.share,
            100.0 * taken.wrong,
            100.0 * TAKEN,
            100.0 * WRONG
        ));
    }
    missed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_is_named_with_what_was_reached() {
        let mut report = Report { review_threshold: 0.95, ..Report::default() };
        assert_eq!(missed(&report), [""; 0], "nothing was scored");
        for n in 0..100_u8 {
            report.all.total.add(true, n >= 3);
            report.all.date.add(true, n >= 5);
            // Two of the taken ones are wrong.
            let stated = if (2..=10).contains(&n) { 0.7 } else { 0.98 };
            report.all.total_calibration.add(stated, n >= 3);
        }
        assert_eq!(
            missed(&report),
            [
                "date: 95.0 %, aim 96 %",
                "totals taken without a look: 91.0 %, wrong 2.2 %, aim 80 % and 1 %"
            ]
        );
    }
}
