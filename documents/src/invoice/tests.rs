mod ubl;

use super::*;
use proptest::{collection::vec, prelude::*};
use quittance_domain::document::{PageText, TextLine, TextSource};
use quittance_domain::receipt::CheckStatus;

fn page(lines: &[&str]) -> DocumentText {
    let line = |(i, text): (u16, &&str)| {
        let y = 50.0 * f32::from(i);
        let quad = [[10.0, y], [500.0, y], [500.0, y + 30.0], [10.0, y + 30.0]];
        TextLine { text: (*text).to_owned(), confidence: 1.0, quad }
    };
    let page = PageText {
        number: 1,
        width: 800,
        height: 1200,
        rotation: 0,
        source: TextSource::TextLayer,
        lines: (0..).zip(lines).map(line).collect(),
    };
    DocumentText {
        engine: "test".into(),
        pages: vec![page],
        preprocessed: false,
        warnings: vec![],
        read_on: None,
    }
}

/// A small invoice; `change` edits its XML.
fn xml(change: impl Fn(String) -> String) -> String {
    let lines = [("Huile d'olive", "2", "12.9500", "25.90"), ("Miel", "1.5", "6.0000", "9.00")];
    let mut items = String::new();
    for (name, quantity, price, total) in lines {
        items += &format!(
            "<ram:IncludedSupplyChainTradeLineItem>
            <ram:SpecifiedTradeProduct><ram:Name>{name}</ram:Name></ram:SpecifiedTradeProduct>
            <ram:SpecifiedLineTradeAgreement><ram:NetPriceProductTradePrice><ram:ChargeAmount>{price}</ram:ChargeAmount></ram:NetPriceProductTradePrice></ram:SpecifiedLineTradeAgreement>
            <ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode=\"C62\">{quantity}</ram:BilledQuantity></ram:SpecifiedLineTradeDelivery>
            <ram:SpecifiedLineTradeSettlement><ram:SpecifiedTradeSettlementLineMonetarySummation><ram:LineTotalAmount>{total}</ram:LineTotalAmount></ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement>
            </ram:IncludedSupplyChainTradeLineItem>"
        );
    }
    change(format!(
        "<?xml version='1.0' encoding='UTF-8'?>
<rsm:CrossIndustryInvoice xmlns:rsm=\"urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100\" xmlns:ram=\"urn:a\" xmlns:udt=\"urn:b\">
<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>urn:cen.eu:en16931:2017</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
<rsm:ExchangedDocument><ram:ID>F-17</ram:ID><ram:TypeCode>380</ram:TypeCode><ram:IssueDateTime><udt:DateTimeString format=\"102\">20240229</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction>{items}
<ram:ApplicableHeaderTradeAgreement><ram:SellerTradeParty><ram:Name>Moulin &amp; Fils</ram:Name>
<ram:SpecifiedLegalOrganization><ram:ID schemeID=\"0002\">73282932000074</ram:ID></ram:SpecifiedLegalOrganization>
<ram:PostalTradeAddress><ram:PostcodeCode>84340</ram:PostcodeCode><ram:LineOne>2 rue Haute</ram:LineOne><ram:CityName>Malaucène</ram:CityName><ram:CountryID>FR</ram:CountryID></ram:PostalTradeAddress>
</ram:SellerTradeParty></ram:ApplicableHeaderTradeAgreement>
<ram:ApplicableHeaderTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
<ram:SpecifiedTradeSettlementPaymentMeans><ram:TypeCode>58</ram:TypeCode></ram:SpecifiedTradeSettlementPaymentMeans>
<ram:ApplicableTradeTax><ram:CalculatedAmount>6.98</ram:CalculatedAmount><ram:BasisAmount>34.90</ram:BasisAmount><ram:RateApplicablePercent>20.00</ram:RateApplicablePercent></ram:ApplicableTradeTax>
<ram:SpecifiedTradeSettlementHeaderMonetarySummation><ram:LineTotalAmount>34.90</ram:LineTotalAmount><ram:TaxBasisTotalAmount>34.90</ram:TaxBasisTotalAmount><ram:TaxTotalAmount currencyID=\"EUR\">6.98</ram:TaxTotalAmount><ram:GrandTotalAmount>41.88</ram:GrandTotalAmount><ram:DuePayableAmount>41.88</ram:DuePayableAmount></ram:SpecifiedTradeSettlementHeaderMonetarySummation>
</ram:ApplicableHeaderTradeSettlement></rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>"
    ))
}

fn codes(extraction: &Extraction) -> Vec<&str> {
    extraction.warnings.iter().map(|w| w.code.as_str()).collect()
}

#[test]
fn the_xml_is_the_source_and_the_page_agrees() {
    let found = extract(&page(&["Moulin & Fils", "Facture", "Total TTC 41,88 €"]), &xml(|x| x));
    let f = &found.extracted_fields;
    let total = f.total_amount.as_ref().unwrap();
    assert_eq!(total.field.value.to_string(), "41.88");
    assert!(total.field.confidence > 0.999);
    assert_eq!(total.currency.unwrap().code(), "EUR");
    assert!(total.field.raw.as_ref().unwrap().ends_with("GrandTotalAmount"));
    assert_eq!(f.date.as_ref().unwrap().value, "2024-02-29");
    assert_eq!(f.merchant_name.as_ref().unwrap().value, "Moulin & Fils");
    assert_eq!(f.siret.as_ref().unwrap().value, "73282932000074");
    assert_eq!(f.merchant_address.as_ref().unwrap().value, "2 rue Haute, 84340 Malaucène");
    assert_eq!(f.payment_method.as_ref().unwrap().value, "transfer");
    assert_eq!(
        (f.items.len(), f.items[1].quantity, f.items[0].unit_price),
        (2, Some(1.5), Some(12.95))
    );
    assert_eq!(f.taxes[0].rate, Some(20.0));
    assert!(found.checks.len() >= 5);
    assert!(found.checks.iter().all(|c| c.status == CheckStatus::Passed), "{:?}", found.checks);
    assert_eq!(codes(&found), [""; 0]);
}

#[test]
fn a_page_that_says_otherwise_is_pointed_out() {
    let found = extract(&page(&["Moulin & Fils", "Total TTC 1 041,88 €"]), &xml(|x| x));
    assert_eq!(codes(&found), ["FACTURX_TOTAL_NOT_PRINTED"]);
    assert!(
        found
            .checks
            .iter()
            .any(|c| c.code == "FACTURX_PRINTED_TOTAL" && c.status == CheckStatus::Failed)
    );
}

#[test]
fn amounts_are_found_however_they_are_grouped() {
    let amount = Minor(207_676);
    for line in ["2 076,76 €", "EUR 2.076,76", "2,076.76", "Net à payer : 2\u{202f}076,76"] {
        assert!(shows(line, amount, 2), "{line}");
    }
    assert!(!shows("12 076,76", amount, 2));
    assert!(!shows("2076,77", amount, 2));
}

#[test]
fn what_contradicts_itself_is_read_from_the_page() {
    let lines = ["Moulin & Fils", "29/02/2024", "Total TTC", "99,00 €"];
    let refused = |from: &str, to: &str| {
        assert!(xml(|x| x).contains(from), "{from}");
        let found = extract(&page(&lines), &xml(|x| x.replacen(from, to, 1)));
        assert_eq!(codes(&found), ["FACTURX_INVALID"], "{from}");
        assert_ne!(
            found.extracted_fields.total_amount.map(|t| t.field.value.to_string()),
            Some("41.88".into())
        );
        found.warnings[0].message.clone()
    };
    assert!(
        refused("<ram:GrandTotalAmount>41.88", "<ram:GrandTotalAmount>51.88").contains("BR-CO-15")
    );
    assert!(refused("<ram:ID>F-17</ram:ID>", "").contains("ExchangedDocument/ID manque"));
    assert!(refused("20240229", "20230229").contains("n'est pas une date"));
    assert!(
        refused("<ram:DuePayableAmount>41.88", "<ram:DuePayableAmount>41,88").contains("montant")
    );
    assert!(refused("EUR</ram:Inv", "EURO</ram:Inv").contains("devise"));
    let own = xml(|x| x);
    let tax = &own[own.find("<ram:ApplicableTradeTax>").unwrap()..];
    let tax = &tax[..tax.find("<ram:SpecifiedTradeSettlementHeader").unwrap()];
    assert!(refused(tax, "").contains("BR-CO-18"));
    refused("CrossIndustryInvoice:100", "CrossIndustryDocument:1p0");
}

#[test]
fn what_gives_money_back_is_a_credit_note() {
    let total = |e: &Extraction| e.extracted_fields.total_amount.as_ref().unwrap().field.value;
    // An invoice below zero corrects one that was sent, as a credit note does.
    let negative = xml(|x| {
        x.replace(">34.90<", ">-34.90<").replace(">6.98<", ">-6.98<").replace(">41.88<", ">-41.88<")
    });
    for type_code in [">380<", ">384<", ">381<"] {
        let found = extract(&page(&[]), &negative.replace(">380<", type_code));
        assert_eq!((total(&found), &*found.receipt_type), (-41.88, "credit_note"), "{type_code}");
        let summary = found.extracted_fields.summary.unwrap();
        assert_eq!(summary, "Avoir chez Moulin & Fils pour 41,88€");
    }
    // As it states them: the standard's credit notes have positive sums.
    let found = extract(&page(&[]), &xml(|x| x.replace(">380<", ">381<")));
    assert_eq!((total(&found).to_string(), &*found.receipt_type), ("41.88".into(), "credit_note"));
    let found = extract(&page(&[]), &xml(|x| x));
    assert_eq!(found.receipt_type, "invoice");
}

#[test]
fn parts_that_do_not_add_up_are_failed_checks() {
    let found = extract(&page(&["41,88"]), &xml(|x| x.replacen(">9.00<", ">9.10<", 1)));
    let failed: Vec<&str> = found
        .checks
        .iter()
        .filter(|c| c.status == CheckStatus::Failed)
        .map(|c| c.code.as_str())
        .collect();
    assert_eq!(failed, ["FACTURX_LINES"]);
    assert_eq!(codes(&found), ["FACTURX_CHECK_FAILED"]);
}

#[test]
fn hostile_xml_is_refused_and_never_followed() {
    let entity = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>";
    let deep = "<a>".repeat(100_000);
    let huge = " ".repeat(5 << 20);
    for xml in ["", "<a", "<a/>", entity, &deep, &huge, "\u{0}"] {
        assert!(read(xml).is_err(), "{xml:.40}");
    }
    // Nesting that looks like none, within the size that is read.
    for piece in ["<a b=\"/>\">", "<a><![CDATA[</a>]]>", "<a><!--</a>-->", "<a><?p </a>?>"] {
        let hidden = xml(|x| x.replacen("<ram:ID>F-17", &(piece.repeat(100_000) + "F-17"), 1));
        assert_eq!(read(&hidden).unwrap_err().0.fr, "le fichier XML est démesuré", "{piece}");
    }
}

/// What may be put anywhere into an XML.
const PIECES: [&str; 24] = [
    "<",
    ">",
    "/",
    "\"",
    "'",
    "&",
    "&amp;",
    "&#0;",
    "&x;",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?p",
    "?>",
    "</ram:ID>",
    "<ram:ID>",
    "<a b='>'>",
    "-",
    "1e9",
    "99999999999999999999",
    "0.001",
    "\0",
    "é",
];

proptest! {
    /// `PROPTEST_CASES` sets how many are tried.
    #[test]
    fn a_changed_invoice_is_refused_or_says_what_it_states(
        changes in vec((any::<prop::sample::Index>(), 0_usize..40, prop::sample::select(PIECES.to_vec())), 1..4),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut changed = xml(|x| x);
        for (at, dropped, piece) in changes {
            let places: Vec<usize> = changed.char_indices().map(|(i, _)| i).collect();
            let from = *at.get(&places);
            let to = changed[from..].char_indices().nth(dropped).map_or(changed.len(), |(i, _)| from + i);
            changed.replace_range(from..to, piece);
        }
        if let Some(cut) = cut {
            let end = cut.index(changed.len());
            let end = (0..=end).rev().find(|e| changed.is_char_boundary(*e)).unwrap_or(0);
            changed.truncate(end);
        }
        match read(&changed) {
            Err(refusal) => prop_assert!(!refusal.0.fr.is_empty() && !refusal.0.en.is_empty()),
            Ok((invoice, checks)) => {
                prop_assert!(!checks.is_empty());
                let grand = invoice.grand.to_decimal(invoice.currency.exponent());
                let whole = grand.split('.').next().unwrap_or_default();
                prop_assert!(changed.contains(whole.trim_start_matches('-')), "{} {}", grand, changed);
                let found = extract(&page(&["Total TTC 41,88 €"]), &changed);
                let total = found.extracted_fields.total_amount.map(|t| t.field.value.to_string());
                prop_assert_eq!(total, Some(grand));
            }
        }
    }

    #[test]
    fn any_text_is_no_invoice(text in "\\PC{0,200}", pieces in vec(prop::sample::select(PIECES.to_vec()), 0..40)) {
        for text in [&text, &pieces.concat(), &format!("<a>{}", pieces.concat())] {
            prop_assert!(read(text).is_err());
        }
    }
}
