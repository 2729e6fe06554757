//! The originator of a recorded action.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::InvalidAuditText;
use crate::{id::AccountId, text};

/// Longest subject of a token, in bytes; the shop refuses tokens with longer ones.
const MAX_TOKEN: usize = 128;

/// The originator of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AuditActor {
    /// A staff member, by their account.
    Staff(AccountId),
    /// A machine, or a person with broken glass, by the subject of the signed token.
    Token(String),
    /// A customer, by their account.
    Customer(AccountId),
    /// The shop itself.
    System,
}

impl AuditActor {
    /// The staff member who has a token with this subject: their account, or else the subject of a signed token.
    pub fn staff(subject: &str) -> Self {
        match subject.parse() {
            Ok(account) => Self::Staff(account),
            Err(_) => Self::Token(text::shortened(subject.to_owned(), MAX_TOKEN)),
        }
    }

    /// Cuts what is too long.
    pub(super) fn fit(&mut self) {
        if let Self::Token(subject) = self {
            *subject = text::shortened(std::mem::take(subject), MAX_TOKEN);
        }
    }

    /// The person whose key seals what is known about the originator. A token has one of its own, as if its subject had an
    /// account.
    pub fn person(&self) -> Option<AccountId> {
        match self {
            Self::Staff(account) | Self::Customer(account) => Some(*account),
            Self::Token(subject) => Some(AccountId::derived(&["token", subject])),
            Self::System => None,
        }
    }
}

impl FromStr for AuditActor {
    type Err = InvalidAuditText;

    fn from_str(text: &str) -> Result<Self, InvalidAuditText> {
        let invalid = InvalidAuditText {
            expected: "system, token:<subject>, or staff: or customer: with an account's id",
        };
        let account = |id: &str| id.parse::<AccountId>().map_err(|_| invalid);
        match text.split_once(':') {
            None if text == "system" => Ok(Self::System),
            Some(("staff", id)) => account(id).map(Self::Staff),
            Some(("customer", id)) => account(id).map(Self::Customer),
            Some(("token", subject)) if subject.len() <= MAX_TOKEN => {
                Ok(Self::Token(subject.to_owned()))
            }
            _ => Err(invalid),
        }
    }
}

impl TryFrom<String> for AuditActor {
    type Error = InvalidAuditText;

    fn try_from(text: String) -> Result<Self, InvalidAuditText> {
        text.parse()
    }
}

impl From<AuditActor> for String {
    fn from(actor: AuditActor) -> Self {
        actor.to_string()
    }
}

impl fmt::Display for AuditActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Staff(account) => write!(f, "staff:{account}"),
            Self::Token(subject) => write!(f, "token:{subject}"),
            Self::Customer(account) => write!(f, "customer:{account}"),
            Self::System => f.write_str("system"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_have_one_text() {
        let account = AccountId::random([7; 16]);
        for actor in [
            AuditActor::Staff(account),
            AuditActor::Customer(account),
            AuditActor::Token("ci:deploy".into()),
            AuditActor::System,
        ] {
            assert_eq!(actor.to_string().parse(), Ok(actor.clone()));
        }
        assert_eq!(
            AuditActor::staff(&account.to_string()),
            AuditActor::Staff(account)
        );
        assert_eq!(AuditActor::staff("ci").to_string(), "token:ci");
        let long = format!("token:{}", "x".repeat(129));
        for none in [
            "",
            "system:",
            "System",
            "staff:",
            "staff:ada",
            "customer",
            "shop:x",
            &long,
        ] {
            assert!(none.parse::<AuditActor>().is_err(), "{none}");
        }
    }

    #[test]
    fn whoever_acts_has_a_key_except_the_shop() {
        let account = AccountId::random([7; 16]);
        assert_eq!(AuditActor::Staff(account).person(), Some(account));
        assert_eq!(AuditActor::Customer(account).person(), Some(account));
        assert_eq!(AuditActor::System.person(), None);
        let token = |subject: &str| AuditActor::staff(subject).person().unwrap();
        assert_eq!(token("ci"), token("ci"));
        assert_ne!(token("ci"), token("ada"));
    }
}
