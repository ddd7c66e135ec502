//! An invoice as its XML states it, whatever the syntax.

use quittance_domain::money::{Currency, Minor};

/// An invoice. Amounts are minor units of `currency`.
#[derive(Debug)]
pub(super) struct Invoice {
    /// Where the syntax has its values, as results show it.
    pub(super) paths: &'static Paths,
    pub(super) profile: String,
    pub(super) number: String,
    pub(super) type_code: String,
    /// ISO 8601.
    pub(super) date: String,
    pub(super) seller: Seller,
    pub(super) currency: Currency,
    pub(super) lines: Vec<Line>,
    pub(super) taxes: Vec<Tax>,
    /// Reductions and charges of the whole document.
    pub(super) allowances: Vec<Allowance>,
    pub(super) line_total: Option<Minor>,
    pub(super) charge_total: Option<Minor>,
    pub(super) allowance_total: Option<Minor>,
    pub(super) net: Minor,
    pub(super) tax: Option<Minor>,
    pub(super) rounding: Option<Minor>,
    pub(super) grand: Minor,
    pub(super) prepaid: Option<Minor>,
    pub(super) due: Minor,
    pub(super) payment_means: Option<String>,
}

#[derive(Debug)]
pub(super) struct Seller {
    pub(super) name: String,
    pub(super) legal_id: Option<String>,
    pub(super) vat_id: Option<String>,
    pub(super) address: Option<String>,
    pub(super) country: Option<String>,
    pub(super) phone: Option<String>,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: String,
    /// Decimal text, as many digits as there are.
    pub(super) quantity: Option<String>,
    pub(super) unit_price: Option<String>,
    pub(super) total: Minor,
}

#[derive(Debug)]
pub(super) struct Tax {
    /// Hundredths of a percent.
    pub(super) rate: Option<i64>,
    pub(super) base: Option<Minor>,
    pub(super) amount: Minor,
}

#[derive(Debug)]
pub(super) struct Allowance {
    pub(super) is_charge: bool,
    pub(super) amount: Minor,
    pub(super) reason: Option<String>,
}

/// The elements that a syntax has the values in.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) grand: &'static str,
    pub(super) net: &'static str,
    pub(super) tax: &'static str,
    pub(super) date: &'static str,
    pub(super) number: &'static str,
    pub(super) seller: &'static str,
    pub(super) address: &'static str,
    pub(super) country: &'static str,
    pub(super) phone: &'static str,
    pub(super) vat_id: &'static str,
    pub(super) legal_id: &'static str,
    pub(super) payment: &'static str,
    /// Without the number of the element.
    pub(super) line: &'static str,
    pub(super) tax_line: &'static str,
    pub(super) allowance: &'static str,
}
