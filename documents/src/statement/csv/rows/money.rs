//! The money of a row: its amount with its sign, charges beside it, and whether it is a sum of others.

use super::{ColumnRole, Place, Reader, Record, StatementError, numbers, quoted, warning};
use crate::statement::{
    assumed_currency,
    csv::{
        sums::{self, Sum},
        words,
    },
    unit::{Family, Unit, unit, unit_currency},
};
use quittance_domain::money::{Currency, Minor, Money};

impl Reader<'_> {
    /// Whether a row with a date is a sum all the same. What may be a payment at a shop is one, unless the amounts
    /// say otherwise: both a debit and a credit, or what the rows before come to.
    pub(super) fn sum(&mut self, row: &Record) -> bool {
        let text = self.all(row, ColumnRole::Label);
        let Some(label) = text.or_else(|| self.all(row, ColumnRole::Counterparty)) else {
            return false;
        };
        if !self.moneyed(row) {
            return sums::summary(&label);
        }
        match sums::sum(&label) {
            Sum::No => false,
            Sum::Surely => true,
            Sum::Perhaps => {
                let signs = self.debit_negative;
                let amount = self.amount(row);
                self.debit_negative = signs;
                let both = [ColumnRole::Debit, ColumnRole::Credit]
                    .into_iter()
                    .all(|role| self.one(row, role).is_some_and(|(_, c)| self.nonzero(c)));
                both || amount.is_ok_and(|amount| self.comes_to(row, amount))
            }
        }
    }

    /// Whether the rows before of this account and currency come to that; a sum often names no account.
    fn comes_to(&self, row: &Record, amount: Money) -> bool {
        let account = self.all(row, ColumnRole::Account);
        self.running.iter().any(|((of, currency), running)| {
            *currency == amount.currency
                && (account.is_none() || account == *of)
                && running.come_to(amount.minor.0)
        })
    }

    fn nonzero(&self, cell: &str) -> bool {
        numbers::split(cell)
            .and_then(|w| w.value(self.mapping.decimal, 2))
            .is_some_and(|m| m.0 != 0)
    }

    pub(super) fn amount(&mut self, row: &Record) -> Result<Money, StatementError> {
        let column = self.columns(ColumnRole::Amount).next();
        if let Some(column) = column {
            let money = self.money(row, column, row.cell(column))?;
            return self.directed(row, money);
        }
        let zero = |money: &Money| money.minor.0 == 0;
        let read = |reader: &mut Self, role| match reader.one(row, role) {
            Some((column, text)) => {
                reader.money(row, column, text).map(|money| Some((column, money)))
            }
            None => Ok(None),
        };
        let (debit, credit) = (read(self, ColumnRole::Debit)?, read(self, ColumnRole::Credit)?);
        match (debit, credit) {
            (Some((_, debit)), Some((column, credit))) if !zero(&debit) && !zero(&credit) => {
                Err(StatementError::amount(
                    &self.place(row, column),
                    "debit, credit",
                    &format!("{debit} / {credit}"),
                ))
            }
            (Some((column, debit)), credit) if credit.is_none_or(|(_, c)| zero(&c)) => {
                let negative = debit.minor.0 < 0;
                if !zero(&debit) && *self.debit_negative.get_or_insert(negative) != negative {
                    // Both signs in one column: which of them is money out nobody can tell.
                    return Err(StatementError::amount(
                        &self.place(row, column),
                        "debit",
                        &debit.to_string(),
                    ));
                }
                Ok(Money { minor: Minor(-debit.minor.0.abs()), currency: debit.currency })
            }
            (_, Some((_, credit))) => Ok(credit),
            _ => {
                let column = self.columns(ColumnRole::Debit).next().unwrap_or(0);
                Err(StatementError::amount(&self.place(row, column), "debit, credit", ""))
            }
        }
    }

    /// Applies the column that says debit or credit.
    fn directed(&self, row: &Record, money: Money) -> Result<Money, StatementError> {
        let Some(column) = self.columns(ColumnRole::Direction).next() else { return Ok(money) };
        let text = row.cell(column);
        match words::direction(text) {
            Some(true) => Ok(Money { minor: Minor(-money.minor.0.abs()), ..money }),
            Some(false) if money.minor.0 >= 0 => Ok(money),
            _ => {
                let place = self.place(row, column);
                Err(StatementError::new(
                    "DIRECTION_UNKNOWN",
                    format!(
                        "{} : {} ne dit pas si {money} est un débit ou un crédit. Corrigez la ligne ou la correspondance.",
                        place.fr,
                        quoted(text)
                    ),
                    format!(
                        "{}: {} does not say whether {money} is a debit or a credit. Correct the row or the mapping.",
                        place.en,
                        quoted(text)
                    ),
                ))
            }
        }
    }

    pub(super) fn money(
        &mut self,
        row: &Record,
        column: usize,
        text: &str,
    ) -> Result<Money, StatementError> {
        let refuse =
            |reader: &Self| StatementError::amount(&reader.place(row, column), "amount", text);
        let Some(written) = numbers::split(text) else { return Err(refuse(self)) };
        let currency = self.currency(row, column, &written.unit)?;
        let minor =
            written.value(self.mapping.decimal, currency.exponent()).ok_or_else(|| refuse(self))?;
        Ok(Money { minor, currency })
    }

    /// The currency that the row's column and what stands beside the amount agree on.
    fn currency(
        &mut self,
        row: &Record,
        column: usize,
        written: &str,
    ) -> Result<Currency, StatementError> {
        let told = match self.one(row, ColumnRole::Currency) {
            Some((at, code)) => Some(
                unit_currency(code)
                    .or_else(|| code.parse().ok())
                    .ok_or_else(|| StatementError::currency(&self.place(row, at), code))?,
            ),
            None => None,
        };
        let place = self.place(row, column);
        let contradicts = |told: Currency| StatementError::currencies_differ(&place, written, told);
        match (unit(written), told) {
            (Unit::Unknown, _) => Err(StatementError::currency(&place, written)),
            (Unit::One(own), Some(told)) if own != told => Err(contradicts(told)),
            (Unit::Several(family), Some(told)) if !family.contains(told) => Err(contradicts(told)),
            (_, Some(currency)) | (Unit::One(currency), None) => Ok(currency),
            (Unit::Several(family), None) => self
                .one_of(family, written)
                .ok_or_else(|| StatementError::currency(&place, written)),
            (Unit::None, None) => Ok(match self.mapping.currency {
                Some(currency) => currency,
                None => assumed_currency(self.options, &mut self.warnings),
            }),
        }
    }

    /// A sign of several currencies is that of the table or the caller, else the most usual one, and said so.
    fn one_of(&mut self, family: Family, sign: &str) -> Option<Currency> {
        let of = |currency: Option<Currency>| currency.filter(|c| family.contains(*c));
        if let Some(currency) =
            of(self.mapping.currency).or_else(|| of(self.options.default_currency))
        {
            return Some(currency);
        }
        let currency = family.usual()?;
        if !self.warnings.iter().any(|w| w.code == "CURRENCY_ASSUMED") {
            let sign = quoted(sign);
            self.warnings.push(warning(
                "CURRENCY_ASSUMED",
                format!("Le signe {sign} est celui de plusieurs devises ; {currency} est supposé."),
                format!("The sign {sign} is that of several currencies; {currency} is assumed."),
            ));
        }
        Some(currency)
    }

    /// The balance behind the movement. It only checks the amounts: where it cannot be read it is left out, aloud.
    pub(super) fn balance(&mut self, row: &Record) -> Option<Money> {
        let (column, text) = self.one(row, ColumnRole::Balance)?;
        let balance = self.money(row, column, text).ok();
        if balance.is_none() && !self.warnings.iter().any(|w| w.code == "BALANCE_UNREADABLE") {
            let Place { fr, en } = self.place(row, column);
            let found = quoted(text);
            self.warnings.push(warning(
                "BALANCE_UNREADABLE",
                format!(
                    "{fr} : le solde {found} ne peut être lu avec certitude ; il n'est pas repris."
                ),
                format!("{en}: the balance {found} cannot be read with certainty; it is left out."),
            ));
        }
        balance
    }

    /// Charges beside the amount are no part of it; that is said once. Gives their sum, minor units.
    pub(super) fn fees(&mut self, row: &Record) -> Result<i64, StatementError> {
        let mut sum = 0_i64;
        let columns: Vec<usize> = self.columns(ColumnRole::Fee).collect();
        for column in columns {
            let text = row.cell(column);
            if text.is_empty() {
                continue;
            }
            let fee = self.money(row, column, text)?;
            sum = sum.saturating_add(fee.minor.0.saturating_abs());
            if fee.minor.0 != 0 {
                self.warnings.push(warning(
                    "FEE_NOT_INCLUDED",
                    format!("Ligne {} : des frais de {fee} figurent à côté du montant ; ils n'y sont pas compris.", row.line),
                    format!("Line {}: charges of {fee} stand beside the amount; they are not part of it.", row.line),
                ));
            }
        }
        Ok(sum)
    }
}
