use super::*;
use domain::{
    audit::{AuditSubject, SubjectKind},
    catalog::FacetKind,
    invoices::Kind,
    limits::{CREATE_CART, CREATE_IMPORT, Caller, Limit},
    orders::{CustomerHash, OrderStatus},
    staff::ApiKeySecret,
};

/// Every key and every part of one, by the name of its constructor.
#[test]
fn keys() {
    let product = ProductId::random([1; 16]);
    let order = OrderId::random([1; 16]);
    let import = ImportId::random([1; 16]);
    let job = JobId::random([1; 16]);
    let refund = RefundId::random([1; 16]);
    let placed_at: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    let tag = Facet::new(FacetKind::Tag, "Men").unwrap();
    let sku: Sku = "TEE-1".parse().unwrap();
    let stripe = Provider::Stripe;
    let address = AddressHash::of("ada@example.com");
    let holder = Holder::email("secret", "ada@example.com");
    let caller = Caller {
        address: Some([203, 0, 113, 7].into()),
        account: Some("ada"),
        email: None,
    };
    let limit = |limit: &Limit| {
        let rule = limit.rule(None, true).unwrap();
        let share = rule.share(limit, "secret", &caller, 0, placed_at);
        Key::limit(&share.unwrap().key)
    };
    let paid = OrderList::Status(OrderStatus::Paid);
    let of_sku = OrderList::Sku(sku.clone());
    let of_ada = OrderList::Customer(CustomerHash::of("ada@example.com"));
    let of_account = OrderList::Account(AccountId::random([1; 16]));
    let number = OrderNumber::of(order);
    let chain = ChainNumber::of(&AuditSubject::new(SubjectKind::Order, order));
    let entry = EntryId::try_from("ord_X.2".to_owned()).unwrap();
    let account = AccountId::random([1; 16]);
    let passkey = PasskeyId::random([1; 16]);
    let wholesale: GroupId = "wholesale".parse().unwrap();
    let newest = ListPosition::Newest(product);
    let price = ListPosition::Price(999, product);
    let keys = [
        ("product", Key::product("tee")),
        ("variant", Key::variant(&sku)),
        ("variant_shard", Key::variant_shard(&sku, 0)),
        ("variant_shard", Key::variant_shard(&sku, 3)),
        (
            "stock_change",
            Key::stock_change(StockChangeId::random([1; 16])),
        ),
        ("listing", Key::listing(&Facet::all(), &newest)),
        ("listing", Key::listing(&tag, &price)),
        ("cart", Key::cart(CartId::random([1; 16]))),
        ("order", Key::order(order)),
        (
            "order_entry",
            Key::order_entry(&OrderList::All, placed_at, order),
        ),
        ("order_entry", Key::order_entry(&paid, placed_at, order)),
        ("order_entry", Key::order_entry(&of_sku, placed_at, order)),
        ("order_entry", Key::order_entry(&of_ada, placed_at, order)),
        (
            "order_entry",
            Key::order_entry(&of_account, placed_at, order),
        ),
        ("order_number", Key::order_number(order)),
        (
            "registration",
            Key::registration(RegistrationId::random([1; 16])),
        ),
        (
            "password_reset",
            Key::password_reset(ResetId::random([1; 16])),
        ),
        (
            "email_change",
            Key::email_change(EmailChangeId::random([1; 16])),
        ),
        ("login", Key::login(&address)),
        ("address_book", Key::address_book(account)),
        ("account", Key::account(account)),
        ("account_cart", Key::account_cart(account)),
        (
            "account_registration",
            Key::account_registration(account, RegistrationId::random([1; 16])),
        ),
        (
            "account_email_change",
            Key::account_email_change(account, EmailChangeId::random([1; 16])),
        ),
        ("newest_export", Key::newest_export(account)),
        ("export", Key::export(account, ExportId::random([1; 16]))),
        ("wishlist", Key::wishlist(account)),
        ("session", Key::session(account, SessionId::random([1; 16]))),
        ("passkey", Key::passkey(account, passkey)),
        ("passkey_owner", Key::passkey_owner(passkey)),
        ("challenge", Key::challenge(&Challenge::new([1; 32]))),
        ("totp", Key::totp(account)),
        ("staff", Key::staff(account)),
        ("owners", Key::owners()),
        ("role", Key::role("packer")),
        ("customer_group", Key::customer_group(&wholesale)),
        ("group_member", Key::group_member(&wholesale, account)),
        ("invitation", Key::invitation(InvitationId::random([1; 16]))),
        ("api_key", Key::api_key(&ApiKeySecret::new([1; 32]).hash())),
        (
            "api_key_entry",
            Key::api_key_entry(ApiKeyId::random([1; 16])),
        ),
        ("audit_head", Key::audit_head(chain)),
        ("audit_record", Key::audit_record(chain, 7)),
        ("audit_entry", Key::audit_entry(chain, &entry)),
        ("person_key", Key::person_key(account)),
        ("holds", Key::holds(&holder)),
        ("request", Key::request(RequestId::random([1; 16]))),
        ("due", Key::due(order, placed_at)),
        ("breaker", Key::breaker("stripe")),
        ("payment_event", Key::payment_event(stripe, "evt_1")),
        (
            "counter",
            Key::counter(Series::of(&Kind::Invoice, placed_at)),
        ),
        ("invoice", Key::invoice(order)),
        ("credit_note", Key::credit_note(order, refund)),
        ("job", Key::job(job)),
        ("job_step", Key::job_step(job, 7)),
        ("job_errors", Key::job_errors(job, 7)),
        ("job_step_due", Key::job_step_due(job, 2, 7)),
        ("job_run", Key::job_run(job, 2)),
        ("import", Key::import(import)),
        ("import_chunk", Key::import_chunk(import, 7)),
        ("inbox", Key::inbox("send-email", "ord_X.2")),
        ("redelivery", Key::redelivery("import-rows", "imp_X.7")),
        ("control", Key::control()),
        ("document", Key::document(DocumentKind::Settings, 7)),
        ("limit", limit(&CREATE_CART)),
        ("limit", limit(&CREATE_IMPORT)),
        ("suppression", Key::suppression(&address)),
    ];
    let mut text = String::new();
    for (name, key) in &keys {
        text += &format!("{name}: {} | {}\n", key.pk, key.sk);
    }
    for (name, part) in [
        ("due_partition", due_partition(7)),
        ("due_before", due_before(placed_at)),
        ("order_list_partition", order_list_partition(&paid, 1)),
        ("order_position", order_position(placed_at, order)),
        ("orders_placed_before", orders_placed_before(placed_at)),
        ("order_number_partition", order_number_partition(&number)),
        ("listing_partition", listing_partition(&tag)),
        ("invoice_partition", invoice_partition(order)),
        ("group_partition", group_partition(&wholesale)),
        ("job_partition", job_partition(job)),
        ("import_partition", import_partition(import)),
        (
            "document_partition",
            document_partition(DocumentKind::Settings),
        ),
        ("document_position", document_position(7)),
        ("account_partition", account_partition(account)),
        ("audit_partition", audit_partition(chain)),
        ("audit_position", audit_position(7)),
    ] {
        text += &format!("{name}: {part}\n");
    }
    for sort in [Sort::Newest, Sort::PriceAscending, Sort::PriceDescending] {
        let (prefix, forward) = list_order(sort);
        text += &format!("list_order {sort:?}: {prefix}, forward {forward}\n");
    }
    insta::assert_snapshot!(text);

    // A constructor that is not printed above.
    let source = include_str!("../keys.rs");
    let constructors = source.split("    pub fn ").skip(1).filter_map(|function| {
        let (name, rest) = function.split_once('(')?;
        let signature = rest.split('{').next()?;
        signature.contains("-> Self").then_some(name)
    });
    for name in constructors {
        assert!(keys.iter().any(|(key, _)| *key == name), "{name}");
    }
}

#[test]
fn an_order_is_read_from_its_position_and_sorts_by_time() {
    let order = OrderId::random([7; 16]);
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let placed_at = at("2026-11-22T10:00:00.123456789Z");
    let position = order_position(placed_at, order);
    assert_eq!(read_order_position(&position), Some((placed_at, order)));
    assert!(orders_placed_before(placed_at) < position);
    assert!(position < orders_placed_before(at("2026-11-22T10:00:00.123456790Z")));
    assert!(orders_placed_before(at("1969-01-01T00:00:00Z")) < position);
    assert!(position < orders_placed_before(at("9999-01-01T00:00:00Z")));
    for other in [
        "",
        "#",
        "1#2",
        &position[1..],
        &position.to_lowercase(),
        &format!("+{}", &position[1..]),
    ] {
        assert_eq!(read_order_position(other), None, "{other}");
    }
}

#[test]
fn only_the_key_of_a_passkey_is_one() {
    let (account, passkey) = (AccountId::random([1; 16]), PasskeyId::random([2; 16]));
    assert_eq!(Key::passkey(account, passkey).as_passkey(), Some(passkey));
    let session = Key::session(account, SessionId::random([2; 16]));
    let owner = Key::passkey_owner(passkey);
    for other in [session, owner, Key::account(account), Key::totp(account)] {
        assert_eq!(other.as_passkey(), None, "{other:?}");
    }
}

#[test]
fn what_belongs_to_an_account_elsewhere_follows_from_its_key() {
    let account = AccountId::random([1; 16]);
    let (registration, change) = (
        RegistrationId::random([2; 16]),
        EmailChangeId::random([3; 16]),
    );
    let (passkey, export) = (PasskeyId::random([4; 16]), ExportId::random([5; 16]));
    for (key, elsewhere) in [
        (
            Key::account_registration(account, registration),
            Some(Key::registration(registration)),
        ),
        (
            Key::account_email_change(account, change),
            Some(Key::email_change(change)),
        ),
        (
            Key::passkey(account, passkey),
            Some(Key::passkey_owner(passkey)),
        ),
        (Key::account(account), None),
        (Key::account_cart(account), None),
        (Key::newest_export(account), None),
        (Key::export(account, export), None),
        (Key::session(account, SessionId::random([6; 16])), None),
    ] {
        assert_eq!(key.elsewhere(), elsewhere, "{key:?}");
    }
    assert_eq!(Key::export(account, export).as_export(), Some(export));
    assert_eq!(Key::newest_export(account).as_export(), None);
}

/// What is sorted as text must sort like the number.
#[test]
fn records_sort_by_their_numbers() {
    let numbers = [0, 1, 9, 10, 4_294_967_296, u64::MAX];
    let positions: Vec<String> = numbers.map(audit_position).to_vec();
    assert!(positions.is_sorted(), "{positions:?}");
    let read: Vec<_> = positions.iter().map(|it| read_audit_position(it)).collect();
    assert_eq!(read, numbers.map(Some));
    for other in [
        "",
        "HEAD",
        "RECORD#",
        "RECORD#x",
        "RECORD#18446744073709551616",
    ] {
        assert_eq!(read_audit_position(other), None, "{other}");
    }
}
