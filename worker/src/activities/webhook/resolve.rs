//! Names resolved for webhooks: addresses of the inside are left out at the very moment of connecting, so that a name
//! cannot mean one thing when it is judged and another when it is called.

use quittance_shared::webhooks::{Refused, is_private};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::SocketAddr;

/// The system's resolver behind the rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guarded {
    pub(super) allow_private: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let all = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let (kept, refused): (Vec<SocketAddr>, Vec<SocketAddr>) =
                found.partition(|address| all || !is_private(address.ip()));
            if kept.is_empty() && !refused.is_empty() {
                return Err(Refused::Private.into());
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_for_this_machine_is_refused() {
        let resolve = async |allow_private| {
            Guarded { allow_private }.resolve("localhost".parse().unwrap()).await
        };
        let Err(error) = resolve(false).await else { panic!("localhost was resolved") };
        assert_eq!(error.downcast_ref::<Refused>(), Some(&Refused::Private));
        assert!(resolve(true).await.is_ok_and(|mut found| found.next().is_some()));
    }
}
