//! `GET /v1/products`: lists products, optionally of one collection, type or tag.

use std::process::ExitCode;

use catalog::{Page, Pages};
use domain::catalog::{ListProducts as List, ListProductsQuery, ProductPage};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, Reply, Request};
use store::{ListError, Store, StoreError};

pub(crate) struct ListProducts {
    store: Store,
    pages: Pages<ListError>,
}

impl Endpoint for ListProducts {
    const ACCESS: Access = Access::Public;
    type Path = NoPath;
    type Query = ListProductsQuery;
    type Body = NoBody;
    type Response = ProductPage;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<ProductPage>, Failure> {
        let list = request.query.parse()?;
        if list.cursor.is_some() {
            // Later pages are rarely requested, and every cursor would need an entry of its own.
            let page = read(&self.store, &list).await?;
            return Ok(catalog::fresh_reply(&page.unwrap_or_else(empty)));
        }
        let key = format!("{:?} {} {}", list.sort, list.limit, list.facet.key());
        let store = self.store.clone();
        let page = self.pages.get(
            &key,
            request.now,
            || async move { read(&store, &list).await },
        );
        let page = page.await.map_err(|error| {
            catalog::failure(error, |error| match error {
                ListError::InvalidCursor(_) => false,
                ListError::Store(error) => error.is_retryable(),
            })
        })?;
        Ok(match page {
            Some(page) => catalog::reply(&page),
            None => catalog::empty_reply(&empty()),
        })
    }
}

/// A page of a list; `None` if it is empty. Empty lists are cached apart, as clients can invent any
/// number of list names.
async fn read(store: &Store, list: &List) -> Result<Option<Page>, ListError> {
    let page = store.list_products(list).await?;
    if page.items.is_empty() {
        return Ok(None);
    }
    let json = serde_json::to_string(&page)
        .map_err(|error| StoreError::unreadable("page of a list", error))?;
    Ok(Some(Page::new(json)))
}

fn empty() -> Page {
    Page::new(r#"{"items":[],"next_cursor":null}"#.to_owned())
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        let pages = catalog::pages("list", environment)?;
        Ok(ListProducts { store, pages })
    })
}
