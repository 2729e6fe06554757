//! Notes which addresses get no more mail: those that bounce for good, and those of who complained.

use std::process::ExitCode;

use domain::email::suppression::{Feedback, read_feedback};
use runtime::{ConsumeError, Consumer, Delivery};
use serde::Deserialize;
use store::Store;

struct SuppressAddress {
    store: Store,
}

/// What SNS puts around a message. The topic delivers with it because SES also says in plain words
/// that the topic works; bare, that would be a message nobody can read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notification {
    message: String,
}

impl Consumer for SuppressAddress {
    type Message = Notification;

    async fn handle(&self, delivery: Delivery<Notification>) -> Result<(), ConsumeError> {
        match read_feedback(&delivery.message.message, delivery.now)? {
            Feedback::Suppress { addresses, mail_id } => {
                for suppression in &addresses {
                    // The same again when it comes twice.
                    self.store.suppress(suppression).await?;
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
