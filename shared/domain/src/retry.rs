//! Retry budget: limits the retries of a process, so that an overloaded service does not get even more
//! calls.

/// Tokens in one client's retry budget. A retry after throttling or an error takes 5 tokens, one after
/// a timeout 10, and returns them on success; a call that succeeds at once earns 1.
///
/// On a launch day, a thousand processes meet the same throttled table, each with its own budget: the
/// SDK's default of 500 tokens would allow 100,000 additional calls before the budgets are empty.
pub const BUDGET_TOKENS: usize = 50;
