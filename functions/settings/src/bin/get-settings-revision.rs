//! `GET /v1/admin/settings/revisions/{revision}`: returns the settings of one revision; 0 is the template's values.

use std::process::ExitCode;

use control::RevisionContent;
use domain::{
    fault::Rejection,
    settings::{ChangeSettingsError, Defaults, Settings, SettingsView},
};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use settings::RevisionPath;
use store::Store;

pub(crate) struct GetSettingsRevision {
    store: Store,
    defaults: Defaults,
}

impl Endpoint for GetSettingsRevision {
    const ACCESS: Access = Access::Staff;
    type Path = RevisionPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = SettingsView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<SettingsView>, Failure> {
        let number = request.path.revision.0;
        if number == 0 {
            let view = SettingsView::of(None, &Settings::default(), &self.defaults);
            return Reply::of(&view);
        }
        let error = match RevisionContent::read(&self.store, number).await? {
            RevisionContent::Usable(found) => {
                let revision = Some(&found.revision);
                let view = SettingsView::of(revision, &found.settings, &self.defaults);
                return Reply::of(&view);
            }
            RevisionContent::Missing => ChangeSettingsError::NoSuchRevision,
            RevisionContent::Unreadable => ChangeSettingsError::RevisionUnreadable,
        };
        Err(Rejection::from(error).into())
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        Ok(GetSettingsRevision {
            store: Store::new(
                &environment.sdk_config()?,
                environment.require("TABLE_NAME")?,
            ),
            defaults: settings::defaults(environment)?,
        })
    })
}
