use super::*;

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn problems(flags: &Overrides, pairs: &[(&str, &str)]) -> Vec<String> {
    Config::load_from(flags, &env(pairs))
        .expect_err("must be refused")
        .problems
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn file(text: &str) -> (tempfile::TempDir, Overrides) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.yaml");
    std::fs::write(&path, text).unwrap();
    (folder, Overrides::new().file(Some(path)))
}

#[test]
fn defaults_are_the_seeds() {
    let config = Config::load_from(&Overrides::new(), &env(&[])).unwrap();
    assert_eq!(config.server.port, 8080);
    assert_eq!(config.processing.timeout_ms, 30_000);
    assert_eq!(config.processing.concurrency, 5);
    assert_eq!(config.database.url.expose(), "sqlite://./data/quittance.db");
    assert!(config.database.embedded && config.redis.url.is_none());
    assert_eq!(config.storage.path, Path::new("./data/originals"));
}

#[test]
fn every_setting_has_a_default() {
    let defaults: serde_json::Value = serde_yaml_ng::from_str(DEFAULT_YAML).unwrap();
    for setting in settings::all() {
        let pointer = format!("/{}", setting.name.replace('.', "/"));
        assert!(defaults.pointer(&pointer).is_some(), "{}", setting.name);
    }
}

#[test]
fn later_layers_win() {
    let (_folder, flags) = file("server:\n  port: 1000\nlog:\n  level: debug\n");
    let config = Config::load_from(&flags, &env(&[])).unwrap();
    assert_eq!((config.server.port, config.log.level.as_str()), (1000, "debug"));
    let config = Config::load_from(&flags, &env(&[("PORT", "2000")])).unwrap();
    assert_eq!(config.server.port, 2000);
    let both = env(&[("PORT", "2000"), ("QUITTANCE_SERVER_PORT", "2500")]);
    assert_eq!(Config::load_from(&flags, &both).unwrap().server.port, 2500);
    let flags = flags.set("server.port", "--port", Some(3000));
    assert_eq!(Config::load_from(&flags, &both).unwrap().server.port, 3000);
}

#[test]
fn parts_become_addresses_whatever_the_password_holds() {
    let config = Config::load_from(
        &Overrides::new(),
        &env(&[
            ("DB_HOST", "db"),
            ("DB_PASSWORD", "p@ss:/w#rd"),
            ("REDIS_HOST", "::1"),
            ("REDIS_PASSWORD", "12345"),
            ("REDIS_PORT", "6380"),
        ]),
    )
    .unwrap();
    assert_eq!(
        config.database.url.expose(),
        "postgres://quittance:p%40ss%3A%2Fw%23rd@db:5432/quittance"
    );
    assert_eq!(config.redis.url.as_ref().unwrap().expose(), "redis://:12345@[::1]:6380/0");
    let shown = format!("{config:?}");
    assert!(!shown.contains("12345") && !shown.contains("p%40ss"), "{shown}");
}

#[test]
fn all_problems_at_once_with_place_and_remedy() {
    let (folder, flags) = file(
        "server:\n  prot: 1\n  host: example.org\nprocessing:\n  # comment\n  economy: perhaps\nstorage: 5\nwhat: 1\n",
    );
    let flags = flags.set("log.format", "--log-format", Some("xml"));
    let found = problems(
        &flags,
        &[
            ("PORT", "eighty"),
            ("QUEUE_CONCURRENCY", "0"),
            ("LOG_LEVEL", "inof"),
            ("REDIS_PASSWORD", ""),
        ],
    );
    let place = folder.path().join("q.yaml").display().to_string();
    let expected = [
        format!("server.prot ({place}:2): there is no such setting; did you mean server.port?"),
        format!("storage ({place}:7): this is a section with settings below it"),
        format!("what ({place}:8): there is no such setting"),
        format!(
            "server.host ({place}:3): \"example.org\" is not allowed; allowed is an IP address such as 127.0.0.1, \
             0.0.0.0 or ::1, or localhost"
        ),
        "server.port (environment variable PORT): \"eighty\" is not allowed; allowed is a whole number from 0 to 65535"
            .into(),
        "processing.concurrency (environment variable QUEUE_CONCURRENCY): \"0\" is not allowed; allowed is a whole \
         number from 1 to 1024"
            .into(),
        format!("processing.economy ({place}:6): \"perhaps\" is not allowed; allowed is true or false"),
        "log.level (environment variable LOG_LEVEL): \"inof\" is not allowed; allowed is error, warn, info, debug, \
         trace, off, or a filter such as info,sqlx=warn"
            .into(),
        "log.format (flag --log-format): \"xml\" is not allowed; allowed is one of auto, text, json".into(),
    ];
    for line in &expected {
        assert!(found.contains(line), "missing: {line}\nfound: {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn secrets_are_not_in_messages() {
    let found = problems(&Overrides::new(), &[("DATABASE_URL", "mysql://root:hunter2@db/x")]);
    assert!(found[0].starts_with("database.url (environment variable DATABASE_URL)"), "{found:?}");
    assert!(!found[0].contains("hunter2"), "{found:?}");
}

#[test]
fn broken_files_are_named() {
    let (_folder, flags) = file("server: [\n");
    assert!(problems(&flags, &[])[0].contains("q.yaml: this is no valid YAML"));
    let (_folder, flags) = file("- a\n");
    assert!(problems(&flags, &[])[0].contains("must hold settings"));
    let missing = Overrides::new().file(Some("does/not/exist.yaml".into()));
    assert!(problems(&missing, &[])[0].contains("cannot be read"));
    let (_folder, flags) = file("# nothing\n");
    assert!(Config::load_from(&flags, &env(&[])).is_ok());
}

const HASH: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

#[test]
fn keys_come_from_file_or_variable() {
    let keys = format!("[{{name: a, sha256: {HASH}, client: shop, scopes: [client, admin]}}]");
    let config = Config::load_from(&Overrides::new(), &env(&[("QUITTANCE_KEYS", &keys)])).unwrap();
    assert_eq!(config.keys[0].client, "shop");
    assert_eq!(config.keys[0].scopes, [Scope::Client, Scope::Admin]);
    let (_folder, flags) = file(&format!(
        "keys:\n  - name: a\n    sha256: {HASH}\n    client: a b\n    scopes: [root]\n    extra: 1\n  - 5\n"
    ));
    let found = problems(&flags, &[]);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found[0].contains("q.yaml:1): entry 1: unknown field \"extra\""), "{found:#?}");
}

#[test]
fn without_keys_only_loopback() {
    let bind = |host: &str, keys: &str| {
        let vars = env(&[("QUITTANCE_SERVER_HOST", host), ("QUITTANCE_KEYS", keys)]);
        Config::load_from(&Overrides::new(), &vars).unwrap().check_bind(false)
    };
    for host in ["127.0.0.1", "localhost", "::1", "127.9.9.9"] {
        assert!(bind(host, "").is_ok(), "{host}");
    }
    let keys = format!("[{{name: a, sha256: {HASH}, client: shop, scopes: [client]}}]");
    for host in ["0.0.0.0", "::", "192.168.1.5"] {
        let error = bind(host, "").unwrap_err().to_string();
        assert!(error.contains("keys") && error.contains("127.0.0.1"), "{error}");
        assert!(bind(host, &keys).is_ok());
        let vars = env(&[("QUITTANCE_SERVER_HOST", host)]);
        let config = Config::load_from(&Overrides::new(), &vars).unwrap();
        assert!(config.check_bind(true).is_ok(), "a key of the database will do");
    }
}

#[test]
fn limits_of_single_clients() {
    let load = |text: &str| {
        Config::load_from(&Overrides::new(), &env(&[("QUITTANCE_LIMITS_CLIENTS", text)]))
    };
    let config = load("{shop: {requests_per_minute: 60}, till: {uploads_per_minute: 0}}").unwrap();
    let shop = config.limits.clients["shop"];
    assert_eq!((shop.requests_per_minute, shop.uploads_per_minute), (Some(60), None));
    assert_eq!(config.limits.clients["till"].uploads_per_minute, Some(0));
    for (text, word) in [
        ("{shop: 60}", "shop"),
        ("{shop: {requests: 60}}", "requests_per_minute"),
        ("{shop: {requests_per_minute: many}}", "whole number"),
        ("{a b: {requests_per_minute: 1}}", "no name"),
        ("60", "a name for each client"),
    ] {
        let error = load(text).unwrap_err().to_string();
        assert!(error.contains("limits.clients") && error.contains(word), "{text}: {error}");
    }
}

#[test]
fn several_processes_need_servers() {
    let config = Config::load_from(&Overrides::new(), &env(&[])).unwrap();
    let error = config.check_distributed("quittance api").unwrap_err();
    assert_eq!(error.problems.len(), 2);
    let vars = env(&[("DATABASE_URL", "postgres://a@b/c"), ("REDIS_URL", "redis://r")]);
    let config = Config::load_from(&Overrides::new(), &vars).unwrap();
    assert!(config.check_distributed("quittance worker").is_ok());
}
