//! Finds source files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::outcome::Outcome;

/// Sorted paths of the files with an extension in a folder and its subfolders, without `node_modules`.
pub fn with_extension(folder: &Path, extension: &str) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "node_modules") {
                found.extend(with_extension(&path, extension)?);
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
