//! Body and views of the endpoints that read and change the settings.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::{Defaults, LegalLinks, Settings};
use crate::{
    documents::Revision,
    invoices::Seller,
    limits::{self, LimitView},
    wire::{Members, Object, Patch},
};

/// Body of `PATCH /v1/admin/settings`: a JSON Merge Patch (RFC 7396). A member that is absent stays; `null` returns it
/// to the template's value.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsPatch {
    /// Name of the shop, at most 60 characters.
    pub shop_name: Patch<String>,
    /// Name beside the address from which the shop's emails come, at most 60 characters; that of the shop by default.
    pub mail_sender_name: Patch<String>,
    /// The seller on invoices that are issued from now on.
    #[serde(deserialize_with = "crate::wire::patch_object")]
    pub seller: Patch<SellerPatch>,
    /// Name of the tax that prices include, at most 30 characters.
    pub tax_name: Patch<String>,
    /// Seconds for which the stock of an order stays reserved once the customer has begun to pay, 1 to 604,800. Orders
    /// that are placed keep theirs.
    pub payment_window_seconds: Patch<u32>,
    /// Seconds for which it stays reserved before, at most `payment_window_seconds`.
    pub hold_seconds: Patch<u32>,
    /// Languages of the shop (BCP 47), the preferred one first; 1 to 20.
    pub locales: Patch<Vec<String>>,
    /// Pages that the law asks for.
    #[serde(deserialize_with = "crate::wire::patch_object")]
    pub legal_links: Patch<LegalLinksPatch>,
    /// Keys with which clients pay.
    #[serde(deserialize_with = "crate::wire::patch_object")]
    pub publishable_keys: Patch<PublishableKeysPatch>,
    /// Switches that clients heed, by name (a to z, 0 to 9 and `_`); at most 50. `null` removes one.
    pub flags: Patch<Members<Option<bool>>>,
    /// Limits of callers, by name (docs/API-DESIGN.md lists them), such as `create_cart` and `sign_in`. `null` returns one
    /// to its default.
    pub limits: Patch<Members<Option<Object<LimitPatch>>>>,
}

/// Changes of a limit.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitPatch {
    /// Requests in `seconds`, 0 to 1,000,000; 0 is for no limit.
    pub requests: Patch<u32>,
    /// The time, 1 to 86,400 seconds.
    pub seconds: Patch<u32>,
    /// Requests at once, 1 to 1,000,000, of a limit that refills.
    pub burst: Patch<u32>,
    /// Parts of the limit with an item of its own each, 1 to 64: for more than 500 requests a second of one caller.
    pub shards: Patch<u32>,
    /// Bits of an IPv4 address that are one network, 24 or 32, of a limit of networks.
    pub ipv4_prefix: Patch<u32>,
}

/// Changes of the seller.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SellerPatch {
    /// Name of the company, at most 100 characters.
    pub name: Patch<String>,
    /// Address of the company: at most 8 lines of 100 characters.
    pub address: Patch<Vec<String>>,
    /// Tax identification number, at most 50 characters; an empty text leaves it out.
    pub tax_id: Patch<String>,
    /// Contact address for questions.
    pub email: Patch<String>,
}

/// Changes of the pages that the law asks for. Each begins with `https://`, or with `/` for a page of the shop.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LegalLinksPatch {
    /// Terms of sale.
    pub terms: Patch<String>,
    /// Privacy policy.
    pub privacy: Patch<String>,
    /// Name and address of the company behind the shop.
    pub imprint: Patch<String>,
    /// Returns and withdrawal.
    pub returns: Patch<String>,
}

/// Changes of the keys with which clients pay.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PublishableKeysPatch {
    /// Stripe's publishable key, `pk_…`. Everybody sees it.
    pub stripe: Patch<String>,
}

/// The values that apply.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SettingsValues {
    /// Name of the shop.
    pub shop_name: String,
    /// Name beside the address from which the shop's emails come.
    pub mail_sender_name: String,
    /// The seller on invoices.
    pub seller: SellerView,
    /// Name of the tax that prices include.
    pub tax_name: String,
    /// Seconds for which the stock of an order stays reserved once the customer has begun to pay.
    pub payment_window_seconds: i64,
    /// Seconds for which it stays reserved before.
    pub hold_seconds: i64,
    /// Languages of the shop (BCP 47), the preferred one first.
    pub locales: Vec<String>,
    /// Pages that the law asks for.
    pub legal_links: LegalLinksView,
    /// Keys with which clients pay.
    pub publishable_keys: PublishableKeysView,
    /// Switches that clients heed, by name.
    pub flags: BTreeMap<String, bool>,
    /// Limits of callers, by name.
    pub limits: BTreeMap<String, LimitView>,
}

/// The seller on invoices.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SellerView {
    /// Name of the company.
    pub name: String,
    /// Address of the company, line by line.
    pub address: Vec<String>,
    /// Tax identification number, if it is printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_id: Option<String>,
    /// Contact address for questions.
    pub email: String,
}

/// Addresses of pages that the law asks for: `https://…`, or a path of the shop.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LegalLinksView {
    /// Terms of sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
    /// Privacy policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy: Option<String>,
    /// Name and address of the company behind the shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imprint: Option<String>,
    /// Returns and withdrawal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returns: Option<String>,
}

/// Keys with which clients pay.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PublishableKeysView {
    /// Stripe's publishable key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stripe: Option<String>,
}

/// The settings as staff see them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SettingsView {
    /// Number of this revision, also the `ETag`; 0 before the first change.
    pub revision: u64,
    /// Time of the change; missing before the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub changed_at: Option<Timestamp>,
    /// Author of the change: `staff:` and the subject of their token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
    /// The revision whose content this one repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restored_from: Option<u64>,
    /// The revision in use instead, if this one cannot be read or a later one is stored: the latest that can be read. The
    /// values are its.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_in_use: Option<u64>,
    /// The values.
    #[serde(flatten)]
    pub values: SettingsValues,
    /// Names of the values that staff have set; all others follow the template.
    pub set: Vec<String>,
    /// The template's values.
    pub defaults: SettingsValues,
}

impl SettingsValues {
    /// The values that apply.
    pub fn of(settings: &Settings, defaults: &Defaults) -> Self {
        let window = settings.payment_window(defaults.payment_window);
        let shop_name = &defaults.shop_name;
        let key = defaults.stripe_publishable_key.as_deref();
        Self {
            shop_name: settings.shop_name(shop_name).to_owned(),
            mail_sender_name: settings.mail_sender_name(shop_name).to_owned(),
            seller: settings.seller(&defaults.seller).into(),
            tax_name: settings.tax_name(&defaults.tax_name).to_owned(),
            payment_window_seconds: window.whole.as_secs(),
            hold_seconds: window.hold.as_secs(),
            locales: settings.locales(&defaults.locales),
            legal_links: (&settings.legal_links).into(),
            publishable_keys: PublishableKeysView {
                stripe: settings.stripe_publishable_key(key),
            },
            flags: settings.flags.clone(),
            limits: limits::views(&settings.limits, defaults.has_default_limits),
        }
    }
}

impl From<Seller> for SellerView {
    fn from(seller: Seller) -> Self {
        Self {
            name: seller.name,
            address: seller.address,
            tax_id: seller.tax_id,
            email: seller.email,
        }
    }
}

impl From<&LegalLinks> for LegalLinksView {
    fn from(links: &LegalLinks) -> Self {
        Self {
            terms: links.terms.clone(),
            privacy: links.privacy.clone(),
            imprint: links.imprint.clone(),
            returns: links.returns.clone(),
        }
    }
}

impl SettingsView {
    /// The view of a revision; `revision` is `None` for the template's values.
    pub fn of(revision: Option<&Revision>, settings: &Settings, defaults: &Defaults) -> Self {
        Self {
            revision: revision.map_or(0, |it| it.number),
            changed_at: revision.map(|it| it.changed_at),
            changed_by: revision.map(|it| it.changed_by.to_string()),
            restored_from: revision.and_then(|it| it.restored_from),
            revision_in_use: None,
            values: SettingsValues::of(settings, defaults),
            set: settings.set(),
            defaults: SettingsValues::of(&Settings::default(), defaults),
        }
    }

    /// The same for a current revision instead of which this one is in use.
    pub fn instead_of(self, current: u64) -> Self {
        Self {
            revision_in_use: Some(self.revision),
            revision: current,
            ..self
        }
    }
}
