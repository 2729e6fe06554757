//! Writes `web/openapi.json` from the code.

use std::fs;

use crate::{Outcome, root};

/// Writes the document; with `check`, only verifies that it is up to date.
pub(crate) fn run(check: bool) -> Outcome {
    let path = root().join("web/openapi.json");
    let text = serde_json::to_string_pretty(&openapi::document())? + "\n";
    if !check {
        fs::write(path, text)?;
        return Ok(());
    }
    if fs::read_to_string(path).unwrap_or_default() != text {
        return Err(
            "web/openapi.json is out of date: run `cargo xtask openapi` and review the changes"
                .into(),
        );
    }
    Ok(())
}
