//! Body of the endpoint that places an order.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    fault::Rejection,
    id::CartId,
    orders::{Address, AddressField, Country, PlaceOrder},
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
    /// City, at most 100 characters. The country decides whether city, region and postal code are
    /// required: `GET /v1/countries`.
    #[serde(default)]
    pub city: Option<String>,
    /// State, province or county, at most 100 characters.
    #[serde(default)]
    pub region: Option<String>,
    /// Postal code, at most 20 characters.
    #[serde(default)]
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2 country code, such as `DE`, or `XK`.
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
        let shipping_address = self.shipping_address.parse("shipping_address", &mut check);
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
    /// Validates the address, which is the member `name` of its body.
    pub fn parse(self, name: &str, check: &mut FieldCheck) -> Address {
        let path = |part: &str| format!("{name}.{part}");
        let code = check.line(&path("country"), &self.country, 2);
        let country = Country::of(&code);
        if country.is_none() && !check.has(&path("country")) {
            check.fault(
                &path("country"),
                "unknown_country",
                "Must be an ISO 3166-1 alpha-2 code in upper case, such as DE.",
            );
        }
        // Where the country decides, a blank text is the same as none.
        let mut local = |field: AddressField, text: Option<String>, max| {
            let path = path(field.as_str());
            let text = check.optional_line(&path, text, max);
            if let Some(country) = country
                && text.is_none()
                && country.requires(field)
            {
                let label = country.label(field);
                let message = format!(
                    "Must not be empty: addresses in {} need it ({label}).",
                    country.name
                );
                check.fault(&path, "required", message);
            }
            text
        };
        let city = local(AddressField::City, self.city, 100);
        let region = local(AddressField::Region, self.region, 100);
        let postal_code = local(AddressField::PostalCode, self.postal_code, 20);
        Address {
            name: check.line(&path("name"), &self.name, 100),
            line1: check.line(&path("line1"), &self.line1, 200),
            line2: check.optional_line(&path("line2"), self.line2, 200),
            city,
            region,
            postal_code,
            country: code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(address: serde_json::Value) -> Vec<String> {
        let mut check = FieldCheck::default();
        serde_json::from_value::<AddressBody>(address)
            .unwrap()
            .parse("shipping_address", &mut check);
        check
            .into_faults()
            .into_iter()
            .map(|fault| format!("{} {}", fault.field, fault.code))
            .collect()
    }

    /// Kind of fault: one country's rules applied to all.
    #[test]
    fn the_country_decides_which_fields_an_address_needs() {
        let address = |country: &str, fields: serde_json::Value| {
            let mut address =
                serde_json::json!({ "name": "Ada", "line1": "1", "country": country });
            for (name, value) in fields.as_object().unwrap() {
                address[name] = value.clone();
            }
            faults(address)
        };
        let json = |text: &str| serde_json::from_str(text).unwrap();
        let good = [
            ("HK", r#"{"city":"Central","region":"Hong Kong Island"}"#),
            ("QA", r#"{"city":"Doha"}"#),
            ("AE", r#"{"region":"Dubai"}"#),
            ("IE", r#"{"city":"Dublin"}"#),
            ("IE", r#"{"city":"Dublin","postal_code":"D02 X285"}"#),
            ("XK", r#"{"city":"Prishtina","postal_code":"10000"}"#),
            ("SG", r#"{"postal_code":"018956"}"#),
            ("GB", r#"{"city":"London","postal_code":"SW1Y 4JH"}"#),
        ];
        for (country, fields) in good {
            assert!(address(country, json(fields)).is_empty(), "{country}");
        }
        assert_eq!(
            address(
                "US",
                json(r#"{"city":"Springfield","postal_code":"\u200b"}"#)
            ),
            [
                "shipping_address.region required",
                "shipping_address.postal_code required"
            ]
        );
        assert_eq!(
            address("AE", json(r#"{"city":"Dubai"}"#)),
            ["shipping_address.region required"]
        );
        assert_eq!(
            address("XX", json("{}")),
            ["shipping_address.country unknown_country"]
        );
        assert_eq!(
            address("gb", json("{}")),
            ["shipping_address.country unknown_country"]
        );
    }
}
