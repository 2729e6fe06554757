//! `POST /v1/admin/settings/revisions/{revision}/restore`: makes a new revision with the content of an earlier one; 0 is
//! the template's values. Only with `If-Match`.

use std::process::ExitCode;

use domain::{
    identity::Permission,
    settings::{Defaults, SettingsView, restore_settings},
};
use runtime::{Access, Endpoint, Failure, MaybeJson, NoQuery, Reply, Request};
use settings::RevisionPath;
use store::Store;

pub(crate) struct RestoreSettings {
    store: Store,
    defaults: Defaults,
}

/// Body of `POST /v1/admin/settings/revisions/{revision}/restore`: nothing, or an empty object.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestoreSettingsBody {}

impl Endpoint for RestoreSettings {
    const ACCESS: Access = Access::Staff(Permission::SettingsWrite);
    const IF_MATCH: bool = true;
    const IF_MATCH_REQUIRED: bool = true;
    type Path = RevisionPath;
    type Query = NoQuery;
    type Body = MaybeJson<RestoreSettingsBody>;
    type Response = SettingsView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<SettingsView>, Failure> {
        request.required_version()?;
        let number = request.path.revision.0;
        let found = settings::content(&self.store, number).await?;
        let content = found.map(|it| it.settings).unwrap_or_default();
        settings::change(&self.store, &self.defaults, &request, |in_use, author| {
            restore_settings(number, content.clone(), &in_use.settings, author)
        })
        .await
    }
}

fn main() -> ExitCode {
    access::serve(|environment, store| {
        Ok(RestoreSettings {
            store,
            defaults: settings::defaults(environment)?,
        })
    })
}
