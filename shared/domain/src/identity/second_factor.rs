//! The second factor of an account whose password alone is not enough: an authenticator app, and recovery codes for its loss.

use crate::id::AccountId;

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
        }
    }

    /// Whether a login by password takes a code.
    pub fn is_active(&self) -> bool {
        self.secret.is_some()
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
    fn secrets_are_sealed_for_one_account() {
        let data = |of: u8| SecondFactor::associated_data(AccountId::random([of; 16]));
        assert_ne!(data(1), data(2));
        assert!(data(1).starts_with(b"totp\0acc_"));
    }
}
