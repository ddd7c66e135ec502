//! Who may call and how much; how it starts and ends.

use super::{Setting, s};
use crate::config::kind::Kind;

pub(super) const SETTINGS: &[Setting] = &[
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
        "Largest body that is not an upload, in bytes; a batch of transactions may have 16 MiB.",
        "Plus grand corps qui n’est pas un envoi de fichier, en octets ; un lot d’opérations peut \
         avoir 16 Mio.",
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
