//! The accounts of a run, registered and verified as people do it.

use std::time::Duration;

use local::outcome::Outcome;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    networks::Networks,
    plan::{Cast, TARGET, Who, owner},
};

/// The password of all accounts.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// Timeout of the mails.
const PATIENCE: Duration = Duration::from_secs(120);
/// Interval of looking for them.
const LOOK: Duration = Duration::from_millis(500);

/// Creates the accounts of all owners, each from its own network.
pub(crate) async fn create(shop: &str, cast: &Cast, networks: &Networks) -> Outcome {
    let owners = (0..cast.owners).map(|number| (Who::Owner(number), owner(number)));
    let all: Vec<(Who, String)> = owners
        .chain([(Who::TargetsOwner, TARGET.to_owned())])
        .collect();
    for (who, email) in &all {
        let body = json!({ "email": email, "password": PASSWORD });
        let client = networks.of(*who);
        call(
            client,
            shop,
            "/v1/auth/register",
            &body,
            StatusCode::ACCEPTED,
        )
        .await?;
    }
    let started = Instant::now();
    for (who, email) in &all {
        let client = networks.of(*who);
        let token = loop {
            if let Some(token) = token(&mails(client, shop).await?, email) {
                break token;
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("no mail to {email} came in {} s", PATIENCE.as_secs()).into());
            }
            tokio::time::sleep(LOOK).await;
        };
        let body = json!({ "token": token });
        call(
            client,
            shop,
            "/v1/auth/verify",
            &body,
            StatusCode::NO_CONTENT,
        )
        .await?;
    }
    Ok(())
}

async fn call(
    client: &Client,
    shop: &str,
    path: &str,
    body: &Value,
    expected: StatusCode,
) -> Outcome {
    let response = client.post(format!("{shop}{path}")).json(body).send();
    let response = response.await?;
    let status = response.status();
    if status == expected {
        return Ok(());
    }
    let text = response.text().await?;
    Err(format!("{path} answered {status}: {text}").into())
}

/// The mails that the shop has sent.
async fn mails(client: &Client, shop: &str) -> Outcome<Vec<Value>> {
    let response = client.get(format!("{shop}/_dev/mails")).send().await?;
    let mails: Value = serde_json::from_slice(&response.bytes().await?)?;
    Ok(mails["items"].as_array().cloned().unwrap_or_default())
}

/// The token of the link in the mail to an address.
fn token(mails: &[Value], email: &str) -> Option<String> {
    let quoted = format!("\"{email}\"");
    let mail = mails
        .iter()
        .find(|mail| mail["to"].to_string().contains(&quoted))?;
    let (_, rest) = mail["text"].as_str()?.split_once("token=")?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c));
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_the_mail_to_its_address() {
        let mail = |to: &str, token: &str| {
            let text = format!("Hello,\nhttp://localhost/confirm#token={token}\n\nBye");
            json!({ "to": [to], "text": text })
        };
        let mails = [
            mail("owner-11@example.com", "a.b"),
            mail("owner-1@example.com", "c_d-e.f"),
        ];
        assert_eq!(
            token(&mails, "owner-1@example.com").as_deref(),
            Some("c_d-e.f")
        );
        assert_eq!(token(&mails, "owner-2@example.com"), None);
    }
}
