//! `GET /v1/admin/settings/revisions/{revision}`: returns the settings of one revision; 0 is the template's values.

use std::process::ExitCode;

use domain::{
    identity::Permission,
    settings::{Defaults, Settings, SettingsView},
};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use settings::RevisionPath;
use store::Store;

pub(crate) struct GetSettingsRevision {
    store: Store,
    defaults: Defaults,
}

impl Endpoint for GetSettingsRevision {
    const ACCESS: Access = Access::Staff(Permission::SettingsRead);
    type Path = RevisionPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = SettingsView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<SettingsView>, Failure> {
        let found = settings::content(&self.store, request.path.revision.0).await?;
        let defaults = &self.defaults;
        Reply::of(&match &found {
            Some(it) => SettingsView::of(Some(&it.revision), &it.settings, defaults),
            None => SettingsView::of(None, &Settings::default(), defaults),
        })
    }
}

fn main() -> ExitCode {
    access::serve(|environment, store| {
        Ok(GetSettingsRevision {
            store,
            defaults: settings::defaults(environment)?,
        })
    })
}
