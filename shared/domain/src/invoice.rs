//! Invoices and credit notes: what they say, frozen when they are issued. Prices include tax.
//!
//! The number comes last, from the counter of the document's series ([`Document::series`]): the store
//! gives it in the same transaction that writes the document, so that no number is missing and none is
//! given twice (docs/adr/0012).

use std::fmt;

use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    catalog::Sku,
    fault::{Code, Rejection},
    id::{OrderId, RefundId},
    money::{Money, MoneyError},
    order::{Address, Order, OrderStatus, Refund, RefundStatus, Units, What},
};

/// Who sells, as it stands on the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seller {
    /// Name of the company.
    pub name: String,
    /// Its address, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address: Vec<String>,
    /// Number by which the tax office knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_id: Option<String>,
    /// Where to write to.
    pub email: String,
}

/// Who buys, as it stands on the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buyer {
    /// Recipient of the goods.
    pub name: String,
    /// Where they went, line by line.
    pub address: Vec<String>,
    /// Where the confirmation went.
    pub email: String,
}

/// The tax that prices include.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxRule {
    /// What it is called, such as `VAT`.
    pub name: String,
    /// Hundredths of a percent: 1900 is 19 %. At 0 there is no tax and no line for it.
    pub rate_basis_points: u32,
}

/// One tax of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxLine {
    /// What it is called.
    pub name: String,
    /// Hundredths of a percent.
    pub rate_basis_points: u32,
    /// What is taxed.
    pub net: Money,
    /// The tax.
    pub amount: Money,
}

impl TaxRule {
    /// The tax in `gross`, rounded half up; nothing if there is no tax. What is left of `gross` is the
    /// net amount, so both add up to it always.
    pub fn within(&self, gross: Money) -> Option<TaxLine> {
        if self.rate_basis_points == 0 {
            return None;
        }
        let rate = i128::from(self.rate_basis_points);
        let whole = 10_000 + rate;
        let doubled = 2 * i128::from(gross.amount.max(0)) * rate;
        // A part of an `i64` is an `i64`.
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
    /// What was bought; nothing if the line is an amount only.
    pub sku: Option<Sku>,
    /// Its title.
    pub title: String,
    /// How many.
    pub quantity: u32,
    /// Price of one.
    pub unit_price: Money,
    /// Price of all of them.
    pub total: Money,
}

/// What kind of document it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// For an order that was paid.
    Invoice,
    /// For money that went back.
    CreditNote {
        /// Number of the invoice.
        of: String,
        /// The refund.
        refund_id: RefundId,
        /// Why, for the customer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

/// What is numbered one after the other: all documents of one kind and one year (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Series {
    prefix: &'static str,
    year: i16,
}

impl Series {
    /// The series of a document of that kind that is issued now.
    pub fn of(kind: &Kind, now: Timestamp) -> Self {
        Self {
            prefix: match kind {
                Kind::Invoice => "INV",
                Kind::CreditNote { .. } => "CRN",
            },
            year: now.to_zoned(TimeZone::UTC).year(),
        }
    }

    /// The number of its `count`th document, such as `INV-2026-000123`.
    pub fn number(self, count: u64) -> String {
        format!("{self}-{count:06}")
    }
}

/// `INV-2026`, `CRN-2026`.
impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:04}", self.prefix, self.year)
    }
}

/// All that an invoice or credit note says, but for its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Invoice or credit note.
    pub kind: Kind,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The order.
    pub order_id: OrderId,
    /// What people call the order.
    pub order_number: String,
    /// Who sells.
    pub seller: Seller,
    /// Who buys.
    pub buyer: Buyer,
    /// What was bought, or what the money went back for.
    pub lines: Vec<Line>,
    /// Taxes, one for each name and rate.
    pub taxes: Vec<TaxLine>,
    /// Sum without taxes.
    pub net: Money,
    /// Sum with taxes; never negative, on a credit note neither.
    pub total: Money,
}

/// A document that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// Its number, such as `INV-2026-000123`.
    pub number: String,
    /// What it says.
    pub document: Document,
}

impl Invoice {
    /// The invoice of an order, still without a number.
    pub fn of_order(
        order: &Order,
        seller: &Seller,
        tax: &TaxRule,
        now: Timestamp,
    ) -> Result<Document, MoneyError> {
        let line = |line: &crate::order::OrderLine| {
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
                address: address_lines(&order.shipping_address),
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

    /// The credit note of a refund, still without a number. Buyer, titles, prices and tax are those of
    /// the invoice that it takes back, whatever they are today; the seller is today's.
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

    /// What its file is called.
    pub fn file_name(&self) -> String {
        format!("{}.pdf", self.number)
    }

    /// Where its file lies.
    pub fn object_key(&self) -> String {
        format!("invoices/{}/{}", self.document.order_id, self.file_name())
    }
}

impl Document {
    /// The series that its number is of.
    pub fn series(&self) -> Series {
        Series::of(&self.kind, self.issued_at)
    }

    /// The `count`th document of its series.
    pub fn numbered(self, count: u64) -> Invoice {
        Invoice {
            number: self.series().number(count),
            document: self,
        }
    }

    /// The lines of these units, if there are some and they are worth exactly `total`.
    fn lines_worth(&self, units: &[Units], total: Money) -> Result<Option<Vec<Line>>, MoneyError> {
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

fn address_lines(address: &Address) -> Vec<String> {
    let lines = [
        Some(address.line1.clone()),
        address.line2.clone(),
        Some(format!("{} {}", address.postal_code, address.city)),
        address.region.clone(),
        Some(address.country.clone()),
    ];
    lines.into_iter().flatten().collect()
}

/// Whether an order has been paid, and so has an invoice or will have one soon. Money that came for
/// goods that were gone does not count: it goes back, and nothing was sold.
pub fn is_due(order: &Order) -> bool {
    order.history.iter().any(|entry| entry.what == What::Paid)
}

/// The refunds of an order that call for a credit note.
pub fn credited(order: &Order) -> impl Iterator<Item = &Refund> {
    let gone = |refund: &&Refund| refund.status == RefundStatus::Succeeded;
    order.refunds.iter().filter(gone)
}

/// Why an order has no invoice that could be shown.
pub fn missing(order: &Order) -> Rejection {
    if is_due(order) || order.status() == OrderStatus::PendingPayment {
        Rejection::new(
            Code::InvoiceNotReady,
            "The invoice is made when the order is paid; look again in a few seconds.",
        )
    } else {
        Rejection::not_found("invoice")
    }
}

/// The invoice of an order, as its customer and staff see it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct InvoiceView {
    /// Its number, such as `INV-2026-000123`.
    pub number: String,
    /// When it was issued.
    #[schemars(with = "String")]
    pub issued_at: Timestamp,
    /// What was paid, taxes included.
    pub total: Money,
    /// Where the PDF can be fetched, by whoever has this address.
    pub url: String,
    /// From then on the address is refused; ask again for a new one.
    #[schemars(with = "String")]
    pub url_expires_at: Timestamp,
    /// What was taken back of it.
    pub credit_notes: Vec<CreditNoteView>,
}

/// A credit note, as customer and staff see it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CreditNoteView {
    /// Its number, such as `CRN-2026-000123`.
    pub number: String,
    /// The refund.
    pub refund_id: RefundId,
    /// When it was issued.
    #[schemars(with = "String")]
    pub issued_at: Timestamp,
    /// What went back, taxes included.
    pub total: Money,
    /// Where the PDF can be fetched, by whoever has this address.
    pub url: String,
    /// From then on the address is refused; ask again for a new one.
    #[schemars(with = "String")]
    pub url_expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::order::tests::placed;

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
        let units = |(sku, quantity): &(&str, u32)| Units {
            sku: sku.parse().unwrap(),
            quantity: *quantity,
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
            // Not further off than half a unit, and a half is rounded up.
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
        let in_vain = expired.captured_in_vain("p", 1_000, now).unwrap().order;
        assert!(!is_due(&in_vain));
        let back = in_vain.refund_settled(in_vain.refunds[0].id, true, now);
        let back = back.unwrap().order;
        assert_eq!(credited(&back).count(), 1);
        assert!(!is_due(&back));
        assert_eq!(missing(&back).code, Code::NotFound);
    }
}
