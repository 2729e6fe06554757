//! The binaries to measure, as deployed and instrumented.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use local::{outcome::Outcome, project};

/// Name of the baseline function.
pub const HELLO: &str = "hello";

/// Name of get-product in the style of the AWS documentation (`tools/stock`).
pub const STOCK: &str = "stock";

/// How a function is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    /// Without the in-process cache.
    pub uncached: bool,
    /// With instruction counting.
    pub counted: bool,
}

/// A folder of binaries by name, each of which can be replaced by another way to run it.
pub struct Binaries {
    /// The folder with a file or link for each function.
    pub folder: PathBuf,
    deployed: PathBuf,
}

impl Binaries {
    /// The binaries that `cargo lambda build` has built in a project's folder.
    pub fn new(root: &Path, folder: &Path) -> Outcome<Self> {
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

    /// Path of a function's deployed binary.
    pub fn deployed(&self, name: &str) -> PathBuf {
        self.deployed.join(name).join("bootstrap")
    }

    /// Makes the next process of a function run in this way.
    pub fn install(&self, name: &str, way: Way) -> Outcome {
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

    /// Path prefix of the file with a process's instruction count, followed by the process id.
    pub fn counts(&self, name: &str) -> PathBuf {
        self.folder.join(format!("callgrind.{name}"))
    }
}

/// Builds the deployed binaries for this machine, and the baseline. All revisions share one target
/// folder, so dependencies are mostly built already.
pub fn build(root: &Path) -> Outcome {
    println!("building release binaries (the first time takes some minutes)");
    let status = release_build()
        .args(["--bins", architecture()])
        .arg("--lambda-dir")
        .arg(root.join("target/lambda"))
        .env("CARGO_TARGET_DIR", project::root().join("target"))
        .current_dir(root)
        .status()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err("the release build failed; its errors are above".into()),
    }
}

/// A release build as on a laptop: Clippy, which compiles in rustc's place in CI, leaves out the optimizations
/// of MIR, and cargo-lambda leaves out the instructions of Lambda's processors if flags are set.
fn release_build() -> Command {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["lambda", "build", "--quiet", "--release"])
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTFLAGS");
    cargo
}

/// Builds `tools/stock`, a separate workspace, for this machine.
pub fn build_stock() -> Outcome {
    println!("building stock (the first time takes some minutes)");
    let root = project::root();
    let status = release_build()
        .arg(architecture())
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
