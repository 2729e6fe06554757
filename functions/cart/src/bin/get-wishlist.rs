//! `GET /v1/me/wishlist`: returns the wish list of the person who is signed in, with current titles, prices and availability.

use std::process::ExitCode;

use domain::cart::WishlistView;
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};
use store::{Consistency, Shards, Store};

pub(crate) struct GetWishlist {
    store: Store,
}

impl Endpoint for GetWishlist {
    const ACCESS: Access = Access::Person;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = WishlistView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<WishlistView>, Failure> {
        let wishes = self.store.wishlist(request.account()?).await?;
        let skus = wishes.iter().map(|wish| &wish.sku);
        let variants = self
            .store
            .variants(skus, Consistency::Eventual, Shards::All)
            .await?;
        Reply::of(&WishlistView::of(&wishes, &variants))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(GetWishlist { store }))
}
