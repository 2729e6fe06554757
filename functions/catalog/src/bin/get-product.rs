//! `GET /v1/products/{slug}`: returns a product with its variants.

use std::process::ExitCode;

use catalog::{Page, Pages};
use domain::{catalog::ProductView, fault::Rejection};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::{Store, StoreError};

pub(crate) struct GetProduct {
    store: Store,
    pages: Pages<StoreError>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct ProductPath {
    /// Slug of the product; other spellings such as `Headliner TEE` find it too.
    slug: String,
}

impl Endpoint for GetProduct {
    const ACCESS: Access = Access::Public;
    type Path = ProductPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = ProductView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<ProductView>, Failure> {
        // However it is spelled: pages are cached under the slug itself.
        let slug = domain::catalog::slug(&request.path.slug)
            .ok_or_else(|| Rejection::not_found("product"))?;
        let (store, wanted) = (self.store.clone(), slug.clone());
        let read = || async move {
            let view = store.product_view(&wanted).await?;
            Ok(view.map(|view| Page::new(view.json)))
        };
        let page = self.pages.get(&slug, request.now, read).await;
        let page = page.map_err(|error| catalog::failure(error, StoreError::is_retryable))?;
        let page = page.ok_or_else(|| Rejection::not_found("product"))?;
        Ok(catalog::reply(&page))
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        let pages = catalog::pages("product", environment)?;
        Ok(GetProduct { store, pages })
    })
}
