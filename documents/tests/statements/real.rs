//! Every file of `../shared/data/documents`: each transaction right, or a refusal that says why.

#![expect(clippy::print_stdout, reason = "the table of files is this test's report")]

use crate::theirs::{decimal, of_camt, of_mt940, of_ofx, of_qif, ours, text};
use quittance_documents::statement::{self, Options, StatementError};
use quittance_domain::statement::Statement;
use serde_json::Value;
use std::{fs, path::PathBuf};

/// The shared data, or a printed line and nothing.
pub(crate) fn shared_data(what: &str) -> Option<PathBuf> {
    let root = std::env::var_os("QUITTANCE_SHARED")
        .map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
            PathBuf::from,
        )
        .join("data")
        .join(what);
    if root.is_dir() {
        return Some(root);
    }
    eprintln!(
        "\n*** SKIPPED: no {}; set QUITTANCE_SHARED to the folder that holds data/ ***\n",
        root.display()
    );
    None
}

/// What a file must come to, where its own expected values are missing, or wrong for the reason given.
enum Ours {
    /// Refused with this code.
    Refused(&'static str, &'static str),
    /// Read: day, amount and currency of each transaction.
    Read(&'static [(&'static str, &'static str)], &'static str),
}

/// Files where the third-party expectation is absent or not followed, and why.
const OURS: &[(&str, Ours)] = &[
    (
        "kresus_checking.ofx",
        Ours::Read(
            &[
                ("2012-09-28", "19.90 NZD"),
                ("2012-09-28", "-1.01 NZD"),
                ("2012-09-07", "-100.00 NZD"),
                ("2012-09-07", "-71.99 NZD"),
                ("2012-01-04", "-20.01 NZD"),
            ],
            "ofxparse refuses it: the first has DTUSER but no DTPOSTED; DTUSER is taken and a warning says so",
        ),
    ),
    (
        "ofxparse_fail_nice_date_missing.ofx",
        Ours::Refused("DATE_MISSING", "ofxparse refuses it too: no date at all"),
    ),
    (
        "ofxparse_fail_nice_empty_balance.ofx",
        Ours::Read(
            &[("2011-03-08", "120.00 CAD")],
            "ofxparse refuses it for an empty balance; the transaction is whole, a warning says the balance is not",
        ),
    ),
    (
        "camt053.v2.multi.statement.xml",
        Ours::Read(
            &[("2014-12-31", "8.85 EUR"), ("2014-12-31", "-7.00 EUR")],
            "the dump has one of the two: its iterator lets the second statement's first entry replace the first's; balances not of this file's entries",
        ),
    ),
    (
        "camt054.v8-with-financial-institution.xml",
        Ours::Refused(
            "DATE_MISSING",
            "the expected entry has no date either: neither BookgDt nor ValDt is given",
        ),
    ),
    (
        "ASNB_0708271685_09022020_164516.940.txt",
        Ours::Read(
            &[
                ("2020-01-01", "-65.00 EUR"),
                ("2020-01-05", "1000.00 EUR"),
                ("2020-01-05", "-801.55 EUR"),
            ],
            "no expected values in the source; read off the file and checked by its balances, first three",
        ),
    ),
    (
        "beancount-import_generic_importer_csv_generic_statement.csv",
        Ours::Read(
            &[
                ("2020-01-01", "-1.00 EUR"),
                ("2020-01-01", "-1.00 EUR"),
                ("2020-01-02", "1.00 EUR"),
                ("2020-01-02", "500.00 EUR"),
                ("2020-01-02", "1.00 EUR"),
                ("2020-01-05", "300.00 EUR"),
            ],
            "read off the file; it names no currency, a warning says so",
        ),
    ),
    (
        "beancount-import_mint_mint.csv",
        Ours::Read(
            &[
                ("2016-08-10", "-2.45 EUR"),
                ("2013-11-27", "66.88 EUR"),
                ("2013-12-02", "-66.88 EUR"),
            ],
            "unsigned amounts beside debit/credit; two accounts; no currency",
        ),
    ),
    (
        "beancount-import_schwab_csv_test_lots_positions_lots_2020-08-25_FNDA.csv",
        Ours::Refused("CSV_MAPPING_NEEDED", "lots of a security, no movements of an account"),
    ),
    (
        "beancount-import_schwab_csv_test_lots_positions_lots_2020-08-25_SCHA.csv",
        Ours::Refused("CSV_MAPPING_NEEDED", "lots of a security, no movements of an account"),
    ),
    (
        "beancount-import_venmo_transactions.csv",
        Ours::Read(
            &[
                ("2017-04-25", "-220.00 USD"),
                ("2017-09-02", "-559.00 USD"),
                ("2017-09-06", "1150.00 USD"),
                ("2017-09-06", "-1150.00 USD"),
                ("2018-04-05", "-120.00 USD"),
                ("2018-04-17", "-3.00 USD"),
                ("2018-05-01", "1423.73 USD"),
                ("2018-05-19", "-82.50 USD"),
                ("2018-05-19", "-1341.23 USD"),
                ("2022-01-09", "-2.24 USD"),
                ("2022-02-18", "-22.84 USD"),
            ],
            "read off the file; a dollar sign is taken as USD and a warning says so",
        ),
    ),
    (
        "bsp_camt.053.001.02.xml",
        Ours::Read(
            &[
                ("2010-10-18", "105678.50 SEK"),
                ("2010-10-18", "-200000.00 SEK"),
                ("2010-10-18", "30000.00 SEK"),
            ],
            "read off the file; its balances prove the sum",
        ),
    ),
    (
        "bsp_golden_camt053_garbled_amount.xml",
        Ours::Refused("AMOUNT_UNREADABLE", "12..34 is no amount"),
    ),
    (
        "bsp_golden_camt053_multicurrency.xml",
        Ours::Read(
            &[
                ("2026-04-10", "1250.50 EUR"),
                ("2026-04-15", "-500.25 EUR"),
                ("2026-04-20", "-99.99 USD"),
            ],
            "two statements",
        ),
    ),
    (
        "bsp_golden_camt053_no_namespace.xml",
        Ours::Read(&[("2026-04-12", "250.00 GBP")], "no namespace"),
    ),
    (
        "bsp_golden_csv_european_decimals.csv",
        Ours::Read(
            &[
                ("2026-04-02", "-1234.56 EUR"),
                ("2026-04-05", "3500.00 EUR"),
                ("2026-04-09", "-4.50 EUR"),
            ],
            "German headers, decimal comma",
        ),
    ),
    (
        "bsp_golden_csv_french_headers.csv",
        Ours::Read(
            &[
                ("2026-04-02", "-1234.56 EUR"),
                ("2026-04-05", "3500.00 EUR"),
                ("2026-04-09", "-4.50 EUR"),
            ],
            "French headers, debit and credit",
        ),
    ),
    (
        "bsp_golden_csv_garbled_amount.csv",
        Ours::Refused("AMOUNT_UNREADABLE", "12..34 is no amount; line 3, column 3"),
    ),
    ("bsp_sample.qfx", Ours::Read(&[("2026-03-22", "-15.00 USD")], "QFX is OFX")),
    (
        "bsp_sample_split_amounts.csv",
        Ours::Read(
            &[("2026-03-20", "1250.50 EUR"), ("2026-03-21", "-200.25 EUR")],
            "credit and debit columns, running balance",
        ),
    ),
    (
        "ledger-autosync_amazon.csv",
        Ours::Refused("CSV_MAPPING_NEEDED", "orders of a shop: several prices, none a movement"),
    ),
    (
        "ledger-autosync_amazon2.csv",
        Ours::Refused("CSV_MAPPING_NEEDED", "orders of a shop: several prices, none a movement"),
    ),
    (
        "ledger-autosync_paypal.csv",
        Ours::Refused(
            "CSV_MAPPING_NEEDED",
            "6/4/2016 may be June or April and nothing in the file decides",
        ),
    ),
    (
        "ledger-autosync_paypal_alternate.csv",
        Ours::Read(
            &[("2016-12-31", "-12.34 EUR"), ("2016-12-31", "12.34 EUR")],
            "31 proves month before day; no currency, a warning says so",
        ),
    ),
];

fn read(bytes: &[u8], name: &str) -> Result<Statement, StatementError> {
    statement::parse(bytes, &Options { filename: Some(name.to_owned()), ..Options::default() })
}

fn check(family: &str, folder: &std::path::Path, truth: &Value) -> Result<String, String> {
    let name = text(&truth["file"]);
    let bytes = fs::read(folder.join(&name)).map_err(|e| e.to_string())?;
    let read = read(&bytes, &name);
    if let Some((_, ours)) = OURS.iter().find(|(file, _)| *file == name) {
        return compare_ours(ours, &read);
    }
    let statement = read.map_err(|e| format!("refused: {e}"))?;
    let expected = match truth["expected_file"].as_str() {
        Some(file) => fs::read_to_string(folder.join(file)).map_err(|e| e.to_string())?,
        None => truth["expected"].to_string(),
    };
    let json = || serde_json::from_str::<Value>(&expected).map_err(|e| e.to_string());
    let (expected, found) = match family {
        "ofx" => (of_ofx(&json()?), ours(&statement, true, true, false)),
        "qif" => (of_qif(&json()?), ours(&statement, false, false, false)),
        "camt" => (of_camt(&json()?), ours(&statement, true, true, false)),
        _ => {
            let mut expected = of_mt940(&expected);
            let found = ours(&statement, false, true, true);
            // The dump's pattern lets `NONREF//0724…` run on as the owner's reference, so that it has no bank
            // reference where the line has one.
            for (said, found) in expected.iter_mut().zip(found) {
                said.id = said.id.take().or(found.id);
            }
            let currency = expected.iter().all(|s| s.currency.is_some());
            (expected, ours(&statement, currency, true, true))
        }
    };
    if expected != found {
        return Err(format!("expected {expected:#?}\nfound {found:#?}"));
    }
    further(family, truth, &statement)?;
    Ok(format!("{} of {} transactions as expected", found.len(), expected.len()))
}

/// Payees, accounts and balances where the expected values have them.
fn further(family: &str, truth: &Value, statement: &Statement) -> Result<(), String> {
    let accounts = truth["expected"]["accounts"].as_array().cloned().unwrap_or_default();
    for (expected, account) in accounts.iter().zip(&statement.accounts) {
        let closing = account.closing.as_ref().map(|b| b.amount.minor.to_decimal(2));
        if closing.as_deref().map(decimal) != expected["balance"].as_str().map(decimal)
            || account.account.as_deref() != expected["account"].as_str()
        {
            return Err(format!("account or balance: {account:?}"));
        }
    }
    let rows =
        accounts.iter().flat_map(|a| a["transactions"].as_array().cloned().unwrap_or_default());
    let rows: Vec<Value> = rows
        .chain(truth["expected"]["transactions"].as_array().cloned().unwrap_or_default())
        .collect();
    for (expected, entry) in rows.iter().zip(statement.accounts.iter().flat_map(|a| &a.entries)) {
        let payee = text(&expected["payee"]);
        let memo = text(&expected["memo"]).split_whitespace().collect::<Vec<_>>().join(" ");
        if entry.counterparty.clone().unwrap_or_default() != payee
            || !entry.label.ends_with(&memo)
            || (family == "qif" && entry.category.as_deref() != expected["category"].as_str())
        {
            return Err(format!("texts of {entry:?}"));
        }
    }
    Ok(())
}

fn compare_ours(ours: &Ours, read: &Result<Statement, StatementError>) -> Result<String, String> {
    match (ours, read) {
        (Ours::Refused(code, why), Err(error)) if error.code() == *code => {
            Ok(format!("refused ({why}): {}", error.english()))
        }
        (Ours::Read(rows, why), Ok(statement)) => {
            let found: Vec<(String, String)> = statement
                .accounts
                .iter()
                .flat_map(|a| &a.entries)
                .map(|e| (e.booked.to_string(), e.amount.to_string()))
                .collect();
            let all = rows.iter().zip(&found).all(|(e, f)| (f.0.as_str(), f.1.as_str()) == *e);
            let balanced = why.contains("balances not")
                || statement.warnings.iter().all(|w| w.code != "BALANCE_MISMATCH");
            let whole =
                found.len() == rows.len() || (why.contains("first three") && found.len() >= 3);
            if all && whole && balanced {
                Ok(format!("{} transactions ({why})", found.len()))
            } else {
                Err(format!("found {found:#?} {:?}", statement.warnings))
            }
        }
        (_, read) => Err(format!("{read:?}")),
    }
}

#[test]
fn every_file_is_right_or_refused_with_a_reason() {
    let Some(root) = shared_data("documents") else { return };
    let (mut files, mut wrong) = (0, Vec::new());
    for family in ["ofx", "qif", "camt", "mt940", "bank-misc"] {
        let folder = root.join(family);
        for line in fs::read_to_string(folder.join("truth.jsonl")).unwrap().lines() {
            let truth: Value = serde_json::from_str(line).unwrap();
            files += 1;
            let outcome = check(family, &folder, &truth);
            let (mark, what) = match &outcome {
                Ok(what) => ("ok   ", what),
                Err(what) => ("WRONG", what),
            };
            println!("{mark} {family}/{}: {what}", text(&truth["file"]));
            if outcome.is_err() {
                wrong.push(text(&truth["file"]));
            }
        }
    }
    assert!(files >= 60, "only {files} files");
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn hostile_files_are_refused_or_read() {
    let Some(root) = shared_data("hostile") else { return };
    for line in fs::read_to_string(root.join("expected.jsonl")).unwrap().lines() {
        let name = text(&serde_json::from_str::<Value>(line).unwrap()["file"]);
        let Ok(bytes) = fs::read(root.join(&name)) else { continue };
        let read = read(&bytes, &name);
        match name.as_str() {
            "csv_formula.csv" => {
                let statement = read.unwrap();
                let labels: Vec<&str> =
                    statement.accounts[0].entries.iter().map(|e| e.label.as_str()).collect();
                assert_eq!(labels, ["=HYPERLINK(\"http://x/\",\"a\")", "@SUM(1+1)"]);
            }
            "csv_utf16.csv" => {
                let statement = read.unwrap();
                let entry = &statement.accounts[0].entries[0];
                assert_eq!(
                    (entry.label.as_str(), entry.amount.minor.0, entry.booked.to_string().as_str()),
                    ("Café", -1230, "2024-02-01")
                );
            }
            _ => {
                assert_eq!(statement::sniff(&bytes, Some(&name)), None, "{name}");
                assert_eq!(read.unwrap_err().code(), "FORMAT_UNKNOWN", "{name}");
            }
        }
    }
}
