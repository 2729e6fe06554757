//! Whom the shop must not write to: addresses whose mails bounce for good, and people who complained.
//! The address itself is not kept, only a hash of it.

use std::fmt;

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// What stands for an address where the address itself has no business. Whoever has an address can
/// tell whether it is this one; nobody can list addresses with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressHash(String);

impl AddressHash {
    /// Of an address, with or without a name (`Ada <ada@example.com>`), in whatever case.
    pub fn of(address: &str) -> Self {
        let address = match address.rsplit_once('<') {
            Some((_, rest)) => rest.split('>').next().unwrap_or(rest),
            None => address,
        };
        let digest = digest(&SHA256, address.trim().to_lowercase().as_bytes());
        Self(
            digest
                .as_ref()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }
}

impl fmt::Display for AddressHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an address gets no mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its mails cannot be delivered, and never will be.
    Bounce,
    /// Its owner called one of them spam.
    Complaint,
}

impl Reason {
    /// Its name in the table and in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
        }
    }
}

/// An address that gets no mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Which.
    pub address: AddressHash,
    /// Why.
    pub reason: Reason,
    /// The mail service's finer word for it, such as `General` or `abuse`.
    pub detail: String,
    /// Since when.
    pub at: Timestamp,
}

/// What the mail service tells of a mail that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// These addresses get no more mail.
    Suppress {
        /// The addresses.
        addresses: Vec<Suppression>,
        /// The mail service's name for the mail.
        mail_id: String,
    },
    /// It could not be delivered for now: a full mailbox, a server that is down.
    Transient {
        /// The mail service's name for the mail.
        mail_id: String,
    },
    /// Nothing to do: word that the topic works, or that a mail is no spam.
    Nothing,
}

/// The text is no feedback. Its words are not quoted: they may hold an address.
#[derive(Debug, thiserror::Error)]
pub enum FeedbackError {
    /// It is not JSON of the right shape.
    #[error("it cannot be read (line {line}, column {column})")]
    Unreadable {
        /// Where.
        line: usize,
        /// Where in it.
        column: usize,
    },
    /// It tells of something else.
    #[error("it tells of {0:?}, not of a bounce or a complaint")]
    UnknownKind(String),
    /// It names no bounce or complaint, or nobody.
    #[error("it names no recipient")]
    NoRecipient,
}

/// What SES writes to a topic when it is made the destination of events.
const TOPIC_WORKS: &str = "Successfully validated SNS topic";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SesEvent {
    /// Events of a configuration set say `eventType`, those of an identity `notificationType`.
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

/// Reads what SES says of a mail. Only what is final suppresses: permanent bounces and complaints.
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
                // Letters only: whatever it is, no address gets into the log with it.
                let kind = other.chars().filter(char::is_ascii_alphabetic);
                return Err(FeedbackError::UnknownKind(kind.take(30).collect()));
            }
        };
    if recipients.is_empty() {
        return Err(FeedbackError::NoRecipient);
    }
    let suppress = |recipient: Recipient| Suppression {
        address: AddressHash::of(&recipient.email_address),
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
    fn an_address_is_the_same_however_it_is_written() {
        let hash = AddressHash::of("ada@example.com");
        for same in [
            "Ada@Example.COM",
            " ada@example.com ",
            "Ada <ada@example.com>",
        ] {
            assert_eq!(AddressHash::of(same), hash, "{same}");
        }
        assert_ne!(AddressHash::of("bea@example.com"), hash);
        assert_eq!(
            hash.to_string(),
            "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72".to_owned()
        );
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
