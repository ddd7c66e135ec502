//! `truth.jsonl`: what is on each file of a test set, as people read it.

use serde::Deserialize;
use std::{fs, path::Path};

/// One file. A null is not printed, not legible or ambiguous, and is never scored.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Truth {
    /// Path relative to the folder of `truth.jsonl`.
    pub file: String,
    /// Name of the set.
    #[serde(default)]
    pub dataset: String,
    /// ISO 639-1, as far as a set has one.
    #[serde(default)]
    pub lang: Option<String>,
    /// Shop.
    #[serde(default)]
    pub merchant: Option<String>,
    /// ISO date.
    #[serde(default)]
    pub date: Option<String>,
    /// Decimal text.
    #[serde(default)]
    pub total: Option<String>,
    /// ISO 4217.
    #[serde(default)]
    pub currency: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[serde(default)]
    pub country: Option<String>,
    /// Sum of the taxes, decimal text.
    #[serde(default)]
    pub tax: Option<String>,
    /// Decimal text.
    #[serde(default)]
    pub subtotal: Option<String>,
    /// The shop's; parts in any order.
    #[serde(default)]
    pub address: Option<String>,
    /// Goods, as far as a set lists them.
    #[serde(default)]
    pub items: Option<Vec<TruthItem>>,
    /// How many lines of goods, where only that is known.
    #[serde(default)]
    pub item_count: Option<usize>,
}

/// One line of goods.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct TruthItem {
    /// As printed.
    #[serde(default)]
    pub name: String,
    /// Decimal text; null when it is not legible or stands elsewhere.
    #[serde(default)]
    pub price: Option<String>,
}

/// Reads the list.
///
/// # Errors
/// When the file is absent, or a line is no such object; the message names the line.
pub fn load(dir: &Path) -> anyhow::Result<Vec<Truth>> {
    let path = dir.join("truth.jsonl");
    let text = fs::read_to_string(&path)
        .map_err(|e| anyhow::anyhow!("{}: {e}; the folder needs a truth.jsonl", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    lines
        .map(|(i, l)| {
            serde_json::from_str(l)
                .map_err(|e| anyhow::anyhow!("{} line {}: {e}", path.display(), i + 1))
        })
        .collect()
}

/// Case and spaces folded, as names are compared.
#[must_use]
pub fn fold_name(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// Hundredths of a decimal text; blanks, signs of currencies and thousands are forgiven.
#[must_use]
pub fn minor(text: &str) -> Option<i64> {
    let plain: String =
        text.chars().filter(|c| c.is_ascii_digit() || *c == '.' || *c == '-').collect();
    quittance_domain::money::Minor::from_decimal(&plain, 2).map(|m| m.0)
}
