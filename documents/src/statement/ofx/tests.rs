use super::raw::day;
use super::*;

fn read(text: &str) -> Result<Statement, StatementError> {
    super::super::parse(text.as_bytes(), &Options::default())
}

fn file(transactions: &str) -> String {
    format!(
        "OFXHEADER:100\nDATA:OFXSGML\nCHARSET:1252\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR\n<BANKACCTFROM><BANKID>30004<ACCTID>00012345678<ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST>\n{transactions}\n</BANKTRANLIST><LEDGERBAL><BALAMT>1 234,56<DTASOF>20240305</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )
}

#[test]
fn a_french_bank() {
    let text = file(
        "<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20240304<TRNAMT>-12,50<FITID>A1<NAME>CAFÉ & THÉ<MEMO>CARTE 03/03 R&amp;D</STMTTRN>\n<STMTTRN><TRNTYPE>CHECK<DTPOSTED>20240305120000[1:CET]<DTAVAIL>20240306<TRNAMT>-1000<FITID>A2<CHECKNUM>77</STMTTRN>",
    );
    let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(&text);
    let statement = super::super::parse(&latin, &Options::default()).unwrap();
    let account = &statement.accounts[0];
    assert_eq!(account.account.as_deref(), Some("00012345678"));
    assert_eq!(account.closing.as_ref().unwrap().amount.minor.0, 123_456);
    let [coffee, cheque] = account.entries.as_slice() else { panic!("{account:?}") };
    assert_eq!(
        (coffee.label.as_str(), coffee.amount.minor.0),
        ("CAFÉ & THÉ CARTE 03/03 R&D", -1250)
    );
    assert_eq!((cheque.reference.as_deref(), cheque.amount.minor.0), (Some("77"), -100_000));
    assert_eq!(cheque.value_date.unwrap().to_string(), "2024-03-06");
    assert_eq!(statement.warnings, []);
}

#[test]
fn a_letter_behind_the_amount_is_its_sign() {
    let text = file("<STMTTRN><DTPOSTED>20240304<TRNAMT>12.50 D<FITID>A</STMTTRN>");
    assert_eq!(read(&text).unwrap().accounts[0].entries[0].amount.minor.0, -1250);
}

#[test]
fn a_thousand_or_one_is_not_guessed() {
    let with = |amounts: &[&str]| {
        let row = |a: &&str| format!("<STMTTRN><DTPOSTED>20240304<TRNAMT>{a}<FITID>{a}</STMTTRN>");
        let rows: Vec<String> = amounts.iter().map(row).collect();
        read(&file(&rows.concat())).map(|s| s.accounts[0].entries[0].amount.minor.0)
    };
    for amount in ["-1,500", "1.500"] {
        assert_eq!(with(&[amount, "20"]).unwrap_err().code(), "AMOUNT_UNREADABLE", "{amount}");
    }
    assert_eq!(with(&["-1,500", "7.50"]), Ok(-150_000));
    assert_eq!(with(&["-1.500", "7.50"]), Ok(-150));
    assert_eq!(with(&["-0.500"]), Ok(-50));
    assert_eq!(with(&["-1.50"]), Ok(-150));
}

#[test]
fn corrections_are_applied_within_the_file() {
    let one = |id: &str, amount: &str, more: &str| {
        format!("<STMTTRN><DTPOSTED>20240304<TRNAMT>{amount}<FITID>{id}{more}</STMTTRN>")
    };
    let correct = |of: &str, action: &str| format!("<CORRECTFITID>{of}<CORRECTACTION>{action}");
    let outcome = |rows: &[String]| {
        let statement = read(&file(&rows.concat())).unwrap();
        let minors: Vec<i64> =
            statement.accounts[0].entries.iter().map(|e| e.amount.minor.0).collect();
        (minors, statement.warnings.into_iter().map(|w| w.code).collect::<Vec<_>>())
    };
    let (first, second) = (one("A", "-12.50", ""), one("B", "-1.00", ""));
    let applied = || vec!["CORRECTION_APPLIED".to_owned()];
    let unmatched = || vec!["CORRECTION_UNMATCHED".to_owned()];
    let replaced = one("C", "-13.50", &correct("A", "REPLACE"));
    assert_eq!(outcome(&[first.clone(), second.clone(), replaced]), (vec![-100, -1350], applied()));
    let same_id = one("A", "-13.50", &correct("A", "REPLACE"));
    assert_eq!(outcome(&[first.clone(), same_id]), (vec![-1350], applied()));
    let deleted = one("C", "-12.50", &correct("A", "DELETE"));
    assert_eq!(outcome(&[first.clone(), second.clone(), deleted]), (vec![-100], applied()));
    let elsewhere = one("C", "-13.50", &correct("X", "REPLACE"));
    assert_eq!(outcome(&[first.clone(), elsewhere]), (vec![-1250, -1350], unmatched()));
    let elsewhere = one("C", "-13.50", &correct("X", "DELETE"));
    assert_eq!(outcome(&[first, elsewhere]), (vec![-1250], unmatched()));
}

#[test]
fn a_pending_transaction_has_a_day_of_its_own() {
    let pending = "<STMTTRNP><TRNTYPE>DEBIT<DTTRAN>20240304<TRNAMT>-12.50<NAME>X</STMTTRNP>";
    let text = file("").replace(
        "</BANKTRANLIST>",
        &format!("</BANKTRANLIST><BANKTRANLISTP>{pending}</BANKTRANLISTP>"),
    );
    let entry = &read(&text).unwrap().accounts[0].entries[0];
    assert_eq!((entry.booked.to_string().as_str(), entry.pending), ("2024-03-04", true));
}

#[test]
fn damage_is_named() {
    let good = "<STMTTRN><DTPOSTED>20240304<TRNAMT>-12.50<FITID>A</STMTTRN>";
    for (text, code) in [
        (file(&good.replace("-12.50", "12..34")), "AMOUNT_UNREADABLE"),
        (file(&good.replace("<TRNAMT>-12.50", "")), "AMOUNT_MISSING"),
        (file(&good.replace("20240304", "20240231")), "DATE_UNREADABLE"),
        (file(&good.replace("<DTPOSTED>20240304", "")), "DATE_MISSING"),
        (file(&good.replace("</STMTTRN>", "")), "XML_MALFORMED"),
        (file(&format!("{good}<INVTRAN>")), "INVESTMENTS_UNSUPPORTED"),
        (file(&good.replace("<FITID>", "<TRNAMT>-1<FITID>")), "ELEMENT_TWICE"),
        (file(good).replace("<CURDEF>EUR", "<CURDEF>E2"), "CURRENCY_UNREADABLE"),
        (
            file(good)
                .replace("<OFX>", "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><OFX>"),
            "XML_DTD",
        ),
        (file(good).replace("</STMTRS>", ""), "XML_MALFORMED"),
        (file(good).replace("</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>", ""), "FILE_TRUNCATED"),
        (file(good)[..300].to_owned(), "FILE_TRUNCATED"),
    ] {
        let error = read(&text).unwrap_err();
        assert_eq!(error.code(), code, "{text}");
        assert!(error.french().contains("igne ") && error.english().contains("ine "), "{error}");
    }
    assert!(read(&file(good)).is_ok());
}

#[test]
fn an_id_given_twice_stays_and_is_remarked() {
    let one = "<STMTTRN><DTPOSTED>20240304<TRNAMT>-12.50<FITID>A<NAME>X</STMTTRN>";
    let two = "<STMTTRN><DTPOSTED>20240304<TRNAMT>-13.50<FITID>A<NAME>Y</STMTTRN>";
    let statement = read(&file(&format!("{one}{two}"))).unwrap();
    assert!(statement.accounts[0].entries.iter().all(|e| e.bank_id.as_deref() == Some("A")));
    assert!(statement.warnings.iter().any(|w| w.code == "BANK_ID_REPEATED"));
    let same = read(&file(&format!("{one}{one}"))).unwrap();
    assert!(same.accounts[0].entries.iter().all(|e| e.bank_id.as_deref() == Some("A")));
    assert_eq!(same.warnings, []);
}

#[test]
fn the_day_is_the_banks_own() {
    let place = Place::line(1);
    for text in ["20240304", "20240304235959.000[-5:EST]", "20240304120000[0:GMT]"] {
        assert_eq!(day(text, &place, "x").unwrap().to_string(), "2024-03-04", "{text}");
    }
    for text in ["2024", "2024-03-04", "20241304", "20240304x", "é0240304"] {
        assert!(day(text, &place, "x").is_err(), "{text}");
    }
}

#[test]
fn a_name_with_angle_brackets_is_whole() {
    let one = |leaves: &str| {
        let text = file(&format!(
            "<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20240304<TRNAMT>-1.50<FITID>1{leaves}</STMTTRN>"
        ));
        let entry = read(&text).unwrap().accounts.remove(0).entries.remove(0);
        (entry.counterparty.unwrap_or_default(), entry.label)
    };
    for (leaves, name, label) in [
        ("<NAME>A <B> SARL\n<MEMO>x\n", "A <B> SARL", "A <B> SARL x"),
        ("<NAME>A <B> SARL<MEMO>x <y>", "A <B> SARL", "A <B> SARL x <y>"),
        ("<NAME>A <B> SARL</NAME><MEMO>x</B></MEMO>", "A <B> SARL", "A <B> SARL x</B>"),
        ("<NAME><B> SARL\n", "<B> SARL", "<B> SARL"),
        // An element of the bank's own is none of the name.
        ("<NAME>A\n<OWN>y\n<MEMO>x", "A", "A x"),
        ("<NAME>A<INTU.BID>5<MEMO>x", "A", "A x"),
        ("<NAME>A < B<MEMO>x", "A < B", "A < B x"),
    ] {
        assert_eq!(one(leaves), (name.into(), label.into()), "{leaves}");
    }
}
