//! `GET /v1/countries`: lists the countries that an address can be in, each with the fields that its
//! addresses have and need, and their labels.

use std::process::ExitCode;

use domain::orders::CountriesView;
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Prepared, Reply, Request};

/// How long browsers keep the list, in seconds.
const BROWSER_SECONDS: u32 = 3600;
/// How long the CDN keeps it: countries change with a version of the shop.
const CDN_SECONDS: u32 = 86_400;

pub(crate) struct ListCountries {
    countries: Prepared,
}

impl Endpoint for ListCountries {
    const ACCESS: Access = Access::Public;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = CountriesView;

    async fn handle(&self, _: Request<Self>) -> Result<Reply<CountriesView>, Failure> {
        Ok(Reply::prepared(&self.countries).cached(BROWSER_SECONDS, CDN_SECONDS))
    }
}

fn main() -> ExitCode {
    runtime::serve(|_| {
        let countries = serde_json::to_vec(&CountriesView::all())?;
        Ok(ListCountries {
            countries: Prepared::new(countries),
        })
    })
}
