//! `make bench`: the figures of docs/PERFORMANCE.md. Parts by name as arguments, all without; loads only loopback and
//! stops by itself.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement that does not work says so and stops"
)]

mod http;
mod processes;
mod queue;
mod reading;
mod report;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "the integration tests use the rest")]
mod support;
mod web;

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let wanted = |part: &str| arguments.is_empty() || arguments.iter().any(|a| a == part);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    if wanted("reading") {
        reading::measure();
    }
    if wanted("processes") {
        runtime.block_on(processes::measure());
    }
    if wanted("web") {
        runtime.block_on(web::measure());
    }
    if wanted("queue") {
        runtime.block_on(queue::measure());
    }
}
