//! What sort of document a page is: receipt, invoice, quote, statement, payslip.
//!
//! Only a title says so, and only where it stands as one: in the head of the page, a box of its own, bigger than the
//! text, in capitals or among the first lines, or borne out by words that only such a page has. "Suivant devis n° 12",
//! a reference in a form, or a kitchen's "order" are no titles. What bears the title of an invoice or a receipt too, or
//! says that it was paid, is left alone: in doubt a page stays what it would be without this.

#[cfg(test)]
mod tests;
mod words;

use super::{Reading, layout::Row, months::month, normalise::fold, payment};
use quittance_domain::{
    document::Warning,
    i18n::Text,
    kind::DocumentType::{
        self, BankStatement, CardStatement, CreditNote, DeliveryNote, Invoice, Payslip,
        PurchaseOrder, Quote, Receipt, Reminder,
    },
    receipt::Extraction,
};
use std::{collections::HashMap, sync::LazyLock};
use words::Needs;

/// Code of the warning about a page that is no payment.
pub const NOT_A_PAYMENT: &str = "NOT_A_PAYMENT";

/// How far down the text of its page a title stands at most, and how many rows with amounts are above it: a share
/// capital, or the sum that a head repeats.
const HEAD: f32 = 0.6;
const AMOUNTS_ABOVE: usize = 1;
/// Times the usual height of a line from which on a title stands out.
const BIG: f32 = 1.25;
/// Rows of a page in which every title stands out.
const FIRST_ROWS: usize = 3;
/// Words of a title and of what follows it, at most.
const MOST_WORDS: usize = 9;
const MOST_BEHIND: usize = 6;
/// Titles that are looked at: nothing bears more.
const MOST_TITLES: usize = 100;
/// Bytes of a text that may be a title.
pub(super) const LONGEST: usize = 120;

/// What a page is, and the title that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kind {
    sort: DocumentType,
    title: String,
    page: u32,
}

impl Kind {
    /// The remark on a page that is no payment.
    fn warning(&self) -> Option<Warning> {
        let (title, (fr, en)) = (&self.title, self.sort.name());
        let text = Text::new(
            format!(
                "Le document s'intitule « {title} » : c'est {fr}, pas un paiement. Ses valeurs sont données, mais rien ne \
                 dit que cette somme a été payée."
            ),
            format!(
                "The document's title is \"{title}\": it is {en}, not a payment. Its values are given, but nothing says \
                 that this sum was paid."
            ),
        );
        (!self.sort.is_payment()).then(|| Warning::new(NOT_A_PAYMENT, text).on(self.page))
    }
}

static TITLES: LazyLock<HashMap<&str, (DocumentType, Needs)>> = LazyLock::new(|| {
    let all = words::TITLES.iter();
    all.flat_map(|(sort, needs, keys)| keys.split('|').map(|key| (key, (*sort, *needs)))).collect()
});

fn listed(list: &str, word: &str) -> bool {
    list.split('|').any(|w| w == word)
}

/// A text that reads as a title.
struct Title {
    sort: DocumentType,
    needs: Needs,
    text: String,
    row: usize,
    /// Height in usual lines of its page.
    size: f32,
    capitals: bool,
}

impl Title {
    fn stands_out(&self) -> bool {
        self.size >= BIG || self.capitals || self.row < FIRST_ROWS
    }
}

/// A word of a text, and whether it is a part of a number: "DV" is where it is printed "DV-2024-017".
type Word<'a> = (&'a str, bool);

fn digits(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit())
}

/// What the words of a text say as a title: whole, or followed by a matter of its own.
fn read(text: &str) -> Option<(DocumentType, Needs, bool)> {
    if text.len() > LONGEST {
        return None;
    }
    let folded = fold(text);
    let parts = folded.split_whitespace().flat_map(|token| {
        let numbered = digits(token);
        token.split(|c: char| !c.is_alphanumeric() || c == 'º').map(move |word| (word, numbered))
    });
    let all: Vec<Word<'_>> = parts.filter(|(word, _)| !word.is_empty()).collect();
    let skipped = all.iter().take(2).take_while(|(w, _)| listed(words::BEFORE, w)).count();
    // A word that may stand before a title may begin one.
    (0..=skipped).rev().find_map(|from| title(&all[from..], true))
}

/// Whether a text is nothing but a title.
pub(super) fn is_title(text: &str) -> bool {
    read(text).is_some_and(|(.., whole)| whole)
}

/// `more`: another may stand behind it, which then ends the line.
fn title(all: &[Word<'_>], more: bool) -> Option<(DocumentType, Needs, bool)> {
    let (used, key, (sort, needs)) = (1..=all.len().min(MOST_WORDS)).rev().find_map(|n| {
        let key: String = all[..n].iter().map(|(word, _)| *word).collect();
        // A number may stand close behind, in print or as it was read.
        let bare = key.trim_end_matches(|c: char| c.is_ascii_digit());
        let close = ["no", "nr", "n"].iter().find_map(|number| bare.strip_suffix(number));
        let of = |key: &str| TITLES.get(key).copied();
        let found = of(&key).or_else(|| of(bare)).or_else(|| close.and_then(of))?;
        Some((n, key, found))
    })?;
    let rest = &all[used..];
    if let Some((first, _)) = rest.first() {
        let received = key == "recu" && listed(words::RECEIVED, first);
        if received || listed(words::HEADING, first) {
            return None;
        }
    }
    let said = |(word, numbered): &Word<'_>| {
        *numbered
            || word.chars().count() == 1
            || listed(words::BEHIND, word)
            || month(word).is_some()
    };
    if rest.iter().all(said) {
        return Some((sort, needs, true));
    }
    // Two titles in a line: that of a payment counts, else the first.
    let second =
        (0..if more { rest.len().min(2) } else { 0 }).find_map(|from| title(&rest[from..], false));
    if let Some((other, also, whole)) = second {
        let (sort, needs) = if other.is_payment() { (other, also) } else { (sort, needs) };
        return Some((sort, needs, whole));
    }
    let open = listed(words::OPEN, &key) || needs == Needs::Nothing;
    (open && rest.len() <= MOST_BEHIND).then_some((sort, needs, false))
}

/// Texts of a row that may be a title: its boxes, and neighbours that stand close.
fn texts(row: &Row) -> Vec<(String, f32)> {
    let mut found: Vec<(String, f32)> = Vec::new();
    for (i, seg) in row.segs.iter().enumerate() {
        found.push((seg.text.trim().to_owned(), seg.height));
        let (mut text, mut right) = (seg.text.trim().to_owned(), seg.bounds[2]);
        for next in row.segs.iter().skip(i + 1).take(2) {
            if next.bounds[0] - right > 1.5 * seg.height {
                break;
            }
            text = format!("{text} {}", next.text.trim());
            right = next.bounds[2];
            found.push((text.clone(), seg.height));
        }
    }
    found
}

/// Whether the words are in capitals, but for those of numbers and dates: "DEVIS n° 12 du 3 mars".
fn in_capitals(text: &str) -> bool {
    let said = |word: &&str| {
        let folded = fold(word);
        folded.chars().count() > 2 && !listed(words::BEHIND, &folded) && month(&folded).is_none()
    };
    let words = text.split(|c: char| !c.is_alphabetic() || c == 'º');
    let mut words = words.filter(said).peekable();
    words.peek().is_some() && words.all(|word| word.chars().all(char::is_uppercase))
}

/// A page's rows as far as titles are concerned.
struct Head<'a> {
    r: &'a Reading,
    /// Everything on the pages, folded.
    all: String,
    /// Most lines with words are in capitals, as a till prints them: there they mean nothing.
    shouting: bool,
}

impl<'a> Head<'a> {
    fn new(r: &'a Reading) -> Self {
        let texts: Vec<String> = r.layout.rows.iter().map(Row::text).collect();
        let wordy = |t: &&String| t.chars().filter(|c| c.is_alphabetic()).count() >= 4;
        let lines = texts.iter().filter(wordy).count();
        let loud = texts.iter().filter(wordy).filter(|t| in_capitals(t)).count();
        Self { r, all: fold(&texts.join("\n")), shouting: loud * 2 > lines }
    }

    fn titles(&self) -> Vec<(Title, bool)> {
        let mut found = Vec::new();
        for (row, printed) in self.r.layout.rows.iter().enumerate() {
            if found.len() >= MOST_TITLES {
                break;
            }
            let usual = self.r.layout.pages[printed.page].line_height;
            for (text, height) in texts(printed) {
                let Some((sort, needs, whole)) = read(&text) else { continue };
                let capitals = in_capitals(&text) && !self.shouting;
                let title = Title { sort, needs, text, row, size: height / usual, capitals };
                found.push((title, whole));
            }
        }
        found
    }

    /// Whether a row is in the head of the first page that has text.
    fn holds(&self, row: usize) -> bool {
        let rows = &self.r.layout.rows;
        let first = rows.first().map(|r| r.page);
        let mut above: Vec<usize> =
            self.r.amounts.iter().filter(|a| a.money() && a.row < row).map(|a| a.row).collect();
        above.dedup();
        rows.get(row).map(|r| r.page) == first
            && self.r.layout.depth(row) <= HEAD
            && above.len() <= AMOUNTS_ABOVE
    }

    fn says(&self, list: &str) -> bool {
        list.split('|').any(|words| self.all.contains(words))
    }

    /// Whether words on the page bear a title out.
    fn bears_out(&self, sort: DocumentType) -> bool {
        if sort.is_statement() {
            return words::BANK.iter().any(|sign| self.says(sign));
        }
        words::SUPPORT.iter().any(|(of, list)| *of == sort && self.says(list))
    }

    /// Whether a text that reads as a title is one.
    fn is_title(&self, title: &Title, whole: bool) -> bool {
        let out = title.stands_out();
        let enough = match title.needs {
            Needs::Nothing => whole || out,
            Needs::Either => {
                out && (whole || title.size >= BIG) || whole && self.bears_out(title.sort)
            }
            Needs::Both => out && whole && self.bears_out(title.sort),
        };
        enough && self.holds(title.row)
    }

    /// Whether another title makes the page a payment after all.
    fn overruled(&self, by: &Title, title: &Title) -> bool {
        match title.sort {
            Quote | PurchaseOrder | DeliveryNote => true,
            // Those tell of invoices and receipts in their lines.
            Receipt | Invoice | CreditNote | BankStatement | CardStatement | Payslip | Reminder => {
                self.holds(by.row) && (by.row < title.row || by.size >= BIG.max(title.size))
            }
        }
    }

    fn paid(&self) -> bool {
        let said: Vec<&str> =
            self.all.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
        let words = words::PAID.split('|').map(|w| w.split(' ').collect::<Vec<_>>());
        // "Si vous avez déjà réglé", "to be paid by": it was not.
        let open = |before: &[&str]| before.iter().rev().take(4).any(|w| listed(words::IF, w));
        let given = |w: &Vec<&str>| {
            let mut at = said.windows(w.len()).enumerate().filter(|(_, here)| here == w);
            at.any(|(from, _)| !open(&said[..from]))
        };
        words.into_iter().any(|w| given(&w)) || payment::last4(self.r).is_some()
    }
}

/// Whether a title says that the page is no payment.
pub(super) fn is_no_payment(r: &Reading) -> bool {
    find(r).is_some_and(|kind| !kind.sort.is_payment())
}

/// What the document calls itself; `None` where no title says so, or several contradict each other.
fn find(r: &Reading) -> Option<Kind> {
    let head = Head::new(r);
    let titles = head.titles();
    let of_payment = titles.iter().filter(|(t, whole)| t.sort.is_payment() && *whole);
    let standing = titles.iter().filter(|(t, whole)| head.is_title(t, *whole)).map(|(t, _)| t);
    let mut standing: Vec<&Title> = standing.collect();
    // The biggest; of equals the first, and of one row what says most.
    standing.sort_by(|a, b| {
        b.size.total_cmp(&a.size).then(a.row.cmp(&b.row)).then(b.text.len().cmp(&a.text.len()))
    });
    let other = standing.iter().find(|t| !t.sort.is_payment());
    let Some(other) = other else { return standing.first().map(|t| kind(r, t, t.sort)) };
    // "FACTURE" of which "FACTURE PRO FORMA" is the whole is no title of its own.
    let part = |t: &Title| t.row == other.row && other.text.starts_with(&t.text);
    let overruled = of_payment.map(|(t, _)| t).any(|t| !part(t) && head.overruled(t, other));
    let could_be_paid = matches!(other.sort, Quote | PurchaseOrder | DeliveryNote | Reminder);
    if overruled || could_be_paid && head.paid() {
        return None;
    }
    let card = other.sort == BankStatement && head.says(words::CARD);
    let sort = if card { CardStatement } else { other.sort };
    Some(kind(r, other, sort))
}

/// Writes down what a page is; one that is no payment has a remark. What gives money back is found by more than titles:
/// a German's "Gutschrift" may be an invoice that its buyer wrote.
pub(crate) fn describe(r: &Reading, extraction: &mut Extraction) {
    if let Some(refund) = r.refund {
        extraction.document_type = Some(refund.kind.document());
        return;
    }
    let Some(kind) = find(r).filter(|kind| kind.sort != CreditNote) else { return };
    extraction.document_type = Some(kind.sort);
    if let Some(warning) = kind.warning() {
        "other".clone_into(&mut extraction.receipt_type);
        extraction.warnings.push(warning);
    }
}

fn kind(r: &Reading, title: &Title, sort: DocumentType) -> Kind {
    let page = r.layout.rows.get(title.row).map_or(0, |row| row.page);
    let short = title.text.chars().take(60).collect::<String>();
    Kind { sort, title: short.trim().to_owned(), page: r.layout.page_number(page) }
}
