//! OFX 1.x (SGML, most elements not closed) and 2.x (XML), with one reader, since banks mix both in one file.

use super::{
    Options, StatementError,
    error::{Place, warning},
    numbers::Evidence,
};
use crate::encoding;
use quittance_domain::{document::Warning, statement::Statement};

mod corrections;
mod raw;
mod scan;
use raw::{Numbers, Raw, RawAccount, RawBalance};
use scan::{Event, Scanner};

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
            self.warnings.push(warning(
                "OFX_STATUS_ERROR",
                format!("Ligne {line} : la banque signale une erreur dans ce fichier ; il est peut-être incomplet."),
                format!("Line {line}: the bank reports an error in this file; it is perhaps incomplete."),
            ));
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
        // Without other proof the standard holds: no separator of thousands, one decimal sign; `1,500` stays open.
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

#[cfg(test)]
mod tests;
