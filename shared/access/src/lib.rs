//! Runs endpoints that know their caller (docs/adr/0028).
//!
//! An access token is verified with the keys of the control item, which the process has in memory: a request costs no read
//! for it. An API key is looked up by its hash, which a process remembers for seconds. An endpoint declares by
//! `Endpoint::ACCESS` who may call it, and finds the caller in its request.

mod api_keys;

use std::{error::Error, fmt::Display, process::ExitCode, sync::Arc};

use control::Control;
use domain::{
    fault::Failure,
    identity::{AccessClaims, Identity},
};
use jiff::Timestamp;
use runtime::{Authenticator, Endpoint, Environment};
use store::Store;

use self::api_keys::ApiKeys;

/// Runs the endpoint that `connect` makes of the environment and the table, until the process ends.
pub fn serve<E: Endpoint>(
    connect: impl FnOnce(&Environment, Store) -> Result<E, Box<dyn Error>>,
) -> ExitCode {
    runtime::serve_with(|environment| {
        let store = table(environment)?;
        let control = Arc::new(Control::of_keys(&store, environment)?);
        let accounts = Accounts::new(control, &store);
        Ok((connect(environment, store)?, accounts))
    })
}

/// Like [`serve`], for an endpoint that also needs the settings, or checks limits by them.
pub fn serve_with_settings<E: Endpoint>(
    connect: impl FnOnce(&Environment, Store, Arc<Control>) -> Result<E, Box<dyn Error>>,
) -> ExitCode {
    runtime::serve_with(|environment| {
        let store = table(environment)?;
        let control = Arc::new(Control::new(&store, environment)?);
        let accounts = Accounts::new(Arc::clone(&control), &store);
        Ok((connect(environment, store, control)?, accounts))
    })
}

/// Has every verifier refuse the tokens that these accounts or sessions of staff have until now, within seconds: to be called
/// after the write that ends them. The time is read here, so that a token that was issued while that write was under way is
/// void, too. Units are those of [`Store::end_tokens`].
pub async fn end_tokens(
    store: &Store,
    ended: impl IntoIterator<Item = impl Display>,
) -> store::Result<()> {
    let ids: Vec<String> = ended.into_iter().map(|id| id.to_string()).collect();
    store.end_tokens(&ids, runtime::now()).await
}

fn table(environment: &Environment) -> Result<Store, Box<dyn Error>> {
    Ok(Store::new(
        &environment.sdk_config()?,
        environment.require("TABLE_NAME")?,
    ))
}

/// Verifies people and API keys.
struct Accounts {
    control: Arc<Control>,
    keys: ApiKeys,
}

impl Accounts {
    fn new(control: Arc<Control>, store: &Store) -> Self {
        Self {
            control,
            keys: ApiKeys::new(store.clone()),
        }
    }
}

impl Authenticator for Accounts {
    async fn person(&self, token: &str, now: Timestamp) -> Result<AccessClaims, Failure> {
        let current = self.control.current(now).await?;
        Ok(current.verifier().check(token, now)?)
    }

    async fn api_key(&self, key: &str, now: Timestamp) -> Result<Identity, Failure> {
        self.keys.verify(key, now).await
    }
}
