//! Body of the endpoint that places an order.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    fault::Rejection,
    id::CartId,
    orders::{Address, PlaceOrder},
    payments::{PaymentMethod, Provider},
    text::FieldCheck,
};

/// Body of `POST /v1/orders`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrderBody {
    /// Cart to place the order from; it cannot be used again.
    pub cart_id: String,
    /// Email address for the confirmation.
    pub email: String,
    /// Address to ship to.
    #[serde(deserialize_with = "crate::wire::object")]
    #[schemars(with = "AddressBody")]
    pub shipping_address: AddressBody,
    /// Payment method of the order.
    #[serde(deserialize_with = "crate::wire::object")]
    #[schemars(with = "PaymentBody")]
    pub payment: PaymentBody,
}

/// A postal address.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressBody {
    /// Recipient, at most 100 characters.
    pub name: String,
    /// Street and number, at most 200 characters.
    pub line1: String,
    /// Apartment, company and the like, at most 200 characters.
    #[serde(default)]
    pub line2: Option<String>,
    /// City, at most 100 characters.
    pub city: String,
    /// State, province or county, at most 100 characters.
    #[serde(default)]
    pub region: Option<String>,
    /// Postal code, at most 20 characters.
    pub postal_code: String,
    /// ISO 3166-1 alpha-2 country code, such as `DE`.
    pub country: String,
}

/// Payment method with its token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentBody {
    /// `test` for the built-in provider, or `stripe`; the shop may offer only one of them.
    pub method: String,
    /// The provider's token for the payment method. For `test` one of `tok_ok`, `tok_flaky`,
    /// `tok_timeout`, `tok_refund_fails`; any other is declined. For `stripe` the id of a payment
    /// method (`pm_…`), or nothing: then the customer's client confirms the payment with the
    /// `client_secret` of the order.
    #[serde(default)]
    pub token: Option<String>,
}

impl PlaceOrderBody {
    /// Validates the body and reports all invalid fields at once; the payment method must be one of the
    /// `offered` providers.
    pub fn parse(self, offered: &[Provider]) -> Result<PlaceOrder, Rejection> {
        let mut check = FieldCheck::default();
        let cart_id = self.cart_id.parse::<CartId>();
        if cart_id.is_err() {
            check.fault("cart_id", "invalid", "Must be the id of a cart (crt_…).");
        }
        let email = check.email("email", &self.email);
        let shipping_address = self.shipping_address.parse(&mut check);
        let provider = Provider::named(&self.payment.method);
        let provider = provider.filter(|provider| offered.contains(provider));
        if provider.is_none() {
            let names: Vec<&str> = offered.iter().map(|provider| provider.name()).collect();
            let message = format!("Must be one of: {}.", names.join(", "));
            check.fault("payment.method", "unknown_method", message);
        }
        let token = match (self.payment.token, provider) {
            (None, Some(Provider::Test)) => {
                check.fault("payment.token", "required", "Must be given.");
                None
            }
            (token, _) => token.map(|token| check.line("payment.token", &token, 255)),
        };
        let (Ok(cart_id), Some(provider)) = (cart_id, provider) else {
            return Err(Rejection::invalid(check.into_faults()));
        };
        let command = PlaceOrder {
            cart_id,
            email,
            shipping_address,
            payment: PaymentMethod { provider, token },
        };
        check.finish(command).map_err(Rejection::invalid)
    }
}

impl AddressBody {
    fn parse(self, check: &mut FieldCheck) -> Address {
        let field = |name: &str| format!("shipping_address.{name}");
        let line2 = check.optional_line(&field("line2"), self.line2, 200);
        let region = check.optional_line(&field("region"), self.region, 100);
        let country = check.line(&field("country"), &self.country, 2);
        let known = country.parse::<iso_country::Country>();
        if (known.is_err() || country == "__") && !check.has(&field("country")) {
            check.fault(
                &field("country"),
                "unknown_country",
                "Must be an ISO 3166-1 alpha-2 code in upper case, such as DE.",
            );
        }
        Address {
            name: check.line(&field("name"), &self.name, 100),
            line1: check.line(&field("line1"), &self.line1, 200),
            line2,
            city: check.line(&field("city"), &self.city, 100),
            region,
            postal_code: check.line(&field("postal_code"), &self.postal_code, 20),
            country,
        }
    }
}
