//! `PUT /v1/me/wishlist/{sku}`: adds a SKU to the wish list of the person who is signed in. One that is there stays as it is.

use std::process::ExitCode;

use cart::WishPath;
use domain::{
    cart::{ChangeCartError, WishView, wishlist_full},
    fault::Rejection,
};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::{Consistency, Shards, Store, WishOutcome};

pub(crate) struct AddWishlistEntry {
    store: Store,
}

impl Endpoint for AddWishlistEntry {
    const ACCESS: Access = Access::Person;
    type Path = WishPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = WishView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<WishView>, Failure> {
        let account = request.account()?;
        let sku = &request.path.sku;
        let variants = self
            .store
            .variants([sku], Consistency::Eventual, Shards::All)
            .await?;
        let variant = variants.get(sku).filter(|variant| variant.for_sale);
        let Some(variant) = variant else {
            return Err(Rejection::from(ChangeCartError::UnknownSku(sku.clone())).into());
        };
        match self.store.add_wish(account, sku, request.now).await? {
            WishOutcome::Added(wish) => Reply::of(&WishView::of(&wish, Some(variant))),
            WishOutcome::Full => Err(wishlist_full().into()),
        }
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(AddWishlistEntry { store }))
}
