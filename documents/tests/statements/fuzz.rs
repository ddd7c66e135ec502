//! No input panics, never ends, or loses a transaction. `PROPTEST_CASES` sets how many inputs are tried.

use proptest::{collection::vec, prelude::*};
use quittance_documents::statement::{self, Options};
use quittance_domain::statement::Statement;
use std::{sync::mpsc, thread, time::Duration};

/// One movement to write in every format.
#[derive(Clone, Debug)]
struct Movement {
    /// Days after 1 January 2024.
    day: u32,
    minor: i64,
    label: String,
}

/// None of nothing: where a letter destroys a movement's tag in MT940 only the balance tells, and it would not.
fn movements() -> impl Strategy<Value = Vec<Movement>> {
    let movement = (0_u32..366, -9_999_999_i64..=9_999_999, "[A-Z]{3,12}( [A-Z]{3,9}){0,2}")
        .prop_map(|(day, minor, label)| Movement {
            day,
            minor: if minor == 0 { 1 } else { minor },
            label,
        });
    vec(movement, 1..20)
}

/// The formats of this test.
const FORMATS: [&str; 6] = ["ofx", "xml", "qif", "camt", "mt940", "csv"];

fn date(day: u32, pattern: &str) -> String {
    let first = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
    (first + chrono::Days::new(u64::from(day))).format(pattern).to_string()
}

fn amount(minor: i64, sign: &str) -> String {
    let minus = if minor < 0 { "-" } else { "" };
    format!("{minus}{}{sign}{:02}", minor.abs() / 100, minor.abs() % 100)
}

fn write(format: &str, movements: &[Movement]) -> String {
    let side = |m: &Movement, credit: &str, debit: &str| {
        if m.minor < 0 { debit.to_owned() } else { credit.to_owned() }
    };
    let each = |row: &dyn Fn(&Movement) -> String| movements.iter().map(row).collect::<String>();
    match format {
        "ofx" => {
            let rows = each(&|m| {
                format!(
                    "<STMTTRN>\n<TRNTYPE>OTHER\n<DTPOSTED>{}\n<TRNAMT>{}\n<NAME>{}\n</STMTTRN>\n",
                    date(m.day, "%Y%m%d"),
                    amount(m.minor, "."),
                    m.label
                )
            });
            format!(
                "OFXHEADER:100\nDATA:OFXSGML\n\n<OFX>\n<BANKMSGSRSV1>\n<STMTRS>\n<CURDEF>EUR\n<BANKTRANLIST>\n{rows}</BANKTRANLIST>\n</STMTRS>\n</BANKMSGSRSV1>\n</OFX>\n"
            )
        }
        "xml" => {
            let rows = each(&|m| {
                format!(
                    "<STMTTRN><TRNTYPE>OTHER</TRNTYPE><DTPOSTED>{}</DTPOSTED><TRNAMT>{}</TRNAMT><NAME>{}</NAME></STMTTRN>\n",
                    date(m.day, "%Y%m%d"),
                    amount(m.minor, ","),
                    m.label
                )
            });
            format!(
                "<?xml version=\"1.0\"?><?OFX OFXHEADER=\"200\"?><OFX><STMTRS><CURDEF>EUR</CURDEF><BANKTRANLIST>{rows}</BANKTRANLIST></STMTRS></OFX>"
            )
        }
        "qif" => {
            // A last one whose date proves the order.
            let rows = each(&|m| {
                format!(
                    "D{}\nT{}\nP{}\n^\n",
                    date(m.day, "%d/%m/%Y"),
                    amount(m.minor, ","),
                    m.label
                )
            });
            format!("!Type:Bank\n{rows}D31/12/2024\nT0,00\nPFIN\n^\n")
        }
        "camt" => {
            let rows = each(&|m| {
                format!(
                    "<Ntry><Amt Ccy=\"EUR\">{}</Amt><CdtDbtInd>{}</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>{}</Dt></BookgDt><AddtlNtryInf>{}</AddtlNtryInf></Ntry>\n",
                    amount(m.minor.abs(), "."),
                    side(m, "CRDT", "DBIT"),
                    date(m.day, "%Y-%m-%d"),
                    m.label
                )
            });
            format!(
                "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><Stmt>{rows}</Stmt></BkToCstmrStmt></Document>"
            )
        }
        "mt940" => {
            let rows = each(&|m| {
                format!(
                    ":61:{}{}{}NTRFNONREF\n:86:{}\n",
                    date(m.day, "%y%m%d"),
                    side(m, "C", "D"),
                    amount(m.minor.abs(), ","),
                    m.label
                )
            });
            format!(":20:X\n:25:1/2\n:60F:C240101EUR0,\n{rows}:62F:C241231EUR0,\n-\n")
        }
        _ => {
            let rows = each(&|m| {
                format!("{};{};{};EUR\n", date(m.day, "%d/%m/%Y"), m.label, amount(m.minor, ","))
            });
            format!("Date opération;Libellé;Montant;Devise\n{rows}31/12/2024;FIN;0,00;EUR\n")
        }
    }
}

/// Formats whose day/month order the file itself must prove end with a row of their own.
fn closing_row(format: &str) -> usize {
    usize::from(matches!(format, "qif" | "csv"))
}

fn read(bytes: &[u8]) -> Result<Statement, statement::StatementError> {
    let read = statement::parse(bytes, &Options::default());
    if let Err(error) = &read {
        assert!(
            !error.french().is_empty() && !error.english().is_empty() && !error.code().is_empty()
        );
    }
    read
}

fn entries(statement: &Statement) -> usize {
    statement.accounts.iter().map(|a| a.entries.len()).sum()
}

/// Movements that were left out, and said so.
fn left_out(statement: &Statement) -> usize {
    statement
        .warnings
        .iter()
        .filter(|w| matches!(w.code.as_str(), "ROW_SKIPPED" | "ROW_VOID" | "ROW_PENDING"))
        .count()
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_written_is_read(movements in movements()) {
        for format in FORMATS {
            let text = write(format, &movements);
            let statement = read(text.as_bytes()).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
            let found: Vec<(String, i64, String)> = statement.accounts.iter().flat_map(|a| &a.entries).take(movements.len())
                .map(|e| (e.booked.to_string(), e.amount.minor.0, e.label.clone())).collect();
            let expected: Vec<(String, i64, String)> = movements.iter().map(|m| (date(m.day, "%Y-%m-%d"), m.minor, m.label.clone())).collect();
            prop_assert_eq!(found, expected, "{}", text);
            prop_assert_eq!(entries(&statement), movements.len() + closing_row(format));
        }
    }

    #[test]
    fn a_changed_letter_loses_nothing_silently(movements in movements(), at in any::<prop::sample::Index>(), letter in "[ -~é]") {
        for format in FORMATS {
            let text = write(format, &movements);
            // Within the movements: what a change does to the frame is told by the frame's own tests.
            let marks = ["<STMTTRN>", "D", "<Ntry>", ":61:", "Devise\n"];
            let from = marks.iter().filter_map(|m| text.find(m)).filter(|at| *at > 0).max().unwrap_or(0);
            let places: Vec<usize> = text.char_indices().map(|(i, _)| i).filter(|i| *i > from && !text[*i..].starts_with('\n')).collect();
            let place = *at.get(&places);
            let width = text[place..].chars().next().map_or(1, char::len_utf8);
            let changed = format!("{}{letter}{}", &text[..place], &text[place + width..]);
            if let Ok(statement) = read(changed.as_bytes()) {
                let wanted = movements.len() + closing_row(format);
                let found = entries(&statement) + left_out(&statement);
                let said = statement.warnings.iter().any(|w| w.code == "BALANCE_MISMATCH" || w.code == "COUNT_MISMATCH");
                prop_assert!(found >= wanted || said, "{} of {}\n{}", found, wanted, changed);
            }
        }
    }

    #[test]
    fn a_cut_loses_nothing_silently(movements in movements(), at in any::<prop::sample::Index>()) {
        // Tables end anywhere, so a cut between two rows cannot be seen; within one it is.
        for format in ["ofx", "xml", "qif", "camt"] {
            let text = write(format, &movements);
            let cut = &text[..at.index(text.len())];
            if let Ok(statement) = read(cut.as_bytes()) {
                let whole = cut.matches('^').count();
                prop_assert!(format == "qif" && entries(&statement) == whole || entries(&statement) >= movements.len(), "{}", cut);
            }
        }
    }

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..2000)) {
        let _ = statement::sniff(&bytes, None);
        let _ = statement::sniff(&bytes, Some("a.csv"));
        let _ = read(&bytes);
    }

    #[test]
    fn any_bytes_behind_a_beginning(format in prop::sample::select(FORMATS.to_vec()), movements in movements(), bytes in vec(any::<u8>(), 0..400), at in any::<prop::sample::Index>()) {
        let mut file = write(format, &movements).into_bytes();
        let at = at.index(file.len());
        file.splice(at..at, bytes);
        let _ = read(&file);
    }

    #[test]
    fn pieces_in_any_order(pieces in vec(prop::sample::select(PIECES.to_vec()), 0..60)) {
        let _ = read(pieces.concat().as_bytes());
        for first in ["<OFX>", "!Type:Bank\n", ":20:X\n:25:1\n", "Date;Libellé;Montant\n", "<Document><BkToCstmrStmt><Stmt>"] {
            let _ = read(format!("{first}{}", pieces.concat()).as_bytes());
        }
    }
}

const PIECES: [&str; 44] = [
    "<STMTTRN>",
    "</STMTTRN>",
    "<DTPOSTED>20240101",
    "<TRNAMT>1,00",
    "<TRNAMT>",
    "</OFX>",
    "<![CDATA[",
    "]]>",
    "&amp;",
    "&#x1F600;",
    "&#0;",
    "<!--",
    "-->",
    "<?",
    "<!DOCTYPE",
    "<Ntry>",
    "</Ntry>",
    "<Amt Ccy=\"EUR\">1</Amt>",
    "<CdtDbtInd>DBIT</CdtDbtInd>",
    "<BookgDt><Dt>2024-01-01</Dt></BookgDt>",
    "\n^\n",
    "\nD1/2'24",
    "\nT-1.00",
    "\nSx",
    "\n!Account\n",
    "\n:61:2401010101D1,00NTRFx//y",
    "\n:86:166?00a?20b?32c",
    "\n:86:/IBAN/x/NAME/y/REMI/z",
    "\n:60F:C240101EUR1,00",
    "\n:62F:",
    "\n-}",
    "\n{4:\n",
    "\n01/02/2024;a;-1,00",
    "\n;;;",
    "\nTotal;;3",
    "\"",
    ";",
    ",",
    "\t",
    "é",
    "\u{202f}",
    "(1.00)",
    "\r\n",
    "\0",
];

/// How long all of the large inputs may take together. This measures nothing: they take seconds, and a parser that is
/// quadratic in any of the hundred takes hours. It only makes such a parser a failure instead of a run without an end.
const NEVER: Duration = Duration::from_mins(10);

#[test]
fn large_and_repeated_inputs_come_to_an_end() {
    let (done, ended) = mpsc::channel();
    let reading = thread::spawn(move || {
        large_and_repeated();
        done.send(()).unwrap();
    });
    let end = ended.recv_timeout(NEVER);
    assert!(end != Err(mpsc::RecvTimeoutError::Timeout), "no end after {NEVER:?}");
    reading.join().unwrap();
}

/// Inputs that make a careless parser quadratic.
fn large_and_repeated() {
    let many = |piece: &str| piece.repeat(200_000 / piece.len());
    for first in [
        "<OFX>",
        "!Type:Bank\n",
        ":20:X\n:25:1\n",
        "Date;Libellé;Montant\n01/02/2024;",
        "<Document><BkToCstmrStmt><Stmt>",
    ] {
        for piece in [
            "<",
            "&",
            "\"",
            "\"\n",
            ";",
            "\n",
            "<a>",
            "<!--",
            "<![CDATA[",
            "]]>",
            ":61:",
            "\n:86:a",
            "/IBAN/",
            "?20",
            "^\n",
            "D1/1/24\n",
            " ",
            "9",
            "<a b='c' ",
            "é",
        ] {
            let _ = read(format!("{first}{}", many(piece)).as_bytes());
        }
    }
    let movements: Vec<Movement> = (0..5_000)
        .map(|i| Movement { day: 20, minor: i64::from(i) - 2_500, label: "ACHAT".into() })
        .collect();
    for format in FORMATS {
        assert_eq!(
            entries(&read(write(format, &movements).as_bytes()).unwrap()),
            movements.len() + closing_row(format),
            "{format}"
        );
    }
}
