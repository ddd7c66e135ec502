//! The XML itself: UN/CEFACT Cross Industry Invoice (D16B), as Factur-X 1.0 and `ZUGFeRD` 2 embed it. Elements are taken
//! by name below their parent; DTDs, and with them entities, are refused, and nothing in it is followed or run.

use super::{MOST_BYTES, Refusal};
use crate::outline::{self, Excess};
use quittance_domain::money::{Currency, Minor};
use roxmltree::{Document, Node, ParsingOptions};

const NAMESPACE: &str = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100";
/// Nodes of an XML that is still read.
const MOST_NODES: u32 = 200_000;

/// An invoice as its XML states it. Amounts are minor units of `currency`.
#[derive(Debug)]
pub(super) struct Invoice {
    pub(super) profile: String,
    pub(super) number: String,
    pub(super) type_code: String,
    /// ISO 8601.
    pub(super) date: String,
    pub(super) seller: Seller,
    pub(super) currency: Currency,
    pub(super) lines: Vec<Line>,
    pub(super) taxes: Vec<Tax>,
    /// Reductions and charges of the whole document.
    pub(super) allowances: Vec<Allowance>,
    pub(super) line_total: Option<Minor>,
    pub(super) charge_total: Option<Minor>,
    pub(super) allowance_total: Option<Minor>,
    pub(super) net: Minor,
    pub(super) tax: Option<Minor>,
    pub(super) rounding: Option<Minor>,
    pub(super) grand: Minor,
    pub(super) prepaid: Option<Minor>,
    pub(super) due: Minor,
    pub(super) payment_means: Option<String>,
}

#[derive(Debug)]
pub(super) struct Seller {
    pub(super) name: String,
    pub(super) legal_id: Option<String>,
    pub(super) vat_id: Option<String>,
    pub(super) address: Option<String>,
    pub(super) country: Option<String>,
    pub(super) phone: Option<String>,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: String,
    /// Decimal text, as many digits as there are.
    pub(super) quantity: Option<String>,
    pub(super) unit_price: Option<String>,
    pub(super) total: Minor,
}

#[derive(Debug)]
pub(super) struct Tax {
    /// Hundredths of a percent.
    pub(super) rate: Option<i64>,
    pub(super) base: Option<Minor>,
    pub(super) amount: Minor,
}

#[derive(Debug)]
pub(super) struct Allowance {
    pub(super) is_charge: bool,
    pub(super) amount: Minor,
    pub(super) reason: Option<String>,
}

/// Reads the XML; what is required and absent, or no amount or date, is named in the refusal.
pub(super) fn parse(xml: &str) -> Result<Invoice, Refusal> {
    let oversized =
        || Refusal::new("le fichier XML est démesuré", "the XML file is out of all proportion");
    if xml.len() > MOST_BYTES {
        return Err(oversized());
    }
    outline::check(xml, MOST_NODES).map_err(|excess| match excess {
        Excess::Dtd => {
            Refusal::new("le fichier XML contient une DTD", "the XML file contains a DTD")
        }
        Excess::Size(_) => oversized(),
    })?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES };
    let document = Document::parse_with_options(xml.trim_start_matches('\u{feff}'), options)
        .map_err(|e| {
            Refusal::new(
                format!("le fichier XML est mal formé ({e})"),
                format!("the XML file is not well-formed ({e})"),
            )
        })?;
    let root = document.root_element();
    if !root.has_tag_name((NAMESPACE, "CrossIndustryInvoice")) {
        let name = root.tag_name().name();
        return Err(Refusal::new(
            format!(
                "l'élément racine {name} n'est pas celui d'une facture Factur-X 1 ou ZUGFeRD 2"
            ),
            format!("the root element {name} is not that of a Factur-X 1 or ZUGFeRD 2 invoice"),
        ));
    }
    invoice(root)
}

fn invoice(root: Node<'_, '_>) -> Result<Invoice, Refusal> {
    let head = need(root, "ExchangedDocument")?;
    let trade = need(root, "SupplyChainTradeTransaction")?;
    let agreement = need(trade, "ApplicableHeaderTradeAgreement")?;
    let settlement = need(trade, "ApplicableHeaderTradeSettlement")?;
    let sums = need(settlement, "SpecifiedTradeSettlementHeaderMonetarySummation")?;
    let code = need_text(settlement, "InvoiceCurrencyCode")?;
    let currency: Currency = code.parse().map_err(|_| {
        Refusal::new(
            format!("InvoiceCurrencyCode : {code} n'est pas une devise"),
            format!("InvoiceCurrencyCode: {code} is no currency"),
        )
    })?;
    let sum = |name: &str| {
        // The tax may be stated again in the accounting currency.
        let stated = |n: &Node<'_, '_>| {
            n.has_tag_name_local(name)
                && n.attribute("currencyID").is_none_or(|c| c.eq_ignore_ascii_case(currency.code()))
        };
        sums.children().find(stated).map(|n| amount(n, currency)).transpose()
    };
    let need_sum = |name: &str| sum(name)?.ok_or_else(|| missing(sums, name));
    Ok(Invoice {
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
    let plain = content(stated).unwrap_or_default();
    let parsed = chrono::NaiveDate::parse_from_str(&plain, "%Y%m%d");
    match (stated.attribute("format"), parsed) {
        (Some("102"), Ok(day)) if plain.len() == 8 => Ok(day.to_string()),
        _ => {
            let path = path(stated);
            Err(Refusal::new(
                format!("{path} : {plain} n'est pas une date"),
                format!("{path}: {plain} is no date"),
            ))
        }
    }
}

fn amount(node: Node<'_, '_>, currency: Currency) -> Result<Minor, Refusal> {
    decimal(node, currency.exponent())
}

fn decimal(node: Node<'_, '_>, digits: u32) -> Result<Minor, Refusal> {
    let plain = content(node).unwrap_or_default();
    Minor::from_decimal(plain.strip_prefix('+').unwrap_or(&plain), digits).ok_or_else(|| {
        let path = path(node);
        Refusal::new(
            format!("{path} : {plain:?} n'est pas un montant"),
            format!("{path}: {plain:?} is no amount"),
        )
    })
}

trait Local {
    fn has_tag_name_local(&self, name: &str) -> bool;
}

impl Local for Node<'_, '_> {
    fn has_tag_name_local(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

fn all<'a, 'i>(
    node: Node<'a, 'i>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> + use<'a, 'i> {
    node.children().filter(move |c| c.has_tag_name_local(name))
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|c| c.has_tag_name_local(name))
}

fn content(node: Node<'_, '_>) -> Option<String> {
    let text = node.text()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn text(node: Node<'_, '_>, name: &str) -> Option<String> {
    child(node, name).and_then(content)
}

fn need<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Result<Node<'a, 'i>, Refusal> {
    child(node, name).ok_or_else(|| missing(node, name))
}

fn need_text(node: Node<'_, '_>, name: &str) -> Result<String, Refusal> {
    text(node, name).ok_or_else(|| missing(node, name))
}

fn missing(node: Node<'_, '_>, name: &str) -> Refusal {
    let path = path(node);
    Refusal::new(format!("{path}/{name} manque"), format!("{path}/{name} is missing"))
}

/// The element's name below its parent's, as errors and results show it.
fn path(node: Node<'_, '_>) -> String {
    let own = node.tag_name().name();
    match node.parent().filter(Node::is_element) {
        Some(parent) => format!("{}/{own}", parent.tag_name().name()),
        None => own.to_owned(),
    }
}
