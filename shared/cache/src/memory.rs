//! Facts that a process remembers.

use std::fmt;

use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter, sync::DefaultLifecycle};

type Entries<V> = quick_cache::sync::Cache<Box<str>, V>;

/// Facts by key, at most a certain number of them: those that were not asked for give way to new ones. Unlike the values of a
/// [`Cache`](crate::Cache), facts have no source and no age: to have forgotten one must do no harm, and its reader must
/// know until when it holds.
pub struct Memory<V: Clone> {
    entries: Entries<V>,
}

impl<V: Clone> Memory<V> {
    /// An empty memory for so many facts.
    pub fn new(most: usize) -> Self {
        // One shard, as a process has one thread.
        let options = OptionsBuilder::new()
            .estimated_items_capacity(most)
            .weight_capacity(u64::try_from(most).unwrap_or(u64::MAX))
            .shards(1)
            .build();
        let entries = match options {
            Ok(options) => Entries::with_options(
                options,
                UnitWeighter,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            // Only fails if a capacity is missing from the builder.
            Err(_) => Entries::new(most),
        };
        Self { entries }
    }

    /// The fact of a key.
    pub fn get(&self, key: &str) -> Option<V> {
        self.entries.get(key)
    }

    /// Remembers a fact instead of an earlier one.
    pub fn put(&self, key: &str, fact: V) {
        self.entries.insert(key.into(), fact);
    }

    /// Forgets a fact.
    pub fn forget(&self, key: &str) {
        self.entries.remove(key);
    }

    /// Number of facts.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<V: Clone> fmt::Debug for Memory<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("facts", &self.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_fact_is_remembered() {
        let memory = Memory::new(10);
        assert!(memory.is_empty());
        assert_eq!(memory.get("a"), None);
        memory.put("a", 1);
        memory.put("a", 2);
        memory.put("b", 3);
        assert_eq!((memory.get("a"), memory.get("b")), (Some(2), Some(3)));
        memory.forget("a");
        assert_eq!(memory.get("a"), None);
    }

    /// Kind of fault: a caller with many different keys fills the memory of a process.
    #[test]
    fn millions_of_keys_leave_a_bounded_number_of_facts() {
        let memory = Memory::new(1000);
        for number in 0..200_000 {
            memory.put(&format!("key {number}"), number);
        }
        assert!(memory.len() <= 1000, "{memory:?}");
        assert!(memory.len() > 500, "{memory:?}");
    }
}
