//! Sends email through SES.

use aws_sdk_sesv2::{
    Client,
    error::{BuildError, ProvideErrorMetadata},
    types::{Body, Content, Destination, EmailContent, Message},
};
use aws_types::SdkConfig;
use base64::{Engine, engine::general_purpose::STANDARD};
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

    /// Sends an email under the name `sender`, and returns the id that SES assigned.
    pub async fn send(&self, email: &Email, sender: &str) -> Result<String, GatewayError> {
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
            .from_email_address(mailbox(sender, &self.from))
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

/// An address with a name, as a header has it (RFC 5322): the name in quotation marks, or encoded if it is not ASCII
/// (RFC 2047), in words of at most 75 characters.
fn mailbox(name: &str, address: &str) -> String {
    // A line break would begin another header.
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let name = name.trim();
    if name.is_empty() {
        return address.to_owned();
    }
    if name.is_ascii() {
        let quoted = name.replace('\\', r"\\").replace('"', "\\\"");
        return format!("\"{quoted}\" <{address}>");
    }
    let mut words: Vec<String> = vec![String::new()];
    for character in name.chars() {
        match words.last_mut() {
            Some(word) if word.len() + character.len_utf8() <= WORD_BYTES => word.push(character),
            _ => words.push(character.to_string()),
        }
    }
    let words = words
        .iter()
        .map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word)));
    let words: Vec<String> = words.collect();
    format!("{} <{address}>", words.join(" "))
}

/// Bytes of an encoded word: 60 characters in base64, and 12 around them.
const WORD_BYTES: usize = 45;

fn failed(reason: String) -> GatewayError {
    GatewayError {
        service: "SES",
        operation: "SendEmail",
        reason,
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_has_a_name_beside_the_address() {
        let mailbox = |name: &str| mailbox(name, "shop@example.com");
        for (name, header) in [
            ("", "shop@example.com"),
            (" ", "shop@example.com"),
            ("Long Meadow", "\"Long Meadow\" <shop@example.com>"),
            ("Ada, Bob", "\"Ada, Bob\" <shop@example.com>"),
            (r#"The "\" Shop"#, r#""The \"\\\" Shop" <shop@example.com>"#),
            (
                "<eve@example.com>",
                "\"<eve@example.com>\" <shop@example.com>",
            ),
            (
                "A\r\nBcc: eve@example.com",
                "\"ABcc: eve@example.com\" <shop@example.com>",
            ),
            ("Wüste", "=?UTF-8?B?V8O8c3Rl?= <shop@example.com>"),
        ] {
            assert_eq!(mailbox(name), header);
        }
        // The longest name: no word is longer than a reader takes, and none splits a character.
        let long = "\u{1F6D2}".repeat(60);
        let header = mailbox(&long);
        let words: Vec<&str> = header.split(' ').collect();
        let (address, words) = words.split_last().unwrap();
        assert_eq!(*address, "<shop@example.com>");
        let decoded: String = words
            .iter()
            .map(|word| {
                assert!(word.len() <= 75, "{word}");
                let word = word.strip_prefix("=?UTF-8?B?").unwrap();
                let word = word.strip_suffix("?=").unwrap();
                String::from_utf8(STANDARD.decode(word).unwrap()).unwrap()
            })
            .collect();
        assert_eq!(decoded, long);
    }
}
