//! Invoices that carry their own data: Factur-X and `ZUGFeRD`, a PDF with the invoice as XML inside, and such XML alone,
//! as Cross Industry Invoice or as UBL.
//!
//! A valid XML is the source of the fields, with confidence 1 and the element's path in place of printed text. It is
//! data and never run. One that is not valid is refused with the reason, and the page is read like any other.

mod cii;
mod fields;
mod model;
mod rules;
#[cfg(test)]
mod tests;
mod ubl;
mod xml;

use crate::{encoding, receipt};
use model::Invoice;
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

/// Whether a file begins as an invoice in XML does: its root element decides.
#[must_use]
pub fn sniff(head: &[u8]) -> bool {
    let declared = encoding::declared_in_xml(head);
    let text = encoding::decode(head, declared.as_deref()).text;
    let Some(tag) = root(&text) else { return false };
    let end = tag.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).unwrap_or(tag.len());
    let name = tag[..end].rsplit(':').next().unwrap_or_default();
    // Behind the name, so that the namespace is the element's own or at least declared on it.
    let declares = |namespace: &str| tag[end..].contains(namespace);
    let roots = [cii::ROOT].into_iter().chain(ubl::ROOTS);
    roots.into_iter().any(|(root, namespace)| root == name && declares(namespace))
}

/// The root element's start tag, without its `<`; declaration, remarks and instructions before it are none.
fn root(text: &str) -> Option<&str> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let behind = if rest.starts_with("<!--") {
            rest.find("-->")? + 3
        } else if rest.starts_with("<?") {
            rest.find("?>")? + 2
        } else {
            let tag = rest.strip_prefix('<')?;
            return Some(&tag[..tag.find('>').unwrap_or(tag.len())]);
        };
        rest = rest[behind..].trim_start();
    }
}

/// The text of an XML file that is an invoice which can be used.
///
/// # Errors
/// What is wrong with it.
pub fn text(bytes: &[u8]) -> Result<String, Refusal> {
    let declared = encoding::declared_in_xml(bytes);
    let text = encoding::decode(bytes, declared.as_deref()).text;
    read(&text)?;
    Ok(text)
}

fn read(text: &str) -> Result<(Invoice, Vec<Check>), Refusal> {
    let document = xml::parse(text)?;
    let root = document.root_element();
    let invoice = if root.has_tag_name((cii::ROOT.1, cii::ROOT.0)) {
        cii::invoice(root)?
    } else if ubl::ROOTS.iter().any(|(name, namespace)| root.has_tag_name((*namespace, *name))) {
        ubl::invoice(root)?
    } else {
        let name = root.tag_name().name();
        return Err(Refusal::new(
            format!(
                "l'élément racine {name} n'est pas celui d'une facture CII (Factur-X 1, ZUGFeRD 2) ou UBL 2"
            ),
            format!(
                "the root element {name} is not that of a CII (Factur-X 1, ZUGFeRD 2) or UBL 2 invoice"
            ),
        ));
    };
    let checks = rules::validate(&invoice)?;
    Ok((invoice, checks))
}

/// A page that shows another total than the XML is either wrong or another document.
fn compare(invoice: &Invoice, text: &DocumentText, extraction: &mut Extraction) {
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
