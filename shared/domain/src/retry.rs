//! How much a process may retry, so that a service that is short of capacity is not asked even more often.

/// Tokens of one client's retry budget. A retry of a throttled or failed call takes 5 of them, one of a
/// call without an answer 10, and gets them back if it succeeds; a call that succeeds at once earns 1.
///
/// On a launch day a thousand processes meet the same throttled table, each with a budget of its own: with
/// the SDK's default of 500 tokens they would add 100,000 retries before the first budget is empty.
pub const BUDGET_TOKENS: usize = 50;
