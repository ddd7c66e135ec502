//! `TRANSACTION_ANALYSIS`: what each transaction means, found out here or at the service that is configured for it.

use super::{Processed, Services, outcome, steps, workflow};
use crate::{
    activities::Tools,
    executor::activity::{Activity, ActivityContext, ActivityError, Outcome},
};
use async_trait::async_trait;
use quittance_analysis::{Analyser, Rule};
use quittance_shared::{ledger::NewMovement, store::Store};
use std::sync::Arc;

pub(in crate::activities) struct Analyse {
    pub(in crate::activities) tools: Tools,
    pub(in crate::activities) services: Arc<Services>,
}

#[async_trait]
impl Activity for Analyse {
    async fn run(&self, context: &ActivityContext) -> Result<Outcome, ActivityError> {
        let processed: Processed = context.output(steps::PROCESS)?;
        let analysed: Vec<NewMovement> = if self.services.has_analyzer() {
            let workflow = workflow(&self.tools.store, context).await?;
            self.services.analyse(context, &workflow, processed.transactions).await?
        } else {
            let rules = rules(&self.tools.store, context).await?;
            let work = move |_: &_| {
                let analyser = Analyser::new(&rules);
                let one = |keyed: quittance_shared::ledger::Keyed| NewMovement {
                    analysis: analyser.analyse(&keyed.transaction),
                    keyed,
                };
                processed.transactions.into_iter().map(one).collect()
            };
            self.tools.pool.run(context.limit, &context.stop, work).await?
        };
        outcome(&analysed)
    }
}

/// The rules of the document's user.
async fn rules(store: &Store, context: &ActivityContext) -> Result<Vec<Rule>, ActivityError> {
    let workflow = workflow(store, context).await?;
    let stored = store.rules(&workflow.owner).await;
    let stored = stored.map_err(|e| ActivityError::failed("STORE_UNAVAILABLE", e.to_string()))?;
    let rules = stored.into_iter().map(|rule| Rule::from_stored(rule.id, rule.body));
    rules
        .collect::<Result<_, _>>()
        .map_err(|e| ActivityError::refused("INTERNAL", format!("a stored rule: {e}")))
}
