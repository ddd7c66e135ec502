//! How sure the fields beside total, date and name are. Each is given in a named situation ("with the tax it gives the
//! total"), and the situation's probability is how often such values were right on documents with known answers
//! (`quittance train` counts, `reliability.json` keeps). Situations without enough answers keep an estimate.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::LazyLock};

/// Fewest answers of a field for its situations to be measured.
pub(crate) const ENOUGH: u32 = 20;
/// What a transcription by people counts beside a document read from pixels.
const TRANSCRIBED: f32 = 0.25;
/// Documents that the estimate counts as.
const ESTIMATE: f32 = 2.0;

macro_rules! situations {
    ($($name:ident: $field:literal, $text:literal, $estimate:literal;)*) => {
        /// In what situation a value is given; of each field the surest first.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Situation { $(#[doc = $text] $name,)* }

        impl Situation {
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The field it belongs to.
            pub(crate) fn field(self) -> &'static str {
                match self { $(Self::$name => $field,)* }
            }

            /// In words, as kept in the file.
            pub(crate) fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// How sure it is held to be before anything was counted, 0..1.
            pub(crate) fn estimate(self) -> f32 {
                match self { $(Self::$name => $estimate,)* }
            }
        }
    };
}

situations! {
    NetProven: "subtotal", "called so, and with the tax it gives the total", 0.95;
    NetRest: "subtotal", "the total less the tax, printed", 0.9;
    NetNamed: "subtotal", "called so, nothing proves it", 0.75;
    TaxProven: "tax", "with the subtotal it gives the total", 0.95;
    TaxRate: "tax", "sum of lines that their rates prove", 0.9;
    TaxRest: "tax", "without a name, but with the subtotal it gives the total", 0.8;
    TaxNamed: "tax", "called so, nothing proves it", 0.75;
    TaxLineRate: "tax line", "rate and base or total prove it", 0.95;
    TaxLineSum: "tax line", "the row's sum proves it", 0.8;
    TaxLineRated: "tax line", "a rate, nothing proves it", 0.75;
    TaxLineNamed: "tax line", "called so, nothing proves it", 0.65;
    ItemSumPriced: "item", "the sum is the total or subtotal; quantity and price multiply", 0.92;
    ItemPriced: "item", "quantity and price multiply", 0.8;
    ItemSum: "item", "the sum is the total or subtotal", 0.9;
    ItemAlone: "item", "nothing proves it", 0.6;
    AddressWhole: "address", "a street and a town with its code", 0.7;
    AddressPart: "address", "a part of one", 0.5;
    TimeInRow: "time", "in the date's row", 0.95;
    TimeNear: "time", "in the row beside the date's", 0.85;
    TimeFar: "time", "elsewhere", 0.6;
    PhoneNamed: "phone", "behind a word for it", 0.92;
    PhoneShape: "phone", "by its shape", 0.7;
    Tip: "tip", "called so, and the total less it is printed", 0.85;
    Discount: "discount", "called so or negative, the sum is the total or subtotal", 0.9;
    DiscountAlone: "discount", "called so or negative", 0.6;
    PaymentChange: "payment", "cash in the total's row, with change", 0.96;
    PaymentMasked: "payment", "a card's number and the total", 0.96;
    PaymentTotal: "payment", "in a row with the total", 0.89;
    PaymentCard: "payment", "a card's number", 0.72;
    PaymentNamed: "payment", "named in a short row", 0.54;
    PaymentMentioned: "payment", "named in a sentence", 0.4;
    CardMasked: "card", "behind a masked number", 0.9;
    NumberCaption: "number", "behind or under the invoice's caption", 0.93;
    NumberTitle: "number", "in the title", 0.88;
    NumberUnderTitle: "number", "under the title", 0.85;
    NumberColumn: "number", "in the column under its heading", 0.8;
    NumberSlip: "number", "behind a word for a receipt", 0.7;
    NumberOther: "number", "behind another document's caption", 0.6;
    VatKey: "vat", "its check digits fit", 0.98;
    VatShape: "vat", "a country's shape, without check digits that we know", 0.9;
    VatNamed: "vat", "behind a tax's name, of no known shape", 0.75;
    VatBroken: "vat", "its check digits do not fit", 0.4;
    SiretNamed: "siret", "called so, and its check digit fits", 0.99;
    SiretKey: "siret", "its check digit fits, in France", 0.8;
    SiretBroken: "siret", "called so, its check digit does not fit", 0.35;
    SiretChance: "siret", "14 digits whose check digit fits", 0.3;
    SellerNamed: "seller", "under a word for it, with an address", 0.9;
    SiteNamed: "seller", "letter for letter the page's own site", 0.85;
}

/// How often values given in a situation were right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) right: u32,
    pub(crate) of: u32,
}

impl Count {
    pub(crate) fn add(&mut self, right: bool) {
        self.of += 1;
        self.right += u32::from(right);
    }
}

/// Counts of one situation: of documents read from pixels and of transcriptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) pixels: Count,
    pub(crate) transcribed: Count,
}

/// One line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    probability: f32,
    right: u32,
    of: u32,
    transcribed_right: u32,
    transcribed_of: u32,
}

/// Situations by field and name.
type File = BTreeMap<String, BTreeMap<String, Measured>>;

/// The probability of each situation, with what it was counted on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reliability {
    known: BTreeMap<Situation, (f32, Counts)>,
}

#[expect(clippy::cast_precision_loss, reason = "counts of documents are below 2^24")]
fn number(n: u32) -> f32 {
    n as f32
}

impl Reliability {
    /// Rates with the estimate as two documents more, never rising from a surer situation to the next one. A field
    /// with fewer than [`ENOUGH`] answers is left out.
    pub(crate) fn fit(counts: &BTreeMap<Situation, Counts>) -> Self {
        let mut known = BTreeMap::new();
        let mut at = 0;
        while let Some(first) = Situation::ALL.get(at) {
            let all = Situation::ALL[at..].iter();
            let group: Vec<Situation> =
                all.copied().take_while(|s| s.field() == first.field()).collect();
            at += group.len();
            let of = |s: &Situation| counts.get(s).copied().unwrap_or_default();
            let answers: u32 = group.iter().map(|s| of(s).pixels.of + of(s).transcribed.of).sum();
            if answers < ENOUGH {
                continue;
            }
            let rates = group.iter().map(|s| {
                let c = of(s);
                let share = |pixels: u32, transcribed: u32| {
                    number(pixels) + TRANSCRIBED * number(transcribed)
                };
                let right = share(c.pixels.right, c.transcribed.right);
                let weight = share(c.pixels.of, c.transcribed.of) + ESTIMATE;
                ((right + ESTIMATE * s.estimate()) / weight, weight)
            });
            let rates = falling(rates.collect());
            known.extend(group.iter().zip(rates).map(|(s, p)| {
                let p = (p * 1000.0).round() / 1000.0;
                (*s, (p, of(s)))
            }));
        }
        Self { known }
    }

    /// How probable a value given in this situation is right, 0..1.
    pub(crate) fn probability(&self, situation: Situation) -> f32 {
        self.known.get(&situation).map_or_else(|| situation.estimate(), |k| k.0)
    }

    /// As it is kept.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        let mut file = File::new();
        for (s, (probability, c)) in &self.known {
            let measured = Measured {
                probability: *probability,
                right: c.pixels.right,
                of: c.pixels.of,
                transcribed_right: c.transcribed.right,
                transcribed_of: c.transcribed.of,
            };
            file.entry(s.field().to_owned()).or_default().insert(s.text().to_owned(), measured);
        }
        Ok(serde_json::to_string_pretty(&file)? + "\n")
    }

    fn from_json(text: &str) -> serde_json::Result<Self> {
        let file: File = serde_json::from_str(text)?;
        let known = Situation::ALL.iter().filter_map(|s| {
            let m = file.get(s.field())?.get(s.text())?;
            let pixels = Count { right: m.right, of: m.of };
            let transcribed = Count { right: m.transcribed_right, of: m.transcribed_of };
            Some((*s, (m.probability.clamp(0.0, 1.0), Counts { pixels, transcribed })))
        });
        Ok(Self { known: known.collect() })
    }
}

/// Rates with their weights, made never to rise: neighbours that do are put together.
fn falling(rates: Vec<(f32, f32)>) -> Vec<f32> {
    let mut blocks: Vec<(f32, f32, usize)> = Vec::new();
    for (rate, weight) in rates {
        let mut block = (rate, weight, 1);
        while let Some(last) = blocks.last().copied().filter(|l| l.0 < block.0) {
            blocks.pop();
            let weight = last.1 + block.1;
            block = ((last.0 * last.1 + block.0 * block.1) / weight, weight, last.2 + block.2);
        }
        blocks.push(block);
    }
    blocks.into_iter().flat_map(|(rate, _, n)| std::iter::repeat_n(rate, n)).collect()
}

/// The file in the program.
pub(super) const RELIABILITY: &str = include_str!("reliability.json");

static PROGRAM: LazyLock<Reliability> =
    LazyLock::new(|| Reliability::from_json(RELIABILITY).unwrap_or_default());

/// What the program was measured to be.
pub(crate) fn reliability() -> &'static Reliability {
    &PROGRAM
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(all: &[(Situation, u32, u32)]) -> BTreeMap<Situation, Counts> {
        let of = |(s, right, of): &(Situation, u32, u32)| {
            (*s, Counts { pixels: Count { right: *right, of: *of }, ..Counts::default() })
        };
        all.iter().map(of).collect()
    }

    #[test]
    fn the_file_in_the_repository_can_be_read() {
        let file = Reliability::from_json(RELIABILITY).expect("reads");
        assert!(file.known.contains_key(&Situation::ItemAlone));
        assert_eq!(file.to_json().expect("serialises"), RELIABILITY, "names or form have changed");
        let all = Situation::ALL.iter();
        assert!(all.clone().all(|s| (0.0..=1.0).contains(&file.probability(*s))));
        let mut names: Vec<_> = all.map(|s| (s.field(), s.text())).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Situation::ALL.len());
    }

    #[test]
    fn counted_rates_replace_estimates_and_never_rise() {
        let fitted = Reliability::fit(&counts(&[
            (Situation::ItemSumPriced, 80, 100),
            (Situation::ItemPriced, 90, 100),
            (Situation::ItemAlone, 30, 100),
        ]));
        let p = |s| fitted.probability(s);
        assert!((p(Situation::ItemSumPriced) - 0.85).abs() < 0.01, "put together with the next");
        assert!((p(Situation::ItemSumPriced) - p(Situation::ItemPriced)).abs() < 1e-6);
        assert!((p(Situation::ItemAlone) - 0.306).abs() < 1e-3);
        // Never met: stays near the estimate, but not above the surer one.
        assert!(p(Situation::ItemSum) <= p(Situation::ItemPriced));
    }

    #[test]
    fn few_answers_leave_the_estimate() {
        let fitted = Reliability::fit(&counts(&[(Situation::Tip, 0, 19)]));
        assert!((fitted.probability(Situation::Tip) - 0.85).abs() < 1e-6);
    }

    #[test]
    fn transcriptions_count_a_quarter() {
        let mut all = counts(&[(Situation::PhoneShape, 10, 20)]);
        if let Some(c) = all.get_mut(&Situation::PhoneShape) {
            c.transcribed = Count { right: 80, of: 80 };
        }
        let p = Reliability::fit(&all).probability(Situation::PhoneShape);
        assert!((p - (10.0 + 20.0 + 2.0 * 0.7) / 42.0).abs() < 1e-3, "{p}");
    }
}
