use super::*;
use crate::statement::{DATE_ORDER_ASSUMED, DateOrder, Decimal, Format, parse, sniff};
use quittance_domain::statement::Entry;

mod amounts;
mod columns;
mod states;

fn read(text: &str) -> Result<Statement, StatementError> {
    parse(text.as_bytes(), &Options::default())
}

fn entries(text: &str) -> Vec<Entry> {
    let statement = read(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    statement.accounts.into_iter().flat_map(|a| a.entries).collect()
}

/// Day, minor units, currency, label.
fn short(text: &str) -> Vec<(String, i64, String, String)> {
    let row =
        |e: Entry| (e.booked.to_string(), e.amount.minor.0, e.amount.currency.to_string(), e.label);
    entries(text).into_iter().map(row).collect()
}

fn row(day: &str, minor: i64, currency: &str, label: &str) -> (String, i64, String, String) {
    (day.into(), minor, currency.into(), label.into())
}

#[test]
fn credit_agricole_in_latin_1() {
    let text = "Téléchargement du 05/03/2024;\n\nCompte Courant carte n° 12345678901;\nSolde au 04/03/2024 1 234,56 €\n\nListe des opérations du compte entre le 01/02/2024 et le 04/03/2024;\n\nDate;Libellé;Débit euros;Crédit euros;\n04/03/2024;\"PAIEMENT PAR CARTE\nX1234 CARREFOUR PARIS 03/03\n\";45,67;;\n29/02/2024;\"VIREMENT EN VOTRE FAVEUR\nSALAIRE\";;2 345,00;\n";
    let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(text);
    assert_eq!(sniff(&latin, None), Some(Format::Csv));
    let statement = parse(&latin, &Options::default()).unwrap();
    let entries = &statement.accounts[0].entries;
    assert_eq!(entries[0].label, "PAIEMENT PAR CARTE X1234 CARREFOUR PARIS 03/03");
    assert_eq!((entries[0].amount.minor.0, entries[0].place), (-4567, 9));
    assert_eq!(
        (entries[1].amount.minor.0, entries[1].booked.to_string().as_str()),
        (234_500, "2024-02-29")
    );
    assert_eq!(statement.warnings, []);
}

#[test]
fn bnp_banque_postale_and_boursorama() {
    let bnp = "Date operation;Categorie operation;Sous Categorie operation;Libelle operation;Montant operation;Pointage operation;Commentaire operation;\n12-01-2024;Alimentation;Supermarché;\"FACTURE CARTE DU 100124 MONOPRIX\";-1 234,56;0;;\n15-01-2024;Revenus;Salaire;VIR SEPA RECU;2500,00;0;;\n";
    assert_eq!(
        short(bnp),
        [
            row("2024-01-12", -123_456, "EUR", "FACTURE CARTE DU 100124 MONOPRIX"),
            row("2024-01-15", 250_000, "EUR", "VIR SEPA RECU")
        ]
    );
    let postale = "Numéro Compte   ;1234567X020\nType         ;CCP\nCompte tenu en  ;euros\nDate            ;05/03/2024\nSolde (EUROS)   ;1234,56\nSolde (FRANCS)  ;8098,18\n\nDate;Libellé;Montant(EUROS);Montant(FRANCS)\n28/02/2024;ACHAT CB PICARD;-23,40;-153,49\n27/02/2024;REMISE CHEQUE;100,00;655,96\n";
    let statement = read(postale).unwrap();
    assert_eq!(statement.accounts[0].account.as_deref(), Some("1234567X020"));
    assert_eq!(short(postale)[0], row("2024-02-28", -2340, "EUR", "ACHAT CB PICARD"));
    assert_eq!(statement.warnings, []);
    let boursorama = "\u{feff}dateOp;dateVal;label;category;categoryParent;supplierFound;amount;comment;accountNum;accountLabel;accountbalance\n2024-02-03;2024-02-05;\"CARTE 02/02/24 BOULANGERIE\";\"Alimentation\";\"Vie quotidienne\";\"boulangerie\";-12,30;;00040123456;\"BoursoBank\";1 250.10\n";
    let unsure = read(boursorama).unwrap_err();
    let StatementError::MappingNeeded(preview) = &unsure else { panic!("{unsure}") };
    assert_eq!(preview.unsure, ["decimal"]);
    let mapping = CsvMapping { decimal: Decimal::Comma, ..preview.mapping.clone() };
    let options = Options { csv_mapping: Some(mapping), ..Options::default() };
    let told = parse(boursorama.as_bytes(), &options).unwrap();
    assert_eq!(told.accounts[0].entries[0].amount.minor.0, -1230);
    assert!(told.warnings.iter().any(|w| w.code == "BALANCE_UNREADABLE"));
    let plain = entries(&boursorama.replace("1 250.10", "1250,10"));
    assert_eq!(plain[0].value_date.unwrap().to_string(), "2024-02-05");
    assert_eq!(plain[0].counterparty.as_deref(), Some("boulangerie"));
    assert_eq!(plain[0].category.as_deref(), Some("Alimentation"));
}

#[test]
fn other_french_banks() {
    let mutuel = "Date;Date de valeur;Débit;Crédit;Libellé;Solde\n31/01/2024;31/01/2024;-45,67;;PRLV EDF;954,33\n01/02/2024;02/02/2024;;100,00;VIR;1054,33\n";
    assert_eq!(short(mutuel).iter().map(|r| r.1).collect::<Vec<_>>(), [-4567, 10_000]);
    let account = &read(mutuel).unwrap().accounts[0];
    assert_eq!(account.opening.as_ref().unwrap().amount.minor.0, 100_000);
    assert_eq!(account.closing.as_ref().unwrap().amount.minor.0, 105_433);
    let generale = "=\"0003012345\";01/02/2024;29/02/2024;2;04/03/2024;1234,56 EUR\n\nDate de l'opération;Libellé;Détail de l'écriture;Montant de l'opération;Devise\n28/02/2024;CARTE X1234;CARTE X1234 27/02 FNAC;-19,99;EUR\n27/02/2024;VIR RECU;VIR RECU DE M DUPONT;50,00;EUR\n";
    assert_eq!(
        short(generale)[0],
        row("2024-02-28", -1999, "EUR", "CARTE X1234 CARTE X1234 27/02 FNAC")
    );
    let epargne = "Date de comptabilisation;Libelle simplifie;Libelle operation;Reference;Informations complementaires;Type operation;Categorie;Sous categorie;Debit;Credit;Date operation;Date de valeur;Pointage operation\n29/02/2024;LECLERC;CB LECLERC FACT 280224;ABC123;;Carte bancaire;Alimentation;Hyper;-45,10;;28/02/2024;29/02/2024;0\n";
    let entry = &entries(epargne)[0];
    assert_eq!((entry.booked.to_string().as_str(), entry.amount.minor.0), ("2024-02-29", -4510));
    assert_eq!(entry.reference.as_deref(), Some("ABC123"));
}

#[test]
fn neighbours() {
    let german = "\"Auftragskonto\";\"Buchungstag\";\"Valutadatum\";\"Buchungstext\";\"Verwendungszweck\";\"Beguenstigter/Zahlungspflichtiger\";\"Kontonummer/IBAN\";\"BIC (SWIFT-Code)\";\"Betrag\";\"Waehrung\";\"Info\"\n\"DE02120300000000202051\";\"05.03.24\";\"06.03.24\";\"LASTSCHRIFT\";\"Miete März\";\"HAUS GmbH\";\"DE89370400440532013000\";\"COBADEFF\";\"-1.234,00\";\"EUR\";\"Umsatz gebucht\"\n\"DE02120300000000202051\";\"05.03.24\";\"06.03.24\";\"KARTE\";\"REWE\";\"REWE\";\"\";\"\";\"-5,10\";\"EUR\";\"Umsatz vorgemerkt\"\n";
    let read = entries(german);
    assert_eq!(
        (read[0].amount.minor.0, read[0].booked.to_string().as_str()),
        (-123_400, "2024-03-05")
    );
    assert_eq!(read[0].counterparty_account.as_deref(), Some("DE89370400440532013000"));
    assert_eq!((read[0].pending, read[1].pending), (false, true));
    let dutch = "\"Datum\",\"Naam / Omschrijving\",\"Rekening\",\"Tegenrekening\",\"Code\",\"Af Bij\",\"Bedrag (EUR)\",\"Mutatiesoort\",\"Mededelingen\"\n\"20240105\",\"Albert Heijn\",\"NL20INGB0001234567\",\"\",\"BA\",\"Af\",\"12,34\",\"Betaalautomaat\",\"Pasvolgnr: 001\"\n\"20240104\",\"J. Jansen\",\"NL20INGB0001234567\",\"NL91ABNA0417164300\",\"OV\",\"Bij\",\"1.000,00\",\"Overschrijving\",\"Huur\"\n";
    assert_eq!(short(dutch).iter().map(|r| r.1).collect::<Vec<_>>(), [-1234, 100_000]);
    let spanish = "Fecha;Concepto;Importe;Saldo\n05/03/2024;COMPRA MERCADONA;-1.045,67;2.000,00\n01/03/2024;NOMINA;3.000,00;3.045,67\n";
    assert_eq!(short(spanish)[0], row("2024-03-05", -104_567, "EUR", "COMPRA MERCADONA"));
    let revolut = "Type,Product,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance\nCARD_PAYMENT,Current,2024-01-05 10:00:00,2024-01-06 11:00:00,Uber,-12.50,0.00,GBP,COMPLETED,87.50\nCARD_PAYMENT,Current,2024-01-07 10:00:00,,Hotel,-50.00,0.00,GBP,REVERTED,\nTRANSFER,Current,2024-01-08 10:00:00,2024-01-08 10:00:00,To X,-10.00,0.50,GBP,PENDING,77.00\n";
    let statement = super::super::parse(revolut.as_bytes(), &Options::default()).unwrap();
    assert_eq!(statement.accounts[0].entries.len(), 2);
    let codes: Vec<&str> = statement.warnings.iter().map(|w| w.code.as_str()).collect();
    assert_eq!(codes, ["ROW_VOID", "FEE_NOT_INCLUDED"]);
}

#[test]
fn unsure_is_asked_and_a_mapping_answers() {
    let text = "Date,Description,Amount\n06/04/2024,Coffee,-3.50\n07/04/2024,Tea,-2.50\n";
    let error = read(text).unwrap_err();
    let StatementError::MappingNeeded(preview) = &error else { panic!("{error}") };
    assert_eq!(preview.unsure, ["dateOrder"]);
    assert_eq!((preview.dialect.delimiter, preview.dialect.header_line), (',', Some(1)));
    assert_eq!(preview.rows[0], ["06/04/2024", "Coffee", "-3.50"]);
    let sent = serde_json::to_value(&preview.mapping).unwrap();
    assert_eq!(sent["dateOrder"], "dmy");
    let options = Options { date_order: Some(DateOrder::Mdy), ..Options::default() };
    let told = parse(text.as_bytes(), &options).unwrap();
    assert_eq!(told.accounts[0].entries[0].booked.to_string(), "2024-06-04");
    let mut mapping: CsvMapping = serde_json::from_value(sent).unwrap();
    mapping.date_order = DateOrder::Mdy;
    let options = Options { csv_mapping: Some(mapping.clone()), ..Options::default() };
    assert_eq!(
        parse(text.as_bytes(), &options).unwrap().accounts[0].entries[0].booked.to_string(),
        "2024-06-04"
    );
    let refused = |mapping: CsvMapping| {
        let options = Options { csv_mapping: Some(mapping), ..Options::default() };
        parse(text.as_bytes(), &options).unwrap_err().french().to_owned()
    };
    let encoding = CsvMapping { encoding: Some("x".into()), ..mapping.clone() };
    assert!(
        refused(encoding).starts_with("mapping.encoding : « x » ne convient pas. Indiquez un enc")
    );
    assert!(refused(CsvMapping { delimiter: 'x', ..mapping.clone() }).contains("point-virgule"));
    mapping.columns[2] = ColumnRole::Ignore;
    let options = Options { csv_mapping: Some(mapping), ..Options::default() };
    assert_eq!(parse(text.as_bytes(), &options).unwrap_err().code(), "CSV_MAPPING_INVALID");
    let headless =
        "31/01/2024;CB CARREFOUR;-12,34\n30/01/2024;VIR;1 000,00\n29/01/2024;PRLV;-5,00\n";
    let StatementError::MappingNeeded(preview) = read(headless).unwrap_err() else { panic!() };
    assert_eq!(preview.mapping.columns, [ColumnRole::Date, ColumnRole::Label, ColumnRole::Amount]);
    assert_eq!((preview.mapping.decimal, preview.mapping.skip_rows), (Decimal::Comma, 0));
    let options = Options { csv_mapping: Some(preview.mapping), ..Options::default() };
    assert_eq!(parse(headless.as_bytes(), &options).unwrap().accounts[0].entries.len(), 3);
}

#[test]
fn damage_is_named_and_sums_are_left_out_aloud() {
    let file =
        |rows: &str| format!("Date opération;Libellé;Débit;Crédit\n31/01/2024;A;1,50;\n{rows}");
    for (rows, code, place) in [
        ("32/01/2024;B;2,00;\n", "DATE_UNREADABLE", "Ligne 3, colonne 1 « Date opération »"),
        (";B;2,00;\n", "DATE_MISSING", "Ligne 3, colonne 1"),
        ("hier;B;2,00;\n", "DATE_UNREADABLE", "Ligne 3, colonne 1"),
        ("30/01/2024;B;2..00;\n", "AMOUNT_UNREADABLE", "Ligne 3, colonne 3 « Débit »"),
        ("30/01/2024;B;;\n", "AMOUNT_MISSING", "Ligne 3, colonne 3"),
        ("30/01/2024;B\n", "AMOUNT_MISSING", "Ligne 3"),
        ("30/01/2024;B;2,00;3,00\n", "AMOUNT_UNREADABLE", "Ligne 3, colonne 4"),
        ("30/01/2024;B;2,00;;;x\n", "CSV_ROW_WIDTH", "Ligne 3"),
        ("30/01/2024;B;2,001;\n", "AMOUNT_UNREADABLE", "Ligne 3"),
        ("30/01/2024;\"B;2,00;\n29/01/2024;C;3,00;\n", "CSV_QUOTE_UNCLOSED", "Ligne 3"),
        ("30/01/2024;\"B;2,00;\n29/01/2024;C\";3,00;\n", "CSV_QUOTE_UNCLOSED", "Ligne 3"),
        ("30/01/2024;B;-2,00;\n", "AMOUNT_UNREADABLE", "Ligne 3"),
    ] {
        let error = read(&file(rows)).unwrap_err();
        assert_eq!(error.code(), code, "{rows}: {error}");
        assert!(error.french().contains(place), "{}", error.french());
    }
    let sums = file(
        "\n;;;\nTotal;;1,50;\n;Solde en fin de période;;10,00\n30/01/2024;Ancien solde au 30/01;;12,00\nDate opération;Libellé;Débit;Crédit\nDocument sans valeur contractuelle\n30/01/2024;TOTAL ENERGIES PARIS;60,00;\n",
    );
    let statement = read(&sums).unwrap();
    assert_eq!(
        statement.accounts[0].entries.iter().map(|e| e.amount.minor.0).collect::<Vec<_>>(),
        [-150, -6000]
    );
    assert_eq!(statement.warnings.iter().filter(|w| w.code == "ROW_SKIPPED").count(), 5);
}

#[test]
fn a_payment_at_a_shop_that_is_called_like_a_sum_is_kept() {
    let file = "Date opération;Libellé;Montant;Devise\n31/01/2024;TOTAL ACCESS;-60,00;EUR\n30/01/2024;Total;-40,00;EUR\n29/01/2024;TOTAL 4123;-35,00;EUR\n28/01/2024;Total Wine;-12,00;EUR\n27/01/2024;SUMA;-3,00;EUR\n";
    let found: Vec<i64> = entries(file).iter().map(|e| e.amount.minor.0).collect();
    assert_eq!(found, [-6000, -4000, -3500, -1200, -300]);
    let summed = format!("{file}31/01/2024;Total;-150,00;EUR\n31/01/2024;Total débit;-1,00;EUR\n");
    assert_eq!(entries(&summed).len(), 5);
    assert_eq!(read(&summed).unwrap().warnings.len(), 2);
    let split = "Date opération;Libellé;Débit;Crédit\n31/01/2024;Total;60,00;\n31/01/2024;A;;10,00\n31/01/2024;Total;61,00;11,00\n31/01/2024;Total;60,00;0,00\n31/01/2024;Total;120,00;\n";
    let found: Vec<i64> = entries(split).iter().map(|e| e.amount.minor.0).collect();
    assert_eq!(found, [-6000, 1000, -6000], "both, then what two debits come to");
}

#[test]
fn a_column_of_ids_is_one_whatever_else_the_file_holds() {
    let file = |rows: &str| format!("Date;Libellé;Montant;Devise;Transaction ID\n{rows}");
    let january = "31/01/2024;A;-1,00;EUR;1\n30/01/2024;B;-2,00;EUR;2\n";
    for other in ["", "15/02/2024;C;-3,00;EUR;\n", "15/02/2024;C;-3,00;EUR;1\n"] {
        let entries = entries(&file(&format!("{january}{other}")));
        let ids: Vec<_> = entries.iter().take(2).map(|e| e.bank_id.as_deref()).collect();
        assert_eq!(ids, [Some("1"), Some("2")], "{other}");
    }
}

#[test]
fn formulas_stay_text() {
    let text = "Date;Libellé;Montant\n01/02/2024;=HYPERLINK(\"http://x/\",\"a\");-12,30\n02/02/2024;@SUM(1+1);-1,00\n";
    let statement = read(text).unwrap();
    assert_eq!(statement.accounts[0].entries[0].label, "=HYPERLINK(\"http://x/\",\"a\")");
    assert!(statement.warnings.iter().any(|w| w.code == DATE_ORDER_ASSUMED));
}

#[test]
fn what_is_no_table() {
    for text in [
        "<svg xmlns=\"a;b\"/>",
        "<!DOCTYPE html><p>Date;Montant",
        "{\"date\":1,\"amount\":2}",
        "Bonjour, voici mon texte.\nDeux, lignes.",
        "",
        "\0\0\0",
    ] {
        assert_eq!(sniff(text.as_bytes(), None), None, "{text}");
    }
    assert_eq!(sniff(b"%PDF-1.4\nDate;Montant\n01/02/2024;1,00", Some("a.csv")), None);
    assert_eq!(sniff(b"a;b\nc;d", Some("x.CSV")), Some(Format::Csv));
}

#[test]
fn a_table_of_dos_is_read_and_a_mapping_may_name_the_code_page() {
    let dos = b"Date;Libell\x82;D\x82bit;Cr\x82dit\n05/03/2024;Pr\x82l\x8avement \x90LECTRICIT\x90;12,50;\n13/03/2024;Ch\x8aque;;30,00\n";
    let read = |options: &Options| {
        let statement = parse(dos, options).unwrap();
        statement.accounts[0].entries.iter().map(|e| e.label.clone()).collect::<Vec<_>>()
    };
    assert_eq!(read(&Options::default()), ["Prélèvement ÉLECTRICITÉ", "Chèque"]);
    let named = |encoding: &str| Options {
        csv_mapping: Some(CsvMapping {
            delimiter: ';',
            encoding: Some(encoding.into()),
            skip_rows: 1,
            decimal: Decimal::Comma,
            date_order: DateOrder::Dmy,
            columns: vec![
                ColumnRole::Date,
                ColumnRole::Label,
                ColumnRole::Debit,
                ColumnRole::Credit,
            ],
            currency: None,
        }),
        ..Options::default()
    };
    for encoding in ["CP850", "ibm437"] {
        assert_eq!(read(&named(encoding))[0], "Prélèvement ÉLECTRICITÉ", "{encoding}");
    }
    assert_eq!(parse(dos, &named("CP999")).unwrap_err().code(), "CSV_MAPPING_INVALID");
}

#[test]
fn a_running_balance_that_contradicts_the_amounts_is_said() {
    let said = |rows: &str| {
        let file = format!("Date;Libellé;Montant;Devise;Solde\n{rows}");
        let statement = read(&file).unwrap_or_else(|e| panic!("{e}\n{file}"));
        let found = statement.warnings.into_iter().filter(|w| w.code == "RUNNING_BALANCE_MISMATCH");
        found.map(|w| (w.message, w.message_en.unwrap())).next()
    };
    let upwards = "13/03/2024;A;-10,00;EUR;90,00\n14/03/2024;B;-20,00;EUR;70,00\n15/03/2024;C;5,00;EUR;75,00\n";
    assert_eq!(said(upwards), None);
    let (fr, en) = said(&upwards.replace("-20,00", "-25,00")).unwrap();
    assert!(fr.starts_with("Ligne 3 : le solde 70.00 EUR") && fr.contains("65.00 EUR"), "{fr}");
    assert!(en.starts_with("Line 3: the balance 70.00 EUR"), "{en}");
    let downwards = "15/03/2024;C;5,00;EUR;75,00\n14/03/2024;B;-20,00;EUR;70,00\n13/03/2024;A;-10,00;EUR;90,00\n";
    assert_eq!(said(downwards), None);
    // The amount that does not fit is that of the row whose balance is newer.
    assert!(
        said(&downwards.replace("5,00;EUR;75", "6,00;EUR;75")).unwrap().0.starts_with("Ligne 2")
    );
    // That of the day's end beside each of its rows, or that of today beside all.
    for quiet in [
        "13/03/2024;A;-10,00;EUR;90,00\n14/03/2024;B;-20,00;EUR;65,00\n14/03/2024;C;-5,00;EUR;65,00\n",
        "13/03/2024;A;-10,00;EUR;90,00\n14/03/2024;B;-20,00;EUR;90,00\n15/03/2024;C;-5,00;EUR;90,00\n",
        "13/03/2024;A;-10,00;EUR;90,00\n14/03/2024;B;-20,00;EUR;\n15/03/2024;C;-5,00;EUR;1,00\n",
    ] {
        assert_eq!(said(quiet), None, "{quiet}");
    }
}
