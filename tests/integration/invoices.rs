//! Electronic invoices in XML alone: their data is read, and there is no page to be read instead.

use crate::support::{client::Upload, expect, stack::on_both};
use crate::workflows::{ended, imported, started};
use serde_json::Value;

/// A small Peppol invoice or credit note.
fn ubl(root: &str, line: &str, quantity: &str) -> String {
    let sum =
        |name: &str, value: &str| format!("<cbc:{name} currencyID=\"EUR\">{value}</cbc:{name}>");
    let common = "urn:oasis:names:specification:ubl:schema:xsd:Common";
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:{root}-2\" \
         xmlns:cac=\"{common}AggregateComponents-2\" xmlns:cbc=\"{common}BasicComponents-2\"><cbc:ID>F-18</cbc:ID>\
         <cbc:IssueDate>2024-02-29</cbc:IssueDate><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>\
         <cac:AccountingSupplierParty><cac:Party><cac:PartyName><cbc:Name>Moulin &amp; Fils</cbc:Name></cac:PartyName>\
         </cac:Party></cac:AccountingSupplierParty><cac:TaxTotal>{}<cac:TaxSubtotal>{}{}<cac:TaxCategory>\
         <cbc:Percent>20</cbc:Percent></cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal><cac:LegalMonetaryTotal>{}{}{}{}\
         </cac:LegalMonetaryTotal><cac:{line}><cbc:{quantity}>2</cbc:{quantity}>{}<cac:Item><cbc:Name>Miel</cbc:Name>\
         </cac:Item></cac:{line}></{root}>",
        sum("TaxAmount", "2.00"),
        sum("TaxableAmount", "10.00"),
        sum("TaxAmount", "2.00"),
        sum("LineExtensionAmount", "10.00"),
        sum("TaxExclusiveAmount", "10.00"),
        sum("TaxInclusiveAmount", "12.00"),
        sum("PayableAmount", "12.00"),
        sum("LineExtensionAmount", "10.00"),
    )
}

#[tokio::test]
async fn an_invoice_in_xml_is_read_by_its_data() {
    on_both(async |stack| {
        let client = stack.client();
        let invoice = ubl("Invoice", "InvoiceLine", "InvoicedQuantity");
        let note = ubl("CreditNote", "CreditNoteLine", "CreditedQuantity");
        for (user, xml, amount) in [("buyer", &invoice, -12.0), ("returner", &note, 12.0)] {
            let data = imported(&client, user, "f.xml", xml.clone().into_bytes()).await;
            assert_eq!(
                (&data["result"]["kind"], &data["storedCount"]),
                (&"invoice".into(), &1.into()),
                "{data}"
            );
            let one = &data["transactions"][0];
            assert_eq!(
                (&one["amount"], &one["date"]),
                (&amount.into(), &"2024-02-29".into()),
                "{one}"
            );
            assert_eq!(one["counterparty"], "Moulin & Fils");
            assert_eq!(one["needsReview"], false, "{one}");
            // Each word in the client's language.
            let url = format!("/api/v1/workflows/{}", data["workflowId"].as_str().unwrap());
            let answer = client.with("Accept-Language", "en").get(&url).await;
            let english = expect::success(&answer, 200);
            let check = &english["result"]["reading"]["checks"][0];
            assert_eq!(check["message"], "10.00 EUR net + 2.00 EUR of tax = 12.00 EUR");
            assert_eq!(check.get("messageEn"), None);
            assert_ne!(
                english["transactions"][0]["category"]["explanation"],
                one["category"]["explanation"]
            );
        }
        let id = client.accepted(&Upload::of(invoice.clone().into_bytes(), "f.xml")).await;
        client.completed(&id).await;
        let done = expect::success(&client.result(&id).await, 200).clone();
        let fields = &done["data"]["extractedFields"];
        assert_eq!(
            (&fields["totalAmount"]["value"], &fields["receiptNumber"]["value"]),
            (&12.0.into(), &"F-18".into())
        );
        let original = client.get(&format!("/api/v1/receipts/{id}/image")).await;
        assert_eq!(original.bytes, invoice.as_bytes(), "bit for bit");

        // What contradicts itself has no page to be read instead.
        let wrong =
            invoice.replace(">12.00</cbc:TaxInclusiveAmount>", ">13.00</cbc:TaxInclusiveAmount>");
        let id = started(&client, "buyer", "f.xml", wrong.into_bytes()).await;
        let failed = ended(&client, &id).await;
        assert_eq!(failed["error"]["code"], "INVOICE_INVALID", "{failed}");
        let english =
            client.with("Accept-Language", "en").get(&format!("/api/v1/workflows/{id}")).await;
        let said = |of: &Value| of["error"]["message"].as_str().unwrap().to_owned();
        let english = said(expect::success(&english, 200));
        assert!(
            said(&failed).contains("La facture électronique") && said(&failed).contains("BR-CO-15"),
            "{failed}"
        );
        let told = "The electronic invoice is not valid: 10.00 EUR net";
        assert!(english.contains(told), "{english}");
        let url = format!("/api/v1/workflows/{id}/evidence");
        let evidence = client.with("Accept-Language", "en").get(&url).await;
        let evidence = expect::success(&evidence, 200);
        let last = &evidence["history"].as_array().unwrap().last().unwrap()["detail"];
        assert!(last["message"].as_str().unwrap().contains(told), "{evidence}");
        assert_eq!(last.get("messageEn"), None);
    })
    .await;
}
