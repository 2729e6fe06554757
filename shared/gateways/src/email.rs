//! Sends email through SES.

use aws_sdk_sesv2::{
    Client,
    error::{BuildError, ProvideErrorMetadata},
    types::{Body, Content, Destination, EmailContent, Message},
};
use aws_types::SdkConfig;
use domain::notifications::Email;

use crate::{GatewayError, retry_partition};

/// Sends email on behalf of the shop.
#[derive(Clone, Debug)]
pub struct Mailer {
    client: Client,
    from: String,
    configuration_set: String,
}

impl Mailer {
    /// Makes a mailer that sends from `from`. Bounces and complaints are published as
    /// `configuration_set` specifies. Connects at the first call.
    pub fn new(
        config: &SdkConfig,
        from: impl Into<String>,
        configuration_set: impl Into<String>,
    ) -> Self {
        let config =
            aws_sdk_sesv2::config::Builder::from(config).retry_partition(retry_partition("mails"));
        Self {
            client: Client::from_conf(config.build()),
            from: from.into(),
            configuration_set: configuration_set.into(),
        }
    }

    /// Sends an email and returns the id that SES assigned.
    pub async fn send(&self, email: &Email) -> Result<String, GatewayError> {
        let content = |data: &str| Content::builder().data(data).charset("UTF-8").build();
        let message = (|| -> Result<Message, BuildError> {
            let body = Body::builder()
                .text(content(&email.text)?)
                .html(content(&email.html)?)
                .build();
            Ok(Message::builder()
                .subject(content(&email.subject)?)
                .body(body)
                .build())
        })();
        let message = message.map_err(|error| failed(error.to_string()))?;
        let answer = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .configuration_set_name(&self.configuration_set)
            .destination(Destination::builder().to_addresses(&email.to).build())
            .content(EmailContent::builder().simple(message).build())
            .send()
            .await
            .map_err(|error| match error.code() {
                // SES may quote the customer's address, which must not be logged.
                Some(code) => failed(code.to_owned()),
                None => GatewayError::call("SES", "SendEmail", error),
            })?;
        Ok(answer.message_id.unwrap_or_default())
    }
}

fn failed(reason: String) -> GatewayError {
    GatewayError {
        service: "SES",
        operation: "SendEmail",
        reason,
        source: None,
    }
}
