//! Stock: what is on hand, what is promised to orders, what can still be sold.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{catalog::Sku, fault::Rejection, money::Money, text::FieldCheck};

/// Most units of one variant that can be on hand.
pub const MAX_ON_HAND: i64 = 1_000_000_000;

/// Most shards the stock of one variant can be split over. Each is a partition of its own.
pub const MAX_SHARDS: u8 = 16;

/// With fewer units each, shards run dry at once and orders look through all of them.
const UNITS_WORTH_A_SHARD: i64 = 10;

/// A sellable variant as carts and orders see it: its price now and its stock now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Stock keeping unit, unique in the shop.
    pub sku: Sku,
    /// Slug of its product.
    pub product_slug: String,
    /// Title of the product and the variant's options, for a cart line.
    pub title: String,
    /// What one unit costs now.
    pub price: Money,
    /// Whether the product is published and still has this variant.
    pub for_sale: bool,
    /// Whether it is sold beyond what is in stock (`continue` in a product file).
    pub backorder: bool,
    /// How many shards its stock is split over, from 1.
    pub shards: u8,
    /// Stock by shard: of the first alone for a glance, of all for a whole look.
    pub stock: Vec<Stock>,
}

impl Variant {
    /// The stock of all shards that were looked at.
    pub fn total(&self) -> Stock {
        let mut total = Stock::default();
        for stock in &self.stock {
            total.available += stock.available;
            total.reserved += stock.reserved;
            total.sold += stock.sold;
            total.counted += stock.counted;
            total.sold_at_count += stock.sold_at_count;
        }
        total
    }

    /// Whether the stock of every shard is known.
    pub fn is_whole(&self) -> bool {
        self.stock.len() >= usize::from(self.shards)
    }

    /// Whether `quantity` could be sold now, as far as is known.
    pub fn can_sell(&self, quantity: u32) -> bool {
        self.for_sale && (self.backorder || self.total().available >= i64::from(quantity))
    }

    /// How many shards it should have because too many orders meet at the ones it has; `None` if more
    /// would not help, as there are not enough units to spread or as many shards as may be.
    pub fn shards_to_relieve(&self) -> Option<u8> {
        let shards = self.shards.saturating_mul(2).min(MAX_SHARDS);
        let enough = self.total().available >= i64::from(shards) * UNITS_WORTH_A_SHARD;
        (shards > self.shards && enough).then_some(shards)
    }

    /// From which shards `quantity` units are to be taken; `None` if they are not there. Buyers are
    /// spread by `random`, and an order is split over shards only when no single one can serve it,
    /// so that the last units stay sellable. After a glance at a split stock a shard is guessed: the
    /// transaction checks it.
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
        // Most first, so that few shards are touched. A shard below zero owes units to others.
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

/// Units of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The shard, from 0.
    #[serde(rename = "s")]
    pub shard: u8,
    /// How many.
    #[serde(rename = "n")]
    pub units: u32,
}

/// The counters of a variant, or of one shard of it. What is on hand is `available + reserved`.
///
/// The ledger: units that were counted and not sold since are on hand, so that
/// `available + reserved == counted - (sold - sold_at_count)` at every moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// Units that can still be promised. Below zero when staff counted fewer than were promised, or
    /// when more were sold than there are (backorder).
    pub available: i64,
    /// Units promised to orders that are not paid yet.
    pub reserved: i64,
    /// Units that went to paid orders, less those that came back.
    pub sold: i64,
    /// What was counted on hand when it was last counted.
    pub counted: i64,
    /// `sold` at that moment.
    pub sold_at_count: i64,
}

impl Stock {
    /// Whether the counters add up.
    pub fn is_balanced(&self) -> bool {
        self.available + self.reserved == self.counted - (self.sold - self.sold_at_count)
    }

    /// Splits `total` units into `parts` that differ by one at most.
    pub fn split(total: i64, parts: u8) -> Vec<i64> {
        let parts = i64::from(parts.max(1));
        let (each, rest) = (total.div_euclid(parts), total.rem_euclid(parts));
        (0..parts)
            .map(|part| each + i64::from(part < rest))
            .collect()
    }
}

/// What happens to the stock of one line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockMove {
    /// Whose stock.
    pub sku: Sku,
    /// Which shard of it.
    pub shard: u8,
    /// How many units.
    pub units: u32,
    /// From where to where.
    pub effect: StockEffect,
}

/// From which counter to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockEffect {
    /// Reserved becomes sold.
    Sell,
    /// Reserved becomes available.
    Release,
    /// Sold becomes available.
    Restock,
    /// Available becomes reserved, if there is enough.
    Claim,
    /// Available becomes sold, if there is enough.
    Take,
}

impl StockEffect {
    /// What one unit does to `available`, `reserved` and `sold`.
    pub const fn deltas(self) -> [i64; 3] {
        match self {
            Self::Sell => [0, -1, 1],
            Self::Release => [1, -1, 0],
            Self::Restock => [1, 0, -1],
            Self::Claim => [-1, 1, 0],
            Self::Take => [-1, 0, 1],
        }
    }
}

/// Stock of one SKU, as staff see it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StockView {
    /// Stock keeping unit.
    pub sku: String,
    /// Units in the building that belong to no paid order.
    pub on_hand: i64,
    /// Units of those that unpaid orders have been promised.
    pub reserved: i64,
    /// Units that can still be sold: `on_hand - reserved`. Negative when fewer were counted than
    /// are promised, or more were sold than there are (backorder).
    pub available: i64,
    /// How many shards the stock is split over.
    pub shards: u8,
    /// Whether it is sold beyond what is in stock.
    pub backorder: bool,
}

impl StockView {
    /// The stock of a variant that was looked at as a whole.
    pub fn of(variant: &Variant) -> Self {
        let stock = variant.total();
        Self {
            sku: variant.sku.to_string(),
            on_hand: stock.available + stock.reserved,
            reserved: stock.reserved,
            available: stock.available,
            shards: variant.shards,
            backorder: variant.backorder,
        }
    }
}

/// Body of `PUT /v1/admin/stock/{sku}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetStockBody {
    /// Units counted, 0 to 1,000,000,000.
    pub on_hand: i64,
}

impl SetStockBody {
    /// The count, if it is one.
    pub fn parse(self) -> Result<i64, Rejection> {
        let mut check = FieldCheck::default();
        if !(0..=MAX_ON_HAND).contains(&self.on_hand) {
            let message = format!("Must be from 0 to {MAX_ON_HAND}.");
            check.fault("on_hand", "out_of_range", message);
        }
        check.finish(self.on_hand).map_err(Rejection::invalid)
    }
}

/// Body of `PUT /v1/admin/stock/{sku}/shards`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitStockBody {
    /// Shards to split the stock over, 1 to 16. It can be raised, not lowered.
    pub shards: i64,
}

impl SplitStockBody {
    /// The number, if it is one.
    pub fn parse(self) -> Result<u8, Rejection> {
        u8::try_from(self.shards)
            .ok()
            .filter(|shards| (1..=MAX_SHARDS).contains(shards))
            .ok_or_else(|| {
                let message = format!("Must be from 1 to {MAX_SHARDS}.");
                Rejection::invalid(vec![crate::fault::FieldFault::new(
                    "shards",
                    "out_of_range",
                    message,
                )])
            })
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
            shards: u8::try_from(available.len()).unwrap(),
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
            // One shard may serve it although others owe: it is there.
            prop_assert!(enough || shares.len() == 1);
            prop_assert_eq!(shares.iter().map(|share| share.units).sum::<u32>(), quantity);
            for share in &shares {
                prop_assert!(i64::from(share.units) <= available[usize::from(share.shard)]);
                prop_assert_eq!(shares.iter().filter(|other| other.shard == share.shard).count(), 1);
            }
            let one_can = available.iter().any(|available| *available >= i64::from(quantity));
            prop_assert!(!one_can || shares.len() == 1, "split without need");
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
        use StockEffect::{Claim, Release, Restock, Sell, Take};
        for effect in [Sell, Release, Restock, Claim, Take] {
            assert_eq!(effect.deltas().iter().sum::<i64>(), 0, "{effect:?}");
        }
    }

    #[test]
    fn backorder_sells_what_is_not_there() {
        let shares = variant(&[0, 0], true).allocate(3, 1).unwrap();
        assert_eq!(shares, [Share { shard: 1, units: 3 }]);
    }
}
