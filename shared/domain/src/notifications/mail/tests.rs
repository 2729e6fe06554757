use super::*;
use crate::{
    id::{FulfilmentId, RefundId},
    orders::{Actor, Fulfil, GoodsLine, RequestRefund, Transition, Units},
    payments::PaymentFailure,
};

const SHOP: &str = "Longmeadow & Co";

fn mail(change: &Transition) -> Email {
    let entry = change.order.last_change().unwrap();
    of_change(&change.order, entry, SHOP).unwrap().unwrap()
}

/// What a reader of the HTML sees, on one line.
fn seen(html: &str) -> String {
    let (_, body) = html.split_once("<body").unwrap();
    let mut seen = String::new();
    let mut in_tag = true;
    for c in body.chars() {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                seen.push(' ');
            }
            c if !in_tag => seen.push(c),
            _ => {}
        }
    }
    for (entity, c) in [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&times;", "x"),
        ("&#38;", "&"),
    ] {
        seen = seen.replace(entity, c);
    }
    words(&seen)
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Both forms say each of these.
#[track_caller]
fn says(mail: &Email, facts: &[&str]) {
    let (text, html) = (words(&mail.text), seen(&mail.html));
    for fact in facts {
        assert!(
            text.contains(fact),
            "the text lacks {fact:?}:\n{}",
            mail.text
        );
        assert!(html.contains(fact), "the HTML lacks {fact:?}:\n{html}");
    }
}

/// Every text that comes from outside is this.
const EVIL: &str =
    "<script>alert(\"x\")</script>\r\nBcc: \u{202e}all@example.com 'a' & \u{5d0}\u{5d1}";

fn evil_order() -> Order {
    let mut order = crate::orders::placed(&[("A", 3, 500), ("B", 1, 200)]);
    for line in &mut order.lines {
        line.title = EVIL.to_owned();
    }
    let address = &mut order.shipping_address;
    for part in [&mut address.name, &mut address.line1] {
        *part = EVIL.to_owned();
    }
    address.city = Some(EVIL.to_owned());
    address.line2 = Some("x".repeat(5_000));
    order
}

fn every_change(placed: &Order) -> Vec<Transition> {
    let now = placed.placed_at;
    let reason = Some(EVIL.to_owned());
    let paid = placed.captured("p", 1700, now).unwrap();
    let units = |sku: &str, quantity| Units {
        sku: sku.parse().unwrap(),
        quantity,
    };
    let fulfil = Fulfil {
        lines: Some(vec![units("A", 2)]),
        carrier: reason.clone(),
        tracking_number: reason.clone(),
        tracking_url: Some("https://example.com/\"><script>".to_owned()),
    };
    let shipped = paid
        .order
        .fulfilled(FulfilmentId::derived(&["f"]), &fulfil, Actor::Shop, now)
        .unwrap();
    let refund = RequestRefund {
        amount: None,
        lines: Some(vec![GoodsLine {
            sku: "A".parse().unwrap(),
            quantity: 1,
            goods: None,
        }]),
        restock: false,
        reason: reason.clone(),
    };
    let id = RefundId::derived(&["r"]);
    let asked = paid
        .order
        .refund_requested(id, &refund, Actor::Shop, now)
        .unwrap();
    vec![
        placed
            .payment_failed(PaymentFailure::Declined, now)
            .unwrap(),
        placed.expired(placed.due_at).unwrap(),
        placed
            .cancelled(reason.clone(), Actor::Customer, now)
            .unwrap(),
        paid.order.cancelled(reason, Actor::Customer, now).unwrap(),
        asked.order.refund_settled(id, true, now).unwrap(),
        shipped,
        paid,
    ]
}

#[test]
fn nothing_from_outside_can_break_out() {
    let order = evil_order();
    for change in every_change(&order) {
        let what = change.order.last_change().unwrap().what;
        let mail = mail(&change);
        says(&mail, &[&order.number(), SHOP]);
        assert!(mail.subject.contains(&order.number()), "{what:?}");
        assert!(!mail.subject.contains(char::is_control), "{what:?}");
        assert!(!mail.html.contains("<script"), "{what:?}: {}", mail.html);
        assert!(!mail.html.contains("\"x\""), "{what:?}: {}", mail.html);
        assert!(!mail.html.contains('\u{202e}'), "{what:?}");
        for line in mail.text.lines() {
            assert!(line.len() <= 998, "{what:?}: {} bytes", line.len());
            assert!(!line.starts_with("Bcc:"), "{what:?}: {line}");
            assert!(!line.contains(char::is_control), "{what:?}: {line:?}");
            assert_eq!(line, line.trim_end(), "{what:?}");
        }
    }
}

#[test]
fn text_and_html_say_the_same() {
    for sample in samples(SHOP) {
        let (text, html) = (&sample.email.text, &sample.email.html);
        // Every number and every amount of one is in the other: what is left of each differs in form only.
        let digits = |text: &str| {
            let mut words: Vec<String> = text
                .split(|c: char| c.is_whitespace() || "():,".contains(c))
                .filter(|word| word.contains(|c: char| c.is_ascii_digit()))
                .map(|word| word.trim_end_matches('.').to_owned())
                .collect();
            words.sort();
            words.dedup();
            words
        };
        let link = "https//example.com/track?parcel=SW00421337&lang=en";
        let without_links = text.replace("https://", "https//").replace(link, "");
        assert_eq!(
            digits(&without_links),
            digits(&seen(html)),
            "{}",
            sample.name
        );
    }
}

/// Every kind of email, in both forms.
#[test]
fn emails() {
    let mut names = Vec::new();
    for Sample { name, email, .. } in samples(SHOP) {
        let Email {
            to,
            subject,
            text,
            html,
        } = email;
        let email = format!("To: {to}\nSubject: {subject}\n\n{text}\n{html}");
        insta::assert_snapshot!(name, email);
        names.push(name);
    }
    assert_eq!(
        names,
        [
            "confirmation",
            "payment-failed",
            "expired",
            "shipped-in-part",
            "shipped",
            "refunded",
            "cancelled",
            "cancelled-unpaid"
        ]
    );
    // A snapshot whose sample is gone.
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/notifications/mail/snapshots"
    );
    let files = std::fs::read_dir(folder).unwrap();
    // Those of this file.
    let is_accepted = |path: &std::path::Path| {
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned());
        path.extension().is_some_and(|it| it == "snap")
            && name.is_some_and(|it| it.starts_with("domain__notifications__mail__tests__"))
    };
    let accepted = files.filter(|file| is_accepted(&file.as_ref().unwrap().path()));
    assert_eq!(accepted.count(), names.len(), "snapshots of emails");
}

#[test]
fn nobody_is_told_of_what_is_no_longer_so() {
    let placed = crate::orders::placed(&[("A", 1, 500)]);
    let due = placed.due_at;
    let quiet = |order: &Order, version| {
        let entry = order.change(version).unwrap();
        of_change(order, entry, SHOP).unwrap().is_none()
    };
    let expired = placed.expired(due).unwrap().order;
    assert!(!quiet(&expired, 2));
    let honoured = expired.captured("p", 500, due).unwrap().order;
    assert!(quiet(&honoured, 2) && !quiet(&honoured, 3));
    let in_vain = expired.captured_after_close("p", 500, due).unwrap().order;
    assert!(quiet(&in_vain, 2) && quiet(&in_vain, 3));
    let failed = placed
        .payment_failed(PaymentFailure::Declined, due)
        .unwrap()
        .order;
    let again = failed.authorised("p", due).unwrap().order;
    assert!(!quiet(&failed, 2) && quiet(&again, 2));
}
