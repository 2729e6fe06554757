//! Product files in Shopify's CSV format: a product is one row, plus further rows with the same handle
//! for its other variants and images.
//!
//! A file is imported in two steps. [`read_file`] validates the file and groups its rows by product;
//! [`draft_product`] turns one group into a product. In between, the rows travel through a queue.
//! Errors are reported by line and reject as few rows as possible.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use ring::digest::{Context, SHA256, digest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    catalog::{ImageView, OptionView, Product, ProductView, Sku, VariantView, slug},
    id::{ImportId, ProductId},
    inventory::MAX_ON_HAND,
    money::{Currency, Money},
};

/// Maximum file size in bytes, the same as Shopify's.
pub const MAX_FILE_BYTES: u64 = 15 * 1024 * 1024;
/// Maximum number of faults kept per import; the counts stay exact.
pub const MAX_FAULTS: usize = 1000;
/// Maximum length of a fault's message in bytes: a thousand of them fit into one item of 400 KB.
const MAX_MESSAGE: usize = 250;
/// Maximum number of variants of one product.
pub const MAX_VARIANTS: usize = 1000;
/// Maximum length of a description, in bytes of sanitized HTML.
const MAX_DESCRIPTION_BYTES: usize = 64 * 1024;
/// Maximum length of a title, vendor, type, tag, option name or option value, in characters.
const MAX_TEXT: usize = 255;
/// Maximum number of tags, the same as Shopify's.
const MAX_TAGS: usize = 250;
/// Maximum size of the rows of one chunk, in bytes of JSON: below the 256 KiB that every queue accepts.
const MAX_CHUNK_BYTES: usize = 180 * 1024;
/// Maximum size of the rows of one product, in bytes of JSON: with the envelope it still fits into a
/// message.
const MAX_GROUP_BYTES: usize = 240 * 1024;
/// Maximum size of a cell of the description, of tags and of any other column, in bytes of the file.
const MAX_CELL_BYTES: [usize; 3] = [128 * 1024, 64 * 1024, 8 * 1024];
/// Maximum size of a product as shoppers see it, in bytes of JSON: an item of the table holds 400 KB.
const MAX_VIEW_BYTES: usize = 200 * 1024;
/// Maximum size of a product's entries in all its lists, in bytes.
const MAX_LISTED_BYTES: usize = 8 * 1024 * 1024;
/// Maximum number of rows of one chunk, so that it is processed well within the consumer's timeout.
const MAX_CHUNK_ROWS: usize = 100;
/// Shopify's placeholder for the only option value of a product without options.
const DEFAULT_TITLE: &str = "Default Title";

/// Progress of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// The upload has not arrived yet.
    AwaitingUpload,
    /// Rows are being imported.
    Running,
    /// Every row was imported or is listed among the errors.
    Completed,
    /// The file was rejected; the errors say why.
    Failed,
}

/// An error of one line, or of the file as a whole (line 0 or 1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineFault {
    /// Line on which the row starts; the header is line 1.
    pub line: u64,
    /// Stable, machine-readable code of the error.
    pub code: String,
    /// Explanation for people: how to correct the line.
    pub message: String,
}

impl LineFault {
    fn new(line: u64, code: &str, message: impl Into<String>) -> Self {
        let mut message = message.into();
        // Messages may quote cells, which may be as long as the file.
        if message.len() > MAX_MESSAGE {
            message.truncate(message.floor_char_boundary(MAX_MESSAGE - '…'.len_utf8()));
            message.push('…');
        }
        Self {
            line,
            code: code.to_owned(),
            message,
        }
    }

    /// A file that is larger than [`MAX_FILE_BYTES`].
    pub fn file_too_large(bytes: u64) -> Self {
        let most = MAX_FILE_BYTES / 1024 / 1024;
        let message =
            format!("The file is {bytes} bytes; split it into files of at most {most} MiB.");
        Self::new(0, "file_too_large", message)
    }

    /// Code of [`LineFault::sku_taken`].
    pub const SKU_TAKEN: &str = "sku_taken";

    /// A row of a product without any valid row.
    pub fn product_rejected(line: u64) -> Self {
        Self::new(
            line,
            "product_rejected",
            "None of the product's rows is valid; correct the errors of the other lines.",
        )
    }

    /// A row of a product that exceeds the size limit.
    pub fn product_too_large(line: u64) -> Self {
        let message = "The product is too large: use fewer tags or variants, or shorter texts.";
        Self::new(line, "product_too_large", message)
    }

    /// A valid row that could not be stored.
    pub fn not_stored(line: u64) -> Self {
        let message = "The shop could not confirm that the row was stored; import it again.";
        Self::new(line, "not_stored", message)
    }

    /// A file that could not be read because of a failure of the shop.
    pub fn not_started() -> Self {
        Self::new(
            0,
            "not_started",
            "The shop could not read the file; import it again.",
        )
    }

    /// A row whose SKU belongs to another product.
    pub fn sku_taken(line: u64, sku: &Sku) -> Self {
        Self::new(
            line,
            Self::SKU_TAKEN,
            format!("Another product has the SKU {sku}; change one of them."),
        )
    }
}

/// Object key of an import's upload.
pub fn upload_key(id: ImportId) -> String {
    format!("imports/{id}.csv")
}

/// The import that an uploaded object belongs to, from its key.
pub fn id_of_upload(key: &str) -> Option<ImportId> {
    key.strip_prefix("imports/")?
        .strip_suffix(".csv")?
        .parse()
        .ok()
}

/// The progress of an import.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ImportView {
    /// Identifier of the import.
    pub id: ImportId,
    /// State of the import.
    pub state: ImportState,
    /// Number of rows in the file, without the header.
    pub rows_total: u64,
    /// Number of rows that were imported or unchanged.
    pub rows_imported: u64,
    /// Number of rows that were rejected.
    pub rows_failed: u64,
    /// Errors by line; at most the first 1,000.
    pub errors: Vec<LineFault>,
    /// Time at which the import was created.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

/// Response of `POST /v1/admin/imports`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ImportTicket {
    /// Identifier of the import.
    pub id: ImportId,
    /// Always `awaiting_upload`.
    pub state: ImportState,
    /// Presigned upload for the file.
    pub upload: UploadTicket,
}

/// A presigned upload: one request that needs no other credentials.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct UploadTicket {
    /// HTTP method of the upload.
    pub method: String,
    /// URL to upload to.
    pub url: String,
    /// Headers to send unchanged with the upload.
    pub headers: std::collections::BTreeMap<String, String>,
    /// The URL is refused from this time on.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
}

macro_rules! columns {
    ($($(#[$doc:meta])* $field:ident: $($name:literal)|+;)*) => {
        /// One row of a product file: the columns that the shop uses, trimmed; empty if absent.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Row {
            /// Line of the file on which the row starts.
            pub line: u64,
            $($(#[$doc])* #[serde(skip_serializing_if = "String::is_empty")] pub $field: String,)*
        }

        /// A column that the shop uses; named like the field it fills.
        #[derive(Clone, Copy, PartialEq, Eq)]
        #[expect(non_camel_case_types, reason = "named like the fields they fill")]
        enum Column { $($field,)* }

        impl Column {
            fn named(name: &str) -> Option<Self> {
                match name.trim().to_lowercase().as_str() {
                    $($($name)|+ => Some(Self::$field),)*
                    _ => None,
                }
            }
        }

        impl Row {
            fn set(&mut self, column: Column, text: &str) {
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
    /// `active`, `draft` or `archived`.
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

impl Column {
    const fn max_bytes(self) -> usize {
        match self {
            Self::body => MAX_CELL_BYTES[0],
            Self::tags => MAX_CELL_BYTES[1],
            _ => MAX_CELL_BYTES[2],
        }
    }

    /// Removes control characters from a cell, and outside of descriptions line breaks and repeated
    /// spaces.
    fn clean(self, cell: &str) -> String {
        if self == Self::body {
            let keep = |c: &char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
            return cell.trim().chars().filter(keep).collect();
        }
        let words: Vec<&str> = cell.split_whitespace().collect();
        words
            .join(" ")
            .chars()
            .filter(|c| !c.is_control())
            .collect()
    }
}

impl Row {
    fn option_names(&self) -> [&str; 3] {
        [&self.option1_name, &self.option2_name, &self.option3_name]
    }

    fn option_values(&self) -> [&str; 3] {
        [
            &self.option1_value,
            &self.option2_value,
            &self.option3_value,
        ]
    }

    /// Whether the row only adds an image to its product.
    fn is_image_only(&self) -> bool {
        !self.image.is_empty()
            && self.price.is_empty()
            && self.sku.is_empty()
            && self.option_values().iter().all(|value| value.is_empty())
    }
}

/// All rows of one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowGroup {
    /// Slug of the product.
    pub slug: String,
    /// Rows in the file's order, at least one.
    pub rows: Vec<Row>,
}

impl RowGroup {
    /// Returns `faults`, with one made by `fault` added for each row that has none.
    pub fn fail_rest(
        &self,
        mut faults: Vec<LineFault>,
        fault: fn(u64) -> LineFault,
    ) -> Vec<LineFault> {
        let named: HashSet<u64> = faults.iter().map(|fault| fault.line).collect();
        let rest = self.rows.iter().filter(|row| !named.contains(&row.line));
        faults.extend(rest.map(|row| fault(row.line)));
        faults
    }
}

/// A part of a file that is sent as one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The import that the chunk belongs to.
    pub import_id: ImportId,
    /// Number of the chunk, from 1.
    pub number: u32,
    /// Whole products; a product is never split across chunks.
    pub groups: Vec<RowGroup>,
}

/// A valid file, grouped by product.
#[derive(Debug, Default)]
pub struct ReadFile {
    /// Number of rows without the header and empty lines.
    pub rows_total: u64,
    /// Rows that cannot be assigned to a product.
    pub faults: Vec<LineFault>,
    /// Products in the file's order.
    pub groups: Vec<RowGroup>,
}

/// Reads a product file, or returns why it was rejected.
pub fn read_file(bytes: &[u8]) -> Result<ReadFile, LineFault> {
    let text = decode(bytes)?;
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let unreadable = |error: csv::Error| {
        LineFault::new(0, "not_csv", format!("The file is not valid CSV: {error}."))
    };

    reader.read_record(&mut record).map_err(unreadable)?;
    let columns = header(&record)?;
    let width = record.len();

    let mut file = ReadFile::default();
    let mut group_of: HashMap<String, usize> = HashMap::new();
    while reader.read_record(&mut record).map_err(unreadable)? {
        let line = record.position().map_or(0, csv::Position::line);
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        file.rows_total += 1;
        if record.len() != width {
            let message = format!(
                "The row has {} columns, the header {width}; enclose texts with commas, quotes or line breaks in double quotes.",
                record.len()
            );
            file.faults
                .push(LineFault::new(line, "wrong_column_count", message));
            continue;
        }
        let mut row = Row {
            line,
            ..Row::default()
        };
        let mut oversized = false;
        for (column, cell) in columns.iter().zip(record.iter()) {
            let Some(column) = *column else { continue };
            oversized |= cell.len() > column.max_bytes();
            row.set(column, &column.clean(cell));
        }
        if oversized {
            let message = "A cell of the row is too long for its column; shorten it.";
            file.faults.push(LineFault::new(line, "too_long", message));
            continue;
        }
        if row.handle.is_empty() {
            let message = "The row has no handle; enter the handle of its product.";
            file.faults
                .push(LineFault::new(line, "handle_missing", message));
            continue;
        }
        let Some(slug) = slug(&row.handle) else {
            let message = "A handle needs letters or digits, and at most 255 characters.";
            file.faults
                .push(LineFault::new(line, "invalid_handle", message));
            continue;
        };
        // The group holds the slug.
        row.handle.clear();
        let group = *group_of.entry(slug).or_insert_with_key(|slug| {
            file.groups.push(RowGroup {
                slug: slug.clone(),
                rows: Vec::new(),
            });
            file.groups.len() - 1
        });
        file.groups[group].rows.push(row);
    }
    if file.rows_total == 0 {
        return Err(LineFault::new(
            1,
            "no_rows",
            "The file has a header but no rows.",
        ));
    }
    reject_oversized(&mut file);
    Ok(file)
}

/// Rejects products whose rows do not fit into a message.
fn reject_oversized(file: &mut ReadFile) {
    for group in std::mem::take(&mut file.groups) {
        // Rows that cannot be serialized do not fit either.
        let bytes = serde_json::to_vec(&group).map_or(usize::MAX, |json| json.len());
        if bytes <= MAX_GROUP_BYTES {
            file.groups.push(group);
            continue;
        }
        file.faults
            .extend(group.fail_rest(Vec::new(), LineFault::product_too_large));
    }
}

fn decode(bytes: &[u8]) -> Result<&str, LineFault> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        let message = "The file is in UTF-16; save it as CSV in UTF-8.";
        return Err(LineFault::new(1, "unsupported_encoding", message));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(LineFault::new(0, "empty_file", "The file is empty."));
    }
    if bytes.contains(&0) {
        let message = "The file is not a text file; export the products as CSV in UTF-8.";
        return Err(LineFault::new(0, "not_csv", message));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64;
        let message = "The file is not valid UTF-8 from this line on; save it as CSV in UTF-8.";
        LineFault::new(line, "unsupported_encoding", message)
    })
}

/// Maps each cell of a row to its column.
fn header(record: &csv::StringRecord) -> Result<Vec<Option<Column>>, LineFault> {
    let columns: Vec<Option<Column>> = record.iter().map(Column::named).collect();
    let required = [
        (Column::handle, "Handle"),
        (Column::title, "Title"),
        (Column::price, "Variant Price"),
    ];
    let missing: Vec<&str> = required
        .iter()
        .filter(|(column, _)| !columns.contains(&Some(*column)))
        .map(|(_, name)| *name)
        .collect();
    if missing.is_empty() {
        let twice = (0..columns.len()).find(|index| {
            columns[*index].is_some() && columns[..*index].contains(&columns[*index])
        });
        return match twice {
            None => Ok(columns),
            Some(index) => {
                let message = format!(
                    "The header has two columns {:?}; remove one.",
                    &record[index]
                );
                Err(LineFault::new(1, "duplicate_column", message))
            }
        };
    }
    let first = record.iter().next().unwrap_or_default();
    if record.len() == 1
        && first.to_lowercase().starts_with("handle")
        && first.contains([';', '\t'])
    {
        let message = "The columns are separated by semicolons or tabs; save the file with commas.";
        return Err(LineFault::new(1, "wrong_delimiter", message));
    }
    if missing.len() == required.len() {
        let message = "The first line is not the header of a product file; it must name the columns Handle, Title and Variant Price.";
        return Err(LineFault::new(1, "not_csv", message));
    }
    let message = format!(
        "The header lacks these columns; add them: {}.",
        missing.join(", ")
    );
    Err(LineFault::new(1, "missing_columns", message))
}

/// Packs products into chunks, each as full as a message may be.
pub fn chunks(import_id: ImportId, groups: Vec<RowGroup>) -> Result<Vec<Chunk>, serde_json::Error> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let (mut bytes, mut rows) = (0, 0);
    for group in groups {
        let group_bytes = serde_json::to_vec(&group)?.len();
        bytes += group_bytes;
        rows += group.rows.len();
        match chunks.last_mut() {
            Some(chunk) if bytes <= MAX_CHUNK_BYTES && rows <= MAX_CHUNK_ROWS => {
                chunk.groups.push(group)
            }
            _ => {
                (bytes, rows) = (group_bytes, group.rows.len());
                chunks.push(Chunk {
                    import_id,
                    number: chunks.len() as u32 + 1,
                    groups: vec![group],
                });
            }
        }
    }
    Ok(chunks)
}

/// Result of drafting one product from its rows.
#[derive(Debug)]
pub struct Drafted {
    /// The product, unless it was rejected as a whole.
    pub draft: Option<Draft>,
    /// Faults of the rows that were not used.
    pub faults: Vec<LineFault>,
}

/// A product as its rows describe it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// Slug of the product.
    pub slug: String,
    /// Title of the product.
    pub title: String,
    /// Description as sanitized HTML.
    pub description_html: String,
    /// Brand of the product.
    pub vendor: String,
    /// Product type, such as `Mug`.
    pub product_type: String,
    /// Tags in the file's order.
    pub tags: Vec<String>,
    /// Names of the collections that contain it.
    pub collections: Vec<String>,
    /// Whether shoppers can see the product.
    pub published: bool,
    /// Options with the values that its variants use.
    pub options: Vec<OptionView>,
    /// Variants, at least one.
    pub variants: Vec<DraftVariant>,
    /// Images in display order.
    pub images: Vec<ImageView>,
}

/// A variant as its row describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DraftVariant {
    /// Line of its row in the file.
    #[serde(skip)]
    pub line: u64,
    /// SKU of the row, or generated from handle and options if the row has none.
    pub sku: Sku,
    /// One value per option.
    pub option_values: Vec<String>,
    /// Price of one unit.
    pub price: Money,
    /// Former price, to show a reduction.
    pub compare_at_price: Option<Money>,
    /// Units on hand.
    pub quantity: i64,
    /// Whether the variant is sold beyond its stock.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub backorder: bool,
}

impl DraftVariant {
    /// The option values, or `Default Title`.
    pub fn title(&self) -> String {
        if self.option_values.is_empty() {
            DEFAULT_TITLE.to_owned()
        } else {
            self.option_values.join(" / ")
        }
    }

    /// Title for a cart line: the product's title and the option values.
    pub fn line_title(&self, product_title: &str) -> String {
        if self.option_values.is_empty() {
            product_title.to_owned()
        } else {
            format!("{product_title} ({})", self.title())
        }
    }
}

impl Draft {
    /// Whether the product, or its entries in all lists, would exceed the size limits.
    fn is_too_large(&self) -> bool {
        // Option values and titles appear in the view more than once.
        let values: usize = self
            .variants
            .iter()
            .flat_map(|variant| &variant.option_values)
            .map(String::len)
            .sum();
        let json = serde_json::to_vec(self).map_or(usize::MAX / 2, |json| json.len()) + values;
        // One list of all products, one of its type, and one for each tag and collection; each in two
        // sort orders.
        let places = 2 * (2 + self.tags.len() + self.collections.len());
        json > MAX_VIEW_BYTES || json.saturating_mul(places) > MAX_LISTED_BYTES
    }

    /// Hash of the content, independent of the file it came from.
    pub fn content_hash(&self) -> Result<String, serde_json::Error> {
        let digest = digest(&SHA256, &serde_json::to_vec(self)?);
        Ok(hex(&digest.as_ref()[..16]))
    }

    /// Makes the product, as the successor of `previous` if there was one. `available` holds the
    /// availability of each variant, in order.
    pub fn product(
        self,
        previous: Option<&Product>,
        available: &[bool],
        new_id: ProductId,
    ) -> Result<Product, serde_json::Error> {
        let content_hash = self.content_hash()?;
        let variants = self
            .variants
            .iter()
            .zip(available)
            .map(|(variant, available)| VariantView {
                sku: variant.sku.clone(),
                title: variant.title(),
                option_values: variant.option_values.clone(),
                price: variant.price,
                compare_at_price: variant.compare_at_price,
                available: *available,
            });
        let quantities = self
            .variants
            .iter()
            .map(|variant| (variant.sku.clone(), variant.quantity));
        Ok(Product {
            version: previous.map_or(0, |product| product.version) + 1,
            published: self.published,
            content_hash,
            imported_quantities: quantities.collect(),
            view: ProductView {
                id: previous.map_or(new_id, |product| product.view.id),
                variants: variants.collect(),
                slug: self.slug,
                title: self.title,
                description_html: self.description_html,
                vendor: self.vendor,
                product_type: self.product_type,
                tags: self.tags,
                collections: self.collections,
                options: self.options,
                images: self.images,
            },
        })
    }
}

/// Drafts a product from its rows. An error in the product columns of the first row rejects the
/// product; any other error rejects its row only.
pub fn draft_product(group: &RowGroup, currency: Currency) -> Drafted {
    let Some(first) = group.rows.first() else {
        return Drafted {
            draft: None,
            faults: Vec::new(),
        };
    };
    match draft_head(group, first) {
        Ok(mut draft) => {
            let mut faults = Vec::new();
            let names = option_names(first);
            read_rows(&mut draft, group, &names, currency, &mut faults);
            if draft.variants.is_empty() {
                return Drafted {
                    draft: None,
                    faults: group.fail_rest(faults, LineFault::product_rejected),
                };
            }
            draft.options = used_options(&names, &draft.variants);
            if draft.is_too_large() {
                return Drafted {
                    draft: None,
                    faults: group.fail_rest(faults, LineFault::product_too_large),
                };
            }
            Drafted {
                draft: Some(draft),
                faults,
            }
        }
        Err(fault) => {
            let message = format!("The product was rejected because of line {}.", fault.line);
            let rest = group.rows.iter().skip(1);
            let rest =
                rest.map(|row| LineFault::new(row.line, "product_rejected", message.clone()));
            let faults = std::iter::once(fault.clone()).chain(rest).collect();
            Drafted {
                draft: None,
                faults,
            }
        }
    }
}

/// Reads the product columns of the first row.
fn draft_head(group: &RowGroup, first: &Row) -> Result<Draft, LineFault> {
    let fault = |code, message: String| Err(LineFault::new(first.line, code, message));
    if first.title.is_empty() {
        return fault(
            "title_missing",
            "The first row of a product needs a title.".into(),
        );
    }
    let texts = [
        ("title", &first.title),
        ("vendor", &first.vendor),
        ("type", &first.product_type),
        ("collection", &first.collection),
        ("option name", &first.option1_name),
        ("option name", &first.option2_name),
        ("option name", &first.option3_name),
    ];
    for (name, text) in texts {
        if text.chars().count() > MAX_TEXT {
            return fault(
                "too_long",
                format!("The {name} must have at most {MAX_TEXT} characters."),
            );
        }
    }
    let mut seen = BTreeSet::new();
    let tags: Vec<String> = first
        .tags
        .split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty() && seen.insert(tag.to_lowercase()))
        .map(str::to_owned)
        .collect();
    if tags.len() > MAX_TAGS || tags.iter().any(|tag| tag.chars().count() > MAX_TEXT) {
        return fault(
            "too_many_tags",
            format!("A product may have {MAX_TAGS} tags of up to {MAX_TEXT} characters."),
        );
    }
    let description_html = ammonia::clean(&first.body);
    if description_html.len() > MAX_DESCRIPTION_BYTES {
        return fault(
            "description_too_long",
            format!("The description must be at most {MAX_DESCRIPTION_BYTES} bytes."),
        );
    }
    let published = match first.published.to_lowercase().as_str() {
        "" | "true" | "yes" | "1" => true,
        "false" | "no" | "0" => false,
        _ => {
            return fault(
                "invalid_published",
                "Published must be true or false.".into(),
            );
        }
    };
    let active = match first.status.to_lowercase().as_str() {
        "" | "active" => true,
        "draft" | "archived" | "unlisted" => false,
        _ => {
            return fault(
                "invalid_status",
                "Status must be active, draft or archived.".into(),
            );
        }
    };
    let collection = first.collection.trim();
    Ok(Draft {
        slug: group.slug.clone(),
        title: first.title.clone(),
        description_html,
        vendor: first.vendor.clone(),
        product_type: first.product_type.clone(),
        tags,
        collections: (!collection.is_empty())
            .then(|| collection.to_owned())
            .into_iter()
            .collect(),
        published: published && active,
        options: Vec::new(),
        variants: Vec::new(),
        images: Vec::new(),
    })
}

/// Names of the options; empty for a product with one variant and no options.
fn option_names(first: &Row) -> Vec<String> {
    let is_default = first.option1_value == DEFAULT_TITLE && first.option2_value.is_empty();
    if is_default {
        return Vec::new();
    }
    let values = first.option_values();
    first
        .option_names()
        .iter()
        .zip(values)
        .enumerate()
        .filter(|(_, (name, value))| !name.is_empty() || !value.is_empty())
        .map(|(index, (name, _))| match *name {
            "" => format!("Option {}", index + 1),
            name => name.to_owned(),
        })
        .collect()
}

/// Each option with the values that its variants use.
fn used_options(names: &[String], variants: &[DraftVariant]) -> Vec<OptionView> {
    let values = |index: usize| {
        let mut values: Vec<String> = Vec::new();
        for variant in variants {
            if let Some(value) = variant
                .option_values
                .get(index)
                .filter(|value| !values.contains(value))
            {
                values.push(value.clone());
            }
        }
        values
    };
    let option = |(index, name): (usize, &String)| OptionView {
        name: name.clone(),
        values: values(index),
    };
    names.iter().enumerate().map(option).collect()
}

/// Adds the variants and images of all rows.
fn read_rows(
    draft: &mut Draft,
    group: &RowGroup,
    names: &[String],
    currency: Currency,
    faults: &mut Vec<LineFault>,
) {
    let mut images: Vec<(u32, ImageView)> = Vec::new();
    for (index, row) in group.rows.iter().enumerate() {
        let image = match read_image(row) {
            Ok(image) => image,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        if index == 0 || !row.is_image_only() {
            match read_variant(draft, row, names, currency) {
                Ok(variant) => draft.variants.push(variant),
                Err(fault) => {
                    faults.push(fault);
                    continue;
                }
            }
        }
        if let Some(image) =
            image.filter(|(_, image)| images.iter().all(|(_, seen)| seen.url != image.url))
        {
            images.push(image);
        }
    }
    // Stable sort: images without a position follow in the file's order.
    images.sort_by_key(|(position, _)| *position);
    draft.images = images.into_iter().map(|(_, image)| image).collect();
}

fn read_image(row: &Row) -> Result<Option<(u32, ImageView)>, LineFault> {
    if row.image.is_empty() {
        return Ok(None);
    }
    let absolute = ["https://", "http://"]
        .iter()
        .any(|scheme| row.image.starts_with(scheme));
    let local = row.image.starts_with("/media/") && !row.image.contains("..");
    let clean = !row
        .image
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || "<>\"".contains(c));
    if !(absolute || local) || !clean || row.image.len() > 2048 {
        let message =
            "An image must be an http(s) URL or a path under /media/, of at most 2,048 characters.";
        return Err(LineFault::new(row.line, "invalid_image_url", message));
    }
    if row.image_alt.chars().count() > 512 {
        let message = "The alt text must have at most 512 characters.";
        return Err(LineFault::new(row.line, "too_long", message));
    }
    let position = row.image_position.parse().unwrap_or(u32::MAX);
    let image = ImageView {
        url: row.image.clone(),
        alt: row.image_alt.clone(),
    };
    Ok(Some((position, image)))
}

fn read_variant(
    draft: &Draft,
    row: &Row,
    names: &[String],
    currency: Currency,
) -> Result<DraftVariant, LineFault> {
    let fault = |code, message: String| LineFault::new(row.line, code, message);
    let option_values: Vec<String> = row
        .option_values()
        .iter()
        .take(names.len())
        .map(|value| (*value).to_owned())
        .collect();
    if option_values.iter().any(String::is_empty) {
        let message = format!("The row needs a value for each of: {}.", names.join(", "));
        return Err(fault("option_missing", message));
    }
    if option_values
        .iter()
        .any(|value| value.chars().count() > MAX_TEXT)
    {
        return Err(fault(
            "too_long",
            format!("An option value must have at most {MAX_TEXT} characters."),
        ));
    }
    if draft
        .variants
        .iter()
        .any(|variant| variant.option_values == option_values)
    {
        return Err(fault(
            "duplicate_variant",
            "An earlier row of the product has the same option values.".into(),
        ));
    }
    if draft.variants.len() == MAX_VARIANTS {
        return Err(fault(
            "too_many_variants",
            format!("A product may have at most {MAX_VARIANTS} variants."),
        ));
    }
    let price = match (row.price.as_str(), draft.variants.last()) {
        // Options that do not change the price leave the column empty.
        ("", Some(previous)) => previous.price,
        ("", None) => {
            return Err(fault(
                "price_missing",
                "The first variant of a product needs a price.".into(),
            ));
        }
        (text, _) => Money::parse_decimal(text, currency).ok_or_else(|| {
            let message = format!(
                "{text:?} is not a price in {currency}; write it like 1234.50, from 0 to 100000000."
            );
            fault("invalid_price", message)
        })?,
    };
    let compare_at_price = match row.compare_at_price.as_str() {
        "" => None,
        text => Some(Money::parse_decimal(text, currency).ok_or_else(|| {
            fault(
                "invalid_compare_at_price",
                format!("{text:?} is not a price in {currency}; write it like 1234.50."),
            )
        })?),
    };
    let backorder = match row.inventory_policy.to_lowercase().as_str() {
        "" | "deny" | "false" => false,
        "continue" | "true" => true,
        text => {
            let message = format!("{text:?} is not an inventory policy; write deny or continue.");
            return Err(fault("invalid_inventory_policy", message));
        }
    };
    // Exports write units that are sold beyond the stock as a negative quantity.
    let least = if backorder { -MAX_ON_HAND } else { 0 };
    let quantity = match row.quantity.as_str() {
        "" => 0,
        text => text
            .parse()
            .ok()
            .filter(|quantity| (least..=MAX_ON_HAND).contains(quantity))
            .ok_or_else(|| {
                let message = format!(
                    "{text:?} is not a quantity; write a whole number from {least} to {MAX_ON_HAND}."
                );
                fault("invalid_quantity", message)
            })?,
    };
    let sku = match row.sku.as_str() {
        "" => made_sku(&draft.slug, &option_values),
        text => text
            .parse()
            .map_err(|error| fault("invalid_sku", format!("{error}.")))?,
    };
    if draft.variants.iter().any(|variant| variant.sku == sku) {
        return Err(fault(
            "duplicate_sku",
            format!("An earlier row of the product has the SKU {sku}."),
        ));
    }
    Ok(DraftVariant {
        line: row.line,
        sku,
        option_values,
        price,
        compare_at_price: compare_at_price.filter(|price| price.amount > 0),
        quantity,
        backorder,
    })
}

/// Generates the SKU of a row that has none, unique for its handle and options. The parts are joined by
/// a dot, which handles cannot contain; values that are too long or not ASCII are distinguished by a
/// hash.
fn made_sku(handle: &str, option_values: &[String]) -> Sku {
    let mut exact = true;
    let mut text = String::new();
    for (index, part) in std::iter::once(handle)
        .chain(option_values.iter().map(String::as_str))
        .enumerate()
    {
        if index > 0 {
            text.push('.');
        }
        let ascii: String = part.chars().filter(char::is_ascii).collect();
        let plain = slug(&ascii).unwrap_or_default();
        // Case and spaces may be dropped only where values stay distinct.
        exact &= part.to_lowercase().replace(' ', "-") == plain;
        text.push_str(&plain);
    }
    if !exact || text.len() > 90 {
        let mut hash = Context::new(&SHA256);
        for part in std::iter::once(handle).chain(option_values.iter().map(String::as_str)) {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        text.truncate(80);
        text = format!(
            "{}.{}",
            text.trim_matches('.'),
            hex(&hash.finish().as_ref()[..5])
        );
        text = text.trim_start_matches('.').to_owned();
    }
    Sku::made(text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usd() -> Currency {
        "USD".parse().unwrap()
    }

    /// Imports a whole file: drafts, and faults by line.
    fn import(file: &str) -> (Vec<Draft>, Vec<(u64, String)>, u64) {
        let read = read_file(file.as_bytes()).unwrap();
        let mut faults = read.faults;
        let mut drafts = Vec::new();
        for group in &read.groups {
            let drafted = draft_product(group, usd());
            drafts.extend(drafted.draft);
            faults.extend(drafted.faults);
        }
        let faults = faults
            .into_iter()
            .map(|fault| (fault.line, fault.code))
            .collect();
        (drafts, faults, read.rows_total)
    }

    #[test]
    fn rows_of_a_product_need_not_stand_together() {
        let (drafts, faults, rows) = import(
            "Handle,Title,Option1 Name,Option1 Value,Variant Price\n\
             a,A,Size,S,1\nb,B,Title,Default Title,2\na,,,M,\n",
        );
        assert_eq!((drafts.len(), faults.len(), rows), (2, 0, 3));
        assert_eq!(drafts[0].variants.len(), 2);
        assert_eq!(
            drafts[0].variants[1].price.amount, 100,
            "a row without a price has no compare-at price either"
        );
    }

    #[test]
    fn messages_that_quote_the_file_stay_short() {
        let long = "ä".repeat(2000);
        let file = format!("Handle,Title,Variant Price\na,A,{long}\n");
        let read = read_file(file.as_bytes()).unwrap();
        let faults = draft_product(&read.groups[0], usd()).faults;
        assert_eq!(faults[0].code, "invalid_price");
        assert!(
            faults[0].message.len() <= MAX_MESSAGE,
            "{}",
            faults[0].message.len()
        );
    }

    #[test]
    fn lines_are_counted_through_quoted_line_breaks() {
        let (_, faults, _) =
            import("Handle,Title,Body (HTML),Variant Price\na,A,\"1\n2\n3\",1\nb,B,,free\n");
        assert_eq!(faults, [(5, "invalid_price".to_owned())]);
    }

    #[test]
    fn made_skus_are_stable_and_tell_values_apart() {
        let sku = |handle: &str, values: &[&str]| {
            let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
            made_sku(handle, &values).to_string()
        };
        assert_eq!(sku("ocean-blue-shirt", &[]), "ocean-blue-shirt");
        assert_eq!(sku("tee", &["Extra Large", "Red"]), "tee.extra-large.red");
        assert_eq!(sku("tee", &["Größe 3"]), sku("tee", &["Größe 3"]));
        let similar = ["Red!", "Red?", "Red", "réd", "Rot/Weiß", "小", "大", "-"];
        let made: BTreeSet<String> = similar.iter().map(|value| sku("tee", &[value])).collect();
        assert_eq!(made.len(), similar.len(), "{made:?}");
        assert!(
            made.iter().all(|sku| sku.parse::<Sku>().is_ok()),
            "{made:?}"
        );
        assert!(sku(&"x".repeat(250), &["y"]).parse::<Sku>().is_ok());
    }

    #[test]
    fn the_newer_column_names_are_known() {
        let (drafts, faults, _) = import(
            "Title,URL handle,Description,Option1 name,Option1 value,SKU,Price,Compare-at price,Inventory quantity,Product image URL,Status\n\
             Tee,tee,Soft,Size,S,T-S,9.99,12,4,https://example.com/t.png,Active\n",
        );
        assert_eq!((drafts.len(), faults), (1, vec![]));
        let variant = &drafts[0].variants[0];
        assert_eq!((variant.quantity, variant.sku.as_str()), (4, "T-S"));
    }

    #[test]
    fn chunks_hold_whole_products_and_stay_small() {
        let row = |line| Row {
            line,
            body: "x".repeat(3000),
            ..Row::default()
        };
        let groups: Vec<RowGroup> = (0..200)
            .map(|index| RowGroup {
                slug: format!("p-{index}"),
                rows: vec![row(index)],
            })
            .collect();
        let chunks = chunks(ImportId::random([0; 16]), groups).unwrap();
        assert!(chunks.len() > 1);
        assert_eq!(
            chunks.iter().map(|chunk| chunk.groups.len()).sum::<usize>(),
            200
        );
        for (index, chunk) in chunks.iter().enumerate() {
            assert_eq!(chunk.number as usize, index + 1);
            assert!(serde_json::to_vec(chunk).unwrap().len() < 256 * 1024);
        }
    }

    fn cell() -> impl Strategy<Value = String> {
        prop_oneof![
            Just(String::new()),
            Just("Default Title".to_owned()),
            "[a-c]{1,2}",
            "-?[0-9]{1,3}(\\.[0-9]{1,3})?",
            "\\PC{0,12}",
        ]
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_file(&bytes);
        }

        #[test]
        fn every_row_is_imported_or_named_once(rows in prop::collection::vec(prop::collection::vec(cell(), 7), 1..20)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            let header = ["Handle", "Title", "Option1 Name", "Option1 Value", "Variant SKU", "Variant Price", "Image Src"];
            writer.write_record(header).unwrap();
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let file = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let Ok(read) = read_file(file.as_bytes()) else { return Ok(()) };
            let mut lines: Vec<u64> = read.faults.iter().map(|fault| fault.line).collect();
            let mut grouped = 0;
            for group in &read.groups {
                grouped += group.rows.len() as u64;
                let drafted = draft_product(group, usd());
                if let Some(draft) = &drafted.draft {
                    prop_assert!(!draft.variants.is_empty());
                }
                lines.extend(drafted.faults.iter().map(|fault| fault.line));
            }
            prop_assert_eq!(read.rows_total, grouped + read.faults.len() as u64);
            let count = lines.len();
            lines.sort_unstable();
            lines.dedup();
            prop_assert_eq!(lines.len(), count, "a line was named twice");
        }
    }
}
