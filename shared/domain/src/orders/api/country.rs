//! Views of the countries' address formats.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::orders::{AddressField, Country};

/// The countries that an address can be in.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CountriesView {
    /// Countries by code.
    pub items: Vec<CountryView>,
}

/// A country and the form of its addresses.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CountryView {
    /// ISO 3166-1 alpha-2 code, such as `DE`, or `XK`.
    pub code: &'static str,
    /// English name.
    pub name: &'static str,
    /// Fields of an address, in the order in which they are written. Others are accepted too.
    pub fields: Vec<&'static str>,
    /// Fields that an address needs.
    pub required: Vec<&'static str>,
    /// English labels of the fields, by field.
    pub labels: BTreeMap<&'static str, &'static str>,
}

impl CountriesView {
    /// The view of all countries.
    pub fn all() -> Self {
        Self {
            items: Country::all().map(CountryView::from).collect(),
        }
    }
}

impl From<Country> for CountryView {
    fn from(country: Country) -> Self {
        let fields: Vec<AddressField> = country.fields().collect();
        let needed = fields.iter().filter(|field| country.requires(**field));
        Self {
            code: country.code,
            name: country.name,
            required: needed.map(|field| field.as_str()).collect(),
            labels: fields
                .iter()
                .map(|field| (field.as_str(), country.label(*field)))
                .collect(),
            fields: fields.into_iter().map(AddressField::as_str).collect(),
        }
    }
}
