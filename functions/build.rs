//! Links functions without unwind tables.
//!
//! A release build ends its process on a panic (`panic = "abort"`), so nothing ever unwinds, but the
//! compiler and the standard library still emit the tables: a tenth of the deployed size
//! (docs/performance.md). A panic still reports its message and location, but no backtrace, for which
//! a stripped binary lacks the names anyway.
//!
//! `-C force-unwind-tables=no` would do the same, but no stable setting limits it to one profile, and
//! tests do unwind.

use std::env;

/// Read by the linker.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../no-unwind.ld");

#[expect(
    clippy::disallowed_methods,
    reason = "Cargo passes settings to a build script by its environment"
)]
fn main() {
    println!("cargo::rerun-if-changed=../build.rs");
    println!("cargo::rerun-if-changed={SCRIPT}");
    let is = |name: &str, wanted: &str| env::var(name).is_ok_and(|value| value == wanted);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") {
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr,-T,{SCRIPT}");
    }
}
