//! What it calls and tells.

use super::{Setting, s};
use crate::config::kind::Kind;

pub(super) const SETTINGS: &[Setting] = &[
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
        "sagas.user_fields",
        &[],
        Kind::Names,
        "By type of saga, the field of its `data` in which the client's user stands: `{order_saga: user_id}`. Such \
         sagas are handed out and erased with their user (docs/DATA.md).",
        "Pour chaque type de saga, le champ de ses `data` où figure l’utilisateur du client : `{order_saga: user_id}`. \
         Ces sagas sont remises et effacées avec leur utilisateur (docs/DATA.md).",
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
];
