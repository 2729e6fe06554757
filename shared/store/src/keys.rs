//! All keys of the table. Only this file knows the key prefixes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    catalog::{Facet, Sku, Sort},
    id::{CartId, ImportId, OrderId, ProductId, RefundId, RequestId},
    invoices::Series,
    notifications::suppression::AddressHash,
    payments::Provider,
};
use jiff::Timestamp;

/// Name of the partition key's attribute.
pub const PK: &str = "PK";
/// Name of the sort key's attribute.
pub const SK: &str = "SK";
/// Name of the TTL attribute, in seconds since 1970.
pub const EXPIRES_AT: &str = "expires_at";

/// Primary key of one item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pk: String,
    sk: String,
}

impl Key {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    /// `PRODUCT#<slug>`, `PRODUCT`: a product with everything its page shows.
    pub fn product(slug: &str) -> Self {
        Self::new(format!("PRODUCT#{slug}"), "PRODUCT")
    }

    /// `VARIANT#<sku>`, `VARIANT`: price and stock of one variant: all data that a sale needs.
    pub fn variant(sku: &Sku) -> Self {
        Self::new(format!("VARIANT#{sku}"), "VARIANT")
    }

    /// `VARIANT#<sku>#<shard>`, `SHARD`: an additional shard of a variant's stock, in a partition of
    /// its own. The first shard is the variant itself.
    pub fn variant_shard(sku: &Sku, shard: u8) -> Self {
        match shard {
            0 => Self::variant(sku),
            shard => Self::new(format!("VARIANT#{sku}#{shard}"), "SHARD"),
        }
    }

    /// `LISTING#<facet>`, `newest#<product id>` or `price#<amount>#<product id>`: a product's entry in
    /// one list and sort order.
    pub fn listing(facet: &Facet, position: &ListPosition) -> Self {
        Self::new(listing_partition(facet), position.sort_key())
    }

    /// `CART#<id>`, `CART`: a guest cart.
    pub fn cart(id: CartId) -> Self {
        Self::new(format!("CART#{id}"), "CART")
    }

    /// `ORDER#<id>`, `ORDER`: an order with its history.
    pub fn order(id: OrderId) -> Self {
        Self::new(format!("ORDER#{id}"), "ORDER")
    }

    /// `REQUEST#<id>`, `REQUEST`: the stored response to an idempotent request.
    pub fn request(id: RequestId) -> Self {
        Self::new(format!("REQUEST#{id}"), "REQUEST")
    }

    /// `DUE#<part>`, `<millis>#<order id>`: the due note of an unpaid order.
    pub fn due(order: OrderId, at: Timestamp) -> Self {
        Self::new(
            due_partition(order.part(DUE_PARTS)),
            format!("{}{order}", due_before(at)),
        )
    }

    /// `BREAKER#<service>`, `BREAKER`: state of the circuit breaker of an external service.
    pub fn breaker(service: &str) -> Self {
        Self::new(format!("BREAKER#{service}"), "BREAKER")
    }

    /// `PAYMENT_EVENT#<provider>#<event id>`, `PAYMENT_EVENT`: a webhook event as it was received.
    pub fn payment_event(provider: Provider, event_id: &str) -> Self {
        Self::new(
            format!("PAYMENT_EVENT#{}#{event_id}", provider.name()),
            "PAYMENT_EVENT",
        )
    }

    /// `COUNTER#<series>`, `COUNTER`: number of issued documents of a series.
    pub fn counter(series: Series) -> Self {
        Self::new(format!("COUNTER#{series}"), "COUNTER")
    }

    /// `INVOICE#<order id>`, `INVOICE`: the invoice of an order.
    pub fn invoice(order: OrderId) -> Self {
        Self::new(invoice_partition(order), "INVOICE")
    }

    /// `INVOICE#<order id>`, `CREDIT_NOTE#<refund id>`: the credit note of a refund.
    pub fn credit_note(order: OrderId, refund: RefundId) -> Self {
        Self::new(invoice_partition(order), format!("CREDIT_NOTE#{refund}"))
    }

    /// `IMPORT#<id>`, `IMPORT`: state and counts of an import.
    pub fn import(id: ImportId) -> Self {
        Self::new(import_partition(id), "IMPORT")
    }

    /// `IMPORT#<id>`, `CHUNK#<number>`: a processed chunk with its faults. Chunk 0 holds the faults
    /// found while reading the file.
    pub fn import_chunk(id: ImportId, number: u32) -> Self {
        Self::new(import_partition(id), format!("CHUNK#{number:06}"))
    }

    /// `INBOX#<consumer>#<event id>`, `INBOX`: an event that a consumer has claimed or handled.
    pub fn inbox(consumer: &str, event_id: &str) -> Self {
        Self::new(format!("INBOX#{consumer}#{event_id}"), "INBOX")
    }

    /// `SUPPRESSED#<hash of the address>`, `SUPPRESSED`: an address on the suppression list.
    pub fn suppression(address: &AddressHash) -> Self {
        Self::new(format!("SUPPRESSED#{address}"), "SUPPRESSED")
    }

    /// The key as attributes of an item.
    pub fn attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(self.pk.clone())),
            (SK.to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }

    /// Partition key and sort key, for stored references and logs.
    pub fn as_pair(&self) -> (&str, &str) {
        (&self.pk, &self.sk)
    }

    /// A key that was stored as a pair, see [`Key::as_pair`].
    pub(crate) fn from_pair((pk, sk): (String, String)) -> Self {
        Self { pk, sk }
    }
}

/// Number of partitions of the due notes, so that a launch does not write to a single one. The key
/// contains no date: a note is deleted when its order is settled and can be found until then, however
/// old it is.
pub const DUE_PARTS: u8 = 16;

/// Partition key of one part of the due notes, which are sorted by time.
pub fn due_partition(part: u8) -> String {
    format!("DUE#{part:02}")
}

/// Sort key below which the notes of a partition were due before `at`.
pub fn due_before(at: Timestamp) -> String {
    format!("{:013}#", at.as_millisecond())
}

/// Partition key of one list of products.
pub fn listing_partition(facet: &Facet) -> String {
    format!("LISTING#{}", facet.key())
}

/// Partition key of an order's invoice and credit notes.
pub fn invoice_partition(order: OrderId) -> String {
    format!("INVOICE#{order}")
}

/// Partition key of one import.
pub fn import_partition(id: ImportId) -> String {
    format!("IMPORT#{id}")
}

/// Position of a product in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListPosition {
    /// By product id, which sorts by age.
    Newest(ProductId),
    /// By lowest price, in minor units.
    Price(i64, ProductId),
}

impl ListPosition {
    fn sort_key(&self) -> String {
        match self {
            Self::Newest(id) => format!("newest#{id}"),
            // Twelve digits hold the maximum price, and zero-padded text sorts like the number.
            Self::Price(amount, id) => format!("price#{amount:012}#{id}"),
        }
    }
}

/// Prefix of the sort keys of one sort order, and whether it is read in ascending order.
pub const fn list_order(sort: Sort) -> (&'static str, bool) {
    match sort {
        Sort::Newest => ("newest#", false),
        Sort::PriceAscending => ("price#", true),
        Sort::PriceDescending => ("price#", false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{catalog::FacetKind, invoices::Kind};

    #[test]
    fn every_key_is_as_the_data_model_says() {
        let bits = [1; 16];
        let product = ProductId::random(bits);
        let tag = Facet::new(FacetKind::Tag, "Men").unwrap();
        let sku: Sku = "TEE-1".parse().unwrap();
        let series = Series::of(&Kind::Invoice, "2026-11-22T10:00:00Z".parse().unwrap());
        let keys = [
            Key::product("tee"),
            Key::variant(&sku),
            Key::variant_shard(&sku, 0),
            Key::variant_shard(&sku, 3),
            Key::listing(&Facet::all(), &ListPosition::Newest(product)),
            Key::listing(&tag, &ListPosition::Price(999, product)),
            Key::cart(CartId::random(bits)),
            Key::order(OrderId::random(bits)),
            Key::request(RequestId::random(bits)),
            Key::due(OrderId::random(bits), Timestamp::UNIX_EPOCH),
            Key::breaker("stripe"),
            Key::payment_event(Provider::Stripe, "evt_1"),
            Key::counter(series),
            Key::invoice(OrderId::random(bits)),
            Key::credit_note(OrderId::random(bits), RefundId::random(bits)),
            Key::import(ImportId::random(bits)),
            Key::import_chunk(ImportId::random(bits), 7),
            Key::inbox("send-email", "ord_X.2"),
            Key::suppression(&AddressHash::of("ada@example.com")),
        ];
        let printed: Vec<String> = keys
            .iter()
            .map(|key| format!("{} | {}", key.pk, key.sk))
            .collect();
        assert_eq!(
            printed,
            [
                "PRODUCT#tee | PRODUCT".to_owned(),
                "VARIANT#TEE-1 | VARIANT".to_owned(),
                "VARIANT#TEE-1 | VARIANT".to_owned(),
                "VARIANT#TEE-1#3 | SHARD".to_owned(),
                format!("LISTING#all | newest#{product}"),
                format!("LISTING#tag#men | price#000000000999#{product}"),
                format!("CART#{} | CART", CartId::random(bits)),
                format!("ORDER#{} | ORDER", OrderId::random(bits)),
                format!("REQUEST#{} | REQUEST", RequestId::random(bits)),
                format!("DUE#01 | 0000000000000#{}", OrderId::random(bits)),
                "BREAKER#stripe | BREAKER".to_owned(),
                "PAYMENT_EVENT#stripe#evt_1 | PAYMENT_EVENT".to_owned(),
                "COUNTER#INV-2026 | COUNTER".to_owned(),
                format!("INVOICE#{} | INVOICE", OrderId::random(bits)),
                format!(
                    "INVOICE#{} | CREDIT_NOTE#{}",
                    OrderId::random(bits),
                    RefundId::random(bits)
                ),
                format!("IMPORT#{} | IMPORT", ImportId::random(bits)),
                format!("IMPORT#{} | CHUNK#000007", ImportId::random(bits)),
                "INBOX#send-email#ord_X.2 | INBOX".to_owned(),
                "SUPPRESSED#b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72 | SUPPRESSED"
                    .to_owned(),
            ]
        );
    }
}
