//! `GET /v1/products/{slug}` in the style of the AWS documentation: configuration and credentials from
//! the default chain, default features, `lambda_http`. It reads the same attribute of the same item as
//! `get-product`, returns the same headers and logs one line, so that both can be compared.

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{Client, error::DisplayErrorContext, types::AttributeValue};
use lambda_http::{Body, Error, Request, RequestExt, Response, run, service_fn, tracing};
use sha2::{Digest, Sha256};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let client = Client::new(&config);
    let table = std::env::var("TABLE_NAME")?;
    run(service_fn(async |request: Request| {
        get_product(&client, &table, request).await
    }))
    .await
}

async fn get_product(
    client: &Client,
    table: &str,
    request: Request,
) -> Result<Response<Body>, Error> {
    let parameters = request.path_parameters();
    let slug = parameters.first("slug").unwrap_or_default();
    let output = client
        .get_item()
        .table_name(table)
        .key("PK", AttributeValue::S(format!("PRODUCT#{slug}")))
        .key("SK", AttributeValue::S("PRODUCT".to_owned()))
        .projection_expression("#view")
        .expression_attribute_names("#view", "view")
        .send()
        .await
        .map_err(|error| DisplayErrorContext(error).to_string())?;
    let view = output.item.and_then(|mut item| item.remove("view"));
    let Some(AttributeValue::S(view)) = view else {
        return Ok(Response::builder().status(404).body(Body::Empty)?);
    };
    let etag: String = Sha256::digest(&view)[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    tracing::info!(slug, "request");
    Ok(Response::builder()
        .header("content-type", "application/json")
        .header("cache-control", "public, max-age=10, s-maxage=30")
        .header("etag", format!("\"{etag}\""))
        .body(Body::Text(view))?)
}
