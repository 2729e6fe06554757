//! Columns of a product file, and the rows made of them.

use serde::{Deserialize, Serialize};

use crate::text;

/// Maximum size of a cell of the description, of tags and of any other column, in bytes of the file.
const MAX_CELL_BYTES: [usize; 3] = [128 * 1024, 64 * 1024, 8 * 1024];

macro_rules! columns {
    ($($(#[$doc:meta])* $field:ident: $($name:literal)|+;)*) => {
        /// One row of a product file: the columns that the shop uses, trimmed; empty if blank, or if the
        /// file lacks the column, which [`Columns`] tells apart.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Row {
            /// Line of the file on which the row starts.
            pub line: u64,
            $($(#[$doc])* #[serde(skip_serializing_if = "String::is_empty")] pub $field: String,)*
        }

        /// A column that the shop uses; named like the field it fills.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[expect(non_camel_case_types, reason = "named like the fields they fill")]
        pub(super) enum Column { $($field,)* }

        impl Column {
            pub(super) fn named(name: &str) -> Option<Self> {
                match text::key(name).as_str() {
                    $($($name)|+ => Some(Self::$field),)*
                    _ => None,
                }
            }
        }

        impl Row {
            pub(super) fn set(&mut self, column: Column, text: &str) {
                match column {
                    $(Column::$field => self.$field = text.to_owned(),)*
                }
            }
        }
    };
}

// The older column names come first, then those of Shopify's newer template.
columns! {
    /// Handle, the product's name in URLs.
    handle: "handle" | "url handle";
    /// Title, on the first row of a product only.
    title: "title";
    /// Description as HTML, not yet sanitized.
    body: "body (html)" | "description";
    /// Brand of the product.
    vendor: "vendor";
    /// Product type, such as `Mug`.
    product_type: "type";
    /// Tags, separated by commas.
    tags: "tags";
    /// Name of one collection.
    collection: "collection";
    /// Whether shoppers can see the product: `true` or `false`.
    published: "published" | "published on online store";
    /// `active`, `draft`, `archived` or `unlisted`.
    status: "status";
    /// Name of the first option.
    option1_name: "option1 name";
    /// Value of the first option.
    option1_value: "option1 value";
    /// Name of the second option.
    option2_name: "option2 name";
    /// Value of the second option.
    option2_value: "option2 value";
    /// Name of the third option.
    option3_name: "option3 name";
    /// Value of the third option.
    option3_value: "option3 value";
    /// Stock keeping unit.
    sku: "variant sku" | "sku";
    /// Name of the system that counts the units; blank if nobody does, so that units are sold without
    /// limit.
    tracker: "variant inventory tracker" | "inventory tracker";
    /// Units on hand, as a whole number.
    quantity: "variant inventory qty" | "inventory quantity";
    /// Whether the variant is sold beyond its stock: `deny` or `continue`.
    inventory_policy: "variant inventory policy" | "continue selling when out of stock";
    /// Price of one unit, as a decimal number.
    price: "variant price" | "price";
    /// Former price, as a decimal number.
    compare_at_price: "variant compare at price" | "compare-at price";
    /// URL of an image.
    image: "image src" | "product image url";
    /// Position of the image among the product's images.
    image_position: "image position";
    /// Alternative text of the image.
    image_alt: "image alt text";
}

/// The columns that a file has, of those that the shop uses. A missing column leaves its data as it is; a
/// blank cell has a meaning of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Columns(Vec<Column>);

impl Columns {
    pub(super) fn of(columns: &[Option<Column>]) -> Self {
        Self(columns.iter().copied().flatten().collect())
    }

    pub(super) fn has(&self, column: Column) -> bool {
        self.0.contains(&column)
    }

    /// The content of a cell: blank or not; `None` if the file lacks the column.
    pub(super) fn cell<'a>(&self, column: Column, cell: &'a str) -> Option<&'a str> {
        self.has(column).then_some(cell)
    }
}

impl Column {
    pub(super) const OPTION_NAMES: [Self; 3] =
        [Self::option1_name, Self::option2_name, Self::option3_name];
    pub(super) const OPTION_VALUES: [Self; 3] = [
        Self::option1_value,
        Self::option2_value,
        Self::option3_value,
    ];

    pub(super) const fn max_bytes(self) -> usize {
        match self {
            Self::body => MAX_CELL_BYTES[0],
            Self::tags => MAX_CELL_BYTES[1],
            _ => MAX_CELL_BYTES[2],
        }
    }

    /// Cleans a cell: a description keeps its line breaks, any other cell is one line.
    pub(super) fn clean(self, cell: &str) -> String {
        match self {
            Self::body => text::block(cell),
            _ => text::line(cell),
        }
    }
}

impl Row {
    pub(super) fn option_names(&self) -> [&str; 3] {
        [&self.option1_name, &self.option2_name, &self.option3_name]
    }

    pub(super) fn option_values(&self) -> [&str; 3] {
        [
            &self.option1_value,
            &self.option2_value,
            &self.option3_value,
        ]
    }

    /// Whether the row only adds an image to its product.
    pub(super) fn is_image_only(&self) -> bool {
        !self.image.is_empty()
            && self.price.is_empty()
            && self.sku.is_empty()
            && self.option_values().iter().all(|value| value.is_empty())
    }
}
