//! Where it listens and what it stands on.

use super::{Setting, s};
use crate::config::kind::Kind;

const DATABASE_SCHEMES: &[&str] = &["postgres", "postgresql", "sqlite"];
const REDIS_SCHEMES: &[&str] = &["redis", "rediss", "redis+unix", "unix"];

pub(super) const SETTINGS: &[Setting] = &[
    s(
        "server.host",
        &[],
        Kind::Host,
        "Address to listen on. Without API keys (`quittance keys create`, or `keys`) only a loopback \
         address is accepted.",
        "Adresse d’écoute. Sans clé d’API (`quittance keys create`, ou `keys`), seule une adresse \
         de bouclage est acceptée.",
    ),
    s(
        "server.port",
        &["PORT"],
        Kind::Int(0, 65_535),
        "Port to listen on; 0 takes any free port.",
        "Port d’écoute ; 0 prend n’importe quel port libre.",
    ),
    s(
        "server.hsts_seconds",
        &[],
        Kind::Int(0, 63_072_000),
        "Behind TLS: for how long browsers come back by TLS only (`Strict-Transport-Security`), in \
         seconds; 0 says nothing.",
        "Derrière TLS : durée pendant laquelle les navigateurs ne reviennent que par TLS \
         (`Strict-Transport-Security`), en secondes ; 0 ne dit rien.",
    ),
    s(
        "worker.host",
        &[],
        Kind::Host,
        "Address on which a worker alone (`quittance worker`) answers `/metrics` and `/health/ready`; where the API \
         runs in the same process, it answers for both.",
        "Adresse où un worker seul (`quittance worker`) répond à `/metrics` et `/health/ready` ; là où l’API tourne \
         dans le même processus, elle répond pour les deux.",
    ),
    s(
        "worker.port",
        &[],
        Kind::Int(0, 65_535),
        "Port of it; empty: a worker alone answers nothing.",
        "Son port ; vide : un worker seul ne répond à rien.",
    ),
    s(
        "data_dir",
        &[],
        Kind::Text,
        "Folder of the SQLite database, the originals and scratch files.",
        "Dossier de la base SQLite, des originaux et des fichiers de travail.",
    ),
    s(
        "database.url",
        &["DATABASE_URL"],
        Kind::SecretUrl(DATABASE_SCHEMES),
        "Address of the database, `postgres://user:password@host:5432/name` or \
         `sqlite:///path/file.db`. Wins over the parts below; without address and host: \
         SQLite in `data_dir`, for one process.",
        "Adresse de la base, `postgres://utilisateur:motdepasse@hote:5432/nom` ou \
         `sqlite:///chemin/fichier.db`. Prime sur les parties ci-dessous ; sans adresse ni \
         hôte : SQLite dans `data_dir`, pour un seul processus.",
    ),
    s("database.host", &["DB_HOST"], Kind::Text, "PostgreSQL host.", "Hôte PostgreSQL."),
    s("database.port", &["DB_PORT"], Kind::Int(1, 65_535), "PostgreSQL port.", "Port PostgreSQL."),
    s(
        "database.username",
        &["DB_USERNAME"],
        Kind::Text,
        "PostgreSQL user.",
        "Utilisateur PostgreSQL.",
    ),
    s(
        "database.password",
        &["DB_PASSWORD"],
        Kind::Secret,
        "PostgreSQL password; it may hold any character.",
        "Mot de passe PostgreSQL, avec n’importe quels caractères.",
    ),
    s(
        "database.name",
        &["DB_DATABASE"],
        Kind::Text,
        "Name of the PostgreSQL database.",
        "Nom de la base PostgreSQL.",
    ),
    s(
        "database.max_connections",
        &[],
        Kind::Int(2, 1_000),
        "Connections this process opens at its start and keeps. The sum over all processes must stay below \
         PostgreSQL's `max_connections`.",
        "Connexions que ce processus ouvre au démarrage et garde. La somme sur tous les processus \
         doit rester sous `max_connections` de PostgreSQL.",
    ),
    s(
        "database.pooler",
        &[],
        Kind::Choice(&["none", "transaction"]),
        "`transaction`: a pooler in transaction mode stands before PostgreSQL (PgBouncer, Supabase and others). \
         Every statement is then sent in a transaction and nothing is prepared or set for a session.",
        "`transaction` : un pooler en mode transaction est placé devant PostgreSQL (PgBouncer, Supabase et d’autres). \
         Chaque instruction passe alors dans une transaction, et rien n’est préparé ni réglé pour une session.",
    ),
    s(
        "database.sslmode",
        &["DB_SSLMODE"],
        Kind::Choice(&["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
        "TLS to PostgreSQL, as its `sslmode`: `require` encrypts, `verify-full` also proves that it is the right \
         server. Empty: what the address says, else `prefer`.",
        "TLS vers PostgreSQL, comme son `sslmode` : `require` chiffre, `verify-full` prouve aussi que c’est le bon \
         serveur. Vide : ce que dit l’adresse, sinon `prefer`.",
    ),
    s(
        "database.ca_file",
        &["DB_CA_FILE"],
        Kind::Text,
        "PEM file with the authority that signed PostgreSQL's certificate, where it is not a public one.",
        "Fichier PEM de l’autorité qui a signé le certificat de PostgreSQL, quand elle n’est pas publique.",
    ),
    s(
        "redis.url",
        &["REDIS_URL"],
        Kind::SecretUrl(REDIS_SCHEMES),
        "Address of Redis, `redis://:password@host:6379/0`. Wins over the parts below; \
         without address and host the queue lives in the process.",
        "Adresse de Redis, `redis://:motdepasse@hote:6379/0`. Prime sur les parties \
         ci-dessous ; sans adresse ni hôte, la file vit dans le processus.",
    ),
    s("redis.host", &["REDIS_HOST"], Kind::Text, "Redis host.", "Hôte Redis."),
    s("redis.port", &["REDIS_PORT"], Kind::Int(1, 65_535), "Redis port.", "Port Redis."),
    s(
        "redis.password",
        &["REDIS_PASSWORD"],
        Kind::Secret,
        "Redis password.",
        "Mot de passe Redis.",
    ),
    s(
        "redis.tls",
        &["REDIS_TLS"],
        Kind::Bool,
        "TLS to the host above; in an address it is `rediss://`.",
        "TLS vers l’hôte ci-dessus ; dans une adresse, c’est `rediss://`.",
    ),
    s(
        "redis.ca_file",
        &["REDIS_CA_FILE"],
        Kind::Text,
        "PEM file with the authority that signed Redis' certificate, in the place of those the system trusts.",
        "Fichier PEM de l’autorité qui a signé le certificat de Redis, à la place de celles du système.",
    ),
];
