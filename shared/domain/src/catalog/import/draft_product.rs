//! Drafts a product from its rows and from the product that is stored.

use std::collections::{BTreeSet, HashSet};

use super::{
    Columns, Draft, DraftVariant, LineFault, MAX_VARIANTS, Row, RowFaults, RowGroup, UncertainSkus,
    made_sku::made_sku,
    options::{self, Choice},
    row::Column,
};
use crate::{
    catalog::{ImageView, ImportedVariant, Product, ProductStatus, Sku, VariantView},
    inventory::MAX_ON_HAND,
    money::{Money, PriceRule},
    text,
};

/// Maximum length of a description, in bytes of sanitized HTML.
const MAX_DESCRIPTION_BYTES: usize = 64 * 1024;
/// Maximum length of a title, vendor, type, tag, option name or option value, in characters.
const MAX_TEXT: usize = 255;
/// Maximum number of tags, the same as Shopify's.
const MAX_TAGS: usize = 250;

/// Result of drafting one product from its rows.
#[derive(Debug)]
pub struct Drafted {
    /// The product, unless it was rejected as a whole.
    pub draft: Option<Draft>,
    /// Faults of the rows that were not used.
    pub faults: RowFaults,
}

/// The file that rows are from, and the rules of the shop.
#[derive(Clone, Copy)]
pub struct DraftRules<'a> {
    /// Columns of the file.
    pub columns: &'a Columns,
    /// SKUs that unusable rows of the file name.
    pub uncertain_skus: &'a UncertainSkus,
    /// Prices that the shop can charge.
    pub prices: &'a PriceRule,
    /// Makes a description safe to show: [`sanitize`], unless the draft is not stored. A parameter, so that
    /// only functions that store drafts carry the sanitizer.
    pub sanitize: fn(&str) -> String,
}

/// The safe part of the HTML of a description, by the rule for text ([`text::block`]). Entities only become
/// characters when it is parsed, so the rule comes after that; and what the rule removes may have kept an
/// address or a tag from being dangerous (`java&#x202E;script:`), so the safe part is taken once more.
pub fn sanitize(html: &str) -> String {
    let mut safe = ammonia::clean(html);
    loop {
        let cleaned = text::block(&safe);
        if cleaned == safe {
            return safe;
        }
        // Each pass has lost a character or a tag, so it ends; usually the first changes nothing.
        safe = ammonia::clean(&cleaned);
    }
}

/// Drafts a product from its rows. An error in the product columns of the first row rejects the product; any
/// other error rejects its row only.
///
/// Data of columns that the file lacks are those of `stored`. If a row cannot be used, the variants and
/// images that the product has and no row mentions stay: they may be those of that row. A variant whose SKU an
/// unusable row of any product names stays, too. `faults` are those of rows that are known to be unusable.
pub fn draft_product(
    group: &RowGroup,
    rules: &DraftRules<'_>,
    stored: Option<&Product>,
    mut faults: RowFaults,
) -> Drafted {
    let reading = Reading { rules, stored };
    match reading.read(group, &mut faults) {
        Ok(draft) => Drafted {
            draft: Some(draft),
            faults,
        },
        Err(rejected) => {
            let fault = |line| match rejected {
                Rejected::Head => LineFault::product_rejected_with_first(line, faults.first()),
                Rejected::Rows => LineFault::product_rejected(line),
                Rejected::Size => LineFault::product_too_large(line),
            };
            Drafted {
                draft: None,
                faults: group.fail_rest(faults.clone(), fault),
            }
        }
    }
}

/// Why a product cannot be drafted.
enum Rejected {
    /// Its first row is unusable.
    Head,
    /// No row can be used, or what remains contradicts the product that is stored.
    Rows,
    /// It exceeds a size limit.
    Size,
}

/// The file, and the product that is stored under the group's slug.
struct Reading<'a> {
    rules: &'a DraftRules<'a>,
    stored: Option<&'a Product>,
}

struct PositionedImage {
    /// Images are sorted by it.
    position: u32,
    view: ImageView,
}

/// A stored variant: as shoppers see it, and the stock columns of its last import.
#[derive(Clone, Copy)]
struct StoredVariant<'a> {
    view: &'a VariantView,
    imported: Option<&'a ImportedVariant>,
}

impl StoredVariant<'_> {
    fn draft(&self) -> DraftVariant {
        DraftVariant {
            row: None,
            sku: self.view.sku.clone(),
            option_values: self.view.option_values.clone(),
            price: self.view.price,
            compare_at_price: self.view.compare_at_price,
            quantity: self.imported.and_then(|imported| imported.quantity),
            given_quantity: None,
            new_quantity: None,
            is_new: false,
            backorder: self.imported.is_some_and(|imported| imported.backorder),
            untracked: self.imported.is_some_and(|imported| imported.untracked),
        }
    }
}

impl<'a> Reading<'a> {
    fn read(&self, group: &RowGroup, faults: &mut RowFaults) -> Result<Draft, Rejected> {
        let first = group.rows.first().ok_or(Rejected::Rows)?;
        let mut draft = self.read_head(group, first).map_err(|fault| {
            faults.add(0, || fault);
            Rejected::Head
        })?;
        let stored_options = self.stored.map_or(&[][..], |stored| &stored.view.options);
        let choices = options::choices(&group.rows, self.rules.columns, stored_options);
        let mut images: Vec<PositionedImage> = Vec::new();
        // Options that do not change the price leave its cell blank: it is that of the row above, usable or not. A
        // price that cannot be read is not that of the row before it.
        let mut price = None;
        for (index, row) in group.rows.iter().enumerate() {
            if !row.price.is_empty() {
                price = Some(self.rules.prices.parse(&row.price));
            }
            if faults.has(index) {
                continue;
            }
            let mut read = || {
                let image = self.read_image(row)?;
                if index == 0 || !row.is_image_only() {
                    let variant =
                        self.read_variant(&draft, row, index, &choices, price.as_ref())?;
                    draft.variants.push(variant);
                }
                Ok(image)
            };
            match read() {
                Ok(Some(image)) if images.iter().all(|seen| seen.view.url != image.view.url) => {
                    images.push(image)
                }
                Ok(_) => {}
                Err(fault) => faults.add(index, || fault),
            }
        }
        // Stable sort: images without a position follow in the file's order.
        images.sort_by_key(|image| image.position);
        draft.images = images.into_iter().map(|image| image.view).collect();
        self.keep_stored(&mut draft, group, faults, choices.len())?;
        if draft.variants.is_empty() {
            return Err(Rejected::Rows);
        }
        draft.options = options::used(&choices, &draft.variants);
        if draft.variants.len() > MAX_VARIANTS || draft.is_too_large() {
            return Err(Rejected::Size);
        }
        Ok(draft)
    }

    /// Reads the product columns of the first row.
    fn read_head(&self, group: &RowGroup, first: &Row) -> Result<Draft, LineFault> {
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
        ];
        let texts = texts
            .into_iter()
            .map(|(name, text)| (name, text.as_str()))
            .chain(
                group
                    .rows
                    .iter()
                    .flat_map(|row| row.option_names().map(|name| ("option name", name))),
            );
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
            .map(text::line)
            .filter(|tag| !tag.is_empty() && seen.insert(text::key(tag)))
            .collect();
        if tags.len() > MAX_TAGS || tags.iter().any(|tag| tag.chars().count() > MAX_TEXT) {
            return fault(
                "too_many_tags",
                format!("A product may have {MAX_TAGS} tags of up to {MAX_TEXT} characters."),
            );
        }
        let description_html = (self.rules.sanitize)(&first.body);
        if description_html.len() > MAX_DESCRIPTION_BYTES {
            return fault(
                "description_too_long",
                format!("The description must be at most {MAX_DESCRIPTION_BYTES} bytes."),
            );
        }
        // A blank cell publishes the product: the format's own rule.
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
        let status = match first.status.to_lowercase().as_str() {
            "" | "active" => ProductStatus::Active,
            "unlisted" => ProductStatus::Unlisted,
            "draft" => ProductStatus::Draft,
            "archived" => ProductStatus::Archived,
            _ => {
                return fault(
                    "invalid_status",
                    "Status must be active, draft, archived or unlisted.".into(),
                );
            }
        };
        let view = self.stored.map(|stored| &stored.view);
        let collections = (!first.collection.is_empty()).then(|| first.collection.clone());
        Ok(Draft {
            slug: group.slug.clone(),
            handle: group.handle.clone(),
            title: first.title.clone(),
            description_html: self.or_stored(
                Column::body,
                description_html,
                view.map(|view| &view.description_html),
            ),
            vendor: self.or_stored(
                Column::vendor,
                first.vendor.clone(),
                view.map(|view| &view.vendor),
            ),
            product_type: self.or_stored(
                Column::product_type,
                first.product_type.clone(),
                view.map(|view| &view.product_type),
            ),
            tags: self.or_stored(Column::tags, tags, view.map(|view| &view.tags)),
            collections: self.or_stored(
                Column::collection,
                collections.into_iter().collect(),
                view.map(|view| &view.collections),
            ),
            published: self.or_stored(
                Column::published,
                published,
                self.stored.map(|stored| &stored.published),
            ),
            status: self.or_stored(
                Column::status,
                status,
                self.stored.map(|stored| &stored.status),
            ),
            options: Vec::new(),
            variants: Vec::new(),
            images: Vec::new(),
        })
    }

    /// `read` if the file has the column, otherwise the stored value, if there is one.
    fn or_stored<T: Clone>(&self, column: Column, read: T, stored: Option<&T>) -> T {
        match stored.filter(|_| !self.rules.columns.has(column)) {
            Some(stored) => stored.clone(),
            None => read,
        }
    }

    fn read_image(&self, row: &Row) -> Result<Option<PositionedImage>, LineFault> {
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
            let message = "An image must be an http(s) URL or a path under /media/, of at most 2,048 characters.";
            return Err(LineFault::new(row.line, "invalid_image_url", message));
        }
        if row.image_alt.chars().count() > 512 {
            let message = "The alt text must have at most 512 characters.";
            return Err(LineFault::new(row.line, "too_long", message));
        }
        let position = match row.image_position.as_str() {
            "" => u32::MAX,
            text => text.parse().map_err(|_| {
                let message = format!("{text:?} is not an image position; write a whole number.");
                LineFault::new(row.line, "invalid_image_position", message)
            })?,
        };
        let mut stored = self
            .stored
            .into_iter()
            .flat_map(|stored| &stored.view.images);
        let stored = stored.find(|image| image.url == row.image);
        let view = ImageView {
            url: row.image.clone(),
            alt: self.or_stored(
                Column::image_alt,
                row.image_alt.clone(),
                stored.map(|image| &image.alt),
            ),
        };
        Ok(Some(PositionedImage { position, view }))
    }

    fn stored_variants(&self) -> impl Iterator<Item = StoredVariant<'a>> {
        let stored = self.stored.into_iter();
        stored.flat_map(|stored| {
            stored.view.variants.iter().map(|view| StoredVariant {
                view,
                imported: stored
                    .imported
                    .iter()
                    .find(|imported| imported.sku == view.sku),
            })
        })
    }

    /// The stored variant that a row without option columns means: that of its SKU, or the only one.
    fn meant_by_sku(&self, row: &Row) -> Option<StoredVariant<'a>> {
        if !row.sku.is_empty() {
            return self
                .stored_variants()
                .find(|stored| stored.view.sku.as_str() == row.sku);
        }
        let mut variants = self.stored_variants();
        variants.next().filter(|_| variants.next().is_none())
    }

    fn read_variant(
        &self,
        draft: &Draft,
        row: &Row,
        index: usize,
        choices: &[Choice],
        price: Option<&Result<Money, String>>,
    ) -> Result<DraftVariant, LineFault> {
        let fault = |code, message: String| LineFault::new(row.line, code, message);
        let by_sku = self.meant_by_sku(row);
        let known = by_sku.map_or(&[][..], |stored| &stored.view.option_values);
        let option_values = options::values(choices, row, known);
        if option_values.iter().any(String::is_empty) {
            let names: Vec<&str> = choices.iter().map(|choice| choice.name.as_str()).collect();
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
        let by_options = self
            .stored_variants()
            .find(|stored| stored.view.option_values == option_values);
        // A variant needs a SKU, so that a blank cell cannot remove it.
        let sku: Sku = match (row.sku.as_str(), by_options) {
            ("", Some(stored)) => stored.view.sku.clone(),
            ("", None) => made_sku(&draft.slug, &option_values),
            (text, _) => text
                .parse()
                .map_err(|error| fault("invalid_sku", format!("{error}.")))?,
        };
        if draft.variants.iter().any(|variant| variant.sku == sku) {
            return Err(fault(
                "duplicate_sku",
                format!("An earlier row of the product has the SKU {sku}."),
            ));
        }
        let by_sku = self.stored_variants().find(|stored| stored.view.sku == sku);
        let stored = by_sku.or(by_options).map(|stored| stored.draft());

        let price = match price {
            Some(Ok(price)) => *price,
            Some(Err(message)) => return Err(fault("invalid_price", message.clone())),
            None => {
                return Err(fault(
                    "price_missing",
                    "The first variant of a product needs a price.".into(),
                ));
            }
        };
        let compare_at_price = match self
            .rules
            .columns
            .cell(Column::compare_at_price, &row.compare_at_price)
        {
            None => stored.as_ref().and_then(|stored| stored.compare_at_price),
            Some("") => None,
            Some(text) => Some(
                self.rules
                    .prices
                    .parse(text)
                    .map_err(|message| fault("invalid_compare_at_price", message))?,
            ),
        };
        let backorder = match row.inventory_policy.to_lowercase().as_str() {
            // The format requires a value, so a blank cell says nothing.
            "" => stored.as_ref().is_some_and(|stored| stored.backorder),
            "deny" | "false" => false,
            "continue" | "true" => true,
            text => {
                let message =
                    format!("{text:?} is not an inventory policy; write deny or continue.");
                return Err(fault("invalid_inventory_policy", message));
            }
        };
        let untracked = match self.rules.columns.cell(Column::tracker, &row.tracker) {
            None => stored.as_ref().is_some_and(|stored| stored.untracked),
            // The format's own rule: units that no system tracks are not counted.
            Some(tracker) => tracker.is_empty(),
        };
        // Exports write units that were sold beyond the stock as a negative quantity, beside the policy.
        // Without a policy, it is a mistake.
        let least = match backorder || !row.inventory_policy.is_empty() {
            true => -MAX_ON_HAND,
            false => 0,
        };
        let given: Option<i64> = match row.quantity.as_str() {
            "" => None,
            text => Some(
                text.parse()
                    .ok()
                    .filter(|quantity| (least..=MAX_ON_HAND).contains(quantity))
                    .ok_or_else(|| {
                        let message = format!(
                            "{text:?} is not a quantity; write a whole number from {least} to {MAX_ON_HAND}."
                        );
                        fault("invalid_quantity", message)
                    })?,
            ),
        };
        // A SKU that is new to the product has no quantity yet. That of an untracked variant says nothing.
        let counted = by_sku.and_then(|stored| stored.imported?.quantity);
        let given = given.filter(|_| !untracked);
        Ok(DraftVariant {
            row: Some(index),
            sku,
            option_values,
            price,
            compare_at_price: compare_at_price.filter(|price| price.amount > 0),
            quantity: given.or(counted).filter(|_| !untracked),
            given_quantity: given,
            new_quantity: given.filter(|_| given != counted),
            is_new: by_sku.is_none(),
            backorder,
            untracked,
        })
    }

    /// Adds the stored variants and images that the rows do not mention: images if the file has no column for
    /// them, both if a row cannot be used, and variants whose SKU an unusable row names.
    fn keep_stored(
        &self,
        draft: &mut Draft,
        group: &RowGroup,
        faults: &RowFaults,
        options: usize,
    ) -> Result<(), Rejected> {
        let Some(stored) = self.stored else {
            return Ok(());
        };
        let complete = faults.is_empty() && !group.incomplete;
        if !complete || !self.rules.columns.has(Column::image) {
            for image in &stored.view.images {
                if draft.images.iter().all(|kept| kept.url != image.url) {
                    draft.images.push(image.clone());
                }
            }
        }
        let rows = group.rows.iter().enumerate();
        let unusable = rows.filter(|(index, _)| faults.has(*index));
        let unusable: HashSet<&str> = unusable.map(|(_, row)| row.sku.as_str()).collect();
        // Each follows the stored variant before it, so that the product's order stays.
        let mut after = 0;
        for variant in self.stored_variants() {
            let sku = &variant.view.sku;
            let mut drafted = draft.variants.iter();
            if let Some(found) = drafted.position(|kept| kept.sku == *sku) {
                after = found + 1;
                continue;
            }
            // An archived product gives up its SKUs, whatever becomes of them.
            let is_named = draft.status != ProductStatus::Archived
                && (unusable.contains(sku.as_str()) || self.rules.uncertain_skus.has(sku));
            let has_its_options =
                |kept: &DraftVariant| kept.option_values == variant.view.option_values;
            let replaced_by = draft.variants.iter().position(has_its_options);
            if let Some(found) = replaced_by.filter(|_| !is_named) {
                after = found + 1;
                continue;
            }
            if complete && !is_named {
                continue;
            }
            if replaced_by.is_some() || variant.view.option_values.len() != options {
                // Another SKU has its options, or the options have changed and it has no value for them.
                return Err(Rejected::Rows);
            }
            draft.variants.insert(after, variant.draft());
            after += 1;
        }
        Ok(())
    }
}
