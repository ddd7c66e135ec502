//! The list of settings: name, older variable names, what is allowed, what it is for in English and French.
//!
//! Everything about one setting is one entry here; its default stands in `config.default.yaml`. The pages
//! `docs/SETTINGS.md` and `docs/fr/REGLAGES.md` are made of this list: `make settings`, or
//! `UPDATE_DOCS=1 cargo test -p quittance-shared --lib config`.

use super::kind::Kind;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    /// Path in the file, `server.port`.
    pub(super) name: &'static str,
    /// Variables beside `QUITTANCE_SERVER_PORT`.
    pub(super) aliases: &'static [&'static str],
    /// What it may be.
    pub(super) kind: Kind,
    /// What it is for, as docs/SETTINGS.md says it; Markdown.
    pub(super) en: &'static str,
    /// The same for docs/fr/REGLAGES.md.
    pub(super) fr: &'static str,
}

const fn s(
    name: &'static str,
    aliases: &'static [&'static str],
    kind: Kind,
    en: &'static str,
    fr: &'static str,
) -> Setting {
    Setting { name, aliases, kind, en, fr }
}

const DATABASE_SCHEMES: &[&str] = &["postgres", "postgresql", "sqlite"];
const REDIS_SCHEMES: &[&str] = &["redis", "rediss", "redis+unix", "unix"];

/// All of them.
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
    s(
        "storage.kind",
        &[],
        Kind::Choice(&["local", "s3"]),
        "Where uploaded originals are kept: a folder or an S3 server.",
        "Où les originaux sont gardés : un dossier ou un serveur S3.",
    ),
    s(
        "storage.path",
        &[],
        Kind::Text,
        "Folder of the originals (`local`); empty: `originals` in `data_dir`. API and workers \
         must see the same one.",
        "Dossier des originaux (`local`) ; vide : `originals` dans `data_dir`. L’API et les \
         workers doivent voir le même.",
    ),
    s(
        "storage.encryption.keys",
        &[],
        Kind::EncryptionKeys,
        "Keys that originals and pages are encrypted with (AES-256-GCM): `{id: \"2026-11\", key: …}`, 64 hexadecimal \
         digits each. The first encrypts, all decrypt; none: what is stored is not encrypted. Every process needs the \
         same list. `quittance storage rotate-keys` puts every file under the first: docs/DATA.md.",
        "Clés de chiffrement des originaux et des pages (AES-256-GCM) : `{id: \"2026-11\", key: …}`, 64 chiffres \
         hexadécimaux chacune. La première chiffre, toutes déchiffrent ; aucune : rien n’est chiffré. Même liste pour \
         tous les processus. `quittance storage rotate-keys` met chaque fichier sous la première : docs/DATA.md.",
    ),
    s(
        "storage.s3.bucket",
        &[],
        Kind::Text,
        "Name of the bucket; needed with `s3`.",
        "Nom du bucket ; nécessaire avec `s3`.",
    ),
    s("storage.s3.region", &[], Kind::Text, "S3 region.", "Région S3."),
    s(
        "storage.s3.endpoint",
        &[],
        Kind::Url(&["http", "https"]),
        "Address of an S3 server that is not Amazon's.",
        "Adresse d’un serveur S3 qui n’est pas celui d’Amazon.",
    ),
    s(
        "storage.s3.access_key_id",
        &[],
        Kind::Text,
        "Key id; empty: what the machine gives (role, container, web identity).",
        "Identifiant de clé ; vide : ce que donne la machine (rôle, conteneur, identité web).",
    ),
    s(
        "storage.s3.secret_access_key",
        &[],
        Kind::Secret,
        "Secret of that key.",
        "Secret de cette clé.",
    ),
    s(
        "storage.s3.prefix",
        &[],
        Kind::AnyText,
        "Folder inside the bucket.",
        "Dossier à l’intérieur du bucket.",
    ),
    s(
        "storage.s3.path_style",
        &[],
        Kind::Bool,
        "The bucket in the path and not in the host name, as most servers that are not \
         Amazon's want it.",
        "Le bucket dans le chemin et non dans le nom d’hôte, comme le veulent la plupart des \
         serveurs autres qu’Amazon.",
    ),
    s(
        "processing.timeout_ms",
        &["PROCESSING_TIMEOUT_MS"],
        Kind::Int(100, 3_600_000),
        "Limit of one try of one step, in milliseconds.",
        "Limite d’un essai d’une étape, en millisecondes.",
    ),
    s(
        "processing.concurrency",
        &["QUEUE_CONCURRENCY"],
        Kind::Int(1, 1_024),
        "Jobs a worker process runs side by side.",
        "Tâches qu’un worker mène de front.",
    ),
    s(
        "processing.lanes",
        &[],
        Kind::Choices(&["documents", "sagas"]),
        "Kinds of work a worker takes: `documents` (CPU) or `sagas` (network).",
        "Sortes de travail qu’un worker prend : `documents` (processeur) ou `sagas` (réseau).",
    ),
    s(
        "processing.max_upload_bytes",
        &[],
        Kind::Int(1_024, 1_073_741_824),
        "Largest upload, in bytes. The gateway has a limit too: docs/OPERATIONS.md.",
        "Plus grand envoi, en octets. Passerelle comprise : voir docs/fr/EXPLOITATION.md.",
    ),
    s(
        "processing.max_pixels",
        &[],
        Kind::Int(10_000, 1_000_000_000),
        "Largest picture or page, in pixels (width × height).",
        "Plus grande image ou page, en pixels (largeur × hauteur).",
    ),
    s(
        "processing.max_pages",
        &[],
        Kind::Int(1, 1_000),
        "Pages of one document that are read.",
        "Pages d’un document qui sont lues.",
    ),
    s(
        "processing.economy",
        &[],
        Kind::Bool,
        "Smaller models: about a third of the work, less exact.",
        "Modèles plus petits : environ un tiers du travail, moins exacts.",
    ),
    s(
        "processing.engine",
        &[],
        Kind::Choice(&["ppocr", "tesseract"]),
        "What reads the characters.",
        "Ce qui lit les caractères.",
    ),
    s(
        "processing.runtime",
        &[],
        Kind::Choice(&["auto", "ort", "rten"]),
        "What runs the models; `auto` takes `ort` where its library is found.",
        "Ce qui fait tourner les modèles ; `auto` prend `ort` là où sa bibliothèque est \
         trouvée.",
    ),
    s(
        "processing.heic",
        &[],
        Kind::Choice(&["auto", "always", "never"]),
        "Whether HEIC photos are taken; `auto` where `heif-convert` (Debian: libheif-examples) is installed beside \
         the API. With workers on other machines: `always` once all of them have it.",
        "Si les photos HEIC sont acceptées ; `auto` là où `heif-convert` (Debian : libheif-examples) est installé \
         auprès de l’API. Avec des workers sur d’autres machines : `always` quand tous l’ont.",
    ),
    s(
        "processing.models_dir",
        &[],
        Kind::Text,
        "Folder that `make models` fills.",
        "Dossier que remplit `make models`.",
    ),
    s(
        "processing.isolation",
        &[],
        Kind::Choice(&["process", "none"]),
        "Where documents are decoded: `process` gives each a process of its own, without files or \
         network (Linux); `none` decodes in the worker.",
        "Où les documents sont décodés : `process` donne à chacun un processus à lui, sans fichiers \
         ni réseau (Linux) ; `none` décode dans le worker.",
    ),
    s(
        "processing.decode_memory_bytes",
        &[],
        Kind::Int(67_108_864, 17_179_869_184),
        "Memory one document may take while it is decoded in its process, in bytes.",
        "Mémoire qu’un document peut prendre pendant son décodage dans son processus, en octets.",
    ),
    s(
        "documents.processor.url",
        &[],
        Kind::Base,
        "Service that reads documents in the place of the step here; the document is sent to \
         `/process` below this address.",
        "Service qui lit les documents à la place de l’étape d’ici ; le document est envoyé à \
         `/process` sous cette adresse.",
    ),
    s(
        "documents.processor.headers",
        &[],
        Kind::Headers,
        "Headers sent to that service.",
        "En-têtes envoyés à ce service.",
    ),
    s(
        "documents.processor.timeout_ms",
        &[],
        Kind::Int(100, 3_600_000),
        "How long one call may take, in milliseconds.",
        "Durée permise d’un appel, en millisecondes.",
    ),
    s(
        "documents.analyzer.url",
        &[],
        Kind::Base,
        "Service that analyses transactions in the place of the step here; they are sent to \
         `/analyze`, a thousand at a time.",
        "Service qui analyse les transactions à la place de l’étape d’ici ; elles sont \
         envoyées à `/analyze`, mille à la fois.",
    ),
    s(
        "documents.analyzer.headers",
        &[],
        Kind::Headers,
        "Headers sent to that service.",
        "En-têtes envoyés à ce service.",
    ),
    s(
        "documents.analyzer.timeout_ms",
        &[],
        Kind::Int(100, 3_600_000),
        "How long one call may take, in milliseconds.",
        "Durée permise d’un appel, en millisecondes.",
    ),
    s(
        "retention.originals_days",
        &[],
        Kind::Days,
        "Days that uploaded files and the pages made of them are kept; the results stay, but cannot be read again.",
        "Jours de conservation des fichiers envoyés et des pages qui en sont tirées ; les résultats restent, sans \
         relecture possible.",
    ),
    s(
        "retention.results_days",
        &[],
        Kind::Days,
        "Days that receipts and document workflows are kept, with everything that belongs to them; tombstones stay.",
        "Jours de conservation des reçus et des documents, avec tout ce qui en dépend ; une trace de l’effacement reste.",
    ),
    s(
        "retention.transactions_days",
        &[],
        Kind::Days,
        "Days that transactions are kept after they were stored.",
        "Jours de conservation des transactions après leur enregistrement.",
    ),
    s(
        "retention.runs_days",
        &[],
        Kind::Days,
        "Days that ended sagas are kept, with their histories.",
        "Jours de conservation des sagas terminées, avec leur historique.",
    ),
    s(
        "retention.webhooks_days",
        &[],
        Kind::Days,
        "Days that ended deliveries of webhooks are kept: what was told whom, and what came of it.",
        "Jours de conservation des livraisons de webhooks terminées : ce qui a été dit à qui, et avec quel résultat.",
    ),
    s(
        "retention.tombstones_days",
        &[],
        Kind::Days,
        "Days that tombstones of what was erased are kept; afterwards their ids are unknown.",
        "Jours de conservation des traces d’effacement ; ensuite, leurs identifiants sont inconnus.",
    ),
    s(
        "retention.audit_days",
        &[],
        Kind::Days,
        "Days that entries of the audit log are kept; what stays can still be verified.",
        "Jours de conservation du journal d’audit ; ce qui reste est toujours vérifiable.",
    ),
    s(
        "retention.interval_seconds",
        &[],
        Kind::Int(1, 86_400),
        "How often the workers look for what is due, in seconds.",
        "Intervalle en secondes auquel les workers cherchent ce qui est échu.",
    ),
    s(
        "review.threshold",
        &[],
        Kind::Share,
        "A receipt whose total, date or merchant is missing, or whose total or date has a \
         confidence below this, waits for a person. It counts when a result is stored or corrected.",
        "Un reçu dont le total, la date ou le commerçant manque, ou dont le total ou la date a \
         une confiance en dessous, attend une personne. Compte quand un résultat est enregistré \
         ou corrigé.",
    ),
    s(
        "review.merchant_threshold",
        &[],
        Kind::Share,
        "The same for the confidence of the merchant's name.",
        "De même pour la confiance du nom du commerçant.",
    ),
    s(
        "sagas.dir",
        &[],
        Kind::Text,
        "Folder with `*.yaml` files of your own sagas (docs/SAGAS.md); the built-in ones need \
         none.",
        "Dossier de vos propres sagas (`*.yaml`, docs/SAGAS.md) ; celles d’origine n’en ont \
         pas besoin.",
    ),
    s(
        "sagas.participants",
        &[],
        Kind::Participants,
        "The services that sagas may call, and no others: `{payment: {url: \
         \"http://payments.internal:8080\", headers: {Authorization: \"Bearer …\"}}}`.",
        "Les services que les sagas peuvent appeler, et aucun autre : `{payment: {url: \
         \"http://payments.internal:8080\", headers: {Authorization: \"Bearer …\"}}}`.",
    ),
    s(
        "sagas.values",
        &[],
        Kind::Values,
        "What expressions in sagas see as `config`.",
        "Ce que les expressions des sagas voient sous `config`.",
    ),
    s(
        "webhooks.allow_http",
        &[],
        Kind::Bool,
        "Lets webhooks call addresses with `http://` beside `https://`.",
        "Permet aux webhooks d’appeler des adresses en `http://` à côté de `https://`.",
    ),
    s(
        "webhooks.allow_private",
        &[],
        Kind::Bool,
        "Lets webhooks call this machine and private networks. Names are judged by what they resolve to.",
        "Permet aux webhooks d’appeler cette machine et les réseaux privés. Un nom est jugé à ce qu’il \
         désigne.",
    ),
    s(
        "webhooks.ca_file",
        &[],
        Kind::Text,
        "PEM file with authorities of your own that sign endpoints' certificates, beside those that the system trusts.",
        "Fichier PEM de vos propres autorités, qui signent les certificats des destinataires, en plus de celles du système.",
    ),
    s(
        "webhooks.timeout_ms",
        &[],
        Kind::Int(100, 55_000),
        "How long one call of a webhook may take, in milliseconds.",
        "Durée permise à un appel de webhook, en millisecondes.",
    ),
    s(
        "webhooks.concurrency",
        &[],
        Kind::Int(0, 1_024),
        "Webhooks a worker process delivers side by side; 0: it leaves them to other workers.",
        "Webhooks qu’un worker livre de front ; 0 : il les laisse aux autres workers.",
    ),
    s(
        "webhooks.disable_after_days",
        &[],
        Kind::Int(1, 365),
        "A webhook’s endpoint that takes nothing for so many days is disabled.",
        "Un destinataire de webhooks qui n’accepte rien pendant tant de jours est désactivé.",
    ),
    s(
        "keys",
        &[],
        Kind::Keys,
        "API keys; only the SHA-256 of a key stands here: `[{name: till-1, sha256: …, client: \
         shop-lyon, scopes: [client]}]`.",
        "Clés d’API ; seul le SHA-256 d’une clé se trouve ici : `[{name: caisse-1, sha256: …, \
         client: boutique-lyon, scopes: [client]}]`.",
    ),
    s(
        "log.level",
        &["LOG_LEVEL"],
        Kind::LogFilter,
        "Level of the log, or a filter such as `info,sqlx=warn`.",
        "Niveau du journal, ou un filtre tel que `info,sqlx=warn`.",
    ),
    s(
        "log.format",
        &[],
        Kind::Choice(&["auto", "text", "json"]),
        "`auto`: text on a terminal, JSON elsewhere.",
        "`auto` : texte sur un terminal, JSON ailleurs.",
    ),
    s(
        "telemetry.otlp_endpoint",
        &["OTEL_EXPORTER_OTLP_ENDPOINT"],
        Kind::Base,
        "Collector that spans are sent to, by OTLP over HTTP (protobuf), to `/v1/traces` below this address: \
         `http://jaeger:4318`. Empty: no spans.",
        "Collecteur qui reçoit les spans, par OTLP sur HTTP (protobuf), à `/v1/traces` sous cette adresse : \
         `http://jaeger:4318`. Vide : aucun span.",
    ),
    s(
        "telemetry.otlp_headers",
        &[],
        Kind::Headers,
        "Headers sent to the collector.",
        "En-têtes envoyés au collecteur.",
    ),
    s(
        "telemetry.sample_ratio",
        &[],
        Kind::Share,
        "Share of traces that are kept, of those that begin here; where a call brings a `traceparent`, its flag decides.",
        "Part des traces gardées, parmi celles qui commencent ici ; si un appel apporte un `traceparent`, c’est lui qui \
         décide.",
    ),
    s(
        "cors.origins",
        &[],
        Kind::Origins,
        "Origins whose pages may call the API; empty is none; `*` is any.",
        "Origines dont les pages peuvent appeler l’API ; vide : aucune ; `*` : toutes.",
    ),
    s(
        "limits.max_body_bytes",
        &[],
        Kind::Int(1_024, 16_777_216),
        "Largest body that is not an upload, in bytes.",
        "Plus grand corps qui n’est pas un envoi de fichier, en octets.",
    ),
    s(
        "limits.upload_timeout_seconds",
        &[],
        Kind::Int(1, 3_600),
        "Time a client has to send an upload, in seconds.",
        "Temps qu’a un client pour envoyer un fichier, en secondes.",
    ),
    s(
        "limits.request_timeout_seconds",
        &[],
        Kind::Int(1, 3_600),
        "Time any other call may take, in seconds; waiting with `?wait` comes on top.",
        "Temps que peut prendre tout autre appel, en secondes ; une attente par `?wait` s’y \
         ajoute.",
    ),
    s(
        "limits.concurrent_uploads",
        &[],
        Kind::Int(1, 100_000),
        "Uploads a process receives at the same time; more are answered 503 with \
         `Retry-After`.",
        "Envois reçus en même temps par un processus ; au-delà, 503 avec `Retry-After`.",
    ),
    s(
        "limits.uploads_per_minute",
        &[],
        Kind::Int(0, 60_000),
        "Uploads a client may send in a minute; more are answered 429 with `Retry-After`. With \
         Redis all API processes count together. 0 is no limit.",
        "Envois par client et par minute ; au-delà, réponse 429 avec `Retry-After`. Avec Redis, \
         tous les processus d’API comptent ensemble. 0 : sans limite.",
    ),
    s(
        "limits.requests_per_minute",
        &[],
        Kind::Int(0, 6_000_000),
        "Calls of any kind a client may make in a minute, counted in the same way. 0 is no limit.",
        "Appels de toute sorte par client et par minute, comptés de la même façon. 0 : sans limite.",
    ),
    s(
        "limits.clients",
        &[],
        Kind::ClientLimits,
        "Other numbers for single clients: `{shop-lyon: {requests_per_minute: 6000, \
         uploads_per_minute: 60}}`.",
        "D’autres nombres pour certains clients : `{boutique-lyon: {requests_per_minute: 6000, \
         uploads_per_minute: 60}}`.",
    ),
    s(
        "limits.connections",
        &[],
        Kind::Int(1, 1_000_000),
        "Connections at once; a further one waits to be accepted.",
        "Connexions simultanées ; une de plus attend d’être acceptée.",
    ),
    s(
        "limits.connections_per_ip",
        &[],
        Kind::Int(0, 1_000_000),
        "Connections at once from one address (of IPv6: one /64 network); a further one is closed. \
         Behind a gateway all come from the gateway. 0 is no limit.",
        "Connexions simultanées d’une même adresse (en IPv6 : d’un réseau /64) ; une de plus est \
         fermée. Derrière une passerelle, toutes viennent d’elle. 0 : sans limite.",
    ),
    s(
        "limits.header_timeout_seconds",
        &[],
        Kind::Int(1, 600),
        "Time a client has for the headers of a request, from their first byte, in seconds.",
        "Temps accordé pour les en-têtes d’une requête, dès leur premier octet, en secondes.",
    ),
    s(
        "limits.idle_timeout_seconds",
        &[],
        Kind::Int(1, 3_600),
        "How long a connection may lie idle, in seconds; longer than the gateway keeps one.",
        "Durée d’inactivité permise à une connexion, en secondes ; plus longue que celle de la \
         passerelle.",
    ),
    s(
        "limits.max_headers",
        &[],
        Kind::Int(16, 1_000),
        "Headers of one request; more are answered 431.",
        "En-têtes d’une requête ; au-delà, réponse 431.",
    ),
    s(
        "limits.max_header_bytes",
        &[],
        Kind::Int(8_192, 1_048_576),
        "Bytes of all headers of one request; more are answered 431.",
        "Octets de tous les en-têtes d’une requête ; au-delà, réponse 431.",
    ),
    s(
        "limits.min_body_rate",
        &[],
        Kind::Int(0, 1_048_576),
        "Bytes of a body that have to come in a second once it was waited for ten; slower ones are \
         answered 408. 0 is no limit.",
        "Octets d’un corps qui doivent arriver par seconde après dix secondes d’attente ; plus \
         lent, réponse 408. 0 : sans limite.",
    ),
    s(
        "limits.event_streams_per_client",
        &[],
        Kind::Int(1, 100_000),
        "Event streams (Server-Sent Events) a client may hold open at one API process; more are \
         answered 429.",
        "Flux d’événements (Server-Sent Events) qu’un client peut tenir ouverts sur un processus \
         d’API ; au-delà, 429.",
    ),
    s(
        "limits.result_cache_bytes",
        &[],
        Kind::Int(0, 1_073_741_824),
        "Bytes of results an API process keeps in memory for clients that ask again; 0 keeps none.",
        "Octets de résultats qu’un processus d’API garde en mémoire pour les clients qui \
         redemandent ; 0 : aucun.",
    ),
    s(
        "startup.wait_seconds",
        &[],
        Kind::Int(0, 3_600),
        "How long to wait for database and Redis before giving up, in seconds.",
        "Temps d’attente de la base et de Redis avant d’abandonner, en secondes.",
    ),
    s(
        "shutdown.drain_seconds",
        &[],
        Kind::Int(0, 3_600),
        "How long running jobs and calls may take to finish after SIGTERM, in seconds.",
        "Temps laissé aux tâches et aux appels en cours après SIGTERM, en secondes.",
    ),
];

/// `server.port` → `QUITTANCE_SERVER_PORT`.
pub(super) fn variable(name: &str) -> String {
    format!("QUITTANCE_{}", name.replace('.', "_").to_ascii_uppercase())
}
