//! `GET /v1/products`: a page of the catalogue, by collection, type or tag.

use std::process::ExitCode;

use domain::catalog::{ListProductsQuery, ProductSummary, invalid_cursor};
use runtime::{Access, Call, Endpoint, Failure, NoBody, NoPath, Reply};
use store::{ListError, Store};

pub(crate) struct ListProducts {
    store: Store,
}

/// A page of products.
#[derive(serde::Serialize, schemars::JsonSchema)]
pub(crate) struct ProductPage {
    /// The products.
    items: Vec<ProductSummary>,
    /// Where the next page starts; null on the last one.
    next_cursor: Option<String>,
}

impl Endpoint for ListProducts {
    const ACCESS: Access = Access::Public;
    type Path = NoPath;
    type Query = ListProductsQuery;
    type Body = NoBody;
    type Answer = ProductPage;

    async fn handle(&self, call: Call<Self>) -> Result<Reply<ProductPage>, Failure> {
        let list = call.query.parse()?;
        let (items, next_cursor) =
            self.store
                .list_products(&list)
                .await
                .map_err(|error| match error {
                    ListError::InvalidCursor(_) => invalid_cursor().into(),
                    ListError::Store(error) => Failure::from(error),
                })?;
        let page = ProductPage { items, next_cursor };
        Ok(Reply::of(&page)?.cached(10, 30))
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(&environment.dynamodb()?, environment.require("TABLE_NAME")?);
        Ok(ListProducts { store })
    })
}
