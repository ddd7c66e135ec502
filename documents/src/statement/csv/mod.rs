//! Tables of text: what their columns mean.

mod mapping;

pub use mapping::{ColumnGuess, ColumnRole, CsvDialect, CsvMapping, CsvPreview};
