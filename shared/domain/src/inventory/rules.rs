//! Stock counters, their shards, and the moves of units between counters.

use std::ops::AddAssign;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{catalog::Sku, money::Money};

/// Maximum number of units of one variant on hand.
pub const MAX_ON_HAND: i64 = 1_000_000_000;

/// Maximum number of shards of one variant's stock. Each shard is a DynamoDB partition of its own.
pub const MAX_SHARDS: u8 = 16;

/// Least time between two splits under contention: orders that collided before a split say nothing about
/// the stock after it.
const RELIEF_INTERVAL: SignedDuration = SignedDuration::from_secs(10);

/// Minimum number of units per shard. With fewer, shards run dry at once and orders have to search all
/// of them.
const UNITS_WORTH_A_SHARD: i64 = 10;

/// A variant with its current price and stock, as carts and orders read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Stock keeping unit, unique in the shop.
    pub sku: Sku,
    /// Slug of its product.
    pub product_slug: String,
    /// Title for a cart line: product and options.
    pub title: String,
    /// Current price of one unit.
    pub price: Money,
    /// Whether the product is published and still has the variant.
    pub for_sale: bool,
    /// Whether the variant is sold beyond its stock: on backorder (`continue` in a product file), or
    /// untracked.
    pub backorder: bool,
    /// Whether its units are not counted. Its counters still follow the orders.
    pub untracked: bool,
    /// Number of shards of its stock, from 1.
    pub shards: u8,
    /// When the stock was last split, if it was.
    pub split_at: Option<Timestamp>,
    /// Stock by shard: only the first one after a quick read, all of them after a whole read.
    pub stock: Vec<Stock>,
}

impl Variant {
    /// Sum of the stock of all shards that were read.
    pub fn total(&self) -> Stock {
        let mut total = Stock::default();
        for stock in &self.stock {
            total += *stock;
        }
        total
    }

    /// Whether all shards were read.
    pub fn is_whole(&self) -> bool {
        self.stock.len() >= usize::from(self.shards)
    }

    /// Whether `quantity` can be sold, as far as the shards that were read tell.
    pub fn can_sell(&self, quantity: u32) -> bool {
        self.for_sale && (self.backorder || self.total().available >= i64::from(quantity))
    }

    /// Number of shards that would relieve contention; `None` if more would not help, because there are
    /// too few units or the maximum has been reached, or if a split has just helped. Beyond its stock, a
    /// variant needs no units.
    pub fn shards_to_relieve(&self, now: Timestamp) -> Option<u8> {
        if self.split_at.is_some_and(|at| now < at + RELIEF_INTERVAL) {
            return None;
        }
        let shards = self.shards.saturating_mul(2).min(MAX_SHARDS);
        let units = i64::from(shards) * UNITS_WORTH_A_SHARD;
        let enough = self.backorder || self.total().available >= units;
        (shards > self.shards && enough).then_some(shards)
    }

    /// Allocates `quantity` units to shards; `None` if they are not in stock. `random` spreads buyers
    /// over the shards. An order is only split over several shards when none can serve it alone, so
    /// that the last units remain sellable. If only the first shard of a split stock was read, the
    /// shard is a guess that the transaction verifies.
    pub fn allocate(&self, quantity: u32, random: u64) -> Option<Vec<Share>> {
        let shards = u64::from(self.shards.max(1));
        let guess = u8::try_from(random % shards).unwrap_or_default();
        if self.backorder || !self.is_whole() {
            return Some(vec![Share {
                shard: guess,
                units: quantity,
            }]);
        }
        let wanted = i64::from(quantity);
        let able: Vec<u8> = (0..self.shards.max(1))
            .filter(|shard| self.stock[usize::from(*shard)].available >= wanted)
            .collect();
        if !able.is_empty() {
            let index = usize::try_from(random % able.len() as u64).unwrap_or_default();
            return Some(vec![Share {
                shard: able[index],
                units: quantity,
            }]);
        }
        if self.total().available < wanted {
            return None;
        }
        // Largest stock first, so that few shards are used. A shard below zero owes units to others.
        let mut by_size: Vec<(u8, i64)> = (0..self.shards)
            .map(|shard| (shard, self.stock[usize::from(shard)].available))
            .filter(|(_, available)| *available > 0)
            .collect();
        by_size.sort_by_key(|(shard, available)| (-available, *shard));
        let (mut left, mut shares) = (quantity, Vec::new());
        for (shard, available) in by_size {
            let units = left.min(u32::try_from(available).unwrap_or(u32::MAX));
            shares.push(Share { shard, units });
            left -= units;
            if left == 0 {
                break;
            }
        }
        Some(shares)
    }
}

/// Units taken from one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Index of the shard, from 0.
    #[serde(rename = "s")]
    pub shard: u8,
    /// Number of units.
    #[serde(rename = "n")]
    pub units: u32,
}

/// Counters of a variant or one of its shards. Units on hand are `available + reserved`.
///
/// Invariant: units that were counted and not sold since are on hand, so `available + reserved ==
/// counted - (sold - sold_at_count)` always holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// Units available for sale. Below zero if fewer units were counted than are reserved, or if the
    /// variant is sold beyond its stock (backorder).
    pub available: i64,
    /// Units reserved for orders that are not paid yet.
    pub reserved: i64,
    /// Units of paid orders, less those that were restocked.
    pub sold: i64,
    /// Units on hand at the last count.
    pub counted: i64,
    /// `sold` at the last count.
    pub sold_at_count: i64,
    /// Changes with every change of a counter.
    pub version: u64,
}

impl Stock {
    /// Whether the counters satisfy the invariant.
    pub fn is_balanced(&self) -> bool {
        self.available + self.reserved == self.counted - (self.sold - self.sold_at_count)
    }

    /// Units that orders hold, according to the counters.
    pub const fn held(&self) -> HeldUnits {
        HeldUnits {
            reserved: self.reserved,
            sold: self.sold,
        }
    }

    /// Splits `total` units into `parts` parts that differ by at most one.
    pub fn split(total: i64, parts: u8) -> Vec<i64> {
        let parts = i64::from(parts.max(1));
        let (each, rest) = (total.div_euclid(parts), total.rem_euclid(parts));
        (0..parts)
            .map(|part| each + i64::from(part < rest))
            .collect()
    }
}

impl AddAssign for Stock {
    fn add_assign(&mut self, other: Self) {
        self.available += other.available;
        self.reserved += other.reserved;
        self.sold += other.sold;
        self.counted += other.counted;
        self.sold_at_count += other.sold_at_count;
        self.version += other.version;
    }
}

/// Units of a variant that orders hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldUnits {
    /// Units of orders that are not paid yet.
    pub reserved: i64,
    /// Units of paid orders, less those that were restocked.
    pub sold: i64,
}

impl AddAssign for HeldUnits {
    fn add_assign(&mut self, other: Self) {
        self.reserved += other.reserved;
        self.sold += other.sold;
    }
}

/// A change of the stock of one line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockMove {
    /// SKU whose stock changes.
    pub sku: Sku,
    /// Index of the shard that changes.
    pub shard: u8,
    /// Number of units to move.
    pub units: u32,
    /// Counters between which the units move.
    pub effect: StockEffect,
}

/// Move of units between two counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockEffect {
    /// From reserved to sold.
    Sell,
    /// From reserved to available.
    Release,
    /// From sold to available.
    Restock,
    /// From available to reserved, if there are enough.
    Claim,
    /// From available to sold, if there are enough.
    Take,
}

/// A change of the counters. No move makes or loses units, so the three always add up to zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StockDelta {
    /// Change of the units available for sale.
    pub available: i64,
    /// Change of the units reserved for unpaid orders.
    pub reserved: i64,
    /// Change of the units of paid orders.
    pub sold: i64,
}

impl StockMove {
    /// The change that the move makes to the counters of its shard.
    pub fn delta(&self) -> StockDelta {
        let units = i64::from(self.units);
        let mut delta = StockDelta::default();
        let (from, to) = match self.effect {
            StockEffect::Sell => (&mut delta.reserved, &mut delta.sold),
            StockEffect::Release => (&mut delta.reserved, &mut delta.available),
            StockEffect::Restock => (&mut delta.sold, &mut delta.available),
            StockEffect::Claim => (&mut delta.available, &mut delta.reserved),
            StockEffect::Take => (&mut delta.available, &mut delta.sold),
        };
        *from -= units;
        *to += units;
        delta
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn variant(available: &[i64], backorder: bool) -> Variant {
        let stock = |available: &i64| Stock {
            available: *available,
            counted: *available,
            ..Stock::default()
        };
        Variant {
            sku: "S".parse().unwrap(),
            product_slug: "p".into(),
            title: "T".into(),
            price: Money::new(1, "USD".parse().unwrap()),
            for_sale: true,
            backorder,
            untracked: false,
            shards: u8::try_from(available.len()).unwrap(),
            split_at: None,
            stock: available.iter().map(stock).collect(),
        }
    }

    proptest! {
        #[test]
        fn what_is_there_can_be_bought_and_nothing_else(
            available in prop::collection::vec(-5_i64..20, 1..16),
            quantity in 1_u32..60,
            random: u64,
        ) {
            let variant = variant(&available, false);
            let enough = variant.total().available >= i64::from(quantity);
            let Some(shares) = variant.allocate(quantity, random) else {
                prop_assert!(!enough);
                return Ok(());
            };
            // A single shard may serve the order although other shards owe units.
            prop_assert!(enough || shares.len() == 1);
            prop_assert_eq!(shares.iter().map(|share| share.units).sum::<u32>(), quantity);
            for share in &shares {
                prop_assert!(i64::from(share.units) <= available[usize::from(share.shard)]);
                prop_assert_eq!(shares.iter().filter(|other| other.shard == share.shard).count(), 1);
            }
            let one_can = available.iter().any(|available| *available >= i64::from(quantity));
            prop_assert!(!one_can || shares.len() == 1, "an allocation was split unnecessarily");
        }

        #[test]
        fn a_split_loses_nothing(total in -1000_i64..100_000, parts in 1_u8..=16) {
            let split = Stock::split(total, parts);
            prop_assert_eq!(split.len(), usize::from(parts));
            prop_assert_eq!(split.iter().sum::<i64>(), total);
            let (least, most) = (split.iter().min().unwrap(), split.iter().max().unwrap());
            prop_assert!(most - least <= 1);
        }
    }

    #[test]
    fn no_effect_makes_or_loses_units() {
        let delta = |effect| {
            let moved = StockMove {
                sku: "S".parse().unwrap(),
                shard: 0,
                units: 3,
                effect,
            };
            moved.delta()
        };
        let none = StockDelta::default();
        for (effect, want) in [
            (
                StockEffect::Sell,
                StockDelta {
                    reserved: -3,
                    sold: 3,
                    ..none
                },
            ),
            (
                StockEffect::Release,
                StockDelta {
                    reserved: -3,
                    available: 3,
                    ..none
                },
            ),
            (
                StockEffect::Restock,
                StockDelta {
                    sold: -3,
                    available: 3,
                    ..none
                },
            ),
            (
                StockEffect::Claim,
                StockDelta {
                    available: -3,
                    reserved: 3,
                    ..none
                },
            ),
            (
                StockEffect::Take,
                StockDelta {
                    available: -3,
                    sold: 3,
                    ..none
                },
            ),
        ] {
            assert_eq!(delta(effect), want, "{effect:?}");
        }
    }

    #[test]
    fn backorder_sells_what_is_not_there() {
        let shares = variant(&[0, 0], true).allocate(3, 1).unwrap();
        assert_eq!(shares, [Share { shard: 1, units: 3 }]);
    }

    /// The kind: a column that changes the meaning of others.
    #[test]
    fn a_variant_without_a_limit_is_split_under_contention() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(variant(&[0], true).shards_to_relieve(now), Some(2));
        assert_eq!(variant(&[0], false).shards_to_relieve(now), None);
    }

    /// The kind: retries. One burst of colliding orders must not split a stock to the end.
    #[test]
    fn a_stock_is_split_once_per_interval() {
        let now = Timestamp::UNIX_EPOCH;
        let mut variant = variant(&[500, 500], false);
        assert_eq!(variant.shards_to_relieve(now), Some(4));
        variant.split_at = Some(now);
        let soon = now + SignedDuration::from_millis(9_999);
        assert_eq!(variant.shards_to_relieve(soon), None);
        assert_eq!(variant.shards_to_relieve(now + RELIEF_INTERVAL), Some(4));
    }
}
