//! Reads the template's values, and changes the settings under the version that their author has seen.

use control::{RevisionContent, SettingsInUse, UsableRevision};
use domain::{
    documents::{Revision, RevisionNumber},
    fault::Rejection,
    settings::{Author, ChangeSettingsError, Defaults, SettingsChange, SettingsView, locales},
};
use runtime::{Endpoint, Environment, Failure, Reply, Request};
use store::{Attempts, Store};

/// Path parameters of a revision.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct RevisionPath {
    /// Number of the revision; 0 is the template's values.
    pub revision: RevisionNumber,
}

/// The template's values. `xtask tidy` knows which variables this reads.
pub fn defaults(environment: &Environment) -> Result<Defaults, Box<dyn std::error::Error>> {
    Ok(Defaults {
        shop_name: environment.require("SHOP_NAME")?.to_owned(),
        seller: environment.seller()?,
        tax_name: environment.require("TAX_NAME")?.to_owned(),
        payment_window: environment.payment_window()?,
        locales: locales(environment.require("LOCALES")?),
        stripe_publishable_key: environment.get("STRIPE_PUBLISHABLE_KEY").map(str::to_owned),
        has_default_limits: environment.switch("DEFAULT_LIMITS")?,
    })
}

/// A revision with its content, which never changes; `None` for revision 0, the template's values.
pub async fn content(store: &Store, number: u64) -> Result<Option<UsableRevision>, Failure> {
    if number == 0 {
        return Ok(None);
    }
    let error = match RevisionContent::read(store, number).await? {
        RevisionContent::Usable(found) => return Ok(Some(*found)),
        RevisionContent::Missing => ChangeSettingsError::NoSuchRevision,
        RevisionContent::Unreadable => ChangeSettingsError::RevisionUnreadable,
    };
    Err(Rejection::from(error).into())
}

/// The settings in use as staff see them, with the version that a change must name.
pub fn view(in_use: &SettingsInUse, defaults: &Defaults) -> Result<Reply<SettingsView>, Failure> {
    let view = SettingsView::of(in_use.revision.as_ref(), &in_use.settings, defaults);
    let view = match in_use.number() == in_use.current {
        true => view,
        false => view.instead_of(in_use.current),
    };
    Ok(Reply::of(&view)?.versioned(in_use.current))
}

/// Changes the settings. `decide` computes the change from the settings in use. With a version in `If-Match`, of two
/// changes at once the first one wins and the other is rejected; with a star, both are made, one after the other.
pub async fn change<E: Endpoint>(
    store: &Store,
    defaults: &Defaults,
    request: &Request<E>,
    decide: impl Fn(&SettingsInUse, Author) -> Result<SettingsChange, ChangeSettingsError>,
) -> Result<Reply<SettingsView>, Failure> {
    let expected = request.required_version()?;
    let rejected = |error: ChangeSettingsError| Failure::from(Rejection::from(error));
    let mut attempts = Attempts::new("change settings");
    while attempts.next().await.is_ok() {
        let in_use = SettingsInUse::read(store).await?;
        if expected.is_some_and(|version| version != in_use.current) {
            return Err(rejected(ChangeSettingsError::VersionMismatch));
        }
        let author = Author {
            actor: request.staff(),
            at: request.now,
        };
        let change = decide(&in_use, author).map_err(rejected)?;
        // A current revision that cannot be read, or is not the latest, is replaced, even by what is in use instead.
        if change.is_none() && in_use.number() == in_use.current {
            return view(&in_use, defaults);
        }
        // The numbers of documents that the control item has lost are not given again.
        let number = in_use.latest + 1;
        let written = store.put_revision(&change.revision, number, in_use.current);
        if written.await? {
            tracing::info!(settings.revision = number, "settings changed");
            return view(&changed(change, number), defaults);
        }
        if expected.is_some() {
            return Err(rejected(ChangeSettingsError::VersionMismatch));
        }
    }
    Err(rejected(ChangeSettingsError::Contended))
}

/// The settings after a change.
fn changed(change: SettingsChange, number: u64) -> SettingsInUse {
    let SettingsChange { settings, revision } = change;
    SettingsInUse {
        current: number,
        latest: number,
        revision: Some(Revision {
            number,
            changed_by: revision.changed_by,
            changed_at: revision.changed_at,
            changed: revision.changed,
            restored_from: revision.restored_from,
        }),
        settings,
    }
}
