//! `PATCH /v1/admin/settings`: changes settings; those that are not named stay, `null` returns one to the template's
//! value. Only with `If-Match`; the change takes effect everywhere within 10 seconds.

use std::process::ExitCode;

use domain::{
    identity::Permission,
    settings::{Defaults, SettingsPatch, SettingsView, change_settings},
};
use runtime::{Access, Endpoint, Failure, MergePatch, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct ChangeSettings {
    store: Store,
    defaults: Defaults,
}

impl Endpoint for ChangeSettings {
    const ACCESS: Access = Access::Staff(Permission::SettingsWrite);
    const IF_MATCH: bool = true;
    const IF_MATCH_REQUIRED: bool = true;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = MergePatch<SettingsPatch>;
    type Response = SettingsView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<SettingsView>, Failure> {
        let MergePatch(patch) = &request.body;
        settings::change(&self.store, &self.defaults, &request, |in_use, author| {
            change_settings(patch.clone(), &in_use.settings, &self.defaults, author)
        })
        .await
    }
}

fn main() -> ExitCode {
    access::serve(|environment, store| {
        Ok(ChangeSettings {
            store,
            defaults: settings::defaults(environment)?,
        })
    })
}
