//! Emails to customers, rendered from templates that are compiled in.

mod accounts;
mod letter;
mod samples;
mod texts;

#[cfg(test)]
mod tests;

pub use accounts::{AccountMail, Place};
pub use letter::RenderError;
pub use samples::{Sample, samples};

use super::rules::Notice;
use crate::{
    orders::{HistoryEntry, Order},
    text::line,
};

/// An email, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// Address of the recipient.
    pub to: String,
    /// Subject, on one line.
    pub subject: String,
    /// Text version, in lines of at most 998 bytes.
    pub text: String,
    /// HTML version of the same content.
    pub html: String,
}

/// Renders the email for a change of an order, if that change calls for one. `shop` is the name of the
/// sender.
///
/// The order may have changed again since. No email about a failed or missing payment is sent if the
/// payment succeeded later, as the later change has an email of its own.
pub fn of_change(
    order: &Order,
    change: &HistoryEntry,
    shop: &str,
) -> Result<Option<Email>, RenderError> {
    let letter = Notice::of(order, change).map(|notice| texts::letter(order, notice));
    let why = format!(
        "You get this e-mail because this address was given with order {} at {}.",
        order.number(),
        line(shop)
    );
    letter
        .map(|letter| letter.render(&order.email, &why, shop))
        .transpose()
}
