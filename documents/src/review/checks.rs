//! Checks after a correction: sums are made again with the new numbers, and what a person has said needs no key.

use super::{extracted, lists, overlay::minor};
use crate::receipt::sums;
use quittance_domain::{i18n::Text, money::Currency, receipt::Check};
use serde_json::Value;

/// Rounding of single lines that a sum forgives, minor units.
const SUM_SLACK: i64 = 2;
/// The same where net and tax are rounded each.
const NET_SLACK: i64 = 5;

/// What can be made anew from the fields alone, in the order results show it.
const SUMS: [&str; 4] = ["ITEMS_SUM", "TAX_SUM", "NET_PLUS_TAX", "TAX_RATE"];

struct Sums {
    currency: Option<Currency>,
    total: Option<i64>,
    subtotal: Option<i64>,
    tax: Option<i64>,
    items: Vec<i64>,
    reductions: i64,
    taxes: Vec<i64>,
    /// Rate in hundredths of a percent, base, tax.
    rated: Vec<(i64, i64, i64)>,
}

/// The fields a check bears on.
fn about(code: &str) -> &'static [&'static str] {
    match code {
        "ITEMS_SUM" => &["totalAmount", "subtotal", "totalTax", "items", "discounts"],
        "NET_PLUS_TAX" => &["totalAmount", "subtotal", "totalTax"],
        "TAX_SUM" => &["totalTax", "taxes"],
        "TAX_RATE" => &["taxes"],
        "DISCOUNTS" => &["totalAmount", "discounts"],
        "CASH_CHANGE" | "ROUNDING" | "PAYMENTS_SUM" => &["totalAmount"],
        "VAT_ID_KEY" => &["vatId"],
        "SIRET_KEY" => &["siret"],
        _ => &[],
    }
}

/// Makes the checks again that these fields bear on. A check that can not be made any more goes; one that a corrected
/// list makes possible comes.
pub(super) fn again(document: &mut Value, corrected: &[&str]) {
    let sums = Sums::of(document);
    let Some(Value::Array(checks)) = document.get_mut("checks") else { return };
    let code = |check: &Value| -> String {
        check.get("code").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let concerned = |code: &str| about(code).iter().any(|field| corrected.contains(field));
    let made = |code: &str| {
        let (passed, text) = sums.check(code)?;
        serde_json::to_value(Check::new(code, passed, text)).ok()
    };
    let had: Vec<String> = checks.iter().map(code).collect();
    checks.retain_mut(|check| {
        let code = code(check);
        if !concerned(&code) {
            return true;
        }
        made(&code).map(|new| *check = new).is_some()
    });
    let listed = corrected.iter().any(|field| lists::list(field).is_some());
    let new = SUMS.iter().filter(|code| listed && !had.iter().any(|had| had == *code));
    checks.extend(new.filter(|code| concerned(code) && sums.tells(code)).filter_map(|c| made(c)));
}

impl Sums {
    fn of(document: &Value) -> Self {
        let currency = extracted(document, "totalAmount")
            .and_then(|total| total.get("currency")?.as_str()?.parse::<Currency>().ok());
        // Hundredths whatever the currency: the messages show no more.
        let one = |name: &str| minor(extracted(document, name)?.get("value")?, 2);
        let list = |name: &str, part: &str| -> Vec<i64> {
            let lines = lists::lines(document, name).iter();
            lines.filter_map(|line| minor(line.get(part)?, 2)).collect()
        };
        let rated = |line: &Value| {
            let number = |part: &str| minor(line.get(part)?, 2);
            Some((number("rate")?, number("base")?, number("amount")?))
        };
        Self {
            currency,
            total: one("totalAmount"),
            subtotal: one("subtotal"),
            tax: one("totalTax"),
            items: list("items", "totalPrice"),
            reductions: list("discounts", "amount").iter().sum(),
            taxes: list("taxes", "amount"),
            rated: lists::lines(document, "taxes").iter().filter_map(rated).collect(),
        }
    }

    /// Whether a check that was not made before says anything: one line is no sum.
    fn tells(&self, code: &str) -> bool {
        match code {
            "ITEMS_SUM" => self.items.len() > 1,
            "TAX_SUM" => self.taxes.len() > 1,
            _ => true,
        }
    }

    fn check(&self, code: &str) -> Option<(bool, Text)> {
        let said = sums::Sums { currency: self.currency };
        match code {
            "ITEMS_SUM" => {
                let total = self.total?;
                if self.items.is_empty() {
                    return None;
                }
                let goods = self.items.iter().sum::<i64>();
                // Prices are printed before a reduction, or after it.
                let sums = [goods + self.reductions, goods];
                let targets = [Some(total), self.subtotal, self.tax.map(|tax| total - tax)];
                let fits = |sum: i64| {
                    targets.iter().flatten().find(|t| (*t - sum).abs() <= SUM_SLACK).copied()
                };
                let hit = sums.into_iter().find_map(|sum| Some((sum, fits(sum)?)));
                let (sum, hit) = hit.map_or((sums[0], None), |(sum, target)| (sum, Some(target)));
                let against = hit.unwrap_or(self.subtotal.unwrap_or(total));
                Some((hit.is_some(), said.items(sum, against, hit.is_some())))
            }
            "TAX_SUM" => {
                if self.taxes.is_empty() {
                    return None;
                }
                let (tax, sum) = (self.tax?, self.taxes.iter().sum::<i64>());
                let passed = (sum - tax).abs() <= SUM_SLACK;
                Some((passed, said.taxes(sum, tax, passed)))
            }
            "NET_PLUS_TAX" => {
                let (total, net, tax) = (self.total?, self.subtotal?, self.tax?);
                let passed = (net + tax - total).abs() <= NET_SLACK;
                Some((passed, said.equation(net, '+', tax, total, passed)))
            }
            "TAX_RATE" => {
                let wrong = self.rated.iter().find(|line| !fits_rate(line));
                let (rate, base, tax) = wrong.or_else(|| self.rated.first()).copied()?;
                Some((wrong.is_none(), said.rate(rate, base, tax, wrong.is_none())))
            }
            _ => None,
        }
    }
}

/// Rate times base is the tax, the base without or with it.
fn fits_rate(&(rate, base, tax): &(i64, i64, i64)) -> bool {
    let (rate, base, tax) = (i128::from(rate), i128::from(base), i128::from(tax));
    let (net, gross) = (base * rate - tax * 10_000, base * rate - tax * (10_000 + rate));
    let slack = i128::from(SUM_SLACK);
    net.abs() <= slack * 10_000 || gross.abs() <= slack * (10_000 + rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sums_are_made_again_and_keys_go() {
        let check = |code: &str| json!({ "code": code, "status": "failed", "message": "old" });
        let mut document = json!({
            "extractedFields": {
                "totalAmount": { "value": 12.0, "currency": "EUR" },
                "items": [{ "totalPrice": 7.5 }, { "totalPrice": 4.5 }],
            },
            "checks": [check("ITEMS_SUM"), check("NET_PLUS_TAX"), check("VAT_ID_KEY"), check("SIRET_KEY"), check("NEW")],
        });
        again(&mut document, &["totalAmount", "vatId"]);
        assert_eq!(
            document["checks"],
            json!([
                {
                    "code": "ITEMS_SUM", "status": "passed",
                    "message": "La somme des lignes (12,00€) correspond à 12,00€.",
                    "messageEn": "The sum of the lines (€12.00) is €12.00.",
                },
                check("SIRET_KEY"),
                check("NEW"),
            ])
        );
    }

    #[test]
    fn a_refund_s_sums_are_the_same_sums() {
        let check = |code: &str| json!({ "code": code, "status": "failed", "message": "old" });
        let mut document = json!({
            "extractedFields": {
                "totalAmount": { "value": -12.0, "currency": "EUR" },
                "subtotal": { "value": -10.0, "currency": "EUR" },
                "totalTax": { "value": -2.0, "currency": "EUR" },
                "taxes": [{ "rate": 20.0, "base": -10.0, "amount": -2.0 }],
                "items": [{ "totalPrice": -15.0 }, { "totalPrice": 3.0 }],
            },
            "checks": [check("ITEMS_SUM"), check("NET_PLUS_TAX"), check("TAX_RATE")],
        });
        again(&mut document, &["totalAmount", "taxes"]);
        let passed = |check: &Value| check["status"] == "passed";
        assert!(document["checks"].as_array().unwrap().iter().all(passed), "{document}");
        assert_eq!(document["checks"][1]["message"], "-10,00€ + -2,00€ = -12,00€.");
    }

    #[test]
    fn a_corrected_list_brings_its_checks() {
        let tax = |rate: f64, base: f64, amount: f64| json!({ "rate": rate, "base": base, "amount": amount });
        let mut document = json!({
            "extractedFields": {
                "totalAmount": { "value": 13.0, "currency": "EUR" }, "totalTax": { "value": 1.55, "currency": "EUR" },
                "taxes": [tax(5.5, 10.0, 0.55), tax(20.0, 5.0, 1.0)],
                "items": [{ "totalPrice": 9.0 }, { "totalPrice": 6.0 }],
                "discounts": [{ "amount": -2.0 }],
            },
            "checks": [{ "code": "DISCOUNTS", "status": "passed", "message": "old" }],
        });
        let codes = |document: &Value| -> Vec<(String, String)> {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let checks = document["checks"].as_array().unwrap().iter();
            checks.map(|c| (text(&c["code"]), text(&c["status"]))).collect()
        };
        let pair = |code: &str, status: &str| (code.to_owned(), status.to_owned());
        again(&mut document, &["taxes"]);
        let taxes =
            [pair("DISCOUNTS", "passed"), pair("TAX_SUM", "passed"), pair("TAX_RATE", "passed")];
        assert_eq!(codes(&document), taxes);
        document["extractedFields"]["taxes"] = json!([tax(5.5, 10.0, 0.85)]);
        again(&mut document, &["taxes", "items", "discounts"]);
        assert_eq!(
            codes(&document),
            [pair("TAX_SUM", "failed"), pair("TAX_RATE", "failed"), pair("ITEMS_SUM", "passed")]
        );
        let said = document["checks"][1]["message"].as_str().unwrap();
        assert_eq!(said, "5,5 % × 10,00€ ≠ 0,85€.");
    }
}
