//! The folder of the project and the revision of its code.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::outcome::Outcome;

/// Root folder of the project that this tool was built from.
pub fn root() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or(root)
}

/// The commit of the code, with `-dirty` after it if tracked files have other contents; `unknown` if Git
/// cannot tell.
pub fn revision(root: &Path) -> String {
    // Without tags, so that the name of a revision does not change when it is released.
    let described = git(root, &["describe", "--always", "--dirty", "--exclude=*"]);
    described.unwrap_or_else(|_| "unknown".to_owned())
}

/// Output of a Git command, without the line's end. If the command fails, the error is what it said.
pub fn git(root: &Path, arguments: &[&str]) -> Outcome<String> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(root)
        .output()
        .map_err(|error| format!("git: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_marked_when_a_file_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert_eq!(revision(root), "unknown");
        let git = |arguments: &[&str]| {
            let author = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
            git(root, &[&author, arguments].concat()).unwrap()
        };
        git(&["init", "--quiet"]);
        std::fs::write(root.join("file"), "one").unwrap();
        git(&["add", "file"]);
        git(&[
            "-c",
            "commit.gpgsign=false",
            "commit",
            "--quiet",
            "--message=One",
        ]);
        git(&["tag", "v1"]);
        let commit = git(&["rev-parse", "HEAD"]);
        let clean = revision(root);
        assert!(commit.starts_with(&clean) && clean.len() >= 7, "{clean}");
        std::fs::write(root.join("new"), "not tracked").unwrap();
        assert_eq!(revision(root), clean);
        std::fs::write(root.join("file"), "two").unwrap();
        assert_eq!(revision(root), format!("{clean}-dirty"));
    }
}
