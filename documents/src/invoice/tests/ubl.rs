//! UBL, and invoices in XML alone.

use super::*;

/// A small Peppol invoice, or credit note; `change` edits its XML.
fn ubl(root: &str, change: impl Fn(String) -> String) -> String {
    let (code, line, quantity) = match root {
        "Invoice" => {
            ("<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>", "InvoiceLine", "InvoicedQuantity")
        }
        _ => (
            "<cbc:CreditNoteTypeCode>381</cbc:CreditNoteTypeCode>",
            "CreditNoteLine",
            "CreditedQuantity",
        ),
    };
    change(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!-- Peppol -->
<{root} xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:{root}-2\" xmlns:cac=\"urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2\" xmlns:cbc=\"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2\">
<cbc:CustomizationID>urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0</cbc:CustomizationID>
<cbc:ID>F-18</cbc:ID><cbc:IssueDate>2024-02-29</cbc:IssueDate><cbc:DueDate>2024-03-30</cbc:DueDate>{code}
<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:AccountingSupplierParty><cac:Party>
<cac:PartyIdentification><cbc:ID schemeID=\"0009\">73282932000074</cbc:ID></cac:PartyIdentification>
<cac:PartyName><cbc:Name>Le Moulin</cbc:Name></cac:PartyName>
<cac:PostalAddress><cbc:StreetName>2 rue Haute</cbc:StreetName><cbc:CityName>Malaucène</cbc:CityName><cbc:PostalZone>84340</cbc:PostalZone><cac:Country><cbc:IdentificationCode>FR</cbc:IdentificationCode></cac:Country></cac:PostalAddress>
<cac:PartyTaxScheme><cbc:CompanyID>FR83404833048</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>
<cac:PartyLegalEntity><cbc:RegistrationName>Moulin &amp; Fils</cbc:RegistrationName><cbc:CompanyID schemeID=\"0002\">732829320</cbc:CompanyID></cac:PartyLegalEntity>
<cac:Contact><cbc:Telephone>04 90 00 00 00</cbc:Telephone></cac:Contact>
</cac:Party></cac:AccountingSupplierParty>
<cac:AccountingCustomerParty><cac:Party><cac:PartyLegalEntity><cbc:RegistrationName>Acheteur</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party></cac:AccountingCustomerParty>
<cac:PaymentMeans><cbc:PaymentMeansCode>30</cbc:PaymentMeansCode></cac:PaymentMeans>
<cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator><cbc:AllowanceChargeReason>Fidélité</cbc:AllowanceChargeReason><cbc:Amount currencyID=\"EUR\">4.90</cbc:Amount></cac:AllowanceCharge>
<cac:TaxTotal><cbc:TaxAmount currencyID=\"EUR\">6.00</cbc:TaxAmount><cac:TaxSubtotal><cbc:TaxableAmount currencyID=\"EUR\">30.00</cbc:TaxableAmount><cbc:TaxAmount currencyID=\"EUR\">6.00</cbc:TaxAmount><cac:TaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>20</cbc:Percent></cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal>
<cac:TaxTotal><cbc:TaxAmount currencyID=\"PLN\">25.80</cbc:TaxAmount></cac:TaxTotal>
<cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID=\"EUR\">34.90</cbc:LineExtensionAmount><cbc:TaxExclusiveAmount currencyID=\"EUR\">30.00</cbc:TaxExclusiveAmount><cbc:TaxInclusiveAmount currencyID=\"EUR\">36.00</cbc:TaxInclusiveAmount><cbc:AllowanceTotalAmount currencyID=\"EUR\">4.90</cbc:AllowanceTotalAmount><cbc:PayableAmount currencyID=\"EUR\">36.00</cbc:PayableAmount></cac:LegalMonetaryTotal>
<cac:{line}><cbc:ID>1</cbc:ID><cbc:{quantity} unitCode=\"C62\">2</cbc:{quantity}><cbc:LineExtensionAmount currencyID=\"EUR\">25.90</cbc:LineExtensionAmount><cac:Item><cbc:Name>Huile d'olive</cbc:Name></cac:Item><cac:Price><cbc:PriceAmount currencyID=\"EUR\">12.95</cbc:PriceAmount></cac:Price></cac:{line}>
<cac:{line}><cbc:ID>2</cbc:ID><cbc:{quantity} unitCode=\"C62\">300</cbc:{quantity}><cbc:LineExtensionAmount currencyID=\"EUR\">9.00</cbc:LineExtensionAmount><cac:Item><cbc:Name>Bouchons</cbc:Name></cac:Item><cac:Price><cbc:PriceAmount currencyID=\"EUR\">3.00</cbc:PriceAmount><cbc:BaseQuantity unitCode=\"C62\">100</cbc:BaseQuantity></cac:Price></cac:{line}>
</{root}>"
    ))
}

fn bare() -> DocumentText {
    DocumentText { pages: Vec::new(), ..page(&[]) }
}

#[test]
fn an_invoice_in_ubl_has_the_fields_of_one_in_cii() {
    let found = extract(&bare(), &ubl("Invoice", |x| x));
    let f = &found.extracted_fields;
    let amount = |a: &Option<quittance_domain::receipt::AmountField>| {
        let a = a.as_ref().unwrap();
        (a.field.value.to_string(), a.currency.unwrap().to_string(), a.field.raw.clone().unwrap())
    };
    assert_eq!(
        amount(&f.total_amount),
        ("36".into(), "EUR".into(), "LegalMonetaryTotal/TaxInclusiveAmount".into())
    );
    assert_eq!(amount(&f.subtotal).0, "30");
    assert_eq!(amount(&f.total_tax).0, "6", "not the one in the accounting currency");
    let text = |field: &Option<quittance_domain::receipt::Field<String>>| {
        field.as_ref().unwrap().value.clone()
    };
    assert_eq!(text(&f.merchant_name), "Moulin & Fils");
    assert_eq!(text(&f.date), "2024-02-29");
    assert_eq!(text(&f.receipt_number), "F-18");
    assert_eq!(text(&f.merchant_address), "2 rue Haute, 84340 Malaucène");
    assert_eq!(
        (text(&f.vat_id), text(&f.siret)),
        ("FR83404833048".into(), "73282932000074".into())
    );
    assert_eq!((text(&f.payment_method), text(&f.country)), ("transfer".into(), "FR".into()));
    assert_eq!(text(&f.merchant_phone), "04 90 00 00 00");
    assert_eq!((f.taxes.len(), f.taxes[0].rate, f.taxes[0].base), (1, Some(20.0), Some(30.0)));
    assert_eq!((f.discounts[0].description.as_str(), f.discounts[0].amount), ("Fidélité", -4.9));
    let items: Vec<_> = f.items.iter().map(|i| (i.quantity, i.unit_price, i.total_price)).collect();
    assert_eq!(items, [(Some(2.0), Some(12.95), Some(25.9)), (Some(300.0), None, Some(9.0))]);
    assert_eq!(f.items[1].raw, "InvoiceLine[2]");
    assert!(found.checks.len() >= 5);
    assert!(found.checks.iter().all(|c| c.status == CheckStatus::Passed), "{:?}", found.checks);
    assert_eq!((codes(&found), &*found.receipt_type), (vec![], "invoice"));
}

#[test]
fn a_credit_note_in_ubl_keeps_its_positive_sums() {
    let found = extract(&bare(), &ubl("CreditNote", |x| x));
    let total = found.extracted_fields.total_amount.unwrap().field.value.to_string();
    assert_eq!((total.as_str(), &*found.receipt_type), ("36", "credit_note"));
    assert_eq!(found.extracted_fields.items.len(), 2);
    // Without a code, or with an invoice's, it is one all the same.
    for code in ["", "<cbc:CreditNoteTypeCode>380</cbc:CreditNoteTypeCode>"] {
        let xml = ubl("CreditNote", |x| {
            x.replace("<cbc:CreditNoteTypeCode>381</cbc:CreditNoteTypeCode>", code)
        });
        assert_eq!(extract(&bare(), &xml).receipt_type, "credit_note", "{code}");
    }
}

#[test]
fn what_is_wrong_with_ubl_is_named() {
    let refused = |from: &str, to: &str| {
        let xml = ubl("Invoice", |x| x.replacen(from, to, 1));
        assert_ne!(xml, ubl("Invoice", |x| x), "{from}");
        text(xml.as_bytes()).unwrap_err().0
    };
    for (from, to, said) in [
        (
            "TaxInclusiveAmount currencyID=\"EUR\">36.00",
            "TaxInclusiveAmount currencyID=\"EUR\">46.00",
            "BR-CO-15",
        ),
        ("<cbc:ID>F-18</cbc:ID>", "", "Invoice/ID"),
        ("2024-02-29", "2024-02-30", "2024-02-30"),
        ("2024-02-29", "29/02/2024", "29/02/2024"),
        (">EUR</cbc:Document", ">ZZZ</cbc:Document", "ZZZ"),
        ("<cbc:RegistrationName>Moulin &amp; Fils</cbc:RegistrationName>", "", ""),
        (">25.90<", ">25,90<", "25,90"),
    ] {
        if said.is_empty() {
            let xml = ubl("Invoice", |x| x.replacen(from, to, 1));
            let name = extract(&bare(), &xml).extracted_fields.merchant_name.unwrap().value;
            assert_eq!(name, "Le Moulin");
            continue;
        }
        let why = refused(from, to);
        assert!(why.fr.contains(said) && why.en.contains(said), "{why:?}");
    }
    let dtd = ubl("Invoice", |x| {
        x.replacen(
            "<Invoice",
            "<!DOCTYPE Invoice [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><Invoice",
            1,
        )
    });
    assert!(text(dtd.as_bytes()).unwrap_err().0.en.contains("DTD"));
}

#[test]
fn an_invoice_is_known_by_its_root() {
    let (invoice, note, cii) = (ubl("Invoice", |x| x), ubl("CreditNote", |x| x), xml(|x| x));
    for known in [&invoice, &note, &cii] {
        assert!(sniff(known.as_bytes()) && sniff(&known.as_bytes()[..700]));
        let marked = format!("\u{feff}{known}");
        assert!(sniff(marked.as_bytes()) && text(marked.as_bytes()).is_ok());
        let wide: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain(known.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert!(sniff(&wide) && text(&wide).is_ok());
    }
    let latin = invoice.replace("UTF-8", "ISO-8859-1");
    let (latin, ..) = encoding_rs::WINDOWS_1252.encode(&latin);
    assert!(text(&latin).unwrap().contains("Malaucène"));
    for other in [
        "<?xml version=\"1.0\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"/>",
        "<Invoice xmlns=\"urn:other\"/>",
        "<Order xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Order-2\"/>",
        "<!-- <Invoice xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2\"/> --><a/>",
        "<a x=\"",
        "<!--",
        "<?xml",
        "",
        "Invoice",
    ] {
        assert!(!sniff(other.as_bytes()), "{other}");
    }
}
