//! OFX 2.1.1: one bank statement for each account and currency.

use chrono::{DateTime, NaiveDate, Utc};
use quittance_shared::{
    domain::money::{Minor, Money},
    store::{AccountSum, Movement},
};

/// Lengths that the format allows.
const NAME: usize = 32;
const MEMO: usize = 255;
const ACCOUNT: usize = 22;
const BANK: usize = 9;
const ID: usize = 255;

/// Up to the first statement.
pub(crate) fn head(now: DateTime<Utc>) -> String {
    let now = now.format("%Y%m%d%H%M%S");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n\
         <?OFX OFXHEADER=\"200\" VERSION=\"211\" SECURITY=\"NONE\" OLDFILEUID=\"NONE\" NEWFILEUID=\"NONE\"?>\n\
         <OFX>\n<SIGNONMSGSRSV1><SONRS><STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>\
         <DTSERVER>{now}</DTSERVER><LANGUAGE>FRA</LANGUAGE></SONRS></SIGNONMSGSRSV1>\n<BANKMSGSRSV1>\n"
    )
}

/// After the last statement.
pub(crate) const TAIL: &str = "</BANKMSGSRSV1>\n</OFX>\n";

/// Up to the first movement of an account.
pub(crate) fn open(number: usize, account: &AccountSum) -> String {
    let (bank, id) = account_id(account.account.as_deref());
    let (first, last) = (day(account.first), day(account.last));
    format!(
        "<STMTTRNRS><TRNUID>{number}</TRNUID><STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>\n\
         <STMTRS><CURDEF>{}</CURDEF><BANKACCTFROM><BANKID>{}</BANKID><ACCTID>{}</ACCTID>\
         <ACCTTYPE>CHECKING</ACCTTYPE></BANKACCTFROM>\n\
         <BANKTRANLIST><DTSTART>{first}</DTSTART><DTEND>{last}</DTEND>\n",
        account.sum.currency,
        escape(&bank),
        escape(&id),
    )
}

/// The movements of these.
pub(crate) fn movements(movements: &[Movement]) -> String {
    movements.iter().map(movement).collect()
}

/// After the last movement of an account. The format wants a balance; nobody here knows the bank's, so it is the sum
/// of the movements, and says so.
pub(crate) fn close(account: &AccountSum) -> String {
    format!(
        "</BANKTRANLIST><LEDGERBAL><BALAMT>{}</BALAMT><DTASOF>{}</DTASOF></LEDGERBAL>\
         <MKTGINFO>Le solde est la somme des opérations exportées.</MKTGINFO></STMTRS></STMTTRNRS>\n",
        decimal(account.sum),
        day(account.last),
    )
}

fn movement(movement: &Movement) -> String {
    let t = &movement.transaction;
    let kind = if t.amount.minor < Minor(0) { "DEBIT" } else { "CREDIT" };
    let id = t.bank_id.clone().unwrap_or_else(|| t.id.to_string());
    let named = Some(t.label.trim()).filter(|label| !label.is_empty());
    let (name, memo) = split(named.or(t.counterparty.as_deref()).unwrap_or_default());
    let memo =
        if memo.is_empty() { String::new() } else { format!("<MEMO>{}</MEMO>", escape(&memo)) };
    let value =
        t.value_date.map(|date| format!("<DTAVAIL>{}</DTAVAIL>", day(date))).unwrap_or_default();
    format!(
        "<STMTTRN><TRNTYPE>{kind}</TRNTYPE><DTPOSTED>{}</DTPOSTED>{value}<TRNAMT>{}</TRNAMT><FITID>{}</FITID>\
         <NAME>{}</NAME>{memo}</STMTTRN>\n",
        day(t.date),
        decimal(t.amount),
        escape(&cut(&id, ID)),
        escape(&name),
    )
}

/// The label as name and memo: joined by a blank they are the label again.
fn split(label: &str) -> (String, String) {
    let label = label.split_whitespace().collect::<Vec<_>>().join(" ");
    if label.chars().count() <= NAME {
        let name = if label.is_empty() { "-".into() } else { label };
        return (name, String::new());
    }
    let head = cut(&label, NAME + 1);
    let at = head.rfind(' ').unwrap_or(cut(&label, NAME).len());
    (label[..at].to_owned(), cut(label[at..].trim_start(), MEMO))
}

/// Bank and account in the lengths that the format allows: an IBAN that is too long is divided between them.
fn account_id(account: Option<&str>) -> (String, String) {
    let plain: String =
        account.unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect();
    let length = plain.chars().count();
    if plain.is_empty() {
        ("QUITTANCE".into(), "0".into())
    } else if length <= ACCOUNT {
        ("QUITTANCE".into(), plain)
    } else {
        let id: String = plain.chars().skip(BANK).collect();
        (cut(&plain, BANK), cut(&id, ACCOUNT))
    }
}

fn cut(text: &str, length: usize) -> String {
    text.chars().take(length).collect()
}

fn day(date: NaiveDate) -> String {
    date.format("%Y%m%d").to_string()
}

fn decimal(amount: Money) -> String {
    amount.minor.to_decimal(amount.currency.exponent())
}

/// XML text without what XML cannot hold.
fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::tests::movements as some;
    use quittance_documents::statement::{Options, parse};

    fn file() -> String {
        let all = some();
        let account = |movements: &[Movement]| AccountSum {
            account: movements[0].transaction.account.clone(),
            sum: Money {
                minor: Minor(movements.iter().map(|m| m.transaction.amount.minor.0).sum()),
                currency: movements[0].transaction.amount.currency,
            },
            first: movements[0].transaction.date,
            last: movements[movements.len() - 1].transaction.date,
        };
        let mut file = head(DateTime::UNIX_EPOCH);
        for (number, part) in [(1, &all[..2]), (2, &all[2..])] {
            let account = account(part);
            file += &open(number, &account);
            file += &movements(part);
            file += &close(&account);
        }
        file + TAIL
    }

    #[test]
    fn our_own_import_reads_it_again() {
        let statement = parse(file().as_bytes(), &Options::default()).unwrap();
        let found: Vec<_> = statement
            .accounts
            .iter()
            .flat_map(|account| &account.entries)
            .map(|e| (e.booked, e.amount, e.label.clone()))
            .collect();
        let told: Vec<_> = some()
            .into_iter()
            .map(|m| (m.transaction.date, m.transaction.amount, m.transaction.label))
            .collect();
        assert_eq!(found, told);
    }

    #[test]
    fn without_a_label_the_counterparty_is_the_name() {
        let mut one = some().swap_remove(0);
        one.transaction.label = String::new();
        one.transaction.counterparty = Some("EDF".into());
        assert!(movements(&[one]).contains("<NAME>EDF</NAME>"));
    }

    #[test]
    fn lengths_are_kept() {
        for label in ["", "x", &"word ".repeat(40), &"é".repeat(400), "a\u{0}\n<b>&"] {
            let (name, memo) = split(label);
            assert!((1..=NAME).contains(&name.chars().count()), "{label}");
            assert!(memo.chars().count() <= MEMO, "{label}");
        }
        let (bank, account) = account_id(Some("FR76 3000 6000 0112 3456 7890 189"));
        assert_eq!((bank.as_str(), account.as_str()), ("FR7630006", "000011234567890189"));
        assert_eq!(escape("a\u{0}<&>"), "a &lt;&amp;&gt;");
    }
}
