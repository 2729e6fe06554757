//! What may be tried again, and when.

use std::time::Duration;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Longest wait before the second attempt; the third may wait twice as long. The second that is usual
/// is made for slower services.
const FIRST: Duration = Duration::from_millis(50);

/// Codes of refusals that pass: too much at once, or a moment's failure.
const PASSING: [&str; 16] = [
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
    "InternalServerError",
];

/// Whether the same call may succeed a moment later.
pub(crate) fn may_pass<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        // Nobody answered. The call may have been done all the same, which each caller can bear.
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => true,
        SdkError::ServiceError(refused) => {
            let code = refused.err().code().unwrap_or_default();
            matches!(refused.raw().status().as_u16(), 500 | 502 | 503 | 504)
                || PASSING.contains(&code)
        }
        SdkError::ResponseError(unreadable) => unreadable.raw().status().is_server_error(),
        _ => false,
    }
}

/// Waits for a random time, so that those who failed together do not come back together.
pub(crate) async fn backoff(attempt: u32) {
    let most = FIRST * (1 << (attempt - 1).min(5));
    let mut random = [0; 4];
    // Without randomness everybody waits the longest time, which is still right.
    let share = match getrandom::fill(&mut random) {
        Ok(()) => u32::from_be_bytes(random),
        Err(_) => u32::MAX,
    };
    let nanos = most.as_nanos() * u128::from(share) / u128::from(u32::MAX);
    tokio::time::sleep(Duration::from_nanos(
        u64::try_from(nanos).unwrap_or(u64::MAX),
    ))
    .await;
}
