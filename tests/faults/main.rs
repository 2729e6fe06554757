//! Fault injection into every part of a sale, with the real binaries.
//!
//! Covers: place-order, relay-events, capture-payment, cancel-order, cancel-order-as-staff, refund-order,
//! fulfil-order, return-goods, refund-payment, sweep-orders, receive-payment-event,
//! handle-payment-event, send-email, reconcile-stock, change-settings, restore-settings, get-shop,
//! start-import, import-rows, change-job, get-job, create-cart, create-import, project-orders, merge-carts, claim-order,
//! append-audit, export-account, set-stock, split-stock, register-account, verify-email, log-in, refresh-session, log-out,
//! reset-password, change-password, change-email, delete-me.
//!
//! `make test` runs a sample; `make faults SEEDS=n` the whole matrix, n times. A failure reports the
//! seed, the call and the fault; `FAULTS_ONLY=capture-payment:3:KillAfter` runs that case alone, on
//! every way that makes the call.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

mod audit;
mod customers;
mod deletion;
mod exports;
mod groups;
mod hops;
mod intercepted;
mod jobs;
mod late_money;
mod limits;
mod matrix;
mod outages;
mod projection;
mod providers;
mod same_key;
mod settings;
mod sign_in;
mod stock;
mod storms;
mod world;

use testkit::Fault;

/// Number of rounds, set by `make faults SEEDS=n`; `None` for a sample.
fn seeds() -> Option<u64> {
    let environment = runtime::Environment::load();
    environment
        .get("FAULT_SEEDS")
        .map(|seeds| seeds.parse().unwrap())
}

/// Faults that a small matrix injects: of `make test` those that do not take long, of `make faults` all.
fn injected() -> Vec<Fault> {
    let quick = |fault: &Fault| seeds().is_some() || *fault != Fault::Hang;
    Fault::ALL.into_iter().filter(quick).collect()
}

/// The single case to run, set by `FAULTS_ONLY`.
fn only() -> Option<String> {
    let environment = runtime::Environment::load();
    environment.get("FAULTS_ONLY").map(str::to_owned)
}

/// A deterministic pseudo-random generator (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
