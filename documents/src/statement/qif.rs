//! QIF: one letter a line, `^` ends a record. It names neither currency nor the order of its dates.

use super::{
    DateOrder, Options, StatementError,
    dates::{self, Parts, Undecided},
    error::{Place, quoted, warning},
    numbers::{self, Evidence, Written},
};
use crate::encoding;
use quittance_domain::{
    document::Warning,
    money::Money,
    statement::{Balance, Entry, Statement, StatementAccount},
};

/// One field: its line and what stands behind the letter.
type Field<'a> = Option<(u32, &'a str)>;

/// One record as it is written.
#[derive(Default)]
struct Raw<'a> {
    line: u32,
    date: Field<'a>,
    /// `T`.
    total: Field<'a>,
    /// `U`: the same once more, for programs whose `T` is too short for it; before or behind it.
    exact: Field<'a>,
    payee: &'a str,
    memo: Vec<&'a str>,
    number: &'a str,
    category: &'a str,
    bank: &'a str,
}

/// What a section's records are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Nothing,
    Entries,
    Account,
    /// Categories, classes, memorised payees: nothing that moved.
    List,
}

impl<'a> Raw<'a> {
    fn amount(&self) -> Field<'a> {
        self.total.or(self.exact)
    }

    /// It says that something moved.
    fn begun(&self) -> bool {
        self.date.is_some() || self.amount().is_some()
    }
}

struct Reader<'a> {
    section: Section,
    accounts: Vec<(Option<&'a str>, Vec<Raw<'a>>)>,
    account: Option<&'a str>,
    record: Option<Raw<'a>>,
    warnings: Vec<Warning>,
}

pub(super) fn parse(bytes: &[u8], options: &Options) -> Result<Statement, StatementError> {
    let text = encoding::decode(bytes, None).text;
    let mut reader = Reader {
        section: Section::Nothing,
        accounts: Vec::new(),
        account: None,
        record: None,
        warnings: Vec::new(),
    };
    let mut number = 0_u32;
    for line in text.split('\n').flat_map(|line| line.trim_end_matches('\r').split('\r')) {
        number = number.saturating_add(1);
        let line = line.trim_end_matches(['\u{1a}', ' ', '\t']);
        if !line.is_empty() {
            reader.line(number, line)?;
        }
    }
    if let Some(record) = reader.record.take().filter(Raw::begun) {
        return Err(StatementError::truncated(&Place::line(record.line), "^"));
    }
    reader.statement(options)
}

impl<'a> Reader<'a> {
    fn line(&mut self, number: u32, line: &'a str) -> Result<(), StatementError> {
        if let Some(header) = line.strip_prefix('!') {
            return self.header(number, header);
        }
        match self.section {
            Section::List => Ok(()),
            Section::Nothing => Err(unknown(number, line)),
            Section::Account => {
                match line.strip_prefix('N') {
                    Some(name) => self.account = Some(name.trim()),
                    None if line == "^" => {
                        if let Some(name) = self.account {
                            self.accounts.push((Some(name), Vec::new()));
                        }
                    }
                    None => {}
                }
                Ok(())
            }
            Section::Entries => self.field(number, line),
        }
    }

    fn header(&mut self, number: u32, header: &'a str) -> Result<(), StatementError> {
        if let Some(record) = self.record.take().filter(Raw::begun) {
            return Err(StatementError::truncated(&Place::line(record.line), "^"));
        }
        let lower = header.trim().to_lowercase();
        let Some(kind) = lower.strip_prefix("type:") else {
            if lower.starts_with("account") {
                (self.section, self.account) = (Section::Account, None);
            }
            return Ok(());
        };
        self.section = match kind.trim() {
            "invst" | "invest" | "port" => {
                return Err(StatementError::new(
                    "INVESTMENTS_UNSUPPORTED",
                    format!(
                        "Ligne {number} : le fichier contient des opérations sur titres, qui ne sont pas lues. Exportez le compte courant seul."
                    ),
                    format!(
                        "Line {number}: the file holds trades of securities, which are not read. Export the current account alone."
                    ),
                ));
            }
            "cat" | "class" | "memorized" | "tag" | "security" | "prices" | "budget"
            | "template" => {
                self.warnings.push(warning(
                    "LIST_SKIPPED",
                    format!("Ligne {number} : la liste {} ne contient pas d'opérations ; elle n'est pas reprise.", quoted(kind)),
                    format!("Line {number}: the list {} holds no transactions; it is left out.", quoted(kind)),
                ));
                Section::List
            }
            _ => {
                let named = self
                    .account
                    .filter(|name| self.accounts.last().is_some_and(|(n, _)| *n == Some(*name)));
                if named.is_none() {
                    self.accounts.push((None, Vec::new()));
                }
                Section::Entries
            }
        };
        Ok(())
    }

    fn field(&mut self, number: u32, line: &'a str) -> Result<(), StatementError> {
        if line == "^" {
            if let (Some(record), Some((_, entries))) =
                (self.record.take(), self.accounts.last_mut())
            {
                entries.push(record);
            }
            return Ok(());
        }
        let record = self.record.get_or_insert_with(|| Raw { line: number, ..Raw::default() });
        let mut letters = line.chars();
        let letter = letters.next().unwrap_or_default();
        let value = letters.as_str().trim();
        match letter {
            'D' | 'T' | 'U' => {
                let slot = match letter {
                    'D' => &mut record.date,
                    'T' => &mut record.total,
                    _ => &mut record.exact,
                };
                if slot.replace((number, value)).is_some() {
                    // Two records that ran into each other.
                    return Err(StatementError::truncated(&Place::line(number), "^"));
                }
            }
            'P' => record.payee = value,
            'M' => record.memo.push(value),
            'N' => record.number = value,
            'L' => record.category = value,
            '#' => record.bank = value,
            // Cleared, address, splits (parts of T), flags, reimbursement: nothing of its own moved.
            'C' | 'A' | 'S' | 'E' | '$' | '%' | 'F' | 'X' | 'Y' | 'I' | 'Q' | 'O' | 'K' | 'B'
            | 'R' => {}
            _ => return Err(unknown(number, line)),
        }
        Ok(())
    }

    fn statement(mut self, options: &Options) -> Result<Statement, StatementError> {
        let currency = super::assumed_currency(options, &mut self.warnings);
        let exponent = currency.exponent();
        let mut evidence = Evidence::default();
        let mut parts = Vec::new();
        for record in self.accounts.iter().flat_map(|(_, records)| records) {
            let (_, amount) = record.amount().unwrap_or_default();
            evidence.add(amount, exponent);
            let (line, date) = record.date.unwrap_or((record.line, ""));
            parts.push(
                dates::split(date)
                    .ok_or_else(|| StatementError::date(&Place::line(line), "D", date))?,
            );
        }
        let order = order(&parts, options, &self.accounts)?;
        let mut parts = parts.into_iter();
        let mut accounts = Vec::new();
        for (name, records) in &self.accounts {
            let mut account = StatementAccount {
                account: name.map(str::to_owned),
                ..StatementAccount::default()
            };
            for record in records {
                let entry = record.read(parts.next(), order, |written| {
                    written
                        .read(evidence.decimal(), exponent)
                        .map(|minor| Money { minor, currency })
                })?;
                let opening =
                    ["opening balance", "solde initial", "solde d'ouverture", "anfangssaldo"];
                if account.entries.is_empty()
                    && opening.contains(&record.payee.to_lowercase().as_str())
                {
                    account.opening =
                        Some(Balance { date: Some(entry.booked), amount: entry.amount });
                } else {
                    account.entries.push(entry);
                }
            }
            accounts.push(account);
        }
        if accounts.len() > 1 {
            accounts.retain(|a| a.opening.is_some() || !a.entries.is_empty());
        }
        Ok(Statement { format: "qif".into(), accounts, warnings: self.warnings })
    }
}

/// The dates' order as they prove it, else as the caller says.
fn order(
    parts: &[Parts],
    options: &Options,
    accounts: &[(Option<&str>, Vec<Raw<'_>>)],
) -> Result<DateOrder, StatementError> {
    let found = match (dates::order(parts.iter(), options.today), options.date_order) {
        (Ok(order), _) | (Err(Undecided::Several | Undecided::YearFirst), Some(order)) => {
            return Ok(order);
        }
        (Err(undecided), _) => undecided,
    };
    let first =
        accounts.iter().flat_map(|(_, records)| records).find_map(|r| r.date).unwrap_or_default();
    Err(match found {
        Undecided::Several => StatementError::new(
            "DATE_ORDER_UNSURE",
            format!(
                "Ligne {} : {} peut se lire jour/mois ou mois/jour, et aucune date du fichier ne tranche. Indiquez l'ordre (dateOrder : dmy ou mdy).",
                first.0,
                quoted(first.1)
            ),
            format!(
                "Line {}: {} may be day/month or month/day, and no date of the file decides. Say the order (dateOrder: dmy or mdy).",
                first.0,
                quoted(first.1)
            ),
        ),
        Undecided::YearFirst => StatementError::new(
            "DATE_ORDER_UNSURE",
            format!(
                "Ligne {} : {} peut commencer par le jour ou par l'année, et aucune date du fichier ne tranche. Indiquez l'ordre (dateOrder : dmy, mdy ou ymd).",
                first.0,
                quoted(first.1)
            ),
            format!(
                "Line {}: {} may begin with the day or with the year, and no date of the file decides. Say the order (dateOrder: dmy, mdy or ymd).",
                first.0,
                quoted(first.1)
            ),
        ),
        Undecided::None => {
            let bad = |order: DateOrder| {
                let dates = accounts.iter().flat_map(|(_, records)| records).filter_map(|r| r.date);
                parts
                    .iter()
                    .zip(dates)
                    .filter(|(p, _)| p.date(order).is_none())
                    .map(|(_, d)| d)
                    .collect::<Vec<_>>()
            };
            // The order that fits best names the dates that do not.
            let wrong = [DateOrder::Dmy, DateOrder::Mdy, DateOrder::Ymd].map(bad);
            let (line, text) = wrong
                .iter()
                .min_by_key(|w| w.len())
                .and_then(|w| w.first().copied())
                .unwrap_or(first);
            StatementError::date(&Place::line(line), "D", text)
        }
    })
}

impl Raw<'_> {
    fn read(
        &self,
        date: Option<Parts>,
        order: DateOrder,
        money: impl Fn(&Written) -> Option<Money>,
    ) -> Result<Entry, StatementError> {
        let (date_line, date_text) = self.date.unwrap_or((self.line, ""));
        let booked = date
            .and_then(|d| d.date(order))
            .ok_or_else(|| StatementError::date(&Place::line(date_line), "D", date_text))?;
        let (line, text) = self.amount().unwrap_or((self.line, ""));
        let amount = numbers::split(text)
            .and_then(|written| money(&written))
            .ok_or_else(|| StatementError::amount(&Place::line(line), "T", text))?;
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(Entry {
            booked,
            value_date: None,
            amount,
            label: super::label(self.payee, &self.memo.join(" ")),
            counterparty: some(self.payee),
            counterparty_account: None,
            bank_id: some(self.bank),
            reference: some(self.number),
            pending: false,
            category: some(self.category),
            place: self.line,
        })
    }
}

fn unknown(number: u32, line: &str) -> StatementError {
    StatementError::new(
        "LINE_UNKNOWN",
        format!(
            "Ligne {number} : {} n'est pas une ligne QIF. Le fichier est abîmé ; téléchargez-le de nouveau.",
            quoted(line)
        ),
        format!(
            "Line {number}: {} is no line of QIF. The file is damaged; download it again.",
            quoted(line)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Statement, StatementError> {
        super::super::parse(text.as_bytes(), &Options::default())
    }

    #[test]
    fn a_french_file() {
        let text = "!Type:Bank\r\nD31/01/2024\r\nT-1 234,56\r\nN1234567\r\nPLOYER\r\nMJanvier\r\n^\r\nD02/02/2024\r\nT2.500,00\r\nPSALAIRE\r\nLRevenus:Salaire\r\n^\r\n";
        let statement = read(text).unwrap();
        let entries = &statement.accounts[0].entries;
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].amount.to_string(), "-1234.56 EUR");
        assert_eq!(entries[0].booked.to_string(), "2024-01-31");
        assert_eq!(
            (entries[0].label.as_str(), entries[0].reference.as_deref()),
            ("LOYER Janvier", Some("1234567"))
        );
        assert_eq!(entries[1].amount.minor.0, 250_000);
        assert_eq!(entries[1].category.as_deref(), Some("Revenus:Salaire"));
        assert_eq!(statement.warnings[0].code, "CURRENCY_ASSUMED");
    }

    #[test]
    fn accounts_opening_balance_and_splits() {
        let text = "!Option:AutoSwitch\n!Account\nNCompte joint\nTBank\n^\n!Type:Bank\nD1/13'24\nT100.00\nPOpening Balance\nL[Compte joint]\n^\nD1/14'24\nT-30.00\nPShop\nSFood\n$-20.00\nSHome\n$-10.00\n^\n!Type:Cat\nNFood\n^\n";
        let statement = read(text).unwrap();
        let account = &statement.accounts[0];
        assert_eq!(account.account.as_deref(), Some("Compte joint"));
        assert_eq!(account.opening.as_ref().unwrap().amount.minor.0, 10_000);
        assert_eq!(account.entries.len(), 1);
        assert_eq!(account.entries[0].amount.minor.0, -3000);
    }

    #[test]
    fn the_amount_may_stand_twice_in_any_order() {
        for amounts in ["U-12.50\nT-12.50", "T-12.50\nU-12.50", "U-12.50", "T-12.50"] {
            let statement = read(&format!("!Type:Bank\nD31/01/2024\n{amounts}\nPX\n^\n")).unwrap();
            assert_eq!(statement.accounts[0].entries[0].amount.minor.0, -1250, "{amounts}");
        }
    }

    #[test]
    fn damage_is_named() {
        for (text, code, place) in [
            ("!Type:Bank\nD31/01/2024\nT-1..5\n^\n", "AMOUNT_UNREADABLE", "Ligne 3"),
            ("!Type:Bank\nD31/01/2024\nPx\n^\n", "AMOUNT_MISSING", "Ligne 2"),
            ("!Type:Bank\nT5\n^\n", "DATE_MISSING", "Ligne 2"),
            ("!Type:Bank\nD31/02/2024\nT5\n^\n", "DATE_UNREADABLE", "Ligne 2"),
            ("!Type:Bank\nD01/02/2024\nT5\n^\n", "DATE_ORDER_UNSURE", "Ligne 2"),
            ("!Type:Bank\nD24/01/31\nT5\n^\nD24/02/28\nT5\n^\n", "DATE_ORDER_UNSURE", "Ligne 2"),
            ("!Type:Bank\nD31/01/2024\nT-1", "FILE_TRUNCATED", "Ligne 2"),
            ("!Type:Bank\nD31/01/2024\nT-1\nD31/01/2024\nT-2\n^", "FILE_TRUNCATED", "Ligne 4"),
            ("!Type:Bank\nD31/01/2024\nU-1\nU-2\n^", "FILE_TRUNCATED", "Ligne 4"),
            ("!Type:Bank\nU-1", "FILE_TRUNCATED", "Ligne 2"),
            ("!Type:Bank\n<html>\n^", "LINE_UNKNOWN", "Ligne 2"),
            ("!Type:Invst\nD31/01/2024\n^", "INVESTMENTS_UNSUPPORTED", "Ligne 1"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.code(), code, "{text}");
            assert!(error.french().contains(place), "{}", error.french());
        }
        let options = Options { date_order: Some(DateOrder::Dmy), ..Options::default() };
        assert!(super::super::parse(b"!Type:Bank\nD01/02/2024\nT5\n^\n", &options).is_ok());
    }
}
