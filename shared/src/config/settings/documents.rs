//! Originals, reading, and what is kept for how long.

use super::{Setting, s};
use crate::config::kind::Kind;

pub(super) const SETTINGS: &[Setting] = &[
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
        "Lines are read by the smaller model only: about half of the work, less exact.",
        "Les lignes ne sont lues que par le petit modèle : environ la moitié du travail, moins exact.",
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
];
