//! `quittance health`: asks the process that runs here whether it is ready, as a container's health check does.

use anyhow::{Context as _, bail};
use quittance_shared::config::Config;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    process::ExitCode,
    time::Duration,
};

/// Longest time for each of connecting and answering.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn run(config: &Config, worker: bool) -> anyhow::Result<ExitCode> {
    let (host, port, setting) = if worker {
        let port = config.worker.port.context(
            "worker.port is not set, so the worker cannot be asked; set QUITTANCE_WORKER_PORT",
        )?;
        (config.worker.host.as_str(), port, "worker.port")
    } else {
        (config.server.host.as_str(), config.server.port, "server.port")
    };
    // Who listens everywhere is asked where he is nearest.
    let host = match host {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        named => named,
    };
    let line =
        ask(host, port).with_context(|| format!("nobody answers at {host}:{port} ({setting})"))?;
    let Some(code) = line.split_whitespace().nth(1) else {
        bail!("an answer that is no HTTP: {line:?}")
    };
    writeln!(std::io::stdout(), "{host}:{port} answers {code}")?;
    Ok(if code == "200" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The first line of the answer.
fn ask(host: &str, port: u16) -> anyhow::Result<String> {
    let address = (host, port).to_socket_addrs()?.next().context("no such address")?;
    let mut socket = TcpStream::connect_timeout(&address, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    write!(socket, "GET /health/ready HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(socket).read_line(&mut line)?;
    Ok(line)
}
