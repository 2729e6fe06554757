//! The second factor of an account whose password alone is not enough: an authenticator app, and recovery codes for its loss.

use jiff::{SignedDuration, Timestamp};

use crate::id::AccountId;

/// Wrong codes of an app in a window, which begins with the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongCodes {
    /// Their number.
    pub count: u32,
    /// End of the window, in whole seconds.
    pub until: Timestamp,
}

/// The authenticator app of an account, and what stands in for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    /// The account.
    pub account: AccountId,
    /// Secret of the app, sealed; `None` until a code has shown that the app has it.
    pub secret: Option<String>,
    /// Secret of an app that is being set up, sealed. The one of before is asked for codes until then.
    pub pending: Option<String>,
    /// Step of the last code that was accepted.
    pub last_step: Option<u64>,
    /// Hashes of the recovery codes that are left.
    pub recovery_codes: Vec<String>,
    /// Time until which no codes of the app are accepted, as too many were wrong. Recovery codes are: nobody guesses one.
    pub suspended_until: Option<Timestamp>,
    /// The wrong codes of the last window.
    pub wrong_codes: Option<WrongCodes>,
}

impl SecondFactor {
    /// The factor once a code of `step` has shown that the app has the `pending` secret.
    pub fn confirmed(
        account: AccountId,
        pending: String,
        step: u64,
        recovery_codes: Vec<String>,
    ) -> Self {
        Self {
            account,
            secret: Some(pending),
            pending: None,
            // This code, too, is used once.
            last_step: Some(step),
            recovery_codes,
            // Codes that were guessed were those of another secret.
            suspended_until: None,
            wrong_codes: None,
        }
    }

    /// Whether a login by password takes a code.
    pub fn is_active(&self) -> bool {
        self.secret.is_some()
    }

    /// How long no codes of the app are accepted yet at `now`; `None` if they are.
    pub fn suspended_for(&self, now: Timestamp) -> Option<SignedDuration> {
        let left = self.suspended_until?.duration_since(now);
        left.is_positive().then_some(left)
    }

    /// The end of the window whose `most` wrong codes are used up at `now`; `None` if another code may be tried.
    pub fn used_up(&self, most: u32, now: Timestamp) -> Option<Timestamp> {
        let running = self.running(now)?;
        (running.count >= most).then_some(running.until)
    }

    /// The wrong codes with another one at `now`; a window takes `window`.
    pub fn with_wrong_code(&self, window: SignedDuration, now: Timestamp) -> WrongCodes {
        match self.running(now) {
            Some(WrongCodes { count, until }) => WrongCodes {
                count: count.saturating_add(1),
                until,
            },
            None => {
                let end = now.as_second().saturating_add(window.as_secs());
                let until = Timestamp::from_second(end).unwrap_or(Timestamp::MAX);
                WrongCodes { count: 1, until }
            }
        }
    }

    /// The wrong codes of the window that is not over at `now`.
    fn running(&self, now: Timestamp) -> Option<WrongCodes> {
        self.wrong_codes.filter(|wrong| wrong.until > now)
    }

    /// The recovery codes that are left once the one at `place` was used.
    pub fn without_code(&self, place: usize) -> Vec<String> {
        let codes = self.recovery_codes.iter().enumerate();
        codes
            .filter(|(at, _)| *at != place)
            .map(|(_, code)| code.clone())
            .collect()
    }

    /// What the secrets of an account are sealed with: they open for no other account and for nothing else.
    pub fn associated_data(account: AccountId) -> Vec<u8> {
        format!("totp\0{account}").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_spent_and_the_others_are_left() {
        let codes = ["a", "b", "c"].map(str::to_owned).to_vec();
        let account = AccountId::random([1; 16]);
        let factor = SecondFactor::confirmed(account, "sealed".to_owned(), 7, codes);
        assert!(factor.is_active());
        assert_eq!(factor.without_code(1), ["a", "c"]);
        assert_eq!(factor.without_code(3), ["a", "b", "c"]);
    }

    #[test]
    fn codes_are_suspended_until_a_time_and_with_another_app_no_more() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let account = AccountId::random([1; 16]);
        let new = SecondFactor::confirmed(account, "sealed".to_owned(), 7, Vec::new());
        assert_eq!(new.suspended_for(at(0)), None);
        let suspended = SecondFactor {
            suspended_until: Some(at(60)),
            ..new
        };
        let left = suspended.suspended_for(at(0));
        assert_eq!(left, Some(SignedDuration::from_secs(60)));
        assert_eq!(
            suspended.suspended_for(at(59)),
            Some(SignedDuration::from_secs(1))
        );
        assert_eq!(suspended.suspended_for(at(60)), None);
    }

    #[test]
    fn wrong_codes_are_counted_by_window() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let account = AccountId::random([1; 16]);
        let mut factor = SecondFactor::confirmed(account, "sealed".to_owned(), 7, Vec::new());
        let window = SignedDuration::from_secs(60);
        for (second, count, until) in [(0, 1, 60), (30, 2, 60), (59, 3, 60), (60, 1, 120)] {
            assert_eq!(factor.used_up(3, at(second)), None);
            let wrong = factor.with_wrong_code(window, at(second));
            let until = at(until);
            assert_eq!(wrong, WrongCodes { count, until }, "{second}");
            factor.wrong_codes = Some(wrong);
            let used_up = factor.used_up(3, at(second));
            assert_eq!(used_up, (count == 3).then_some(until), "{second}");
        }
    }

    #[test]
    fn secrets_are_sealed_for_one_account() {
        let data = |of: u8| SecondFactor::associated_data(AccountId::random([of; 16]));
        assert_ne!(data(1), data(2));
        assert!(data(1).starts_with(b"totp\0acc_"));
    }
}
