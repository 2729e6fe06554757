//! `POST /v1/me/totp`: makes the secret of an authenticator app, which a code of it puts into use.

use std::{process::ExitCode, sync::Arc};

use control::Control;
use domain::identity::{TotpSecret, factors::TotpView};
use identity::{Accounts, tokens::Person};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};

pub(crate) struct StartTotp {
    accounts: Accounts,
    control: Arc<Control>,
    /// The template's, where the settings have none.
    shop_name: String,
}

impl Endpoint for StartTotp {
    const ACCESS: Access = Access::Person;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = TotpView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<TotpView>, Failure> {
        let (person, now) = (Person::of(&request)?, request.now);
        let account = self.accounts.may_change_factors(&person, now).await?;
        let secret = TotpSecret::new(runtime::random_bytes()?);
        let sealed = self.accounts.seal(account.id, &secret).await?;
        let store = &self.accounts.store;
        store.start_second_factor(account.id, &sealed).await?;
        let current = self.control.current(now).await?;
        let shop = current.settings().shop_name(&self.shop_name);
        Reply::of(&TotpView::of(&secret, shop, &account.email))
    }
}

fn main() -> ExitCode {
    access::serve_with_settings(|environment, store, control| {
        Ok(StartTotp {
            shop_name: environment.require("SHOP_NAME")?.to_owned(),
            accounts: Accounts::new(environment, store, Arc::clone(&control))?,
            control,
        })
    })
}
