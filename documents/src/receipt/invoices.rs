//! Invoices as companies send them: columns, forms and tables, made up in the layouts that are common in each country.

use super::{extract, testing::columns};
use quittance_domain::receipt::Extraction;

/// What is asked of each: number, date, name, VAT number, total, net.
#[derive(Debug, Default, PartialEq)]
struct Seen<'a> {
    number: Option<&'a str>,
    date: Option<&'a str>,
    seller: Option<&'a str>,
    vat: Option<&'a str>,
    total: Option<f64>,
    net: Option<f64>,
    tax: Option<f64>,
}

fn seen(e: &Extraction) -> Seen<'_> {
    let f = &e.extracted_fields;
    let amount =
        |a: &Option<quittance_domain::receipt::AmountField>| a.as_ref().map(|a| a.field.value);
    Seen {
        number: f.receipt_number.as_ref().map(|f| f.value.as_str()),
        date: f.date.as_ref().map(|f| f.value.as_str()),
        seller: f.merchant_name.as_ref().map(|f| f.value.as_str()),
        vat: f.vat_id.as_ref().map(|f| f.value.as_str()),
        total: amount(&f.total_amount),
        net: amount(&f.subtotal),
        tax: amount(&f.total_tax),
    }
}

#[test]
fn a_french_craftsman_with_the_buyer_at_the_right() {
    let e = extract(&columns(&[
        &[(20, "MENUISERIE DU LAC SARL")],
        &[(20, "14 rue des Tilleuls")],
        &[(20, "74000 ANNECY")],
        &[(20, "SIRET : 732 829 320 00074 - TVA intracommunautaire : FR44 732829320")],
        &[],
        &[(600, "Facturé à :")],
        &[(600, "Hôtel des Alpes SAS")],
        &[(600, "3 avenue de la Gare")],
        &[(600, "73000 CHAMBÉRY")],
        &[(600, "N° TVA client : FR83404833048")],
        &[],
        &[(20, "FACTURE N° FA-2024-0118")],
        &[(20, "Date de facture : 17/03/2024")],
        &[(20, "Date d'échéance : 16/04/2024")],
        &[],
        &[(20, "Désignation"), (400, "Qté"), (520, "PU HT"), (700, "Total HT")],
        &[(20, "Porte en chêne"), (400, "2"), (520, "450,00"), (700, "900,00")],
        &[(20, "Pose"), (400, "1"), (520, "100,00"), (700, "100,00")],
        &[],
        &[(520, "Total HT"), (700, "1 000,00 €")],
        &[(520, "TVA 20 %"), (700, "200,00 €")],
        &[(520, "Total TTC"), (700, "1 200,00 €")],
    ]));
    assert_eq!(
        seen(&e),
        Seen {
            number: Some("FA-2024-0118"),
            date: Some("2024-03-17"),
            seller: Some("MENUISERIE DU LAC SARL"),
            vat: Some("FR44732829320"),
            total: Some(1200.0),
            net: Some(1000.0),
            tax: Some(200.0),
        }
    );
    let address = e.extracted_fields.merchant_address.as_ref().map(|a| a.value.as_str());
    assert_eq!(address, Some("14 rue des Tilleuls, 74000 ANNECY"));
    assert_eq!(e.extracted_fields.siret.as_ref().map(|s| s.value.as_str()), Some("73282932000074"));
}

#[test]
fn a_french_table_of_captions_over_their_values() {
    let e = extract(&columns(&[
        &[(20, "Papeterie Bleue SAS")],
        &[(20, "8 quai Voltaire")],
        &[(20, "69002 LYON")],
        &[],
        &[
            (20, "N° de facture"),
            (220, "Date de facture"),
            (440, "Date d'échéance"),
            (680, "N° client"),
        ],
        &[(20, "2024-0377"), (220, "5 février 2024"), (440, "6 mars 2024"), (680, "C-8841")],
        &[],
        &[(20, "Ramettes A4"), (700, "50,00 €")],
        &[(20, "Classeurs"), (700, "30,00 €")],
        &[(440, "Montant HT"), (700, "80,00 €")],
        &[(440, "TVA 20,00 %"), (700, "16,00 €")],
        &[(440, "Net à payer"), (700, "96,00 €")],
        &[],
        &[(
            20,
            "SAS au capital de 120 000 000 € - RCS Lyon 732 829 320 - N° TVA : FR 44 732 829 320",
        )],
    ]));
    assert_eq!(
        seen(&e),
        Seen {
            number: Some("2024-0377"),
            date: Some("2024-02-05"),
            seller: Some("Papeterie Bleue SAS"),
            vat: Some("FR44732829320"),
            total: Some(96.0),
            net: Some(80.0),
            tax: Some(16.0),
        }
    );
}

#[test]
fn a_french_operator_with_its_dates_in_sentences() {
    let e = extract(&columns(&[
        &[(20, "Télécom Rive Gauche SA")],
        &[(20, "75371 PARIS CEDEX 08")],
        &[(600, "Adresse de facturation")],
        &[(600, "Camille Roux")],
        &[(600, "7 impasse du Moulin")],
        &[(600, "33000 BORDEAUX")],
        &[],
        &[(20, "Facture n°562044387 du 02 juillet 2024")],
        &[(20, "Date limite de paiement le 05 août 2024"), (700, "29,99 € TTC")],
        &[(20, "Période du 01/07/2024 au 31/07/2024")],
        &[],
        &[(300, "Montant HT"), (500, "Montant TVA"), (700, "Montant TTC")],
        &[(20, "Abonnement"), (300, "24,99"), (500, "5,00"), (700, "29,99")],
        &[(20, "Total facture"), (300, "24,99"), (500, "5,00"), (700, "29,99")],
        &[(20, "Somme à payer"), (700, "29,99 € TTC")],
    ]));
    let s = seen(&e);
    assert_eq!((s.number, s.date), (Some("562044387"), Some("2024-07-02")));
    assert_eq!((s.total, s.net), (Some(29.99), Some(24.99)));
    assert_eq!(s.seller, Some("Télécom Rive Gauche SA"));
}

#[test]
fn a_french_form_with_values_right_of_their_captions() {
    let e = extract(&columns(&[
        &[(20, "FACTURE")],
        &[(20, "Numéro de facture"), (400, "F-88/2024")],
        &[(20, "Date d'émission"), (400, "03/06/2024")],
        &[(20, "Date de livraison"), (400, "28/05/2024")],
        &[(20, "Échéance"), (400, "03/07/2024")],
        &[],
        &[(20, "Émetteur")],
        &[(20, "Serrurerie Morel")],
        &[(20, "22 rue du Four")],
        &[(20, "44000 NANTES")],
        &[(20, "TVA : FR44732829320")],
        &[],
        &[(20, "Client")],
        &[(20, "Cabinet Leroy")],
        &[(20, "1 place Royale")],
        &[(20, "44000 NANTES")],
        &[],
        &[(20, "Ouverture de porte"), (700, "150,00 €")],
        &[(400, "Total HT"), (700, "150,00 €")],
        &[(400, "TVA 10 %"), (700, "15,00 €")],
        &[(400, "Total TTC"), (700, "165,00 €")],
    ]));
    let s = seen(&e);
    assert_eq!((s.number, s.date), (Some("F-88/2024"), Some("2024-06-03")));
    assert_eq!((s.seller, s.vat), (Some("Serrurerie Morel"), Some("FR44732829320")));
    assert_eq!((s.total, s.net, s.tax), (Some(165.0), Some(150.0), Some(15.0)));
}

#[test]
fn a_date_by_which_to_pay_is_never_the_date() {
    let e = extract(&columns(&[
        &[(20, "Garage du Pont SARL")],
        &[(20, "9 route de Lyon, 38000 GRENOBLE")],
        &[(20, "Facture 24-0071")],
        &[(20, "À régler avant le 30/09/2024")],
        &[(20, "Vidange"), (700, "89,00 €")],
        &[(400, "Total TTC"), (700, "89,00 €")],
    ]));
    let s = seen(&e);
    assert_eq!((s.number, s.date, s.total), (Some("24-0071"), None, Some(89.0)));
}

#[test]
fn an_english_header_table() {
    let e = extract(&columns(&[
        &[(20, "Harbour Print Ltd")],
        &[(20, "12 Quay Street")],
        &[(20, "Bristol BS1 4DJ"), (600, "INVOICE")],
        &[(20, "VAT Reg No: GB 123 4567 89")],
        &[],
        &[(20, "Bill To:"), (400, "Ship To:")],
        &[(20, "Green Leaf Cafe"), (400, "Green Leaf Cafe")],
        &[(20, "5 Park Row"), (400, "6 Mill Lane")],
        &[],
        &[(20, "Invoice Number"), (260, "Invoice Date"), (500, "Due Date")],
        &[(20, "INV-20418"), (260, "May 2, 2024"), (500, "June 1, 2024")],
        &[],
        &[(20, "Menus, folded"), (700, "£100.00")],
        &[(500, "Subtotal"), (700, "£100.00")],
        &[(500, "VAT 20%"), (700, "£20.00")],
        &[(500, "Total"), (700, "£120.00")],
    ]));
    let s = seen(&e);
    assert_eq!((s.number, s.date), (Some("INV-20418"), Some("2024-05-02")));
    assert_eq!((s.seller, s.vat), (Some("Harbour Print Ltd"), Some("GB123456789")));
    assert_eq!((s.total, s.net, s.tax), (Some(120.0), Some(100.0), Some(20.0)));
    let currency = e.extracted_fields.total_amount.as_ref().and_then(|t| t.currency);
    assert_eq!(currency.map(|c| c.to_string()).as_deref(), Some("GBP"));
}

#[test]
fn an_american_invoice_by_its_other_dates() {
    let e = extract(&columns(&[
        &[(20, "Cedar Valley Supply Inc")],
        &[(20, "4557 Mill St")],
        &[(20, "Fremont, CA 94538")],
        &[],
        &[(20, "Invoice #: 10442")],
        &[(20, "Invoice Date: 03/04/2024")],
        &[(20, "Due Date: 03/19/2024")],
        &[(20, "Office chair"), (700, "$70.00")],
        &[(500, "Subtotal"), (700, "$70.00")],
        &[(500, "Sales Tax"), (700, "$6.30")],
        &[(500, "Total"), (700, "$76.30")],
    ]));
    let s = seen(&e);
    assert_eq!((s.number, s.date, s.total), (Some("10442"), Some("2024-03-04"), Some(76.3)));
}

#[test]
fn a_german_invoice_with_seller_and_buyer_as_forms() {
    let e = extract(&columns(&[
        &[(20, "Rechnung Nr. RE-4711 vom 05.03.2024")],
        &[(20, "Liefer- und Leistungsdatum:"), (500, "01.03.2024")],
        &[],
        &[(20, "Verkäufer")],
        &[(20, "Name:"), (500, "Papier Blau GmbH")],
        &[(20, "Anschrift:"), (500, "Hafenstraße 20")],
        &[(500, "80333 München")],
        &[(20, "USt-IdNr.:"), (500, "DE123456789")],
        &[],
        &[],
        &[(20, "Käufer")],
        &[(20, "Name:"), (500, "Kontor Mitte AG")],
        &[(20, "Anschrift:"), (500, "Kundenstraße 15")],
        &[(20, "USt-IdNr.:"), (500, "DE987654321")],
        &[],
        &[],
        &[(20, "Trennblätter A4"), (700, "198,00")],
        &[(400, "Nettobetrag"), (700, "198,00 €")],
        &[(400, "zzgl. 19 % MwSt"), (700, "37,62 €")],
        &[(400, "Gesamtbetrag"), (700, "235,62 €")],
        &[(20, "Zahlbar bis 04.04.2024 ohne Abzug")],
    ]));
    let s = seen(&e);
    assert_eq!((s.number, s.date), (Some("RE-4711"), Some("2024-03-05")));
    assert_eq!((s.seller, s.vat), (Some("Papier Blau GmbH"), Some("DE123456789")));
    assert_eq!((s.total, s.net, s.tax), (Some(235.62), Some(198.0), Some(37.62)));
}

#[test]
fn a_dutch_table_whose_heading_is_just_the_document() {
    let e = extract(&columns(&[
        &[(20, "Factuuradres"), (500, "Afleveradres")],
        &[(20, "Bakkerij Jansen"), (500, "Bakkerij Jansen")],
        &[(20, "Dorpsstraat 4"), (500, "Dorpsstraat 4")],
        &[(20, "3500 MJ Utrecht"), (500, "3500 MJ Utrecht")],
        &[],
        &[
            (20, "Klant"),
            (160, "Order"),
            (300, "Factuur datum"),
            (500, "Factuur"),
            (700, "Vervaldatum"),
        ],
        &[(20, "K-0418"), (160, "OR-77"), (300, "8-9-2022"), (500, "VF10051"), (700, "22-9-2022")],
        &[],
        &[(20, "Onderhoudsset"), (700, "49,99")],
        &[(400, "Totaal EUR"), (700, "49,99")],
        &[(200, "BTW %"), (300, "Grondslag"), (500, "BTW bedrag"), (700, "Totaal")],
        &[(200, "21 %"), (300, "41,31"), (500, "8,68"), (700, "49,99")],
        &[(20, "Uw BTW nummer: NL003335996B98")],
    ]));
    let s = seen(&e);
    assert_eq!((s.number, s.date), (Some("VF10051"), Some("2022-09-08")));
    assert_eq!((s.vat, s.seller), (None, None), "both are the buyer's");
    assert_eq!((s.total, s.net, s.tax), (Some(49.99), Some(41.31), Some(8.68)));
}

#[test]
fn the_name_of_its_own_site_is_the_seller_s() {
    let e = extract(&columns(&[
        &[(500, "Grossiste en luminaires")],
        &[(20, "Lampes Aurore")],
        &[(20, "6 rue du Port")],
        &[(20, "17000 LA ROCHELLE")],
        &[(20, "Facture n° 24-118"), (500, "Le 17/03/2024")],
        &[(20, "Suspension verre"), (700, "120,00 €")],
        &[(400, "Total TTC"), (700, "120,00 €")],
        &[(20, "https://www.lampes-aurore.example - bonjour@lampes-aurore.example")],
    ]));
    assert_eq!(seen(&e).seller, Some("Lampes Aurore"));
    assert_eq!(
        e.extracted_fields.merchant_address.map(|a| a.value).as_deref(),
        Some("6 rue du Port, 17000 LA ROCHELLE")
    );
}
