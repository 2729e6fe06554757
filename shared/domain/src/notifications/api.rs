//! Feedback of the mail service: bounces and complaints, as SES reports them.

use jiff::Timestamp;
use serde::Deserialize;

use super::suppression::{AddressHash, Reason, Suppression};

/// The mail service's feedback about one sent email.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// Suppress these addresses from now on.
    Suppress {
        /// Entries for the suppression list.
        addresses: Vec<Suppression>,
        /// Message id that the mail service assigned.
        mail_id: String,
    },
    /// Transient bounce, such as a full mailbox or an unavailable server.
    Transient {
        /// Message id that the mail service assigned.
        mail_id: String,
    },
    /// No action: a confirmation of the topic, or a report that an email is not spam.
    Nothing,
}

/// A message that is not valid feedback. Its content is not quoted, as it may contain an address.
#[derive(Debug, thiserror::Error)]
pub enum FeedbackError {
    /// Not JSON, or not of the expected shape.
    #[error("the mail feedback cannot be parsed (line {line}, column {column})")]
    Unreadable {
        /// Line of the error in the message, from 1.
        line: usize,
        /// Column of the error in that line, from 1.
        column: usize,
    },
    /// Another kind of event.
    #[error("the mail feedback is a {0:?} event, not a bounce or a complaint")]
    UnknownKind(String),
    /// A bounce or complaint without details or recipients.
    #[error("the mail feedback does not name a recipient")]
    NoRecipient,
}

/// Prefix of the message that SES sends to a topic when it becomes an event destination.
const TOPIC_WORKS: &str = "Successfully validated SNS topic";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SesEvent {
    /// Events of a configuration set have `eventType`, those of an identity `notificationType`.
    #[serde(alias = "notificationType")]
    event_type: String,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
    #[serde(default)]
    mail: Mail,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Mail {
    message_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    #[serde(default)]
    bounce_sub_type: String,
    bounced_recipients: Vec<Recipient>,
    timestamp: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complained_recipients: Vec<Recipient>,
    complaint_feedback_type: Option<String>,
    timestamp: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
}

/// Parses the feedback of SES. Only permanent bounces and complaints suppress an address.
pub fn read_feedback(message: &str, now: Timestamp) -> Result<Feedback, FeedbackError> {
    if message.starts_with(TOPIC_WORKS) {
        return Ok(Feedback::Nothing);
    }
    let event: SesEvent =
        serde_json::from_str(message).map_err(|error| FeedbackError::Unreadable {
            line: error.line(),
            column: error.column(),
        })?;
    let mail_id = event.mail.message_id;
    let (recipients, reason, detail, at) =
        match (event.event_type.as_str(), event.bounce, event.complaint) {
            ("Bounce", Some(bounce), _) if bounce.bounce_type == "Permanent" => (
                bounce.bounced_recipients,
                Reason::Bounce,
                bounce.bounce_sub_type,
                bounce.timestamp,
            ),
            ("Bounce", Some(_), _) => return Ok(Feedback::Transient { mail_id }),
            ("Complaint", _, Some(complaint)) => {
                let kind = complaint.complaint_feedback_type.unwrap_or_default();
                if kind == "not-spam" {
                    return Ok(Feedback::Nothing);
                }
                let recipients = complaint.complained_recipients;
                (recipients, Reason::Complaint, kind, complaint.timestamp)
            }
            ("Bounce" | "Complaint", ..) => return Err(FeedbackError::NoRecipient),
            (other, ..) => {
                // Keeps letters only, so that an address cannot get into the log.
                let kind = other.chars().filter(char::is_ascii_alphabetic);
                return Err(FeedbackError::UnknownKind(kind.take(30).collect()));
            }
        };
    if recipients.is_empty() {
        return Err(FeedbackError::NoRecipient);
    }
    let suppress = |recipient: Recipient| Suppression {
        address: AddressHash::of_mailbox(&recipient.email_address),
        reason,
        detail: detail.clone(),
        at: at.unwrap_or(now),
    };
    Ok(Feedback::Suppress {
        addresses: recipients.into_iter().map(suppress).collect(),
        mail_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &str) -> Result<Feedback, FeedbackError> {
        read_feedback(message, Timestamp::UNIX_EPOCH)
    }

    fn bounce(kind: &str) -> String {
        format!(
            r#"{{"eventType":"Bounce","bounce":{{"bounceType":"{kind}","bounceSubType":"General",
            "bouncedRecipients":[{{"emailAddress":"Ada@Example.com","diagnosticCode":"smtp; 550"}}],
            "timestamp":"2026-11-22T10:00:00.000Z"}},"mail":{{"messageId":"m1"}}}}"#
        )
    }

    #[test]
    fn only_what_is_final_suppresses() {
        let Ok(Feedback::Suppress { addresses, mail_id }) = read(&bounce("Permanent")) else {
            panic!("a permanent bounce suppresses")
        };
        assert_eq!(mail_id, "m1");
        assert_eq!(addresses.len(), 1);
        assert_eq!(addresses[0].address, AddressHash::of("ada@example.com"));
        assert_eq!(
            (addresses[0].reason, addresses[0].detail.as_str()),
            (Reason::Bounce, "General")
        );
        assert_eq!(addresses[0].at.to_string(), "2026-11-22T10:00:00Z");
        for kind in ["Transient", "Undetermined"] {
            let transient = Feedback::Transient {
                mail_id: "m1".into(),
            };
            assert_eq!(read(&bounce(kind)).unwrap(), transient, "{kind}");
        }
        let complaint = |kind: &str| {
            read(&format!(
                r#"{{"notificationType":"Complaint","complaint":{{"complainedRecipients":[{{"emailAddress":"a@b.c"}}]{kind}}}}}"#
            ))
            .unwrap()
        };
        for kind in ["", r#","complaintFeedbackType":"abuse""#] {
            let Feedback::Suppress { addresses, .. } = complaint(kind) else {
                panic!("a complaint suppresses")
            };
            assert_eq!(addresses[0].reason, Reason::Complaint);
            assert_eq!(addresses[0].at, Timestamp::UNIX_EPOCH);
        }
        assert_eq!(
            complaint(r#","complaintFeedbackType":"not-spam""#),
            Feedback::Nothing
        );
    }

    #[test]
    fn what_is_no_feedback_is_an_error_that_quotes_nothing() {
        let works = "Successfully validated SNS topic for Amazon SES event publishing.";
        assert_eq!(read(works).unwrap(), Feedback::Nothing);
        for wrong in [
            "",
            "ada@example.com",
            r#"{"eventType":"ada@example.com"#,
            r#"{"eventType":"Bounce"}"#,
            r#"{"eventType":"ada@example.com"}"#,
            r#"{"eventType":"Delivery","mail":{"destination":["ada@example.com"]}}"#,
            r#"{"eventType":"Complaint","complaint":{"complainedRecipients":[]}}"#,
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(!error.contains('@'), "{error}");
        }
    }
}
