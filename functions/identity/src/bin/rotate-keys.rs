//! Publishes the public keys of access tokens: those that sign, those that will, and those whose tokens may still be valid.

use std::process::ExitCode;

use domain::identity::{Secrets, jwks};
use gateways::{objects::Bucket, secrets::Secret};
use runtime::{ConsumeError, Task, Tick};
use store::{Attempts, Consistency, Store};

/// Where other services of the team find the keys (RFC 7517).
const JWKS: &str = ".well-known/jwks.json";

struct RotateKeys {
    store: Store,
    secrets: Secret<Secrets>,
    web: Bucket,
}

impl Task for RotateKeys {
    async fn run(&self, tick: Tick) -> Result<(), ConsumeError> {
        let secrets = self.secrets.keys().await?;
        let keys = secrets.public_keys(tick.now)?;
        let mut attempts = Attempts::new("publish keys");
        let published = loop {
            attempts.next().await?;
            let control = self.store.control(Consistency::Strong).await?;
            let state = control.unwrap_or_default().tokens;
            let next = state.publishing(&keys, tick.now);
            if next.keys == state.keys {
                break false;
            }
            if self.store.put_token_state(&next).await? {
                break true;
            }
        };
        // Written again each time it changes, and once in a while: the file may have been deleted.
        let file = jwks(&keys).into_bytes();
        self.web.put(JWKS, file, "application/json").await?;
        if published {
            tracing::info!(keys.count = keys.len(), "keys published");
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    runtime::run_on_schedule(|environment| {
        let config = environment.sdk_config()?;
        Ok(RotateKeys {
            store: Store::new(&config, environment.require("TABLE_NAME")?),
            secrets: Secret::new(&config, environment.require("IDENTITY_SECRET")?),
            web: Bucket::new(&config, environment.require("WEB_BUCKET")?),
        })
    })
}
