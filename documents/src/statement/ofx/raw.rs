//! What stands in the file, and how it becomes amounts and days.

use super::super::{
    Options, StatementError, dates,
    error::{Place, warning},
    numbers::{self, Decimal},
};
use super::corrections;
use chrono::NaiveDate;
use quittance_domain::{
    document::Warning,
    money::{Currency, Money},
    statement::{Balance, Entry, StatementAccount},
};

/// One transaction as it is written.
#[derive(Default)]
pub(super) struct Raw {
    pub(super) line: u32,
    pub(super) posted: Option<String>,
    pub(super) user: Option<String>,
    pub(super) available: Option<String>,
    pub(super) amount: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) kind: String,
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) memo: String,
    pub(super) cheque: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) account_to: Option<String>,
    pub(super) pending: bool,
    /// `CORRECTFITID`: the id of the transaction that this one replaces or deletes.
    pub(super) corrects: Option<String>,
    /// `CORRECTACTION`: `REPLACE` or `DELETE`.
    pub(super) correction: String,
}

/// One balance as it is written.
#[derive(Default)]
pub(super) struct RawBalance {
    pub(super) line: u32,
    pub(super) amount: String,
    pub(super) date: String,
}

/// One account as it is written.
#[derive(Default)]
pub(super) struct RawAccount {
    pub(super) currency: Option<String>,
    pub(super) bank: Option<String>,
    pub(super) number: Option<String>,
    pub(super) ledger: Option<RawBalance>,
    pub(super) entries: Vec<Raw>,
}

/// How this file writes its numbers.
#[derive(Clone, Copy)]
pub(super) struct Numbers {
    pub(super) decimal: Option<Decimal>,
}

impl Numbers {
    pub(super) fn read(
        self,
        text: &str,
        currency: Currency,
        place: &Place,
        what: &str,
    ) -> Result<Money, StatementError> {
        let refuse = || StatementError::amount(place, what, text);
        let written = numbers::split(text).ok_or_else(refuse)?;
        let exponent = currency.exponent();
        // One decimal sign, as the standard wants it, unless the number may as well be a thousand.
        if self.decimal.is_none() && written.ambiguous(exponent) {
            return Err(refuse());
        }
        let by_standard = || if text.contains(',') { Decimal::Comma } else { Decimal::Point };
        let decimal = self
            .decimal
            .filter(|d| written.value(*d, exponent).is_some())
            .unwrap_or_else(by_standard);
        let minor = written.value(decimal, exponent).ok_or_else(refuse)?;
        Ok(Money { minor, currency })
    }
}

impl RawAccount {
    pub(super) fn read(
        self,
        numbers: Numbers,
        options: &Options,
        warnings: &mut Vec<Warning>,
    ) -> Result<StatementAccount, StatementError> {
        let currency = match &self.currency {
            Some(code) => code.parse().map_err(|_| {
                StatementError::currency(
                    &Place::line(self.entries.first().map_or(1, |e| e.line)),
                    code,
                )
            })?,
            None => super::super::assumed_currency(options, warnings),
        };
        let closing = match self.ledger {
            Some(balance) => balance.read(numbers, currency, warnings)?,
            None => None,
        };
        let entries = corrections::apply(self.entries, warnings)
            .into_iter()
            .map(|e| e.read(numbers, currency, warnings))
            .collect::<Result<_, _>>()?;
        Ok(StatementAccount {
            account: self.number,
            bank: self.bank,
            opening: None,
            closing,
            entries,
        })
    }
}

impl RawBalance {
    pub(super) fn read(
        self,
        numbers: Numbers,
        currency: Currency,
        warnings: &mut Vec<Warning>,
    ) -> Result<Option<Balance>, StatementError> {
        if self.amount.is_empty() {
            warnings.push(warning(
                "BALANCE_EMPTY",
                format!("Ligne {} : le solde est vide ; il n'est pas repris.", self.line),
                format!("Line {}: the balance is empty; it is left out.", self.line),
            ));
            return Ok(None);
        }
        let place = Place::line(self.line);
        let amount = numbers.read(&self.amount, currency, &place, "BALAMT")?;
        let date =
            if self.date.is_empty() { None } else { Some(day(&self.date, &place, "DTASOF")?) };
        Ok(Some(Balance { date, amount }))
    }
}

impl Raw {
    pub(super) fn set(
        &mut self,
        within: &str,
        name: &str,
        content: &str,
        line: u32,
    ) -> Result<(), StatementError> {
        let twice = |slot: &Option<String>| {
            if slot.is_some() {
                return Err(StatementError::new(
                    "ELEMENT_TWICE",
                    format!(
                        "Ligne {line} : <{name}> figure deux fois dans une opération. Demandez un nouvel export."
                    ),
                    format!(
                        "Line {line}: <{name}> stands twice in one transaction. Ask for a new export."
                    ),
                ));
            }
            Ok(())
        };
        let value = (!content.is_empty()).then(|| content.to_owned());
        match (within, name) {
            ("CURRENCY", "CURSYM") => self.currency = value,
            ("BANKACCTTO" | "CCACCTTO", "ACCTID") => self.account_to = value,
            ("BANKACCTTO" | "CCACCTTO" | "CURRENCY" | "ORIGCURRENCY", _) => {}
            (_, "DTPOSTED") => {
                twice(&self.posted)?;
                self.posted = value;
            }
            (_, "TRNAMT") => {
                twice(&self.amount)?;
                self.amount = value;
            }
            // What is pending has no day of booking, but one of its own.
            (_, "DTTRAN") if self.pending && self.posted.is_none() => self.posted = value,
            (_, "CORRECTFITID") => self.corrects = value,
            (_, "CORRECTACTION") => content.clone_into(&mut self.correction),
            (_, "DTUSER") => self.user = value,
            (_, "DTAVAIL") => self.available = value,
            (_, "TRNTYPE") => content.clone_into(&mut self.kind),
            (_, "FITID") => self.id = value,
            (_, "NAME") => self.name = squeezed(content),
            (_, "MEMO") => self.memo = squeezed(content),
            (_, "CHECKNUM") => self.cheque = value.filter(|n| !n.trim_matches('0').is_empty()),
            (_, "REFNUM") => self.reference = value,
            _ => {}
        }
        Ok(())
    }

    pub(super) fn read(
        self,
        numbers: Numbers,
        account: Currency,
        warnings: &mut Vec<Warning>,
    ) -> Result<Entry, StatementError> {
        let place = Place::line(self.line);
        let currency = match &self.currency {
            Some(code) => code.parse().map_err(|_| StatementError::currency(&place, code))?,
            None => account,
        };
        let amount =
            numbers.read(self.amount.as_deref().unwrap_or_default(), currency, &place, "TRNAMT")?;
        let user = self.user.as_deref().map(|d| day(d, &place, "DTUSER")).transpose()?;
        let booked = match (&self.posted, user) {
            (Some(posted), _) => day(posted, &place, "DTPOSTED")?,
            (None, Some(user)) => {
                warnings.push(warning(
                    "DATE_OF_USER",
                    format!("Ligne {} : l'opération n'a pas de date comptable (DTPOSTED) ; la date de l'opération (DTUSER) est reprise.", self.line),
                    format!("Line {}: the transaction has no day of booking (DTPOSTED); the day it was made (DTUSER) is taken.", self.line),
                ));
                user
            }
            (None, None) => return Err(StatementError::date(&place, "DTPOSTED", "")),
        };
        if self.kind.eq_ignore_ascii_case("DEBIT") && amount.minor.0 > 0 {
            warnings.push(warning(
                "SIGN_ODD",
                format!("Ligne {} : un débit (TRNTYPE) de montant positif « {amount} » ; le signe du montant est gardé.", self.line),
                format!("Line {}: a debit (TRNTYPE) of the positive amount {amount}; the amount's sign is kept.", self.line),
            ));
        }
        let value_date =
            self.available.as_deref().map(|d| day(d, &place, "DTAVAIL")).transpose()?;
        Ok(Entry {
            booked,
            value_date,
            amount,
            label: super::super::label(&self.name, &self.memo),
            counterparty: (!self.name.is_empty()).then_some(self.name),
            counterparty_account: self.account_to,
            bank_id: self.id,
            reference: self.cheque.or(self.reference),
            pending: self.pending,
            category: None,
            place: self.line,
        })
    }
}

pub(super) fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The day of `20140920170000.000[-5:EST]`, as the bank's clock has it.
pub(super) fn day(text: &str, place: &Place, what: &str) -> Result<NaiveDate, StatementError> {
    let rest = text.get(8..).unwrap_or_default();
    let digits = text.get(..8).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
    let time = rest.split('[').next().unwrap_or_default();
    digits
        .filter(|_| time.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
        .and_then(|d| dates::iso(&format!("{}-{}-{}", &d[..4], &d[4..6], &d[6..])))
        .ok_or_else(|| StatementError::date(place, what, text))
}
