//! `GET /v1/admin/settings`: returns the settings, and the template's values that apply without them.

use std::process::ExitCode;

use control::SettingsInUse;
use domain::{
    identity::Permission,
    settings::{Defaults, SettingsView},
};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct GetSettings {
    store: Store,
    defaults: Defaults,
}

impl Endpoint for GetSettings {
    const ACCESS: Access = Access::Staff(Permission::SettingsRead);
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = SettingsView;

    async fn handle(&self, _: Request<Self>) -> Result<Reply<SettingsView>, Failure> {
        let in_use = SettingsInUse::read(&self.store).await?;
        settings::view(&in_use, &self.defaults)
    }
}

fn main() -> ExitCode {
    access::serve(|environment, store| {
        Ok(GetSettings {
            store,
            defaults: settings::defaults(environment)?,
        })
    })
}
