//! `DELETE /v1/me/wishlist/{sku}`: removes a SKU from the wish list of the person who is signed in, also if it is not on it.

use std::process::ExitCode;

use cart::WishPath;
use runtime::{Access, Endpoint, Failure, NoBody, NoContent, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct RemoveWishlistEntry {
    store: Store,
}

impl Endpoint for RemoveWishlistEntry {
    const ACCESS: Access = Access::Person;
    const SUCCESS: u16 = 204;
    type Path = WishPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let account = request.account()?;
        self.store.remove_wish(account, &request.path.sku).await?;
        Ok(Reply::none())
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(RemoveWishlistEntry { store }))
}
