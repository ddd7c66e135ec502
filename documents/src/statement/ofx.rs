//! OFX 1.x (SGML, most elements not closed) and 2.x (XML), with one reader, since banks mix both in one file.

use super::{
    Options, StatementError, dates, encoding,
    error::{Place, quoted, warning},
    numbers::{self, Decimal, Evidence},
};
use chrono::NaiveDate;
use quittance_domain::{
    document::Warning,
    money::{Currency, Money},
    statement::{Balance, Entry, Statement, StatementAccount},
};

mod scan;
use scan::{Event, Scanner};

/// One transaction as it is written.
#[derive(Default)]
struct Raw {
    line: u32,
    posted: Option<String>,
    user: Option<String>,
    available: Option<String>,
    amount: Option<String>,
    currency: Option<String>,
    kind: String,
    id: Option<String>,
    name: String,
    memo: String,
    cheque: Option<String>,
    reference: Option<String>,
    account_to: Option<String>,
    pending: bool,
}

/// One balance as it is written.
#[derive(Default)]
struct RawBalance {
    line: u32,
    amount: String,
    date: String,
}

/// One account as it is written.
#[derive(Default)]
struct RawAccount {
    currency: Option<String>,
    bank: Option<String>,
    number: Option<String>,
    ledger: Option<RawBalance>,
    entries: Vec<Raw>,
}

/// The file as it is written.
#[derive(Default)]
struct File {
    accounts: Vec<RawAccount>,
    account: Option<RawAccount>,
    entry: Option<Raw>,
    balance: Option<RawBalance>,
    /// Aggregates that matter, innermost last.
    open: Vec<String>,
    warnings: Vec<Warning>,
    /// The root was closed.
    ended: bool,
}

/// Aggregates whose children mean something of their own.
const AGGREGATES: [&str; 20] = [
    "OFX",
    "STMTRS",
    "CCSTMTRS",
    "INVSTMTRS",
    "BANKACCTFROM",
    "CCACCTFROM",
    "INVACCTFROM",
    "BANKACCTTO",
    "CCACCTTO",
    "BANKTRANLIST",
    "INVTRANLIST",
    "BANKTRANLISTP",
    "STMTTRN",
    "STMTTRNP",
    "LEDGERBAL",
    "AVAILBAL",
    "BALLIST",
    "CURRENCY",
    "ORIGCURRENCY",
    "STATUS",
];

pub(super) fn parse(bytes: &[u8], options: &Options) -> Result<Statement, StatementError> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).into_owned();
    let text = encoding::decode(bytes, declared(&head)).text;
    let mut file = File::default();
    let mut scanner = Scanner::new(&text);
    let mut leaf: Option<(String, u32)> = None;
    while let Some(event) = scanner.next() {
        match event {
            Event::Open(name, line) => {
                if let Some((empty, at)) = leaf.take() {
                    file.leaf(&empty, "", at)?;
                }
                if AGGREGATES.contains(&name.as_str()) {
                    file.open(&name, line)?;
                } else {
                    leaf = Some((name, line));
                }
            }
            Event::Text(content) => {
                if let Some((name, at)) = leaf.take() {
                    file.leaf(&name, &content, at)?;
                }
            }
            Event::Close(name, line) => {
                if let Some((empty, at)) = leaf.take() {
                    file.leaf(&empty, "", at)?;
                }
                file.close(&name, line)?;
            }
            Event::Forbidden(line) => {
                return Err(StatementError::new(
                    "XML_DTD",
                    format!(
                        "Ligne {line} : le fichier contient une DTD ou des entités, qu'un relevé n'a pas. Retirez-les ou demandez un nouvel export."
                    ),
                    format!(
                        "Line {line}: the file contains a DTD or entities, which a statement has not. Remove them or ask for a new export."
                    ),
                ));
            }
        }
    }
    if !file.ended || !file.open.is_empty() {
        let name = file.open.first().map_or("OFX", String::as_str);
        return Err(StatementError::truncated(&Place::line(scanner.line()), &format!("<{name}>")));
    }
    file.statement(options)
}

/// The encoding the header names.
fn declared(head: &str) -> Option<&str> {
    let upper = head.to_ascii_uppercase();
    let value = |key: &str, end: fn(char) -> bool| {
        let at = upper.find(key)? + key.len();
        head.get(at..).map(|rest| rest.split(end).next().unwrap_or_default())
    };
    let line_end = |c: char| c.is_whitespace() || c == '<';
    value("ENCODING=\"", |c| c == '"')
        .or_else(|| {
            value("ENCODING:", line_end).filter(|v| v.to_ascii_uppercase().starts_with("UTF"))
        })
        .or_else(|| value("CHARSET:", line_end))
}

impl File {
    fn inside(&self, name: &str) -> bool {
        self.open.iter().any(|open| open == name)
    }

    fn open(&mut self, name: &str, line: u32) -> Result<(), StatementError> {
        if self.open.len() >= 32 || (name == "STMTTRN" && self.entry.is_some()) {
            return Err(StatementError::truncated(&Place::line(line), "<STMTTRN>"));
        }
        match name {
            "STMTRS" | "CCSTMTRS" | "INVSTMTRS" => self.account = Some(RawAccount::default()),
            "STMTTRN" | "STMTTRNP" => {
                self.entry = Some(Raw { line, pending: name == "STMTTRNP", ..Raw::default() });
            }
            "LEDGERBAL" => self.balance = Some(RawBalance { line, ..RawBalance::default() }),
            _ => {}
        }
        self.open.push(name.to_owned());
        Ok(())
    }

    fn close(&mut self, name: &str, line: u32) -> Result<(), StatementError> {
        if !AGGREGATES.contains(&name) {
            return Ok(());
        }
        if self.open.pop().as_deref() != Some(name) {
            return Err(StatementError::new(
                "XML_MALFORMED",
                format!(
                    "Ligne {line} : </{name}> ne ferme rien ; un élément manque ou le fichier est coupé. Téléchargez-le de nouveau."
                ),
                format!(
                    "Line {line}: </{name}> closes nothing; an element is missing or the file is cut off. Download it again."
                ),
            ));
        }
        self.ended |= name == "OFX";
        match name {
            "STMTTRN" | "STMTTRNP" => {
                if let Some(entry) = self.entry.take() {
                    // A list of transactions outside of any account still is one.
                    self.account.get_or_insert_default().entries.push(entry);
                }
            }
            "LEDGERBAL" => {
                let balance = self.balance.take();
                self.account.get_or_insert_default().ledger = balance;
            }
            "STMTRS" | "CCSTMTRS" | "INVSTMTRS" | "OFX" => {
                self.accounts.extend(self.account.take());
            }
            _ => {}
        }
        Ok(())
    }

    fn leaf(&mut self, name: &str, content: &str, line: u32) -> Result<(), StatementError> {
        let within = self.open.last().map(String::as_str).unwrap_or_default().to_owned();
        let some = || (!content.is_empty()).then(|| content.to_owned());
        if name == "INVTRAN" {
            return Err(StatementError::new(
                "INVESTMENTS_UNSUPPORTED",
                format!(
                    "Ligne {line} : le fichier contient des opérations sur titres, qui ne sont pas lues. Exportez le compte courant seul."
                ),
                format!(
                    "Line {line}: the file holds trades of securities, which are not read. Export the current account alone."
                ),
            ));
        }
        if within == "STATUS" && name == "SEVERITY" && content.eq_ignore_ascii_case("ERROR") {
            self.warnings.push(warning("OFX_STATUS_ERROR", format!("Ligne {line} : la banque signale une erreur dans ce fichier ; il est peut-être incomplet.")));
        }
        match (within.as_str(), name) {
            ("STMTRS" | "CCSTMTRS" | "INVSTMTRS", "CURDEF") => {
                self.account.get_or_insert_default().currency = some();
            }
            ("BANKACCTFROM" | "CCACCTFROM" | "INVACCTFROM", "ACCTID") => {
                self.account.get_or_insert_default().number = some();
            }
            ("BANKACCTFROM", "BANKID") | ("INVACCTFROM", "BROKERID") => {
                self.account.get_or_insert_default().bank = some();
            }
            ("LEDGERBAL", "BALAMT") => {
                if let Some(balance) = &mut self.balance {
                    (balance.amount, balance.line) = (content.to_owned(), line);
                }
            }
            ("LEDGERBAL", "DTASOF") => {
                if let Some(balance) = &mut self.balance {
                    content.clone_into(&mut balance.date);
                }
            }
            _ if self.inside("STMTTRN") || self.inside("STMTTRNP") => {
                if let Some(entry) = &mut self.entry {
                    entry.set(&within, name, content, line)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn statement(self, options: &Options) -> Result<Statement, StatementError> {
        let mut evidence = Evidence::default();
        for text in
            self.accounts.iter().flat_map(|a| a.entries.iter().filter_map(|e| e.amount.as_deref()))
        {
            evidence.add(text, 2);
        }
        // Without other proof the standard holds: no separator of thousands, one decimal sign.
        let numbers = Numbers { decimal: evidence.decimal() };
        let mut warnings = self.warnings;
        let accounts = self
            .accounts
            .into_iter()
            .map(|account| account.read(numbers, options, &mut warnings))
            .collect::<Result<_, _>>()?;
        Ok(Statement { format: "ofx".into(), accounts, warnings })
    }
}

/// How this file writes its numbers.
#[derive(Clone, Copy)]
struct Numbers {
    decimal: Option<Decimal>,
}

impl Numbers {
    fn read(
        self,
        text: &str,
        currency: Currency,
        place: &Place,
        what: &str,
    ) -> Result<Money, StatementError> {
        let refuse = || StatementError::amount(place, what, text);
        let written = numbers::split(text).ok_or_else(refuse)?;
        let exponent = currency.exponent();
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
    fn read(
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
            None => super::assumed_currency(options, warnings),
        };
        let closing = match self.ledger {
            Some(balance) => balance.read(numbers, currency, warnings)?,
            None => None,
        };
        let entries = self
            .entries
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
    fn read(
        self,
        numbers: Numbers,
        currency: Currency,
        warnings: &mut Vec<Warning>,
    ) -> Result<Option<Balance>, StatementError> {
        if self.amount.is_empty() {
            warnings.push(warning(
                "BALANCE_EMPTY",
                format!("Ligne {} : le solde est vide ; il n'est pas repris.", self.line),
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
    fn set(
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

    fn read(
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
                warnings.push(warning("DATE_OF_USER", format!("Ligne {} : l'opération n'a pas de date comptable (DTPOSTED) ; la date de l'opération (DTUSER) est reprise.", self.line)));
                user
            }
            (None, None) => return Err(StatementError::date(&place, "DTPOSTED", "")),
        };
        if self.kind.eq_ignore_ascii_case("DEBIT") && amount.minor.0 > 0 {
            warnings.push(warning("SIGN_ODD", format!("Ligne {} : un débit (TRNTYPE) de montant positif {} ; le signe du montant est gardé.", self.line, quoted(&amount.to_string()))));
        }
        let value_date =
            self.available.as_deref().map(|d| day(d, &place, "DTAVAIL")).transpose()?;
        Ok(Entry {
            booked,
            value_date,
            amount,
            label: super::label(&self.name, &self.memo),
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

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The day of `20140920170000.000[-5:EST]`, as the bank's clock has it.
fn day(text: &str, place: &Place, what: &str) -> Result<NaiveDate, StatementError> {
    let rest = text.get(8..).unwrap_or_default();
    let digits = text.get(..8).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
    let time = rest.split('[').next().unwrap_or_default();
    digits
        .filter(|_| time.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
        .and_then(|d| dates::iso(&format!("{}-{}-{}", &d[..4], &d[4..6], &d[6..])))
        .ok_or_else(|| StatementError::date(place, what, text))
}

#[cfg(test)]
mod tests;
