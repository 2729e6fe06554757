//! The folder of the project.

use std::path::PathBuf;

/// Root folder of the project that this tool was built from.
pub fn root() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or(root)
}
