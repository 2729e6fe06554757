//! `GET /v1/products/{slug}`: one product with its variants.

use std::process::ExitCode;

use domain::{catalog::ProductView, fault::Rejection};
use runtime::{Access, Call, Endpoint, Failure, NoBody, NoQuery, Reply};
use store::Store;

pub(crate) struct GetProduct {
    store: Store,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct ProductPath {
    /// The product's name in a path.
    slug: String,
}

impl Endpoint for GetProduct {
    const ACCESS: Access = Access::Public;
    type Path = ProductPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Answer = ProductView;

    async fn handle(&self, call: Call<Self>) -> Result<Reply<ProductView>, Failure> {
        // One product, one address: what is no slug is not made into one.
        let is_slug =
            domain::catalog::slug(&call.path.slug).is_some_and(|slug| slug == call.path.slug);
        let view = match is_slug {
            true => self.store.product_view(&call.path.slug).await?,
            false => None,
        };
        let view = view.ok_or_else(|| Rejection::not_found("product"))?;
        Ok(Reply::stored(view.json).cached(10, 30))
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(&environment.dynamodb()?, environment.require("TABLE_NAME")?);
        Ok(GetProduct { store })
    })
}
