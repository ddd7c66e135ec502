//! Amounts as clients read them: decimal numbers with their currency.

use quittance_domain::money::Money;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// An amount on the wire.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = MoneyAmount)]
pub struct Amount {
    /// Decimal, with at most as many digits as the currency has.
    value: f64,
    /// ISO 4217.
    currency: String,
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self {
            value: money.minor.to_number(money.currency.exponent()),
            currency: money.currency.code().to_owned(),
        }
    }
}

pub(crate) fn money<S: Serializer>(money: &Money, serializer: S) -> Result<S::Ok, S::Error> {
    Amount::from(*money).serialize(serializer)
}
