//! Adds addresses to the suppression list after a permanent bounce or a complaint.

use std::process::ExitCode;

use domain::{
    event::Correlated,
    notifications::{Feedback, read_feedback},
};
use runtime::{ConsumeError, Consumer, Delivery};
use serde::Deserialize;
use store::Store;

struct SuppressAddress {
    store: Store,
}

/// The SNS envelope of a message. The topic keeps it because SES also sends a plain-text message to
/// confirm the topic, which would not parse as JSON without it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notification {
    message: String,
}

impl Correlated for Notification {
    /// A bounce names the mail, not the request that led to it.
    fn request_id(&self) -> Option<&str> {
        None
    }
}

impl Consumer for SuppressAddress {
    type Message = Notification;

    async fn handle(&self, delivery: Delivery<Notification>) -> Result<(), ConsumeError> {
        match read_feedback(&delivery.message.message, delivery.now)? {
            Feedback::Suppress { addresses, mail_id } => {
                for suppression in &addresses {
                    // Idempotent: a redelivered message writes the same entry.
                    if !self.store.suppress(suppression).await? {
                        tracing::info!(mail.id = %mail_id, "older than the address's entry");
                        continue;
                    }
                    let reason = suppression.reason.as_str();
                    runtime::metric("AddressSuppressed", 1);
                    tracing::info!(mail.id = %mail_id, mail.reason = reason, mail.detail = %suppression.detail, "address suppressed");
                }
            }
            Feedback::Transient { mail_id } => {
                runtime::metric("MailBouncedForNow", 1);
                tracing::info!(mail.id = %mail_id, "mail bounced for now");
            }
            Feedback::Nothing => {}
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    runtime::consume(|environment| {
        Ok(SuppressAddress {
            store: Store::new(
                &environment.sdk_config()?,
                environment.require("TABLE_NAME")?,
            ),
        })
    })
}
