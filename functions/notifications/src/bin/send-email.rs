//! Sends the customer the email that an event calls for, once.

use std::{process::ExitCode, time::Duration};

use ::notifications::AccountMails;
use control::Control;
use domain::{
    event::{Envelope, Event},
    id::OrderId,
    notifications::{self, Email, suppression::AddressHash},
    orders::{ChangeError, Order},
};
use gateways::{email::Mailer, secrets::Secret};
use jiff::Timestamp;
use runtime::{ConsumeError, Consumer, Delivery};
use store::{Attempts, ChangeOutcome, Claim, Consistency, Store};

const CONSUMER: &str = "send-email";
/// Recorded as the effect of an event whose email is suppressed.
const SUPPRESSED: &str = "suppressed";
/// Recorded as the effect of an event whose email would no longer be true.
const OVERTAKEN: &str = "overtaken";
/// Longer than the function's timeout, so that no other delivery sends the same email meanwhile; much
/// shorter than the span of a message's eight deliveries, so that the email is still sent if the first
/// sender dies.
const LEASE: Duration = Duration::from_secs(12);

struct SendEmail {
    store: Store,
    accounts: AccountMails,
    control: Control,
    mailer: Mailer,
    /// The template's, where the settings have none.
    shop_name: String,
}

impl Consumer for SendEmail {
    type Message = Envelope;

    async fn handle(&self, delivery: Delivery<Envelope>) -> Result<(), ConsumeError> {
        let now = delivery.now;
        let Envelope {
            event_id, event, ..
        } = delivery.message;
        let current = self.control.current(now).await?;
        let settings = current.settings();
        let shop_name = settings.shop_name(&self.shop_name);
        let sender = settings.mail_sender_name(&self.shop_name);
        let Event::OrderChanged {
            order_id, version, ..
        } = event
        else {
            let Some(mail) = self.accounts.of(&event, shop_name, now).await? else {
                return Ok(());
            };
            if self.begin(&event_id, &mail, None, now).await? {
                let mail_id = self.finish(&event_id, &mail, sender).await?;
                tracing::info!(mail.id = %mail_id, "mail sent");
            }
            return Ok(());
        };
        let order = self.store.order(order_id, Consistency::Strong).await?;
        let order = order.ok_or_else(|| format!("order {order_id} not found"))?;
        let change = order.change(version);
        let change = change.ok_or_else(|| format!("{order_id} has no version {version}"))?;
        let Some(mail) = notifications::of_change(&order, change, shop_name)? else {
            return Ok(());
        };
        if !self.begin(&event_id, &mail, Some(order.id), now).await? {
            return Ok(());
        }
        if notifications::denies_charge(&order, change)
            && !self.record_unpaid_notice(&order, now).await?
        {
            self.store
                .complete_event(CONSUMER, &event_id, OVERTAKEN)
                .await?;
            tracing::info!(order.id = %order.id, "mail overtaken by a payment");
            return Ok(());
        }
        let mail_id = self.finish(&event_id, &mail, sender).await?;
        tracing::info!(order.id = %order.id, mail.id = %mail_id, "mail sent");
        Ok(())
    }
}

impl SendEmail {
    /// Claims the event; `false` if its email has been sent, or must not be. `order` is that of the email, for the log.
    async fn begin(
        &self,
        event_id: &str,
        mail: &Email,
        order: Option<OrderId>,
        now: Timestamp,
    ) -> Result<bool, ConsumeError> {
        let address = AddressHash::of(&mail.to);
        let suppression = self.store.suppression(&address).await?;
        match self
            .store
            .claim_event(CONSUMER, event_id, now, LEASE)
            .await?
        {
            Claim::Ours => {}
            Claim::Done => return Ok(false),
            Claim::Theirs => {
                return Err("another delivery holds the lease of this event; it is retried".into());
            }
        }
        let Some(suppression) = suppression else {
            return Ok(true);
        };
        self.store
            .complete_event(CONSUMER, event_id, SUPPRESSED)
            .await?;
        runtime::metric("MailSuppressed", 1);
        tracing::info!(
            order.id = order.map(tracing::field::display),
            mail.reason = suppression.reason.as_str(),
            "mail suppressed"
        );
        Ok(false)
    }

    /// Sends the email of a claimed event and records it; returns its id.
    ///
    /// SES has no idempotency key. If the process dies after SES accepts the email and before the next write, the customer
    /// receives it twice; completing the event first could lose the email, which is worse.
    async fn finish(
        &self,
        event_id: &str,
        mail: &Email,
        sender: &str,
    ) -> Result<String, ConsumeError> {
        match self.mailer.send(mail, sender).await {
            Ok(mail_id) => {
                self.store
                    .complete_event(CONSUMER, event_id, &mail_id)
                    .await?;
                Ok(mail_id)
            }
            Err(error) => {
                self.store.release_event(CONSUMER, event_id).await?;
                Err(error.into())
            }
        }
    }

    /// Records in the order that its customer is told that nothing was charged; `false` if a payment has arrived
    /// meanwhile. One of both wins the order's version, so that no payment is kept after the mail.
    async fn record_unpaid_notice(
        &self,
        order: &Order,
        now: Timestamp,
    ) -> Result<bool, ConsumeError> {
        let mut current = order.clone();
        let mut attempts = Attempts::new("record unpaid notice");
        loop {
            attempts.next().await?;
            let change = match current.unpaid_notice(now) {
                Ok(change) => change,
                // An earlier delivery died before it had sent the mail.
                Err(ChangeError::AlreadyDone) => return Ok(true),
                Err(_) => return Ok(false),
            };
            if let ChangeOutcome::Changed = self.store.change_order(&change, None).await? {
                return Ok(true);
            }
            let read = self.store.order(order.id, Consistency::Strong).await?;
            current = read.ok_or_else(|| format!("order {} not found", order.id))?;
        }
    }
}

fn main() -> ExitCode {
    runtime::consume(|environment| {
        let config = environment.sdk_config()?;
        let store = Store::new(&config, environment.require("TABLE_NAME")?);
        let secrets = Secret::new(&config, environment.require("IDENTITY_SECRET")?);
        let address = environment.require("SHOP_ADDRESS")?;
        Ok(SendEmail {
            accounts: AccountMails::new(store.clone(), secrets, address),
            control: Control::new(&store, environment)?,
            store,
            mailer: Mailer::new(
                &config,
                environment.require("MAIL_FROM")?,
                environment.require("CONFIGURATION_SET")?,
            ),
            shop_name: environment.require("SHOP_NAME")?.to_owned(),
        })
    })
}
