//! What came out of an evaluation: per set, for French, for all; as a table or as JSON.

use super::{
    further::{self, Answers, FurtherScores},
    score::{BySet, Failure, Scores, Tally},
    truth::{Truth, minor},
};
use crate::{
    receipt::{
        Model, extract, extract_with,
        training::{Torn, torn},
    },
    several,
    train::Document,
};
use quittance_domain::document::DocumentText;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::{self, Write},
};

/// All files of the set with pictures together.
const ALL: &str = "all";

/// Pages whose lower end was cut away, and the total with it: what was given all the same.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct TornPages {
    /// Pages, by where they are cut: below the goods, below the subtotal.
    pub pages: [usize; 2],
    /// With a total that is not theirs.
    pub given: [usize; 2],
    /// With such a total at or above the review threshold.
    pub taken: [usize; 2],
}

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
    /// The same pages without their totals.
    pub torn: TornPages,
    /// The further fields by set; `all` are those read from pixels.
    pub further: BTreeMap<String, FurtherScores>,
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
        let outcomes = further::judge(&Answers::from(truth), &result);
        for set in [truth.dataset.as_str(), ALL] {
            self.further.entry(set.to_owned()).or_default().add(&outcomes);
        }
        self.failures.extend(further::failures(&truth.file, text, &outcomes));
        self.tear(truth, text, model);
    }

    /// Extracts from what is left of the page without its total.
    fn tear(&mut self, truth: &Truth, text: &DocumentText, model: Option<&Model>) {
        let Some(total) = truth.total.as_deref().and_then(minor) else { return };
        for (i, at) in Torn::ALL.into_iter().enumerate() {
            let Some(text) = torn(text, total, at) else { continue };
            let result = model.map_or_else(|| extract(&text), |m| extract_with(&text, m));
            let given = result.extracted_fields.total_amount.map(|t| t.field);
            // A subtotal may be the total that is gone.
            let wrong = given.filter(|f| minor(&format!("{:.2}", f.value)) != Some(total));
            self.torn.pages[i] += 1;
            self.torn.given[i] += usize::from(wrong.is_some());
            let taken = wrong.is_some_and(|f| f.confidence >= self.review_threshold);
            self.torn.taken[i] += usize::from(taken);
        }
    }

    /// Scores the further fields of a transcription; its total, date and name are not scored, it helped to learn them.
    pub fn add_transcription(&mut self, document: &Document, model: &Model) {
        let result = several::extract_with(&document.text, model);
        let outcomes = further::judge(&document.answers, &result);
        self.further.entry(document.set.clone()).or_default().add(&outcomes);
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
        self.print_further(out)?;
        self.print_torn(out)?;
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

    fn print_further(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut fields: Vec<&str> =
            self.further.values().flat_map(|s| s.0.keys().copied()).collect();
        fields.sort_unstable();
        fields.dedup();
        writeln!(
            out,
            "{:<11} {:<20} {:>7} {:>6} {:>6}  {:>16} {:>16} {:>6}",
            "further",
            "set",
            "answers",
            "given",
            "right",
            "right of given %",
            "right of all %",
            "ECE"
        )?;
        for field in fields {
            let sets = self.further.iter().filter(|(name, _)| *name != ALL);
            for (set, scores) in sets.chain(self.further.get_key_value(ALL)) {
                let Some(s) = scores.0.get(field) else { continue };
                let percent = |of: usize| {
                    let share = Tally { of, ..s.tally }.percent();
                    share.map_or("-".to_owned(), |p| format!("{p:.1}"))
                };
                // Counts and sums of goods carry no probability of their own.
                let stated = !field.starts_with("item ");
                let ece = if stated { format!("{:.3}", s.calibration.ece()) } else { "-".into() };
                let Tally { of, answered, right } = s.tally;
                let (given, all) = (percent(answered), percent(of));
                writeln!(
                    out,
                    "{field:<11} {set:<20} {of:>7} {answered:>6} {right:>6}  {given:>16} {all:>16} {ece:>6}"
                )?;
            }
        }
        Ok(())
    }

    fn print_torn(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.torn;
        for (i, cut) in ["goods", "subtotal"].into_iter().enumerate() {
            let (pages, given, taken) = (t.pages[i], t.given[i], t.taken[i]);
            let least = self.review_threshold;
            writeln!(
                out,
                "torn off below the {cut}: {pages} pages, with a wrong total {given}, at or above {least} {taken}"
            )?;
        }
        Ok(())
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
