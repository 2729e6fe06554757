//! Sending e-mail, through SES.

use aws::Client;
use aws_sdk_sesv2::{
    error::{BuildError, ProvideErrorMetadata},
    operation::send_email::SendEmailInput,
    types::{Body, Content, Destination, EmailContent, Message},
};
use domain::email::Email;

use crate::GatewayError;

aws::operations! { aws_sdk_sesv2:
    send_email(SendEmail, SendEmailInput, SendEmailInputBuilder, SendEmailOutput, SendEmailError)
}

/// Someone who carries e-mail.
#[derive(Clone, Debug)]
pub struct Mailer {
    client: Client,
    from: String,
    configuration_set: String,
}

impl Mailer {
    /// Sends as `from`. What becomes of the mails is told to where `configuration_set` says. Connects
    /// at the first call.
    pub fn new(
        client: &Client,
        from: impl Into<String>,
        configuration_set: impl Into<String>,
    ) -> Self {
        Self {
            client: client.clone(),
            from: from.into(),
            configuration_set: configuration_set.into(),
        }
    }

    /// Hands an e-mail over; answers with the service's name for it.
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
        let answer = SendEmailInput::builder()
            .from_email_address(&self.from)
            .configuration_set_name(&self.configuration_set)
            .destination(Destination::builder().to_addresses(&email.to).build())
            .content(EmailContent::builder().simple(message).build())
            .call(&self.client)
            .await
            .map_err(|error| match error.code() {
                // Its message may name the customer's address, which is no matter for the log.
                Some(code) => failed(code.to_owned()),
                None => GatewayError::call("SES", "SendEmail", &error),
            })?;
        Ok(answer.message_id.unwrap_or_default())
    }
}

fn failed(cause: String) -> GatewayError {
    GatewayError {
        service: "SES",
        operation: "SendEmail",
        cause,
    }
}
