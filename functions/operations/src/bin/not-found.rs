//! Returns a 404 problem for every path and method without a route.

use std::process::ExitCode;

use domain::fault::{Code, Rejection};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};

pub(crate) struct NotFound;

impl Endpoint for NotFound {
    const ACCESS: Access = Access::Public;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = ();

    async fn handle(&self, _: Request<Self>) -> Result<Reply<()>, Failure> {
        let detail =
            "No endpoint matches this method and path; see /openapi.json for all endpoints.";
        Err(Rejection::new(Code::NotFound, detail).into())
    }
}

fn main() -> ExitCode {
    runtime::serve(|_| Ok(NotFound))
}
