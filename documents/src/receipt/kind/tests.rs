//! Titles in every language, and pages that only look as if they had one.

use super::super::{
    Reading, extract,
    testing::{columns, document},
};
use super::*;
use quittance_domain::document::DocumentText;

fn sort(text: &DocumentText) -> Option<DocumentType> {
    find(&Reading::new(text)).map(|kind| kind.sort)
}

/// A page of a company with this title, in the words of nobody.
fn page(title: &str) -> DocumentText {
    columns(&[
        &[(20, "Atelier du Lac SARL"), (600, "Hôtel des Alpes")],
        &[(20, "14 rue des Tilleuls"), (600, "3 avenue de la Gare")],
        &[(20, "74000 Annecy"), (600, "73000 Chambéry")],
        &[],
        &[(20, title)],
        &[(20, "17/03/2024")],
        &[(20, "Porte en chêne"), (400, "2"), (520, "450,00"), (700, "900,00")],
        &[(20, "Pose"), (400, "1"), (520, "100,00"), (700, "100,00")],
        &[(520, "Total HT"), (700, "1 000,00 €")],
        &[(520, "TVA 20 %"), (700, "200,00 €")],
        &[(520, "Total TTC"), (700, "1 200,00 €")],
    ])
}

/// The same with a line that bears the title out.
fn borne_out(title: &str, by: &str) -> DocumentText {
    let mut text = page(title);
    let mut last = text.pages[0].lines[0].clone();
    by.clone_into(&mut last.text);
    last.quad = last.quad.map(|[x, y]| [x, y + 600.0]);
    text.pages[0].lines.push(last);
    text
}

/// The same, this many times as high as the other lines.
fn big(title: &str, times: f32) -> DocumentText {
    let mut text = page(title);
    let line = text.pages[0].lines.iter_mut().find(|l| l.text == title).unwrap();
    line.quad[2][1] += 22.0 * (times - 1.0);
    line.quad[3][1] += 22.0 * (times - 1.0);
    text
}

#[test]
fn titles_in_five_languages() {
    for (title, expected) in [
        ("DEVIS N° DV-2024-017", Quote),
        ("DEVIS", Quote),
        ("DEVIS n° 12 du 3 mars 2024", Quote),
        ("FACTURE PRO FORMA N° 12", Quote),
        ("FACTURE PROFORMA", Quote),
        ("PROPOSITION COMMERCIALE", Quote),
        ("QUOTATION #Q-1001", Quote),
        ("ESTIMATE NO. 77", Quote),
        ("PRO FORMA INVOICE", Quote),
        ("ANGEBOT NR. 2024-33", Quote),
        ("KOSTENVORANSCHLAG", Quote),
        ("PRESUPUESTO Nº 45", Quote),
        ("COTIZACIÓN 45", Quote),
        ("OFFERTE 2024-01", Quote),
        ("PRIJSOPGAVE", Quote),
        ("BON DE COMMANDE N° 4711", PurchaseOrder),
        ("CONFIRMATION DE COMMANDE", PurchaseOrder),
        ("PURCHASE ORDER PO-4711", PurchaseOrder),
        ("AUFTRAGSBESTÄTIGUNG 4711", PurchaseOrder),
        ("BESTELLUNG NR. 4711", PurchaseOrder),
        ("ORDEN DE COMPRA 4711", PurchaseOrder),
        ("BESTELBON 4711", PurchaseOrder),
        ("BON DE LIVRAISON", DeliveryNote),
        ("DELIVERY NOTE", DeliveryNote),
        ("LIEFERSCHEIN NR. 4711", DeliveryNote),
        ("ALBARÁN 4711", DeliveryNote),
        ("PAKBON 4711", DeliveryNote),
        ("RELEVÉ DE COMPTE", BankStatement),
        ("Relevé de compte n° 3 du 01/03/2024 au 31/03/2024", BankStatement),
        ("Votre relevé de compte", BankStatement),
        ("EXTRAIT DE COMPTE", BankStatement),
        ("Bank statement March 2024", BankStatement),
        ("Kontoauszug Nr. 3/2024", BankStatement),
        ("EXTRACTO BANCARIO", BankStatement),
        ("Rekeningafschrift maart 2024", BankStatement),
        ("RELEVÉ DE CARTE BANCAIRE", CardStatement),
        ("Credit card statement", CardStatement),
        ("Kreditkartenabrechnung vom 31.03.2024", CardStatement),
        ("BULLETIN DE PAIE", Payslip),
        ("Bulletin de salaire - mars 2024", Payslip),
        ("FICHE DE PAIE MARS 2024", Payslip),
        ("Payslip for the month of March 2024", Payslip),
        ("Gehaltsabrechnung März 2024", Payslip),
        ("NÓMINA MARZO 2024", Payslip),
        ("Loonstrook maart 2024", Payslip),
        ("RAPPEL DE PAIEMENT", Reminder),
        ("2ÈME LETTRE DE RELANCE", Reminder),
        ("PAYMENT REMINDER", Reminder),
        ("2. MAHNUNG", Reminder),
        ("RECORDATORIO DE PAGO", Reminder),
        ("BETALINGSHERINNERING", Reminder),
        ("FACTURE N° FA-2024-0118", Invoice),
        ("TAX INVOICE", Invoice),
        ("RECHNUNG NR. 12", Invoice),
        ("AVOIR N° 5", CreditNote),
        ("REÇU", Receipt),
    ] {
        assert_eq!(sort(&page(title)), Some(expected), "{title}");
    }
}

#[test]
fn a_title_stands_out_or_is_borne_out() {
    let quiet = "Devis n° DV-2024-017";
    assert_eq!(sort(&page(quiet)), None);
    assert_eq!(sort(&big(quiet, 1.5)), Some(Quote));
    assert_eq!(sort(&borne_out(quiet, "Bon pour accord, date et signature")), Some(Quote));
    assert_eq!(sort(&big("Devis rénovation de la cuisine", 1.8)), Some(Quote));
    assert_eq!(sort(&page("DEVIS RÉNOVATION DE LA CUISINE")), None);
    assert_eq!(sort(&page("STATEMENT")), None);
    assert_eq!(sort(&borne_out("STATEMENT", "Opening balance")), Some(BankStatement));
    assert_eq!(sort(&borne_out("STATEMENT", "Minimum payment due")), Some(CardStatement));
}

#[test]
fn what_is_mentioned_is_no_title() {
    for line in [
        "Suivant devis n° 12",
        "SELON DEVIS 12 DU 3 MARS",
        "Bon de commande 4711",
        "Votre commande n° 4711",
        "COMMANDE 4711",
        "ORDER #4",
        "Bon de livraison : 4711",
        "Relevé de compteur du 12/03/2024",
        "Relevé de compte disponible en ligne",
        "RAPPEL PRODUIT",
        "OFFERT",
        "Angebot des Tages",
        "Adresse de livraison",
        "REÇU LE 12/03/2024",
        "Facturé à :",
        "QUOTE BAR",
        "Salaire",
    ] {
        assert_eq!(sort(&page(line)), None, "{line}");
    }
}

#[test]
fn an_invoice_or_a_receipt_stays_what_it_is() {
    for other in [
        "DEVIS N° 12",
        "BON DE COMMANDE 4711",
        "BON DE LIVRAISON 4711",
        "DELIVERY ORDER",
        "RELEVÉ DE COMPTE",
        "RAPPEL DE PAIEMENT",
    ] {
        assert_eq!(sort(&borne_out("FACTURE N° FA-2024-0118", other)), Some(Invoice), "{other}");
    }
    // The title of a payment below that of a quote, and what was paid.
    for said in ["Facture n° 12", "TAX INVOICE", "Payé par carte", "Carte ************4053"] {
        assert_eq!(sort(&borne_out("DEVIS N° 12", said)), None, "{said}");
    }
    assert_eq!(sort(&page("DELIVERY ORDER / TAX INVOICE")), Some(Invoice));
    // A statement tells of invoices, a payslip says what was paid.
    let told = borne_out("RELEVÉ DE COMPTE", "FACTURE 2024-12");
    assert_eq!(sort(&told), Some(BankStatement));
    let told = borne_out("BULLETIN DE PAIE", "Payé le 31/03/2024 par virement");
    assert_eq!(sort(&told), Some(Payslip));
    // A till prints everything in capitals, and orders among them.
    let till = document(&[
        "BURGER DU PORT",
        "12 RUE DU PORT",
        "75003 PARIS",
        "BON DE COMMANDE 47",
        "MENU BURGER|9,90",
        "BOISSON|2,50",
        "TOTAL|12,40",
        "MERCI DE VOTRE VISITE",
    ]);
    assert_eq!(sort(&till), None);
}

#[test]
fn what_is_no_payment_says_so_and_keeps_its_values() {
    let found = extract(&page("DEVIS N° 12"));
    assert_eq!((found.document_type, found.receipt_type.as_str()), (Some(Quote), "other"));
    let warning = found.warnings.iter().find(|w| w.code == NOT_A_PAYMENT).unwrap();
    assert!(warning.message.starts_with("Le document s'intitule « DEVIS N° 12 » : c'est un devis"));
    assert_eq!(warning.page, Some(1));
    let total = found.extracted_fields.total_amount.unwrap();
    assert!((total.field.value - 1200.0).abs() < 0.001 && total.field.bounding_box.is_some());
    let invoice = extract(&page("FACTURE N° 12"));
    assert!(invoice.warnings.is_empty() && invoice.document_type == Some(Invoice));
}

/// Every receipt that is known as text, and with `QUITTANCE_TEXTS` those read by OCR: none is called something else.
#[test]
#[expect(clippy::print_stderr, reason = "a test says what it measured by printing")]
fn no_real_receipt_is_called_something_else() {
    let Some(texts) = super::super::real_texts() else { return };
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    let mut wrong = Vec::new();
    for (name, text) in &texts {
        let found = find(&Reading::new(text));
        *counts.entry(found.as_ref().map_or("none", |k| k.sort.code())).or_default() += 1;
        if found.as_ref().is_some_and(|kind| !kind.sort.is_payment()) {
            wrong.push(format!("{name}: {found:?}"));
        }
    }
    eprintln!("{} texts: {counts:?}", texts.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_condition_is_no_payment() {
    for (title, said) in [
        ("RELANCE", "Si vous avez déjà réglé cette facture, ne tenez pas compte de ce courrier."),
        ("RAPPEL DE PAIEMENT", "Si le montant est déjà payé, merci de l'ignorer"),
        ("PAYMENT REMINDER", "If already paid by transfer, please disregard"),
    ] {
        let text = borne_out(title, said);
        assert_eq!(sort(&text), Some(Reminder), "{title}");
    }
    for said in ["Balance to be paid in full on completion", "To be paid by bank transfer"] {
        assert_eq!(sort(&borne_out("QUOTATION", said)), Some(Quote), "{said}");
    }
    assert_eq!(sort(&borne_out("QUOTATION", "Paid in full 17/03/2024")), None);
    assert_eq!(sort(&borne_out("DEVIS", "Réglé le 17/03/2024 par carte")), None);
}

#[test]
fn a_line_of_titles_is_read_at_once() {
    let long = "facture ".repeat(13) + "bonjour monde";
    assert!(read(&long).is_none());
    assert!(read(&"facture ".repeat(2000)).is_none());
}

#[test]
fn a_statement_with_minus_signs_is_no_refund() {
    for title in ["Relevé de carte bancaire", "RELEVÉ DE COMPTE", "BANK STATEMENT"] {
        let e = extract(&columns(&[
            &[(20, "Banque du Lac")],
            &[(20, title)],
            &[(20, "Période du 01/03/2024 au 31/03/2024")],
            &[],
            &[(20, "Ancien solde"), (700, "300,00 EUR")],
            &[(20, "02/03/2024 BOULANGERIE"), (700, "-12,50 EUR")],
            &[(20, "05/03/2024 RETOUR PRLV EDF"), (700, "-87,00 EUR")],
            &[(20, "09/03/2024 FNAC"), (700, "-45,90 EUR")],
            &[(20, "Total"), (700, "-145,40 EUR")],
        ]));
        assert!(e.document_type.is_some_and(DocumentType::is_statement), "{title}: {e:?}");
        assert!(e.warnings.iter().any(|w| w.code == NOT_A_PAYMENT), "{title}");
        assert_eq!(e.receipt_type, "other", "{title}");
        let summary = e.extracted_fields.summary.unwrap_or_default();
        assert!(!summary.contains("Achat") && !summary.contains("Rembours"), "{summary}");
    }
}
