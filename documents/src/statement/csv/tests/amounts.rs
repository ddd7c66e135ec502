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
