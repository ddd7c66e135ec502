//! Bank statements and account exports.

use super::{Account, DocumentKind, Processed};
use crate::{
    activities::{Tools, decode::original},
    executor::activity::{ActivityContext, ActivityError},
};
use chrono::{Datelike as _, NaiveDate};
use quittance_documents::statement::{self, DATE_ORDER_ASSUMED, Options, StatementError};
use quittance_shared::{
    domain::{
        document::Warning,
        money::Currency,
        statement::{Entry, Statement, StatementAccount},
        transaction::{Origin, Transaction},
    },
    i18n::Text,
    ledger::identify_parts,
    store::WorkflowView,
};
use uuid::Uuid;

pub(super) async fn process(
    tools: &Tools,
    context: &ActivityContext,
    workflow: &WorkflowView,
) -> Result<Processed, ActivityError> {
    let bytes = original(tools, context).await?;
    let options = options(workflow, tools.clock.now().date_naive())?;
    let work = move |_: &_| statement::parse(&bytes, &options);
    let error = match tools.pool.run(context.limit, &context.stop, work).await? {
        Ok(statement) => return Ok(processed(statement, workflow)),
        Err(error) => error,
    };
    if let StatementError::MappingNeeded(preview) = &error {
        let preview = serde_json::to_value(preview)
            .map_err(|error| ActivityError::refused("INTERNAL", error.to_string()))?;
        tools
            .store
            .keep_preview(context.run, &preview)
            .await
            .map_err(|e| ActivityError::failed("STORE_UNAVAILABLE", e.to_string()))?;
    }
    let text = Text::new(error.french().to_owned(), error.english().to_owned());
    Err(ActivityError::refused_saying(error.code(), &text))
}

fn options(workflow: &WorkflowView, today: NaiveDate) -> Result<Options, ActivityError> {
    let csv_mapping = match workflow.mapping.clone() {
        None => None,
        Some(mapping) => Some(serde_json::from_value(mapping).map_err(|error| {
            ActivityError::refused("INVALID_MAPPING", format!("« mapping » : {error}"))
        })?),
    };
    Ok(Options {
        filename: workflow.filename.clone(),
        csv_mapping,
        date_order: workflow.date_order.as_deref().and_then(|order| order.parse().ok()),
        today: Some(today),
        default_currency: workflow.currency.as_deref().and_then(Currency::stored),
    })
}

fn processed(statement: Statement, workflow: &WorkflowView) -> Processed {
    let Statement { format, accounts, mut warnings } = statement;
    let announced: Vec<&Entry> =
        accounts.iter().flat_map(|account| &account.entries).filter(|e| e.pending).collect();
    warnings.extend(not_booked(&announced));
    let order_assumed = warnings.iter().any(|w| w.code == DATE_ORDER_ASSUMED);
    let booked = |account: &StatementAccount| {
        let entries = account.entries.iter().filter(|e| !e.pending);
        let transactions = entries.map(|entry| Transaction {
            doubts: doubts(entry.booked, order_assumed),
            ..transaction(account, entry, workflow)
        });
        transactions.collect()
    };
    let parts = accounts.iter().map(booked).collect();
    Processed {
        kind: DocumentKind::Statement,
        format,
        transactions: identify_parts(&workflow.owner, parts),
        warnings,
        reading: None,
        accounts: accounts
            .into_iter()
            .map(|account| Account {
                account: account.account,
                bank: account.bank,
                opening: account.opening,
                closing: account.closing,
                entries: account.entries.len(),
            })
            .collect(),
    }
}

/// An announced movement may change or never come; the statement that books it tells of it again.
fn not_booked(announced: &[&Entry]) -> Option<Warning> {
    let places: Vec<_> = announced.iter().take(10).map(|e| e.place.to_string()).collect();
    (!announced.is_empty()).then(|| {
        let more = if announced.len() > places.len() { ", …" } else { "" };
        let (count, places) = (announced.len(), places.join(", "));
        let text = Text::new(
            format!(
                "{count} opérations annoncées mais pas encore comptabilisées ne sont pas enregistrées (n° {places}{more}) ; \
                 elles le seront avec le relevé qui les comptabilise."
            ),
            format!(
                "{count} transactions that are announced but not booked yet are not stored (no. {places}{more}); they will \
                 be with the statement that books them."
            ),
        );
        Warning::new("PENDING_NOT_STORED", text)
    })
}

/// A day that would be another one with the month first, where no date of the file says which comes first.
fn doubts(date: NaiveDate, order_assumed: bool) -> Vec<String> {
    let either = date.day() <= 12 && date.day() != date.month();
    (order_assumed && either).then(|| DATE_ORDER_ASSUMED.to_owned()).into_iter().collect()
}

fn transaction(account: &StatementAccount, entry: &Entry, workflow: &WorkflowView) -> Transaction {
    Transaction {
        id: Uuid::nil(),
        origin: Origin::Statement,
        account: account.account.clone().or_else(|| workflow.account.clone()),
        date: entry.booked,
        value_date: entry.value_date,
        amount: entry.amount,
        label: entry.label.clone(),
        counterparty: entry.counterparty.clone(),
        bank_id: entry.bank_id.clone(),
        reference: entry.reference.clone(),
        document: Some(workflow.id.0),
        doubts: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activities::document::scan::tests::workflow;

    fn keys(file: &str) -> Vec<String> {
        let statement = statement::parse(file.as_bytes(), &Options::default()).unwrap();
        processed(statement, &workflow()).transactions.into_iter().map(|one| one.key).collect()
    }

    #[test]
    fn what_is_known_again_does_not_hang_on_the_rest_of_the_file() {
        let ofx = |rows: &[(&str, &str)]| {
            let row = |(day, amount): &(&str, &str)| {
                format!("<STMTTRN><DTPOSTED>{day}<TRNAMT>{amount}<FITID>1<NAME>{day}</STMTTRN>\n")
            };
            let rows: String = rows.iter().map(row).collect();
            format!(
                "OFXHEADER:100\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR<BANKACCTFROM><BANKID>1<ACCTID>2\
                 </BANKACCTFROM><BANKTRANLIST>{rows}</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
            )
        };
        let (january, february) = (("20260131", "-1.00"), ("20260228", "-2.00"));
        let both = keys(&ofx(&[january, february]));
        assert_eq!(keys(&ofx(&[january])), both[..1]);
        assert_ne!(both[0], both[1]);

        let csv = |rows: &str| format!("Date;Libellé;Montant;Devise;Transaction ID\n{rows}");
        let january = "31/01/2026;A;-1,00;EUR;1\n30/01/2026;B;-2,00;EUR;2\n";
        let alone = keys(&csv(january));
        for february in ["15/02/2026;C;-3,00;EUR;\n", "15/02/2026;C;-3,00;EUR;1\n"] {
            assert_eq!(keys(&csv(&format!("{january}{february}")))[..2], alone, "{february}");
        }
    }

    #[test]
    fn a_day_that_may_be_a_month_waits_for_a_person() {
        let file = "Date;Libellé;Montant;Devise\n03/04/2026;A;-1,00;EUR\n05/05/2026;B;-2,00;EUR\n";
        let doubts = |file: &str| {
            let statement = statement::parse(file.as_bytes(), &Options::default()).unwrap();
            let found = processed(statement, &workflow()).transactions;
            found.into_iter().map(|one| one.transaction.doubts).collect::<Vec<_>>()
        };
        assert_eq!(doubts(file), [vec![DATE_ORDER_ASSUMED.to_owned()], vec![]]);
        let proved = format!("{file}31/05/2026;C;-3,00;EUR\n");
        assert_eq!(doubts(&proved).concat(), [""; 0]);
    }

    #[test]
    fn a_report_that_tells_of_the_same_again_adds_nothing() {
        let entry = |id: &str| {
            format!(
                "<Ntry><Amt Ccy=\"EUR\">5.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-01-31</Dt>\
                 </BookgDt><AcctSvcrRef>{id}</AcctSvcrRef></Ntry>"
            )
        };
        let report = |entries: String| {
            format!("<Rpt><Acct><Id><Othr><Id>9</Id></Othr></Id></Acct>{entries}</Rpt>")
        };
        let first = report(entry("A"));
        let second = report(entry("A") + &entry("A") + &entry("B"));
        let file =
            format!("<Document><BkToCstmrAcctRpt>{first}{second}</BkToCstmrAcctRpt></Document>");
        let found = keys(&file);
        assert_eq!(found[0], found[1], "told of twice");
        assert_eq!(found.iter().collect::<std::collections::HashSet<_>>().len(), 3);
    }
}
