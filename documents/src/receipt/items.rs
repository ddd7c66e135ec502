//! Goods and reductions: the rows between the head and the first subtotal or total that end in an amount.

use super::{
    Reading,
    amounts::Amount,
    labels::{self, Label},
    layout::union,
    normalise::{fold, pattern, words},
    taxes::Tax,
    totals::Labelled,
};
use regex::Regex;
use std::sync::LazyLock;

/// One line of goods, or with a negative total a reduction.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) description: String,
    /// Hundredths.
    pub(crate) quantity: Option<i64>,
    pub(crate) unit_price: Option<i64>,
    pub(crate) total: i64,
    pub(crate) page: usize,
    /// The first and the last of its rows.
    pub(crate) rows: (usize, usize),
    pub(crate) bounds: [f32; 4],
    pub(crate) raw: String,
    /// Said to be a reduction.
    pub(crate) reduction: bool,
}

static LEADING: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\s*([0-9]{1,3})\s*(?:[x×*]\s*|\s)([^0-9\s].*)$"));
static TIMES: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"([0-9]{1,4}(?:[.,][0-9]{1,3})?)\s*(?:kg|l|pcs?|stk|st)?\s*[x×*@]"));
/// An article's number behind its name, with a tax code.
static BARCODE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(.*[A-Za-z].*?)\s[0-9#\-]{8,}(?:\s+[A-Z])?$"));
static CODE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[\s#]*[0-9][0-9\-/]{3,}\s*"));

/// Letters that are words, not currency, unit or tax code.
fn word_letters(text: &str) -> usize {
    fold(text)
        .split(|c: char| !c.is_alphabetic())
        .filter(|w| {
            w.len() > 2
                && !["eur", "rm", "kg", "pcs", "stk", "x", "qty", "usd", "cad", "myr", "gbp", "pce"]
                    .contains(w)
        })
        .map(str::len)
        .sum()
}

/// First row of the goods and the row behind the last.
fn zone(r: &Reading, labelled: &[Labelled], total: Option<i64>) -> Option<(usize, usize)> {
    let amount = |l: &Labelled| &r.amounts[l.index];
    let strong = |l: &&Labelled| {
        amount(l).money() && (l.total() || l.label.any(Label::SUB)) && !l.label.any(Label::COUNT)
    };
    let end = labelled.iter().find(|l| strong(l) && amount(l).row > 1).map(|l| amount(l).row);
    let end = end.or_else(|| {
        labelled
            .iter()
            .find(|l| Some(amount(l).minor) == total && amount(l).row > 3)
            .map(|l| amount(l).row)
    })?;
    let page = r.layout.rows[end].page;
    let first = (0..end).find(|row| {
        r.layout.rows[*row].page == page && r.amounts.iter().any(|a| a.row == *row && a.money())
    })?;
    // The description may stand in the row above the first amount.
    Some((first.saturating_sub(1), end))
}

/// All lines of goods, in printed order.
pub(crate) fn find(
    r: &Reading,
    labelled: &[Labelled],
    taxes: &[Tax],
    total: Option<i64>,
) -> Vec<Line> {
    let Some((start, end)) = zone(r, labelled, total) else { return Vec::new() };
    let mut lines: Vec<Line> = Vec::new();
    let mut pending: Option<(usize, String)> = None;
    for row in start..end {
        let printed = &r.layout.rows[row];
        let text = printed.text();
        let money: Vec<&Amount> =
            r.amounts.iter().filter(|a| a.row == row && a.money() && !a.second).collect();
        let label = r.label(&text);
        let Some(last) = money.last().copied() else {
            let dated =
                r.dates.iter().any(|d| d.row == row) || r.times.iter().any(|t| t.row == row);
            let plain = strip_code(&text);
            pending = (word_letters(&plain) >= 3 && !dated)
                .then_some((row, plain))
                .or(if word_letters(&text) == 0 { pending } else { None });
            continue;
        };
        let tax = taxes.iter().any(|t| t.row == row) || label.any(Label::TAX) && rate_row(r, row);
        if tax || stops(label, &text) {
            pending = None;
            continue;
        }
        let before = text_before(r, row, money[0]);
        let described =
            word_letters(&before) >= 3 || (word_letters(&before) >= 2 && pending.is_none());
        let (quantity, unit_price) = quantity(r, row, &before, &text, last, &money);
        if !described
            && attach(&mut lines, row, r, quantity, unit_price, last.minor, pending.is_some())
        {
            continue;
        }
        let (description, from) = if described {
            (before, row)
        } else if let Some((at, words)) = pending.take().filter(|(at, _)| row - at <= 2) {
            (words, at)
        } else {
            continue;
        };
        pending = None;
        let bounds = union(r.layout.rows[from].bounds(), printed.bounds());
        let raw = if from == row {
            text.clone()
        } else {
            format!("{} {text}", r.layout.rows[from].text())
        };
        let reduction = last.minor < 0 || (label.any(Label::DISCOUNT) && quantity.is_none());
        lines.push(Line {
            description: tidy(&description),
            quantity,
            unit_price,
            total: last.minor,
            page: printed.page,
            rows: (from, row),
            bounds,
            raw,
            reduction,
        });
    }
    lines.retain(|l| !l.description.is_empty());
    lines
}

/// A row of numbers below an item that says how many at which price.
fn attach(
    lines: &mut [Line],
    row: usize,
    r: &Reading,
    q: Option<i64>,
    unit: Option<i64>,
    total: i64,
    pending: bool,
) -> bool {
    let Some(line) = lines.last_mut() else { return false };
    let (Some(q), Some(unit)) = (q, unit) else { return false };
    let product = (q * unit + 50) / 100;
    let fits = (product - line.total).abs() <= 1 && (total == unit || total == line.total);
    if pending || !fits || line.quantity.is_some() {
        return false;
    }
    line.quantity = Some(q);
    line.unit_price = Some(unit);
    line.rows.1 = row;
    line.bounds = union(line.bounds, r.layout.rows[row].bounds());
    line.raw = format!("{} {}", line.raw, r.layout.rows[row].text());
    true
}

/// Whether a row is about paying and saving. "Porte-monnaie" and "Chocolate bar" are goods: a word of theirs says so.
fn stops(label: Label, text: &str) -> bool {
    let always = Label::SAVED.and(Label::BALANCE).and(Label::ROUNDING);
    let goods = || words(text).iter().any(|w| labels::is_other(w));
    !label.any(Label::DISCOUNT)
        && (label.any(always) || label.any(Label::CASH.and(Label::CHANGE)) && !goods())
}

fn rate_row(r: &Reading, row: usize) -> bool {
    r.amounts.iter().any(|a| a.row == row && a.percent)
}

fn strip_code(text: &str) -> String {
    let cut = CODE.replace(text, "").into_owned();
    if word_letters(&cut) >= 3 { cut } else { text.to_owned() }
}

fn text_before(r: &Reading, row: usize, first: &Amount) -> String {
    let segs = &r.layout.rows[row].segs;
    let mut text: String = segs.iter().take(first.seg).map(|s| s.text.clone() + " ").collect();
    text.extend(segs[first.seg].text.chars().take(first.span.0));
    strip_code(text.trim())
}

/// How many at which price: "2 x 3,50", a leading "2 ", or columns that multiply.
fn quantity(
    r: &Reading,
    row: usize,
    before: &str,
    text: &str,
    last: &Amount,
    money: &[&Amount],
) -> (Option<i64>, Option<i64>) {
    let units: Vec<i64> = money
        .iter()
        .take(money.len().saturating_sub(1))
        // The price of one has no minus where the line has.
        .map(|a| if r.turned() { a.minor.abs() } else { a.minor })
        .filter(|m| *m > 0)
        .collect();
    let total = last.minor.abs();
    let works = |q: i64, u: i64| q > 0 && ((q * u + 50) / 100 - total).abs() <= 1;
    if let Some(c) = TIMES.captures(&fold(text))
        && let Some(q) = hundredths(&c[1])
    {
        if let Some(u) = units.iter().find(|u| works(q, **u)) {
            return (Some(q), Some(*u));
        }
        if money.len() == 1 {
            return (Some(q), Some(last.minor));
        }
    }
    // "-2 T-SHIRT" was brought back.
    let before =
        if r.turned() { before.trim_start_matches(['-', '−', '–', ' ']) } else { before };
    if let Some(c) = LEADING.captures(before)
        && let Some(q) = hundredths(&c[1]).filter(|q| *q > 0 && *q < 10_000)
    {
        let unit = units.iter().copied().find(|u| works(q, *u));
        let even = (total * 100 % q == 0 && units.is_empty()).then(|| total * 100 / q);
        return (Some(q), unit.or(even));
    }
    for count in r
        .amounts
        .iter()
        .filter(|a| a.row == row && !a.percent && (a.decimals != 2 || a.unit || money.len() > 2))
    {
        if let Some(u) = units.iter().find(|u| works(count.minor, **u) && **u != count.minor) {
            return (Some(count.minor), Some(*u));
        }
    }
    if units.last().is_some_and(|u| *u == total) {
        return (Some(100), Some(total));
    }
    (None, None)
}

fn hundredths(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once([',', '.']).unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    let fraction: i64 = format!("{fraction:0<2}").get(..2)?.parse().ok()?;
    Some(whole * 100 + fraction)
}

/// A description without the quantity before it and ornaments around it.
fn tidy(text: &str) -> String {
    let text = LEADING.captures(text).map_or(text.to_owned(), |c| c[2].to_owned());
    let text = text.trim().trim_matches(|c: char| "*=-:;,.|_€$£ ".contains(c));
    let text = BARCODE.captures(text).and_then(|c| c.get(1)).map_or(text, |m| m.as_str());
    let text = text.strip_suffix(" RM").or_else(|| text.strip_suffix(" EUR")).unwrap_or(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::{taxes, testing::document, totals};
    use super::*;

    fn of(rows: &[&str]) -> Vec<(String, Option<i64>, Option<i64>, i64)> {
        let r = Reading::new(&document(rows));
        let labelled = totals::label_all(&r);
        find(&r, &labelled, &[], None)
            .into_iter()
            .map(|l| (l.description, l.quantity, l.unit_price, l.total))
            .collect()
    }

    #[test]
    fn one_row_each() {
        assert_eq!(
            of(&[
                "CHEZ LOUISE",
                "12/03/2024 12:10",
                "1|Croissant|1.90|1.90 A",
                "2 x Café crème|2,40|4,80",
                "Sous-total|6,70",
                "TOTAL|6,70"
            ]),
            [
                ("Croissant".into(), Some(100), Some(190), 190),
                ("Café crème".into(), Some(200), Some(240), 480)
            ]
        );
    }

    #[test]
    fn quantity_in_a_row_of_its_own() {
        assert_eq!(
            of(&[
                "MART SDN BHD",
                "JALAN SATU",
                "LOKAM MANDARIN|RM62.50",
                "5 X RM 12.50",
                "TEA|RM3.00",
                "TOTAL|65.50"
            ]),
            [
                ("LOKAM MANDARIN".into(), Some(500), Some(1250), 6250),
                ("TEA".into(), None, None, 300)
            ]
        );
    }

    #[test]
    fn numbers_of_articles_are_no_part_of_their_names() {
        assert_eq!(tidy("B8-20 TOP 789138400127 C"), "B8-20 TOP");
        assert_eq!(tidy("NOTECARDS RED Q3 400100998274"), "NOTECARDS RED Q3");
        assert_eq!(tidy("COLA 33 CL"), "COLA 33 CL");
    }

    #[test]
    fn reductions_are_negative() {
        let r = Reading::new(&document(&[
            "SHOP",
            "RUE A",
            "POMMES|3,99",
            "NUTRI -10%|-0,40",
            "TOTAL|3,59",
        ]));
        let lines = find(&r, &totals::label_all(&r), &[], None);
        assert_eq!(
            lines.iter().map(|l| (l.total, l.reduction)).collect::<Vec<_>>(),
            [(399, false), (-40, true)]
        );
    }

    #[test]
    fn what_is_a_tax_is_no_goods() {
        let r = Reading::new(&document(&["Corner Deli", "Soup|18.70", "Tax|2.43", "TOTAL|21.13"]));
        let labelled = totals::label_all(&r);
        let taxes = taxes::find(&r, &labelled, Some(2113));
        assert_eq!(taxes.len(), 1);
        let lines = find(&r, &labelled, &taxes, Some(2113));
        assert_eq!(lines.iter().map(|l| l.total).collect::<Vec<_>>(), [1870]);
    }

    #[test]
    fn goods_with_a_word_of_paying() {
        let lines = of(&[
            "CHEZ LOUISE",
            "Porte-monnaie cuir|12,00",
            "Chocolate bar|1,20",
            "Cash tendered|20,00",
            "Geg. BAR|20,00",
            "Rendu monnaie|6,80",
            "TOTAL|13,20",
        ]);
        assert_eq!(lines.iter().map(|l| l.3).collect::<Vec<_>>(), [1200, 120]);
    }
}
