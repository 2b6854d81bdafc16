//! What calls cost.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Sum;
use std::ops::Add;

use serde::{Deserialize, Serialize};

use super::ModelName;
use crate::agent::chat::Usage;

/// An amount of money, in billionths of a dollar.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Cost(u64);

impl Cost {
    /// So many billionths of a dollar.
    pub fn from_nano_dollars(nano_dollars: u64) -> Cost {
        Cost(nano_dollars)
    }

    /// In billionths of a dollar.
    pub fn nano_dollars(self) -> u64 {
        self.0
    }
}

impl Add for Cost {
    type Output = Cost;

    fn add(self, other: Cost) -> Cost {
        Cost(self.0.saturating_add(other.0))
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Cost>>(costs: I) -> Cost {
        costs.fold(Cost::default(), Add::add)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        let part = format!("{part:09}");
        let part = part.trim_end_matches('0');
        write!(f, "${whole}.{part:0<2}")
    }
}

/// What a million tokens of a model cost, in billionths of a dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Of the input.
    pub input: u64,
    /// Of the output.
    pub output: u64,
    /// Of input that the provider has in its cache; as other input where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<u64>,
    /// Of input that goes into the cache; as other input where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_written: Option<u64>,
}

impl Price {
    /// Whole and hundredths of dollars for a million tokens: `Price::cents(250, 1_000)` is $2.50 and $10.00.
    pub fn cents(input: u64, output: u64) -> Price {
        Price {
            input: input.saturating_mul(10_000_000),
            output: output.saturating_mul(10_000_000),
            cached: None,
            cache_written: None,
        }
    }

    /// What this costs. A part of a billionth counts as one.
    fn of(&self, usage: &Usage) -> Cost {
        let special = usage.cached.saturating_add(usage.cache_written);
        let plain = usage.input.saturating_sub(special);
        let parts = [
            (plain, self.input),
            (usage.cached, self.cached.unwrap_or(self.input)),
            (
                usage.cache_written,
                self.cache_written.unwrap_or(self.input),
            ),
            (usage.output, self.output),
        ];
        let total: u128 = parts
            .iter()
            .map(|(tokens, price)| u128::from(*tokens) * u128::from(*price))
            .sum();
        Cost(u64::try_from(total.div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }
}

/// Prices of a certain day. They belong into your configuration, because they change: the library knows none.
///
/// ```
/// use sagewai::agent::{Price, Prices, Usage};
///
/// let prices = Prices::of("2026-11-01").model("gpt-4o", Price::cents(250, 1_000))?;
/// let usage = Usage { input: 1_000, output: 200, ..Usage::default() };
/// let cost = prices.cost(&"gpt-4o".parse()?, &usage);
/// assert_eq!(cost.unwrap().to_string(), "$0.0045");
/// assert_eq!(prices.cost(&"claude-x".parse()?, &usage), None);
/// # Ok::<_, sagewai::Invalid>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Prices {
    /// The day, as `2026-11-01`.
    as_of: String,
    models: BTreeMap<String, Price>,
}

impl Prices {
    /// No prices yet, of this day.
    pub fn of(day: impl Into<String>) -> Prices {
        Prices {
            as_of: day.into(),
            models: BTreeMap::new(),
        }
    }

    /// With the price of a model.
    ///
    /// # Errors
    /// [`Invalid`](crate::Invalid) where there can be no model of this name.
    pub fn model(mut self, name: &str, price: Price) -> Result<Prices, crate::Invalid> {
        let name: ModelName = name.parse()?;
        self.models.insert(name.to_string(), price);
        Ok(self)
    }

    /// The day they are of.
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// What a call of this model costs; not known, rather than nothing, where its price is not.
    pub fn cost(&self, model: &ModelName, usage: &Usage) -> Option<Cost> {
        let price = self.models.get(&model.to_string());
        price.map(|price| price.of(usage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_token_has_its_price_and_parts_are_rounded_up() {
        let price = Price {
            cached: Some(1),
            ..Price::cents(100, 200)
        };
        let usage = Usage {
            input: 12,
            output: 3,
            cached: 2,
            ..Usage::default()
        };
        // 10 x 1,000 + 3 x 2,000 of a billionth, and two millionths of one.
        assert_eq!(price.of(&usage), Cost(16_001));
        assert_eq!(price.of(&Usage::default()), Cost(0));
        let all = Usage {
            input: u64::MAX,
            ..Usage::default()
        };
        assert_eq!(price.of(&all).to_string(), "$18446744073.709551615");
        assert_eq!(Cost(0).to_string(), "$0.00");
    }
}
