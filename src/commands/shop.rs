//! `quittance shop`: the services that the builtin sagas call, to try them.

use anyhow::Context as _;
use quittance_shop::{SERVICES, Shop};
use std::{io::Write as _, path::Path, process::ExitCode};
use tokio::net::TcpListener;

/// Loopback only: whoever reaches the shop can take its goods.
pub(super) fn run(port: u16, folder: &Path) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create the folder {}", folder.display()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let shop = Shop::open(&folder.join("shop.sqlite")).await?;
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("cannot listen on port {port}"))?;
        let address = listener.local_addr()?;
        let participants: Vec<String> = SERVICES
            .iter()
            .map(|(name, path)| format!("{name}: {{url: \"http://{address}{path}\"}}"))
            .collect();
        writeln!(
            std::io::stdout(),
            "the shop listens on http://{address}; the server finds it with\n\
             QUITTANCE_SAGAS_PARTICIPANTS='{{{}}}'",
            participants.join(", ")
        )?;
        let stop = async {
            // Without signals there is nothing to wait for but the end of the process.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        shop.serve(listener, stop).await?;
        Ok(ExitCode::SUCCESS)
    })
}
