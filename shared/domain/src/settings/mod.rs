//! Settings: decisions of staff that used to need a deployment. Each is optional: without it, the template's parameter
//! applies.
//!
//! A new setting is a field of [`Settings`], of [`SettingsPatch`] and of [`SettingsValues`], with its rule in `rules` and
//! its default in [`Defaults`]: CONTRIBUTING.md, "New settings".

mod api;
mod rules;
mod shop;

pub use api::{
    LegalLinksPatch, LegalLinksView, LimitPatch, PublishableKeysPatch, SellerPatch, SettingsPatch,
    SettingsValues, SettingsView,
};
pub use rules::{
    Author, ChangeSettingsError, Defaults, LegalLinks, SellerSettings, Settings, SettingsChange,
    change_settings, locales, parse, restore_settings, values,
};
pub use shop::{CurrencyView, PaymentMethodView, ShopInput, ShopView};
