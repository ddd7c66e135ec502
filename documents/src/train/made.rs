//! Documents that the program makes up to learn from: what the sets have too few of.

use super::data::{Also, Document};
use crate::{
    evaluate::{further::Answers, truth::fold_name},
    receipt::{
        prints::prints,
        training::{self, Answer, Torn},
    },
};
use quittance_domain::document::TextLine;

/// Set of what is left of pages without their heads.
pub(super) const HEADLESS: &str = "headless";

/// Set of pages whose lower end is torn off, and their totals with it.
pub(super) const TORN: &str = "torn";

/// The part of a page, from its top, where its name mostly stands.
const HEAD: f32 = 0.4;

/// Documents that the program makes up to learn from, beside those of the sets.
#[must_use]
pub fn made_up(documents: &[Document]) -> Vec<Document> {
    let mut made = printed();
    made.extend(wordless());
    let read = || documents.iter().filter(|d| d.pixels);
    made.extend(read().filter_map(Document::headless));
    made.extend(read().flat_map(Document::torn));
    made
}

impl Document {
    /// What is left of it without its head, where that tells no name: nearly every page of the sets prints one, and no
    /// line of a card slip or of a second page is to be taken for one. It stays in the part of its whole.
    fn headless(&self) -> Option<Self> {
        let mut text = self.text.clone();
        text.pages.truncate(1);
        for page in &mut text.pages {
            let bounds = page.lines.iter().map(TextLine::bounds);
            let (top, bottom) = bounds
                .fold((f32::MAX, f32::MIN), |(top, bottom), b| (top.min(b[1]), bottom.max(b[3])));
            page.lines.retain(|l| l.bounds()[1] > top + HEAD * (bottom - top));
        }
        let mut examples = training::examples(&text, &self.answer, &fold_name);
        (examples.total, examples.date) = (None, None);
        let nameless = examples.merchant.as_ref().is_some_and(|e| e.right.is_empty());
        let (set, answer) = (HEADLESS.to_owned(), Answer::default());
        let (name, shop, answers) = (self.name.clone(), self.shop.clone(), Answers::default());
        let made = Self { name, set, pixels: false, shop, answer, examples, answers, text };
        nameless.then_some(made)
    }

    /// What is left of it without its total: nearly every page of the sets prints one, and where none is printed none is to
    /// be given. Each stays in the part of its whole.
    fn torn(&self) -> Vec<Self> {
        let Some(total) = self.answer.total else { return Vec::new() };
        let left = Torn::ALL.into_iter().filter_map(|at| training::torn(&self.text, total, at));
        left.map(|text| {
            let answer = Answer { total: Some(total), ..Answer::default() };
            let examples = training::examples(&text, &answer, &fold_name);
            let (set, name, shop) = (TORN.to_owned(), self.name.clone(), self.shop.clone());
            let answers = Answers::default();
            Self { name, set, pixels: false, shop, answer, examples, answers, text }
        })
        .collect()
    }
}

/// Short receipts with amounts of thousands in every country's print. The sets have almost none, so that taking
/// `1 428,58` for a count and 428.58 would cost nothing on them.
fn printed() -> Vec<Document> {
    const AMOUNTS: [(i64, i64); 6] = [
        (48_251, 94_607),
        (120_050, 3_075),
        (5_040, 180_199),
        (199_900, 149_995),
        (99_999, 1_001),
        (1_290, 845),
    ];
    let habits = prints(0).len();
    let of = |(habit, (number, (first, second))): (usize, (usize, (i64, i64)))| {
        let print = |minor: i64| prints(minor).swap_remove(habit).1;
        let total = print(first + second);
        let rows = [
            ("MAISON DES ARTS", None),
            ("3 place du Marché", None),
            ("02/05/2023 17:40", None),
            ("LAMPE DE TABLE", Some(print(first))),
            ("TAPIS 60 x 90", Some(print(second))),
            ("TOTAL", Some(total.clone())),
            ("CARTE BANCAIRE", Some(total)),
        ];
        Also::rows(format!("{habit}-{number}"), &rows, first + second).into_document("printed")
    };
    let all = AMOUNTS.into_iter().enumerate();
    (0..habits).flat_map(|habit| all.clone().map(move |one| (habit, one))).map(of).collect()
}

/// Slips on which nothing but its place says that an amount is the total: tickets of one price, which stands alone, and
/// receipts whose sum has no words. Torn pages alone would teach that no such amount is one.
fn wordless() -> Vec<Document> {
    const HEADS: [[&str; 4]; 6] = [
        ["PARKING DU CENTRE", "Place de la Gare 69002 LYON", "12/03/2024 12:14", "Durée 2h12"],
        ["CINEMA LE REX", "Salle 3 Place 12", "12/03/2024 20:00", "Tarif plein"],
        ["TAXI 4512", "Licence 218", "12/03/2024 22:10", "Course de jour"],
        ["CITY PARKING", "Area 12", "12 Mar 2024 10:02", "Display on dashboard"],
        ["PEAGE AUTOROUTE", "Voie 14 Classe 1", "12/03/24 18:22", "Merci et bonne route"],
        ["JOE'S GAS", "AUTH 012345", "03/12/2024 10:15 AM", "APPROVED"],
    ];
    const AMOUNTS: [(i64, i64); 4] = [(310, 330), (1_350, 600), (2_350, 240), (200, 310)];
    let shown = |habit: usize, minor: i64| {
        let number = format!("{}.{:02}", minor / 100, minor % 100);
        let comma = number.replace('.', ",");
        match habit {
            0 => format!("{comma} €"),
            1 => format!("{comma} EUR"),
            2 => comma,
            _ => format!("${number}"),
        }
    };
    let mut made = Vec::new();
    for (n, head) in HEADS.iter().enumerate() {
        for (habit, (first, second)) in AMOUNTS.into_iter().enumerate() {
            let print = |minor: i64| Some(shown(habit, minor));
            let [shop, place, when, note] = *head;
            let id = |what: &str| format!("{what}-{n}-{habit}");
            let one = [(shop, None), (place, None), (when, None), (note, None), ("", print(first))];
            made.push(Also::rows(id("one"), &one, first));
            let sum = [
                (shop, None),
                (when, None),
                ("Café", print(first)),
                ("Jus de fruit", print(second)),
                ("", print(first + second)),
                ("Merci", None),
            ];
            made.push(Also::rows(id("sum"), &sum, first + second));
        }
    }
    made.into_iter().map(|also| also.into_document("wordless")).collect()
}
