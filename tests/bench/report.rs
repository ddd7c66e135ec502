//! Rows for people, one JSON line a part for machines.

use serde_json::{Map, Value, json};

/// The figures of one part.
pub(crate) struct Report {
    part: &'static str,
    rows: Vec<(String, f64, &'static str, &'static str)>,
}

impl Report {
    pub(crate) fn new(part: &'static str) -> Self {
        println!("\n{part}");
        Self { part, rows: Vec::new() }
    }

    /// Adds a figure and shows it at once. `aim` is what the project wants, empty when nothing is said.
    pub(crate) fn row(&mut self, name: &str, value: f64, unit: &'static str, aim: &'static str) {
        let digits = if value.abs() >= 100.0 { 0 } else { 2 };
        let shown = format!("{value:.digits$} {unit}");
        let aim_shown = if aim.is_empty() { String::new() } else { format!("aim {aim}") };
        println!("  {name:<58} {shown:>18}   {aim_shown}");
        self.rows.push((name.to_owned(), value, unit, aim));
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let mut figures = Map::new();
        for (name, value, unit, _) in &self.rows {
            let value = (value * 1000.0).round() / 1000.0;
            figures.insert(format!("{name} [{unit}]"), Value::from(value));
        }
        println!("{}", json!({ "bench": self.part, "figures": figures }));
    }
}
