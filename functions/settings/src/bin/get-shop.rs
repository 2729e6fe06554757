//! `GET /v1/shop`: returns what a client needs to know of the shop: its name, currencies, countries with their address
//! fields, payment methods with their publishable keys, challenges, languages, legal links and flags.

use std::{
    process::ExitCode,
    sync::{Mutex, PoisonError},
};

use control::{Control, Current};
use domain::{
    limits::ChallengeView,
    settings::{ShopInput, ShopView, locales},
};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Prepared, Reply, Request};
use store::Store;

/// Age of the settings in the last response that a browser shows, in seconds: whatever of it they spend in the process,
/// the CDN and the browser. One second of the ten in which a change takes effect is left for the way.
const WHOLE: i64 = 9;
const _: () = assert!(
    WHOLE > control::USABLE.as_secs() + 1,
    "the process alone may use up the time"
);

pub(crate) struct GetShop {
    control: Control,
    shop: ShopInput,
    /// The response to the settings of this revision.
    prepared: Mutex<Option<(u64, Prepared)>>,
}

impl Endpoint for GetShop {
    const ACCESS: Access = Access::Public;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = ShopView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<ShopView>, Failure> {
        let current = self.control.current(request.now).await?;
        // Rounded up, so that the headers never promise too much.
        let left = WHOLE - current.age.as_secs() - 1;
        let left = u32::try_from(left).unwrap_or_default();
        Ok(Reply::prepared(&self.page(&current)?).cached_strictly(left))
    }
}

impl GetShop {
    /// The response, made once for each revision: most of it are the countries.
    fn page(&self, current: &Current) -> Result<Prepared, Failure> {
        let revision = current.revisions().settings;
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, page)) = &*prepared
            && *of == revision
        {
            return Ok(page.clone());
        }
        let view = ShopView::of(current.settings(), &self.shop);
        let page = Prepared::new(serde_json::to_vec(&view).map_err(Failure::internal)?);
        *prepared = Some((revision, page.clone()));
        Ok(page)
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        let key = environment.get("STRIPE_PUBLISHABLE_KEY");
        let challenge = environment.require("CHALLENGE_PROVIDER")?.parse()?;
        let site_key = environment.get("CHALLENGE_SITE_KEY");
        Ok(GetShop {
            control: Control::new(&store, environment)?,
            shop: ShopInput {
                name: environment.require("SHOP_NAME")?.to_owned(),
                currency: environment.currency()?,
                offered: environment.payment_methods()?,
                locales: locales(environment.require("LOCALES")?),
                stripe_publishable_key: key.map(str::to_owned),
                challenge: ChallengeView::of(challenge, site_key),
            },
            prepared: Mutex::new(None),
        })
    })
}
