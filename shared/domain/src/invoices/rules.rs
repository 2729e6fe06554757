//! Content, taxes and numbers of invoices and credit notes.

use std::fmt;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    catalog::Sku,
    fault::{Code, Rejection},
    id::{OrderId, RefundId},
    money::{Money, MoneyError},
    orders::{GoodsLine, Order, OrderEventKind, OrderStatus, Refund, RefundStatus},
};

/// The seller as printed on the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seller {
    /// Name of the company.
    pub name: String,
    /// Address of the company, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address: Vec<String>,
    /// Tax identification number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_id: Option<String>,
    /// Contact address for questions.
    pub email: String,
}

impl Seller {
    /// The seller by the template's parameters; `address` has lines separated by `|`.
    pub fn of_template(name: &str, address: &str, tax_id: Option<&str>, email: &str) -> Self {
        let lines = address.split('|').map(str::trim);
        Self {
            name: name.to_owned(),
            address: lines
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect(),
            tax_id: tax_id.map(str::to_owned),
            email: email.to_owned(),
        }
    }
}

/// The buyer as printed on the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buyer {
    /// Recipient of the goods.
    pub name: String,
    /// Shipping address, line by line.
    pub address: Vec<String>,
    /// Address that the order confirmation went to.
    pub email: String,
}

/// The tax that is included in prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxRule {
    /// Name of the tax, such as `VAT`.
    pub name: String,
    /// Rate in basis points (hundredths of a percent): 1900 is 19 %. With 0, documents have no tax
    /// line.
    pub rate_basis_points: u32,
}

/// One tax of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxLine {
    /// Name of the tax, such as `VAT`.
    pub name: String,
    /// Rate in basis points (hundredths of a percent).
    pub rate_basis_points: u32,
    /// Net amount that is taxed.
    pub net: Money,
    /// Amount of the tax.
    pub amount: Money,
}

impl TaxRule {
    /// Extracts the tax from `gross`, rounded half up; `None` if the rate is 0. The rest is the net
    /// amount, so that both always add up to `gross`.
    pub fn within(&self, gross: Money) -> Option<TaxLine> {
        if self.rate_basis_points == 0 {
            return None;
        }
        let rate = i128::from(self.rate_basis_points);
        let whole = 10_000 + rate;
        let doubled = 2 * i128::from(gross.amount.max(0)) * rate;
        // A fraction of an `i64` fits into an `i64`.
        let tax = i64::try_from((doubled + whole) / (2 * whole)).unwrap_or(gross.amount);
        Some(TaxLine {
            name: self.name.clone(),
            rate_basis_points: self.rate_basis_points,
            net: Money::new(gross.amount - tax, gross.currency),
            amount: Money::new(tax, gross.currency),
        })
    }
}

/// One line of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// SKU of the variant; `None` for a line that is only an amount.
    pub sku: Option<Sku>,
    /// Title under which it was bought.
    pub title: String,
    /// Number of units.
    pub quantity: u32,
    /// Price of one unit, tax included.
    pub unit_price: Money,
    /// Price of the line, tax included.
    pub total: Money,
}

/// Invoice or credit note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// For a paid order.
    Invoice,
    /// For a refund.
    CreditNote {
        /// Number of the invoice that it corrects.
        of: String,
        /// The refund that it documents.
        refund_id: RefundId,
        /// Reason for the refund, as shown to the customer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

/// Consecutively numbered documents: all of one kind and one year (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Series {
    prefix: &'static str,
    year: i16,
}

impl Series {
    /// The series of a document of `kind` that is issued at `now`.
    pub fn of(kind: &Kind, now: Timestamp) -> Self {
        Self {
            prefix: match kind {
                Kind::Invoice => "INV",
                Kind::CreditNote { .. } => "CRN",
            },
            year: now.to_zoned(TimeZone::UTC).year(),
        }
    }

    /// Number of the `count`th document, such as `INV-2026-000123`.
    pub fn number(self, count: u64) -> String {
        format!("{self}-{count:06}")
    }
}

/// Prefix of the numbers: `INV-2026`, `CRN-2026`.
impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:04}", self.prefix, self.year)
    }
}

/// Content of an invoice or credit note, without its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Invoice or credit note.
    pub kind: Kind,
    /// Time of issue.
    pub issued_at: Timestamp,
    /// The order that it documents.
    pub order_id: OrderId,
    /// Order number as shown to customers.
    pub order_number: String,
    /// Seller at the time of issue.
    pub seller: Seller,
    /// Buyer as given in the order.
    pub buyer: Buyer,
    /// Goods that were bought, or for which the refund was made.
    pub lines: Vec<Line>,
    /// Taxes, one per name and rate.
    pub taxes: Vec<TaxLine>,
    /// Total without taxes.
    pub net: Money,
    /// Total including taxes; never negative, not even on a credit note.
    pub total: Money,
}

/// An issued document with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// Its number, such as `INV-2026-000123`.
    pub number: String,
    /// Content of the document.
    pub document: Document,
}

impl Invoice {
    /// Drafts the invoice of an order, without a number.
    pub fn of_order(
        order: &Order,
        seller: &Seller,
        tax: &TaxRule,
        now: Timestamp,
    ) -> Result<Document, MoneyError> {
        let line = |line: &crate::orders::OrderLine| {
            Ok(Line {
                sku: Some(line.sku.clone()),
                title: line.title.clone(),
                quantity: line.quantity,
                unit_price: line.unit_price,
                total: line.unit_price.times(line.quantity)?,
            })
        };
        let total = order.totals.total;
        let tax = tax.within(total);
        Ok(Document {
            kind: Kind::Invoice,
            issued_at: now,
            order_id: order.id,
            order_number: order.number(),
            seller: seller.clone(),
            buyer: Buyer {
                name: order.shipping_address.name.clone(),
                address: order.shipping_address.lines(),
                email: order.email.clone(),
            },
            lines: order
                .lines
                .iter()
                .map(line)
                .collect::<Result<_, MoneyError>>()?,
            net: tax.as_ref().map_or(total, |tax| tax.net),
            taxes: tax.into_iter().collect(),
            total,
        })
    }

    /// Drafts the credit note of a refund, without a number. Buyer, titles, prices and tax are those of
    /// the invoice; the seller is the current one.
    pub fn credit_note(
        &self,
        refund: &Refund,
        seller: &Seller,
        now: Timestamp,
    ) -> Result<Document, MoneyError> {
        let invoice = &self.document;
        let total = Money::new(refund.amount, invoice.total.currency);
        let tax = invoice.taxes.first().and_then(|tax| {
            let rule = TaxRule {
                name: tax.name.clone(),
                rate_basis_points: tax.rate_basis_points,
            };
            rule.within(total)
        });
        let lines = invoice.lines_worth(&refund.lines, total)?;
        Ok(Document {
            kind: Kind::CreditNote {
                of: self.number.clone(),
                refund_id: refund.id,
                reason: refund.reason.clone(),
            },
            issued_at: now,
            order_id: invoice.order_id,
            order_number: invoice.order_number.clone(),
            seller: seller.clone(),
            buyer: invoice.buyer.clone(),
            lines: lines.unwrap_or_else(|| {
                vec![Line {
                    sku: None,
                    title: "Refund".to_owned(),
                    quantity: 1,
                    unit_price: total,
                    total,
                }]
            }),
            net: tax.as_ref().map_or(total, |tax| tax.net),
            taxes: tax.into_iter().collect(),
            total,
        })
    }

    /// File name for downloads.
    pub fn file_name(&self) -> String {
        format!("{}.pdf", self.number)
    }

    /// Object key of the PDF.
    pub fn object_key(&self) -> String {
        format!("invoices/{}/{}", self.document.order_id, self.file_name())
    }
}

impl Document {
    /// The series that numbers the document.
    pub fn series(&self) -> Series {
        Series::of(&self.kind, self.issued_at)
    }

    /// Assigns the number: the `count`th of its series.
    pub fn numbered(self, count: u64) -> Invoice {
        Invoice {
            number: self.series().number(count),
            document: self,
        }
    }

    /// Lines for `units`, if there are any and they are worth exactly `total`.
    fn lines_worth(
        &self,
        units: &[GoodsLine],
        total: Money,
    ) -> Result<Option<Vec<Line>>, MoneyError> {
        let mut sum = Money::zero(total.currency);
        let mut lines = Vec::with_capacity(units.len());
        for units in units {
            let bought = self
                .lines
                .iter()
                .find(|line| line.sku.as_ref() == Some(&units.sku));
            let Some(bought) = bought else {
                return Ok(None);
            };
            let line = Line {
                quantity: units.quantity,
                total: bought.unit_price.times(units.quantity)?,
                ..bought.clone()
            };
            sum = sum.plus(line.total)?;
            lines.push(line);
        }
        Ok((!lines.is_empty() && sum == total).then_some(lines))
    }
}

/// Whether the order was paid, so that it has an invoice or will have one soon. A payment that arrived
/// after the goods were gone does not count: it is refunded, and nothing was sold.
pub fn is_due(order: &Order) -> bool {
    order
        .history
        .iter()
        .any(|entry| entry.what == OrderEventKind::Paid)
}

/// Refunds of an order that call for a credit note.
pub fn credited(order: &Order) -> impl Iterator<Item = &Refund> {
    let gone = |refund: &&Refund| refund.status == RefundStatus::Succeeded;
    order.refunds.iter().filter(gone)
}

/// The rejection for an order without an invoice to show.
pub fn missing(order: &Order) -> Rejection {
    if is_due(order) || order.status() == OrderStatus::PendingPayment {
        Rejection::new(
            Code::InvoiceNotReady,
            "The invoice is issued when the order is paid; try again in a few seconds.",
        )
    } else {
        Rejection::new(
            Code::NotFound,
            "The order has no invoice: nothing was sold.",
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::orders::placed;

    fn seller() -> Seller {
        Seller {
            name: "Shop".into(),
            address: vec!["1 Street".into()],
            tax_id: None,
            email: "shop@example.com".into(),
        }
    }

    fn rule(rate_basis_points: u32) -> TaxRule {
        TaxRule {
            name: "VAT".into(),
            rate_basis_points,
        }
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn refund(amount: i64, lines: &[(&str, u32)]) -> Refund {
        let units = |(sku, quantity): &(&str, u32)| GoodsLine {
            sku: sku.parse().unwrap(),
            quantity: *quantity,
            goods: None,
        };
        Refund {
            id: RefundId::random([1; 16]),
            at: Timestamp::UNIX_EPOCH,
            amount,
            lines: lines.iter().map(units).collect(),
            reason: Some("Too small.".into()),
            status: RefundStatus::Succeeded,
        }
    }

    proptest! {
        #[test]
        fn net_and_tax_add_up_and_the_tax_is_the_nearest(
            gross in prop_oneof![0..=100_000_i64, 0..=i64::MAX],
            rate in prop_oneof![1..=10_000_u32, 1..=u32::MAX],
        ) {
            let gross = Money::new(gross, "USD".parse().unwrap());
            let tax = rule(rate).within(gross).unwrap();
            prop_assert!(tax.amount.amount >= 0 && tax.net.amount >= 0);
            prop_assert_eq!(tax.net.plus(tax.amount).unwrap(), gross);
            // The error is at most half a unit, and halves are rounded up.
            let (rate, whole) = (i128::from(rate), 10_000 + i128::from(rate));
            let off = 2 * (i128::from(tax.amount.amount) * whole - i128::from(gross.amount) * rate);
            prop_assert!(-whole < off && off <= whole);
        }
    }

    #[test]
    fn taxes_are_as_the_tax_office_counts_them() {
        let cases = [
            (11_900, 1900, 1_900),
            (10_000, 1900, 1_597),
            (1_000, 700, 65),
            (3, 10_000, 2),
            (1, 1900, 0),
            (0, 1900, 0),
        ];
        for (gross, rate, want) in cases {
            let gross = Money::new(gross, "EUR".parse().unwrap());
            assert_eq!(
                rule(rate).within(gross).unwrap().amount.amount,
                want,
                "{gross} {rate}"
            );
        }
        assert_eq!(
            rule(0).within(Money::new(100, "EUR".parse().unwrap())),
            None
        );
    }

    #[test]
    fn numbers_go_by_kind_and_year_in_utc() {
        let order = placed(&[("A", 1, 1_000)]);
        let last = Invoice::of_order(&order, &seller(), &rule(0), at("2026-12-31T23:59:59Z"));
        let last = last.unwrap().numbered(123);
        assert_eq!(last.number, "INV-2026-000123");
        assert_eq!(last.document.net, last.document.total);
        assert!(last.document.taxes.is_empty());
        assert!(last.object_key().ends_with("/INV-2026-000123.pdf"));
        let first = Invoice::of_order(&order, &seller(), &rule(0), at("2026-12-31T23:00:00-01:00"));
        assert_eq!(
            first.unwrap().numbered(1_234_567).number,
            "INV-2027-1234567"
        );
        let note = last.credit_note(&refund(1, &[]), &seller(), at("2027-01-01T00:00:00Z"));
        assert_eq!(note.unwrap().numbered(1).number, "CRN-2027-000001");
    }

    #[test]
    fn a_credit_note_names_goods_only_if_they_are_worth_it() {
        let order = placed(&[("A", 3, 1_000), ("B", 1, 500)]);
        let now = at("2026-11-22T10:00:00Z");
        let invoice = Invoice::of_order(&order, &seller(), &rule(1900), now);
        let invoice = invoice.unwrap().numbered(7);
        let note = |refund: &Refund| invoice.credit_note(refund, &seller(), now).unwrap();
        let goods = note(&refund(2_500, &[("A", 2), ("B", 1)]));
        let lines: Vec<_> = goods
            .lines
            .iter()
            .map(|line| (line.quantity, line.total.amount))
            .collect();
        assert_eq!(lines, [(2, 2_000), (1, 500)]);
        assert_eq!(goods.taxes[0].rate_basis_points, 1900);
        assert_eq!(goods.net.plus(goods.taxes[0].amount).unwrap().amount, 2_500);
        assert!(matches!(&goods.kind, Kind::CreditNote { of, .. } if of == "INV-2026-000007"));
        let others = [
            refund(2_000, &[("A", 3)]),
            refund(100, &[]),
            refund(1_000, &[("C", 1)]),
        ];
        for other in others {
            let note = note(&other);
            assert_eq!((note.lines.len(), &note.lines[0].sku), (1, &None));
            assert_eq!(note.lines[0].total.amount, other.amount);
        }
    }

    #[test]
    fn only_what_was_sold_has_an_invoice() {
        let order = placed(&[("A", 1, 1_000)]);
        let now = order.placed_at;
        assert_eq!(missing(&order).code, Code::InvoiceNotReady);
        let paid = order.captured("p", 1_000, now).unwrap().order;
        assert!(is_due(&paid));
        assert_eq!(missing(&paid).code, Code::InvoiceNotReady);
        let expired = order.expired(order.due_at).unwrap().order;
        assert_eq!(missing(&expired).code, Code::NotFound);
        let in_vain = expired.captured_after_close("p", 1_000, now).unwrap().order;
        assert!(!is_due(&in_vain));
        let back = in_vain.refund_settled(in_vain.refunds[0].id, true, now);
        let back = back.unwrap().order;
        assert_eq!(credited(&back).count(), 1);
        assert!(!is_due(&back));
        assert_eq!(missing(&back).code, Code::NotFound);
    }
}
