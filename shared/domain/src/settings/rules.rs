//! The stored settings, the rules of their values, and the values that apply.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{LimitPatch, SettingsPatch};
use crate::{
    documents::{self, DocumentKind, MAX_DOCUMENT_BYTES, NewRevision},
    fault::{Code, FieldFault, Rejection},
    invoices::Seller,
    limits::{self, LimitSettings, MAX_BURST, MAX_REFILL, MAX_REQUESTS, MAX_SECONDS, MAX_SHARDS},
    orders::{Actor, PaymentWindow},
    text::FieldCheck,
    wire::{Members, Object, Patch},
};

/// Longest payment window and hold, in seconds: as in the template.
const MAX_WINDOW: u32 = 604_800;
/// Longest name of the shop and of the sender, in characters.
const MAX_NAME: usize = 60;
const MAX_ADDRESS_LINES: usize = 8;
const MAX_LOCALES: usize = 20;
const MAX_FLAGS: usize = 50;
const MAX_URL: usize = 500;

/// The settings that staff have made; what is absent follows the template.
///
/// Reading is lenient and writing is strict: a document of another release has fields that this one does not know, at
/// any depth, which it keeps, and values that this one would not take.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Name of the shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop_name: Option<String>,
    /// Name beside the address from which the shop's emails come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_sender_name: Option<String>,
    /// The seller on invoices.
    #[serde(default, skip_serializing_if = "SellerSettings::is_empty")]
    pub seller: SellerSettings,
    /// Name of the tax that prices include.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_name: Option<String>,
    /// Seconds for which the stock of an order stays reserved once the customer has begun to pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_window_seconds: Option<u32>,
    /// Seconds for which it stays reserved before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_seconds: Option<u32>,
    /// Languages of the shop, the preferred one first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locales: Option<Vec<String>>,
    /// Pages that the law asks for.
    #[serde(default, skip_serializing_if = "LegalLinks::is_empty")]
    pub legal_links: LegalLinks,
    /// Stripe's publishable key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_publishable_key: Option<String>,
    /// Switches that clients heed, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flags: BTreeMap<String, bool>,
    /// Limits of callers, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, LimitSettings>,
    /// Fields of a later release.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// The seller's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SellerSettings {
    /// Name of the company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Address of the company, line by line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Vec<String>>,
    /// Tax identification number; empty to leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_id: Option<String>,
    /// Contact address for questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Fields of a later release.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// Addresses of pages that the law asks for: `https://…`, or a path of the shop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalLinks {
    /// Terms of sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
    /// Privacy policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy: Option<String>,
    /// Name and address of the company behind the shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imprint: Option<String>,
    /// Returns and withdrawal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<String>,
    /// Fields of a later release.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl SellerSettings {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl LegalLinks {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The template's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Name of the shop.
    pub shop_name: String,
    /// The seller on invoices.
    pub seller: Seller,
    /// Name of the tax that prices include.
    pub tax_name: String,
    /// How long stock is reserved for a payment.
    pub payment_window: PaymentWindow,
    /// Languages of the shop.
    pub locales: Vec<String>,
    /// Stripe's publishable key.
    pub stripe_publishable_key: Option<String>,
    /// Whether limits that staff have not set are those of the code; otherwise they are off.
    pub has_default_limits: bool,
}

/// Why the settings were not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeSettingsError {
    /// The request names no version.
    #[error("the change names no version")]
    VersionMissing,
    /// The settings have another version than the request names.
    #[error("the settings have another version")]
    VersionMismatch,
    /// No revision has this number.
    #[error("the revision does not exist")]
    NoSuchRevision,
    /// The revision exists, but its document cannot be read.
    #[error("the revision cannot be read")]
    RevisionUnreadable,
    /// Values that the rules do not allow.
    #[error("some settings are not valid")]
    Invalid(Rejection),
    /// Others keep changing the settings.
    #[error("the settings keep changing")]
    Contended,
}

/// Author and time of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The member of staff.
    pub actor: Actor,
    /// Time of the request.
    pub at: Timestamp,
}

/// A change that the rules allow.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingsChange {
    /// The new settings.
    pub settings: Settings,
    /// The revision to write.
    pub revision: NewRevision,
}

impl SettingsChange {
    /// Whether there is nothing to write. A restored revision is always written: that somebody restored it is a fact of
    /// the history.
    pub fn is_none(&self) -> bool {
        self.revision.changed.is_empty() && self.revision.restored_from.is_none()
    }
}

/// Decides the settings after a patch of `current`.
pub fn change_settings(
    patch: SettingsPatch,
    current: &Settings,
    defaults: &Defaults,
    author: Author,
) -> Result<SettingsChange, ChangeSettingsError> {
    let settings = current.patched(patch, defaults);
    let settings = settings.map_err(ChangeSettingsError::Invalid)?;
    settings.into_change(current, author, None)
}

/// Decides the settings that a new revision with the content of the revision `number` has.
pub fn restore_settings(
    number: u64,
    content: Settings,
    current: &Settings,
    author: Author,
) -> Result<SettingsChange, ChangeSettingsError> {
    let settings = content.checked(FieldCheck::default(), None);
    let settings = settings.map_err(ChangeSettingsError::Invalid)?;
    settings.into_change(current, author, Some(number))
}

/// Parses a stored document.
pub fn parse(body: &str) -> Result<Settings, serde_json::Error> {
    serde_json::from_str(body)
}

/// The values of a stored document that are set, as text, by the names that the history has: for the audit trail.
pub fn values(body: &str) -> Result<BTreeMap<String, String>, serde_json::Error> {
    let members = parse(body)?.members().into_iter();
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(members.map(|(name, value)| (name, text(value))).collect())
}

impl Settings {
    /// The settings after a patch, validated as a whole. All faults are reported at once.
    fn patched(&self, patch: SettingsPatch, defaults: &Defaults) -> Result<Self, Rejection> {
        let mut new = self.clone();
        let mut check = FieldCheck::default();
        // A deployment may have made the template's window shorter than a hold that is set: that concerns no other change.
        let names_window =
            patch.payment_window_seconds != Patch::Keep || patch.hold_seconds != Patch::Keep;
        patch.shop_name.apply(&mut new.shop_name);
        patch.mail_sender_name.apply(&mut new.mail_sender_name);
        match patch.seller {
            Patch::Keep => {}
            Patch::Reset => new.seller = SellerSettings::default(),
            Patch::Set(seller) => {
                seller.name.apply(&mut new.seller.name);
                seller.address.apply(&mut new.seller.address);
                seller.tax_id.apply(&mut new.seller.tax_id);
                seller.email.apply(&mut new.seller.email);
            }
        }
        patch.tax_name.apply(&mut new.tax_name);
        patch
            .payment_window_seconds
            .apply(&mut new.payment_window_seconds);
        patch.hold_seconds.apply(&mut new.hold_seconds);
        patch.locales.apply(&mut new.locales);
        match patch.legal_links {
            Patch::Keep => {}
            Patch::Reset => new.legal_links = LegalLinks::default(),
            Patch::Set(links) => {
                links.terms.apply(&mut new.legal_links.terms);
                links.privacy.apply(&mut new.legal_links.privacy);
                links.imprint.apply(&mut new.legal_links.imprint);
                links.returns.apply(&mut new.legal_links.returns);
            }
        }
        match patch.publishable_keys {
            Patch::Keep => {}
            Patch::Reset => new.stripe_publishable_key = None,
            Patch::Set(keys) => keys.stripe.apply(&mut new.stripe_publishable_key),
        }
        match patch.flags {
            Patch::Keep => {}
            Patch::Reset => new.flags.clear(),
            Patch::Set(flags) => {
                for (name, value) in flags.0 {
                    match value {
                        Some(value) => new.flags.insert(name, value),
                        None => new.flags.remove(&name),
                    };
                }
            }
        }
        match patch.limits {
            Patch::Keep => {}
            Patch::Reset => new.limits.clear(),
            Patch::Set(patches) => patch_limits(&mut check, &mut new.limits, patches),
        }
        new.checked(check, names_window.then_some(defaults.payment_window))
    }

    /// The settings with their texts cleaned, or all faults. A restored revision is checked like a changed one: the
    /// rules may be stricter today. With `default_window`, a hold beyond the window is a fault; otherwise it is left to
    /// [`payment_window`](Self::payment_window), which shortens it.
    fn checked(
        mut self,
        mut check: FieldCheck,
        default_window: Option<PaymentWindow>,
    ) -> Result<Self, Rejection> {
        line(&mut check, "shop_name", &mut self.shop_name, MAX_NAME);
        let sender = &mut self.mail_sender_name;
        line(&mut check, "mail_sender_name", sender, MAX_NAME);
        let seller = &mut self.seller;
        line(&mut check, "seller.name", &mut seller.name, 100);
        if let Some(address) = &mut seller.address {
            lines(&mut check, "seller.address", address);
        }
        if let Some(tax_id) = &mut seller.tax_id {
            let given = Some(std::mem::take(tax_id));
            let cleaned = check.optional_line("seller.tax_id", given, 50);
            *tax_id = cleaned.unwrap_or_default();
        }
        if let Some(email) = &mut seller.email {
            *email = check.email("seller.email", email);
        }
        line(&mut check, "tax_name", &mut self.tax_name, 30);
        seconds(
            &mut check,
            "payment_window_seconds",
            self.payment_window_seconds,
        );
        seconds(&mut check, "hold_seconds", self.hold_seconds);
        let whole = |default| self.payment_window(default).whole.as_secs();
        if let (Some(most), Some(hold)) = (default_window.map(whole), self.hold_seconds)
            && !check.has("hold_seconds")
            && !check.has("payment_window_seconds")
            && i64::from(hold) > most
        {
            let message = format!("Must be at most payment_window_seconds, which is {most}.");
            check.fault("hold_seconds", "out_of_range", message);
        }
        if let Some(locales) = &mut self.locales {
            check_locales(&mut check, locales);
        }
        let links = &mut self.legal_links;
        for (field, link) in [
            ("legal_links.terms", &mut links.terms),
            ("legal_links.privacy", &mut links.privacy),
            ("legal_links.imprint", &mut links.imprint),
            ("legal_links.returns", &mut links.returns),
        ] {
            check_link(&mut check, field, link);
        }
        check_stripe_key(&mut check, &self.stripe_publishable_key);
        check_flags(&mut check, &self.flags);
        check_limits(&mut check, &self.limits);
        check.finish(self).map_err(Rejection::invalid)
    }

    /// The change that these settings are.
    fn into_change(
        self,
        before: &Self,
        author: Author,
        restored_from: Option<u64>,
    ) -> Result<SettingsChange, ChangeSettingsError> {
        let too_large = |message: String| {
            let fault = FieldFault::new("body", "too_long", message);
            ChangeSettingsError::Invalid(Rejection::invalid(vec![fault]))
        };
        let body = serde_json::to_string(&self).map_err(|error| too_large(error.to_string()))?;
        if body.len() > MAX_DOCUMENT_BYTES {
            // Unreachable by the rules of each field: what a later release has written adds to them.
            return Err(too_large(format!(
                "The settings have {} bytes; at most {MAX_DOCUMENT_BYTES} are kept.",
                body.len()
            )));
        }
        let revision = NewRevision {
            kind: DocumentKind::Settings,
            body,
            changed_by: author.actor,
            changed_at: author.at,
            changed: self.differing(before),
            restored_from,
        };
        Ok(SettingsChange {
            settings: self,
            revision,
        })
    }

    /// Names of the fields that differ from another document.
    fn differing(&self, other: &Self) -> Vec<String> {
        let (ours, theirs) = (self.members(), other.members());
        let names = ours.keys().chain(theirs.keys());
        let mut names: Vec<&String> = names
            .filter(|name| ours.get(*name) != theirs.get(*name))
            .collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().cloned().collect()
    }

    /// Names of the fields that staff have set.
    pub fn set(&self) -> Vec<String> {
        self.differing(&Self::default())
    }

    /// All values that are set, by name; those within `seller`, `legal_links` and `limits` as `seller.name`.
    fn members(&self) -> BTreeMap<String, Value> {
        let mut members = BTreeMap::new();
        let Ok(Value::Object(fields)) = serde_json::to_value(self) else {
            return members;
        };
        for (name, value) in fields {
            match (name.as_str(), value) {
                ("seller" | "legal_links" | "limits", Value::Object(parts)) => {
                    let named = parts.into_iter();
                    members.extend(named.map(|(part, value)| (format!("{name}.{part}"), value)));
                }
                ("stripe_publishable_key", value) => {
                    members.insert("publishable_keys.stripe".to_owned(), value);
                }
                (_, value) => {
                    members.insert(name, value);
                }
            }
        }
        members
    }

    /// Name of the shop.
    pub fn shop_name<'a>(&'a self, default: &'a str) -> &'a str {
        self.shop_name.as_deref().unwrap_or(default)
    }

    /// Name beside the address from which the shop's emails come: that of the shop, unless it is set.
    pub fn mail_sender_name<'a>(&'a self, default_shop_name: &'a str) -> &'a str {
        let sender = self.mail_sender_name.as_deref();
        sender.unwrap_or_else(|| self.shop_name(default_shop_name))
    }

    /// The seller on invoices.
    pub fn seller(&self, default: &Seller) -> Seller {
        let own = &self.seller;
        let tax_id = own.tax_id.clone().or_else(|| default.tax_id.clone());
        Seller {
            name: own.name.clone().unwrap_or_else(|| default.name.clone()),
            address: own
                .address
                .clone()
                .unwrap_or_else(|| default.address.clone()),
            tax_id: tax_id.filter(|id| !id.is_empty()),
            email: own.email.clone().unwrap_or_else(|| default.email.clone()),
        }
    }

    /// Name of the tax that prices include.
    pub fn tax_name<'a>(&'a self, default: &'a str) -> &'a str {
        self.tax_name.as_deref().unwrap_or(default)
    }

    /// How long stock is reserved for a payment. A hold is never longer than the window.
    pub fn payment_window(&self, default: PaymentWindow) -> PaymentWindow {
        let own = |seconds: Option<u32>| seconds.map(|it| SignedDuration::from_secs(it.into()));
        let whole = own(self.payment_window_seconds).unwrap_or(default.whole);
        let hold = own(self.hold_seconds).unwrap_or(default.hold);
        PaymentWindow {
            hold: hold.min(whole),
            whole,
        }
    }

    /// Languages of the shop, the preferred one first.
    pub fn locales(&self, default: &[String]) -> Vec<String> {
        self.locales.clone().unwrap_or_else(|| default.to_vec())
    }

    /// Stripe's publishable key.
    pub fn stripe_publishable_key(&self, default: Option<&str>) -> Option<String> {
        let own = self.stripe_publishable_key.as_deref();
        own.or(default).map(str::to_owned)
    }
}

impl From<ChangeSettingsError> for Rejection {
    fn from(error: ChangeSettingsError) -> Self {
        match error {
            ChangeSettingsError::VersionMissing => documents::version_required(),
            ChangeSettingsError::VersionMismatch => Self::new(
                Code::PreconditionFailed,
                "The settings have changed since they were read; read them again.",
            ),
            ChangeSettingsError::NoSuchRevision => Self::not_found("revision"),
            ChangeSettingsError::RevisionUnreadable => documents::unreadable(),
            ChangeSettingsError::Invalid(rejection) => rejection,
            ChangeSettingsError::Contended => Self::new(
                Code::Busy,
                "Others are changing the settings at this moment; send the same request again.",
            ),
        }
    }
}

/// Cleans and checks a text that is set.
fn line(check: &mut FieldCheck, field: &str, text: &mut Option<String>, max: usize) {
    if let Some(text) = text {
        *text = check.line(field, text, max);
    }
}

/// Cleans and checks the lines of an address; none is an address, too.
fn lines(check: &mut FieldCheck, field: &str, lines: &mut [String]) {
    if lines.len() > MAX_ADDRESS_LINES {
        let message = format!("Must have at most {MAX_ADDRESS_LINES} lines.");
        check.fault(field, "too_many", message);
        return;
    }
    for (index, line) in lines.iter_mut().enumerate() {
        *line = check.line(&format!("{field}[{index}]"), line, 100);
    }
}

fn seconds(check: &mut FieldCheck, field: &str, seconds: Option<u32>) {
    if seconds.is_some_and(|seconds| !(1..=MAX_WINDOW).contains(&seconds)) {
        let message = format!("Must be from 1 to {MAX_WINDOW}.");
        check.fault(field, "out_of_range", message);
    }
}

fn check_locales(check: &mut FieldCheck, locales: &mut [String]) {
    if !(1..=MAX_LOCALES).contains(&locales.len()) {
        let message = format!("Must have 1 to {MAX_LOCALES} languages.");
        check.fault("locales", "out_of_range", message);
        return;
    }
    let mut seen: Vec<String> = Vec::with_capacity(locales.len());
    for (index, locale) in locales.iter_mut().enumerate() {
        let field = format!("locales[{index}]");
        match language_tag(locale) {
            None => {
                let message = "Must be a language tag (BCP 47) such as en, de-CH or zh-Hant.";
                check.fault(&field, "invalid", message);
            }
            Some(tag) if seen.contains(&tag) => {
                check.fault(&field, "duplicate", "Is given more than once.");
            }
            Some(tag) => {
                seen.push(tag.clone());
                *locale = tag;
            }
        }
    }
}

/// The languages in a parameter of the template, separated by commas: each once and in its usual case, as if staff had set
/// them.
pub fn locales(list: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in list.split(',').filter_map(language_tag) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// A language tag of language, script and region in its usual case; `None` for anything else.
fn language_tag(text: &str) -> Option<String> {
    let mut parts = text.trim().split('-').peekable();
    let letters = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let language = parts.next().filter(|part| letters(part, 2..=3))?;
    let mut tag = language.to_ascii_lowercase();
    if let Some(script) = parts.next_if(|part| letters(part, 4..=4)) {
        let (first, rest) = script.split_at(1);
        tag += "-";
        tag += &first.to_ascii_uppercase();
        tag += &rest.to_ascii_lowercase();
    }
    let is_number = |part: &str| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(region) = parts.next_if(|part| letters(part, 2..=2) || is_number(part)) {
        tag += "-";
        tag += &region.to_ascii_uppercase();
    }
    parts.next().is_none().then_some(tag)
}

/// Checks the address of a page: clients follow it, so that `javascript:` is not one.
fn check_link(check: &mut FieldCheck, field: &str, link: &mut Option<String>) {
    let Some(text) = link else {
        return;
    };
    *text = check.line(field, text, MAX_URL);
    let is_host = |rest: &str| !rest.is_empty() && !rest.starts_with('/');
    let is_page = match text.strip_prefix("https://") {
        Some(rest) => is_host(rest),
        // Neither a path nor `//host`, which is another host.
        None => text.starts_with('/') && !text.starts_with("//"),
    };
    let is_plain = text.is_ascii() && !text.contains(|c: char| c == ' ' || "<>\"'\\".contains(c));
    let is_link = is_page && is_plain;
    if !is_link && !check.has(field) {
        let message = "Must begin with https://, or with / for a page of the shop; in ASCII: percent-encode other characters.";
        check.fault(field, "invalid", message);
    }
}

/// Checks that the key is one that everybody may see.
fn check_stripe_key(check: &mut FieldCheck, key: &Option<String>) {
    let field = "publishable_keys.stripe";
    let Some(key) = key else {
        return;
    };
    let rest = ["pk_test_", "pk_live_"]
        .iter()
        .find_map(|prefix| key.strip_prefix(prefix));
    let is_key = rest.is_some_and(|rest| {
        (1..=200).contains(&rest.len())
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    if !is_key {
        let message = "Must be a publishable key (pk_test_… or pk_live_…). Everybody sees it: never a secret key.";
        check.fault(field, "invalid", message);
    }
}

fn check_flags(check: &mut FieldCheck, flags: &BTreeMap<String, bool>) {
    if flags.len() > MAX_FLAGS {
        let message = format!("Must have at most {MAX_FLAGS} flags.");
        check.fault("flags", "too_many", message);
    }
    let is_name = |name: &str| {
        (1..=40).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .bytes()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
    };
    for name in flags.keys().filter(|name| !is_name(name)).take(MAX_FLAGS) {
        // A name of any length is the client's own text.
        let shown: String = name.chars().take(40).collect();
        let message =
            "Names have 1 to 40 characters, a to z, 0 to 9 and _, and begin with a letter.";
        check.fault(&format!("flags.{shown}"), "invalid", message);
    }
}

/// Changes limits. A limit of a later release is kept, and can be removed, but nobody can set it here.
fn patch_limits(
    check: &mut FieldCheck,
    limits: &mut BTreeMap<String, LimitSettings>,
    patches: Members<Option<Object<LimitPatch>>>,
) {
    for (name, patch) in patches.0 {
        let is_known = limits::ALL.iter().any(|limit| limit.name == name);
        if !is_known && (patch.is_some() || !limits.contains_key(&name)) {
            // A name of any length is the client's own text.
            let shown: String = name.chars().take(40).collect();
            let known: Vec<&str> = limits::ALL.iter().map(|limit| limit.name).collect();
            let message = format!("No limit has this name; there are {}.", known.join(", "));
            check.fault(&format!("limits.{shown}"), "unknown_field", message);
            continue;
        }
        let Some(Object(patch)) = patch else {
            limits.remove(&name);
            continue;
        };
        let limit = limits.entry(name.clone()).or_default();
        patch.requests.apply(&mut limit.requests);
        patch.seconds.apply(&mut limit.seconds);
        patch.burst.apply(&mut limit.burst);
        patch.shards.apply(&mut limit.shards);
        patch.ipv4_prefix.apply(&mut limit.ipv4_prefix);
        if *limit == LimitSettings::default() {
            limits.remove(&name);
        }
    }
}

/// Checks the limits that this release knows, each as a whole: as one of its values changes what another may be.
fn check_limits(check: &mut FieldCheck, limits: &BTreeMap<String, LimitSettings>) {
    for limit in limits::ALL {
        let Some(own) = limits.get(limit.name) else {
            continue;
        };
        let view = limit.view(Some(own), true);
        let field = |part: &str| format!("limits.{}.{part}", limit.name);
        let mut within = |part: &str, value: Option<u32>, least: u32, most: u32| {
            if value.is_some_and(|value| !(least..=most).contains(&value)) {
                let message = format!("Must be from {least} to {most}.");
                check.fault(&field(part), "out_of_range", message);
            }
        };
        within("requests", own.requests, 0, MAX_REQUESTS);
        within("seconds", own.seconds, 1, MAX_SECONDS);
        within("burst", own.burst, 1, MAX_BURST);
        within("shards", own.shards, 1, MAX_SHARDS);
        if own.burst.is_some() && view.burst.is_none() {
            let message = "This limit is a number for each window, which has no burst.";
            check.fault(&field("burst"), "conflict", message);
        }
        match (own.ipv4_prefix, view.ipv4_prefix) {
            (Some(_), None) => {
                let message = "This limit is not one of networks.";
                check.fault(&field("ipv4_prefix"), "conflict", message);
            }
            (Some(prefix), _) if ![24, 32].contains(&prefix) => {
                let message = "Must be 24 or 32.";
                check.fault(&field("ipv4_prefix"), "unknown_value", message);
            }
            _ => {}
        }
        let refill = u64::from(view.burst.unwrap_or_default()) * u64::from(view.seconds);
        if refill > MAX_REFILL * u64::from(view.requests)
            && view.requests > 0
            && !check.has(&field("burst"))
        {
            let most = MAX_REFILL * u64::from(view.requests) / u64::from(view.seconds);
            let message = format!(
                "Must be at most {most} with {} requests in {} seconds, to be refilled within a week; set it in the same change.",
                view.requests, view.seconds
            );
            check.fault(&field("burst"), "out_of_range", message);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    pub(crate) fn defaults() -> Defaults {
        Defaults {
            shop_name: "Demo".into(),
            seller: Seller {
                name: "Demo Ltd".into(),
                address: vec!["1 High Street".into()],
                tax_id: Some("GB 1".into()),
                email: "shop@example.com".into(),
            },
            tax_name: "VAT".into(),
            payment_window: PaymentWindow {
                hold: SignedDuration::from_secs(300),
                whole: SignedDuration::from_secs(900),
            },
            locales: vec!["en".into()],
            stripe_publishable_key: None,
            has_default_limits: true,
        }
    }

    fn patch(settings: &Settings, patch: Value) -> Result<Settings, Rejection> {
        let patch = serde_json::from_value(patch).unwrap();
        settings.patched(patch, &defaults())
    }

    fn patched(patch: Value) -> Settings {
        self::patch(&Settings::default(), patch).unwrap()
    }

    fn faults(patch: Value) -> Vec<String> {
        let rejection = self::patch(&Settings::default(), patch).unwrap_err();
        assert_eq!(rejection.code, Code::ValidationFailed);
        let faults = rejection.fields.into_iter();
        faults
            .map(|fault| format!("{}: {}", fault.field, fault.code))
            .collect()
    }

    fn full() -> Value {
        json!({
            "shop_name": " Long  Meadow ",
            "mail_sender_name": "Ada of Long Meadow",
            "seller": {
                "name": "Long Meadow GmbH",
                "address": ["Langwiese 1", "10115 Berlin"],
                "tax_id": "DE 136695976",
                "email": "hallo@wiese.example",
            },
            "tax_name": "MwSt.",
            "payment_window_seconds": 1200,
            "hold_seconds": 600,
            "locales": ["DE-ch", "en", "ZH-hant-tw", "es-419"],
            "legal_links": { "terms": "https://wiese.example/agb", "imprint": "/imprint.html" },
            "publishable_keys": { "stripe": "pk_test_51abc" },
            "flags": { "gift_cards": true, "reviews": false },
            "limits": { "create_cart": { "requests": 10, "burst": 5, "ipv4_prefix": 24 } },
        })
    }

    #[test]
    fn without_settings_the_template_applies() {
        let (none, defaults) = (Settings::default(), defaults());
        assert_eq!(none.shop_name(&defaults.shop_name), "Demo");
        assert_eq!(none.mail_sender_name(&defaults.shop_name), "Demo");
        assert_eq!(none.seller(&defaults.seller), defaults.seller);
        assert_eq!(none.tax_name(&defaults.tax_name), "VAT");
        let window = none.payment_window(defaults.payment_window);
        assert_eq!(window, defaults.payment_window);
        assert_eq!(none.locales(&defaults.locales), ["en"]);
        assert_eq!(none.stripe_publishable_key(Some("pk")), Some("pk".into()));
        assert!(none.set().is_empty());
        assert_eq!(serde_json::to_string(&none).unwrap(), "{}");
    }

    #[test]
    fn what_is_set_replaces_the_template_value_by_value() {
        let (settings, defaults) = (patched(full()), defaults());
        assert_eq!(settings.shop_name(&defaults.shop_name), "Long Meadow");
        assert_eq!(settings.mail_sender_name("x"), "Ada of Long Meadow");
        assert_eq!(settings.seller(&defaults.seller).name, "Long Meadow GmbH");
        assert_eq!(
            settings.locales(&defaults.locales),
            ["de-CH", "en", "zh-Hant-TW", "es-419"]
        );
        let window = settings.payment_window(defaults.payment_window);
        assert_eq!((window.hold.as_secs(), window.whole.as_secs()), (600, 1200));

        let named = patched(json!({ "seller": { "name": "Other" }, "shop_name": "New" }));
        let seller = named.seller(&defaults.seller);
        assert_eq!(seller.name, "Other");
        assert_eq!(seller.address, defaults.seller.address);
        assert_eq!(named.mail_sender_name("x"), "New", "that of the shop");
        assert_eq!(named.set(), ["seller.name", "shop_name"]);
        // Without a number, and without an address, which the template has.
        let bare = patched(json!({ "seller": { "tax_id": "", "address": [] } }));
        let seller = bare.seller(&defaults.seller);
        assert_eq!((seller.tax_id, seller.address.len()), (None, 0));
    }

    /// What a page has read, it can send back.
    #[test]
    fn languages_of_the_template_are_as_staff_would_set_them() {
        let tags = locales("en, de-ch,,EN,zh-hant-tw,english");
        assert_eq!(tags, ["en", "de-CH", "zh-Hant-TW"]);
        let sent = patched(json!({ "locales": tags }));
        assert_eq!(sent.locales.unwrap(), tags);
        assert!(locales("").is_empty());
    }

    #[test]
    fn a_patch_keeps_what_it_does_not_name_and_null_resets() {
        let before = patched(full());
        assert_eq!(patch(&before, json!({})).unwrap(), before);
        let after = patch(
            &before,
            json!({
                "tax_name": null,
                "seller": { "address": null },
                "legal_links": null,
                "publishable_keys": { "stripe": null },
                "flags": { "reviews": null, "wishlist": true },
            }),
        )
        .unwrap();
        assert_eq!(after.tax_name, None);
        assert_eq!(after.seller.name, before.seller.name);
        assert_eq!(after.seller.address, None);
        assert!(after.legal_links.is_empty());
        let flags: Vec<_> = after
            .flags
            .iter()
            .map(|(name, on)| (&**name, *on))
            .collect();
        assert_eq!(flags, [("gift_cards", true), ("wishlist", true)]);
        assert_eq!(
            after.differing(&before),
            [
                "flags",
                "legal_links.imprint",
                "legal_links.terms",
                "publishable_keys.stripe",
                "seller.address",
                "tax_name",
            ]
        );
        let all: Map<String, Value> = full()
            .as_object()
            .unwrap()
            .keys()
            .map(|name| (name.clone(), Value::Null))
            .collect();
        let none = patch(&before, Value::Object(all)).unwrap();
        assert_eq!(none, Settings::default());
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        let bad = json!({
            "shop_name": "\u{200B}",
            "mail_sender_name": "x\r\nBcc: eve@example.com",
            "seller": { "name": "", "address": ["ok", " "], "tax_id": "x".repeat(51), "email": "x" },
            "tax_name": "x".repeat(31),
            "payment_window_seconds": 0,
            "hold_seconds": 604_801,
            "locales": ["en", "EN", "english", "e", "de-CH-1996", "a-b"],
            "legal_links": { "terms": "javascript:alert(1)", "privacy": "//evil.example", "imprint": "http://x", "returns": "https://" },
            "publishable_keys": { "stripe": "sk_live_51abc" },
            "flags": { "Gift": true, "": true, "ok": true },
            "limits": {
                "create_cart": { "requests": 1_000_001, "seconds": 0, "burst": 0, "shards": 65, "ipv4_prefix": 16 },
                "create_import": { "requests": 5, "burst": 5, "ipv4_prefix": 24 },
                "unheard_of": { "requests": 5 },
            },
        });
        assert_eq!(
            faults(bad),
            [
                // Before the values are checked together.
                "limits.unheard_of: unknown_field",
                "shop_name: required",
                "mail_sender_name: invalid",
                "seller.name: required",
                "seller.address[1]: required",
                "seller.tax_id: too_long",
                "seller.email: invalid_email",
                "tax_name: too_long",
                "payment_window_seconds: out_of_range",
                "hold_seconds: out_of_range",
                "locales[1]: duplicate",
                "locales[2]: invalid",
                "locales[3]: invalid",
                "locales[4]: invalid",
                "locales[5]: invalid",
                "legal_links.terms: invalid",
                "legal_links.privacy: invalid",
                "legal_links.imprint: invalid",
                "legal_links.returns: invalid",
                "publishable_keys.stripe: invalid",
                "flags.: invalid",
                "flags.Gift: invalid",
                "limits.create_cart.requests: out_of_range",
                "limits.create_cart.seconds: out_of_range",
                "limits.create_cart.burst: out_of_range",
                "limits.create_cart.shards: out_of_range",
                "limits.create_cart.ipv4_prefix: unknown_value",
                "limits.create_import.burst: conflict",
                "limits.create_import.ipv4_prefix: conflict",
            ]
        );
        assert_eq!(faults(json!({ "locales": [] })), ["locales: out_of_range"]);
        let address = json!({ "seller": { "address": vec!["x"; 9] } });
        assert_eq!(faults(address), ["seller.address: too_many"]);
        let flags: Map<String, Value> = (0..51).map(|n| (format!("f{n}"), json!(true))).collect();
        assert_eq!(faults(json!({ "flags": flags })), ["flags: too_many"]);
    }

    /// The hold is a part of the window: whichever of both is changed, in whichever order.
    #[test]
    fn a_hold_is_at_most_the_window() {
        let settings = patched(json!({ "payment_window_seconds": 60 }));
        let window = settings.payment_window(defaults().payment_window);
        assert_eq!((window.hold.as_secs(), window.whole.as_secs()), (60, 60));
        let too_long = patch(&settings, json!({ "hold_seconds": 61 })).unwrap_err();
        assert_eq!(too_long.fields[0].field, "hold_seconds");
        assert_eq!(
            faults(json!({ "hold_seconds": 901 })),
            ["hold_seconds: out_of_range"]
        );
        let held = patched(json!({ "hold_seconds": 900 }));
        assert!(patch(&held, json!({ "payment_window_seconds": 899 })).is_err());
        assert!(
            patch(
                &held,
                json!({ "payment_window_seconds": 899, "hold_seconds": null })
            )
            .is_ok()
        );
    }

    /// Kind of fault: a deployment with another window locks all settings.
    #[test]
    fn a_hold_that_todays_window_contradicts_is_in_the_way_of_no_other_change() {
        let held = patched(json!({ "hold_seconds": 600 }));
        let short = Defaults {
            payment_window: PaymentWindow {
                hold: SignedDuration::from_secs(60),
                whole: SignedDuration::from_secs(300),
            },
            ..defaults()
        };
        let change = |body: Value| held.patched(serde_json::from_value(body).unwrap(), &short);
        let renamed = change(json!({ "shop_name": "New" })).unwrap();
        assert_eq!(renamed.hold_seconds, Some(600));
        let window = renamed.payment_window(short.payment_window);
        assert_eq!((window.hold.as_secs(), window.whole.as_secs()), (300, 300));
        let author = Author {
            actor: Actor::Staff("ada".into()),
            at: Timestamp::UNIX_EPOCH,
        };
        assert!(restore_settings(1, held.clone(), &renamed, author).is_ok());
        // A change that names the hold or the window is checked.
        for body in [
            json!({ "hold_seconds": 301 }),
            json!({ "payment_window_seconds": 599 }),
            json!({ "payment_window_seconds": null }),
        ] {
            let refused = change(body).unwrap_err();
            assert_eq!(refused.fields[0].field, "hold_seconds");
        }
        assert!(change(json!({ "payment_window_seconds": 600 })).is_ok());
        // A window that is not valid has one fault, not two.
        assert_eq!(
            faults(json!({ "payment_window_seconds": 0, "hold_seconds": 5 })),
            ["payment_window_seconds: out_of_range"]
        );
    }

    #[test]
    fn limits_are_changed_value_by_value() {
        let limits = |settings: &Settings| serde_json::to_value(&settings.limits).unwrap();
        let before = patched(full());
        assert!(before.set().contains(&"limits.create_cart".to_owned()));
        let body = json!({ "limits": { "create_cart": { "burst": null, "seconds": 1 }, "create_import": { "requests": 0 } } });
        let after = patch(&before, body).unwrap();
        assert_eq!(
            limits(&after),
            json!({
                "create_cart": { "requests": 10, "seconds": 1, "ipv4_prefix": 24 },
                "create_import": { "requests": 0 },
            })
        );
        assert_eq!(
            after.differing(&before),
            ["limits.create_cart", "limits.create_import"]
        );
        // By name, by its last value, and all together.
        let body =
            json!({ "limits": { "create_cart": null, "create_import": { "requests": null } } });
        assert_eq!(limits(&patch(&after, body).unwrap()), json!({}));
        assert_eq!(
            limits(&patch(&after, json!({ "limits": null })).unwrap()),
            json!({})
        );
        // More than is refilled within a week, with the values that apply beside it.
        let slow = json!({ "limits": { "create_cart": { "requests": 1, "seconds": 86_400 } } });
        let refused = patch(&Settings::default(), slow).unwrap_err();
        let fault = &refused.fields[0];
        assert_eq!(fault.field, "limits.create_cart.burst");
        assert!(fault.message.starts_with("Must be at most 7 "), "{fault:?}");
        let slow = json!({ "limits": { "create_cart": { "requests": 1, "seconds": 86_400, "burst": 7 } } });
        assert!(patch(&before, slow).is_ok());
        // The name of a later release's limit stays, but cannot be set.
        let later = parse(r#"{"limits":{"not_known_yet":{"requests":5,"kind":"slow"}}}"#).unwrap();
        let kept = patch(
            &later,
            json!({ "limits": { "create_cart": { "shards": 2 } } }),
        )
        .unwrap();
        assert_eq!(kept.limits["not_known_yet"].requests, Some(5));
        assert!(
            patch(
                &later,
                json!({ "limits": { "not_known_yet": { "requests": 1 } } })
            )
            .is_err()
        );
        let removed = patch(&later, json!({ "limits": { "not_known_yet": null } })).unwrap();
        assert!(removed.limits.is_empty());
        // Or an operator who mistypes a name believes that the limit is lifted.
        assert_eq!(
            faults(json!({ "limits": { "create_carts": null } })),
            ["limits.create_carts: unknown_field"]
        );
    }

    #[test]
    fn what_a_later_release_has_set_is_kept() {
        let later = parse(r#"{"shop_name":"A","loyalty":{"points":3}}"#).unwrap();
        let changed = patch(&later, json!({ "shop_name": "B" })).unwrap();
        assert_eq!(
            serde_json::to_string(&changed).unwrap(),
            r#"{"shop_name":"B","loyalty":{"points":3}}"#
        );
        assert_eq!(changed.differing(&later), ["shop_name"]);
        // Also within the values that this one knows: after a rollback, the first change must not lose them.
        let later = json!({
            "seller": { "name": "A", "phone": "1" },
            "legal_links": { "terms": "/terms", "cookies": "/cookies" },
            "limits": {
                "create_cart": { "requests": 5, "kind": "slow" },
                "sign_in": { "requests": 5, "kind": "slow" },
            },
        });
        let stored = parse(&later.to_string()).unwrap();
        let body = json!({
            "tax_name": "USt.",
            "seller": { "name": null },
            "limits": { "create_cart": { "requests": null } },
        });
        let changed = patch(&stored, body).unwrap();
        assert_eq!(
            serde_json::to_value(&changed).unwrap(),
            json!({
                "seller": { "phone": "1" },
                "tax_name": "USt.",
                "legal_links": later["legal_links"],
                "limits": { "create_cart": { "kind": "slow" }, "sign_in": later["limits"]["sign_in"] },
            })
        );
        assert_eq!(
            changed.differing(&stored),
            ["limits.create_cart", "seller.name", "tax_name"]
        );
        let restored = stored.clone().checked(FieldCheck::default(), None);
        assert_eq!(restored.unwrap(), stored);
        // Clients only see what they know.
        let values = crate::settings::SettingsValues::of(&stored, &defaults());
        let links = serde_json::to_value(values.legal_links).unwrap();
        assert_eq!(links, json!({ "terms": "/terms" }));
        for broken in [
            "",
            "{",
            "[]",
            r#"{"shop_name":1}"#,
            r#"{"flags":[]}"#,
            r#"{"seller":{"name":1}}"#,
        ] {
            assert!(parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_revision_says_what_has_changed() {
        let before = patched(full());
        let after = patch(&before, json!({ "tax_name": "USt." })).unwrap();
        let by = Actor::Staff("ada".into());
        let at = Timestamp::UNIX_EPOCH;
        let author = Author {
            actor: by.clone(),
            at,
        };
        let restore = |current: &Settings| {
            restore_settings(2, after.clone(), current, author.clone()).unwrap()
        };
        let change = restore(&before);
        let revision = &change.revision;
        assert_eq!(revision.changed, ["tax_name"]);
        assert_eq!(revision.changed_by, by);
        assert_eq!(revision.restored_from, Some(2));
        assert_eq!(parse(&revision.body).unwrap(), after);
        assert_eq!(change.settings, after);
        assert!(!restore(&after).is_none(), "it is a fact of the history");
        let same = SettingsPatch {
            tax_name: Patch::Set(" USt. ".into()),
            ..SettingsPatch::default()
        };
        let same = change_settings(same, &after, &defaults(), author.clone()).unwrap();
        assert!(same.is_none());

        // What was allowed once need not be so today.
        let stale = parse(r#"{"tax_name":""}"#).unwrap();
        let refused = restore_settings(1, stale, &after, author);
        assert!(matches!(refused, Err(ChangeSettingsError::Invalid(_))));
    }

    /// The bound of a document holds for the largest settings that the rules allow, with room for later fields.
    #[test]
    fn the_largest_settings_fit() {
        // The longest in JSON: four bytes, or a quotation mark, which is escaped.
        let wide = |length: usize| "\u{1F6D2}".repeat(length);
        let url = format!("https://e.example/{}", "a".repeat(MAX_URL - 18));
        let flags: Map<String, Value> = (0..MAX_FLAGS)
            .map(|number| (format!("f{number:039}"), json!(false)))
            .collect();
        let locales: Vec<String> = (0..MAX_LOCALES)
            .map(|number| format!("zha-Hant-{number:03}"))
            .collect();
        let largest = patched(json!({
            "shop_name": wide(MAX_NAME),
            "mail_sender_name": wide(MAX_NAME),
            "seller": {
                "name": wide(100),
                "address": vec![wide(100); MAX_ADDRESS_LINES],
                "tax_id": wide(50),
                "email": format!("{}@{}.example", "a".repeat(64), "b".repeat(60)),
            },
            "tax_name": wide(30),
            "payment_window_seconds": MAX_WINDOW,
            "hold_seconds": MAX_WINDOW,
            "locales": locales,
            "legal_links": { "terms": url, "privacy": url, "imprint": url, "returns": url },
            "publishable_keys": { "stripe": format!("pk_live_{}", "a".repeat(200)) },
            "flags": flags,
            "limits": {
                "create_cart": { "requests": MAX_REQUESTS, "seconds": MAX_SECONDS, "burst": MAX_BURST, "shards": MAX_SHARDS, "ipv4_prefix": 32 },
                "create_import": { "requests": MAX_REQUESTS, "seconds": MAX_SECONDS, "shards": MAX_SHARDS },
            },
        }));
        let author = || Author {
            actor: Actor::Staff("s".repeat(128)),
            at: Timestamp::UNIX_EPOCH,
        };
        let none = Settings::default();
        let change = largest.clone().into_change(&none, author(), None).unwrap();
        let bytes = change.revision.body.len();
        assert!(bytes < MAX_DOCUMENT_BYTES / 4, "{bytes}");
        let mut endless = largest;
        let later = Value::String("x".repeat(MAX_DOCUMENT_BYTES));
        endless.others.insert("later".into(), later);
        let refused = endless.into_change(&none, author(), None).unwrap_err();
        assert!(matches!(refused, ChangeSettingsError::Invalid(_)));
    }

    #[test]
    fn errors_are_responses() {
        let code = |error: ChangeSettingsError| Rejection::from(error).code;
        assert_eq!(
            code(ChangeSettingsError::VersionMissing),
            Code::PreconditionRequired
        );
        assert_eq!(
            code(ChangeSettingsError::VersionMismatch),
            Code::PreconditionFailed
        );
        assert_eq!(code(ChangeSettingsError::NoSuchRevision), Code::NotFound);
        assert_eq!(
            code(ChangeSettingsError::RevisionUnreadable),
            Code::RevisionUnreadable
        );
        assert_eq!(code(ChangeSettingsError::Contended), Code::Busy);
    }

    proptest! {
        /// Checked settings stay as they are: what is read can be restored and sent again.
        #[test]
        fn checking_twice_changes_nothing(name in ".{0,70}", locale in "[a-zA-Z0-9-]{1,10}", link in "[/a-z:. ]{0,12}", hold in 0_u32..2000) {
            let body = json!({ "shop_name": name, "locales": [locale], "hold_seconds": hold, "legal_links": { "terms": link } });
            if let Ok(once) = patch(&Settings::default(), body) {
                let stored = parse(&serde_json::to_string(&once).unwrap()).unwrap();
                prop_assert_eq!(&stored, &once);
                let checked = stored.checked(FieldCheck::default(), Some(defaults().payment_window));
                prop_assert_eq!(checked.unwrap(), once);
            }
        }
    }
}
