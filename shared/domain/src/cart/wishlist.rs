//! The wish list of an account: SKUs that its owner wants to remember. Like a cart it stores no prices and no titles.

use std::collections::HashMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    catalog::Sku,
    fault::{Code, Rejection},
    inventory::Variant,
    money::Money,
};

/// Most entries of a wish list: their variants are read in one batch.
pub const MAX_WISHES: usize = 100;

/// An entry of a wish list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The SKU.
    pub sku: Sku,
    /// Time at which it was added, in whole milliseconds.
    pub added_at: Timestamp,
}

/// An entry of a wish list with what the catalogue says now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WishView {
    /// Stock keeping unit.
    pub sku: Sku,
    /// Time at which it was added.
    #[schemars(with = "String")]
    pub added_at: Timestamp,
    /// Titles of the product and the variant; missing if the catalogue does not know the SKU any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Slug of the product; missing like the title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_slug: Option<String>,
    /// Current price of one unit; missing if it is not for sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// Whether the product is published and still has the variant.
    pub for_sale: bool,
    /// Whether one unit can be sold now.
    pub available: bool,
}

/// The wish list of the person who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WishlistView {
    /// The entries, the last one that was added first.
    pub items: Vec<WishView>,
}

impl WishView {
    /// An entry with its variant, if there is one. What is gone is shown as unavailable: its owner decides whether to remove it.
    pub fn of(wish: &Wish, variant: Option<&Variant>) -> Self {
        let for_sale = variant.filter(|it| it.for_sale);
        Self {
            sku: wish.sku.clone(),
            added_at: wish.added_at,
            title: variant.map(|it| it.title.clone()),
            product_slug: variant.map(|it| it.product_slug.clone()),
            price: for_sale.map(|it| it.price),
            for_sale: for_sale.is_some(),
            available: variant.is_some_and(|it| it.can_sell(1)),
        }
    }
}

impl WishlistView {
    /// The entries with their variants.
    pub fn of(wishes: &[Wish], variants: &HashMap<Sku, Variant>) -> Self {
        let mut items: Vec<WishView> = wishes
            .iter()
            .map(|wish| WishView::of(wish, variants.get(&wish.sku)))
            .collect();
        // Stable: of the same millisecond, they stay sorted by SKU.
        items.sort_by_key(|it| std::cmp::Reverse(it.added_at));
        Self { items }
    }
}

/// The rejection of one entry too many.
pub fn wishlist_full() -> Rejection {
    Rejection::new(
        Code::WishlistFull,
        format!("A wish list has at most {MAX_WISHES} entries; remove one first."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Stock;

    fn wish(sku: &str, millis: i64) -> Wish {
        Wish {
            sku: sku.parse().unwrap(),
            added_at: Timestamp::from_millisecond(millis).unwrap(),
        }
    }

    fn variant(sku: &str, for_sale: bool, available: i64) -> Variant {
        Variant {
            sku: sku.parse().unwrap(),
            product_slug: "tee".to_owned(),
            title: "Tee".to_owned(),
            price: Money::new(1000, "USD".parse().unwrap()),
            for_sale,
            backorder: false,
            untracked: false,
            shards: 1,
            split_at: None,
            stock: vec![Stock {
                available,
                ..Stock::default()
            }],
        }
    }

    #[test]
    fn the_last_entry_is_the_first_one() {
        let wishes = [wish("A", 5), wish("B", 9), wish("C", 9), wish("D", 1)];
        let list = WishlistView::of(&wishes, &HashMap::new());
        let skus: Vec<&str> = list.items.iter().map(|it| it.sku.as_str()).collect();
        assert_eq!(skus, ["B", "C", "A", "D"]);
    }

    #[test]
    fn what_cannot_be_bought_is_shown_as_unavailable() {
        for (variant, for_sale, available) in [
            (Some(variant("A", true, 1)), true, true),
            (Some(variant("A", true, 0)), true, false),
            (Some(variant("A", false, 1)), false, false),
            (None, false, false),
        ] {
            let view = WishView::of(&wish("A", 5), variant.as_ref());
            assert_eq!((view.for_sale, view.available), (for_sale, available));
            assert_eq!(view.price.is_some(), for_sale);
            assert_eq!(view.title.is_some(), variant.is_some());
        }
    }
}
