//! All keys of the table. Only this file knows the key prefixes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    audit::{ChainNumber, EntryId},
    catalog::{Facet, Sku, Sort},
    customers::GroupId,
    documents::DocumentKind,
    id::{
        AccountId, ApiKeyId, CartId, EmailChangeId, ExportId, ImportId, InvitationId, JobId,
        OrderId, PasskeyId, ProductId, RefundId, RegistrationId, RequestId, ResetId, SessionId,
        StockChangeId,
    },
    identity::webauthn::Challenge,
    invoices::Series,
    limits::LimitKey,
    notifications::suppression::AddressHash,
    orders::{Holder, OrderList, OrderNumber},
    payments::Provider,
    staff::ApiKeyHash,
};
use jiff::Timestamp;

/// Name of the partition key's attribute.
pub const PK: &str = "PK";
/// Name of the sort key's attribute.
pub const SK: &str = "SK";
/// Name of the TTL attribute, in seconds since 1970.
pub const EXPIRES_AT: &str = "expires_at";

/// Beginning of the partition keys of orders.
const ORDER_PREFIX: &str = "ORDER#";

/// Beginning of the sort keys of an account's sessions.
pub const SESSION_PREFIX: &str = "SESSION#";
/// Beginning of the sort keys of an account's passkeys.
pub const PASSKEY_PREFIX: &str = "PASSKEY#";

/// Beginning of the sort keys of the exports of an account's data.
pub const EXPORT_PREFIX: &str = "EXPORT#";
/// Beginning of the sort keys by which an account finds the registration that it was made of.
const REGISTRATION_PREFIX: &str = "REGISTRATION#";
/// Beginning of the sort keys by which an account finds the requests to replace its address.
const EMAIL_CHANGE_PREFIX: &str = "EMAIL_CHANGE#";

/// Partition of an account.
pub fn account_partition(id: AccountId) -> String {
    format!("ACCOUNT#{id}")
}

/// Partition of the staff: few items, which are read together.
pub const STAFF_PARTITION: &str = "STAFF";
/// Partition of the roles of the shop's own.
pub const ROLES_PARTITION: &str = "ROLES";
/// Partition of the customer groups: few items, which are read together.
pub const GROUPS_PARTITION: &str = "GROUPS";
/// Beginning of the sort keys of a group's members.
pub const MEMBER_PREFIX: &str = "MEMBER#";

/// Partition of the members of a customer group.
pub fn group_partition(id: &GroupId) -> String {
    format!("GROUP#{id}")
}

/// Partition of the invitations to the staff.
pub const INVITATIONS_PARTITION: &str = "INVITATIONS";
/// Partition of the list of API keys.
pub const API_KEYS_PARTITION: &str = "APIKEYS";

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

    /// `STOCK_CHANGE#<id>`, `STOCK_CHANGE`: a change of a stock by staff, which the stream takes to the audit trail.
    pub fn stock_change(id: StockChangeId) -> Self {
        Self::new(format!("STOCK_CHANGE#{id}"), "STOCK_CHANGE")
    }

    /// `LISTING#<facet>`, `newest#<product id>` or `price#<amount>#<product id>`: a product's entry in
    /// one list and sort order.
    pub fn listing(facet: &Facet, position: &ListPosition) -> Self {
        Self::new(listing_partition(facet), position.sort_key())
    }

    /// `CART#<id>`, `CART`: a cart of a guest or of an account.
    pub fn cart(id: CartId) -> Self {
        Self::new(format!("CART#{id}"), "CART")
    }

    /// `ORDER#<id>`, `ORDER`: an order with its history.
    pub fn order(id: OrderId) -> Self {
        Self::new(format!("{ORDER_PREFIX}{id}"), "ORDER")
    }

    /// The order of a partition key of [`Key::order`].
    pub(crate) fn order_of(partition: &str) -> Option<OrderId> {
        partition.strip_prefix(ORDER_PREFIX)?.parse().ok()
    }

    /// `ORDERS#<list>#<part>`, `<nanoseconds>#<digits>`: an order's entry in one list, by the time at which it was placed
    /// and the digits of its id.
    pub fn order_entry(list: &OrderList, placed_at: Timestamp, order: OrderId) -> Self {
        let part = order.part(order_list_parts(list));
        Self::new(
            order_list_partition(list, part),
            order_position(placed_at, order),
        )
    }

    /// `ORDERS#number#<number>`, `<order id>`: finds an order by its number.
    pub fn order_number(order: OrderId) -> Self {
        Self::new(
            order_number_partition(&OrderNumber::of(order)),
            order.to_string(),
        )
    }

    /// `REGISTRATION#<id>`, `REGISTRATION`: an account that is not verified yet.
    pub fn registration(id: RegistrationId) -> Self {
        Self::new(format!("REGISTRATION#{id}"), "REGISTRATION")
    }

    /// `RESET#<id>`, `RESET`: a request to set a new password.
    pub fn password_reset(id: ResetId) -> Self {
        Self::new(format!("RESET#{id}"), "RESET")
    }

    /// `EMAIL_CHANGE#<id>`, `EMAIL_CHANGE`: a request to replace an account's address.
    pub fn email_change(id: EmailChangeId) -> Self {
        Self::new(format!("EMAIL_CHANGE#{id}"), "EMAIL_CHANGE")
    }

    /// `LOGIN#<hash of the address>`, `LOGIN`: the account of an address, and its password.
    pub fn login(address: &AddressHash) -> Self {
        Self::new(format!("LOGIN#{address}"), "LOGIN")
    }

    /// `ACCOUNT#<id>`, `ACCOUNT`: an account.
    pub fn account(id: AccountId) -> Self {
        Self::new(account_partition(id), "ACCOUNT")
    }

    /// `ACCOUNT#<id>`, `CART`: which cart is the account's current one.
    pub fn account_cart(account: AccountId) -> Self {
        Self::new(account_partition(account), "CART")
    }

    /// `ACCOUNT#<id>`, `WISHLIST`: the wish list of an account.
    pub fn wishlist(account: AccountId) -> Self {
        Self::new(account_partition(account), "WISHLIST")
    }

    /// `ACCOUNT#<id>`, `SESSION#<id>`: a device on which its owner is signed in.
    pub fn session(account: AccountId, session: SessionId) -> Self {
        Self::new(
            account_partition(account),
            format!("{SESSION_PREFIX}{session}"),
        )
    }

    /// `ACCOUNT#<id>`, `PASSKEY#<id>`: a passkey of the account.
    pub fn passkey(account: AccountId, passkey: PasskeyId) -> Self {
        Self::new(
            account_partition(account),
            format!("{PASSKEY_PREFIX}{passkey}"),
        )
    }

    /// `PASSKEY#<id>`, `PASSKEY`: the account that has a passkey.
    pub fn passkey_owner(passkey: PasskeyId) -> Self {
        Self::new(format!("PASSKEY#{passkey}"), "PASSKEY")
    }

    /// The passkey of a key of [`Key::passkey`].
    pub(crate) fn as_passkey(&self) -> Option<PasskeyId> {
        self.sk.strip_prefix(PASSKEY_PREFIX)?.parse().ok()
    }

    /// `ACCOUNT#<id>`, `REGISTRATION#<id>`: the registration that an account was made of, which has its address.
    pub fn account_registration(account: AccountId, registration: RegistrationId) -> Self {
        Self::new(
            account_partition(account),
            format!("{REGISTRATION_PREFIX}{registration}"),
        )
    }

    /// `ACCOUNT#<id>`, `EMAIL_CHANGE#<id>`: a request to replace the address of an account, which has both addresses.
    pub fn account_email_change(account: AccountId, change: EmailChangeId) -> Self {
        Self::new(
            account_partition(account),
            format!("{EMAIL_CHANGE_PREFIX}{change}"),
        )
    }

    /// `ACCOUNT#<id>`, `EXPORT`: which export of an account's data is the newest.
    pub fn newest_export(account: AccountId) -> Self {
        Self::new(account_partition(account), "EXPORT")
    }

    /// `ACCOUNT#<id>`, `EXPORT#<id>`: an export of an account's data, by which the deletion of the account finds its files.
    pub fn export(account: AccountId, export: ExportId) -> Self {
        Self::new(
            account_partition(account),
            format!("{EXPORT_PREFIX}{export}"),
        )
    }

    /// The export of a key of [`Key::export`].
    pub(crate) fn as_export(&self) -> Option<ExportId> {
        self.sk.strip_prefix(EXPORT_PREFIX)?.parse().ok()
    }

    /// The item of another partition that belongs to an item of an account, and must be deleted with it.
    pub(crate) fn elsewhere(&self) -> Option<Self> {
        let of = |prefix: &str| self.sk.strip_prefix(prefix);
        if let Some(passkey) = self.as_passkey() {
            return Some(Self::passkey_owner(passkey));
        }
        if let Some(Ok(id)) = of(REGISTRATION_PREFIX).map(str::parse) {
            return Some(Self::registration(id));
        }
        if let Some(Ok(id)) = of(EMAIL_CHANGE_PREFIX).map(str::parse) {
            return Some(Self::email_change(id));
        }
        None
    }

    /// `CHALLENGE#<challenge>`, `CHALLENGE`: a challenge that no authenticator has answered.
    pub fn challenge(challenge: &Challenge) -> Self {
        Self::new(format!("CHALLENGE#{challenge}"), "CHALLENGE")
    }

    /// `ACCOUNT#<id>`, `TOTP`: the authenticator app of an account, and its recovery codes.
    pub fn totp(account: AccountId) -> Self {
        Self::new(account_partition(account), "TOTP")
    }

    /// `STAFF`, `STAFF#<account id>`: a member of the staff.
    pub fn staff(account: AccountId) -> Self {
        Self::new(STAFF_PARTITION.to_owned(), format!("STAFF#{account}"))
    }

    /// `STAFF`, `OWNERS`: the number of owners.
    pub fn owners() -> Self {
        Self::new(STAFF_PARTITION.to_owned(), "OWNERS")
    }

    /// `ROLES`, `ROLE#<name>`: a role of the shop's own.
    pub fn role(name: &str) -> Self {
        Self::new(ROLES_PARTITION.to_owned(), format!("ROLE#{name}"))
    }

    /// `GROUPS`, `GROUP#<id>`: a customer group.
    pub fn customer_group(id: &GroupId) -> Self {
        Self::new(GROUPS_PARTITION.to_owned(), format!("GROUP#{id}"))
    }

    /// `GROUP#<id>`, `MEMBER#<account id>`: an account in a customer group. Each group is a partition of its own.
    pub fn group_member(group: &GroupId, account: AccountId) -> Self {
        Self::new(group_partition(group), format!("{MEMBER_PREFIX}{account}"))
    }

    /// `INVITATIONS`, `INVITATION#<id>`: an invitation to the staff, found by its id and listed with the others.
    pub fn invitation(id: InvitationId) -> Self {
        Self::new(INVITATIONS_PARTITION.to_owned(), format!("INVITATION#{id}"))
    }

    /// `APIKEY#<hash>`, `APIKEY`: an API key, by the hash of what its holder sends. Each in a partition of its own, as a busy
    /// machine may be behind many processes.
    pub fn api_key(hash: &ApiKeyHash) -> Self {
        Self::new(format!("APIKEY#{hash}"), "APIKEY")
    }

    /// `APIKEYS`, `KEY#<id>`: finds an API key by its id.
    pub fn api_key_entry(id: ApiKeyId) -> Self {
        Self::new(API_KEYS_PARTITION.to_owned(), format!("KEY#{id}"))
    }

    /// `AUDIT#<chain>`, `HEAD`: the last record of a chain of the audit trail.
    pub fn audit_head(chain: ChainNumber) -> Self {
        Self::new(audit_partition(chain), "HEAD")
    }

    /// `AUDIT#<chain>`, `RECORD#<sequence>`: a record of the audit trail, which never changes.
    pub fn audit_record(chain: ChainNumber, sequence: u64) -> Self {
        Self::new(audit_partition(chain), audit_position(sequence))
    }

    /// `AUDIT#<chain>`, `ENTRY#<id>`: an entry that has its record.
    pub fn audit_entry(chain: ChainNumber, id: &EntryId) -> Self {
        Self::new(audit_partition(chain), format!("ENTRY#{id}"))
    }

    /// `PERSON#<account id>`, `KEY`: the key that seals what the audit trail has about a person.
    pub fn person_key(person: AccountId) -> Self {
        Self::new(format!("PERSON#{person}"), "KEY")
    }

    /// `ACCOUNT#<id>`, `ADDRESSES`: the address book of an account.
    pub fn address_book(account: AccountId) -> Self {
        Self::new(account_partition(account), "ADDRESSES")
    }

    /// `HOLDS#<kind>#<hash>`, `HOLDS`: the unpaid orders of an email address, an account or a network.
    pub fn holds(holder: &Holder) -> Self {
        Self::new(format!("HOLDS#{}", holder.as_str()), "HOLDS")
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

    /// `JOBS`, `<id>`: a job with its progress. All jobs are in one partition, in the order of their creation.
    pub fn job(id: JobId) -> Self {
        Self::new(JOBS_PARTITION.to_owned(), id.to_string())
    }

    /// `JOB#<id>`, `STEP#<number>`: a finished step.
    pub fn job_step(id: JobId, number: u32) -> Self {
        Self::new(job_partition(id), format!("{JOB_STEPS}{number:09}"))
    }

    /// `JOB#<id>`, `ERRORS#<number>`: errors of a step; of step 0 those that were found before the first one.
    pub fn job_errors(id: JobId, number: u32) -> Self {
        Self::new(job_partition(id), format!("{JOB_ERRORS}{number:09}"))
    }

    /// `JOB#<id>`, `DUE#<run>#<number>`: a step that is to be done in a run.
    pub fn job_step_due(id: JobId, run: u32, number: u32) -> Self {
        Self::new(job_partition(id), format!("DUE#{run:09}#{number:09}"))
    }

    /// `JOB#<id>`, `RUN#<number>`: the beginning of a run.
    pub fn job_run(id: JobId, number: u32) -> Self {
        Self::new(job_partition(id), format!("RUN#{number:09}"))
    }

    /// `IMPORT#<id>`, `IMPORT`: an import of an earlier release, which kept no job.
    pub fn import(id: ImportId) -> Self {
        Self::new(import_partition(id), "IMPORT")
    }

    /// `IMPORT#<id>`, `CHUNK#<number>`: a chunk that an earlier release has processed, with its faults.
    pub fn import_chunk(id: ImportId, number: u32) -> Self {
        Self::new(import_partition(id), format!("CHUNK#{number:06}"))
    }

    /// `INBOX#<consumer>#<event id>`, `INBOX`: an event that a consumer has claimed or handled.
    pub fn inbox(consumer: &str, event_id: &str) -> Self {
        Self::new(format!("INBOX#{consumer}#{event_id}"), "INBOX")
    }

    /// `REDELIVERY#<consumer>#<message>`, `REDELIVERY`: how often a redelivered message reached its consumer.
    pub fn redelivery(consumer: &str, message: &str) -> Self {
        Self::new(format!("REDELIVERY#{consumer}#{message}"), "REDELIVERY")
    }

    /// `CONTROL`, `CONTROL`: the current revision of every kind of document.
    pub fn control() -> Self {
        Self::new("CONTROL".to_owned(), "CONTROL")
    }

    /// `DOCUMENT#<kind>`, `<revision>`: one revision of a document, which never changes.
    pub fn document(kind: DocumentKind, revision: u64) -> Self {
        Self::new(document_partition(kind), document_position(revision))
    }

    /// `LIMIT#<limit>#<rule>#<hash>#<part>`, `LIMIT`: use of a limit by one caller, or of one part of it; of a
    /// counter also `#<start of the window>`.
    pub fn limit(key: &LimitKey) -> Self {
        Self::new(format!("LIMIT#{}", key.as_str()), "LIMIT")
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

    /// The key at a position of a partition, where a query continues.
    pub(crate) fn of(partition: &str, position: &str) -> Self {
        Self::new(partition.to_owned(), position)
    }

    /// The key of an item that was read.
    pub(crate) fn of_item(item: &HashMap<String, AttributeValue>) -> crate::Result<Self> {
        let part = |name: &str| item.get(name).and_then(|it| it.as_s().ok()).cloned();
        let key = part(PK).zip(part(SK)).map(Self::from_pair);
        key.ok_or_else(|| crate::StoreError::unreadable("key", "an item without one"))
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

/// Number of partitions of a list of orders. In a launch every order is in the lists of all orders, of paid ones and of the
/// SKU that everybody wants; a page reads all parts. One customer, and one account, has few orders.
pub const fn order_list_parts(list: &OrderList) -> u8 {
    match list {
        OrderList::All | OrderList::Status(_) | OrderList::Sku(_) => 2,
        OrderList::Customer(_) | OrderList::Account(_) => 1,
    }
}

/// Partition key of one part of a list of orders, which is sorted by the time at which they were placed.
pub fn order_list_partition(list: &OrderList, part: u8) -> String {
    format!("ORDERS#{}#{part}", list.key())
}

/// Sort key of an order in every list.
pub fn order_position(placed_at: Timestamp, order: OrderId) -> String {
    format!("{}{}", orders_placed_before(placed_at), order.digits())
}

/// Sort key below which the orders were placed before `at`, and from which on at `at` or later.
pub fn orders_placed_before(at: Timestamp) -> String {
    // Nineteen digits, which are enough until the year 2286.
    let nanoseconds = at.as_nanosecond().clamp(0, 9_999_999_999_999_999_999);
    format!("{nanoseconds:019}#")
}

/// Reads what [`order_position`] has written.
pub(crate) fn read_order_position(position: &str) -> Option<(Timestamp, OrderId)> {
    let (nanoseconds, digits) = position.split_once('#')?;
    let placed_at = Timestamp::from_nanosecond(nanoseconds.parse().ok()?).ok()?;
    let order: OrderId = format!("ord_{digits}").parse().ok()?;
    // One spelling.
    (order_position(placed_at, order) == position).then_some((placed_at, order))
}

/// Partition key of the orders with one number: one, but for chance.
pub fn order_number_partition(number: &OrderNumber) -> String {
    format!("ORDERS#number#{}", number.digits())
}

/// Partition key of one list of products.
pub fn listing_partition(facet: &Facet) -> String {
    format!("LISTING#{}", facet.key())
}

/// Partition key of an order's invoice and credit notes.
pub fn invoice_partition(order: OrderId) -> String {
    format!("INVOICE#{order}")
}

/// Partition key of the revisions of one kind of document.
pub fn document_partition(kind: DocumentKind) -> String {
    format!("DOCUMENT#{}", kind.name())
}

/// Sort key of a revision: ten digits, which sort like the number.
pub fn document_position(revision: u64) -> String {
    format!("{revision:010}")
}

/// Partition key of one chain of the audit trail.
pub fn audit_partition(chain: ChainNumber) -> String {
    format!("AUDIT#{:02}", chain.get())
}

/// Prefix of the sort keys of the records of a chain.
const AUDIT_RECORDS: &str = "RECORD#";

/// Sort key of a record: twenty digits, which sort like the number.
pub fn audit_position(sequence: u64) -> String {
    format!("{AUDIT_RECORDS}{sequence:020}")
}

/// The number of a sort key of [`audit_position`].
pub(crate) fn read_audit_position(position: &str) -> Option<u64> {
    position.strip_prefix(AUDIT_RECORDS)?.parse().ok()
}

/// Partition key of all jobs.
pub const JOBS_PARTITION: &str = "JOBS";
/// Prefix of the sort keys of a job's finished steps.
pub const JOB_STEPS: &str = "STEP#";
/// Prefix of the sort keys of a job's errors.
pub const JOB_ERRORS: &str = "ERRORS#";

/// Partition key of the steps, errors and runs of one job.
pub fn job_partition(id: JobId) -> String {
    format!("JOB#{id}")
}

/// Partition key of an import of an earlier release.
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
mod tests;
