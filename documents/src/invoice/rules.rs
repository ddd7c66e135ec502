//! What EN 16931 asks of an invoice's sums. The codes in brackets are its rules.

use super::{Refusal, model::Invoice};
use quittance_domain::{
    document::Warning,
    i18n::Text,
    money::{Minor, Money},
    receipt::{Check, CheckStatus},
};

/// Codes of documents that give money back (UNTDID 1001).
const CREDIT_NOTES: [&str; 5] = ["81", "83", "261", "381", "396"];

/// Whether money comes back: a credit note whatever the sign of its sums, or an invoice below zero, which EN 16931 allows in a
/// credit note's place.
pub(super) fn gives_back(invoice: &Invoice) -> bool {
    is_credit_note(&invoice.type_code) || invoice.grand.0 < 0
}

/// Whether a type is one of a credit note.
pub(super) fn is_credit_note(type_code: &str) -> bool {
    CREDIT_NOTES.contains(&type_code)
}

/// Refuses what contradicts itself; what merely does not follow from its parts comes back as failed checks.
pub(super) fn validate(invoice: &Invoice) -> Result<Vec<Check>, Refusal> {
    complete(invoice)?;
    let tax = invoice.tax.unwrap_or_default();
    if invoice.grand.0 != invoice.net.0 + tax.0 {
        let [net, tax, grand] = [invoice.net, tax, invoice.grand].map(|m| shown(invoice, m));
        return Err(Refusal::new(
            format!("{} HT et {} de TVA ne font pas {} (BR-CO-15)", net.fr, tax.fr, grand.fr),
            format!("{} net and {} of tax do not make {} (BR-CO-15)", net.en, tax.en, grand.en),
        ));
    }
    let due = invoice.grand.0 - invoice.prepaid.unwrap_or_default().0
        + invoice.rounding.unwrap_or_default().0;
    // The smallest profiles state what is due without what was paid before.
    if invoice.due.0 != due && invoice.prepaid.is_some() {
        let [due, stated] = [Minor(due), invoice.due].map(|m| shown(invoice, m));
        return Err(Refusal::new(
            format!("le reste à payer serait {} et non {} (BR-CO-16)", due.fr, stated.fr),
            format!("what is due would be {} and not {} (BR-CO-16)", due.en, stated.en),
        ));
    }
    // Of the smallest profiles, which are no invoices by the standard, no line says that it was meant.
    if invoice.grand.0 < 0 && invoice.lines.is_empty() && !is_credit_note(&invoice.type_code) {
        let (grand, code) = (shown(invoice, invoice.grand), &invoice.type_code);
        return Err(Refusal::new(
            format!(
                "un total de {} est celui d'un avoir, or le type {code} est celui d'une facture, et aucune ligne ne le confirme",
                grand.fr
            ),
            format!(
                "a total of {} is that of a credit note, but the type {code} is that of an invoice, and no line bears it out",
                grand.en
            ),
        ));
    }
    let [net_shown, tax, grand] = [invoice.net, tax, invoice.grand].map(|m| shown(invoice, m));
    let total = Text::new(
        format!("{} HT + {} de TVA = {}", net_shown.fr, tax.fr, grand.fr),
        format!("{} net + {} of tax = {}", net_shown.en, tax.en, grand.en),
    );
    let mut checks = vec![Check::new("FACTURX_TOTAL", true, total)];
    checks.extend(lines(invoice));
    checks.extend(net(invoice));
    checks.extend(taxes(invoice));
    Ok(checks)
}

/// What a profile asks for beyond what every one does: a breakdown of the tax, and lines.
fn complete(invoice: &Invoice) -> Result<(), Refusal> {
    let profile = invoice.profile.to_ascii_lowercase();
    let is = |name: &str| profile.ends_with(name);
    let asks = |fr: &str, en: &str| {
        let profile = &invoice.profile;
        Refusal::new(
            format!("le profil {profile} demande {fr}"),
            format!("the profile {profile} asks for {en}"),
        )
    };
    if invoice.taxes.is_empty() && !is("minimum") {
        return Err(asks(
            "une ventilation de la TVA (BR-CO-18)",
            "a breakdown of the tax (BR-CO-18)",
        ));
    }
    if invoice.lines.is_empty() && !is("minimum") && !is("basicwl") {
        return Err(asks("au moins une ligne (BR-16)", "one line at least (BR-16)"));
    }
    Ok(())
}

/// A remark about what does not follow from its parts.
pub(super) fn failed(checks: &[Check]) -> Option<Warning> {
    let failed = || checks.iter().filter(|c| c.status == CheckStatus::Failed);
    let french: Vec<&str> = failed().map(|c| c.message.as_str()).collect();
    let english: Vec<&str> = failed().filter_map(|c| c.message_en.as_deref()).collect();
    let text = Text::new(
        format!("La facture électronique se contredit : {}.", french.join(" ; ")),
        format!("The electronic invoice contradicts itself: {}.", english.join("; ")),
    );
    (!french.is_empty()).then(|| Warning::new("FACTURX_CHECK_FAILED", text))
}

/// The lines' sum (BR-CO-10).
fn lines(invoice: &Invoice) -> Option<Check> {
    let stated = invoice.line_total?;
    if invoice.lines.is_empty() {
        return None;
    }
    let sum = Minor(invoice.lines.iter().map(|l| l.total.0).sum());
    let (count, [made, told]) = (invoice.lines.len(), [sum, stated].map(|m| shown(invoice, m)));
    let text = Text::new(
        format!("somme des {count} lignes : {}, annoncée : {}", made.fr, told.fr),
        format!("sum of the {count} lines: {}, stated: {}", made.en, told.en),
    );
    Some(Check::new("FACTURX_LINES", sum == stated, text))
}

/// Lines less reductions plus charges (BR-CO-13).
fn net(invoice: &Invoice) -> Option<Check> {
    let sum = invoice.line_total?.0 - invoice.allowance_total.unwrap_or_default().0
        + invoice.charge_total.unwrap_or_default().0;
    let [made, told] = [Minor(sum), invoice.net].map(|m| shown(invoice, m));
    let text = Text::new(
        format!("lignes, remises et frais : {}, total HT annoncé : {}", made.fr, told.fr),
        format!("lines, reductions and charges: {}, net total stated: {}", made.en, told.en),
    );
    Some(Check::new("FACTURX_NET", sum == invoice.net.0, text))
}

/// The rates' taxes make the tax (BR-CO-14), and each follows from its base (BR-CO-17).
fn taxes(invoice: &Invoice) -> Vec<Check> {
    if invoice.taxes.is_empty() {
        return Vec::new();
    }
    let sum = Minor(invoice.taxes.iter().map(|t| t.amount.0).sum());
    let stated = invoice.tax.unwrap_or_default();
    let [made, told] = [sum, stated].map(|m| shown(invoice, m));
    let text = Text::new(
        format!("somme des TVA : {}, annoncée : {}", made.fr, told.fr),
        format!("sum of the taxes: {}, stated: {}", made.en, told.en),
    );
    let mut checks = vec![Check::new("FACTURX_TAX_SUM", sum == stated, text)];
    for tax in &invoice.taxes {
        let (Some(rate), Some(base)) = (tax.rate, tax.base) else { continue };
        // Hundredths of a percent of minor units: off by no more than one unit of rounding.
        let exact = i128::from(base.0) * i128::from(rate);
        let stated = i128::from(tax.amount.0) * 10_000;
        let percent = Minor(rate).to_decimal(2);
        let [base, told] = [base, tax.amount].map(|m| shown(invoice, m));
        let text = Text::new(
            format!("{percent} % de {} : {} annoncés", base.fr, told.fr),
            format!("{percent}% of {}: {} stated", base.en, told.en),
        );
        checks.push(Check::new("FACTURX_TAX_RATE", (exact - stated).abs() <= 10_000, text));
    }
    checks
}

/// An amount as each language writes it.
pub(super) fn shown(invoice: &Invoice, minor: Minor) -> Text {
    let money = Money { minor, currency: invoice.currency };
    Text::each(|language| money.written(language))
}
