//! Imports a catalogue into a shop through its own API.

use serde_json::Value;

use crate::outcome::Outcome;

/// Creates an import and uploads its file, through the shop's own API; returns the import's id.
pub async fn upload(
    http: &reqwest::Client,
    address: &str,
    token: &str,
    file: Vec<u8>,
) -> Outcome<String> {
    let ticket: Value = http
        .post(format!("{address}/v1/admin/imports"))
        .bearer_auth(token)
        .json(&serde_json::json!({ "bytes": file.len() }))
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    let upload = ticket["upload"]["url"]
        .as_str()
        .ok_or("the import has no upload")?;
    http.put(upload)
        .body(file)
        .send()
        .await?
        .error_for_status()?;
    Ok(ticket["id"].as_str().unwrap_or_default().to_owned())
}
