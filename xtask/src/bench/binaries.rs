//! The binaries that are measured: as they are deployed, and as they are looked into.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use crate::Outcome;

/// The floor's name.
pub(crate) const HELLO: &str = "hello";

/// The name of get-product as the AWS documentation would have it (`tools/stock`).
pub(crate) const STOCK: &str = "stock";

/// How a function is run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Way {
    /// Without what a process remembers from call to call.
    pub(crate) uncached: bool,
    /// Counting instructions.
    pub(crate) counted: bool,
}

/// A folder of binaries by name, each of which can be swapped for another way to run it.
pub(crate) struct Binaries {
    pub(crate) folder: PathBuf,
    deployed: PathBuf,
}

impl Binaries {
    /// Of what `cargo lambda build` has left in a project's folder.
    pub(crate) fn new(root: &Path, folder: &Path) -> Outcome<Self> {
        let binaries = Self {
            folder: folder.to_owned(),
            deployed: root.join("target/lambda"),
        };
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(&binaries.deployed)
            .map_err(|error| format!("{}: {error}", binaries.deployed.display()))?
        {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if binaries.deployed(&name).exists() {
                binaries.install(&name, Way::default())?;
            }
        }
        Ok(binaries)
    }

    /// The binary of a function, as it is deployed.
    pub(crate) fn deployed(&self, name: &str) -> PathBuf {
        self.deployed.join(name).join("bootstrap")
    }

    /// Has a function's next process run that way.
    pub(crate) fn install(&self, name: &str, way: Way) -> Outcome {
        let (path, binary) = (self.folder.join(name), self.deployed(name));
        if path.symlink_metadata().is_ok() {
            fs::remove_file(&path)?;
        }
        if !way.uncached && !way.counted {
            return Ok(symlink(binary, path)?);
        }
        let cache = if way.uncached {
            "export CACHE=off\n"
        } else {
            ""
        };
        let command = match way.counted {
            false => binary.display().to_string(),
            true => format!(
                "{} --tool=callgrind --callgrind-out-file={}.$$ {}",
                valgrind()?,
                self.counts(name).display(),
                binary.display()
            ),
        };
        fs::write(&path, format!("#!/bin/sh\n{cache}exec {command}\n"))?;
        Ok(fs::set_permissions(
            &path,
            fs::Permissions::from_mode(0o755),
        )?)
    }

    /// Where the instructions of a function's process are written, before its number.
    pub(crate) fn counts(&self, name: &str) -> PathBuf {
        self.folder.join(format!("callgrind.{name}"))
    }
}

/// Builds what is deployed, for the machine at hand, and the floor. What another revision of the project
/// needs of others is mostly built already: all revisions share this one's folder.
pub(crate) fn build(root: &Path) -> Outcome {
    println!("building release binaries (the first time takes some minutes)");
    for what in [
        &["--bins"][..],
        &["-p", "stampede-runtime", "--example", HELLO],
    ] {
        let status = Command::new("cargo")
            .args(["lambda", "build", "--quiet", "--release", architecture()])
            .args(what)
            .arg("--lambda-dir")
            .arg(root.join("target/lambda"))
            .env("CARGO_TARGET_DIR", crate::root().join("target"))
            .current_dir(root)
            .status()
            .map_err(|error| format!("cargo cannot be started: {error}"))?;
        if !status.success() {
            return Err("the release build failed; its errors are above".into());
        }
    }
    // Examples have a folder of their own.
    let example = root.join("target/lambda/examples").join(HELLO);
    if example.exists() {
        let folder = root.join("target/lambda").join(HELLO);
        fs::create_dir_all(&folder)?;
        fs::copy(example.join("bootstrap"), folder.join("bootstrap"))?;
    }
    Ok(())
}

/// Builds `tools/stock`, a workspace of its own, for the machine at hand.
pub(crate) fn build_stock() -> Outcome {
    println!("building stock (the first time takes some minutes)");
    let root = crate::root();
    let status = Command::new("cargo")
        .args(["lambda", "build", "--quiet", "--release", architecture()])
        .arg("--manifest-path")
        .arg(root.join("tools/stock/Cargo.toml"))
        .arg("--lambda-dir")
        .arg(root.join("target/lambda"))
        .env("CARGO_TARGET_DIR", root.join("target/stock"))
        .current_dir(root.join("tools/stock"))
        .status()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err("building stock failed; its errors are above".into()),
    }
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "--arm64",
        _ => "--x86-64",
    }
}

fn valgrind() -> Outcome<String> {
    let places = ["/usr/bin/valgrind", "/usr/local/bin/valgrind"];
    let place = places.iter().find(|place| Path::new(place).exists());
    Ok(place
        .ok_or("valgrind is missing: install it (apt-get install valgrind)")?
        .to_string())
}
