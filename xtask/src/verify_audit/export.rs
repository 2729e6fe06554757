//! Reads chains from a shop.

use std::{
    fs,
    path::{Path, PathBuf},
};

use domain::audit::{ChainNumber, ExportedChain};
use local::outcome::Outcome;
use reqwest::StatusCode;

/// Records of a page, the most that a shop returns.
const PAGE: u32 = 500;

/// The export of a shop.
pub(super) struct Shop<'a> {
    http: reqwest::Client,
    address: &'a str,
    token: &'a str,
    /// Folder in which the pages are saved.
    save: Option<PathBuf>,
}

impl<'a> Shop<'a> {
    pub(super) fn new(address: &'a str, token: &'a str, save: Option<&Path>) -> Outcome<Self> {
        if !address.starts_with("http://") && !address.starts_with("https://") {
            return Err(
                format!("--shop {address}: an address begins with http:// or https://").into(),
            );
        }
        if let Some(folder) = save {
            fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        Ok(Self {
            http: reqwest::Client::new(),
            address: address.trim_end_matches('/'),
            token,
            save: save.map(Path::to_owned),
        })
    }

    /// The records of a chain after the number `after`.
    pub(super) async fn page(
        &self,
        chain: ChainNumber,
        after: Option<u64>,
    ) -> Outcome<ExportedChain> {
        let mut url = format!(
            "{}/v1/admin/audit/chains/{chain}?limit={PAGE}",
            self.address
        );
        if let Some(after) = after {
            url.push_str(&format!("&after={after}"));
        }
        let answer = self.http.get(&url).bearer_auth(self.token).send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        if status != StatusCode::OK {
            let advice = match status {
                StatusCode::UNAUTHORIZED => ": the variable TOKEN has no valid token",
                StatusCode::FORBIDDEN => ": the token lacks the permission audit:read",
                StatusCode::NOT_FOUND => ": this is not the address of a shop with an audit trail",
                _ => "",
            };
            return Err(format!("{url} answered {status}{advice}").into());
        }
        let page: ExportedChain = serde_json::from_slice(&bytes)
            .map_err(|error| format!("{url}: not an exported chain: {error}"))?;
        if let Some(folder) = &self.save {
            let name = format!("{:02}-{:020}.json", chain.get(), after.unwrap_or(0));
            fs::write(folder.join(name), &bytes)?;
        }
        Ok(page)
    }
}
