//! `DOCUMENT_PROCESSING`: a document becomes transactions, here or at the service that is configured for it.

use super::{PROCESSOR, Services, outcome, scan, statement, workflow};
use crate::{
    activities::{Tools, decode::original},
    executor::activity::{Activity, ActivityContext, ActivityError, Outcome},
    imaging::{self, FileKind},
};
use async_trait::async_trait;
use quittance_shared::store::{WorkflowReading, WorkflowView};
use serde_json::json;
use std::sync::Arc;

/// The type of statements and invoices alike.
const XML: &str = "application/xml";

pub(in crate::activities) struct Process {
    pub(in crate::activities) tools: Tools,
    pub(in crate::activities) services: Arc<Services>,
}

#[async_trait]
impl Activity for Process {
    async fn run(&self, context: &ActivityContext) -> Result<Outcome, ActivityError> {
        let workflow = workflow(&self.tools.store, context).await?;
        let (processed, reading) = if self.services.has_processor() {
            let processed = self.services.process(&self.tools, context, &workflow).await?;
            (processed, pageless(Some(PROCESSOR)))
        } else if is_page(&workflow.content_type)
            || is_invoice(&self.tools, context, &workflow).await?
        {
            scan::process(&self.tools, context, &workflow).await?
        } else {
            (statement::process(&self.tools, context, &workflow).await?, pageless(None))
        };
        Ok(Outcome { effect: Some(reading.into_effect()), ..outcome(&processed)? })
    }
}

/// The evidence of a document of which no pages were read here, and the service that read it, if one did.
fn pageless(reader: Option<&str>) -> WorkflowReading {
    let provenance =
        json!({ "program": env!("CARGO_PKG_VERSION"), "reader": reader, "weights": null });
    WorkflowReading { pages: Vec::new(), provenance }
}

/// Whether it is an invoice in XML, which has its type in common with statements.
async fn is_invoice(
    tools: &Tools,
    context: &ActivityContext,
    workflow: &WorkflowView,
) -> Result<bool, ActivityError> {
    if workflow.content_type != XML {
        return Ok(false);
    }
    let bytes = original(tools, context).await?;
    Ok(imaging::sniff(&bytes) == Ok(FileKind::Invoice))
}

/// Whether it has pages that are looked at; by content, as it was judged at the upload.
fn is_page(content_type: &str) -> bool {
    content_type.starts_with("image/") || content_type == "application/pdf"
}
