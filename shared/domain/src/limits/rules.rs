//! The limits of the shop, the values that staff may change, and the keys that requests count for.

use std::{collections::BTreeMap, net::IpAddr};

use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Quota;
use crate::{
    fault::{Code, Rejection},
    id::crockford,
    text,
};

/// Most requests of a limit in its time.
pub const MAX_REQUESTS: u32 = 1_000_000;
/// Longest time of a limit, in seconds: a day.
pub const MAX_SECONDS: u32 = 86_400;
/// Most requests at once.
pub const MAX_BURST: u32 = 1_000_000;
/// Longest time in which a bucket fills, in seconds: a week.
pub const MAX_REFILL: u64 = 604_800;
/// Bits of an IPv6 address that are one network: one device can have all of the rest.
const IPV6_PREFIX: u32 = 64;
/// Most parts of a limit.
pub const MAX_SHARDS: u32 = 64;

/// `POST /v1/carts`, which costs its caller nothing and the shop an item for two weeks. Thousands of shoppers may share
/// one address of a mobile operator or a company.
pub const CREATE_CART: Limit = Limit {
    name: "create_cart",
    by: By::Network,
    kind: Kind::Bucket { burst: 600 },
    requests: 300,
    seconds: 60,
    if_unchecked: IfUnchecked::Open,
};

/// `POST /v1/admin/imports`: a token that leaked, or a script that runs wild, fills the bucket and the queues.
pub const CREATE_IMPORT: Limit = Limit {
    name: "create_import",
    by: By::Account,
    kind: Kind::Counter,
    requests: 120,
    seconds: 3600,
    if_unchecked: IfUnchecked::Closed,
};

/// `POST /v1/auth/login`, of one network for one address: somebody who guesses a password locks himself out, and nobody
/// else.
pub const SIGN_IN: Limit = Limit {
    name: "sign_in",
    by: By::EmailAndNetwork,
    kind: Kind::Counter,
    requests: 10,
    seconds: 900,
    if_unchecked: IfUnchecked::Closed,
};

/// The same of one network for all addresses: one that tries a few passwords with each of many. Each attempt also costs a
/// tenth of a second of CPU.
pub const SIGN_IN_NETWORK: Limit = Limit {
    name: "sign_in_network",
    by: By::Network,
    kind: Kind::Bucket { burst: 60 },
    requests: 60,
    seconds: 60,
    if_unchecked: IfUnchecked::Closed,
};

/// Wrong codes of an authenticator app at `POST /v1/auth/login`, of one account from wherever they come: somebody who has the
/// password and many networks guesses one of a million, of which three are right at a time. At this rate, an even chance takes
/// two and a half years, and the owner is told every hour. Only failures after a right password count, so that nobody else
/// keeps the owner out. They are counted in the app's item ([`WrongCodes`](crate::identity::WrongCodes)), whose write decides.
pub const SIGN_IN_CODE: Limit = Limit {
    name: "sign_in_code",
    by: By::Account,
    kind: Kind::Counter,
    requests: 10,
    seconds: 3600,
    if_unchecked: IfUnchecked::Closed,
};

/// Mails with a link to one address, for guests of one network: to register, to set a password. Whoever has asked five times
/// has them, and keeps nobody else from asking.
pub const MAIL_LINK: Limit = Limit {
    name: "mail_link",
    by: By::EmailAndNetwork,
    kind: Kind::Counter,
    requests: 5,
    seconds: 3600,
    if_unchecked: IfUnchecked::Closed,
};

/// Mails to register to one address, from all networks: nobody fills a mailbox. Apart from [`RESET_EMAIL`], as a registration of a
/// known address sends no link that its owner could use.
pub const REGISTER_EMAIL: Limit = Limit {
    name: "register_email",
    by: By::Email,
    kind: Kind::Counter,
    requests: 20,
    seconds: 3600,
    if_unchecked: IfUnchecked::Closed,
};

/// Mails to set a new password to one address, from all networks: nobody fills a mailbox. Whoever uses it up keeps no owner out, who
/// has got twenty links by then, of which any works.
pub const RESET_EMAIL: Limit = Limit {
    name: "reset_email",
    by: By::Email,
    kind: Kind::Counter,
    requests: 20,
    seconds: 3600,
    if_unchecked: IfUnchecked::Closed,
};

/// Mails with a link from one network to all addresses: nobody sends mails to many in the name of the shop.
pub const MAIL_LINK_NETWORK: Limit = Limit {
    name: "mail_link_network",
    by: By::Network,
    kind: Kind::Bucket { burst: 30 },
    requests: 60,
    seconds: 3600,
    if_unchecked: IfUnchecked::Closed,
};

/// Mails with a link to one address, from one account or API key: to change the address, to invite to the staff. Apart from
/// [`MAIL_LINK`], and by sender, so that strangers do not use up what somebody else may send there.
pub const SEND_LINK: Limit = Limit {
    name: "send_link",
    by: By::EmailAndAccount,
    kind: Kind::Counter,
    requests: 5,
    seconds: 3600,
    if_unchecked: IfUnchecked::Closed,
};

/// The same to all addresses together: an account does not send mails to many in the name of the shop.
pub const SEND_LINK_ACCOUNT: Limit = Limit {
    name: "send_link_account",
    by: By::Account,
    kind: Kind::Counter,
    requests: 30,
    seconds: 3600,
    if_unchecked: IfUnchecked::Closed,
};

/// The password of an account, by somebody who is signed in: a device that was left open.
pub const CONFIRM_PASSWORD: Limit = Limit {
    name: "confirm_password",
    by: By::Account,
    kind: Kind::Counter,
    requests: 10,
    seconds: 900,
    if_unchecked: IfUnchecked::Closed,
};

/// `POST /v1/me/export`, which reads everything about an account and leaves a file. Data that were exported today are hardly
/// others.
pub const EXPORT_DATA: Limit = Limit {
    name: "export_data",
    by: By::Account,
    kind: Kind::Counter,
    requests: 3,
    seconds: 86_400,
    if_unchecked: IfUnchecked::Closed,
};

/// All limits, for the settings.
pub const ALL: [&Limit; 13] = [
    &CREATE_CART,
    &CREATE_IMPORT,
    &SIGN_IN,
    &SIGN_IN_NETWORK,
    &SIGN_IN_CODE,
    &MAIL_LINK,
    &MAIL_LINK_NETWORK,
    &REGISTER_EMAIL,
    &RESET_EMAIL,
    &SEND_LINK,
    &SEND_LINK_ACCOUNT,
    &CONFIRM_PASSWORD,
    &EXPORT_DATA,
];

/// A limit that an endpoint declares, with the values that apply unless staff set others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Stable name, as in the settings.
    pub name: &'static str,
    /// Whose requests it counts together.
    pub by: By,
    /// How it counts.
    pub kind: Kind,
    /// Requests in `seconds`.
    pub requests: u32,
    /// The time, in seconds.
    pub seconds: u32,
    /// Fate of requests while the limit cannot be checked.
    pub if_unchecked: IfUnchecked,
}

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Those from one network: an address or a /24 of IPv4, a /64 of IPv6.
    Network,
    /// Those of one account.
    Account,
    /// Those for one email address.
    Email,
    /// Those for one email address from one network.
    EmailAndNetwork,
    /// Those for one email address by one account.
    EmailAndAccount,
    /// All of them.
    Route,
}

/// How a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A token bucket: a number at once, and then as many as time refills.
    Bucket {
        /// The number at once.
        burst: u32,
    },
    /// A number in each window, all of which may be at once.
    Counter,
}

/// Fate of requests while the limit cannot be checked, and of unknown callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfUnchecked {
    /// They are taken: for shopping.
    Open,
    /// They are refused (503); those of unknown callers are counted together: for credentials and costly requests.
    Closed,
}

/// Values of a limit that staff have set; absent ones are the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitSettings {
    /// Requests in `seconds`; 0 is for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u32>,
    /// The time, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
    /// Requests at once, of a token bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// Parts of the limit, each with an item of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<u32>,
    /// Bits of an IPv4 address that are one network, of a limit by network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4_prefix: Option<u32>,
    /// Fields of a later release.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// The values of a limit that apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LimitView {
    /// Requests in `seconds`; 0 is for no limit.
    pub requests: u32,
    /// The time, in seconds.
    pub seconds: u32,
    /// Requests at once, if the limit is a token bucket; otherwise it is a number for each window of `seconds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// Parts of the limit, each with an item of its own.
    pub shards: u32,
    /// Bits of an IPv4 address that are one network, if the limit is one of networks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv4_prefix: Option<u32>,
}

/// A limit with the values that apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    by: By,
    kind: Kind,
    requests: u32,
    seconds: u32,
    shards: u32,
    ipv4_prefix: u32,
}

/// A caller, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caller<'a> {
    /// Address, where it is known; nobody can forge it.
    pub address: Option<IpAddr>,
    /// Account: the subject of a verified token, or of a right password.
    pub account: Option<&'a str>,
    /// Email address that the request is about.
    pub email: Option<&'a str>,
}

/// Name under which requests are counted. It tells nothing about a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LimitKey(String);

/// One part of a limit: the key, and how much may be taken under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The key.
    pub key: LimitKey,
    /// How much may be taken.
    pub quota: Quota,
}

impl Limit {
    /// The values that apply. `settings` are those of staff; without `has_default`, a limit applies only if they have
    /// set its number.
    pub fn view(&self, settings: Option<&LimitSettings>, has_default: bool) -> LimitView {
        let none = LimitSettings::default();
        let own = settings.unwrap_or(&none);
        let number = if has_default { self.requests } else { 0 };
        let burst = match self.kind {
            Kind::Bucket { burst } => Some(own.burst.unwrap_or(burst)),
            Kind::Counter => None,
        };
        LimitView {
            requests: own.requests.unwrap_or(number),
            seconds: own.seconds.unwrap_or(self.seconds),
            burst,
            shards: own.shards.unwrap_or(1),
            ipv4_prefix: (self.by == By::Network).then(|| own.ipv4_prefix.unwrap_or(32)),
        }
    }

    /// The rule that applies, `None` if the limit is off. Values that a later release allows are brought within the
    /// bounds of this one.
    pub fn rule(&self, settings: Option<&LimitSettings>, has_default: bool) -> Option<Rule> {
        let view = self.view(settings, has_default);
        let requests = view.requests.min(MAX_REQUESTS);
        let kind = match view.burst {
            Some(burst) => Kind::Bucket {
                burst: burst.clamp(1, MAX_BURST),
            },
            None => Kind::Counter,
        };
        (requests > 0).then(|| Rule {
            by: self.by,
            kind,
            requests,
            seconds: view.seconds.clamp(1, MAX_SECONDS),
            shards: view.shards.clamp(1, MAX_SHARDS),
            ipv4_prefix: view.ipv4_prefix.unwrap_or(32).clamp(8, 32),
        })
    }

    /// Name of a limit and of the caller; `None` for an unknown one, where such requests are taken.
    fn subject(&self, rule: &Rule, secret: &str, caller: &Caller<'_>) -> Option<String> {
        let known = match self.by {
            By::Network => caller
                .address
                .map(|it| network(it, rule.ipv4_prefix, IPV6_PREFIX)),
            By::Account => caller.account.map(str::to_owned),
            By::Email => caller.email.map(mailbox),
            By::EmailAndNetwork => caller.email.map(|email| {
                // Those from unknown networks are one.
                let network = caller
                    .address
                    .map(|it| network(it, rule.ipv4_prefix, IPV6_PREFIX));
                format!("{}\0{}", mailbox(email), network.unwrap_or_default())
            }),
            By::EmailAndAccount => caller
                .email
                .map(|email| format!("{}\0{}", mailbox(email), caller.account.unwrap_or_default())),
            By::Route => Some(String::new()),
        };
        match (known, self.if_unchecked) {
            (Some(name), _) => Some(pseudonym(secret, self.name, &format!("known\0{name}"))),
            (None, IfUnchecked::Closed) => Some(pseudonym(secret, self.name, "unknown")),
            (None, IfUnchecked::Open) => None,
        }
    }
}

/// The values of all limits that apply.
pub fn views(
    settings: &BTreeMap<String, LimitSettings>,
    has_defaults: bool,
) -> BTreeMap<String, LimitView> {
    let view = |limit: &&Limit| {
        let own = settings.get(limit.name);
        (limit.name.to_owned(), limit.view(own, has_defaults))
    };
    ALL.iter().map(view).collect()
}

impl Rule {
    /// Requests in each window.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// Length of a window.
    pub fn window(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.seconds))
    }

    /// Number of parts: no more than there are requests at once, or a part would take none.
    pub fn parts(&self) -> u32 {
        let at_once = match self.kind {
            Kind::Bucket { burst } => burst,
            Kind::Counter => self.requests,
        };
        self.shards.min(at_once).max(1)
    }

    /// The part `part` of `limit` that a request of `caller` counts for at `now`; `None` for an unknown caller, where
    /// such requests are taken. Keys are hashed with `secret`, as there are few networks. The rule is a part of them: counts
    /// under another one say nothing.
    pub fn share(
        &self,
        limit: &Limit,
        secret: &str,
        caller: &Caller<'_>,
        part: u32,
        now: Timestamp,
    ) -> Option<Share> {
        let subject = limit.subject(self, secret, caller)?;
        let (parts, now) = (self.parts(), now.as_microsecond());
        let length = i64::from(self.seconds).saturating_mul(1_000_000);
        let (quota, rule, window) = match self.kind {
            Kind::Bucket { burst } => {
                // Rounded up: never more than the rate.
                let all = length.saturating_mul(i64::from(parts)).unsigned_abs();
                let interval = all.div_ceil(u64::from(self.requests.max(1)));
                let quota = Quota::Bucket {
                    interval: i64::try_from(interval).unwrap_or(i64::MAX),
                    burst: portion(burst, parts, part),
                };
                (quota, format!("b{burst}"), String::new())
            }
            Kind::Counter => {
                let start = now.div_euclid(length).saturating_mul(length);
                let quota = Quota::Counter {
                    most: portion(self.requests, parts, part),
                    start,
                    window: length,
                };
                (quota, "c".to_owned(), format!("#{}", start / 1_000_000))
            }
        };
        let Self {
            requests, seconds, ..
        } = self;
        let name = limit.name;
        let key = format!("{name}#{rule}-{requests}-{seconds}#{subject}#{part}-{parts}{window}");
        Some(Share {
            key: LimitKey(key),
            quota,
        })
    }
}

impl LimitKey {
    /// The name, which is part of a key of the table.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The share of one of several parts, whose sum is `total`.
fn portion(total: u32, parts: u32, part: u32) -> i64 {
    let rest = u32::from(part < total % parts);
    i64::from(total / parts + rest)
}

/// The network of an address: so many bits of an IPv4 address, or so many of an IPv6 address.
pub(crate) fn network(address: IpAddr, ipv4_prefix: u32, ipv6_prefix: u32) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let bits = address.to_bits().checked_shr(32 - ipv4_prefix.min(32));
            format!("{ipv4_prefix}:{:x}", bits.unwrap_or_default())
        }
        IpAddr::V6(address) => {
            let bits = address.to_bits().checked_shr(128 - ipv6_prefix.min(128));
            format!("{ipv6_prefix}:{:x}", bits.unwrap_or_default())
        }
    }
}

/// The mailbox of an email address: case and what follows a `+` are ignored, as mail servers do. All spellings of an address are
/// one, as they are to whoever looks for its account.
pub(crate) fn mailbox(address: &str) -> String {
    let canonical = text::email(address);
    let address = canonical.as_deref().unwrap_or(address).trim();
    let address = address.to_lowercase();
    let (local, domain) = address.rsplit_once('@').unwrap_or((&address, ""));
    let mailbox = local.split('+').next().unwrap_or(local);
    format!("{mailbox}@{domain}")
}

/// A name hashed with a secret of the shop: there are few networks, so that all of them could be tried otherwise.
pub(crate) fn pseudonym(secret: &str, kind: &str, name: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{kind}\0{name}").as_bytes());
    let mut bits = [0; 16];
    bits.copy_from_slice(&tag.as_ref()[..16]);
    crockford(u128::from_be_bytes(bits))
}

/// The rejection of a request beyond a limit, after which another one may be taken in `wait` microseconds.
pub fn rate_limited(wait: i64) -> Rejection {
    let seconds = wait.max(1).unsigned_abs().div_ceil(1_000_000);
    Rejection {
        retry_after: Some(seconds),
        ..Rejection::new(
            Code::RateLimited,
            "Too many requests; wait for as long as Retry-After says.",
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::limits::{Decision, Take};

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn from(address: &str) -> Caller<'static> {
        Caller {
            address: Some(address.parse().unwrap()),
            ..Caller::default()
        }
    }

    fn share(limit: &Limit, settings: &LimitSettings, caller: &Caller<'_>) -> Option<Share> {
        let rule = limit.rule(Some(settings), true).unwrap();
        rule.share(limit, SECRET, caller, 0, now())
    }

    fn key(limit: &Limit, settings: &LimitSettings, caller: &Caller<'_>) -> String {
        let share = share(limit, settings, caller).unwrap();
        share.key.as_str().to_owned()
    }

    #[test]
    fn a_network_is_an_address_or_a_block() {
        let of = |prefix: Option<u32>, address: &str| {
            let settings = LimitSettings {
                ipv4_prefix: prefix,
                ..LimitSettings::default()
            };
            key(&CREATE_CART, &settings, &from(address))
        };
        assert_eq!(of(None, "203.0.113.7"), of(Some(32), "203.0.113.7"));
        assert_eq!(of(None, "203.0.113.7"), of(None, "::ffff:203.0.113.7"));
        assert_ne!(of(None, "203.0.113.7"), of(None, "203.0.113.8"));
        assert_eq!(of(Some(24), "203.0.113.7"), of(Some(24), "203.0.113.8"));
        assert_ne!(of(Some(24), "203.0.113.7"), of(Some(24), "203.0.114.7"));
        let home = of(None, "2001:db8:0:1100::1");
        assert_eq!(of(None, "2001:db8:0:1100:ffff::"), home);
        assert_ne!(of(None, "2001:db8:0:1101::1"), home);
        // A /64 and an address of IPv4 with the same bits.
        assert_ne!(of(None, "::1:0:0:0:0"), of(None, "0.0.0.1"));
    }

    #[test]
    fn a_key_tells_nothing_about_a_person() {
        let key = key(
            &CREATE_CART,
            &LimitSettings::default(),
            &from("203.0.113.7"),
        );
        assert!(key.starts_with("create_cart#b600-300-60#"), "{key}");
        assert!(!key.contains("203") && !key.contains("cb0071"), "{key}");
        let rule = CREATE_CART.rule(None, true).unwrap();
        let other = rule.share(&CREATE_CART, "another", &from("203.0.113.7"), 0, now());
        assert_ne!(other.unwrap().key.as_str(), key);
        // The longest key leaves an item far below 1 KB.
        assert!(key.len() < 120, "{key}");
    }

    #[test]
    fn each_kind_of_caller_has_keys_of_its_own() {
        let limit = |by: By| Limit { by, ..CREATE_CART };
        let caller = Caller {
            address: Some("203.0.113.7".parse().unwrap()),
            account: Some("ada@example.com"),
            email: Some("Ada+1@Example.com"),
        };
        let none = LimitSettings::default();
        let kinds = [
            By::Network,
            By::Account,
            By::Email,
            By::EmailAndNetwork,
            By::EmailAndAccount,
            By::Route,
        ];
        let keys = kinds.map(|by| key(&limit(by), &none, &caller));
        let others = Caller {
            address: Some("203.0.113.8".parse().unwrap()),
            account: Some("bob"),
            email: Some("ada@example.com"),
        };
        let theirs = kinds.map(|by| key(&limit(by), &none, &others));
        let same: Vec<bool> = keys.iter().zip(&theirs).map(|(a, b)| a == b).collect();
        assert_eq!(same, [false, false, true, false, false, true]);
        let elsewhere = Caller {
            email: Some("bob@example.com"),
            ..caller
        };
        let there = kinds.map(|by| key(&limit(by), &none, &elsewhere));
        let same: Vec<bool> = keys.iter().zip(&there).map(|(a, b)| a == b).collect();
        assert_eq!(same, [true, true, false, false, false, true]);
    }

    #[test]
    fn nobody_knows_a_caller_behind_a_cdn_that_names_none() {
        let unknown = Caller::default();
        let none = LimitSettings::default();
        assert_eq!(share(&CREATE_CART, &none, &unknown), None);
        let closed = Limit {
            if_unchecked: IfUnchecked::Closed,
            ..CREATE_CART
        };
        let together = key(&closed, &none, &unknown);
        assert_ne!(key(&closed, &none, &from("203.0.113.7")), together);
    }

    #[test]
    fn what_staff_have_set_replaces_the_default_value_by_value() {
        let own = LimitSettings {
            requests: Some(10),
            ..LimitSettings::default()
        };
        let view = CREATE_CART.view(Some(&own), true);
        assert_eq!(
            (view.requests, view.seconds, view.burst),
            (10, 60, Some(600))
        );
        assert_eq!((view.shards, view.ipv4_prefix), (1, Some(32)));
        let counter = CREATE_IMPORT.view(None, true);
        assert_eq!((counter.burst, counter.ipv4_prefix), (None, None));
        // 0 turns a limit off; without defaults all are, until staff set them.
        let off = LimitSettings {
            requests: Some(0),
            ..own.clone()
        };
        assert_eq!(CREATE_CART.rule(Some(&off), true), None);
        assert_eq!(CREATE_CART.rule(None, false), None);
        assert_eq!(CREATE_CART.view(None, false).requests, 0);
        assert!(CREATE_CART.rule(Some(&own), false).is_some());
        let settings = BTreeMap::from([("create_cart".to_owned(), own)]);
        let views = views(&settings, true);
        assert_eq!(views.len(), ALL.len());
        assert_eq!(views["create_cart"].requests, 10);
    }

    /// Counts under one rule say nothing about another: a change is in effect at once.
    #[test]
    fn another_rule_has_other_keys() {
        let set = |requests: u32, seconds: u32, burst: u32, shards: u32| LimitSettings {
            requests: Some(requests),
            seconds: Some(seconds),
            burst: Some(burst),
            shards: Some(shards),
            ..LimitSettings::default()
        };
        let rules = [
            set(10, 60, 5, 1),
            set(11, 60, 5, 1),
            set(10, 61, 5, 1),
            set(10, 60, 6, 1),
            set(10, 60, 5, 2),
        ];
        let keys: BTreeSet<String> = rules
            .iter()
            .map(|settings| key(&CREATE_CART, settings, &from("203.0.113.7")))
            .collect();
        assert_eq!(keys.len(), rules.len(), "{keys:?}");
    }

    #[test]
    fn the_window_of_a_counter_is_part_of_its_key() {
        let rule = CREATE_IMPORT.rule(None, true).unwrap();
        let caller = Caller {
            account: Some("ada"),
            ..Caller::default()
        };
        let at = |seconds: i64| {
            let now = Timestamp::from_second(1_800_000_000 + seconds).unwrap();
            let share = rule.share(&CREATE_IMPORT, SECRET, &caller, 0, now);
            share.unwrap().key.as_str().to_owned()
        };
        assert_eq!(at(0), at(3599));
        assert_ne!(at(0), at(3600));
        assert!(at(0).ends_with("#0-1#1800000000"), "{}", at(0));
    }

    /// Values that this release would not take: from a later one, or by hand.
    #[test]
    fn stored_values_beyond_the_bounds_do_no_harm() {
        let wild = LimitSettings {
            requests: Some(u32::MAX),
            seconds: Some(u32::MAX),
            burst: Some(u32::MAX),
            shards: Some(u32::MAX),
            ipv4_prefix: Some(u32::MAX),
            ..LimitSettings::default()
        };
        let zero = LimitSettings {
            requests: Some(1),
            seconds: Some(0),
            burst: Some(0),
            shards: Some(0),
            ipv4_prefix: Some(0),
            ..LimitSettings::default()
        };
        for settings in [wild, zero] {
            let share = share(&CREATE_CART, &settings, &from("203.0.113.7")).unwrap();
            let decision = share.quota.decide(None, now().as_microsecond());
            assert!(matches!(decision, Decision::Take(Take::Full { .. })));
        }
    }

    #[test]
    fn the_longest_values_are_within_their_bounds() {
        for limit in ALL {
            let view = limit.view(None, true);
            assert!((1..=MAX_REQUESTS).contains(&view.requests), "{limit:?}");
            assert!((1..=MAX_SECONDS).contains(&view.seconds), "{limit:?}");
            assert!(view.burst.is_none_or(|it| (1..=MAX_BURST).contains(&it)));
        }
        let names: BTreeSet<&str> = ALL.iter().map(|limit| limit.name).collect();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn the_wait_is_told_in_whole_seconds() {
        for (wait, seconds) in [(-1, 1), (1, 1), (1_000_000, 1), (1_000_001, 2)] {
            assert_eq!(rate_limited(wait).retry_after, Some(seconds), "{wait}");
        }
    }

    proptest! {
        /// The parts of a limit together are the limit, and none of them takes nothing.
        #[test]
        fn parts_add_up(requests in 1_u32..2000, seconds in 1_u32..5000, burst in 1_u32..2000, shards in 1_u32..64) {
            let settings = LimitSettings {
                requests: Some(requests),
                seconds: Some(seconds),
                burst: Some(burst),
                shards: Some(shards),
                ..LimitSettings::default()
            };
            for limit in [CREATE_CART, CREATE_IMPORT] {
                let rule = limit.rule(Some(&settings), true).unwrap();
                let caller = Caller { account: Some("ada"), ..from("203.0.113.7") };
                let (mut at_once, mut keys) = (0, BTreeSet::new());
                for part in 0..rule.parts() {
                    let share = rule.share(&limit, SECRET, &caller, part, now()).unwrap();
                    keys.insert(share.key.as_str().to_owned());
                    match share.quota {
                        Quota::Bucket { interval, burst } => {
                            prop_assert!(burst > 0);
                            at_once += burst;
                            // All parts in the time of the limit: no more than its requests.
                            let each = i64::from(seconds) * 1_000_000 / interval;
                            prop_assert!(each * i64::from(rule.parts()) <= i64::from(requests));
                        }
                        Quota::Counter { most, .. } => {
                            prop_assert!(most > 0);
                            at_once += most;
                        }
                    }
                }
                prop_assert_eq!(keys.len(), usize::try_from(rule.parts()).unwrap());
                let all = match limit.kind {
                    Kind::Bucket { .. } => burst,
                    Kind::Counter => requests,
                };
                prop_assert_eq!(at_once, i64::from(all));
            }
        }
    }
}
