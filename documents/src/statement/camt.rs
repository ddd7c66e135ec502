//! ISO 20022 camt.052 (report), camt.053 (statement), camt.054 (notification), versions 1 to 13 and without namespace.

use super::{
    Options, StatementError, dates,
    error::{Place, quoted, warning},
    numbers::{self, Decimal},
    xml::{self, at, children, text},
};
use crate::encoding;
use chrono::NaiveDate;
use quittance_domain::{
    document::Warning,
    money::{Currency, Money},
    statement::{Balance, Entry, Statement, StatementAccount},
};
use roxmltree::Node;

/// Message, the element that holds one account's entries, and the number of the message.
const MESSAGES: [(&str, &str, &str); 3] = [
    ("BkToCstmrAcctRpt", "Rpt", "camt.052"),
    ("BkToCstmrStmt", "Stmt", "camt.053"),
    ("BkToCstmrDbtCdtNtfctn", "Ntfctn", "camt.054"),
];

pub(super) fn parse(bytes: &[u8], options: &Options) -> Result<Statement, StatementError> {
    let declared = encoding::declared_in_xml(bytes);
    let source = encoding::decode(bytes, declared.as_deref()).text;
    let document = xml::parse(&source)?;
    let messages: Vec<_> = document
        .descendants()
        .filter_map(|node| {
            let name = node.tag_name().name();
            MESSAGES.iter().find(|(message, ..)| name.starts_with(message)).map(|m| (node, m))
        })
        .collect();
    let Some((message, (.., family))) = messages.first() else {
        return Err(StatementError::new(
            "CAMT_MESSAGE_UNKNOWN",
            "Ligne 1 : le XML ne contient ni BkToCstmrStmt, ni BkToCstmrAcctRpt, ni BkToCstmrDbtCdtNtfctn. Envoyez un camt.052, 053 ou 054.",
            "Line 1: the XML holds neither BkToCstmrStmt nor BkToCstmrAcctRpt nor BkToCstmrDbtCdtNtfctn. Send a camt.052, 053 or 054.",
        ));
    };
    let version = message.tag_name().namespace().and_then(|ns| ns.rsplit(':').next());
    let mut reader = Reader { options, warnings: Vec::new(), number: 0 };
    let accounts = messages
        .iter()
        .flat_map(|(message, (_, container, _))| children(*message, container))
        .map(|node| reader.account(node))
        .collect::<Result<_, _>>()?;
    Ok(Statement {
        format: version.filter(|v| v.starts_with(family)).unwrap_or(family).to_owned(),
        accounts,
        warnings: reader.warnings,
    })
}

struct Reader<'o> {
    options: &'o Options,
    warnings: Vec<Warning>,
    /// Entries so far, in the order of the file.
    number: u32,
}

impl Reader<'_> {
    fn account(&mut self, node: Node<'_, '_>) -> Result<StatementAccount, StatementError> {
        let currency = match text(node, "Acct/Ccy") {
            Some(code) => Some(
                code.parse()
                    .map_err(|_| StatementError::currency(&Place::line(xml::line(node)), &code))?,
            ),
            None => None,
        };
        let mut account = StatementAccount {
            account: at(node, "Acct").and_then(account_number),
            bank: at(node, "Acct/Svcr/FinInstnId").and_then(bank),
            ..StatementAccount::default()
        };
        for balance in children(node, "Bal") {
            let kind = text(balance, "Tp/CdOrPrtry/Cd")
                .or_else(|| text(balance, "Tp/Cd"))
                .unwrap_or_default();
            let slot = match kind.as_str() {
                "OPBD" | "PRCD" | "ITBD" if account.opening.is_none() => &mut account.opening,
                "CLBD" => &mut account.closing,
                // Interim balances are the first and the last of one page of several.
                "ITBD" if account.closing.is_none() => &mut account.closing,
                _ => continue,
            };
            let place = || Place::line(xml::line(balance));
            let amount = self.money(balance, currency, &place)?;
            *slot = Some(Balance { date: date(balance, "Dt", &place)?, amount });
        }
        for entry in children(node, "Ntry") {
            self.number = self.number.saturating_add(1);
            account.entries.push(self.entry(entry, currency)?);
        }
        Ok(account)
    }

    /// `Amt` signed by `CdtDbtInd`.
    fn money(
        &mut self,
        node: Node<'_, '_>,
        account: Option<Currency>,
        place: &impl Fn() -> Place,
    ) -> Result<Money, StatementError> {
        let found = text(node, "Amt").unwrap_or_default();
        let currency = match at(node, "Amt").and_then(|n| n.attribute("Ccy")) {
            Some(code) => {
                code.trim().parse().map_err(|_| StatementError::currency(&place(), code))?
            }
            None => match account {
                Some(currency) => currency,
                None => super::assumed_currency(self.options, &mut self.warnings),
            },
        };
        let plain = found.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
        let minor = numbers::split(&found)
            .filter(|_| plain)
            .and_then(|w| w.value(Decimal::Point, currency.exponent()))
            .ok_or_else(|| StatementError::amount(&place(), "Amt", &found))?;
        let direction = text(node, "CdtDbtInd").unwrap_or_default();
        let minor = match direction.as_str() {
            "CRDT" => minor,
            "DBIT" => quittance_domain::money::Minor(-minor.0),
            _ => {
                let place = place();
                return Err(StatementError::new(
                    "DIRECTION_UNKNOWN",
                    format!(
                        "{} : CdtDbtInd doit être CRDT ou DBIT, pas {}. Corrigez-le ou demandez un nouvel export.",
                        place.fr,
                        quoted(&direction)
                    ),
                    format!(
                        "{}: CdtDbtInd must be CRDT or DBIT, not {}. Correct it or ask for a new export.",
                        place.en,
                        quoted(&direction)
                    ),
                ));
            }
        };
        Ok(Money { minor, currency })
    }

    fn entry(
        &mut self,
        node: Node<'_, '_>,
        account: Option<Currency>,
    ) -> Result<Entry, StatementError> {
        let number = self.number;
        let place = || Place::element("Ntry", number, xml::line(node));
        let amount = self.money(node, account, &place)?;
        let status = text(node, "Sts/Cd").or_else(|| text(node, "Sts")).unwrap_or_default();
        let value_date = date(node, "ValDt", &place)?;
        let booked = match (date(node, "BookgDt", &place)?, value_date) {
            (Some(booked), _) => booked,
            (None, Some(value)) => {
                self.warnings.push(warning(
                    "DATE_OF_VALUE",
                    format!("Élément Ntry n° {number} : la date comptable (BookgDt) manque ; la date de valeur est reprise."),
                    format!("Element Ntry no. {number}: the day of booking (BookgDt) is missing; the value date is taken."),
                ));
                value
            }
            (None, None) => return Err(StatementError::date(&place(), "BookgDt", "")),
        };
        if status == "INFO" {
            self.warnings.push(warning(
                "INFORMATION_ONLY",
                format!("Élément Ntry n° {number} : opération annoncée pour information (INFO), non comptabilisée."),
                format!("Element Ntry no. {number}: a transaction told of for information (INFO), not booked."),
            ));
        }
        let details: Vec<Node<'_, '_>> = children(node, "NtryDtls")
            .flat_map(|n| children(n, "TxDtls"))
            .chain(children(node, "TxDtls"))
            .collect();
        let single = (details.len() == 1).then(|| details[0]);
        let reversal = matches!(text(node, "RvslInd").as_deref(), Some("true" | "1"));
        let (name, number_of) =
            single.map(|d| counterparty(d, (amount.minor.0 >= 0) != reversal)).unwrap_or_default();
        Ok(Entry {
            booked,
            value_date,
            amount,
            label: Some(label(node, &details))
                .filter(|text| !text.is_empty())
                .or_else(|| name.clone())
                .unwrap_or_default(),
            counterparty: name,
            counterparty_account: number_of,
            bank_id: text(node, "AcctSvcrRef")
                .or_else(|| single.and_then(|d| text(d, "Refs/AcctSvcrRef"))),
            reference: single.and_then(reference),
            pending: matches!(status.as_str(), "PDNG" | "FUTR" | "INFO"),
            category: None,
            place: number,
        })
    }
}

/// The number under `Id`: IBAN, another number, version 1's own.
fn account_number(account: Node<'_, '_>) -> Option<String> {
    ["Id/IBAN", "Id/Othr/Id", "Id/PrtryAcct/Id", "Id/BBAN", "Id/UPIC"]
        .iter()
        .find_map(|path| text(account, path))
}

fn bank(institution: Node<'_, '_>) -> Option<String> {
    [
        "BICFI",
        "BIC",
        "CmbndId/BIC",
        "ClrSysMmbId/MmbId",
        "ClrSysMmbId/Id",
        "Othr/Id",
        "Nm",
        "NmAndAdr/Nm",
    ]
    .iter()
    .find_map(|path| text(institution, path))
}

fn date(
    node: Node<'_, '_>,
    name: &str,
    place: &impl Fn() -> Place,
) -> Result<Option<NaiveDate>, StatementError> {
    let Some(holder) = at(node, name) else { return Ok(None) };
    let Some(found) = text(holder, "Dt").or_else(|| text(holder, "DtTm")) else { return Ok(None) };
    dates::iso(&found).map(Some).ok_or_else(|| StatementError::date(&place(), name, &found))
}

/// Name and account of who paid (money came in) or was paid.
fn counterparty(details: Node<'_, '_>, paid_in: bool) -> (Option<String>, Option<String>) {
    let Some(parties) = at(details, "RltdPties") else { return (None, None) };
    let (party, ultimate, account) =
        if paid_in { ("Dbtr", "UltmtDbtr", "DbtrAcct") } else { ("Cdtr", "UltmtCdtr", "CdtrAcct") };
    let name =
        |path: &str| at(parties, path).and_then(|p| text(p, "Nm").or_else(|| text(p, "Pty/Nm")));
    (name(party).or_else(|| name(ultimate)), at(parties, account).and_then(account_number))
}

fn reference(details: Node<'_, '_>) -> Option<String> {
    let given = |path: &str| text(details, path).filter(|t| !t.eq_ignore_ascii_case("NOTPROVIDED"));
    given("Refs/EndToEndId")
        .or_else(|| given("RmtInf/Strd/CdtrRefInf/Ref"))
        .or_else(|| given("RmtInf/Strd/CdtrRefInf/CdtrRef"))
        .or_else(|| given("Refs/ChqNb"))
        .or_else(|| given("Refs/InstrId"))
        .or_else(|| given("Refs/TxId"))
}

/// Remittance, structured references and remarks of all details, then the bank's own remark.
fn label(entry: Node<'_, '_>, details: &[Node<'_, '_>]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for &detail in details {
        for remittance in children(detail, "RmtInf") {
            parts.extend(children(remittance, "Ustrd").filter_map(xml::at_text));
            for structured in children(remittance, "Strd") {
                parts.extend(
                    ["CdtrRefInf/Ref", "CdtrRefInf/CdtrRef", "AddtlRmtInf"]
                        .iter()
                        .filter_map(|p| text(structured, p)),
                );
            }
        }
        parts.extend(text(detail, "AddtlTxInf"));
    }
    parts.extend(text(entry, "AddtlNtryInf"));
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Statement, StatementError> {
        super::super::parse(text.as_bytes(), &Options::default())
    }

    fn file(entry: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><GrpHdr/>\n<Stmt><Id>1</Id><Acct><Id><IBAN>FR7630006000011234567890189</IBAN></Id><Ccy>EUR</Ccy><Svcr><FinInstnId><BICFI>AGRIFRPP</BICFI></FinInstnId></Svcr></Acct>\n<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2024-03-01</Dt></Dt></Bal>\n<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">57.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2024-03-31</Dt></Dt></Bal>\n{entry}\n</Stmt></BkToCstmrStmt></Document>"
        )
    }

    const ENTRY: &str = "<Ntry><Amt Ccy=\"EUR\">42.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2024-03-05</Dt></BookgDt><ValDt><DtTm>2024-03-06T23:30:00+01:00</DtTm></ValDt><AcctSvcrRef>R1</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>E2E</EndToEndId></Refs><RltdPties><Cdtr><Pty><Nm>EDF &amp; Cie</Nm></Pty></Cdtr><CdtrAcct><Id><IBAN>FR1420041010050500013M02606</IBAN></Id></CdtrAcct></RltdPties><RmtInf><Ustrd>Facture</Ustrd><Ustrd>mars</Ustrd></RmtInf></TxDtls></NtryDtls><AddtlNtryInf>PRLV SEPA</AddtlNtryInf></Ntry>";

    #[test]
    fn a_debit() {
        let statement = read(&file(ENTRY)).unwrap();
        assert_eq!((statement.format.as_str(), statement.warnings.len()), ("camt.053.001.08", 0));
        let account = &statement.accounts[0];
        assert_eq!(account.account.as_deref(), Some("FR7630006000011234567890189"));
        assert_eq!(account.bank.as_deref(), Some("AGRIFRPP"));
        let entry = &account.entries[0];
        assert_eq!(entry.amount.to_string(), "-42.50 EUR");
        assert_eq!(entry.value_date.unwrap().to_string(), "2024-03-06");
        assert_eq!(entry.label, "Facture mars PRLV SEPA");
        assert_eq!(entry.counterparty.as_deref(), Some("EDF & Cie"));
        let untold = ENTRY
            .replace("<RmtInf><Ustrd>Facture</Ustrd><Ustrd>mars</Ustrd></RmtInf>", "")
            .replace("<AddtlNtryInf>PRLV SEPA</AddtlNtryInf>", "");
        assert_eq!(read(&file(&untold)).unwrap().accounts[0].entries[0].label, "EDF & Cie");
        assert_eq!(entry.counterparty_account.as_deref(), Some("FR1420041010050500013M02606"));
        assert_eq!(
            (entry.bank_id.as_deref(), entry.reference.as_deref()),
            (Some("R1"), Some("E2E"))
        );
    }

    #[test]
    fn status_reversal_prefix_and_no_namespace() {
        let pending = read(&file(&ENTRY.replace("<Cd>BOOK</Cd>", "PDNG"))).unwrap();
        assert!(pending.accounts[0].entries[0].pending);
        assert!(pending.warnings.iter().any(|w| w.code == "BALANCE_MISMATCH"));
        let reversed = ENTRY.replace("DBIT</CdtDbtInd>", "CRDT</CdtDbtInd><RvslInd>true</RvslInd>");
        let entry = &read(&file(&reversed)).unwrap().accounts[0].entries[0];
        assert_eq!(
            (entry.amount.minor.0, entry.counterparty.as_deref()),
            (4250, Some("EDF & Cie"))
        );
        let bare =
            file(ENTRY).replace(" xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"", "");
        assert_eq!(read(&bare).unwrap().format, "camt.053");
        let prefixed = file(ENTRY)
            .replace("</", "\u{1}")
            .replace("<?", "\u{2}")
            .replace('<', "<n:")
            .replace('\u{1}', "</n:")
            .replace('\u{2}', "<?")
            .replace("xmlns=", "xmlns:n=");
        assert_eq!(read(&prefixed).unwrap().accounts[0].entries.len(), 1);
    }

    #[test]
    fn damage_is_named() {
        for (text, code, place) in [
            (file(&ENTRY.replace("42.50", "12..34")), "AMOUNT_UNREADABLE", "Ntry n° 1, ligne 6"),
            (file(&ENTRY.replace("42.50", "42,50")), "AMOUNT_UNREADABLE", "Ntry n° 1"),
            (file(&ENTRY.replace("42.50", "42.505")), "AMOUNT_UNREADABLE", "Ntry n° 1"),
            (file(&ENTRY.replace("42.50", "")), "AMOUNT_MISSING", "Ntry n° 1"),
            (file(&ENTRY.replace("2024-03-05", "2024-02-30")), "DATE_UNREADABLE", "Ntry n° 1"),
            (file(&ENTRY.replace("DBIT", "DEBIT")), "DIRECTION_UNKNOWN", "Ntry n° 1"),
            (file(&ENTRY.replace("\"EUR\"", "\"E\"")), "CURRENCY_UNREADABLE", "Ntry n° 1"),
            (file(&ENTRY.replace("</Ntry>", "")), "XML_MALFORMED", "igne"),
            (file(ENTRY)[..900].to_owned(), "FILE_TRUNCATED", "igne"),
            (file("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>"), "XML_DTD", "igne"),
            (file(&ENTRY.replace("mars", "&x;")), "XML_MALFORMED", "igne"),
            (file(&"<a>".repeat(100)), "XML_TOO_DEEP", "Ligne 6"),
            (file(&format!("<a {}>", "b=\"c\" ".repeat(4000))), "XML_TOO_DEEP", "Ligne 6"),
            (file(&"<a b=\"/>\">\n".repeat(100_000)), "XML_TOO_DEEP", "Ligne 67"),
            (file(&"<a><![CDATA[</a>]]>\n".repeat(100_000)), "XML_TOO_DEEP", "Ligne 67"),
        ] {
            let error = read(&text).unwrap_err();
            assert_eq!(error.code(), code, "{error} {text}");
            assert!(error.french().contains(place), "{}", error.french());
        }
    }
}
