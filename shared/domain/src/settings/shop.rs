//! View of the shop that every client may read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{LegalLinksView, Settings};
use crate::{
    limits::ChallengeView,
    money::Currency,
    orders::{CountriesView, CountryView},
    payments::Provider,
};

/// What clients need to know before the first request: `GET /v1/shop`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ShopView {
    /// Name of the shop.
    pub name: String,
    /// Currencies of prices.
    pub currencies: Vec<CurrencyView>,
    /// Countries that an address can be in, each with the fields of its addresses.
    pub countries: Vec<CountryView>,
    /// Payment methods that orders may choose.
    pub payment_methods: Vec<PaymentMethodView>,
    /// Service of the challenges that some requests take (`challenge_required`); absent if none do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<ChallengeView>,
    /// Languages of the shop (BCP 47), the preferred one first.
    pub locales: Vec<String>,
    /// Pages that the law asks for.
    pub legal_links: LegalLinksView,
    /// Switches that clients heed, by name.
    pub flags: BTreeMap<String, bool>,
}

/// A currency of the shop.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CurrencyView {
    /// ISO 4217 code.
    pub code: Currency,
    /// How many digits of an amount in minor units are decimals.
    pub decimals: u32,
}

/// A payment method that the shop offers.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PaymentMethodView {
    /// Value for `payment.method` of an order.
    pub method: Provider,
    /// Key with which the client calls the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publishable_key: Option<String>,
}

/// What the template says about the shop.
#[derive(Clone, Debug)]
pub struct ShopInput {
    /// Name of the shop.
    pub name: String,
    /// Currency of prices.
    pub currency: Currency,
    /// Payment providers that orders may choose.
    pub offered: Vec<Provider>,
    /// Languages of the shop.
    pub locales: Vec<String>,
    /// Stripe's publishable key.
    pub stripe_publishable_key: Option<String>,
    /// Service of challenges.
    pub challenge: Option<ChallengeView>,
}

impl ShopView {
    /// The view of the shop with its settings.
    pub fn of(settings: &Settings, shop: &ShopInput) -> Self {
        let method = |provider: &Provider| PaymentMethodView {
            method: *provider,
            publishable_key: match provider {
                Provider::Test => None,
                Provider::Stripe => {
                    settings.stripe_publishable_key(shop.stripe_publishable_key.as_deref())
                }
            },
        };
        Self {
            name: settings.shop_name(&shop.name).to_owned(),
            currencies: vec![CurrencyView {
                code: shop.currency,
                decimals: shop.currency.decimals(),
            }],
            countries: CountriesView::all().items,
            payment_methods: shop.offered.iter().map(method).collect(),
            challenge: shop.challenge.clone(),
            locales: settings.locales(&shop.locales),
            legal_links: (&settings.legal_links).into(),
            flags: settings.flags.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::limits::{ChallengeKind, ChosenChallenge};

    #[test]
    fn clients_see_what_they_need_and_nothing_of_the_seller() {
        let shop = ShopInput {
            name: "Demo".into(),
            currency: "JPY".parse().unwrap(),
            offered: vec![Provider::Stripe, Provider::Test],
            locales: vec!["en".into()],
            stripe_publishable_key: Some("pk_test_1".into()),
            challenge: ChallengeView::of(ChosenChallenge(None), None),
        };
        let view =
            |settings: &Settings| serde_json::to_value(ShopView::of(settings, &shop)).unwrap();
        let plain = view(&Settings::default());
        assert_eq!(plain["name"], "Demo");
        assert_eq!(
            plain["currencies"],
            json!([{ "code": "JPY", "decimals": 0 }])
        );
        assert_eq!(
            plain["payment_methods"],
            json!([{ "method": "stripe", "publishable_key": "pk_test_1" }, { "method": "test" }])
        );
        assert_eq!(plain["legal_links"], json!({}));
        assert_eq!(plain.get("challenge"), None);
        assert_eq!(plain["flags"], json!({}));
        let germany = plain["countries"].as_array().unwrap().iter();
        let germany = germany.clone().find(|it| it["code"] == "DE").unwrap();
        assert_eq!(germany["fields"][0], "name");

        let settings = Settings {
            shop_name: Some("New".into()),
            locales: Some(vec!["de".into(), "en".into()]),
            stripe_publishable_key: Some("pk_live_2".into()),
            flags: BTreeMap::from([("reviews".into(), true)]),
            seller: super::super::SellerSettings {
                tax_id: Some("DE 1".into()),
                ..Default::default()
            },
            ..Settings::default()
        };
        let set = view(&settings);
        assert_eq!(set["name"], "New");
        assert_eq!(set["payment_methods"][0]["publishable_key"], "pk_live_2");
        assert_eq!(set["locales"], json!(["de", "en"]));
        assert_eq!(set["flags"], json!({ "reviews": true }));
        assert!(!set.to_string().contains("DE 1"));

        let turnstile = ChosenChallenge(Some(ChallengeKind::Turnstile));
        let shop = ShopInput {
            challenge: ChallengeView::of(turnstile, Some("0x4A")),
            ..shop.clone()
        };
        let view = serde_json::to_value(ShopView::of(&settings, &shop)).unwrap();
        let expected = json!({ "provider": "turnstile", "site_key": "0x4A" });
        assert_eq!(view["challenge"], expected);
    }
}
