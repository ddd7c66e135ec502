//! Amounts, their currencies, and what is a sum.

use super::*;

/// The currency of one amount, with its warnings.
fn currency(amount: &str, options: &Options) -> Result<(String, Vec<String>), StatementError> {
    let text = format!("Date;Libellé;Montant\n31/01/2024;A;{amount}\n");
    let statement = parse(text.as_bytes(), options)?;
    let money = statement.accounts[0].entries[0].amount;
    Ok((money.to_string(), statement.warnings.into_iter().map(|w| w.message).collect()))
}

#[test]
fn a_written_currency_is_kept() {
    for (amount, read) in [
        ("$1,212.30 CAD", "1212.30 CAD"),
        ("-12,30 $CAD", "-12.30 CAD"),
        ("-12,30 $ CA", "-12.30 CAD"),
        ("CA$12.30", "12.30 CAD"),
        ("-C$12.30", "-12.30 CAD"),
        ("US$12.30", "12.30 USD"),
        ("12,30 euros", "12.30 EUR"),
    ] {
        assert_eq!(currency(amount, &Options::default()), Ok((read.into(), vec![])), "{amount}");
    }
    for (amount, read, sign) in [
        ("$12.30", "12.30 USD", "« $ »"),
        ("¥1200", "1200 JPY", "« ¥ »"),
        ("12.30 fr", "12.30 CHF", "« FR »"),
    ] {
        let (found, warnings) = currency(amount, &Options::default()).unwrap();
        assert_eq!(found, read);
        assert!(warnings[0].contains(sign), "{warnings:?}");
    }
    let own = Options { default_currency: "XPF".parse().ok(), ..Options::default() };
    assert_eq!(currency("1200 F", &own).unwrap().0, "1200 XPF");
    for amount in ["12,30 pts", "12,30 km", "12,30 F", "12,30 $ EUR"] {
        let error = currency(amount, &Options::default()).unwrap_err();
        assert_eq!(error.code(), "CURRENCY_UNREADABLE", "{amount}");
        assert!(error.french().contains("Ligne 2, colonne 3"), "{}", error.french());
    }
}

#[test]
fn an_amount_in_another_currency_than_its_column_says_is_refused() {
    let file = |amount: &str, code: &str| {
        let text = format!("Date;Libellé;Montant;Devise\n31/01/2024;A;{amount};{code}\n");
        read(&text).map(|s| s.accounts[0].entries[0].amount.to_string())
    };
    for (amount, code) in [("-12,30 €", "USD"), ("-12,30 $", "EUR")] {
        assert_eq!(file(amount, code).unwrap_err().code(), "CURRENCY_CONTRADICTORY", "{amount}");
    }
    assert_eq!(file("-12,30 $", "CAD"), Ok("-12.30 CAD".into()));
    assert_eq!(file("-12,30 €", "EUR"), Ok("-12.30 EUR".into()));
}

#[test]
fn a_payment_that_only_looks_like_a_sum_is_kept() {
    let minors = |text: &str| entries(text).iter().map(|e| e.amount.minor.0).collect::<Vec<_>>();
    let petrol = "Date;Libellé;Montant\n31/01/2024;TOTAL 4123 45,00 EUR;-45,00\n31/01/2024;TOTAL 12/01 EUR;-20,00\n";
    assert_eq!(minors(petrol), [-4500, -2000]);
    let refund =
        "Date;Libellé;Montant\n31/01/2024;A;60,00\n30/01/2024;B;-5,00\n29/01/2024;TOTAL;-60,00\n";
    assert_eq!(minors(refund), [6000, -500, -6000]);
    let accounts = "Date;Libellé;Montant;Devise;Compte\n31/01/2024;A;-10,00;EUR;12345\n30/01/2024;B;-5,00;USD;12345\n29/01/2024;C;-5,00;EUR;67890\n28/01/2024;TOTAL;-15,00;EUR;12345\n";
    assert_eq!(minors(accounts).len(), 4);
    let undated = "Date;Libellé;Débit;Crédit\n31/01/2024;A;1,00;\n;TOTAL ACCESS;60,00;\n";
    assert_eq!(read(undated).unwrap_err().code(), "DATE_MISSING");
}

#[test]
fn a_sum_may_stand_under_the_counterparty() {
    let text =
        "Date;Bénéficiaire;Montant\n31/01/2024;EDF;-10,00\n31/01/2024;Total général;-10,00\n";
    assert_eq!(entries(text).len(), 1);
}

#[test]
fn a_currency_that_is_none_refuses_the_file() {
    let file = |currency: &str| {
        format!(
            "Date;Libellé;Montant;Devise\n13/03/2024;A;-10,00;EUR\n14/03/2024;B;-2,00;{currency}\n"
        )
    };
    let refused = read(&file("ZZZ")).unwrap_err();
    assert_eq!(refused.code(), "CURRENCY_UNREADABLE");
    assert!(refused.french().starts_with("Ligne 3, colonne 4"), "{}", refused.french());
    assert!(refused.english().contains("not \"ZZZ\""), "{}", refused.english());
    assert!(read(&file("FRF")).is_ok(), "an old statement's");
}
