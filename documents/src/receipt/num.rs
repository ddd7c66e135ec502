//! The few conversions between counts, money and ratios, in one place so that their bounds are plain.

/// A count as a number for ratios; counts on a page are far below the 24 bits an `f32` holds.
#[expect(clippy::cast_precision_loss, reason = "counts on a page are below 2^24")]
pub(crate) fn count(n: usize) -> f32 {
    n as f32
}

/// Hundredths as a number for ratios, never for sums.
#[expect(clippy::cast_precision_loss, reason = "only ratios are made of it")]
pub(crate) fn ratio_of(minor: i64) -> f64 {
    minor as f64
}

/// Rounds to hundredths; out of range or not a number gives 0, which no caller takes for an amount.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(crate) fn round_minor(value: f64) -> i64 {
    if value.is_finite() && value.abs() < 1e14 { value.round() as i64 } else { 0 }
}

/// 1 for true, for features.
pub(crate) fn flag(yes: bool) -> f32 {
    if yes { 1.0 } else { 0.0 }
}

/// The wire's number for hundredths.
pub(crate) fn wire(minor: i64) -> f64 {
    quittance_domain::money::Minor(minor).to_number(2)
}
