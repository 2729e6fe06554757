//! The order in which functions are built after a change: a function that is called is built before
//! its call runs, recently called functions come next, and the others follow.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

/// Functions per build: few, so that a called function does not wait for the links of many others.
const BATCH: usize = 4;

/// Which functions are older than the source.
#[derive(Debug, Default)]
pub(crate) struct Builds {
    /// Called functions, the most recent last.
    recent: Mutex<Vec<String>>,
    outdated: watch::Sender<BTreeSet<String>>,
}

impl Builds {
    /// Marks functions as outdated. Cargo decides which of them a change really affects.
    pub(crate) fn outdate(&self, names: &[String]) {
        self.outdated.send_replace(names.iter().cloned().collect());
    }

    /// Waits until `name` is up to date, and builds it next.
    pub(crate) async fn called(&self, name: &str) {
        {
            let mut recent = self.recent();
            recent.retain(|known| known != name);
            recent.push(name.to_owned());
        }
        let mut outdated = self.outdated.subscribe();
        // Only fails if `self` is dropped, which it is not.
        let _ = outdated.wait_for(|names| !names.contains(name)).await;
    }

    /// Waits until a function is outdated, and returns those to build next.
    pub(crate) async fn next(&self) -> Vec<String> {
        let mut outdated = self.outdated.subscribe();
        let names = match outdated.wait_for(|names| !names.is_empty()).await {
            Ok(names) => names.clone(),
            Err(_) => return Vec::new(),
        };
        let recent = self.recent().clone();
        let called = recent.iter().rev().filter(|name| names.contains(*name));
        let others = names.iter().filter(|name| !recent.contains(name));
        called.chain(others).take(BATCH).cloned().collect()
    }

    /// Marks functions as up to date, which runs the calls that wait for them.
    pub(crate) fn built(&self, names: &[String]) {
        self.outdated
            .send_modify(|outdated| outdated.retain(|name| !names.contains(name)));
    }

    /// Lets all functions run as they are, until the next change.
    pub(crate) fn give_up(&self) {
        self.outdated.send_replace(BTreeSet::new());
    }

    /// Number of functions that are still to be built.
    pub(crate) fn left(&self) -> usize {
        self.outdated.borrow().len()
    }

    fn recent(&self) -> MutexGuard<'_, Vec<String>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, task::Poll};

    use super::*;

    fn names() -> [String; 6] {
        ["a", "b", "c", "d", "e", "f"].map(str::to_owned)
    }

    /// Runs a future without waiting; `None` if it has to wait.
    fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match pin!(future).poll(&mut context) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_call_waits_only_for_its_own_function() {
        let builds = Builds::default();
        assert!(now(builds.called("a")).is_some());
        assert_eq!(now(builds.next()), None);
        builds.outdate(&names());
        let mut waiting = pin!(builds.called("a"));
        assert!(now(waiting.as_mut()).is_none());
        builds.built(&["b".to_owned()]);
        assert!(now(waiting.as_mut()).is_none());
        assert!(now(builds.called("b")).is_some());
        builds.built(&["a".to_owned()]);
        assert!(now(waiting).is_some());
        assert_eq!(builds.left(), 4);
    }

    #[test]
    fn called_functions_are_built_first() {
        let builds = Builds::default();
        let _ = now(builds.called("a"));
        builds.outdate(&names());
        let _ = now(builds.called("e"));
        let first = now(builds.next()).unwrap();
        assert_eq!(first, ["e", "a", "b", "c"]);
        builds.built(&first);
        assert_eq!(now(builds.next()).unwrap(), ["d", "f"]);
    }

    #[test]
    fn after_a_failed_build_calls_run_the_old_binary() {
        let builds = Builds::default();
        builds.outdate(&names());
        let mut waiting = pin!(builds.called("c"));
        assert!(now(waiting.as_mut()).is_none());
        builds.give_up();
        assert!(now(waiting).is_some());
        assert_eq!(now(builds.next()), None);
        // The next change tries again.
        builds.outdate(&names());
        assert_eq!(now(builds.next()).unwrap()[0], "c");
    }
}
