//! Invoices that carry their own data: Factur-X and `ZUGFeRD`, a PDF with the invoice as XML inside.
//!
//! A valid XML is the source of the fields, with confidence 1 and the element's path in place of printed text. It is
//! data and never run. One that is not valid is refused with the reason, and the page is read like any other.

mod cii;
mod fields;
mod rules;
#[cfg(test)]
mod tests;

use crate::receipt;
use quittance_domain::{
    document::{DocumentText, Warning},
    i18n::Text,
    money::Minor,
    receipt::{Check, Extraction},
};
use std::borrow::Cow;

/// Why an XML is not used, for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.en)]
pub struct Refusal(pub Text);

impl Refusal {
    fn new(fr: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        Self(Text::new(fr, en))
    }
}

/// Names under which the invoice is attached to the PDF, lower case.
pub const ATTACHMENT_NAMES: [&str; 3] = ["factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml"];

/// Bytes of an XML that is still read; real ones have some ten thousand.
pub const MOST_BYTES: usize = 4 << 20;

/// Reads an invoice by its XML, and by its text where that is refused; the text is compared with the XML.
#[must_use]
pub fn extract(text: &DocumentText, xml: &str) -> Extraction {
    let printed = receipt::extract(text);
    match read(xml) {
        Ok((invoice, checks)) => {
            let failed = rules::failed(&checks);
            let mut extraction = fields::extraction(&invoice, checks, printed);
            extraction.warnings.extend(failed);
            compare(&invoice, text, &mut extraction);
            extraction
        }
        Err(Refusal(Text { fr, en })) => {
            let mut extraction = printed;
            let text = Text::new(
                format!(
                    "La facture électronique jointe au PDF n'est pas valide : {fr}. Les champs ont été lus sur la page."
                ),
                format!(
                    "The electronic invoice attached to the PDF is not valid: {en}. The fields were read on the page."
                ),
            );
            extraction.warnings.push(Warning::new("FACTURX_INVALID", text));
            extraction
        }
    }
}

fn read(xml: &str) -> Result<(cii::Invoice, Vec<Check>), Refusal> {
    let invoice = cii::parse(xml)?;
    let checks = rules::validate(&invoice)?;
    Ok((invoice, checks))
}

/// A page that shows another total than the XML is either wrong or another document.
fn compare(invoice: &cii::Invoice, text: &DocumentText, extraction: &mut Extraction) {
    let lines = || text.pages.iter().flat_map(|p| &p.lines);
    if lines().next().is_none() {
        return;
    }
    let digits = invoice.currency.exponent();
    let found = lines().any(|l| shows(&l.text, invoice.grand, digits));
    let total = rules::shown(invoice, invoice.grand);
    let text = if found {
        Text::new(
            format!("le total {} est imprimé sur la page", total.fr),
            format!("the total {} is printed on the page", total.en),
        )
    } else {
        Text::new(
            format!(
                "le total {} de la facture électronique n'est pas imprimé sur la page",
                total.fr
            ),
            format!("the total {} of the electronic invoice is not printed on the page", total.en),
        )
    };
    if !found {
        let remark = Text::new(
            format!("Attention, {} : vérifiez que les deux disent la même chose.", text.fr),
            format!("Attention, {}: check that the two say the same.", text.en),
        );
        extraction.warnings.push(Warning::new("FACTURX_TOTAL_NOT_PRINTED", remark));
    }
    extraction.checks.push(Check::new("FACTURX_PRINTED_TOTAL", found, text));
}

/// Whether a line shows an amount, however it is grouped and whatever its decimal sign.
fn shows(line: &str, amount: Minor, digits: u32) -> bool {
    let wanted: String = amount.to_decimal(digits).chars().filter(char::is_ascii_digit).collect();
    // The text in runs of digits and what may stand inside a number.
    line.split(|c: char| {
        !(c.is_ascii_digit() || c.is_whitespace() || matches!(c, '.' | ',' | '\'' | '’'))
    })
    .any(|run| {
        let tokens: Vec<&str> = run.split_whitespace().collect();
        (0..tokens.len()).any(|from| {
            (from..tokens.len().min(from + 4)).any(|to| {
                let plain: String =
                    tokens[from..=to].concat().chars().filter(char::is_ascii_digit).collect();
                plain == wanted
            })
        })
    })
}
