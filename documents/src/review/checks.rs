//! Checks after a correction: sums are made again with the new numbers, and what a person has said needs no key.

use super::{extracted, overlay::minor};
use crate::receipt::amount;
use quittance_domain::money::Currency;
use serde_json::{Value, json};

/// Rounding of single lines that a sum forgives, minor units.
const SUM_SLACK: i64 = 2;
/// The same where net and tax are rounded each.
const NET_SLACK: i64 = 5;

struct Sums {
    currency: Option<Currency>,
    total: Option<i64>,
    subtotal: Option<i64>,
    tax: Option<i64>,
    items: Vec<i64>,
    taxes: Vec<i64>,
}

/// Makes the checks again that these fields bear on. A check that can not be made any more goes.
pub(super) fn again(document: &mut Value, corrected: &[&str]) {
    let about = |code: &str| -> &[&str] {
        match code {
            "ITEMS_SUM" | "NET_PLUS_TAX" => &["totalAmount", "subtotal", "totalTax"],
            "TAX_SUM" => &["totalTax"],
            "CASH_CHANGE" => &["totalAmount"],
            "VAT_ID_KEY" => &["vatId"],
            "SIRET_KEY" => &["siret"],
            _ => &[],
        }
    };
    let sums = Sums::of(document);
    let Some(Value::Array(checks)) = document.get_mut("checks") else { return };
    checks.retain_mut(|check| {
        let code = check.get("code").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !about(&code).iter().any(|field| corrected.contains(field)) {
            return true;
        }
        match sums.check(&code) {
            Some((passed, message)) => {
                let status = if passed { "passed" } else { "failed" };
                *check = json!({ "code": code, "status": status, "message": message });
                true
            }
            None => false,
        }
    });
}

impl Sums {
    fn of(document: &Value) -> Self {
        let currency = extracted(document, "totalAmount")
            .and_then(|total| total.get("currency")?.as_str()?.parse::<Currency>().ok());
        // Hundredths whatever the currency: the messages show no more.
        let one = |name: &str| minor(extracted(document, name)?.get("value")?, 2);
        let list = |name: &str, part: &str| -> Vec<i64> {
            let lines = document.get("extractedFields").and_then(|f| f.get(name)?.as_array());
            lines.into_iter().flatten().filter_map(|line| minor(line.get(part)?, 2)).collect()
        };
        Self {
            currency,
            total: one("totalAmount"),
            subtotal: one("subtotal"),
            tax: one("totalTax"),
            items: list("items", "totalPrice"),
            taxes: list("taxes", "amount"),
        }
    }

    fn money(&self, minor: i64) -> String {
        amount(minor, self.currency)
    }

    fn check(&self, code: &str) -> Option<(bool, String)> {
        match code {
            "ITEMS_SUM" => {
                let (total, sum) = (self.total?, self.items.iter().sum::<i64>());
                let targets = [Some(total), self.subtotal, self.tax.map(|tax| total - tax)];
                let hit = targets.into_iter().flatten().find(|t| (t - sum).abs() <= SUM_SLACK);
                let against = self.money(hit.unwrap_or(self.subtotal.unwrap_or(total)));
                let verb = if hit.is_some() { "correspond" } else { "ne correspond pas" };
                let sum = self.money(sum);
                Some((hit.is_some(), format!("La somme des lignes ({sum}) {verb} à {against}.")))
            }
            "TAX_SUM" => {
                let (tax, sum) = (self.tax?, self.taxes.iter().sum::<i64>());
                let passed = (sum - tax).abs() <= SUM_SLACK;
                let verb = if passed { "correspond" } else { "ne correspond pas" };
                let (sum, tax) = (self.money(sum), self.money(tax));
                let message =
                    format!("La somme des taxes ({sum}) {verb} au total des taxes ({tax}).");
                Some((passed, message))
            }
            "NET_PLUS_TAX" => {
                let (total, net, tax) = (self.total?, self.subtotal?, self.tax?);
                let passed = (net + tax - total).abs() <= NET_SLACK;
                let sign = if passed { "=" } else { "≠" };
                let (net, tax, total) = (self.money(net), self.money(tax), self.money(total));
                Some((passed, format!("{net} + {tax} {sign} {total}.")))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                { "code": "ITEMS_SUM", "status": "passed", "message": "La somme des lignes (12,00€) correspond à 12,00€." },
                check("SIRET_KEY"),
                check("NEW"),
            ])
        );
    }
}
