//! Links functions without unwind tables.
//!
//! A release build ends its process on a panic (`panic = "abort"`), so nothing ever unwinds, but compiler
//! and standard library bring the tables for it all the same: a tenth of what is deployed
//! (docs/performance.md). A panic still says what and where; there is no backtrace, which a stripped
//! binary has no names for anyway.
//!
//! `-C force-unwind-tables=no` would do the same, but no stable setting gives it to one profile alone,
//! and tests do unwind.

use std::env;

/// Read by the linker.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../no-unwind.ld");

#[expect(
    clippy::disallowed_methods,
    reason = "how Cargo speaks to a build script"
)]
fn main() {
    println!("cargo::rerun-if-changed=../build.rs");
    println!("cargo::rerun-if-changed={SCRIPT}");
    let is = |name: &str, wanted: &str| env::var(name).is_ok_and(|value| value == wanted);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") {
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr,-T,{SCRIPT}");
    }
}
