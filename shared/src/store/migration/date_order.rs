//! The order of the dates of a file that does not prove one.

use super::Statements;

pub(super) const DATE_ORDER: Statements = Statements {
    name: "m2026_11_22_000013_date_order",
    sql: &[
        // `dmy`, `mdy`, `ymd`.
        "ALTER TABLE workflow ADD COLUMN date_order text",
    ],
};
