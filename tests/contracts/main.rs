//! What was released stays readable: the items of a table, the events, and the API.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

use std::{collections::BTreeSet, fs};

use testkit::root;

mod dump;
mod table;
#[path = "../faults/world.rs"]
#[expect(dead_code, reason = "the tests with faults use the rest")]
mod world;

/// Values of `entity_type`, from the sources of the store.
fn entities() -> BTreeSet<String> {
    let sources = local::files::with_extension(&root().join("shared/store/src"), "rs").unwrap();
    let mut found = BTreeSet::new();
    for source in sources {
        let source = fs::read_to_string(source).unwrap();
        let constants = source.split("const ENTITY: &").skip(1);
        let values = constants.filter_map(|rest| rest.split(';').next()?.split('"').nth(1));
        found.extend(values.map(str::to_owned));
    }
    found
}
