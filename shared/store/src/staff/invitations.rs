//! Stores invitations to the staff. Their insertion is what sends the mail.

use aws_sdk_dynamodb::types::{Put, Update, builders::UpdateBuilder};
use domain::{
    id::{AccountId, InvitationId},
    orders::Actor,
    staff::{Author, GivenRole, Invitation},
    trace::{self, TraceParent},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store,
    identity::{accounts::no_key, requests::LinkRecord},
    item::{Item, Record, from_item, number, string, to_item},
    keys::{INVITATIONS_PARTITION, Key},
    transaction::{First, Outcome, put_action, update_action},
};

/// The condition under which an invitation is accepted or revoked.
const IS_OPEN: &str = "attribute_exists(PK) AND attribute_not_exists(account) AND attribute_not_exists(revoked_by) AND expires_at > :now";

/// Most invitations that are revoked at once: a request has only seconds. Of a member who has left, the others are refused when
/// they are accepted.
const MAX_REVOKED: usize = 200;

/// An invitation as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct InvitationRecord {
    id: InvitationId,
    email: String,
    role: String,
    invited_by: Actor,
    created_at: Timestamp,
    /// The account that has accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_by: Option<Actor>,
    trace_id: String,
    #[serde(default, deserialize_with = "trace::lenient")]
    traceparent: Option<TraceParent>,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

impl Record for InvitationRecord {
    const ENTITY: &'static str = "invitation";
}

impl LinkRecord for InvitationRecord {
    fn into_parts(self) -> (String, String) {
        (self.id.to_string(), self.trace_id)
    }
}

impl From<&Invitation> for InvitationRecord {
    fn from(invitation: &Invitation) -> Self {
        Self {
            id: invitation.id,
            email: invitation.email.clone(),
            role: invitation.role.clone(),
            invited_by: invitation.invited_by.clone(),
            created_at: invitation.created_at,
            account: invitation.account,
            revoked_by: invitation.revoked_by.clone(),
            trace_id: invitation.trace_id.clone(),
            traceparent: Some(invitation.traceparent),
            expires_at: invitation.expires_at().as_second(),
        }
    }
}

impl From<InvitationRecord> for Invitation {
    fn from(record: InvitationRecord) -> Self {
        Self {
            id: record.id,
            email: record.email,
            role: record.role,
            invited_by: record.invited_by,
            created_at: record.created_at,
            account: record.account,
            revoked_by: record.revoked_by,
            traceparent: trace::stored(record.traceparent, &record.trace_id),
            trace_id: record.trace_id,
        }
    }
}

impl Store {
    /// Stores an invitation, from whose insertion its mail follows. Returns whether it was written. Key: [`Key::invitation`], on the
    /// condition that it does not exist; for a role of the shop's own also [`Key::role`], on the condition that the role has
    /// not changed. 1 write unit, or 4.
    pub async fn invite(&self, invitation: &Invitation, role: &GivenRole) -> Result<bool> {
        let key = Key::invitation(invitation.id);
        let record = InvitationRecord::from(invitation);
        let Some(version) = role.version else {
            self.insert_new("PutItem invitation", &key, &record).await?;
            return Ok(true);
        };
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&key, &record)?))
            .condition_expression("attribute_not_exists(PK)");
        let actions = vec![
            put_action(put)?,
            update_action(self.role_is_given(&role.name, version))?,
        ];
        match self.transact("invite", First::Write, actions).await? {
            Outcome::Committed { .. } => Ok(true),
            Outcome::Refused(_) => Ok(false),
            Outcome::InProgress => Err(no_key()),
        }
    }

    /// Reads an invitation that can be accepted. Key: [`Key::invitation`], strongly consistent. 1 read unit.
    pub async fn invitation(&self, id: InvitationId, now: Timestamp) -> Result<Option<Invitation>> {
        let key = Key::invitation(id);
        let item = self.get("GetItem invitation", &key, Consistency::Strong);
        let invitation = item.await?.map(read).transpose()?;
        Ok(invitation.filter(|invitation| invitation.is_open(now)))
    }

    /// Lists the invitations that can be accepted. Key: [`INVITATIONS_PARTITION`], strongly consistent. 1 read unit for each 4
    /// KB, of the others of the last days, too.
    pub async fn invitations(&self, now: Timestamp) -> Result<Vec<Invitation>> {
        let mut invitations = Vec::new();
        self.partition("Query invitations", INVITATIONS_PARTITION, |item| {
            invitations.push(read(item)?);
            Ok(())
        })
        .await?;
        invitations.retain(|invitation| invitation.is_open(now));
        Ok(invitations)
    }

    /// Deletes the invitations that an account has accepted, which have its address for some days. Keys:
    /// [`INVITATIONS_PARTITION`], strongly consistent, then [`Key::invitation`]. 1 read unit for each 4 KB, and 1 write unit for
    /// each that is deleted.
    pub async fn delete_invitations_of(&self, account: AccountId) -> Result<()> {
        let mut accepted = Vec::new();
        self.partition("Query invitations", INVITATIONS_PARTITION, |item| {
            let invitation = read(item)?;
            if invitation.account == Some(account) {
                accepted.push(invitation.id);
            }
            Ok(())
        })
        .await?;
        for id in accepted {
            let delete = self
                .client
                .delete_item()
                .table_name(&self.table)
                .set_key(Some(Key::invitation(id).attributes()));
            self.write("DeleteItem invitation", delete).await?;
        }
        Ok(())
    }

    /// Revokes an invitation. Returns whether it could be accepted until now. Key: [`Key::invitation`]. 1 write unit.
    pub async fn revoke_invitation(&self, id: InvitationId, author: &Author<'_>) -> Result<bool> {
        let update = self
            .update(&Key::invitation(id))
            .update_expression("SET revoked_by = :by, trace_id = :trace, traceparent = :place")
            .condition_expression(IS_OPEN)
            .expression_attribute_values(":by", string(author.actor.to_string()))
            .expression_attribute_values(":trace", string(author.cause.trace_id))
            .expression_attribute_values(":place", string(author.cause.traceparent.to_string()))
            .expression_attribute_values(":now", number(author.at.as_second()));
        let revoked = self.write("UpdateItem revoke invitation", update).await?;
        Ok(revoked.is_done())
    }

    /// Revokes those of the open invitations that `is_meant` names, the oldest first, up to [`MAX_REVOKED`]. Returns how many were
    /// open until now. Keys: [`INVITATIONS_PARTITION`], strongly consistent, then [`Key::invitation`]. 1 read unit for each 4 KB, and 1
    /// write unit for each that is revoked.
    pub async fn revoke_invitations(
        &self,
        author: &Author<'_>,
        is_meant: impl Fn(&Invitation) -> bool,
    ) -> Result<usize> {
        let mut revoked = 0;
        for id in to_revoke(self.invitations(author.at).await?, is_meant) {
            revoked += usize::from(self.revoke_invitation(id, author).await?);
        }
        Ok(revoked)
    }

    /// Marks an invitation as accepted by `account`, on the condition that it can be.
    pub(super) fn invitation_is_accepted(
        &self,
        id: InvitationId,
        account: AccountId,
        now: Timestamp,
    ) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::invitation(id).attributes()))
            .update_expression("SET account = :account")
            .condition_expression(IS_OPEN)
            .expression_attribute_values(":account", string(account.to_string()))
            .expression_attribute_values(":now", number(now.as_second()))
    }
}

/// The invitations that one request revokes.
fn to_revoke(
    open: Vec<Invitation>,
    is_meant: impl Fn(&Invitation) -> bool,
) -> impl Iterator<Item = InvitationId> {
    let meant = open.into_iter().filter(move |it| is_meant(it));
    meant.map(|it| it.id).take(MAX_REVOKED)
}

fn read(item: Item) -> Result<Invitation> {
    from_item::<InvitationRecord>(item).map(Invitation::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::size;

    fn largest() -> Invitation {
        Invitation {
            id: InvitationId::random([255; 16]),
            email: "e".repeat(254),
            role: "r".repeat(40),
            invited_by: Actor::Staff("s".repeat(128)),
            created_at: "9000-01-01T00:00:00.123456789Z".parse().unwrap(),
            account: Some(AccountId::random([255; 16])),
            revoked_by: Some(Actor::Shop),
            trace_id: "t".repeat(36),
            traceparent: TraceParent::begin("t"),
        }
    }

    #[test]
    fn one_request_revokes_the_oldest_of_those_that_are_meant() {
        let by = |number: u8| Invitation {
            id: InvitationId::random([number; 16]),
            invited_by: Actor::Staff((number % 2).to_string()),
            ..largest()
        };
        let is_meant = |it: &Invitation| it.invited_by == Actor::Staff("1".to_owned());
        let few: Vec<InvitationId> = to_revoke((0..6).map(by).collect(), is_meant).collect();
        assert_eq!(few, [by(1).id, by(3).id, by(5).id]);
        let many = vec![by(1); MAX_REVOKED + 1];
        assert_eq!(to_revoke(many, is_meant).count(), MAX_REVOKED);
    }

    #[test]
    fn the_largest_invitation_is_small_and_comes_back() {
        let invitation = largest();
        let key = Key::invitation(invitation.id);
        let item = to_item(&key, &InvitationRecord::from(&invitation)).unwrap();
        let bytes = size::of(&item);
        // One write unit.
        assert!(bytes < 1024, "{bytes}");
        assert_eq!(read(item).unwrap(), invitation);
    }
}
