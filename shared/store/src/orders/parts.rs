//! Stored form of an order's fulfilments, refunds, returns and history: small enough that an order with as many
//! of them as it may have is one item.
//!
//! Their lines name the order's lines by index instead of by SKU, and a text that an entry of the history shares
//! with its refund or return is stored once.

use std::{collections::HashMap, fmt};

use domain::{
    catalog::Sku,
    id::{FulfilmentId, RefundId, ReturnId},
    orders::{
        Actor, Fulfilment, Goods, GoodsLine, HistoryEntry, Order, OrderEventKind, OrderLine,
        Refund, RefundStatus, Return,
    },
};
use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{SeqAccess, Visitor, value::SeqAccessDeserializer},
};

use super::record::OrderRecord;
use crate::{Result, StoreError, item::Record};

/// The lines of an order by SKU.
pub(super) struct Lines<'a>(HashMap<&'a Sku, usize>);

impl<'a> Lines<'a> {
    pub(super) fn of(order: &'a Order) -> Self {
        let skus = order.lines.iter().map(|line| &line.sku);
        Self(skus.enumerate().map(|(index, sku)| (sku, index)).collect())
    }
}

/// Units of lines: `0:2 3:1r` is two units of the first line, and one of the fourth that was returned. Older
/// orders have a list with SKUs.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum UnitsRecord {
    ByIndex(String),
    BySku(Vec<GoodsLine>),
}

impl UnitsRecord {
    fn of(units: &[GoodsLine], lines: &Lines<'_>) -> Self {
        let one = |units: &GoodsLine| {
            let goods = match units.goods {
                None => "",
                Some(Goods::Returned) => "r",
                Some(Goods::Cancelled) => "c",
                Some(Goods::Kept) => "k",
            };
            let index = lines.0.get(&units.sku)?;
            Some(format!("{index}:{}{goods}", units.quantity))
        };
        let all: Option<Vec<String>> = units.iter().map(one).collect();
        match all {
            Some(all) => Self::ByIndex(all.join(" ")),
            // Every unit is of a line of its order; if not, nothing is lost.
            None => Self::BySku(units.to_vec()),
        }
    }

    fn read(self, lines: &[OrderLine]) -> Result<Vec<GoodsLine>> {
        let text = match self {
            Self::BySku(units) => return Ok(units),
            Self::ByIndex(text) => text,
        };
        let one = |text: &str| {
            let (index, units) = text.split_once(':')?;
            let digits = units.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
            Some(GoodsLine {
                sku: lines.get(index.parse::<usize>().ok()?)?.sku.clone(),
                quantity: digits.parse().ok()?,
                goods: match &units[digits.len()..] {
                    "" => None,
                    "r" => Some(Goods::Returned),
                    "c" => Some(Goods::Cancelled),
                    "k" => Some(Goods::Kept),
                    _ => return None,
                },
            })
        };
        let all: Option<Vec<GoodsLine>> = text.split_whitespace().map(one).collect();
        all.ok_or_else(|| {
            StoreError::inconsistent(OrderRecord::ENTITY, format!("units of no line: {text}"))
        })
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::ByIndex(text) => text.is_empty(),
            Self::BySku(units) => units.is_empty(),
        }
    }
}

impl Default for UnitsRecord {
    fn default() -> Self {
        Self::ByIndex(String::new())
    }
}

impl<'de> Deserialize<'de> for UnitsRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = UnitsRecord;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of units")
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(UnitsRecord::ByIndex(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                let list = SeqAccessDeserializer::new(list);
                Vec::deserialize(list).map(UnitsRecord::BySku)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FulfilmentRecord {
    id: FulfilmentId,
    at: Timestamp,
    lines: UnitsRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    carrier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracking_number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracking_url: Option<String>,
}

impl FulfilmentRecord {
    pub(super) fn of(fulfilment: &Fulfilment, lines: &Lines<'_>) -> Self {
        let units = fulfilment.lines.iter().map(|units| GoodsLine {
            sku: units.sku.clone(),
            quantity: units.quantity,
            goods: None,
        });
        Self {
            id: fulfilment.id,
            at: fulfilment.at,
            lines: UnitsRecord::of(&units.collect::<Vec<_>>(), lines),
            carrier: fulfilment.carrier.clone(),
            tracking_number: fulfilment.tracking_number.clone(),
            tracking_url: fulfilment.tracking_url.clone(),
        }
    }

    pub(super) fn read(self, lines: &[OrderLine]) -> Result<Fulfilment> {
        let units = self.lines.read(lines)?;
        Ok(Fulfilment {
            id: self.id,
            at: self.at,
            lines: units.iter().map(GoodsLine::units).collect(),
            carrier: self.carrier,
            tracking_number: self.tracking_number,
            tracking_url: self.tracking_url,
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RefundRecord {
    id: RefundId,
    at: Timestamp,
    amount: i64,
    #[serde(default, skip_serializing_if = "UnitsRecord::is_empty")]
    lines: UnitsRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    status: RefundStatus,
}

impl RefundRecord {
    pub(super) fn of(refund: &Refund, lines: &Lines<'_>) -> Self {
        Self {
            id: refund.id,
            at: refund.at,
            amount: refund.amount,
            lines: UnitsRecord::of(&refund.lines, lines),
            reason: refund.reason.clone(),
            status: refund.status,
        }
    }

    pub(super) fn read(self, lines: &[OrderLine]) -> Result<Refund> {
        Ok(Refund {
            id: self.id,
            at: self.at,
            amount: self.amount,
            lines: self.lines.read(lines)?,
            reason: self.reason,
            status: self.status,
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ReturnRecord {
    id: ReturnId,
    at: Timestamp,
    lines: UnitsRecord,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    restock: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl ReturnRecord {
    pub(super) fn of(part: &Return, lines: &Lines<'_>) -> Self {
        Self {
            id: part.id,
            at: part.at,
            lines: UnitsRecord::of(&part.lines, lines),
            restock: part.restock,
            reason: part.reason.clone(),
        }
    }

    pub(super) fn read(self, lines: &[OrderLine]) -> Result<Return> {
        Ok(Return {
            id: self.id,
            at: self.at,
            lines: self.lines.read(lines)?,
            restock: self.restock,
            reason: self.reason,
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HistoryRecord {
    at: Timestamp,
    by: Actor,
    what: OrderEventKind,
    /// Missing if it is that of the refund or return, see [`reason_of`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fulfilment_id: Option<FulfilmentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refund_id: Option<RefundId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    return_id: Option<ReturnId>,
}

impl HistoryRecord {
    pub(super) fn of(entry: &HistoryEntry, order: &Order) -> Self {
        let shared = reason_of(order, entry);
        Self {
            at: entry.at,
            by: entry.by.clone(),
            what: entry.what,
            reason: entry.reason.clone().filter(|_| entry.reason != shared),
            fulfilment_id: entry.fulfilment_id,
            refund_id: entry.refund_id,
            return_id: entry.return_id,
        }
    }

    /// The entry with its own reason only.
    pub(super) fn read(self) -> HistoryEntry {
        HistoryEntry {
            at: self.at,
            by: self.by,
            what: self.what,
            reason: self.reason,
            fulfilment_id: self.fulfilment_id,
            refund_id: self.refund_id,
            return_id: self.return_id,
        }
    }
}

/// The reason of the refund or return that an entry of the history has begun; for the provider's answers to a
/// refund, nobody gave one.
pub(super) fn reason_of(order: &Order, entry: &HistoryEntry) -> Option<String> {
    match entry.what {
        OrderEventKind::RefundRequested | OrderEventKind::Cancelled => {
            let id = entry.refund_id?;
            let refund = order.refunds.iter().find(|refund| refund.id == id)?;
            refund.reason.clone()
        }
        OrderEventKind::Returned => {
            let id = entry.return_id?;
            let part = order.returns.iter().find(|part| part.id == id)?;
            part.reason.clone()
        }
        _ => None,
    }
}
