//! `GET /v1/health`: reports that the API is up, and the deployed version.

use std::process::ExitCode;

use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};

pub(crate) struct Health;

/// Health of the API.
#[derive(serde::Serialize, schemars::JsonSchema)]
pub(crate) struct HealthView {
    /// Always `ok`.
    status: &'static str,
    /// Version of the deployed code.
    version: &'static str,
}

impl Endpoint for Health {
    const ACCESS: Access = Access::Public;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = HealthView;

    async fn handle(&self, _: Request<Self>) -> Result<Reply<HealthView>, Failure> {
        Reply::of(&HealthView {
            status: "ok",
            version: env!("CARGO_PKG_VERSION"),
        })
    }
}

fn main() -> ExitCode {
    runtime::serve(|_| Ok(Health))
}
