//! `quittance shop`: the services that the builtin sagas call, to try them.

use anyhow::Context as _;
use quittance_api::ConnectionLimits;
use quittance_shared::lifecycle::Shutdown;
use quittance_shop::{SERVICES, Shop};
use std::{io::Write as _, path::Path, process::ExitCode, time::Duration};
use tokio::net::TcpListener;

/// How long open calls may take after the first signal: less than the 10 s after which supervisors kill.
const DRAIN: Duration = Duration::from_secs(8);

/// Loopback only: whoever reaches the shop can take its goods.
pub(super) fn run(port: u16, folder: &Path) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create the folder {}", folder.display()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let shutdown = Shutdown::on_signals(DRAIN)?;
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
        quittance_api::serve(listener, shop.router(), ConnectionLimits::default(), shutdown)
            .await?;
        Ok(ExitCode::SUCCESS)
    })
}
