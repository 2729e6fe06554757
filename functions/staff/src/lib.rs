//! What the endpoints of the staff share: the author of a change, its attempts, roles by name.

use domain::{
    fault::{Code, Rejection},
    identity::ChangeCause,
    staff::{Author, GivenRole, unknown_role},
};
use runtime::{Endpoint, Failure, Request};
use store::{Attempts, Store};

/// The member of staff who calls, as the author of what the request changes.
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

/// Attempts to change something of the staff.
pub fn attempts() -> Attempts {
    Attempts::new("change staff")
}

/// Waits until the next attempt may be made, or rejects a change that keeps meeting others.
pub async fn next_of(attempts: &mut Attempts) -> Result<(), Rejection> {
    attempts.next().await.map_err(|_| {
        Rejection::new(
            Code::Busy,
            "Version conflict: the staff are being changed concurrently; send the same request again.",
        )
    })
}

/// The role with a name, to be given to somebody, or a rejection.
pub async fn role(store: &Store, name: &str) -> Result<GivenRole, Failure> {
    let role = store.role_to_give(name).await?;
    role.ok_or_else(|| unknown_role().into())
}
