//! What the shop writes to its customers.

use crate::order::{Address, HistoryEntry, Order, What};

/// An e-mail, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// To whom.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// The message as text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// The e-mail that a change of an order calls for, if it calls for one.
pub fn of_change(order: &Order, change: &HistoryEntry) -> Option<Email> {
    match change.what {
        What::Paid => Some(order_confirmation(order)),
        _ => None,
    }
}

/// Confirms that an order is paid.
pub fn order_confirmation(order: &Order) -> Email {
    let number = order.number();
    let mut text = format!("Thank you! Your order {number} is paid.\n\n");
    let mut rows = String::new();
    for line in &order.lines {
        // A line that could be ordered has a total.
        let total = line
            .unit_price
            .times(line.quantity)
            .unwrap_or(line.unit_price);
        text.push_str(&format!("{} x {}: {total}\n", line.quantity, line.title));
        rows.push_str(&format!(
            "<tr><td>{} &times; {}</td><td align=\"right\">{total}</td></tr>",
            line.quantity,
            escape(&line.title)
        ));
    }
    let total = order.totals.total;
    let address = address_lines(&order.shipping_address);
    text.push_str(&format!(
        "\nTotal: {total}\n\nIt goes to:\n{}\n",
        address.join("\n")
    ));
    let address: Vec<String> = address.iter().map(|line| escape(line)).collect();
    let html = format!(
        "<!doctype html><html lang=\"en\"><body style=\"font-family:sans-serif\">\
         <h1>Thank you!</h1><p>Your order <strong>{number}</strong> is paid.</p>\
         <table cellpadding=\"6\">{rows}<tr><th align=\"left\">Total</th><th align=\"right\">{total}</th></tr></table>\
         <p>It goes to:<br>{}</p></body></html>",
        address.join("<br>")
    );
    Email {
        to: order.email.clone(),
        subject: format!("Your order {number}"),
        text,
        html,
    }
}

fn address_lines(address: &Address) -> Vec<&str> {
    let lines = [
        Some(address.name.as_str()),
        Some(address.line1.as_str()),
        address.line2.as_deref(),
        Some(address.postal_code.as_str()),
        Some(address.city.as_str()),
        address.region.as_deref(),
        Some(address.country.as_str()),
    ];
    lines.into_iter().flatten().collect()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}
