//! Which column is what.

use super::{row, short, *};

/// What was not certain.
fn unsure(text: &str) -> Vec<String> {
    match read(text) {
        Err(StatementError::MappingNeeded(preview)) => preview.unsure,
        other => panic!("{other:?}\n{text}"),
    }
}

#[test]
fn the_side_of_an_unsigned_amount_stands_in_a_column_of_any_name() {
    for (header, debit, credit) in [
        ("Mouvement", "Débit", "Crédit"),
        ("Nature", "D", "C"),
        ("+/-", "-", "+"),
        ("Soll/Haben-Kennzeichen", "S", "H"),
        ("Type de mouvement", "débit", "crédit"),
        ("Cargo/Abono", "Cargo", "Abono"),
        ("Db/Cr", "Db", "Cr"),
        ("", "S", "H"),
    ] {
        let text = format!(
            "Date;Libellé;Montant;{header}\n31/01/2024;LOYER;850,00;{debit}\n30/01/2024;SALAIRE;2000,00;{credit}\n"
        );
        let minors: Vec<i64> = short(&text).into_iter().map(|r| r.1).collect();
        assert_eq!(minors, [-85_000, 200_000], "{header}");
        let only = format!("Date;Libellé;Montant;{header}\n31/01/2024;LOYER;850,00;{debit}\n");
        assert_eq!(short(&only), [row("2024-01-31", -85_000, "EUR", "LOYER")], "{header}");
    }
    let two = "Date;Libellé;Montant;Nature;Mouvement\n31/01/2024;LOYER;850,00;D;Débit\n";
    assert_eq!(unsure(two), ["columns"]);
    let unknown = "Date;Libellé;Montant;Sens\n31/01/2024;LOYER;850,00;Zahlung\n";
    assert_eq!(unsure(unknown), ["columns"]);
    let signed = "Date;Libellé;Montant;Pays\n31/01/2024;LOYER;-850,00;S\n30/01/2024;X;5,00;S\n";
    assert_eq!(short(signed).iter().map(|r| r.1).collect::<Vec<_>>(), [-85_000, 500]);
}

#[test]
fn a_letter_behind_the_amount_is_its_sign() {
    let text = "Date;Libellé;Betrag;Saldo\n31/01/2024;MIETE;850,00 S;100,00 H\n30/01/2024;LOHN;2000,00 H;950,00 H\n";
    assert_eq!(short(text).iter().map(|r| r.1).collect::<Vec<_>>(), [-85_000, 200_000]);
    let error = read("Date;Libellé;Montant\n31/01/2024;X;-850,00 C\n").unwrap_err();
    assert_eq!(error.code(), "AMOUNT_UNREADABLE");
}

#[test]
fn a_year_of_two_digits_may_come_first() {
    let text = "Date;Libellé;Montant\n24/01/31;A;-1,00\n24/01/30;B;-2,00\n24/02/28;C;-3,00\n";
    assert_eq!(unsure(text), ["dateOrder"]);
    let options = Options { date_order: Some(DateOrder::Ymd), ..Options::default() };
    let told = parse(text.as_bytes(), &options).unwrap();
    assert_eq!(told.accounts[0].entries[0].booked.to_string(), "2024-01-31");
}

#[test]
fn an_iban_is_the_other_partys_where_its_name_stands_beside_it() {
    let rows = |other: &str| {
        format!(
            "31/01/2024;LOYER;HAUS;DE89370400440532013000;-850,00\n30/01/2024;X;Y;{other};-1,00\n"
        )
    };
    for other in ["DE89370400440532013000", "DE02120300000000202051", ""] {
        let file = format!("Date;Libellé;Bénéficiaire;IBAN;Montant\n{}", rows(other));
        let account = &read(&file).unwrap().accounts[0];
        assert_eq!(account.account, None, "{other}");
        let found = account.entries[0].counterparty_account.as_deref();
        assert_eq!(found, Some("DE89370400440532013000"));
    }
    let own = "Date;Libellé;IBAN;Compte contrepartie;Montant\n31/01/2024;LOYER;DE89370400440532013000;DE02120300000000202051;-850,00\n";
    let account = &read(own).unwrap().accounts[0];
    assert_eq!(account.account.as_deref(), Some("DE89370400440532013000"));
    let alone = "Date;Libellé;IBAN;Montant\n31/01/2024;LOYER;DE89370400440532013000;-850,00\n30/01/2024;X;DE02120300000000202051;-1,00\n";
    assert_eq!(read(alone).unwrap().accounts.len(), 2, "several accounts in one export");
}

#[test]
fn the_account_before_the_header_is_read_with_a_mapping_too() {
    let text = "Numéro Compte;1234567X020\n\nDate;Libellé;Montant\n06/14/2024;A;-1,00\n";
    let guessed = read(text).unwrap();
    let mapping = serde_json::from_value(serde_json::json!({
        "delimiter": ";", "skipRows": 2, "decimal": "comma", "dateOrder": "mdy",
        "columns": ["date", "label", "amount"],
    }));
    let options = Options { csv_mapping: Some(mapping.unwrap()), ..Options::default() };
    let mapped = parse(text.as_bytes(), &options).unwrap();
    assert_eq!(mapped.accounts[0].account.as_deref(), Some("1234567X020"));
    assert_eq!(mapped.accounts, guessed.accounts);
}

#[test]
fn a_table_does_not_come_in_without_its_text() {
    for header in [
        "libellé_complet_operation",
        "Libellés",
        "Détails du mouvement",
        "Description1",
        "Vorgang/Verwendungszweck",
        "Beschreibung",
        "Partner Name",
    ] {
        let text = format!("Date;{header};Montant\n31/01/2024;CB CARREFOUR 12/01;-12,30\n");
        assert_eq!(short(&text), [row("2024-01-31", -1230, "EUR", "CB CARREFOUR 12/01")]);
    }
    for header in ["Libell\u{201a}", "Inhalt", "Type"] {
        let text = format!("Date;{header};Montant\n31/01/2024;CB CARREFOUR;-12,30\n");
        assert_eq!(unsure(&text), ["columns"], "{header}");
    }
    let bare = "Date;Montant;Code;Inhalt\n31/01/2024;-12,30;CARTE;123\n";
    assert_eq!(short(bare), [row("2024-01-31", -1230, "EUR", "")]);
}
