//! UN/CEFACT Cross Industry Invoice (D16B), as Factur-X 1.0, `ZUGFeRD` 2 and `XRechnung` have it.

use super::{
    Refusal,
    model::{Allowance, Invoice, Line, Paths, Seller, Tax},
    xml::{
        all, amount, child, content, currency, day, decimal, is_in, missing, need, need_text, path,
        text,
    },
};
use quittance_domain::money::Currency;
use roxmltree::Node;

/// The root element with its namespace.
pub(super) const ROOT: (&str, &str) =
    ("CrossIndustryInvoice", "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100");

const PATHS: Paths = Paths {
    grand: "SpecifiedTradeSettlementHeaderMonetarySummation/GrandTotalAmount",
    net: "SpecifiedTradeSettlementHeaderMonetarySummation/TaxBasisTotalAmount",
    tax: "SpecifiedTradeSettlementHeaderMonetarySummation/TaxTotalAmount",
    date: "ExchangedDocument/IssueDateTime",
    number: "ExchangedDocument/ID",
    seller: "SellerTradeParty/Name",
    address: "SellerTradeParty/PostalTradeAddress",
    country: "SellerTradeParty/PostalTradeAddress/CountryID",
    phone: "SellerTradeParty/DefinedTradeContact",
    vat_id: "SellerTradeParty/SpecifiedTaxRegistration",
    legal_id: "SellerTradeParty/SpecifiedLegalOrganization",
    payment: "SpecifiedTradeSettlementPaymentMeans/TypeCode",
    line: "IncludedSupplyChainTradeLineItem",
    tax_line: "ApplicableTradeTax",
    allowance: "SpecifiedTradeAllowanceCharge",
};

/// Reads the invoice that this element is; what is required and absent, or no amount or date, is named in the refusal.
pub(super) fn invoice(root: Node<'_, '_>) -> Result<Invoice, Refusal> {
    let head = need(root, "ExchangedDocument")?;
    let trade = need(root, "SupplyChainTradeTransaction")?;
    let agreement = need(trade, "ApplicableHeaderTradeAgreement")?;
    let settlement = need(trade, "ApplicableHeaderTradeSettlement")?;
    let sums = need(settlement, "SpecifiedTradeSettlementHeaderMonetarySummation")?;
    let currency = currency(settlement, "InvoiceCurrencyCode")?;
    let sum = |name: &str| {
        // The tax may be stated again in the accounting currency.
        let stated = |n: &Node<'_, '_>| n.tag_name().name() == name && is_in(*n, currency);
        sums.children().find(stated).map(|n| amount(n, currency)).transpose()
    };
    let need_sum = |name: &str| sum(name)?.ok_or_else(|| missing(sums, name));
    Ok(Invoice {
        paths: &PATHS,
        profile: need_text(
            need(
                need(root, "ExchangedDocumentContext")?,
                "GuidelineSpecifiedDocumentContextParameter",
            )?,
            "ID",
        )?,
        number: need_text(head, "ID")?,
        type_code: need_text(head, "TypeCode")?,
        date: date(need(head, "IssueDateTime")?)?,
        seller: seller(need(agreement, "SellerTradeParty")?)?,
        currency,
        lines: all(trade, "IncludedSupplyChainTradeLineItem")
            .map(|node| line(node, currency))
            .collect::<Result<_, _>>()?,
        taxes: all(settlement, "ApplicableTradeTax")
            .map(|node| tax(node, currency))
            .collect::<Result<_, _>>()?,
        allowances: all(settlement, "SpecifiedTradeAllowanceCharge")
            .map(|node| allowance(node, currency))
            .collect::<Result<_, _>>()?,
        line_total: sum("LineTotalAmount")?,
        charge_total: sum("ChargeTotalAmount")?,
        allowance_total: sum("AllowanceTotalAmount")?,
        net: need_sum("TaxBasisTotalAmount")?,
        tax: sum("TaxTotalAmount")?,
        rounding: sum("RoundingAmount")?,
        grand: need_sum("GrandTotalAmount")?,
        prepaid: sum("TotalPrepaidAmount")?,
        due: need_sum("DuePayableAmount")?,
        payment_means: child(settlement, "SpecifiedTradeSettlementPaymentMeans")
            .and_then(|means| text(means, "TypeCode")),
    })
}

fn seller(node: Node<'_, '_>) -> Result<Seller, Refusal> {
    let place = child(node, "PostalTradeAddress");
    let part = |name: &str| place.and_then(|p| text(p, name));
    let town = [part("PostcodeCode"), part("CityName")].into_iter().flatten().collect::<Vec<_>>();
    let parts: Vec<String> = ["LineOne", "LineTwo", "LineThree"]
        .into_iter()
        .filter_map(part)
        .chain((!town.is_empty()).then(|| town.join(" ")))
        .collect();
    let registered = |scheme: &str| {
        all(node, "SpecifiedTaxRegistration")
            .filter_map(|r| child(r, "ID"))
            .find(|id| id.attribute("schemeID") == Some(scheme))
            .and_then(content)
    };
    Ok(Seller {
        name: need_text(node, "Name")?,
        legal_id: child(node, "SpecifiedLegalOrganization").and_then(|o| text(o, "ID")),
        vat_id: registered("VA"),
        address: (!parts.is_empty()).then(|| parts.join(", ")),
        country: part("CountryID"),
        phone: child(node, "DefinedTradeContact")
            .and_then(|c| child(c, "TelephoneUniversalCommunication"))
            .and_then(|t| text(t, "CompleteNumber")),
    })
}

fn line(node: Node<'_, '_>, currency: Currency) -> Result<Line, Refusal> {
    let settlement = need(node, "SpecifiedLineTradeSettlement")?;
    let sums = need(settlement, "SpecifiedTradeSettlementLineMonetarySummation")?;
    Ok(Line {
        name: need_text(need(node, "SpecifiedTradeProduct")?, "Name")?,
        quantity: child(node, "SpecifiedLineTradeDelivery").and_then(|d| text(d, "BilledQuantity")),
        unit_price: child(node, "SpecifiedLineTradeAgreement")
            .and_then(|a| child(a, "NetPriceProductTradePrice"))
            .and_then(|p| text(p, "ChargeAmount")),
        total: amount(need(sums, "LineTotalAmount")?, currency)?,
    })
}

fn tax(node: Node<'_, '_>, currency: Currency) -> Result<Tax, Refusal> {
    let rate = child(node, "RateApplicablePercent").map(|n| decimal(n, 2)).transpose()?;
    Ok(Tax {
        rate: rate.map(|r| r.0),
        base: child(node, "BasisAmount").map(|n| amount(n, currency)).transpose()?,
        amount: amount(need(node, "CalculatedAmount")?, currency)?,
    })
}

fn allowance(node: Node<'_, '_>, currency: Currency) -> Result<Allowance, Refusal> {
    let indicator = child(node, "ChargeIndicator").and_then(|i| text(i, "Indicator"));
    Ok(Allowance {
        is_charge: indicator.as_deref() == Some("true"),
        amount: amount(need(node, "ActualAmount")?, currency)?,
        reason: text(node, "Reason"),
    })
}

/// Day of a `DateTimeString` of format 102, `20171113`.
fn date(node: Node<'_, '_>) -> Result<String, Refusal> {
    let stated = need(node, "DateTimeString")?;
    if stated.attribute("format") == Some("102") {
        return day(stated, "%Y%m%d", 8);
    }
    let path = path(stated);
    Err(Refusal::new(
        format!("{path} : la date n'est pas au format 102 (AAAAMMJJ)"),
        format!("{path}: the date is not in format 102 (YYYYMMDD)"),
    ))
}
