//! What the lines before the header say.

use super::super::{table::Record, words};
use crate::statement::unit::unit_currency;
use quittance_domain::money::Currency;

/// Account and currency out of the lines before the header.
pub(in super::super) fn preamble(records: &[Record]) -> (Option<String>, Option<Currency>) {
    let (mut account, mut currency) = (None, None);
    for record in records {
        let key = words::fold(record.cell(0));
        let value = record.cell(1);
        let named = [
            "numero compte",
            "numero de compte",
            "compte",
            "iban",
            "konto",
            "kontonummer",
            "rekening",
            "cuenta",
            "account",
            "account number",
        ];
        if named.contains(&key.as_str()) && value.bytes().filter(u8::is_ascii_digit).count() >= 5 {
            account = account.or(Some(value.to_owned()));
        }
        if ["compte tenu en", "devise", "currency", "wahrung", "munt", "divisa"]
            .contains(&key.as_str())
        {
            currency = currency.or_else(|| unit_currency(value));
        }
    }
    (account, currency)
}
