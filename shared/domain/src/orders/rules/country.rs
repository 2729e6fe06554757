//! Formats of postal addresses by country: which fields an address has, which it needs, and how its
//! lines are written.

use super::Address;

/// Source and columns are described at its beginning.
const TABLE: &str = include_str!("countries.tsv");

/// A country in which addresses can be delivered to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country {
    /// ISO 3166-1 alpha-2 code, or `XK`.
    pub code: &'static str,
    /// English name.
    pub name: &'static str,
    required: &'static str,
    city: &'static str,
    region: &'static str,
    postal_code: &'static str,
    format: &'static str,
    latin_format: &'static str,
}

/// A field of an address; named like the fields of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressField {
    /// Recipient.
    Name,
    /// Street and number.
    Line1,
    /// Apartment, company and the like.
    Line2,
    /// City, or the part of the country that takes its place.
    City,
    /// State, province or county.
    Region,
    /// Postal code.
    PostalCode,
}

impl AddressField {
    /// Name of the field in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Line1 => "line1",
            Self::Line2 => "line2",
            Self::City => "city",
            Self::Region => "region",
            Self::PostalCode => "postal_code",
        }
    }

    const fn of(letter: char) -> Option<Self> {
        match letter {
            'N' => Some(Self::Name),
            'A' => Some(Self::Line1),
            'C' => Some(Self::City),
            'S' => Some(Self::Region),
            'Z' => Some(Self::PostalCode),
            _ => None,
        }
    }

    const fn letter(self) -> char {
        match self {
            Self::Name => 'N',
            Self::Line1 | Self::Line2 => 'A',
            Self::City => 'C',
            Self::Region => 'S',
            Self::PostalCode => 'Z',
        }
    }
}

impl Country {
    /// All countries, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.lines().filter_map(Self::read)
    }

    /// The country of a code in upper case.
    pub fn of(code: &str) -> Option<Self> {
        // Only the line that matches is taken apart.
        let line = TABLE.lines().find(|line| {
            line.strip_prefix(code)
                .is_some_and(|rest| rest.starts_with('\t'))
        })?;
        Self::read(line)
    }

    fn read(line: &'static str) -> Option<Self> {
        let mut cells = line.split('\t');
        let code = cells.next().filter(|code| code.len() == 2)?;
        let mut country = Self {
            code,
            name: cells.next()?,
            required: cells.next()?,
            city: cells.next()?,
            region: cells.next()?,
            postal_code: cells.next()?,
            format: cells.next()?,
            latin_format: "",
        };
        country.latin_format = cells.next().unwrap_or(country.format);
        Some(country)
    }

    /// The fields that addresses in the country have, in the order in which they are written in Latin
    /// script.
    pub fn fields(&self) -> impl Iterator<Item = AddressField> {
        let letters = self.latin_format.split('%').skip(1);
        letters
            .filter_map(|part| AddressField::of(part.chars().next()?))
            .flat_map(|field| {
                let second = (field == AddressField::Line1).then_some(AddressField::Line2);
                std::iter::once(field).chain(second)
            })
    }

    /// Whether an address in the country needs the field.
    pub fn requires(&self, field: AddressField) -> bool {
        match field {
            AddressField::Name => true,
            AddressField::Line2 => false,
            field => self.required.contains(field.letter()),
        }
    }

    /// English label of a field in a form.
    pub const fn label(&self, field: AddressField) -> &'static str {
        match field {
            AddressField::Name => "Full name",
            AddressField::Line1 => "Street and number",
            AddressField::Line2 => "Apartment, floor, company",
            AddressField::City => self.city,
            AddressField::Region => self.region,
            AddressField::PostalCode => self.postal_code,
        }
    }
}

impl Address {
    /// The lines below the recipient's name, as they are written in the country; the last is the
    /// country's name.
    pub fn lines(&self) -> Vec<String> {
        let Some(country) = Country::of(&self.country) else {
            // Stored before its country was known, or by a later version.
            let given = [
                Some(&self.line1),
                self.line2.as_ref(),
                self.city.as_ref(),
                self.region.as_ref(),
                self.postal_code.as_ref(),
                Some(&self.country),
            ];
            return given.into_iter().flatten().cloned().collect();
        };
        let format = if self.is_latin() {
            country.latin_format
        } else {
            country.format
        };
        let mut lines: Vec<String> = format
            .split("%n")
            .flat_map(|line| self.written(line))
            .collect();
        // Given although the country does not use it: better written somewhere than lost.
        for (letter, text) in [
            ("%C", &self.city),
            ("%S", &self.region),
            ("%Z", &self.postal_code),
        ] {
            if !format.contains(letter) {
                lines.extend(text.clone());
            }
        }
        lines.push(country.name.to_owned());
        lines
    }

    /// One line of a format; two if the street has two. A separator is written between fields that
    /// are both there, a prefix before a field that is.
    fn written(&self, format: &str) -> Vec<String> {
        let mut text = String::new();
        let mut parts = format.split('%');
        let mut separator = parts.next().unwrap_or_default();
        let mut has_fields = false;
        for part in parts {
            has_fields = true;
            let mut letters = part.chars();
            let field = letters.next().and_then(AddressField::of);
            let value = match field {
                Some(AddressField::Line1) => Some(match &self.line2 {
                    Some(line2) => format!("{}\n{line2}", self.line1),
                    None => self.line1.clone(),
                }),
                Some(AddressField::City) => self.city.clone(),
                Some(AddressField::Region) => self.region.clone(),
                Some(AddressField::PostalCode) => self.postal_code.clone(),
                // The recipient is written by the caller; the rest has no field in the API.
                Some(AddressField::Name | AddressField::Line2) | None => None,
            };
            match value {
                Some(value) => {
                    text.push_str(separator);
                    text.push_str(&value);
                    separator = letters.as_str();
                }
                None if text.is_empty() => separator = "",
                None if letters.as_str().is_empty() => {}
                None => separator = letters.as_str(),
            }
        }
        if !has_fields {
            text.push_str(separator);
        }
        text.lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect()
    }

    /// Whether the address is written in Latin script, as opposed to the country's own.
    fn is_latin(&self) -> bool {
        let own = |text: &String| {
            text.chars().any(|c| {
                c.is_alphabetic() && c > '\u{24F}' && !('\u{1E00}'..='\u{1EFF}').contains(&c)
            })
        };
        ![Some(&self.line1), self.city.as_ref(), self.region.as_ref()]
            .into_iter()
            .flatten()
            .any(own)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn country(code: &str) -> Country {
        Country::of(code).unwrap()
    }

    fn names(fields: impl Iterator<Item = AddressField>) -> Vec<&'static str> {
        fields.map(AddressField::as_str).collect()
    }

    fn address(country: &str, parts: [&str; 5]) -> Address {
        let [line1, line2, city, region, postal_code] =
            parts.map(|part| (!part.is_empty()).then(|| part.to_owned()));
        Address {
            name: "Ada".into(),
            line1: line1.unwrap(),
            line2,
            city,
            region,
            postal_code,
            country: country.into(),
        }
    }

    /// Kind of fault: one country's rules applied to all.
    #[test]
    fn a_country_says_which_fields_its_addresses_have_and_need() {
        let required = |code: &str| {
            let country = country(code);
            names(country.fields().filter(|field| country.requires(*field)))
        };
        for code in ["HK", "QA", "AE", "IE"] {
            assert!(!required(code).contains(&"postal_code"), "{code}");
        }
        assert_eq!(required("AE"), ["name", "line1", "region"]);
        assert_eq!(
            required("US"),
            ["name", "line1", "city", "region", "postal_code"]
        );
        assert_eq!(required("SG"), ["name", "line1", "postal_code"]);
        assert_eq!(required("XK"), ["name", "line1", "city"]);
        assert_eq!(
            names(country("DE").fields()),
            ["name", "line1", "line2", "postal_code", "city"]
        );
        assert_eq!(country("IE").label(AddressField::PostalCode), "Eircode");
        assert_eq!(country("US").label(AddressField::Region), "State");
        assert_eq!(country("JP").label(AddressField::Region), "Prefecture");
        assert_eq!(Country::of("XX"), None);
        assert_eq!(Country::of("de"), None);
        assert_eq!(Country::of(""), None);
    }

    #[test]
    fn the_table_is_complete_and_consistent() {
        let all: Vec<Country> = Country::all().collect();
        let codes: BTreeSet<&str> = all.iter().map(|country| country.code).collect();
        assert_eq!(codes.len(), all.len(), "a code is there twice");
        let known: BTreeSet<&str> = iso_country::data::all()
            .iter()
            .map(|country| country.alpha2)
            .chain(["XK"])
            .collect();
        assert_eq!(codes, known);
        let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(rows.count(), all.len(), "a row was not read");
        for country in all {
            let fields: Vec<AddressField> = country.fields().collect();
            for letter in country.required.chars() {
                let field = AddressField::of(letter).unwrap();
                assert!(fields.contains(&field), "{country:?} requires {field:?}");
            }
            for field in [
                AddressField::City,
                AddressField::Region,
                AddressField::PostalCode,
            ] {
                let labeled = country.label(field) != "-";
                assert_eq!(fields.contains(&field), labeled, "{country:?} {field:?}");
            }
            assert!(
                fields.starts_with(&[AddressField::Name]) || fields.contains(&AddressField::Line1)
            );
        }
    }

    #[test]
    fn addresses_are_written_as_in_their_country() {
        let cases = [
            (
                address("GB", ["12 St James's Square", "", "London", "", "SW1Y 4JH"]),
                "12 St James's Square|London|SW1Y 4JH|United Kingdom",
            ),
            (
                address("DE", ["Weg 1", "Hinterhaus", "Köln", "", "50667"]),
                "Weg 1|Hinterhaus|50667 Köln|Germany",
            ),
            (
                address("US", ["1 Main St", "", "Springfield", "IL", "62701"]),
                "1 Main St|Springfield, IL 62701|United States",
            ),
            // A separator needs both its neighbors.
            (
                address("US", ["1 Main St", "", "Springfield", "", "62701"]),
                "1 Main St|Springfield 62701|United States",
            ),
            (
                address("US", ["1 Main St", "", "", "IL", "62701"]),
                "1 Main St|IL 62701|United States",
            ),
            (
                address("AX", ["Gatan 1", "", "Mariehamn", "", "22100"]),
                "Gatan 1|AX-22100 Mariehamn|ÅLAND|Åland Islands",
            ),
            (
                address("AX", ["Gatan 1", "", "Mariehamn", "", ""]),
                "Gatan 1|Mariehamn|ÅLAND|Åland Islands",
            ),
            (
                address("JP", ["東京都千代田区1-1", "", "", "東京都", "100-0001"]),
                "〒100-0001|東京都|東京都千代田区1-1|Japan",
            ),
            (
                address("JP", ["1-1 Chiyoda", "2F", "", "Tokyo", "100-0001"]),
                "1-1 Chiyoda|2F, Tokyo|100-0001|Japan",
            ),
            // Not used there, but not lost.
            (
                address("AE", ["1 Creek Rd", "", "Deira", "Dubai", "00000"]),
                "1 Creek Rd|Dubai|Deira|00000|United Arab Emirates",
            ),
            (address("ZZ", ["1", "", "Nowhere", "", ""]), "1|Nowhere|ZZ"),
        ];
        for (address, want) in cases {
            assert_eq!(address.lines().join("|"), want, "{address:?}");
        }
    }
}
