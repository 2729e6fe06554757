//! Holds callers to the limits of an endpoint (docs/adr/0026).
//!
//! A check is one conditional write of one small item, 1 write unit. It takes two where the key is in use and the process
//! does not know how much of it is left. A process remembers the states of its keys: a key that it knows to be used up is
//! refused without a write until its time, with one write a minute in case that the item has changed by other hands.
//!
//! If the limit cannot be checked, because the table does not answer in time, the item cannot be read or nobody knows the
//! caller, the limit decides: shopping goes on, credentials are refused with 503. It is counted (`LimitNotChecked`).

mod source;

use std::{fmt, sync::Arc, time::Duration};

use cache::Memory;
use control::{Control, ControlError};
use domain::{
    fault::{Failure, chain},
    limits::{Caller, Decision, IfUnchecked, Limit, Rule, Share, State, Take, Usage, rate_limited},
};
use jiff::{SignedDuration, Timestamp};
use runtime::Environment;
use store::{Store, StoreError, Taken};

use self::source::{Source, Table};

/// How long a check may take: with the longest call after it, no longer than an endpoint has.
const PATIENCE: Duration = Duration::from_secs(2);
/// Writes of one check. One that is refused tells the state, which then decides; only a change in between asks for more.
const ATTEMPTS: u32 = 4;
/// Keys that a process remembers, with about 300 bytes each.
const REMEMBERED: usize = 4096;
/// How long a process refuses a key by what it remembers, without asking the table: somebody may have deleted the item, or
/// a clock that is ahead has refilled the bucket.
const BELIEVED: SignedDuration = SignedDuration::from_mins(1);

/// Checks limits. Made once per cold start.
pub struct Limiter<S = Table> {
    source: S,
    has_defaults: bool,
    secret: String,
    known: Memory<Known>,
}

/// State of a key as the table had it.
#[derive(Clone, Copy, Debug)]
struct Known {
    state: State,
    /// Time of the request that learned it.
    at: Timestamp,
}

/// What a process knows of a key without asking the table.
enum Remembered {
    /// As far as it knows, it may be taken.
    Free(Take),
    /// It is used up for so many microseconds.
    UsedUp(i64),
    /// It was used up a while ago, and has not been asked for since.
    Doubtful,
}

/// Why a limit was not checked.
#[derive(Debug, thiserror::Error)]
enum Unchecked {
    #[error(transparent)]
    Settings(#[from] ControlError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the limit kept changing")]
    Contended,
    #[error("the limit was not checked in time")]
    Late,
    #[error("the caller is not known")]
    UnknownCaller,
}

/// Result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Allowed: how much of the limit is used up with it.
    Allowed(Usage),
    /// Refused for so many microseconds.
    Refused(i64),
}

impl Verdict {
    /// That of a limit that is off, or could not be checked.
    const UNLIMITED: Self = Self::Allowed(Usage::NONE);
}

impl Limiter {
    /// Makes the limiter of a process, which goes by the settings of `control`. `DEFAULT_LIMITS` says whether limits that
    /// staff have not set are those of the code.
    pub fn new(
        store: &Store,
        control: Arc<Control>,
        environment: &Environment,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let source = Table {
            store: store.clone(),
            control,
        };
        let has_defaults = environment.switch("DEFAULT_LIMITS")?;
        Ok(Self::over(
            source,
            has_defaults,
            environment.origin_secret(),
        ))
    }
}

impl<S: Source> Limiter<S> {
    fn over(source: S, has_defaults: bool, secret: &str) -> Self {
        Self {
            source,
            has_defaults,
            secret: secret.to_owned(),
            known: Memory::new(REMEMBERED),
        }
    }

    /// Counts a request of `caller` at `now`, or rejects it with `rate_limited`.
    pub async fn check(
        &self,
        limit: &Limit,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        self.count(limit, caller, now).await.map(|_| ())
    }

    /// The same, and returns how much of the limit is used up with it: what the write has returned, so it costs nothing. Of a
    /// limit in parts it is that of the part.
    pub async fn count(
        &self,
        limit: &Limit,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<Usage, Failure> {
        match self.checked(limit, caller, now).await? {
            Verdict::Allowed(usage) => Ok(usage),
            Verdict::Refused(wait) => Err(rate_limited(wait).into()),
        }
    }

    /// The values of a limit that the endpoint counts itself, in an item that it writes anyway; `None` if it is off.
    pub async fn rule(&self, limit: &Limit, now: Timestamp) -> Result<Option<Rule>, Failure> {
        let rule = self.in_time(limit, self.applicable(limit, now)).await?;
        Ok(rule.flatten())
    }

    /// The verdict, or what the limit decides without one.
    async fn checked(
        &self,
        limit: &Limit,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<Verdict, Failure> {
        let verdict = self.in_time(limit, self.verdict(limit, &caller, now));
        Ok(verdict.await?.unwrap_or(Verdict::UNLIMITED))
    }

    /// The result of a call about a limit; `None` if there is none in time, and the limit is open then.
    async fn in_time<T>(
        &self,
        limit: &Limit,
        call: impl Future<Output = Result<T, Unchecked>> + Send,
    ) -> Result<Option<T>, Failure> {
        let error = match tokio::time::timeout(PATIENCE, call).await {
            Ok(Ok(result)) => return Ok(Some(result)),
            Ok(Err(error)) => error,
            Err(_) => Unchecked::Late,
        };
        runtime::metric("LimitNotChecked", 1);
        match limit.if_unchecked {
            IfUnchecked::Open => {
                let error = chain(&error);
                tracing::warn!(limit.name = limit.name, error, "limit not checked");
                Ok(None)
            }
            // Whatever the reason, another attempt may be checked.
            IfUnchecked::Closed => Err(Failure::dependency(error, true)),
        }
    }

    async fn verdict(
        &self,
        limit: &Limit,
        caller: &Caller<'_>,
        now: Timestamp,
    ) -> Result<Verdict, Unchecked> {
        let Some(rule) = self.applicable(limit, now).await? else {
            return Ok(Verdict::UNLIMITED);
        };
        match self.part(limit, &rule, caller, now) {
            Ok(Some(share)) => self.take(&share, now).await,
            Ok(None) => Err(Unchecked::UnknownCaller),
            Err(wait) => Ok(Verdict::Refused(wait)),
        }
    }

    /// The values that apply; `None` if the limit is off.
    async fn applicable(&self, limit: &Limit, now: Timestamp) -> Result<Option<Rule>, Unchecked> {
        let current = self.source.documents(now).await?;
        let settings = current.settings.limits.get(limit.name);
        Ok(limit.rule(settings, self.has_defaults))
    }

    /// The part of the limit to take from: one by chance, but none that is known to be used up. If all are, the time until
    /// the first one is not; `None` for an unknown caller, where such requests are taken.
    fn part(
        &self,
        limit: &Limit,
        rule: &Rule,
        caller: &Caller<'_>,
        now: Timestamp,
    ) -> Result<Option<Share>, i64> {
        let parts = rule.parts();
        // Without randomness, everybody begins with the first part, which is still correct.
        let random = match parts {
            1 => 0,
            _ => runtime::random_number().unwrap_or_default() % u64::from(parts),
        };
        let first = u32::try_from(random).unwrap_or_default();
        let (mut least, mut doubtful) = (i64::MAX, None);
        for step in 0..parts {
            let part = (first + step) % parts;
            let Some(share) = rule.share(limit, &self.secret, caller, part, now) else {
                return Ok(None);
            };
            match self.remembered(&share, now) {
                Remembered::Free(_) => return Ok(Some(share)),
                Remembered::UsedUp(wait) => least = least.min(wait),
                Remembered::Doubtful => {
                    doubtful.get_or_insert(share);
                }
            }
        }
        match doubtful {
            Some(share) => Ok(Some(share)),
            None => Err(least),
        }
    }

    /// What the process remembers of a key.
    fn remembered(&self, share: &Share, now: Timestamp) -> Remembered {
        let known = self.known.get(share.key.as_str());
        let state = known.map(|it| it.state);
        let is_old = |known: Known| now.duration_since(known.at).abs() >= BELIEVED;
        match share.quota.decide(state, now.as_microsecond()) {
            Decision::Take(take) => Remembered::Free(take),
            Decision::Refuse { .. } if known.is_some_and(is_old) => Remembered::Doubtful,
            Decision::Refuse { wait } => Remembered::UsedUp(wait),
        }
    }

    /// Decides by what the process remembers of a key. What is doubtful is asked of the table.
    fn decide(&self, share: &Share, now: Timestamp) -> Decision {
        match self.remembered(share, now) {
            Remembered::Free(take) => Decision::Take(take),
            Remembered::UsedUp(wait) => Decision::Refuse { wait },
            Remembered::Doubtful => share.quota.decide(None, now.as_microsecond()),
        }
    }

    async fn take(&self, share: &Share, now: Timestamp) -> Result<Verdict, Unchecked> {
        let key = share.key.as_str();
        let mut decision = self.decide(share, now);
        for _ in 0..ATTEMPTS {
            let take = match decision {
                Decision::Take(take) => take,
                Decision::Refuse { wait } => return Ok(Verdict::Refused(wait)),
            };
            match self.source.take(share, &take, now).await? {
                Taken::Done(state) => {
                    self.known.put(key, Known { state, at: now });
                    let usage = share.quota.usage(state, now.as_microsecond());
                    return Ok(Verdict::Allowed(usage));
                }
                Taken::Refused(state) => {
                    match state {
                        Some(state) => self.known.put(key, Known { state, at: now }),
                        None => self.known.forget(key),
                    }
                    decision = share.quota.decide(state, now.as_microsecond());
                }
            }
        }
        Err(Unchecked::Contended)
    }
}

impl<S> fmt::Debug for Limiter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("has_defaults", &self.has_defaults)
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
