//! Start to ready, and memory.

use crate::{
    http::at,
    reading::documents,
    report::Report,
    support::{
        client::Upload,
        stack::{Options, Shape, Stack},
    },
};
use std::time::Instant;

pub(crate) async fn measure() {
    let mut report = Report::new("processes");
    let mut times = Vec::new();
    let mut stack = Stack::start(Options::of(Shape::Embedded)).await;
    for _ in 0..5 {
        stack.servers[0].as_mut().unwrap().kill();
        let started = Instant::now();
        stack.start_server(0);
        stack.ready().await;
        times.push(started.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    // The client asks every 20 ms, so that much of it is the measurement's.
    report.row("start to ready, serve on SQLite, median of 5", at(&times, 0.5), "s", "1");
    drop(stack);

    let options = Options::of(Shape::Distributed)
        .set("QUITTANCE_PROCESSING_ECONOMY", "false")
        .set("QUEUE_CONCURRENCY", 2);
    let mut stack = Stack::start(options).await;
    let client = stack.client();
    let mut ids = Vec::new();
    for file in documents() {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        ids.push(client.accepted(&Upload::of(std::fs::read(&file).unwrap(), &name)).await);
    }
    let started = Instant::now();
    for id in &ids {
        client.completed(id).await;
    }
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    report.row(
        "documents a minute, one worker with 2 slots",
        crate::http::count(ids.len()) / minutes,
        "",
        "",
    );
    let mib = |bytes: u64| crate::http::count(usize::try_from(bytes >> 10).unwrap()) / 1024.0;
    report.row(
        "API, highest memory",
        mib(stack.servers[0].as_ref().unwrap().peak_memory()),
        "MiB",
        "60 MB",
    );
    report.row("worker, highest memory", mib(stack.worker().peak_memory()), "MiB", "700 MB");
}
