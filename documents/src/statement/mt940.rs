//! SWIFT MT940 (statements) and MT942 (interim reports) as banks really write them.

use super::{
    Options, StatementError, dates,
    error::{Place, quoted, warning},
};
use crate::encoding;
use chrono::NaiveDate;
use quittance_domain::{
    document::Warning,
    money::{Currency, Minor, Money},
    statement::{Balance, Entry, Statement, StatementAccount},
};

mod details;
mod line;
mod tags;

use line::{Line, booked};
use tags::{Tag, tags};

pub(super) fn parse(bytes: &[u8], options: &Options) -> Result<Statement, StatementError> {
    let text = encoding::decode(bytes, None).text;
    let mut reader = Reader::new(options);
    for tag in tags(&text)? {
        reader.tag(&tag)?;
    }
    reader.end()?;
    let interim = reader.interim;
    Ok(Statement {
        format: if interim { "mt942" } else { "mt940" }.into(),
        accounts: reader.accounts,
        warnings: reader.warnings,
    })
}

/// A movement with what stands behind it.
struct Movement {
    line: Line,
    place: u32,
    details: Vec<String>,
}

struct Reader<'o> {
    options: &'o Options,
    accounts: Vec<StatementAccount>,
    warnings: Vec<Warning>,
    interim: bool,
    account: Option<StatementAccount>,
    currency: Option<Currency>,
    movements: Vec<Movement>,
    /// What a `:86:` now belongs to: the last movement, or the statement.
    after_movement: bool,
    /// Number of debits and credits as `:90D:` and `:90C:` announce them.
    announced: [Option<u32>; 2],
    opened_at: u32,
}

impl<'o> Reader<'o> {
    fn new(options: &'o Options) -> Self {
        Self {
            options,
            accounts: Vec::new(),
            warnings: Vec::new(),
            interim: false,
            account: None,
            currency: None,
            movements: Vec::new(),
            after_movement: false,
            announced: [None, None],
            opened_at: 0,
        }
    }

    fn tag(&mut self, tag: &Tag<'_>) -> Result<(), StatementError> {
        match tag.name {
            "20" => {
                self.end()?;
                self.account = Some(StatementAccount::default());
                self.opened_at = tag.line;
            }
            // Some banks write the details of a movement under the account's number.
            "25" if self.after_movement && details::structured(tag.first()) => {
                self.warnings.push(warning(
                    "TAG_MISLABELLED",
                    format!("Ligne {} : « :25: » contient le détail d'une opération ; il est lu comme « :86: ».", tag.line),
                    format!("Line {}: \":25:\" holds the details of a transaction; it is read as \":86:\".", tag.line),
                ));
                self.details(tag);
            }
            "25" => self.number(tag)?,
            "60F" | "60M" => {
                let balance = balance(tag)?;
                self.currency = Some(balance.amount.currency);
                let account = self.account.get_or_insert_default();
                account.opening.get_or_insert(balance);
                self.after_movement = false;
            }
            "62F" | "62M" => {
                let balance = balance(tag)?;
                self.currency.get_or_insert(balance.amount.currency);
                self.account.get_or_insert_default().closing = Some(balance);
                self.after_movement = false;
            }
            "61" => {
                let line = Line::read(tag)?;
                self.movements.push(Movement { line, place: tag.line, details: Vec::new() });
                self.after_movement = true;
            }
            "86" | "NS" => self.details(tag),
            "34F" => {
                self.interim = true;
                if self.currency.is_none() {
                    let code = tag.first().get(..3).unwrap_or_default();
                    let place = Place::line(tag.line);
                    let known = code.parse().map_err(|_| StatementError::currency(&place, code));
                    self.currency = Some(known?);
                }
            }
            "90D" | "90C" => {
                let digits: String = tag.first().chars().take_while(char::is_ascii_digit).collect();
                self.announced[usize::from(tag.name == "90C")] = digits.parse().ok();
                self.after_movement = false;
            }
            "64" | "65" => self.after_movement = false,
            _ => {}
        }
        Ok(())
    }

    fn number(&mut self, tag: &Tag<'_>) -> Result<(), StatementError> {
        let text = tag.first().trim();
        let account = self.account.get_or_insert_default();
        if account.account.is_some() {
            return Err(StatementError::new(
                "TAG_TWICE",
                format!(
                    "Ligne {} : « :25: » figure deux fois dans un relevé ; le fichier est abîmé. Téléchargez-le de nouveau.",
                    tag.line
                ),
                format!(
                    "Line {}: :25: stands twice in one statement; the file is damaged. Download it again.",
                    tag.line
                ),
            ));
        }
        let (bank, number) = match text.split_once('/') {
            Some((bank, number)) if !bank.is_empty() && !number.is_empty() => {
                (Some(bank.to_owned()), number)
            }
            _ => (None, text),
        };
        (account.bank, account.account) = (bank, (!number.is_empty()).then(|| number.to_owned()));
        Ok(())
    }

    fn details(&mut self, tag: &Tag<'_>) {
        if !self.after_movement {
            return;
        }
        if let Some(movement) = self.movements.last_mut() {
            let numbered = tag.name == "NS";
            movement.details.extend(tag.lines.iter().map(|l| {
                // `:NS:` numbers its lines.
                let plain = if numbered && l.as_bytes().iter().take(2).all(u8::is_ascii_digit) {
                    l.get(2..).unwrap_or(l)
                } else {
                    l
                };
                plain.to_owned()
            }));
        }
    }

    /// Closes the statement at hand.
    fn end(&mut self) -> Result<(), StatementError> {
        self.after_movement = false;
        let movements = std::mem::take(&mut self.movements);
        let announced = std::mem::take(&mut self.announced);
        let Some(mut account) =
            self.account.take().or_else(|| (!movements.is_empty()).then(StatementAccount::default))
        else {
            return Ok(());
        };
        let currency = match self.currency.take() {
            Some(currency) => currency,
            None if movements.is_empty() => Currency::EUR,
            None => super::assumed_currency(self.options, &mut self.warnings),
        };
        for movement in movements {
            let entry = movement.read(currency, &mut self.warnings)?;
            account.entries.push(entry);
        }
        self.check(&account, announced);
        self.accounts.push(account);
        Ok(())
    }

    fn check(&mut self, account: &StatementAccount, announced: [Option<u32>; 2]) {
        let debits = account.entries.iter().filter(|e| e.amount.minor.0 < 0).count();
        let found = [debits, account.entries.len() - debits];
        let wrong = announced
            .iter()
            .zip(found)
            .any(|(told, found)| told.is_some_and(|t| usize::try_from(t).ok() != Some(found)));
        if wrong {
            self.warnings.push(warning(
                "COUNT_MISMATCH",
                format!("Ligne {} : le relevé annonce un autre nombre d'opérations (:90D:, :90C:) qu'il n'en contient.", self.opened_at),
                format!("Line {}: the statement says another number of transactions (:90D:, :90C:) than it holds.", self.opened_at),
            ));
        }
        if account.opening.is_some() && account.closing.is_none() {
            self.warnings.push(warning(
                "CLOSING_MISSING",
                format!("Ligne {} : le relevé commence mais n'a pas de solde final (:62F:) ; il est peut-être coupé.", self.opened_at),
                format!("Line {}: the statement begins but has no closing balance (:62F:); it is perhaps cut off.", self.opened_at),
            ));
        }
    }
}

impl Movement {
    fn read(
        self,
        currency: Currency,
        warnings: &mut Vec<Warning>,
    ) -> Result<Entry, StatementError> {
        let Self { line, place, details } = self;
        let minor = amount(&line.amount, currency)
            .ok_or_else(|| StatementError::amount(&Place::line(place), ":61:", &line.written))?;
        let minor = if line.negative { Minor(-minor.0) } else { minor };
        if line.thirtieth {
            warnings.push(warning(
                "VALUE_DATE_30_360",
                format!("Ligne {place} : la date de valeur est un 29 ou 30 février (mois bancaire de 30 jours) ; le dernier jour de février est repris."),
                format!("Line {place}: the value date is 29 or 30 February (a bank's month of 30 days); the last day of February is taken."),
            ));
        }
        let read = details::read(&line.supplement, &details);
        Ok(Entry {
            booked: booked(&line)
                .ok_or_else(|| StatementError::date(&Place::line(place), ":61:", &line.written))?,
            value_date: Some(line.value),
            amount: Money { minor, currency },
            label: read.label,
            counterparty: read.name,
            counterparty_account: read.account,
            bank_id: line.bank_reference,
            reference: read.reference.or(line.reference),
            pending: line.pending,
            category: None,
            place,
        })
    }
}

/// Digits and one decimal sign, by the standard a comma; nothing groups thousands here. Some banks write a point
/// instead, but three digits behind a point may as well be the rest of a thousand.
fn amount(text: &str, currency: Currency) -> Option<Minor> {
    if text.split_once('.').is_some_and(|(_, behind)| behind.len() == 3) {
        return None;
    }
    let plain = text.replace(',', ".");
    let plain = if plain.starts_with('.') { format!("0{plain}") } else { plain };
    Minor::from_decimal(&plain, currency.exponent()).filter(|m| m.0 >= 0)
}

/// `C070903EUR766656,49`
fn balance(tag: &Tag<'_>) -> Result<Balance, StatementError> {
    let text = tag.first().trim();
    let place = || Place::line(tag.line);
    let what = format!(":{}:", tag.name);
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'C') => (false, &text[1..]),
        Some(b'D') => (true, &text[1..]),
        _ => {
            return Err(StatementError::new(
                "DIRECTION_UNKNOWN",
                format!(
                    "Ligne {} : un solde commence par C ou D, pas {}. Téléchargez le fichier de nouveau.",
                    tag.line,
                    quoted(text)
                ),
                format!(
                    "Line {}: a balance begins with C or D, not {}. Download the file again.",
                    tag.line,
                    quoted(text)
                ),
            ));
        }
    };
    let (y, m, d) = dates::six(rest).ok_or_else(|| StatementError::date(&place(), &what, text))?;
    let date = NaiveDate::from_ymd_opt(y, m, d)
        .ok_or_else(|| StatementError::date(&place(), &what, text))?;
    let code = rest.get(6..9).unwrap_or_default();
    let currency: Currency = code.parse().map_err(|_| StatementError::currency(&place(), code))?;
    let written = rest.get(9..).unwrap_or_default();
    let minor = amount(written.trim(), currency)
        .ok_or_else(|| StatementError::amount(&place(), &what, written))?;
    let minor = Minor(if negative { -minor.0 } else { minor.0 });
    Ok(Balance { date: Some(date), amount: Money { minor, currency } })
}

#[cfg(test)]
mod tests;
