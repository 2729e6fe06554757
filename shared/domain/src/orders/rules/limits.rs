//! Limits that keep a caller from holding the stock without paying. Placing an order costs its caller
//! nothing, and reserves goods that nobody else can buy meanwhile.
//!
//! The limits are parameters of the template, each of which 0 turns off: units of a SKU and of an order; how
//! long an order is held for a customer who does nothing; and unpaid orders of one holder, which is an email
//! address, a network, or the account of a person who is signed in.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::Order;
use crate::{
    catalog::Sku,
    fault::{Code, FieldFault, Rejection},
    id::AccountId,
    limits::{mailbox, network, pseudonym},
    payments::PaymentStatus,
};

/// How long an order that has ended without a payment still counts as unpaid, from the time at which it was
/// placed: or a caller could hold the stock again and again, try cards, and have mails sent to others.
const COUNTED_FOR: SignedDuration = SignedDuration::from_mins(15);

/// How long after it was counted an order may be placed, which is longer than a request takes: until then an
/// order that does not exist counts.
const PLACED_WITHIN: SignedDuration = SignedDuration::from_secs(15);

/// Time after which it is worth looking again which orders of a holder are still unpaid.
const RECOUNT_INTERVAL: SignedDuration = SignedDuration::from_secs(2);

/// How long stock is reserved for a payment, from the time at which the order was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentWindow {
    /// Until the provider has authorized the payment, or the customer has begun to confirm it.
    pub hold: SignedDuration,
    /// From then on.
    pub whole: SignedDuration,
}

impl PaymentWindow {
    /// A window that is as long whether the customer has begun to pay or not.
    pub const fn flat(window: SignedDuration) -> Self {
        Self {
            hold: window,
            whole: window,
        }
    }

    /// When the payment of an order is due at first.
    pub fn first_due(&self, placed_at: Timestamp) -> Timestamp {
        placed_at + self.hold.min(self.whole)
    }

    /// When the payment is due once the customer has begun to confirm it.
    pub fn last_due(&self, placed_at: Timestamp) -> Timestamp {
        placed_at + self.whole
    }
}

/// Maximum units of one SKU and of one order; 0 means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnitLimits {
    /// Units of each SKU of an order or a cart.
    pub per_sku: u32,
    /// Units of an order, over all of its SKUs.
    pub per_order: u32,
}

/// Units beyond a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    /// The SKU, or `None` for the order as a whole.
    pub sku: Option<Sku>,
    /// Units requested.
    pub wanted: u32,
    /// The limit.
    pub most: u32,
}

impl UnitLimits {
    /// Checks one line of a cart.
    pub fn check_line(&self, sku: &Sku, quantity: u32) -> Result<(), Excess> {
        if is_within(quantity, self.per_sku) {
            return Ok(());
        }
        Err(Excess {
            sku: Some(sku.clone()),
            wanted: quantity,
            most: self.per_sku,
        })
    }

    /// The units of a line that are within the limit of a SKU.
    pub fn within(&self, quantity: u32) -> u32 {
        match self.per_sku {
            0 => quantity,
            most => quantity.min(most),
        }
    }

    /// Lists everything by which the lines of an order exceed the limits.
    pub fn excesses<'a>(&self, lines: impl Iterator<Item = (&'a Sku, u32)>) -> Vec<Excess> {
        let mut excesses = Vec::new();
        let mut units: u32 = 0;
        for (sku, quantity) in lines {
            units = units.saturating_add(quantity);
            excesses.extend(self.check_line(sku, quantity).err());
        }
        if !is_within(units, self.per_order) {
            excesses.push(Excess {
                sku: None,
                wanted: units,
                most: self.per_order,
            });
        }
        excesses
    }
}

fn is_within(count: u32, limit: u32) -> bool {
    limit == 0 || count <= limit
}

/// The rejection of an order or a line with too many units.
pub fn too_many_units(excesses: &[Excess]) -> Rejection {
    let fault = |excess: &Excess| {
        let Excess { sku, wanted, most } = excess;
        let message = format!("At most {most} units; {wanted} were requested.");
        let field = sku.as_ref().map_or("order", Sku::as_str);
        FieldFault::new(field, "too_many", message)
    };
    let fields: Vec<FieldFault> = excesses.iter().map(fault).collect();
    let names: Vec<&str> = fields.iter().map(|fault| fault.field.as_str()).collect();
    let names = names.join(", ");
    let detail = format!("More units than the shop sells at once: {names}.");
    Rejection::of_fields(Code::TooManyUnits, detail, fields)
}

/// Maximum unpaid orders of one holder; 0 means no limit. An account has the numbers of an email address: it is one person, too,
/// whatever addresses the orders have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnpaidLimits {
    /// Unpaid orders of one email address, and of one account.
    pub orders_per_email: u32,
    /// Units in the unpaid orders of one email address, and of one account.
    pub units_per_email: u32,
    /// Unpaid orders of one network.
    pub orders_per_network: u32,
}

/// Limit of one holder; 0 means no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnpaidLimit {
    /// Unpaid orders.
    pub orders: u32,
    /// Units in them.
    pub units: u32,
}

/// Somebody who holds stock by orders that are not paid, by a name that tells nothing about the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder(String);

impl Holder {
    /// The owner of an email address. Case and what follows a `+` are ignored, as mail servers do.
    pub fn email(secret: &str, address: &str) -> Self {
        Self::named(secret, "email", &mailbox(address))
    }

    /// The network of an address: 24 bits of an IPv4 address, 56 of an IPv6 address, which is what one
    /// customer of a provider has.
    pub fn network(secret: &str, address: IpAddr) -> Self {
        Self::named(secret, "network", &network(address, 24, 56))
    }

    /// The account of a person who is signed in.
    pub fn account(secret: &str, id: AccountId) -> Self {
        Self::named(secret, "account", &id.to_string())
    }

    fn named(secret: &str, kind: &str, name: &str) -> Self {
        Self(format!("{kind}#{}", pseudonym(secret, kind, name)))
    }

    /// The name, which is part of a key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl UnpaidLimits {
    /// The limits of the holders of an order: of its email address, of the account of who is signed in, and of the network
    /// that it came from.
    pub fn holders(
        &self,
        secret: &str,
        email: &str,
        account: Option<AccountId>,
        viewer: Option<IpAddr>,
    ) -> Vec<(Holder, UnpaidLimit)> {
        let of_person = UnpaidLimit {
            orders: self.orders_per_email,
            units: self.units_per_email,
        };
        let of_network = UnpaidLimit {
            orders: self.orders_per_network,
            units: 0,
        };
        let mut holders = vec![(Holder::email(secret, email), of_person)];
        holders.extend(account.map(|id| (Holder::account(secret, id), of_person)));
        // Nobody knows the network behind a CDN that does not name its viewer.
        holders.extend(viewer.map(|address| (Holder::network(secret, address), of_network)));
        holders.retain(|(_, limit)| limit.orders > 0 || limit.units > 0);
        holders
    }
}

/// Whether an order that was counted at `since` still counts; `order` is `None` if it does not exist.
pub fn still_counts(order: Option<&Order>, since: Timestamp, now: Timestamp) -> bool {
    order.map_or(now < since + PLACED_WITHIN, |order| order.is_unpaid(now))
}

/// Whether to look again which orders of a holder still count, after somebody did at `checked_at`.
pub fn is_recount_due(checked_at: Option<Timestamp>, now: Timestamp) -> bool {
    checked_at.is_none_or(|at| now >= at + RECOUNT_INTERVAL)
}

impl Order {
    /// Whether the order counts against the limits of its holders: while it waits for a payment that the
    /// provider has not authorized, and for [`COUNTED_FOR`] if it has ended without one.
    pub fn is_unpaid(&self, now: Timestamp) -> bool {
        match (self.closed, self.payment.status) {
            (None, PaymentStatus::Pending | PaymentStatus::RequiresAction) => true,
            (Some(_), _) => !self.took_money() && now < self.placed_at + COUNTED_FOR,
            (None, _) => false,
        }
    }

    /// Units of the order, over all of its lines.
    pub fn units(&self) -> u32 {
        self.lines.iter().map(|line| line.quantity).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        orders::{Actor, placed},
        payments::PaymentFailure,
    };

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn email(address: &str) -> String {
        Holder::email(SECRET, address).as_str().to_owned()
    }

    fn network(address: &str) -> String {
        let address = address.parse().unwrap();
        Holder::network(SECRET, address).as_str().to_owned()
    }

    /// The kind: one caller keeps the shop sold out for free.
    #[test]
    fn other_spellings_are_the_same_holder() {
        let ada = email("ada@example.com");
        for same in [
            " Ada@Example.com ",
            "ada+1@example.com",
            "ADA+a+b@EXAMPLE.COM",
        ] {
            assert_eq!(email(same), ada, "{same}");
        }
        for other in [
            "ada1@example.com",
            "ada@example.org",
            "+@example.com",
            "ada",
        ] {
            assert_ne!(email(other), ada, "{other}");
        }
        let near = network("203.0.113.7");
        assert_eq!(network("203.0.113.255"), near);
        assert_eq!(network("::ffff:203.0.113.8"), near);
        assert_ne!(network("203.0.114.7"), near);
        let home = network("2001:db8:0:1100::1");
        assert_eq!(network("2001:db8:0:11ff:ffff::"), home);
        assert_ne!(network("2001:db8:0:1200::1"), home);
    }

    #[test]
    fn a_holder_is_not_known_by_its_name() {
        let name = email("ada@example.com");
        assert!(
            name.starts_with("email#") && !name.contains("ada"),
            "{name}"
        );
        assert_ne!(
            Holder::email("another secret", "ada@example.com").as_str(),
            name
        );
        assert!(!network("203.0.113.7").contains("cb0071"));
    }

    #[test]
    fn only_limits_that_are_set_have_holders() {
        let limits = UnpaidLimits {
            orders_per_email: 5,
            ..UnpaidLimits::default()
        };
        let viewer = "203.0.113.7".parse().ok();
        let holders = |limits: UnpaidLimits, viewer| {
            let holders = limits.holders(SECRET, "ada@example.com", None, viewer);
            holders.len()
        };
        assert_eq!(holders(UnpaidLimits::default(), viewer), 0);
        assert_eq!(holders(limits, viewer), 1);
        let both = UnpaidLimits {
            orders_per_network: 20,
            ..limits
        };
        assert_eq!(holders(both, viewer), 2);
        assert_eq!(holders(both, None), 1);
    }

    /// The kind: one caller keeps the shop sold out for free, with an address for each order.
    #[test]
    fn an_account_is_one_holder_whatever_its_orders_addresses_are() {
        let limits = UnpaidLimits {
            orders_per_email: 5,
            units_per_email: 40,
            orders_per_network: 0,
        };
        let id = |digit: char| {
            let text = format!("acc_{}", digit.to_string().repeat(26));
            text.parse::<AccountId>().unwrap()
        };
        let of = |email: &str, account| limits.holders(SECRET, email, Some(account), None);
        let (first, second) = (of("a@example.com", id('1')), of("b@example.com", id('1')));
        assert_ne!(first[0].0, second[0].0);
        assert_eq!(first[1], second[1]);
        let most = UnpaidLimit {
            orders: 5,
            units: 40,
        };
        assert_eq!(first[1].1, most);
        let name = first[1].0.as_str();
        assert!(
            name.starts_with("account#") && !name.contains("1111"),
            "{name}"
        );
        assert_ne!(of("a@example.com", id('2'))[1].0, first[1].0);
        // A guest has none, and off is off.
        assert_eq!(limits.holders(SECRET, "a@example.com", None, None).len(), 1);
        let off = UnpaidLimits::default().holders(SECRET, "a@example.com", Some(id('1')), None);
        assert_eq!(off, []);
    }

    /// The kind: one caller keeps the shop sold out for free.
    #[test]
    fn an_order_is_limited_in_units() {
        let skus: Vec<Sku> = ["A", "B"].map(|sku| sku.parse().unwrap()).into();
        let limits = UnitLimits {
            per_sku: 10,
            per_order: 15,
        };
        let excesses = |limits: UnitLimits, quantities: [u32; 2]| {
            let lines = skus.iter().zip(quantities);
            let excesses = limits.excesses(lines);
            let excesses = excesses.into_iter().map(|excess| {
                let sku = excess.sku.map(|sku| sku.to_string());
                (sku, excess.wanted, excess.most)
            });
            excesses.collect::<Vec<_>>()
        };
        assert_eq!(excesses(limits, [10, 5]), []);
        assert_eq!(excesses(limits, [11, 1]), [(Some("A".into()), 11, 10)]);
        assert_eq!(excesses(limits, [10, 6]), [(None, 16, 15)]);
        assert_eq!(excesses(limits, [900, u32::MAX]).len(), 3);
        assert_eq!(excesses(UnitLimits::default(), [999, 999]), []);
    }

    /// The kind: one caller keeps the shop sold out for free.
    #[test]
    fn an_order_counts_until_it_is_paid_and_a_while_if_it_never_is() {
        let order = placed(&[("A", 2, 500), ("B", 3, 100)]);
        let now = order.placed_at;
        let later = now + COUNTED_FOR;
        assert_eq!(order.units(), 5);
        assert!(order.is_unpaid(later), "it still holds stock");
        let acted = order.action_required("p", None, now).unwrap().order;
        assert!(acted.is_unpaid(later));
        let authorised = acted.authorised("p", now).unwrap().order;
        assert!(!authorised.is_unpaid(now));
        assert!(
            !authorised
                .captured("p", 1300, now)
                .unwrap()
                .order
                .is_unpaid(now)
        );
        let declined = order.payment_failed(PaymentFailure::Declined, now);
        let expired = order.expired(order.due_at);
        // Or canceling would make room for the next order, and mails, at once.
        let cancelled = order.cancelled(None, Actor::Customer, now);
        for ended in [declined, expired, cancelled].map(|ended| ended.unwrap().order) {
            assert!(ended.is_unpaid(later - SignedDuration::from_secs(1)));
            assert!(!ended.is_unpaid(later));
        }
    }

    #[test]
    fn an_order_that_is_being_placed_counts() {
        let order = placed(&[("A", 1, 500)]);
        let now = order.placed_at;
        let soon = now + SignedDuration::from_secs(14);
        assert!(still_counts(None, now, soon));
        assert!(!still_counts(
            None,
            now,
            soon + SignedDuration::from_secs(1)
        ));
        assert!(still_counts(
            Some(&order),
            now,
            soon + SignedDuration::from_hours(1)
        ));
        assert!(is_recount_due(None, now));
        assert!(!is_recount_due(
            Some(now),
            now + SignedDuration::from_millis(1_999)
        ));
        assert!(is_recount_due(Some(now), now + RECOUNT_INTERVAL));
    }

    /// The kind: one caller keeps the shop sold out for free.
    #[test]
    fn the_whole_window_is_for_those_who_have_begun_to_pay() {
        let mut order = placed(&[("A", 1, 500)]);
        order.window.hold = SignedDuration::from_mins(5);
        order.due_at = order.window.first_due(order.placed_at);
        let (now, first) = (order.placed_at, order.due_at);
        assert_eq!(first, now + SignedDuration::from_mins(5));
        // An intent at the provider is made by the shop, and is nothing that the customer did.
        let acted = order.action_required("p", None, now).unwrap().order;
        assert_eq!(acted.due_at, first);
        assert!(acted.expired(first).is_ok());
        let begun = acted.confirming("p", Some("s".into()), now).unwrap().order;
        assert_eq!(begun.due_at, now + SignedDuration::from_mins(15));
        assert!(begun.expired(first).is_err());
        assert_eq!(begun.as_placed(), order);
        // At once with a token that the bank has to confirm.
        let begun = order.confirming("p", None, now).unwrap().order;
        assert_eq!(begun.due_at, now + SignedDuration::from_mins(15));
    }
}
