//! The expected values of each family, in the words that both sides can say.

use quittance_domain::statement::Statement;
use serde_json::Value;

/// One transaction as both sides can say it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) date: String,
    /// Decimal, without zeros at its end.
    pub(crate) amount: String,
    pub(crate) currency: Option<String>,
    pub(crate) id: Option<String>,
}

pub(crate) fn decimal(text: &str) -> String {
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    if matches!(text, "-0" | "") { "0".into() } else { text.to_owned() }
}

pub(crate) fn ours(
    statement: &Statement,
    with_currency: bool,
    with_id: bool,
    by_value: bool,
) -> Vec<Said> {
    statement
        .accounts
        .iter()
        .flat_map(|a| &a.entries)
        .map(|e| Said {
            date: if by_value { e.value_date.unwrap_or(e.booked) } else { e.booked }.to_string(),
            amount: decimal(&e.amount.minor.to_decimal(e.amount.currency.exponent())),
            currency: with_currency.then(|| e.amount.currency.to_string()),
            id: if with_id { e.bank_id.clone() } else { None },
        })
        .collect()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// ofxparse: accounts with date, amount and id; payee and balance are compared apart.
pub(crate) fn of_ofx(expected: &Value) -> Vec<Said> {
    let accounts = expected["accounts"].as_array().cloned().unwrap_or_default();
    let rows = |account: &Value| {
        let currency = text(&account["currency"]);
        let transactions = account["transactions"].as_array().cloned().unwrap_or_default();
        transactions.into_iter().map(move |t| Said {
            date: text(&t["date"]),
            amount: decimal(&text(&t["amount"])),
            currency: Some(currency.clone()),
            id: Some(text(&t["id"])),
        })
    };
    accounts.iter().flat_map(rows).collect()
}

pub(crate) fn of_qif(expected: &Value) -> Vec<Said> {
    let rows = expected["transactions"].as_array().cloned().unwrap_or_default();
    rows.iter()
        .map(|t| Said {
            date: text(&t["date"]),
            amount: decimal(&text(&t["amount"])),
            currency: None,
            id: None,
        })
        .collect()
}

/// genkgo/camt: minor units as text, times in UTC.
pub(crate) fn of_camt(expected: &Value) -> Vec<Said> {
    let entries = expected["getEntries"].as_array().cloned().unwrap_or_default();
    let exponent =
        |code: &str| code.parse::<quittance_domain::money::Currency>().map_or(2, |c| c.exponent());
    entries
        .iter()
        .map(|e| {
            let code = text(&e["getAmount"]["getCurrency"]["getCode"]);
            let minor = text(&e["getAmount"]["getAmount"]).parse().unwrap();
            Said {
                date: text(&e["getBookingDate"]["0"]).chars().take(10).collect(),
                amount: decimal(&quittance_domain::money::Minor(minor).to_decimal(exponent(&code))),
                currency: Some(code),
                id: e["getAccountServicerReference"].as_str().map(str::to_owned),
            }
        })
        .collect()
}

/// The dump of WoLpH/mt940: the value date, packed as Python packs it.
pub(crate) fn of_mt940(yaml: &str) -> Vec<Said> {
    let (_, transactions) = yaml.split_once("\ntransactions:").unwrap_or_default();
    let blocks = transactions.split("!!python/object:mt940.models.Transaction\n").skip(1);
    blocks
        .map(|block| {
            let after = |key: &str| block.split_once(key).map_or("", |(_, rest)| rest);
            let amount = after("Decimal ['").split('\'').next().unwrap_or_default();
            let packed = after("\n    date: !!python/object/apply:mt940.models.Date")
                .split("!!binary |\n")
                .nth(1)
                .unwrap_or_default();
            let bytes = base64(packed.trim_start().lines().next().unwrap_or_default());
            let year = u16::from(bytes[0]) * 256 + u16::from(bytes[1]);
            let given = |key: &str| {
                let value = after(key).lines().next().unwrap_or_default().trim().trim_matches('\'');
                (!matches!(value, "null" | "" | "NONREF")).then(|| value.to_owned())
            };
            Said {
                date: format!("{year}-{:02}-{:02}", bytes[2], bytes[3]),
                amount: decimal(amount),
                currency: given("\n    currency:"),
                id: given("\n    bank_reference:"),
            }
        })
        .collect()
}

pub(crate) fn base64(text: &str) -> Vec<u8> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for value in text.chars().filter_map(|c| LETTERS.find(c)) {
        bits = bits << 6 | u32::try_from(value).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}
