//! Every path and method that no other endpoint has, answered as a problem like any other.

use std::process::ExitCode;

use domain::fault::{Code, Rejection};
use runtime::{Access, Call, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply};

pub(crate) struct NotFound;

impl Endpoint for NotFound {
    const ACCESS: Access = Access::Public;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Answer = ();

    async fn handle(&self, _: Call<Self>) -> Result<Reply<()>, Failure> {
        let detail = "No endpoint has this method and path; /openapi.json lists them all.";
        Err(Rejection::new(Code::NotFound, detail).into())
    }
}

fn main() -> ExitCode {
    runtime::serve(|_| Ok(NotFound))
}
