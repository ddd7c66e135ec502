//! PgBouncer in transaction mode before PostgreSQL, and Redis behind TLS and a password: everything works through them.

use crate::support::{
    client::{PATIENCE, Upload},
    gate::Act,
    ground::{QUICK, on_ground},
    pgbouncer::PgBouncer,
    postgres::Postgres,
    stack::{Options, Shape, quittance},
};
use std::time::Instant;

const KIND: &str = "purchase_saga";

fn guarded(mut options: Options) -> Options {
    options.guarded = true;
    options.apis = 2;
    options
}

#[tokio::test]
async fn sagas_and_receipts_complete_through_a_pooler_in_transaction_mode() {
    on_ground(&[Shape::Distributed], QUICK, guarded, async |ground| {
        // A worker that reads documents, started when a later version has been here already: what it added is left
        // alone.
        ground.stack.sql("INSERT INTO schema_migration VALUES ('m99999999_of_a_later_version', 0)");
        ground.stack.sql("ALTER TABLE run ADD COLUMN of_a_later_version text");
        ground.stack.set("QUITTANCE_PROCESSING_LANES", "documents");
        ground.stack.workers.push(None);
        ground.stack.start_worker(1);

        let data = ground.data(KIND).await;
        let receipts: Vec<String> = {
            let (one, two) = (ground.stack.client_of(0), ground.stack.client_of(1));
            let mut ids = Vec::new();
            for n in 0..3 {
                let client = if n % 2 == 0 { &one } else { &two };
                ids.push(client.accepted(&Upload::slip().key(&format!("slip-{n}"))).await);
            }
            ids
        };
        let mut sagas = Vec::new();
        for n in 0..12 {
            if n % 4 == 3 {
                ground.gate.rule("UPDATE_INVENTORY", "do", 1, Act::Answer(409, "{}"));
                let saga = ground.ran(KIND, &data).await;
                assert_eq!(saga["status"], "compensated", "{saga:#}");
            } else {
                sagas.push(ground.begun(KIND, &data).await);
                ground.end_of(&sagas[sagas.len() - 1]).await;
            }
        }
        for id in &sagas {
            assert_eq!(ground.end_of(id).await["status"], "completed");
        }
        for id in &receipts {
            ground.stack.client().completed(id).await;
        }
        // Statements of one client really landed on several connections.
        let lent = "SELECT count(*) FROM pg_stat_activity \
                    WHERE application_name = 'quittance' AND query <> ''";
        let lent: u32 = ground.stack.sql(lent)[0].parse().unwrap();
        assert!(lent >= 3, "only {lent} connections were used");
        // And whoever is not told of the pooler is told what to do.
        for server in ground.stack.servers.iter().chain(&ground.stack.workers).flatten() {
            let words = server.tail(2000);
            assert!(!words.contains("prepared statement"), "{}: {words}", server.name());
        }
    })
    .await;
}

#[test]
fn three_programs_at_once_make_the_tables_of_an_empty_database_and_a_pooler_is_recognised() {
    let postgres = Postgres::start();
    let pooler = PgBouncer::before(&postgres);
    let migrate = |pooled: &str| {
        let mut command = quittance(&["migrate"]);
        command.env("DATABASE_URL", if pooled == "none" { postgres.url() } else { pooler.url() });
        command.env("QUITTANCE_DATABASE_POOLER", pooled);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    let programs: Vec<_> = ["transaction", "none", "transaction"].map(migrate).into();
    for program in programs {
        let output = program.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let twice = "SELECT version FROM schema_migration GROUP BY version HAVING count(*) > 1";
    assert_eq!(postgres.sql(twice), [""; 0]);
    assert_ne!(postgres.sql("SELECT count(*) FROM schema_migration"), ["0"]);

    let started = Instant::now();
    let output = quittance(&["migrate"]).env("DATABASE_URL", pooler.url()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && started.elapsed() < PATIENCE / 4, "{error}");
    assert!(error.contains("QUITTANCE_DATABASE_POOLER=transaction"), "{error}");
}
