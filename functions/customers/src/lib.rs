//! What the endpoints of customer groups share: their paths, attempts to change a group.

use domain::{
    customers::{CustomerGroup, GroupId, no_such_group},
    id::AccountId,
};
use runtime::Failure;
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

/// Attempts to change a group or its members.
pub fn attempts() -> Attempts {
    Attempts::new("change customer group")
}

/// The group with an id, or a rejection.
pub async fn group(store: &Store, id: &GroupId) -> Result<CustomerGroup, Failure> {
    let group = store.customer_group(id).await?;
    let group = group.filter(|group| !group.is_removed);
    group.ok_or_else(|| no_such_group().into())
}
