//! The OpenAPI document of the last release, which later ones must not break: `tests/contracts/openapi-<version>.json`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use local::outcome::Outcome;
use serde::Deserialize;
use serde_json::Value;

use crate::compat;

/// Folder of what was released.
const FOLDER: &str = "tests/contracts";
/// The breaks that are meant, each with its reason.
const ACCEPTED: &str = "accepted-breaks.json";

/// A break that is meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    /// The break, as the check reports it.
    #[serde(rename = "break")]
    what: String,
    /// Why clients have to live with it.
    reason: String,
}

/// What is wrong with `current` for clients of the last release, and with the list of accepted breaks.
pub fn findings(root: &Path, current: &Value) -> Outcome<Vec<String>> {
    let folder = root.join(FOLDER);
    let released = documents(&folder)?;
    let [released] = &released[..] else {
        return Err(format!("{FOLDER} must have exactly one openapi-<version>.json").into());
    };
    let released = serde_json::from_slice(&fs::read(released)?)?;
    let accepted = serde_json::from_slice(&fs::read(folder.join(ACCEPTED))?)?;
    Ok(compare(&released, current, accepted))
}

fn compare(released: &Value, current: &Value, accepted: Vec<Accepted>) -> Vec<String> {
    let mut breaks = compat::breaks(released, current);
    let mut findings = Vec::new();
    for Accepted { what, reason } in accepted {
        if reason.is_empty() {
            findings.push(format!("{ACCEPTED} has no reason for: {what}"));
        }
        match breaks.iter().position(|found| *found == what) {
            Some(index) => drop(breaks.remove(index)),
            None => findings.push(format!("{ACCEPTED} accepts what is not broken: {what}")),
        }
    }
    let broken = breaks
        .into_iter()
        .map(|found| format!("breaks clients of the last release: {found}"));
    findings.extend(broken);
    findings
}

/// Makes `current` the document of the release `version`, in place of the last one. Nothing is accepted any more.
pub fn release(root: &Path, version: &str, current: &str) -> Outcome {
    let folder = root.join(FOLDER);
    for document in documents(&folder)? {
        fs::remove_file(document)?;
    }
    fs::write(folder.join(format!("openapi-{version}.json")), current)?;
    Ok(fs::write(folder.join(ACCEPTED), "[]\n")?)
}

fn documents(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with("openapi-") && name.ends_with(".json") {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn get(path: &str) -> Value {
        json!({ "paths": { path: { "get": { "responses": {} } } } })
    }

    fn accepted(list: &Value) -> Vec<Accepted> {
        serde_json::from_value(list.clone()).unwrap()
    }

    #[test]
    fn a_break_is_found_unless_it_is_accepted_with_a_reason() {
        let gone = "GET /v1/tees: it is gone";
        let found = |released: &str, current: &str, list: Value| {
            compare(&get(released), &get(current), accepted(&list))
        };
        assert_eq!(
            found("/v1/tees", "/v1/mugs", json!([])),
            [format!("breaks clients of the last release: {gone}")]
        );
        let meant = json!([{ "break": gone, "reason": "Nobody wears them." }]);
        assert_eq!(found("/v1/tees", "/v1/mugs", meant.clone()), [""; 0]);
        // The list does not outlive its breaks.
        assert_eq!(
            found("/v1/tees", "/v1/tees", meant),
            [format!("{ACCEPTED} accepts what is not broken: {gone}")]
        );
        assert_eq!(
            found(
                "/v1/tees",
                "/v1/mugs",
                json!([{ "break": gone, "reason": "" }])
            ),
            [format!("{ACCEPTED} has no reason for: {gone}")]
        );
    }

    #[test]
    fn a_release_replaces_the_one_before() {
        let root = std::env::temp_dir().join(format!("stampede-release-{}", std::process::id()));
        let folder = root.join(FOLDER);
        fs::create_dir_all(&folder).unwrap();
        let meant =
            json!([{ "break": "GET /v1/tees: it is gone", "reason": "Nobody wears them." }]);
        fs::write(
            folder.join("openapi-0.1.0.json"),
            get("/v1/tees").to_string(),
        )
        .unwrap();
        fs::write(folder.join(ACCEPTED), meant.to_string()).unwrap();
        assert_eq!(findings(&root, &get("/v1/mugs")).unwrap(), [""; 0]);

        release(&root, "0.2.0", &get("/v1/mugs").to_string()).unwrap();
        assert_eq!(findings(&root, &get("/v1/mugs")).unwrap(), [""; 0]);
        assert_eq!(findings(&root, &get("/v1/tees")).unwrap().len(), 1);
        assert_eq!(
            documents(&folder).unwrap(),
            [folder.join("openapi-0.2.0.json")]
        );
        // Two releases at once are a mistake, and so is none.
        fs::write(folder.join("openapi-0.1.0.json"), "{}").unwrap();
        assert!(findings(&root, &get("/v1/mugs")).is_err());
        fs::remove_dir_all(&root).unwrap();
    }
}
