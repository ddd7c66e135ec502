//! `quittance audit verify` and `quittance audit list`.

use crate::cli::{Audit, AuditList};
use anyhow::{Context as _, bail};
use quittance_shared::{
    audit::Head,
    config::Config,
    domain::clock::rfc3339,
    store::{AuditFilter, Store},
};
use std::{io::Write as _, process::ExitCode};

pub(super) fn run(config: &Config, command: &Audit) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = super::known_store(config).await?;
        match command {
            Audit::Verify { noted } => verify(&store, noted).await,
            Audit::List(options) => list(&store, options).await,
        }
    })
}

async fn verify(store: &Store, noted: &[String]) -> anyhow::Result<ExitCode> {
    let noted = noted.iter().map(|text| head(text)).collect::<anyhow::Result<_>>()?;
    let mut out = std::io::stdout().lock();
    match store.verify_audit(noted).await? {
        Ok(whole) => {
            write!(out, "the audit log is whole: {} entries", whole.entries)?;
            if let (Some((from, first)), Some((to, last))) = (whole.first, whole.last) {
                let (first, last) = (rfc3339(first), rfc3339(last));
                write!(out, ", from {from} ({first}) to {to} ({last})")?;
            }
            writeln!(out, "\nhead {}:{}", whole.head.seq, whole.head.hash)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(broken) => {
            writeln!(out, "the audit log is BROKEN at {broken}")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

fn head(text: &str) -> anyhow::Result<Head> {
    let wrong =
        || format!("--noted {text:?}: write NUMBER:HASH as `audit verify` prints it after `head`");
    let (seq, hash) = text.split_once(':').with_context(wrong)?;
    if hash.len() != 64 {
        bail!(wrong());
    }
    Ok(Head { seq: seq.parse().with_context(wrong)?, hash: hash.to_ascii_lowercase() })
}

async fn list(store: &Store, options: &AuditList) -> anyhow::Result<ExitCode> {
    let mut filter = AuditFilter {
        actor: options.actor.clone(),
        client: options.client.clone(),
        action: options.action.clone(),
        subject: options.subject.clone(),
        from: options.from.as_deref().map(|text| super::time("--from", text, false)).transpose()?,
        to: options.to.as_deref().map(|text| super::time("--to", text, true)).transpose()?,
        before: None,
        limit: 0,
    };
    let mut out = std::io::stdout().lock();
    let mut left = options.limit;
    while left > 0 {
        filter.limit = left.min(1000);
        let page = store.audit_entries(&filter).await?;
        left -= (page.items.len() as u64).min(left);
        for entry in &page.items {
            if options.json {
                writeln!(out, "{}", serde_json::to_string(entry)?)?;
                continue;
            }
            let (client, subject) =
                (entry.client.as_deref().unwrap_or("-"), entry.subject.as_deref().unwrap_or("-"));
            let (at, actor, action) = (rfc3339(entry.time()), &entry.actor, &entry.action);
            writeln!(
                out,
                "{}\t{at}\t{actor}\t{client}\t{action}\t{subject}\t{}",
                entry.seq, entry.detail
            )?;
        }
        let Some(before) = page.next else { break };
        filter.before = Some(before);
    }
    Ok(ExitCode::SUCCESS)
}
