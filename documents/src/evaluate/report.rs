//! What came out of an evaluation: per set, for French, for all; as a table or as JSON.

use super::{
    score::{BySet, Failure, Scores, Tally},
    truth::Truth,
};
use crate::{receipt::Model, several};
use quittance_domain::document::DocumentText;
use serde::Serialize;
use std::io::{self, Write};

/// What came out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// By set.
    pub sets: BySet,
    /// Those whose truth says French.
    pub french: Scores,
    /// Together.
    pub all: Scores,
    /// Pages read or loaded.
    pub pages: usize,
    /// Every document was judged by weights that had not seen it.
    pub cross_validated: bool,
    /// At or above it a value is taken without a look.
    pub review_threshold: f32,
    /// CPU seconds a page, reading and extraction; extraction alone when the texts were kept.
    pub cpu_per_page: f64,
    /// Peak memory of the process in MiB; 0 where the system does not tell.
    pub peak_mib: u64,
    /// Files that were taken for several receipts, though each has one truth: their own fields are empty, and wrong.
    pub split: Vec<String>,
    /// Files that could not be read, with the reason.
    pub unread: Vec<String>,
    /// What is wrong.
    pub failures: Vec<Failure>,
}

impl Report {
    /// Extracts from one text and scores it; without a model, by the program's own.
    pub fn add(&mut self, truth: &Truth, text: &DocumentText, model: Option<&Model>) {
        self.pages += text.pages.len();
        let result =
            model.map_or_else(|| several::extract(text), |m| several::extract_with(text, m));
        if !result.children.is_empty() {
            self.split.push(format!("{} ({})", truth.file, result.children.len()));
        }
        self.sets.entry(truth.dataset.clone()).or_default().add(truth, text, &result);
        if truth.lang.as_deref() == Some("fr") {
            self.french.add(truth, text, &result);
        }
        self.failures.extend(self.all.add(truth, text, &result));
    }

    /// The tables.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn print(&self, out: &mut dyn Write, failures: bool) -> io::Result<()> {
        let cell = |t: &Tally| {
            t.percent().map_or("-".to_owned(), |p| format!("{p:.1} ({}/{})", t.right, t.of))
        };
        if self.cross_validated {
            writeln!(out, "cross-validated: each file judged by weights that have not seen it")?;
        }
        writeln!(
            out,
            "{:<20} {:>5}  {:<16} {:<16} {:<16} {:<16} {:<16} ECE total/date/merchant",
            "set", "files", "total %", "date %", "merchant %", "all three %", "currency %"
        )?;
        for (name, s) in self.rows() {
            writeln!(
                out,
                "{:<20} {:>5}  {:<16} {:<16} {:<16} {:<16} {:<16} {:.3} {:.3} {:.3}",
                name,
                s.files,
                cell(&s.total),
                cell(&s.date),
                cell(&s.merchant),
                cell(&s.all_three),
                cell(&s.currency),
                s.total_calibration.ece(),
                s.date_calibration.ece(),
                s.merchant_calibration.ece()
            )?;
        }
        self.print_review(out)?;
        for split in &self.split {
            writeln!(out, "taken for several receipts: {split}")?;
        }
        for unread in &self.unread {
            writeln!(out, "not read: {unread}")?;
        }
        for f in self.failures.iter().filter(|_| failures) {
            let (got, reason) = (f.got.as_deref().unwrap_or("-"), f.reason.words());
            let (file, field, expected) = (&f.file, f.field, &f.expected);
            writeln!(out, "{file}\t{field}\t{expected}\t{got}\t{:.2}\t{reason}", f.confidence)?;
        }
        Ok(())
    }

    fn rows(&self) -> impl Iterator<Item = (&str, &Scores)> {
        let sets = self.sets.iter().map(|(n, s)| (n.as_str(), s));
        sets.chain([("(French)", &self.french), ("all", &self.all)])
    }

    fn print_review(&self, out: &mut dyn Write) -> io::Result<()> {
        for (name, s) in [("French", &self.french), ("all", &self.all)] {
            let fields = [
                ("total", &s.total_calibration, s.total.of),
                ("date", &s.date_calibration, s.date.of),
                ("merchant", &s.merchant_calibration, s.merchant.of),
            ];
            for (field, calibration, of) in fields {
                write!(out, "{name:<7} {field:<9} taken/wrong of taken:")?;
                for threshold in [0.5, 0.7, 0.8, 0.9, 0.95, 0.98] {
                    let a = calibration.accepted(threshold, of);
                    let mark =
                        if (threshold - self.review_threshold).abs() < 1e-6 { "*" } else { "" };
                    let (share, wrong) = (100.0 * a.share, 100.0 * a.wrong);
                    write!(out, "  {threshold}{mark}: {share:.1}/{wrong:.1} %")?;
                }
                writeln!(out)?;
            }
        }
        Ok(())
    }
}
