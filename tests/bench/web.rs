//! Uploads and status polls a second at 32 connections. No job is carried out meanwhile: workers are away, or (in one
//! process) the document is a blank 1 × 1 picture, next to nothing to read.

use crate::{
    http::{Load, get, load, upload},
    report::Report,
    support::{
        client::Upload,
        slip,
        stack::{Options, Shape, Stack},
    },
};
use std::time::Duration;

const CONNECTIONS: usize = 32;
const LIMIT: Duration = Duration::from_secs(10);

pub(crate) async fn measure() {
    for shape in [Shape::Embedded, Shape::Distributed] {
        let mut report = Report::new(match shape {
            Shape::Embedded => "web, one process, SQLite",
            Shape::Distributed => "web, one API process, PostgreSQL + Redis",
        });
        let mut options = Options::of(shape).set("LOG_LEVEL", "warn");
        options.workers = 1;
        let mut stack = Stack::start(options).await;
        let id = stack.client().accepted(&Upload::slip()).await;
        stack.client().completed(&id).await;
        for worker in stack.workers.iter_mut().flatten() {
            worker.stop_with(rustix::process::Signal::TERM, Duration::from_secs(30));
        }

        let port = stack.port(0);
        let path = format!("/api/v1/receipts/{id}/status");
        load(port, CONNECTIONS, 2_000, LIMIT, 200, {
            let p = path.clone();
            move |_| get(&p)
        })
        .await;
        let polls = load(port, CONNECTIONS, 60_000, LIMIT, 200, move |_| get(&path)).await;
        rows(&mut report, "status polls", &polls, "5000", "10");

        // What is uploaded differs by client only; nothing is answered from an earlier upload.
        let uploads = load(port, CONNECTIONS, 6_000, LIMIT, 202, move |n| {
            upload(&slip(), &format!("c{}", n % 97))
        })
        .await;
        rows(&mut report, "uploads of 10 kB, durable before the answer", &uploads, "", "");
        let stored = stack.sql("SELECT count(*) FROM receipt");
        assert_eq!(
            stored,
            [(uploads.replies.len() + 1).to_string()],
            "an accepted upload is missing"
        );
    }
}

fn rows(report: &mut Report, what: &str, load: &Load, rate: &'static str, p99: &'static str) {
    report.row(what, load.per_second, "/s", rate);
    report.row(&format!("{what}, p50"), load.p50.as_secs_f64() * 1000.0, "ms", "");
    report.row(&format!("{what}, p99"), load.p99.as_secs_f64() * 1000.0, "ms", p99);
}
