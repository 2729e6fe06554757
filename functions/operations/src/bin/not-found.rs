//! Takes every request without a route: a 405 problem if its path exists with other methods, a 404
//! problem otherwise.

use std::process::ExitCode;

use domain::fault::{Code, Rejection};
use runtime::{
    Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request, allowed_methods,
};

#[path = "../routes.rs"]
mod routes;

pub(crate) struct NotFound;

impl Endpoint for NotFound {
    const ACCESS: Access = Access::Public;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = ();

    async fn handle(&self, request: Request<Self>) -> Result<Reply<()>, Failure> {
        let methods = allowed_methods(routes::PATHS, request.path_sent());
        if !methods.is_empty() {
            return Err(Rejection::method_not_allowed(methods).into());
        }
        let detail = "No endpoint matches this path; see /openapi.json for all endpoints.";
        Err(Rejection::new(Code::NotFound, detail).into())
    }
}

fn main() -> ExitCode {
    runtime::serve(|_| Ok(NotFound))
}
