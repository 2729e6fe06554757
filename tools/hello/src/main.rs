//! Minimal function on the same Lambda runtime: the baseline that `make bench` compares the others
//! with. It parses its event as JSON and responds with one line.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

fn main() -> Result<(), Error> {
    let executor = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    executor.block_on(lambda_runtime::run(service_fn(
        async |_: LambdaEvent<Value>| Ok::<_, Error>(json!({ "statusCode": 200, "body": "hello" })),
    )))
}
