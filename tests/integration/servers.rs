//! The servers the other tests stand on: when this fails, look here first.

use crate::support::{postgres::Postgres, redis::Redis};

#[test]
fn postgres_keeps_what_was_committed_through_a_crash() {
    let mut postgres = Postgres::start();
    assert!(postgres.url().contains("127.0.0.1"));
    postgres.sql("CREATE TABLE t AS SELECT 42 AS n");
    postgres.crash();
    postgres.start_again();
    assert_eq!(postgres.sql("SELECT n, 'x' FROM t"), ["42|x"]);
    assert_eq!(postgres.sql("SHOW fsync"), ["on"]);
}

#[test]
fn redis_keeps_what_was_written_through_a_restart() {
    let mut redis = Redis::start();
    redis.command(&["SET", "k", "v"]);
    redis.stop();
    redis.start_again();
    assert_eq!(redis.command(&["GET", "k"]).trim(), "v");
}
