//! What EN 16931 asks of an invoice's sums. The codes in brackets are its rules.

use super::{Refusal, cii::Invoice};
use quittance_domain::{
    money::Minor,
    receipt::{Check, CheckStatus},
};

/// Codes of documents that give money back (UNTDID 1001).
const CREDIT_NOTES: [&str; 5] = ["81", "83", "261", "381", "396"];

/// Whether it is a credit note, whatever the sign of its sums.
pub(super) fn gives_back(invoice: &Invoice) -> bool {
    CREDIT_NOTES.contains(&invoice.type_code.as_str())
}

/// Refuses what contradicts itself; what merely does not follow from its parts comes back as failed checks.
pub(super) fn validate(invoice: &Invoice) -> Result<Vec<Check>, Refusal> {
    complete(invoice)?;
    let tax = invoice.tax.unwrap_or_default();
    if invoice.grand.0 != invoice.net.0 + tax.0 {
        let [net, tax, grand] = [invoice.net, tax, invoice.grand].map(|m| shown(invoice, m));
        return Err(Refusal(format!("{net} HT et {tax} de TVA ne font pas {grand} (BR-CO-15)")));
    }
    let due = invoice.grand.0 - invoice.prepaid.unwrap_or_default().0
        + invoice.rounding.unwrap_or_default().0;
    // The smallest profiles state what is due without what was paid before.
    if invoice.due.0 != due && invoice.prepaid.is_some() {
        let [due, stated] = [Minor(due), invoice.due].map(|m| shown(invoice, m));
        return Err(Refusal(format!("le reste à payer serait {due} et non {stated} (BR-CO-16)")));
    }
    if invoice.grand.0 < 0 && !gives_back(invoice) {
        let (grand, code) = (shown(invoice, invoice.grand), &invoice.type_code);
        return Err(Refusal(format!(
            "un total de {grand} est celui d'un avoir, or le type {code} est celui d'une facture"
        )));
    }
    let mut checks = vec![check(
        "FACTURX_TOTAL",
        true,
        format!(
            "{} HT + {} de TVA = {}",
            shown(invoice, invoice.net),
            shown(invoice, tax),
            shown(invoice, invoice.grand)
        ),
    )];
    checks.extend(lines(invoice));
    checks.extend(net(invoice));
    checks.extend(taxes(invoice));
    Ok(checks)
}

/// What a profile asks for beyond what every one does: a breakdown of the tax, and lines.
fn complete(invoice: &Invoice) -> Result<(), Refusal> {
    let profile = invoice.profile.to_ascii_lowercase();
    let is = |name: &str| profile.ends_with(name);
    let asks = |what: &str| Refusal(format!("le profil {} demande {what}", invoice.profile));
    if invoice.taxes.is_empty() && !is("minimum") {
        return Err(asks("une ventilation de la TVA (BR-CO-18)"));
    }
    if invoice.lines.is_empty() && !is("minimum") && !is("basicwl") {
        return Err(asks("au moins une ligne (BR-16)"));
    }
    Ok(())
}

/// A remark about what does not follow from its parts.
pub(super) fn failed(checks: &[Check]) -> Option<String> {
    let failed: Vec<&str> = checks
        .iter()
        .filter(|c| c.status == CheckStatus::Failed)
        .map(|c| c.message.as_str())
        .collect();
    (!failed.is_empty())
        .then(|| format!("La facture électronique se contredit : {}.", failed.join(" ; ")))
}

/// The lines' sum (BR-CO-10).
fn lines(invoice: &Invoice) -> Option<Check> {
    let stated = invoice.line_total?;
    if invoice.lines.is_empty() {
        return None;
    }
    let sum = Minor(invoice.lines.iter().map(|l| l.total.0).sum());
    let message = format!(
        "somme des {} lignes : {}, annoncée : {}",
        invoice.lines.len(),
        shown(invoice, sum),
        shown(invoice, stated)
    );
    Some(check("FACTURX_LINES", sum == stated, message))
}

/// Lines less reductions plus charges (BR-CO-13).
fn net(invoice: &Invoice) -> Option<Check> {
    let sum = invoice.line_total?.0 - invoice.allowance_total.unwrap_or_default().0
        + invoice.charge_total.unwrap_or_default().0;
    let message = format!(
        "lignes, remises et frais : {}, total HT annoncé : {}",
        shown(invoice, Minor(sum)),
        shown(invoice, invoice.net)
    );
    Some(check("FACTURX_NET", sum == invoice.net.0, message))
}

/// The rates' taxes make the tax (BR-CO-14), and each follows from its base (BR-CO-17).
fn taxes(invoice: &Invoice) -> Vec<Check> {
    if invoice.taxes.is_empty() {
        return Vec::new();
    }
    let sum = Minor(invoice.taxes.iter().map(|t| t.amount.0).sum());
    let stated = invoice.tax.unwrap_or_default();
    let message =
        format!("somme des TVA : {}, annoncée : {}", shown(invoice, sum), shown(invoice, stated));
    let mut checks = vec![check("FACTURX_TAX_SUM", sum == stated, message)];
    for tax in &invoice.taxes {
        let (Some(rate), Some(base)) = (tax.rate, tax.base) else { continue };
        // Hundredths of a percent of minor units: off by no more than one unit of rounding.
        let exact = i128::from(base.0) * i128::from(rate);
        let stated = i128::from(tax.amount.0) * 10_000;
        let message = format!(
            "{} % de {} : {} annoncés",
            Minor(rate).to_decimal(2),
            shown(invoice, base),
            shown(invoice, tax.amount)
        );
        checks.push(check("FACTURX_TAX_RATE", (exact - stated).abs() <= 10_000, message));
    }
    checks
}

pub(super) fn check(code: &str, passed: bool, message: String) -> Check {
    let status = if passed { CheckStatus::Passed } else { CheckStatus::Failed };
    Check { code: code.to_owned(), status, message }
}

pub(super) fn shown(invoice: &Invoice, minor: Minor) -> String {
    format!(
        "{} {}",
        minor.to_decimal(invoice.currency.exponent()).replace('.', ","),
        invoice.currency
    )
}
