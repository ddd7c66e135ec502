//! Tax lines: a rate, what it is computed on, and the tax, in whatever order the row prints them.

use super::{
    Reading,
    labels::{Glued, Label},
    normalise::{pattern, words},
    num::{ratio_of, round_minor},
    reliability::Situation,
    totals::Labelled,
};
use regex::Regex;
use std::sync::LazyLock;

/// One line of tax.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tax {
    /// Hundredths of a percent.
    pub(crate) rate: Option<i64>,
    pub(crate) base: Option<i64>,
    pub(crate) amount: i64,
    pub(crate) row: usize,
    pub(crate) situation: Situation,
}

/// Rates in use where we read, in hundredths of a percent; only to recognise a rate printed without its sign.
const RATES: &[i64] = &[
    210, 400, 500, 550, 600, 700, 800, 900, 1000, 1200, 1300, 1350, 1500, 1900, 2000, 2100, 2300,
    998,
];

/// "1.- IVA incluido": a sentence of a list, and no amount.
static NUMBERED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*[0-9]{1,2}\.-\s*\p{L}"));
/// Behind its price, how an article is taxed; from the price's last digit on.
static CODE: LazyLock<Regex> = LazyLock::new(|| pattern(r"[0-9]\s*-?\s*[SZ]R\s*$"));

/// The row's rate, and the amounts that are left.
fn rate_of(r: &Reading, row: usize, table: bool) -> (Option<i64>, Vec<i64>) {
    let inside: Vec<_> =
        r.amounts.iter().filter(|a| a.row == row && !a.second && a.decimals <= 3).collect();
    // Thousandths are kept in hundredths as well, so 9.975 % is 998 here.
    let percent = inside.iter().find(|a| a.percent && a.minor > 0 && a.minor <= 3000);
    let money: Vec<i64> =
        inside.iter().filter(|a| a.money() && a.minor >= 0).map(|a| a.minor).collect();
    if let Some(p) = percent {
        return (Some(p.minor), money);
    }
    if table
        && money.len() >= 3
        && let Some(i) = money.iter().position(|m| RATES.contains(m))
    {
        let rest: Vec<i64> =
            money.iter().enumerate().filter(|(k, _)| *k != i).map(|(_, m)| *m).collect();
        if solve(Some(money[i]), &rest).is_some_and(|s| s.2) {
            return (Some(money[i]), rest);
        }
    }
    (None, money)
}

/// The tax in a gross amount.
fn included(gross: i64, rate: i64) -> i64 {
    round_minor(ratio_of(gross) * ratio_of(rate) / (10_000.0 + ratio_of(rate)))
}

/// Whether a tax's short name stands there with the letters it is misread with most: "UAT 21 %", "T.U.Q.".
pub(crate) fn misread(text: &str) -> bool {
    Glued::new(text).holds("tuq") || words(text).iter().any(|w| w == "uat" || w == "iax")
}

/// Where one line is the whole tax, the others are none of it.
pub(crate) fn agree(lines: &mut Vec<Tax>, total_tax: Option<i64>) {
    let sum: i64 = lines.iter().map(|t| t.amount).sum();
    let whole = |t: &Tax| Some(t.amount) == total_tax;
    if Some(sum) != total_tax && lines.iter().any(whole) {
        lines.retain(whole);
    }
}

/// Base and tax among the amounts of a row; true when the rate or the row's sum proves it.
fn solve(rate: Option<i64>, money: &[i64]) -> Option<(Option<i64>, i64, bool)> {
    let expected = |base: i64, rate: i64| round_minor(ratio_of(base) * ratio_of(rate) / 10_000.0);
    if let Some(rate) = rate {
        for (i, base) in money.iter().enumerate() {
            for (k, tax) in money.iter().enumerate() {
                if i != k && tax < base && *tax > 0 && (expected(*base, rate) - tax).abs() <= 1 {
                    return Some((Some(*base), *tax, true));
                }
            }
        }
        for (i, gross) in money.iter().enumerate() {
            for (k, tax) in money.iter().enumerate() {
                if i != k && tax < gross && *tax > 0 && (included(*gross, rate) - tax).abs() <= 1 {
                    return Some((Some(gross - tax), *tax, true));
                }
            }
        }
    }
    for base in money {
        for tax in money.iter().filter(|t| *t < base && **t > 0) {
            if money.contains(&(base + tax)) && tax * 3 < *base {
                return Some((Some(*base), *tax, true));
            }
        }
    }
    match money {
        [tax] => Some((None, *tax, false)),
        _ => None,
    }
}

/// All tax lines; where the same tax is printed twice, the line that says more.
pub(crate) fn find(r: &Reading, labelled: &[Labelled], total: Option<i64>) -> Vec<Tax> {
    let mut found: Vec<Tax> = Vec::new();
    let mut table = 0_usize;
    for row in 0..r.layout.rows.len() {
        let text = r.layout.rows[row].text();
        if NUMBERED.is_match(&text) {
            continue;
        }
        let mut label = r.label(CODE.find(&text).map_or(&text, |code| &text[..=code.start()]));
        if misread(&text) {
            label = label.and(Label::TAX);
        }
        let any_money = r.amounts.iter().any(|a| a.row == row && a.money());
        let header = !any_money
            && label.any(Label::TAX.and(Label::TABLE).and(Label::NET).and(Label::INCLUSIVE));
        if header && (label.any(Label::TAX) || label.has(Label::TABLE.and(Label::NET))) {
            table = 6;
            continue;
        }
        table = table.saturating_sub(1);
        if !any_money || (!label.any(Label::TAX) && table == 0) {
            continue;
        }
        let noise = Label::SUB
            .and(Label::CASH)
            .and(Label::CHANGE)
            .and(Label::COUNT)
            .and(Label::BALANCE)
            .and(Label::SAVED);
        let own = labelled
            .iter()
            .filter(|l| r.amounts[l.index].row == row)
            .fold(Label::default(), |a, l| a.and(l.label));
        if own.any(noise)
            || (label.any(Label::TOTAL.and(Label::DUE)) && !label.any(Label::TAX) && table == 0)
        {
            continue;
        }
        let (rate, money) = rate_of(r, row, table > 0 || label.any(Label::TAX));
        let totals = label.any(Label::TOTAL.and(Label::DUE));
        if totals
            && rate.is_none()
            && (label.any(Label::INCLUSIVE.and(Label::NET).and(Label::GRAND)) || !found.is_empty())
        {
            continue;
        }
        let Some((base, amount, proven)) = solve(rate, &money) else { continue };
        let unproven = !proven
            && (!label.any(Label::TAX)
                || label.any(Label::NET)
                || (label.any(Label::INCLUSIVE) && rate.is_none() && totals));
        let too_much = total.is_some_and(|t| amount * 5 > t * 2);
        let second_reading = amount == 0 || unproven || too_much;
        if second_reading {
            continue;
        }
        // Alone in its row, but exactly what its rate makes of the total.
        let of_total = rate.zip(total).is_some_and(|(q, t)| included(t, q) == amount);
        let situation = match (proven || of_total, rate.is_some()) {
            (true, true) => Situation::TaxLineRate,
            (true, false) => Situation::TaxLineSum,
            (false, true) => Situation::TaxLineRated,
            (false, false) => Situation::TaxLineNamed,
        };
        found.push(Tax { rate, base, amount, row, situation });
    }
    tidy(found)
}

/// Drops what says the same again, and sums of the others.
fn tidy(mut found: Vec<Tax>) -> Vec<Tax> {
    found.sort_by_key(|t| (t.situation, t.row));
    let mut kept: Vec<Tax> = Vec::new();
    for tax in found {
        let same = kept.iter().any(|k| {
            k.amount == tax.amount && (k.rate == tax.rate || tax.rate.is_none() || k.rate.is_none())
        });
        let sum: i64 = kept.iter().map(|k| k.amount).sum();
        let is_sum = kept.len() > 1 && tax.amount == sum;
        if !same && !is_sum {
            kept.push(tax);
        }
    }
    // A line without a rate beside lines with rates is their sum printed elsewhere, or a part of it.
    if kept.iter().any(|k| k.situation == Situation::TaxLineRate) {
        kept.retain(|k| k.rate.is_some());
    }
    kept.sort_by_key(|t| t.row);
    kept
}

#[cfg(test)]
mod tests {
    use super::super::{testing::document, totals};
    use super::*;

    fn of(rows: &[&str], total: i64) -> Vec<(Option<i64>, Option<i64>, i64)> {
        let r = Reading::new(&document(rows));
        let labelled = totals::label_all(&r);
        find(&r, &labelled, Some(total)).iter().map(|t| (t.rate, t.base, t.amount)).collect()
    }

    #[test]
    fn french_rates() {
        assert_eq!(
            of(&["A: TVA 5.5% sur 1.80: € 0.10 (1.90)", "B: TVA 10% sur 4.36: € 0.44 (4.80)"], 670),
            [(Some(550), Some(180), 10), (Some(1000), Some(436), 44)]
        );
        assert_eq!(
            of(&["TVA|Taux|Base|TVA|TTC", "TVA 20% (1)|20,00|9,16|1,83|10,99"], 1099),
            [(Some(2000), Some(916), 183)]
        );
    }

    #[test]
    fn goods_with_a_tax_s_letters_are_none() {
        for goods in [
            "Yaourt vanille",
            "Lait vanille",
            "Cravate soie",
            "Moustarde",
            "HET TRAAGSTE BROOD P",
            "Avatar DVD",
            "Estival blanc",
            "Mom's cookies",
            "Twisties Cookies",
            "Housse taxi",
            "Joust VR",
            "Statuquette",
        ] {
            let row = format!("{goods}|2,40");
            assert_eq!(of(&["Chez Louise", &row, "TOTAL TTC|12,40"], 1240), [], "{goods}");
        }
        for tax in ["TVA20%", "DontTVA", "DONT TVA", "T V A", "Total T.V.A", "BTWLaag", "SalesTax"]
        {
            let row = format!("{tax}|2,07");
            assert_eq!(of(&["Chez Louise", "TOTAL TTC|12,40", &row], 1240).len(), 1, "{tax}");
        }
        assert_eq!(of(&["NET TOTAL VAT|2,40"], 240), []);
        for goods in ["10.00 NOS X 0.70|7.00 SR", "2PETI 26.00 X|52.00 SR", "2.- IVA inclosos"] {
            assert_eq!(of(&[goods, "Total|520.00"], 52_000), [], "{goods}");
        }
    }

    #[test]
    fn quebec_and_malaysia() {
        assert_eq!(
            of(
                &[
                    "SOUS-TOTAL|12.97",
                    "12.97 T.P.S. ( 5.000)%|0.65",
                    "12.97 T.V.Q. ( 9.975)%|1.29",
                    "TOTAL|14.91"
                ],
                1491
            ),
            [(Some(500), Some(1297), 65), (Some(998), Some(1297), 129)]
        );
        assert_eq!(
            of(&["GST SUMMARY|AMOUNT(RM)|TAX(RM)", "SR 6%|13.00|0.78"], 1378),
            [(Some(600), Some(1300), 78)]
        );
        assert_eq!(of(&["TPS|$0.86", "TVQ|$1.72"], 1978).iter().map(|t| t.2).sum::<i64>(), 258);
    }
}
