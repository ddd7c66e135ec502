//! One file a command.

mod analyze;
mod audit;
mod doctor;
mod evaluate;
mod health;
mod keys;
mod runs;
mod sagas;
mod seed;
mod serve;
mod shop;
mod storage;
mod train_categories;

use crate::cli::{Cli, Command, Lang, Sagas, Storage};
use anyhow::Context as _;
use quittance_shared::{
    config::{self, Config},
    domain::clock::day_or_time,
    i18n::Language,
    parts::open_store_briefly,
    store::{Steer, Store},
};
use std::{io::Write as _, path::Path, process::ExitCode};

/// Does what the command line says.
pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let command = cli.command.unwrap_or(Command::Serve);
    if matches!(command, Command::Openapi) {
        let document = quittance_api::openapi().to_pretty_json().context("the OpenAPI document")?;
        writeln!(std::io::stdout(), "{document}")?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Settings { lang } = command {
        let language = match lang {
            Lang::En => Language::English,
            Lang::Fr => Language::French,
        };
        write!(std::io::stdout(), "{}", config::reference(language))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Sagas(Sagas::Check { files }) = &command {
        return sagas::check(files);
    }
    if let Command::TrainCategories { out } = &command {
        return train_categories::run(out);
    }
    if matches!(command, Command::Shop) {
        let (port, folder) = cli.settings.shop();
        return shop::run(port, &folder);
    }
    if let Command::Seed(options) = &command {
        return seed::run(options);
    }
    let config = Config::load(&cli.settings.overrides())?;
    match command {
        Command::Serve => serve::run(config, serve::Role::All),
        Command::Api => serve::run(config, serve::Role::Api),
        Command::Worker => serve::run(config, serve::Role::Worker),
        Command::Migrate => serve::migrate(config),
        Command::Analyze { file, text } => analyze::run(&config, &file, text),
        Command::Evaluate(options) => evaluate::run(&options),
        Command::Train(options) => {
            quittance_documents::train::run(&options, &mut std::io::stdout().lock())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Sagas(Sagas::Runs(options)) => runs::list(&config, &options),
        Command::Sagas(Sagas::Retry(order)) => runs::steer(&config, Steer::Retry, &order),
        Command::Sagas(Sagas::Compensate(order)) => runs::steer(&config, Steer::Compensate, &order),
        Command::Sagas(_) => sagas::list(&config),
        Command::Keys(command) => keys::run(&config, &command),
        Command::Audit(command) => audit::run(&config, &command),
        Command::Storage(Storage::RotateKeys) => storage::rotate_keys(&config),
        Command::Doctor => doctor::run(&config),
        Command::Health { worker } => health::run(&config, worker),
        Command::Openapi
        | Command::Seed(_)
        | Command::Settings { .. }
        | Command::Shop
        | Command::TrainCategories { .. } => Ok(ExitCode::SUCCESS),
    }
}

/// The database that is there: a wrong folder must not look like an empty log.
async fn known_store(config: &Config) -> anyhow::Result<Store> {
    if config.database.embedded {
        let file = config.data_dir.join("quittance.db");
        anyhow::ensure!(
            Path::new(&file).exists(),
            "data_dir: there is no database {}; name the folder with --data-dir, or set DATABASE_URL",
            file.display()
        );
    }
    open_store_briefly(config).await
}

/// The day or the time that a flag names, in microseconds.
fn time(flag: &str, text: &str, end: bool) -> anyhow::Result<i64> {
    day_or_time(text, end).with_context(|| {
        format!(
            "{flag} {text:?}: write a day such as 2026-01-31 or a time such as 2026-01-31T08:00:00Z"
        )
    })
}
