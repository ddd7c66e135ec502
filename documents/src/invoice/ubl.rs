//! UBL 2.1 Invoice and `CreditNote`, as Peppol BIS Billing and `XRechnung` have them.

use super::{
    Refusal,
    model::{Allowance, Invoice, Line, Paths, Seller, Tax},
    rules,
    xml::{
        all, amount, at, child, content, currency, day, decimal, is_in, missing, need, need_text,
        text,
    },
};
use quittance_domain::money::{Currency, Minor};
use roxmltree::Node;

/// Root elements with their namespaces.
pub(super) const ROOTS: [(&str, &str); 2] = [
    ("Invoice", "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"),
    ("CreditNote", "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"),
];

/// The type of a plain invoice, and of a plain credit note (UNTDID 1001).
const INVOICE: &str = "380";
const CREDIT_NOTE: &str = "381";
/// The scheme of French establishments' numbers.
const SIRET: &str = "0009";

const PATHS: Paths = Paths {
    grand: "LegalMonetaryTotal/TaxInclusiveAmount",
    net: "LegalMonetaryTotal/TaxExclusiveAmount",
    tax: "TaxTotal/TaxAmount",
    date: "IssueDate",
    number: "ID",
    seller: "AccountingSupplierParty/Party/PartyLegalEntity/RegistrationName",
    address: "AccountingSupplierParty/Party/PostalAddress",
    country: "AccountingSupplierParty/Party/PostalAddress/Country/IdentificationCode",
    phone: "AccountingSupplierParty/Party/Contact/Telephone",
    vat_id: "AccountingSupplierParty/Party/PartyTaxScheme/CompanyID",
    legal_id: "AccountingSupplierParty/Party/PartyLegalEntity/CompanyID",
    payment: "PaymentMeans/PaymentMeansCode",
    line: "InvoiceLine",
    tax_line: "TaxTotal/TaxSubtotal",
    allowance: "AllowanceCharge",
};

/// The same of a credit note.
const CREDITED: Paths = Paths { line: "CreditNoteLine", ..PATHS };

/// Reads the invoice or credit note that this element is.
pub(super) fn invoice(root: Node<'_, '_>) -> Result<Invoice, Refusal> {
    let credited = root.tag_name().name() == "CreditNote";
    let (paths, line_name, quantity) = if credited {
        (&CREDITED, "CreditNoteLine", "CreditedQuantity")
    } else {
        (&PATHS, "InvoiceLine", "InvoicedQuantity")
    };
    let currency = currency(root, "DocumentCurrencyCode")?;
    let sums = need(root, "LegalMonetaryTotal")?;
    let sum = |name: &str| child(sums, name).map(|n| amount(n, currency)).transpose();
    let need_sum = |name: &str| sum(name)?.ok_or_else(|| missing(sums, name));
    // The tax may be stated again in the accounting currency.
    let total = all(root, "TaxTotal")
        .find(|total| child(*total, "TaxAmount").is_some_and(|tax| is_in(tax, currency)));
    let taxes = total.into_iter().flat_map(|total| all(total, "TaxSubtotal"));
    Ok(Invoice {
        paths,
        profile: text(root, "CustomizationID").unwrap_or_else(|| "UBL".to_owned()),
        number: need_text(root, "ID")?,
        type_code: type_code(root, credited),
        date: day(need(root, "IssueDate")?, "%Y-%m-%d", 10)?,
        seller: seller(need(need(root, "AccountingSupplierParty")?, "Party")?)?,
        currency,
        lines: all(root, line_name)
            .map(|node| line(node, quantity, currency))
            .collect::<Result<_, _>>()?,
        taxes: taxes.map(|node| tax(node, currency)).collect::<Result<_, _>>()?,
        allowances: all(root, "AllowanceCharge")
            .map(|node| allowance(node, currency))
            .collect::<Result<_, _>>()?,
        line_total: sum("LineExtensionAmount")?,
        charge_total: sum("ChargeTotalAmount")?,
        allowance_total: sum("AllowanceTotalAmount")?,
        net: need_sum("TaxExclusiveAmount")?,
        tax: total.and_then(|t| child(t, "TaxAmount")).map(|n| amount(n, currency)).transpose()?,
        rounding: sum("PayableRoundingAmount")?,
        grand: need_sum("TaxInclusiveAmount")?,
        prepaid: sum("PrepaidAmount")?,
        due: need_sum("PayableAmount")?,
        payment_means: text(root, "PaymentMeans/PaymentMeansCode"),
    })
}

/// As stated; a `CreditNote` is one whatever its code.
fn type_code(root: Node<'_, '_>, credited: bool) -> String {
    let stated = text(root, if credited { "CreditNoteTypeCode" } else { "InvoiceTypeCode" });
    match stated {
        Some(code) if !credited || rules::is_credit_note(&code) => code,
        _ if credited => CREDIT_NOTE.to_owned(),
        _ => INVOICE.to_owned(),
    }
}

fn seller(party: Node<'_, '_>) -> Result<Seller, Refusal> {
    let name =
        text(party, "PartyLegalEntity/RegistrationName").or_else(|| text(party, "PartyName/Name"));
    let part = |name: &str| text(party, &format!("PostalAddress/{name}"));
    let town = [part("PostalZone"), part("CityName")].into_iter().flatten().collect::<Vec<_>>();
    let parts: Vec<String> = ["StreetName", "AdditionalStreetName", "AddressLine/Line"]
        .into_iter()
        .filter_map(part)
        .chain((!town.is_empty()).then(|| town.join(" ")))
        .collect();
    let vat = |scheme: &Node<'_, '_>| text(*scheme, "TaxScheme/ID").as_deref() == Some("VAT");
    let siret = all(party, "PartyIdentification")
        .filter_map(|id| child(id, "ID"))
        .find(|id| id.attribute("schemeID") == Some(SIRET))
        .and_then(content);
    Ok(Seller {
        name: name.ok_or_else(|| missing(party, "PartyLegalEntity/RegistrationName"))?,
        legal_id: siret.or_else(|| text(party, "PartyLegalEntity/CompanyID")),
        vat_id: all(party, "PartyTaxScheme").find(vat).and_then(|scheme| text(scheme, "CompanyID")),
        address: (!parts.is_empty()).then(|| parts.join(", ")),
        country: part("Country/IdentificationCode"),
        phone: text(party, "Contact/Telephone"),
    })
}

fn line(node: Node<'_, '_>, quantity: &str, currency: Currency) -> Result<Line, Refusal> {
    let item = need(node, "Item")?;
    let name = text(item, "Name").or_else(|| text(item, "Description"));
    // A price of a hundred is none of one.
    let of_one = at(node, "Price/BaseQuantity")
        .is_none_or(|base| decimal(base, 4).is_ok_and(|base| base == Minor(10_000)));
    Ok(Line {
        name: name.ok_or_else(|| missing(item, "Name"))?,
        quantity: text(node, quantity),
        unit_price: text(node, "Price/PriceAmount").filter(|_| of_one),
        total: amount(need(node, "LineExtensionAmount")?, currency)?,
    })
}

fn tax(node: Node<'_, '_>, currency: Currency) -> Result<Tax, Refusal> {
    let rate = at(node, "TaxCategory/Percent").map(|n| decimal(n, 2)).transpose()?;
    Ok(Tax {
        rate: rate.map(|r| r.0),
        base: child(node, "TaxableAmount").map(|n| amount(n, currency)).transpose()?,
        amount: amount(need(node, "TaxAmount")?, currency)?,
    })
}

fn allowance(node: Node<'_, '_>, currency: Currency) -> Result<Allowance, Refusal> {
    Ok(Allowance {
        is_charge: text(node, "ChargeIndicator").as_deref() == Some("true"),
        amount: amount(need(node, "Amount")?, currency)?,
        reason: text(node, "AllowanceChargeReason"),
    })
}
