//! The verified caller of a request.

use super::{AccessClaims, Permission};
use crate::{
    customers::GroupId,
    id::{AccountId, ApiKeyId},
    orders::Actor,
};

/// Whoever has proven to send a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Identity {
    /// Nobody in particular.
    #[default]
    Guest,
    /// A person who is signed in, by an access token.
    Person(AccessClaims),
    /// The holder of a staff token that was signed by hand, for machines and emergencies: it may do everything.
    StaffToken {
        /// Subject of the token.
        subject: String,
    },
    /// A machine, by an API key.
    ApiKey {
        /// The key.
        id: ApiKeyId,
        /// What it may do.
        scopes: Vec<Permission>,
    },
}

impl Identity {
    /// The account of a person.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Person(claims) => Some(claims.sub),
            Self::Guest | Self::StaffToken { .. } | Self::ApiKey { .. } => None,
        }
    }

    /// The customer groups of a person, of the time at which the token was issued: at most 15 minutes ago.
    pub fn groups(&self) -> &[GroupId] {
        match self {
            Self::Person(claims) => &claims.groups,
            Self::Guest | Self::StaffToken { .. } | Self::ApiKey { .. } => &[],
        }
    }

    /// Whether it has a permission of staff.
    pub fn has(&self, permission: Permission) -> bool {
        match self {
            Self::Guest => false,
            Self::Person(claims) => claims.has(permission),
            Self::StaffToken { .. } => true,
            Self::ApiKey { scopes, .. } => scopes.contains(&permission),
        }
    }

    /// Its name, by which limits count and histories tell who did something: the account or the key by identifier, of a staff
    /// token the subject. Empty for a guest.
    pub fn name(&self) -> String {
        match self {
            Self::Guest => String::new(),
            Self::Person(claims) => claims.sub.to_string(),
            Self::StaffToken { subject } => subject.clone(),
            Self::ApiKey { id, .. } => id.to_string(),
        }
    }

    /// Staff, as the author of a change.
    pub fn staff(&self) -> Actor {
        Actor::Staff(self.name())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::id::SessionId;

    #[test]
    fn a_permission_comes_with_the_token_or_the_key() {
        let key = Identity::ApiKey {
            id: ApiKeyId::random([1; 16]),
            scopes: vec![Permission::OrdersRead],
        };
        assert!(key.has(Permission::OrdersRead) && !key.has(Permission::OrdersRefund));
        let token = Identity::StaffToken {
            subject: "ada".to_owned(),
        };
        assert!(Permission::ALL.iter().all(|it| token.has(*it)));
        assert!(!Permission::ALL.iter().any(|it| Identity::Guest.has(*it)));
        assert_eq!(token.staff().to_string(), "staff:ada");
    }

    #[test]
    fn groups_come_with_the_token_of_a_person() {
        let (account, session) = (AccountId::random([1; 16]), SessionId::random([2; 16]));
        let claims = AccessClaims::issue(account, session, [], Timestamp::UNIX_EPOCH);
        let vip: GroupId = "vip".parse().unwrap();
        let person = Identity::Person(claims.in_groups([vip.clone()]));
        assert_eq!(person.groups(), [vip]);
        assert_eq!(Identity::Guest.groups(), []);
    }
}
