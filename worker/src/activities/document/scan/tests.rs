use super::*;
use chrono::DateTime;
use quittance_shared::{
    domain::{
        document::BoundingBox,
        receipt::{AmountField, ChildReceipt, Field},
    },
    engine::{RunId, RunState},
    ledger::Owner,
    store::WorkflowState,
};

pub(in crate::activities::document) fn workflow() -> WorkflowView {
    WorkflowView {
        id: RunId(Uuid::nil()),
        owner: Owner::new("client", "user"),
        filename: None,
        content_type: "image/jpeg".into(),
        byte_size: 1,
        sha256: "00".into(),
        blob_key: None,
        account: None,
        currency: None,
        mapping: None,
        date_order: None,
        preview: None,
        result: None,
        found: None,
        stored: None,
        state: WorkflowState::DocumentProcessing,
        run_state: RunState::InProgress,
        progress: 0,
        error: None,
        failed_step: None,
        version: 1,
        created_at: DateTime::UNIX_EPOCH,
        finished_at: None,
        deleted_at: None,
        erased_by: None,
        erased_reason: None,
    }
}

fn field<T>(value: T) -> Field<T> {
    Field {
        value,
        confidence: 0.9,
        page: None,
        bounding_box: None,
        raw: None,
        alternatives: Vec::new(),
    }
}

fn amount(value: f64) -> AmountField {
    AmountField { field: field(value), currency: Some(Currency::EUR) }
}

fn child(index: u32, total: f64, date: Option<&str>, tax: Option<f64>) -> ChildReceipt {
    ChildReceipt {
        index,
        page: 1,
        bounding_box: BoundingBox { x: 0.0, y: 0.0, width: 1.0, height: 1.0 },
        receipt_type: "other".into(),
        document_type: None,
        extracted_fields: ExtractedFields {
            total_amount: Some(amount(total)),
            date: date.map(|date| field(date.to_owned())),
            merchant_name: Some(field(format!("Café {index}"))),
            total_tax: tax.map(amount),
            ..ExtractedFields::default()
        },
        checks: Vec::new(),
        warnings: Vec::new(),
        confidence: 0.9,
    }
}

fn extraction(extracted_fields: ExtractedFields, children: Vec<ChildReceipt>) -> Extraction {
    Extraction {
        receipt_type: "other".into(),
        document_type: None,
        extracted_fields,
        checks: Vec::new(),
        warnings: Vec::new(),
        detected_language: None,
        confidence: 0.9,
        children,
    }
}

#[test]
fn each_receipt_of_a_photo_is_a_transaction_and_its_card_slip_is_not() {
    let extraction = extraction(
        ExtractedFields::default(),
        vec![
            child(1, 16.5, Some("2022-08-24"), None),
            child(2, 16.5, Some("2022-08-24"), Some(1.5)),
            child(3, 2.1, Some("2022-08-24"), None),
            child(4, 2.1, Some("2022-08-24"), None),
            child(5, 9.0, None, None),
        ],
    );
    let (found, remarks) = transactions(&extraction, &workflow(), &[]);
    let paid: Vec<_> = found.iter().map(|t| (t.amount.minor.0, t.label.as_str())).collect();
    // Two tickets of one price are two payments.
    assert_eq!(paid, [(-1650, "Café 2"), (-210, "Café 3"), (-210, "Café 4")]);
    let told: Vec<_> = remarks.iter().map(|w| (w.code.as_str(), w.page)).collect();
    assert_eq!(told, [("TRANSACTION_INCOMPLETE", Some(1)), ("CARD_SLIP", Some(1))]);
    assert!(remarks[0].message.starts_with("Reçu 5 : "), "{}", remarks[0].message);
    assert_eq!(refused(&extraction), None);
}

#[test]
fn a_refund_or_what_a_quote_was_paid_with_is_no_card_slip() {
    let day = Some("2022-08-24");
    let other = |change: fn(&mut ChildReceipt)| {
        let mut children = vec![child(1, 16.5, day, None), child(2, 16.5, day, Some(1.5))];
        change(&mut children[0]);
        change(&mut children[1]);
        let extraction = extraction(ExtractedFields::default(), children);
        let (found, _) = transactions(&extraction, &workflow(), &[]);
        found.iter().map(|t| t.amount.minor.0).collect::<Vec<_>>()
    };
    assert_eq!(other(|_| ()), [-1650]);
    let refund = other(|c| {
        if c.index == 1 {
            "refund".clone_into(&mut c.receipt_type);
        }
    });
    assert_eq!(refund, [1650, -1650]);
    let quote = other(|c| c.document_type = (c.index == 2).then_some(DocumentType::Quote));
    assert_eq!(quote, [-1650]);
}

#[test]
fn what_is_no_payment_makes_no_transaction() {
    let quote = |index| {
        let mut child = child(index, 20.0, Some("2022-08-24"), None);
        child.document_type = Some(DocumentType::Quote);
        let text = Text::new("C'est un devis.", "It is a quote.");
        child.warnings = vec![Warning::new(NOT_A_PAYMENT, text)];
        child
    };
    let mut extraction = extraction(
        ExtractedFields::default(),
        vec![child(1, 9.0, Some("2022-08-24"), None), quote(2)],
    );
    let (found, remarks) = transactions(&extraction, &workflow(), &[]);
    assert_eq!(found.len(), 1);
    assert_eq!((remarks[0].code.as_str(), remarks[0].page), (NOT_A_PAYMENT, Some(1)));
    let said = "Reçu 2 : C'est un devis. Aucune transaction n'est créée.";
    assert_eq!((remarks.len(), remarks[0].message.as_str()), (1, said));
    assert_eq!(refused(&extraction), None);
    extraction.children = vec![quote(1), quote(2)];
    assert_eq!(refused(&extraction).map(|r| r.0), Some("NOT_A_PAYMENT"));
    extraction.children.clear();
    extraction.document_type = Some(DocumentType::CreditNote);
    assert_eq!(refused(&extraction), None);
    extraction.document_type = Some(DocumentType::BankStatement);
    assert_eq!(refused(&extraction).map(|r| r.0), Some("STATEMENT_AS_PAGES"));
}

#[test]
fn each_is_doubted_for_its_own() {
    let uncertain = || Reason::Uncertain("totalAmount".into());
    let of = |index| Reason::Child(index, Box::new(uncertain()));
    assert_eq!(doubts(&[of(1), of(2)], Some(2)), ["TOTAL_UNCERTAIN"]);
    assert_eq!(doubts(&[of(1)], Some(2)), [""; 0]);
    assert_eq!(doubts(&[uncertain(), Reason::Check("TAX_SUM".into())], None).len(), 2);
    let extraction =
        extraction(child(1, 9.0, Some("2022-08-24"), None).extracted_fields, Vec::new());
    let (found, _) = transactions(&extraction, &workflow(), &[uncertain()]);
    assert_eq!(found[0].doubts, ["TOTAL_UNCERTAIN"]);
}

#[test]
fn the_currency_that_was_given_says_what_a_minor_unit_is() {
    let booked = |value: f64, currency: &str| {
        let mut fields = child(1, value, Some("2022-08-24"), None).extracted_fields;
        fields.total_amount.as_mut().unwrap().currency = None;
        let given = WorkflowView { currency: Some(currency.into()), ..workflow() };
        transaction(&fields, "retail", &given).map(|(t, _)| t.amount.to_string())
    };
    for (value, currency, paid) in
        [(1200.0, "JPY", "-1200 JPY"), (12.5, "EUR", "-12.50 EUR"), (1.25, "KWD", "-1.250 KWD")]
    {
        assert_eq!(booked(value, currency).unwrap(), paid);
    }
    let nothing_said = || {
        let mut fields = child(1, 9.0, Some("2022-08-24"), None).extracted_fields;
        fields.total_amount.as_mut().unwrap().currency = None;
        extraction(fields, Vec::new())
    };
    let (found, remarks) = transactions(&nothing_said(), &workflow(), &[]);
    assert_eq!(found[0].doubts, ["CURRENCY_ASSUMED"]);
    assert_eq!(remarks[0].code, "CURRENCY_ASSUMED");
    let given = WorkflowView { currency: Some("CHF".into()), ..workflow() };
    let (found, remarks) = transactions(&nothing_said(), &given, &[]);
    assert_eq!((found[0].doubts.len(), remarks.len()), (0, 0), "{remarks:?}");
    // There are no cents of a yen: it was not paid in that currency.
    assert_eq!(booked(12.5, "JPY").unwrap_err().code, "TRANSACTION_INCOMPLETE");
}

#[test]
fn what_was_given_back_comes_in() {
    let told = |receipt_type: &str, total: f64| {
        let fields = child(1, total, Some("2022-08-24"), None).extracted_fields;
        let (one, _) = transaction(&fields, receipt_type, &workflow()).unwrap();
        (one.amount.minor.0, one.origin)
    };
    assert_eq!(told("retail", 16.5), (-1650, Origin::Receipt));
    assert_eq!(told("refund", -16.5), (1650, Origin::Receipt));
    assert_eq!(told("credit_note", -16.5), (1650, Origin::Invoice));
    // The document says without a minus what it is.
    assert_eq!(told("refund", 16.5), (1650, Origin::Receipt));
    assert_eq!(told("credit_note", 16.5), (1650, Origin::Invoice));
    assert_eq!(told("invoice", 16.5), (-1650, Origin::Invoice));
}
