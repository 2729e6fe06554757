//! What the endpoints of customer groups share: their paths, the author of a change, its attempts.

use domain::{
    customers::{CustomerGroup, GroupId, no_such_group},
    fault::{Code, Rejection},
    id::AccountId,
    identity::ChangeCause,
    staff::Author,
};
use runtime::{Endpoint, Failure, Request};
use store::{Attempts, Store};

/// Path parameters of a customer group.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct GroupPath {
    /// Identifier of the customer group.
    pub group_id: GroupId,
}

/// Path parameters of a member of a customer group.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct MemberPath {
    /// Identifier of the customer group.
    pub group_id: GroupId,
    /// Identifier of the account.
    pub account_id: AccountId,
}

/// The member of staff who calls, as the author of a change of a group.
pub fn author<E: Endpoint>(request: &Request<E>) -> Author<'_> {
    Author {
        actor: request.staff(),
        at: request.now,
        cause: request.cause(),
    }
}

/// The same for a change of an account.
pub fn cause<E: Endpoint>(request: &Request<E>) -> ChangeCause<'_> {
    ChangeCause {
        by: request.staff().to_string(),
        from: request.viewer,
        now: request.now,
        cause: request.cause(),
    }
}

/// Attempts to change a group or its members.
pub fn attempts() -> Attempts {
    Attempts::new("change customer group")
}

/// Waits until the next attempt may be made, or rejects a change that keeps meeting others.
pub async fn next_of(attempts: &mut Attempts) -> Result<(), Rejection> {
    attempts.next().await.map_err(|_| {
        Rejection::new(
            Code::Busy,
            "Version conflict: the customer group or the account is being changed concurrently; send the same request again.",
        )
    })
}

/// The group with an id, or a rejection.
pub async fn group(store: &Store, id: &GroupId) -> Result<CustomerGroup, Failure> {
    let group = store.customer_group(id).await?;
    let group = group.filter(|group| !group.is_removed);
    group.ok_or_else(|| no_such_group().into())
}
