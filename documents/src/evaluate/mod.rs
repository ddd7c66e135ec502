//! Documents with known answers, and how what was read compares with them.

pub mod aims;
pub mod further;
pub mod report;
pub mod score;
pub mod truth;
