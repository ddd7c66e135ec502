//! The services that may take the place of a step: a document processor and a transaction analyzer. The shapes are in
//! docs/WORKFLOWS.md.

use super::{Account, DocumentKind, Processed};
use crate::{
    activities::{Tools, decode::original},
    executor::activity::{ActivityContext, ActivityError},
    participants::{Body, Participants, Reply},
};
use anyhow::Context as _;
use quittance_shared::{
    config::{DocumentsConfig, ParticipantConfig, ServiceConfig},
    domain::{
        document::Warning,
        money::{self, Currency, Minor, Money},
        transaction::{Analysis, Label, LabelSource, Origin, Transaction},
    },
    engine::RunError,
    ledger::{Keyed, NewMovement, identify, identify_scanned},
    sagas::{Request, not_connected},
    store::WorkflowView,
};
use serde::Deserialize;
use serde_json::{Number, Value, json};
use std::{collections::HashMap, time::Duration};
use uuid::Uuid;

pub(super) const PROCESSOR: &str = "documents.processor";
const ANALYZER: &str = "documents.analyzer";
/// Transactions in one call of the analyzer.
const BATCH: usize = 1000;
/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// A service that says that it is not done yet, and not when to ask again, is asked after this.
const POLL: Duration = Duration::from_secs(2);

/// The configured services.
#[derive(Debug)]
pub(in crate::activities) struct Services {
    participants: Participants,
    processor: Option<Duration>,
    analyzer: Option<Duration>,
}

impl Services {
    /// Those of the configuration.
    ///
    /// # Errors
    /// An address or a header that is none.
    pub(in crate::activities) fn new(config: &DocumentsConfig) -> anyhow::Result<Self> {
        let named = |name: &str, service: &ServiceConfig| {
            let url = service.url.clone()?;
            Some((name.to_owned(), ParticipantConfig { url, headers: service.headers.clone() }))
        };
        let known = [named(PROCESSOR, &config.processor), named(ANALYZER, &config.analyzer)];
        let timeout = |service: &ServiceConfig| {
            service.url.as_ref().map(|_| Duration::from_millis(service.timeout_ms))
        };
        Ok(Self {
            participants: Participants::of(&known.into_iter().flatten().collect(), MAX_ANSWER)
                .context("the services of documents")?,
            processor: timeout(&config.processor),
            analyzer: timeout(&config.analyzer),
        })
    }

    pub(super) fn has_processor(&self) -> bool {
        self.processor.is_some()
    }

    pub(super) fn has_analyzer(&self) -> bool {
        self.analyzer.is_some()
    }

    /// `POST {processor}/process`, the original with what is known about it.
    pub(super) async fn process(
        &self,
        tools: &Tools,
        context: &ActivityContext,
        workflow: &WorkflowView,
    ) -> Result<Processed, ActivityError> {
        let bytes = original(tools, context).await?;
        let about = json!({
            "workflowId": workflow.id, "userId": workflow.owner.user, "filename": workflow.filename,
            "contentType": workflow.content_type, "sha256": workflow.sha256,
            "account": workflow.account, "currency": workflow.currency, "mapping": workflow.mapping,
            "dateOrder": workflow.date_order,
        });
        let body = Body::Form {
            texts: vec![("metadata", about.to_string())],
            file: ("document", workflow.filename.clone(), workflow.content_type.clone(), bytes),
        };
        let limit = self.processor.unwrap_or(context.limit);
        let call = Call { service: PROCESSOR, path: "/process", limit, key: context.key.clone() };
        let answer: ProcessorAnswer = self.ask(context, &call, body).await?;
        answer.processed(workflow).map_err(|why| unusable(PROCESSOR, &why))
    }

    /// `POST {analyzer}/analyze`, a thousand transactions at a time.
    pub(super) async fn analyse(
        &self,
        context: &ActivityContext,
        workflow: &WorkflowView,
        keyed: Vec<Keyed>,
    ) -> Result<Vec<NewMovement>, ActivityError> {
        let mut analysed = Vec::with_capacity(keyed.len());
        let batches = u32::try_from(keyed.len().div_ceil(BATCH)).unwrap_or(u32::MAX);
        let limit = self.analyzer.unwrap_or(context.limit);
        for (number, batch) in (0_u32..).zip(keyed.chunks(BATCH)) {
            let body = json!({
                "workflowId": workflow.id, "userId": workflow.owner.user,
                "transactions": batch.iter().map(|k| shown(&k.transaction)).collect::<Vec<_>>(),
            });
            let key = format!("{}:{number}", context.key);
            let call = Call { service: ANALYZER, path: "/analyze", limit, key };
            let answer: AnalyzerAnswer = self.ask(context, &call, Body::Json(&body)).await?;
            let by_id: HashMap<Uuid, Said> =
                answer.transactions.into_iter().map(|said| (said.id, said)).collect();
            for keyed in batch {
                let said = by_id.get(&keyed.transaction.id).cloned().ok_or_else(|| {
                    unusable(ANALYZER, &format!("nothing is said about {}", keyed.transaction.id))
                })?;
                let analysis = said.analysis().map_err(|why| {
                    unusable(ANALYZER, &format!("{} : {why}", keyed.transaction.id))
                })?;
                analysed.push(NewMovement { keyed: keyed.clone(), analysis });
            }
            context.progress.set(number + 1, batches);
        }
        Ok(analysed)
    }

    async fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        context: &ActivityContext,
        call: &Call,
        body: Body<'_>,
    ) -> Result<T, ActivityError> {
        let request = Request {
            method: "POST".into(),
            path: call.path.into(),
            headers: Vec::new(),
            body: None,
            timeout: call.limit,
            index: None,
        };
        let mut headers =
            vec![("x-request-id", context.run.to_string()), ("idempotency-key", call.key.clone())];
        headers.extend(context.traceparent.clone().map(|parent| ("traceparent", parent)));
        let reply = self.participants.call_with(call.service, &request, body, &headers).await;
        let failed_with =
            |error, retry_after| ActivityError::Failed { error, retry_after, clean: false };
        let failed = |why: &str, retry_after| {
            let message = format!("{} : {why}", call.service);
            failed_with(RunError::new("SERVICE_FAILED", message), retry_after)
        };
        match reply {
            Reply::Open(after) => Err(ActivityError::Deferred(after)),
            Reply::NotSent(why) | Reply::Lost(why) => Err(failed(&why, None)),
            Reply::Unnamed => {
                let error = RunError::said("SERVICE_FAILED", &not_connected(call.service));
                Err(failed_with(error, None))
            }
            Reply::Answer(answer, wait) => match answer.status {
                // At work: asked again under the same key, and no attempt is counted.
                202 => Err(ActivityError::Deferred(wait.unwrap_or(POLL))),
                200..=299 => {
                    let body =
                        answer.body.ok_or_else(|| unusable(call.service, "it is no JSON"))?;
                    T::deserialize(body).map_err(|e| unusable(call.service, &e.to_string()))
                }
                status @ (408 | 425 | 429 | 500..) => Err(failed(&format!("HTTP {status}"), wait)),
                status => Err(ActivityError::refused(
                    "SERVICE_REFUSED",
                    format!("{} : HTTP {status}{}", call.service, reason(answer.body.as_ref())),
                )),
            },
        }
    }
}

struct Call {
    service: &'static str,
    path: &'static str,
    limit: Duration,
    key: String,
}

fn unusable(service: &str, why: &str) -> ActivityError {
    ActivityError::failed("SERVICE_ANSWER_UNUSABLE", format!("{service} : {why}"))
}

/// What the service says about its refusal, in a bounded length.
fn reason(body: Option<&Value>) -> String {
    let text = body.and_then(|body| {
        let error =
            body.get("error").or_else(|| body.get("message")).or_else(|| body.get("detail"))?;
        error.as_str().or_else(|| error.get("message")?.as_str())
    });
    text.map_or_else(String::new, |text| {
        format!(" : {}", text.chars().filter(|c| !c.is_control()).take(300).collect::<String>())
    })
}

/// A transaction as the analyzer is shown it.
fn shown(t: &Transaction) -> Value {
    json!({
        "id": t.id, "origin": t.origin, "account": t.account, "date": t.date, "valueDate": t.value_date,
        "amount": t.amount.minor.to_number(t.amount.currency.exponent()), "currency": t.amount.currency,
        "label": t.label, "counterparty": t.counterparty, "reference": t.reference,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProcessorAnswer {
    kind: DocumentKind,
    #[serde(default)]
    format: Option<String>,
    transactions: Vec<Told>,
    #[serde(default)]
    warnings: Vec<Warning>,
    #[serde(default)]
    reading: Option<Value>,
}

/// A transaction as the processor tells of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    date: chrono::NaiveDate,
    amount: Number,
    #[serde(deserialize_with = "money::entering")]
    currency: Currency,
    label: String,
    value_date: Option<chrono::NaiveDate>,
    account: Option<String>,
    counterparty: Option<String>,
    bank_id: Option<String>,
    reference: Option<String>,
}

impl ProcessorAnswer {
    fn processed(self, workflow: &WorkflowView) -> Result<Processed, String> {
        let origin = match self.kind {
            DocumentKind::Receipt => Origin::Receipt,
            DocumentKind::Invoice => Origin::Invoice,
            DocumentKind::Statement => Origin::Statement,
        };
        let told = self.transactions.into_iter().enumerate().map(|(index, told)| {
            let text = told.amount.to_string();
            let minor = Minor::from_decimal(&text, told.currency.exponent())
                .ok_or_else(|| format!("transactions[{index}].amount: {text} {}", told.currency))?;
            Ok(Transaction {
                id: Uuid::nil(),
                origin,
                account: told.account.or_else(|| workflow.account.clone()),
                date: told.date,
                value_date: told.value_date,
                amount: Money { minor, currency: told.currency },
                label: told.label,
                counterparty: told.counterparty,
                bank_id: told.bank_id,
                reference: told.reference,
                document: Some(workflow.id.0),
                doubts: Vec::new(),
            })
        });
        let transactions: Vec<Transaction> = told.collect::<Result<_, String>>()?;
        let entries = transactions.len();
        let accounts = match self.kind {
            DocumentKind::Statement => vec![Account {
                account: workflow.account.clone(),
                bank: None,
                opening: None,
                closing: None,
                entries,
            }],
            DocumentKind::Receipt | DocumentKind::Invoice => Vec::new(),
        };
        Ok(Processed {
            kind: self.kind,
            format: self.format.unwrap_or_else(|| workflow.content_type.clone()),
            transactions: match self.kind {
                DocumentKind::Statement => identify(&workflow.owner, transactions),
                DocumentKind::Receipt | DocumentKind::Invoice => {
                    identify_scanned(&workflow.owner, &workflow.sha256, transactions)
                }
            },
            accounts,
            warnings: self.warnings,
            reading: self.reading,
        })
    }
}

#[derive(Deserialize)]
struct AnalyzerAnswer {
    transactions: Vec<Said>,
}

/// What the analyzer says about one.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    id: Uuid,
    category: String,
    merchant: Option<String>,
    confidence: Option<f32>,
    explanation: Option<String>,
    plaid_category: Option<String>,
    mcc: Option<String>,
}

/// Longest name of a merchant, characters, as for names that users give.
const MAX_NAME: usize = 200;

impl Said {
    /// What is stored of it, or why none of it is: an answer that cannot be meant so is asked for again.
    fn analysis(self) -> Result<Analysis, String> {
        let slug = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
        if !(1..=64).contains(&self.category.len()) || !self.category.bytes().all(slug) {
            return Err("category is no slug of at most 64 letters, such as groceries".into());
        }
        let merchant = self.merchant.map(|name| name.trim().to_owned());
        let merchant = merchant.filter(|name| !name.is_empty());
        if merchant.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME) {
            return Err(format!("merchant has more than {MAX_NAME} characters"));
        }
        // Services explain in one language.
        let (explanation, explanation_en) = self.explanation.map_or_else(
            || ("Selon le service d'analyse.".into(), Some("By the analysis service.".into())),
            |own| (own, None),
        );
        let label = |value: String| Label {
            value,
            source: LabelSource::Service,
            confidence: self.confidence.unwrap_or(1.0).clamp(0.0, 1.0),
            explanation: explanation.clone(),
            explanation_en: explanation_en.clone(),
        };
        Ok(Analysis {
            merchant: merchant.map(label),
            category: label(self.category),
            plaid_category: self.plaid_category,
            mcc: self.mcc,
        })
    }
}
