use super::*;

fn read(text: &str) -> Result<Statement, StatementError> {
    super::super::parse(text.as_bytes(), &Options::default())
}

const FILE: &str = "{1:F01CEPAFRPP}{2:O940}{4:\r\n:20:RELEVE1\r\n:25:30003/00020123456\r\n:28C:1/1\r\n:60F:C231230EUR100,00\r\n:61:2312310102D42,50NTRFREF1//B1\r\n:86:PRLV EDF FACTURE\r\n:61:240102RD10,00NMSCNONREF//B2\r\n:86:?\r\n:61:240103ED5,NMSCNONREF\r\n:62F:C240103EUR67,50\r\n-}\r\n";

#[test]
fn a_statement() {
    let statement = read(FILE).unwrap();
    assert_eq!((statement.format.as_str(), statement.warnings.len()), ("mt940", 0));
    let account = &statement.accounts[0];
    assert_eq!(
        (account.bank.as_deref(), account.account.as_deref()),
        (Some("30003"), Some("00020123456"))
    );
    let [bill, reversal, expected] = account.entries.as_slice() else { panic!("{account:?}") };
    assert_eq!((bill.booked.to_string().as_str(), bill.amount.minor.0), ("2024-01-02", -4250));
    assert_eq!(bill.value_date.unwrap().to_string(), "2023-12-31");
    assert_eq!((bill.bank_id.as_deref(), bill.reference.as_deref()), (Some("B1"), Some("REF1")));
    assert_eq!(bill.label, "PRLV EDF FACTURE");
    assert_eq!((reversal.amount.minor.0, reversal.reference.as_deref()), (1000, None));
    assert!(expected.pending);
    assert_eq!(expected.place, 10);
}

#[test]
fn damage_is_named() {
    for (from, to, code, place) in [
        ("D42,50", "D4,2,50", "AMOUNT_UNREADABLE", "Ligne 6"),
        ("D42,50", "D42,505", "AMOUNT_UNREADABLE", "Ligne 6"),
        ("D42,50", "D1.500", "AMOUNT_UNREADABLE", "Ligne 6"),
        ("EUR100,00", "EUR1.000", "AMOUNT_UNREADABLE", "Ligne 5"),
        ("D42,50", "D", "AMOUNT_MISSING", "Ligne 6"),
        ("2312310102D", "231331D", "DATE_UNREADABLE", "Ligne 6"),
        ("2312310102D", "2312311302D", "DATE_UNREADABLE", "Ligne 6"),
        ("0102D42", "0102X42", "DIRECTION_UNKNOWN", "Ligne 6"),
        ("C231230EUR100,00", "C231230EUR1x0,00", "AMOUNT_UNREADABLE", "Ligne 5"),
        ("C231230EUR", "231230EUR", "DIRECTION_UNKNOWN", "Ligne 5"),
        ("C231230EUR", "C2312EUR", "DATE_UNREADABLE", "Ligne 5"),
        ("C231230EUR", "C231230E1R", "CURRENCY_UNREADABLE", "Ligne 5"),
        (":28C:1/1", ":25:2", "TAG_TWICE", "Ligne 4"),
    ] {
        let text = FILE.replace(from, to);
        assert_ne!(text, FILE);
        let error = read(&text).unwrap_err();
        assert_eq!(error.code(), code, "{to}: {error}");
        assert!(error.french().contains(place), "{}", error.french());
    }
    let cut = read(&FILE[..FILE.find(":62F:").unwrap()]).unwrap();
    assert!(cut.warnings.iter().any(|w| w.code == "CLOSING_MISSING"));
    let missing = read(&FILE.replace(":61:240102RD10,00NMSCNONREF//B2\r\n", "")).unwrap();
    assert!(missing.warnings.iter().any(|w| w.code == "BALANCE_MISMATCH"));
}

#[test]
fn a_movement_without_its_tag_is_not_lost() {
    for tag in ["61:", ":6l:", " 61:", ": 1:", ":61;", ":21:", ":614", "", "%61:"] {
        let text = FILE.replace(":61:2312310102D", &format!("{tag}2312310102D"));
        let error = read(&text).unwrap_err();
        assert_eq!(error.code(), "TAG_DAMAGED", "{tag}: {error}");
        assert!(error.french().contains("Ligne 6"), "{}", error.french());
    }
    let wrapped = FILE.replace("PRLV EDF FACTURE", "PRLV EDF\r\n240102 FACTURE 12,50\r\n:12:34");
    assert_eq!(read(&wrapped).unwrap().accounts[0].entries.len(), 3);
}

#[test]
fn a_line_of_a_dash_within_a_text_does_not_end_it() {
    let text = FILE.replace("PRLV EDF FACTURE\r\n", "PRLV EDF\r\n-\r\nFACTURE 12\r\n");
    let statement = read(&text).unwrap();
    assert_eq!(statement.accounts[0].entries[0].label, "PRLV EDF - FACTURE 12");
    assert_eq!(statement.accounts[0].entries.len(), 3);
    // Behind the last field of a message it does.
    let two = ":20:A\n:25:1/2\n:60F:C240101EUR1,00\n:61:240102D1,00NMSCNONREF\n:86:UN\n:62F:C240102EUR0,00\n-\nbanque\n";
    let statement = read(&two.repeat(2)).unwrap();
    assert_eq!(statement.accounts.len(), 2);
    assert!(statement.accounts.iter().all(|a| a.entries[0].label == "UN"));
}
