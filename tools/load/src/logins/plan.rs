//! Who signs in when: drawn before the run, from a seed alone.

use std::time::Duration;

use rand::RngExt;

use crate::random::stream;

/// Logins of each owner during the run. With one more after it, they stay within the limit of an address and a network.
pub(crate) const EACH: usize = 8;
/// Networks that try the addresses of others.
pub(crate) const SPRAYERS: usize = 5;

/// Somebody who signs in, from a network of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// An owner, with the right password.
    Owner(usize),
    /// The owner of the account that is attacked, with the right password.
    TargetsOwner,
    /// Guesses the password of that account.
    Guesser,
    /// Tries a password with each of many addresses, of accounts and others.
    Sprayer {
        /// Number of its network.
        network: usize,
    },
}

/// One login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Time since the start of the run.
    pub(crate) at: Duration,
    /// Who makes it.
    pub(crate) who: Who,
    /// Its number among those of the same kind.
    pub(crate) number: usize,
}

/// Numbers of those who sign in, and of their logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cast {
    /// Owners whose accounts nobody attacks in particular.
    pub(crate) owners: usize,
    /// Guesses at the target.
    pub(crate) guesses: usize,
    /// Logins of all networks that try other addresses.
    pub(crate) sprayed: usize,
}

impl Cast {
    /// Of 100 logins, about 5 are by owners, 25 are tried with many addresses, and the others are guesses at one account.
    pub(crate) fn of(logins: usize) -> Self {
        let owners = (logins / 20 / EACH).max(1);
        let sprayed = logins / 4;
        Self {
            owners,
            sprayed,
            guesses: logins - sprayed - (owners + 1) * EACH,
        }
    }

    /// The address that an attempt is for.
    pub(crate) fn email(&self, attempt: Attempt) -> String {
        match attempt.who {
            Who::Owner(number) => owner(number),
            Who::TargetsOwner | Who::Guesser => TARGET.to_owned(),
            Who::Sprayer { .. } => match attempt.number % 2 {
                0 => owner(attempt.number / 2 % self.owners),
                _ => format!("nobody-{}@example.com", attempt.number),
            },
        }
    }
}

/// Address of the account that is attacked.
pub(crate) const TARGET: &str = "target@example.com";

/// Address of an owner.
pub(crate) fn owner(number: usize) -> String {
    format!("owner-{number}@example.com")
}

/// All attempts in the order of their times. Those of each kind are spread evenly by chance (a Poisson process with a given
/// number).
pub(crate) fn attempts(cast: &Cast, length: Duration, seed: u64) -> Vec<Attempt> {
    let owners = (0..cast.owners).map(|number| (Who::Owner(number), EACH));
    let others = [(Who::TargetsOwner, EACH), (Who::Guesser, cast.guesses)];
    let mut random = stream(seed, 0);
    let mut attempts = Vec::new();
    let mut add = |who: Who, number: usize| {
        let at = length.mul_f64(random.random::<f64>());
        attempts.push(Attempt { at, who, number });
    };
    for (who, count) in owners.chain(others) {
        (0..count).for_each(|number| add(who, number));
    }
    for number in 0..cast.sprayed {
        // In turn, so that each address is tried from each network: the number of addresses has no part in it.
        let network = number / 2 % SPRAYERS;
        add(Who::Sprayer { network }, number);
    }
    attempts.sort_by_key(|attempt| attempt.at);
    attempts
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_as_many_logins_as_wanted_within_the_time() {
        for logins in [200, 1001, 10_000] {
            let cast = Cast::of(logins);
            let planned = attempts(&cast, Duration::from_secs(60), 1);
            assert_eq!(planned.len(), logins);
            assert!(planned.is_sorted_by_key(|attempt| attempt.at));
            assert!(planned.iter().all(|it| it.at < Duration::from_secs(60)));
            assert!(cast.guesses > logins / 2);
        }
        let cast = Cast::of(10_000);
        assert_eq!(cast.owners, 62);
        assert_eq!(
            attempts(&cast, Duration::from_secs(60), 1),
            attempts(&cast, Duration::from_secs(60), 1)
        );
    }

    #[test]
    fn sprayers_try_accounts_and_unknown_addresses_from_all_their_networks() {
        let cast = Cast::of(10_000);
        let attempts = attempts(&cast, Duration::from_secs(60), 1);
        let sprayed = attempts
            .iter()
            .filter(|it| matches!(it.who, Who::Sprayer { .. }));
        let (mut networks, mut emails) = (BTreeSet::new(), BTreeSet::new());
        for attempt in sprayed {
            networks.insert(attempt.who);
            emails.insert(cast.email(*attempt));
        }
        assert_eq!(networks.len(), SPRAYERS);
        let known = emails.iter().filter(|it| it.starts_with("owner-")).count();
        assert_eq!(known, cast.owners);
        assert!(emails.len() > 1000 && !emails.contains(TARGET));
    }
}
