//! Cross-validation: every document is judged by a ranking that has not seen it.

use super::{Document, How, Ranked, curve, learn};
use crate::{
    evaluate::further::{self, Outcome},
    receipt::{
        self,
        model::{Curve, Model},
        reliability::{Counts, Reliability, Situation},
        training,
    },
};
use std::{
    collections::{BTreeMap, HashMap},
    io::Write,
};

/// One model a part, learned on the other parts.
#[derive(Debug)]
pub struct CrossValidated {
    models: Vec<Model>,
    folds: HashMap<(String, String), usize>,
    choices: Vec<Choice>,
    noted: Vec<Noted>,
}

/// A further field given in a situation by a model that had not seen the document.
#[derive(Clone, Copy, Debug)]
struct Noted {
    fold: usize,
    situation: Situation,
    right: bool,
    pixels: bool,
}

/// What a model that had not seen the document chose.
#[derive(Debug)]
struct Choice {
    document: usize,
    field: Ranked,
    fold: usize,
    share: f32,
    right: bool,
    possible: bool,
    /// Of documents read from pixels, which probabilities are meant for.
    counts: bool,
}

/// Learns once a part and judges what was left out.
#[must_use]
pub fn cross_validate(documents: &[Document], how: &How) -> CrossValidated {
    let parts: Vec<usize> = documents
        .iter()
        .map(|d| usize::try_from(d.fold(how.folds, how.by_shop)).unwrap_or(0))
        .collect();
    let folds = documents.iter().zip(&parts);
    let mut out = CrossValidated {
        models: Vec::new(),
        folds: folds.map(|(d, f)| ((d.set.clone(), d.name.clone()), *f)).collect(),
        choices: Vec::new(),
        noted: Vec::new(),
    };
    for fold in 0..usize::try_from(how.folds).unwrap_or(2) {
        let seen: Vec<&Document> =
            documents.iter().zip(&parts).filter(|(_, f)| **f != fold).map(|(d, _)| d).collect();
        let mut model = Model::default();
        for field in Ranked::ALL {
            let ranker = learn(&seen, field, how);
            for (i, d) in documents.iter().enumerate().filter(|(i, _)| parts[*i] == fold) {
                let Some(e) = field.pick(&d.examples) else { continue };
                let (right, share) = training::judge(&ranker, e);
                let (possible, counts) = (!e.right.is_empty(), d.pixels);
                out.choices.push(Choice {
                    document: i,
                    field,
                    fold,
                    share,
                    right,
                    possible,
                    counts,
                });
            }
            field.put(&mut model, ranker);
        }
        out.models.push(model);
    }
    // Each part's curve comes from the choices in the other parts.
    for (fold, model) in out.models.iter_mut().enumerate() {
        for field in Ranked::ALL {
            let mut ranker = field.of(model).clone();
            ranker.curve = curve_of(&out.choices, field, Some(fold));
            field.put(model, ranker);
        }
    }
    for (d, fold) in documents.iter().zip(&parts) {
        out.noted.extend(noted(d, *fold, &out.models[*fold]));
    }
    for (fold, model) in out.models.iter_mut().enumerate() {
        model.reliability = reliability_of(&out.noted, Some(fold));
    }
    out
}

/// What was given of the further fields, and whether it is right.
fn noted(document: &Document, fold: usize, model: &Model) -> Vec<Noted> {
    let decided = receipt::decided(&document.text, model);
    let outcomes = further::judge(&document.answers, &decided.extraction);
    let situation = |o: &Outcome| {
        let own = decided.given.iter().filter(|s| s.field() == o.field);
        own.copied().nth(o.place)
    };
    let given = outcomes.iter().filter(|o| o.stated.is_some());
    given
        .filter_map(|o| {
            let situation = situation(o)?;
            Some(Noted { fold, situation, right: o.right, pixels: document.pixels })
        })
        .collect()
}

fn reliability_of(noted: &[Noted], without: Option<usize>) -> Reliability {
    let mut counts: BTreeMap<Situation, Counts> = BTreeMap::new();
    for n in noted.iter().filter(|n| Some(n.fold) != without) {
        let c = counts.entry(n.situation).or_default();
        let slot = if n.pixels { &mut c.pixels } else { &mut c.transcribed };
        slot.add(n.right);
    }
    Reliability::fit(&counts)
}

fn curve_of(choices: &[Choice], field: Ranked, without: Option<usize>) -> Curve {
    let others: Vec<(f32, bool)> = choices
        .iter()
        .filter(|c| c.field == field && c.counts && Some(c.fold) != without && c.share > 0.0)
        .map(|c| (c.share, c.right))
        .collect();
    curve::fit(&others)
}

impl CrossValidated {
    /// The model that has not seen this document; `None` for one that took no part.
    #[must_use]
    pub fn model(&self, set: &str, name: &str) -> Option<&Model> {
        self.models.get(*self.folds.get(&(set.to_owned(), name.to_owned()))?)
    }

    /// The curve fitted on all choices.
    pub(crate) fn curve(&self, field: Ranked) -> Curve {
        curve_of(&self.choices, field, None)
    }

    /// The probabilities counted on all documents.
    pub(crate) fn reliability(&self) -> Reliability {
        reliability_of(&self.noted, None)
    }

    /// Per set: how many are right unseen, and for how many the right candidate was there at all.
    pub(crate) fn print(&self, documents: &[Document], out: &mut dyn Write) -> anyhow::Result<()> {
        for field in Ranked::ALL {
            let mut sets: BTreeMap<&str, [u32; 3]> = BTreeMap::new();
            for c in self.choices.iter().filter(|c| c.field == field) {
                for name in [documents[c.document].set.as_str(), "~ read from pixels"] {
                    if name.starts_with('~') && !c.counts {
                        continue;
                    }
                    let s = sets.entry(name).or_default();
                    let add = [1, u32::from(c.right), u32::from(c.possible)];
                    s.iter_mut().zip(add).for_each(|(slot, n)| *slot += n);
                }
            }
            for (set, [of, right, possible]) in sets {
                let p = |n: u32| 100.0 * f64::from(n) / f64::from(of.max(1));
                writeln!(
                    out,
                    "{:<9} {set:<22} {of:>4}  unseen {:5.1} %  possible {:5.1} %",
                    field.name(),
                    p(right),
                    p(possible)
                )?;
            }
        }
        Ok(())
    }
}
