//! Stores sessions: one item for each device on which somebody is signed in.

use std::net::IpAddr;

use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use domain::{
    id::{AccountId, SessionId},
    identity::{PresentedRefresh, RefreshOutcome, RefreshState, RefreshToken, Session},
    trace::{self, TraceParent},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store,
    item::{Item, Record, from_item, number, string},
    keys::{Key, SESSION_PREFIX, account_partition},
    write::Written,
};

/// A session as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    pub(crate) id: SessionId,
    pub(crate) account: AccountId,
    generation: u64,
    current: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
    rotated_at: Timestamp,
    created_at: Timestamp,
    device: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<IpAddr>,
    #[serde(default)]
    is_strong: bool,
    /// Seconds that it lasts without a refresh.
    idle_seconds: i64,
    /// End however often it is refreshed, in seconds since 1970.
    ends_at: i64,
    pub(crate) trace_id: String,
    #[serde(default, deserialize_with = "trace::lenient")]
    traceparent: Option<TraceParent>,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

impl Record for SessionRecord {
    const ENTITY: &'static str = "session";
}

/// Result of presenting a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RotateOutcome {
    /// The new token is the current one.
    Rotated(Session),
    /// The token before the current one, within its grace.
    InGrace(Session),
    /// A token that was replaced before.
    Reused(Session),
    /// There is no such session, or it has ended.
    Ended,
}

impl From<SessionRecord> for Session {
    fn from(record: SessionRecord) -> Self {
        Self {
            id: record.id,
            account: record.account,
            generation: record.generation,
            tokens: RefreshState {
                current: record.current,
                previous: record.previous,
                rotated_at: record.rotated_at,
            },
            created_at: record.created_at,
            device: record.device,
            from: record.from,
            is_strong: record.is_strong,
            idle: SignedDuration::from_secs(record.idle_seconds),
            ends_at: Timestamp::from_second(record.ends_at).unwrap_or(Timestamp::MIN),
            traceparent: trace::stored(record.traceparent, &record.trace_id),
            trace_id: record.trace_id,
        }
    }
}

impl Store {
    /// Stores a new session. Key: [`Key::session`]. 1 write unit.
    pub async fn begin_session(&self, session: &Session) -> Result<()> {
        let record = SessionRecord {
            id: session.id,
            account: session.account,
            generation: session.generation,
            current: session.tokens.current.clone(),
            previous: session.tokens.previous.clone(),
            rotated_at: session.tokens.rotated_at,
            created_at: session.created_at,
            device: session.device.clone(),
            from: session.from,
            is_strong: session.is_strong,
            idle_seconds: session.idle.as_secs(),
            ends_at: session.ends_at.as_second(),
            trace_id: session.trace_id.clone(),
            traceparent: Some(session.traceparent),
            expires_at: session.expires_at().as_second(),
        };
        let key = Key::session(session.account, session.id);
        self.insert_new("PutItem session", &key, &record).await
    }

    /// Replaces the current refresh token by `new`, without reading it first. Key: [`Key::session`], on the condition that
    /// `presented` is the current one. 1 write unit, also if it is not.
    pub async fn rotate_refresh(
        &self,
        presented: &PresentedRefresh,
        new: &RefreshToken,
        now: Timestamp,
    ) -> Result<RotateOutcome> {
        let update = self
            .update(&Key::session(presented.account, presented.session))
            .update_expression(
                "SET previous = #current, #current = :new, rotated_at = :at, expires_at = idle_seconds + :now",
            )
            .condition_expression("#current = :presented AND expires_at > :now AND ends_at > :now")
            .expression_attribute_names("#current", "current")
            .expression_attribute_values(":new", string(new.hash()))
            .expression_attribute_values(":at", string(now.to_string()))
            .expression_attribute_values(":presented", string(&presented.hash))
            .expression_attribute_values(":now", number(now.as_second()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Ok(
            match self.write("UpdateItem rotate refresh", update).await? {
                Written::Done(item) => RotateOutcome::Rotated(read(item)?),
                Written::Refused(None) => RotateOutcome::Ended,
                Written::Refused(Some(item)) => {
                    let session = read(item)?;
                    if session.expires_at() <= now {
                        return Ok(RotateOutcome::Ended);
                    }
                    match session.tokens.judge(presented, now) {
                        // It became the current one since.
                        RefreshOutcome::Current | RefreshOutcome::InGrace => {
                            RotateOutcome::InGrace(session)
                        }
                        RefreshOutcome::Reused => RotateOutcome::Reused(session),
                    }
                }
            },
        )
    }

    /// Reads a session that has not ended. Key: [`Key::session`], strongly consistent. 1 read unit.
    pub async fn session(
        &self,
        account: AccountId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Option<Session>> {
        let key = Key::session(account, session);
        let item = self
            .get("GetItem session", &key, Consistency::Strong)
            .await?;
        let session = item.map(read).transpose()?;
        Ok(session.filter(|session| session.expires_at() > now))
    }

    /// Ends a session. Key: [`Key::session`]. 1 write unit. One that has ended before is not an error.
    pub async fn end_session(&self, account: AccountId, session: SessionId) -> Result<()> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(Key::session(account, session).attributes()));
        self.write("DeleteItem session", delete).await?;
        Ok(())
    }

    /// Lists the sessions of an account. Key: [`account_partition`], those that begin with
    /// [`SESSION_PREFIX`], strongly consistent: 1 read unit for each 4 KB.
    pub async fn sessions(&self, account: AccountId, now: Timestamp) -> Result<Vec<Session>> {
        let mut sessions = Vec::new();
        let partition = account_partition(account);
        let prefix = Some(SESSION_PREFIX);
        self.partition_part("Query sessions", &partition, prefix, |item| {
            let session = read(item)?;
            if session.expires_at() > now {
                sessions.push(session);
            }
            Ok(())
        })
        .await?;
        Ok(sessions)
    }
}

fn read(item: Item) -> Result<Session> {
    from_item::<SessionRecord>(item).map(Session::from)
}
