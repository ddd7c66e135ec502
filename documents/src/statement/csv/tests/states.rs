//! Rows that are no booked movement.

use super::*;

/// Number of entries and how many of them are pending, and the codes of the warnings about rows.
fn outcome(text: &str) -> (usize, usize, Vec<String>) {
    let statement = read(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let entries: Vec<_> = statement.accounts.iter().flat_map(|a| &a.entries).collect();
    let codes = statement.warnings.into_iter().map(|w| w.code);
    let codes = codes.filter(|code| code.starts_with("ROW_")).collect();
    (entries.len(), entries.iter().filter(|e| e.pending).count(), codes)
}

#[test]
fn what_never_came_about_is_left_out_and_what_waits_is_pending() {
    let file = |state: &str| {
        format!(
            "Date;Libellé;Montant;Statut\n31/01/2024;A;-1,00;Comptabilisé\n30/01/2024;B;-2,00;{state}\n"
        )
    };
    for state in [
        "Rejeté",
        "Rejetée",
        "Storniert",
        "Abgelehnt",
        "Anulado",
        "Rechazado",
        "Retourné",
        "Geweigerd",
        "Refusé",
        "Annulé",
        "REVERTED",
    ] {
        assert_eq!(outcome(&file(state)), (1, 0, vec!["ROW_VOID".into()]), "{state}");
    }
    for state in ["Non comptabilisé", "Ausstehend", "En attente"] {
        assert_eq!(outcome(&file(state)), (2, 1, vec![]), "{state}");
    }
    assert_eq!(outcome(&file("Gebucht")), (2, 0, vec![]));
}

#[test]
fn what_is_not_booked_may_have_no_date() {
    let file = |row: &str| {
        format!(
            "Date;Date de valeur;Libellé;Montant;Statut\n31/01/2024;;A;-1,00;Comptabilisé\n{row}\n"
        )
    };
    for (row, expected) in [
        (";;B;-2,00;Rejeté", (1, 0, vec!["ROW_VOID".into()])),
        (";;B;-2,00;En attente", (1, 0, vec!["ROW_PENDING".into()])),
        (";30/01/2024;B;-2,00;En attente", (2, 1, vec![])),
    ] {
        assert_eq!(outcome(&file(row)), expected, "{row}");
    }
    for row in
        [";;B;-2,00;Comptabilisé", ";30/01/2024;B;-2,00;Comptabilisé", "hier;;B;-2,00;Rejeté"]
    {
        let code = read(&file(row)).unwrap_err().code();
        assert!(matches!(code, "DATE_MISSING" | "DATE_UNREADABLE"), "{row}: {code}");
    }
}
