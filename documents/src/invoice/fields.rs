//! From the XML's elements to the fields of a receipt.

use super::{
    model::{Allowance, Invoice, Line, Tax},
    rules,
};
use crate::receipt::{NOT_A_PAYMENT, sentence};
use quittance_domain::{
    document::BoundingBox,
    kind::DocumentType,
    money::Minor,
    receipt::{AmountField, Check, Discount, ExtractedFields, Extraction, Field, Item, TaxLine},
};

/// What is not printed anywhere in particular: the first page as a whole.
const PAGE: u32 = 1;
const WHOLE: BoundingBox = BoundingBox { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };

/// `printed` is what was read on the page: it gives what the XML does not know.
pub(super) fn extraction(invoice: &Invoice, checks: Vec<Check>, printed: Extraction) -> Extraction {
    let digits = invoice.currency.exponent();
    let paths = invoice.paths;
    let amount = |minor: Minor, path: &str| AmountField {
        field: stated(minor.to_number(digits), path),
        currency: Some(invoice.currency),
    };
    let (receipt_type, document_type) = if rules::gives_back(invoice) {
        ("credit_note", DocumentType::CreditNote)
    } else {
        ("invoice", DocumentType::Invoice)
    };
    let seller = &invoice.seller;
    let siret = seller.legal_id.as_ref().filter(|id| id.len() == 14 && is_digits(id));
    let extracted_fields = ExtractedFields {
        total_amount: Some(amount(invoice.grand, paths.grand)),
        date: Some(stated(invoice.date.clone(), paths.date)),
        merchant_name: Some(stated(seller.name.clone(), paths.seller)),
        items: items(invoice),
        summary: sentence(
            receipt_type,
            None,
            Some(&seller.name),
            (digits == 2).then_some(invoice.grand.0),
            Some(invoice.currency),
        ),
        time: None,
        subtotal: Some(amount(invoice.net, paths.net)),
        total_tax: invoice.tax.map(|tax| amount(tax, paths.tax)),
        taxes: taxes(invoice),
        tip: None,
        discounts: discounts(invoice),
        payment_method: invoice
            .payment_means
            .as_deref()
            .and_then(payment_method)
            .map(|m| stated(m.to_owned(), paths.payment)),
        card_last4: None,
        receipt_number: Some(stated(invoice.number.clone(), paths.number)),
        merchant_address: optional(seller.address.as_ref(), paths.address),
        merchant_phone: optional(seller.phone.as_ref(), paths.phone),
        vat_id: optional(seller.vat_id.as_ref(), paths.vat_id),
        siret: optional(siret, paths.legal_id),
        category: printed.extracted_fields.category,
        country: optional(seller.country.as_ref(), paths.country),
    };
    Extraction {
        receipt_type: receipt_type.to_owned(),
        document_type: Some(document_type),
        extracted_fields,
        checks,
        // What the page calls itself does not count beside data that are an invoice's.
        warnings: printed.warnings.into_iter().filter(|w| w.code != NOT_A_PAYMENT).collect(),
        detected_language: printed.detected_language,
        confidence: 1.0,
        children: Vec::new(),
    }
}

fn stated<T>(value: T, path: &str) -> Field<T> {
    Field {
        value,
        confidence: 1.0,
        page: None,
        bounding_box: None,
        raw: Some(path.to_owned()),
        alternatives: Vec::new(),
    }
}

fn optional(value: Option<&String>, path: &str) -> Option<Field<String>> {
    value.map(|v| stated(v.clone(), path))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

fn items(invoice: &Invoice) -> Vec<Item> {
    let number = |text: &Option<String>| text.as_deref().and_then(|t| t.parse().ok());
    let item = |(i, line): (usize, &Line)| Item {
        description: line.name.clone(),
        quantity: number(&line.quantity),
        unit_price: number(&line.unit_price),
        total_price: Some(line.total.to_number(invoice.currency.exponent())),
        confidence: 1.0,
        page: PAGE,
        bounding_box: WHOLE,
        raw: format!("{}[{}]", invoice.paths.line, i + 1),
    };
    invoice.lines.iter().enumerate().map(item).collect()
}

fn taxes(invoice: &Invoice) -> Vec<TaxLine> {
    let digits = invoice.currency.exponent();
    let line = |(i, tax): (usize, &Tax)| TaxLine {
        rate: tax.rate.map(|r| Minor(r).to_number(2)),
        base: tax.base.map(|b| b.to_number(digits)),
        amount: Some(tax.amount.to_number(digits)),
        confidence: 1.0,
        page: PAGE,
        bounding_box: WHOLE,
        raw: format!("{}[{}]", invoice.paths.tax_line, i + 1),
    };
    invoice.taxes.iter().enumerate().map(line).collect()
}

fn discounts(invoice: &Invoice) -> Vec<Discount> {
    let discount = |(i, a): (usize, &Allowance)| Discount {
        description: a.reason.clone().unwrap_or_else(|| "Remise".to_owned()),
        amount: Minor(-a.amount.0.abs()).to_number(invoice.currency.exponent()),
        confidence: 1.0,
        page: PAGE,
        bounding_box: WHOLE,
        raw: format!("{}[{}]", invoice.paths.allowance, i + 1),
    };
    let given = invoice.allowances.iter().enumerate().filter(|(_, a)| !a.is_charge);
    given.map(discount).collect()
}

/// UNTDID 4461.
fn payment_method(code: &str) -> Option<&'static str> {
    Some(match code {
        "10" => "cash",
        "20" | "21" | "22" | "23" => "cheque",
        "30" | "31" | "42" | "49" | "57" | "58" | "59" => "transfer",
        "48" | "54" | "55" => "card",
        _ => return None,
    })
}
