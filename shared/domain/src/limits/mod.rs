//! Limits of callers: how many requests the shop takes from an account, an email address or a network, or on a route.
//!
//! An endpoint declares a [`Limit`]; with the values of staff, it is a [`Rule`]. The caller and the rule name the key
//! that a request counts for ([`Rule::share`]), and [`Quota`] decides by the state that is stored under it.

mod challenge;
mod quota;
mod rules;

pub use challenge::{
    ChallengeAction, ChallengeKind, ChallengeView, ChosenChallenge, MAX_CHALLENGE_TOKEN,
    UnknownChallengeProvider, challenge_required, is_login_challenged,
};
pub use quota::{Decision, Quota, State, Take, Usage};
pub use rules::{
    ALL, By, CONFIRM_PASSWORD, CREATE_CART, CREATE_IMPORT, Caller, EXPORT_DATA, IfUnchecked, Kind,
    Limit, LimitKey, LimitSettings, LimitView, MAIL_LINK, MAIL_LINK_NETWORK, MAX_BURST, MAX_REFILL,
    MAX_REQUESTS, MAX_SECONDS, MAX_SHARDS, REGISTER_EMAIL, RESET_EMAIL, Rule, SEND_LINK,
    SEND_LINK_ACCOUNT, SIGN_IN, SIGN_IN_CODE, SIGN_IN_NETWORK, Share, rate_limited, views,
};
pub(crate) use rules::{mailbox, network, pseudonym};
