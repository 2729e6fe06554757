//! Repeating what concurrent writers overtook: one number of attempts and one backoff for everything.

use std::time::Duration;

use crate::{Result, StoreError};

/// Attempts before a conflict is reported to the caller, the first one included.
const ATTEMPTS: u32 = 8;
/// Longest wait before the second attempt, in microseconds; it doubles with each further attempt.
const FIRST_BACKOFF: u64 = 10_000;

/// The attempts of one operation. Call [`next`](Self::next) before each of them.
#[derive(Debug)]
pub struct Attempts {
    operation: &'static str,
    made: u32,
}

impl Attempts {
    /// No attempt so far. `operation` names the access pattern in the error.
    pub const fn new(operation: &'static str) -> Self {
        Self { operation, made: 0 }
    }

    /// Waits until the next attempt may be made, which is at once for the first. Returns
    /// [`StoreError::Contended`] if there were enough.
    pub async fn next(&mut self) -> Result<()> {
        if self.made == ATTEMPTS {
            return Err(StoreError::Contended {
                operation: self.operation,
            });
        }
        if self.made > 0 {
            backoff(self.made - 1).await;
        }
        self.made += 1;
        Ok(())
    }
}

/// Waits for a random time of up to 10 ms, 20 ms, 40 ms and so on (full jitter), so that conflicting
/// writers do not collide again.
async fn backoff(number: u32) {
    let most = FIRST_BACKOFF << number;
    let mut random = [0; 8];
    // Without randomness, everybody waits the maximum time, which is still correct.
    let micros = match getrandom::fill(&mut random) {
        Ok(()) => u64::from_be_bytes(random) % most,
        Err(_) => most,
    };
    tokio::time::sleep(Duration::from_micros(micros)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn attempts_end_with_a_version_conflict() {
        let mut attempts = Attempts::new("write it");
        let started = tokio::time::Instant::now();
        attempts.next().await.unwrap();
        assert_eq!(started.elapsed(), Duration::ZERO);
        for _ in 1..ATTEMPTS {
            attempts.next().await.unwrap();
        }
        let error = attempts.next().await.unwrap_err();
        assert!(error.is_retryable());
        assert!(error.to_string().contains("write it"), "{error}");
    }
}
