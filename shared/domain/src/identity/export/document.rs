//! The document of an export: what the shop stores about the owner of an account, without secrets.

use std::{collections::BTreeSet, net::IpAddr};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    cart::{Cart, Wish},
    catalog::Sku,
    customers::GroupId,
    id::{AccountId, CartId, SessionId},
    identity::{
        Account, AddressBook, AddressBookView, BookEntryView, Passkey, SecondFactor, Session,
        factors::PasskeyView,
    },
    invoices::{Invoice, Kind},
    money::MoneyError,
    orders::{Order, OrderView},
};

/// Version of the document's form.
pub const FORMAT: u32 = 1;
/// What the shop stores about a person and the document leaves out: the records are in chains of everybody's, which cannot be
/// read for one person alone.
const NOT_INCLUDED: [&str; 1] = ["audit_trail"];

/// What is read about an account.
#[derive(Clone, Copy, Debug)]
pub struct AccountSource<'a> {
    /// The account.
    pub account: &'a Account,
    /// Its address book.
    pub addresses: &'a AddressBook,
    /// Its sessions, also those that were ended all at once.
    pub sessions: &'a [Session],
    /// Its passkeys.
    pub passkeys: &'a [Passkey],
    /// Its authenticator app.
    pub second_factor: Option<&'a SecondFactor>,
    /// Its current cart.
    pub cart: Option<&'a Cart>,
    /// Its wish list.
    pub wishlist: &'a [Wish],
}

/// Everything about an account but its orders.
#[derive(Clone, Debug, Serialize)]
pub struct ExportedAccount {
    profile: Profile,
    addresses: Vec<BookEntryView>,
    sessions: Vec<ExportedSession>,
    passkeys: Vec<PasskeyView>,
    authenticator_app: AuthenticatorApp,
    cart: Option<ExportedCart>,
    wishlist: Vec<ExportedWish>,
}

#[derive(Clone, Debug, Serialize)]
struct ExportedWish {
    sku: Sku,
    added_at: Timestamp,
}

#[derive(Clone, Debug, Serialize)]
struct Profile {
    id: AccountId,
    email: String,
    name: Option<String>,
    /// Time at which the person agreed to get advertising by email.
    email_consent_at: Option<Timestamp>,
    created_at: Timestamp,
    /// Name of the role as staff.
    staff_role: Option<String>,
    /// Customer groups that staff have put the person into.
    customer_groups: BTreeSet<GroupId>,
}

#[derive(Clone, Debug, Serialize)]
struct ExportedSession {
    id: SessionId,
    device: String,
    from: Option<IpAddr>,
    created_at: Timestamp,
    refreshed_at: Timestamp,
    expires_at: Timestamp,
    second_factor: bool,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct AuthenticatorApp {
    is_set_up: bool,
    recovery_codes_left: usize,
}

#[derive(Clone, Debug, Serialize)]
struct ExportedCart {
    id: CartId,
    lines: Vec<ExportedCartLine>,
    expires_at: Timestamp,
}

#[derive(Clone, Debug, Serialize)]
struct ExportedCartLine {
    sku: Sku,
    quantity: u32,
    added_at: Timestamp,
}

/// An order with the numbers of its invoice and credit notes.
#[derive(Clone, Debug, Serialize)]
pub struct ExportedOrder {
    #[serde(flatten)]
    order: OrderView,
    invoices: Vec<ExportedInvoice>,
}

/// The number of an invoice or a credit note.
#[derive(Clone, Debug, Serialize)]
pub struct ExportedInvoice {
    number: String,
    kind: &'static str,
    issued_at: Timestamp,
}

/// The document as it is written.
#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    made_at: Timestamp,
    not_included: [&'static str; 1],
    account: &'a RawValue,
    orders: Vec<&'a RawValue>,
    /// Whether the account has older orders that the document has no room for.
    has_more_orders: bool,
}

impl From<AccountSource<'_>> for ExportedAccount {
    fn from(source: AccountSource<'_>) -> Self {
        let account = source.account;
        let sessions = source.sessions.iter().filter(|it| it.is_of(account));
        let second_factor = source.second_factor.filter(|it| it.is_active());
        Self {
            profile: Profile {
                id: account.id,
                email: account.email.clone(),
                name: account.name.clone(),
                email_consent_at: account.email_consent,
                created_at: account.created_at,
                staff_role: account.staff.as_ref().map(|staff| staff.role.clone()),
                customer_groups: account.groups.clone(),
            },
            addresses: AddressBookView::from(source.addresses).items,
            sessions: sessions
                .map(|session| ExportedSession {
                    id: session.id,
                    device: session.device.clone(),
                    from: session.from,
                    created_at: session.created_at,
                    refreshed_at: session.tokens.rotated_at,
                    expires_at: session.expires_at(),
                    second_factor: session.is_strong,
                })
                .collect(),
            passkeys: source.passkeys.iter().map(PasskeyView::from).collect(),
            authenticator_app: AuthenticatorApp {
                is_set_up: second_factor.is_some(),
                recovery_codes_left: second_factor.map_or(0, |it| it.recovery_codes.len()),
            },
            cart: source.cart.map(|cart| ExportedCart {
                id: cart.id,
                lines: cart
                    .lines
                    .iter()
                    .map(|line| ExportedCartLine {
                        sku: line.sku.clone(),
                        quantity: line.quantity,
                        added_at: line.added_at,
                    })
                    .collect(),
                expires_at: cart.expires_at,
            }),
            wishlist: source
                .wishlist
                .iter()
                .map(|wish| ExportedWish {
                    sku: wish.sku.clone(),
                    added_at: wish.added_at,
                })
                .collect(),
        }
    }
}

impl From<&Invoice> for ExportedInvoice {
    fn from(invoice: &Invoice) -> Self {
        Self {
            number: invoice.number.clone(),
            kind: match invoice.document.kind {
                Kind::Invoice => "invoice",
                Kind::CreditNote { .. } => "credit_note",
            },
            issued_at: invoice.document.issued_at,
        }
    }
}

impl ExportedOrder {
    /// An order as its owner sees it, without what opens it or its payment.
    pub fn of(order: &Order, invoices: Vec<ExportedInvoice>) -> Result<Self, MoneyError> {
        let mut view = OrderView::of(order)?;
        view.payment.client_secret = None;
        Ok(Self {
            order: view,
            invoices,
        })
    }
}

/// Puts the document together: `account` is an [`ExportedAccount`] and each of the `pages` a list of [`ExportedOrder`], as JSON.
pub fn join_parts(
    account: &[u8],
    pages: &[Vec<u8>],
    has_more_orders: bool,
    made_at: Timestamp,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut orders: Vec<&RawValue> = Vec::new();
    for page in pages {
        orders.extend(serde_json::from_slice::<Vec<&RawValue>>(page)?);
    }
    serde_json::to_vec(&Document {
        format: FORMAT,
        made_at,
        not_included: NOT_INCLUDED,
        account: serde_json::from_slice(account)?,
        orders,
        has_more_orders,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        cart::CartLine,
        id::PasskeyId,
        identity::{ChangeCause, NewSession, StaffMember},
        orders::placed,
        trace::{Cause, TraceParent},
    };

    fn now() -> Timestamp {
        "2026-11-26T12:00:00Z".parse().unwrap()
    }

    fn cause() -> Cause<'static> {
        Cause {
            trace_id: "t",
            traceparent: TraceParent::begin("t"),
        }
    }

    fn account() -> Account {
        let staff = StaffMember {
            role: "support".to_owned(),
            permissions: Vec::new(),
        };
        let cause = ChangeCause {
            by: "shop".to_owned(),
            from: Some("203.0.113.7".parse().unwrap()),
            now: now(),
            cause: cause(),
        };
        let id = AccountId::random([1; 16]);
        Account::joining(id, "ada@example.com".to_owned(), None, staff, &cause)
    }

    fn session(account: &Account, generation: u64) -> Session {
        let new = NewSession {
            account: account.id,
            generation,
            is_staff: false,
            is_strong: true,
            device: "Firefox",
            from: Some("203.0.113.7".parse().unwrap()),
            now: now(),
            cause: cause(),
        };
        new.begin([2; 16], [3; 32]).session
    }

    #[test]
    fn an_account_is_exported_without_its_secrets() {
        let account = account();
        let sessions = [session(&account, 1), session(&account, 7)];
        let factor = SecondFactor::confirmed(
            account.id,
            "sealed".to_owned(),
            1,
            vec!["hash-of-a-code".to_owned()],
        );
        let mut cart = Cart::new([4; 16], Some(account.id), now());
        cart.lines.push(CartLine {
            sku: "TEE-S".parse().unwrap(),
            quantity: 2,
            added_at: now(),
        });
        let exported = ExportedAccount::from(AccountSource {
            account: &account,
            addresses: &AddressBook::default(),
            sessions: &sessions,
            passkeys: &[],
            second_factor: Some(&factor),
            cart: Some(&cart),
            wishlist: &[Wish {
                sku: "CAP".parse().unwrap(),
                added_at: now(),
            }],
        });
        let json = serde_json::to_value(&exported).unwrap();
        assert_eq!(json["profile"]["email"], "ada@example.com");
        assert_eq!(json["profile"]["staff_role"], "support");
        assert_eq!(json["profile"]["name"], Value::Null);
        assert_eq!(json["profile"]["customer_groups"], json!([]));
        assert_eq!(json["wishlist"][0]["sku"], "CAP");
        let sessions_shown = json["sessions"].as_array().unwrap();
        assert_eq!(sessions_shown.len(), 1, "one was ended with all others");
        assert_eq!(sessions_shown[0]["device"], "Firefox");
        let app = json!({ "is_set_up": true, "recovery_codes_left": 1 });
        assert_eq!(json["authenticator_app"], app);
        assert_eq!(json["cart"]["lines"][0]["sku"], "TEE-S");
        assert_eq!(json["cart"]["lines"][0]["quantity"], 2);
        let text = json.to_string();
        for secret in ["sealed", "hash-of-a-code", &sessions[0].tokens.current] {
            assert!(!text.contains(secret), "{text}");
        }
    }

    #[test]
    fn an_order_is_exported_without_what_opens_its_payment() {
        let mut order = placed(&[("S", 2, 100)]);
        order.payment.client_secret = Some("pi_1_secret_2".to_owned());
        let invoice = ExportedInvoice {
            number: "INV-2026-000001".to_owned(),
            kind: "invoice",
            issued_at: now(),
        };
        let exported = ExportedOrder::of(&order, vec![invoice]).unwrap();
        let json = serde_json::to_value(&exported).unwrap();
        assert_eq!(json["id"], order.id.to_string());
        assert_eq!(json["lines"][0]["quantity"], 2);
        assert_eq!(json["invoices"][0]["number"], "INV-2026-000001");
        let text = json.to_string();
        assert!(!text.contains("secret") && !text.contains("oat_"), "{text}");
    }

    #[test]
    fn parts_are_joined_in_their_order() {
        let pages = [
            b"[{\"id\": 1}, {\"id\": 2}]".to_vec(),
            b"[]".to_vec(),
            b"[{\"id\":3}]".to_vec(),
        ];
        let document = join_parts(b"{\"profile\": {}}", &pages, true, now()).unwrap();
        let document: Value = serde_json::from_slice(&document).unwrap();
        assert_eq!(
            document,
            json!({
                "format": 1, "made_at": "2026-11-26T12:00:00Z", "not_included": ["audit_trail"],
                "account": { "profile": {} }, "orders": [{ "id": 1 }, { "id": 2 }, { "id": 3 }],
                "has_more_orders": true,
            })
        );
        assert!(join_parts(b"{", &[], false, now()).is_err());
        assert!(join_parts(b"{}", &[b"{}".to_vec()], false, now()).is_err());
    }

    #[test]
    fn a_passkey_is_exported_by_name_and_dates() {
        let view = PasskeyView {
            id: PasskeyId::random([5; 16]),
            name: "Phone".to_owned(),
            created_at: now(),
            last_used_at: None,
            backed_up: false,
        };
        let json = serde_json::to_value(view).unwrap();
        assert!(json.get("public_key").is_none() && json.get("credential").is_none());
    }
}
