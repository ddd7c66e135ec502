//! Variables with our prefix that no setting has: a misspelt one would be without effect, and nobody would see it.

use super::{
    Problem,
    layers::nearest,
    settings::{self, variable},
};
use std::collections::BTreeMap;

const PREFIX: &str = "QUITTANCE_";
/// Read by something else than the settings.
const OTHERS: [&str; 10] = [
    "QUITTANCE_CONFIG",
    // Commands.
    "QUITTANCE_API_KEY",
    "QUITTANCE_MODELS_DIR",
    // docker-compose.yml, by way of `.env`.
    "QUITTANCE_BIND",
    "QUITTANCE_PORT",
    "QUITTANCE_TAG",
    "QUITTANCE_WORKER_MEMORY",
    // Tests, which hand their environment on.
    "QUITTANCE_SHARED",
    "QUITTANCE_TEST_IDS",
    "QUITTANCE_TEXTS",
];

/// Every variable that looks like a setting and is none.
pub(super) fn unknown(environment: &BTreeMap<String, String>) -> Vec<Problem> {
    let known: Vec<String> = settings::all().map(|setting| variable(setting.name)).collect();
    let unknown = environment.iter().filter(|(name, value)| {
        name.starts_with(PREFIX)
            && !value.is_empty()
            && !OTHERS.contains(&name.as_str())
            && !known.contains(name)
            && !is_of_an_orchestrator(name, value)
    });
    let problem = |name: &String| Problem {
        setting: String::new(),
        place: format!("environment variable {name}"),
        message: format!(
            "there is no such setting{}",
            nearest(name, known.iter().map(String::as_str))
        ),
    };
    unknown.map(|(name, _)| problem(name)).collect()
}

/// Kubernetes and linked containers tell a container of the services around it: of one called `quittance` by
/// `QUITTANCE_SERVICE_HOST`, `QUITTANCE_PORT_8080_TCP_ADDR` and so on.
fn is_of_an_orchestrator(name: &str, value: &str) -> bool {
    let numbered =
        name.split("_PORT_").skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    numbered
        || name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || (name.ends_with("_PORT") && value.contains("://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown_of(pairs: &[(&str, &str)]) -> Vec<String> {
        let environment = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        unknown(&environment).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_misspelt_variable_is_named_with_the_nearest_setting() {
        let found =
            unknown_of(&[("QUITTANCE_STORAGE_ENCRYPTION_KEY", "a"), ("QUITTANCE_WHAT", "b")]);
        assert_eq!(
            found,
            [
                "environment variable QUITTANCE_STORAGE_ENCRYPTION_KEY: there is no such setting; did you mean \
                 QUITTANCE_STORAGE_ENCRYPTION_KEYS?",
                "environment variable QUITTANCE_WHAT: there is no such setting",
            ]
        );
    }

    #[test]
    fn what_somebody_reads_or_nobody_wrote_is_let_be() {
        let others = OTHERS.map(|name| (name, "x"));
        assert_eq!(unknown_of(&others), [""; 0]);
        let rest = [
            ("QUITTANCE_SERVER_PORT", "1"),
            ("QUITTANCE_UNSET", ""),
            ("OTHER_STORAGE_ENCRYPTION_KEY", "x"),
            ("QUITTANCE_API_SERVICE_HOST", "10.0.0.1"),
            ("QUITTANCE_API_SERVICE_PORT_HTTP", "8080"),
            ("QUITTANCE_API_PORT", "tcp://10.0.0.1:8080"),
            ("QUITTANCE_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ];
        assert_eq!(unknown_of(&rest), [""; 0]);
    }
}
