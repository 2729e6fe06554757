//! Drafts a product from its rows.

use std::collections::BTreeSet;

use super::{
    DEFAULT_TITLE, Draft, DraftVariant, LineFault, MAX_VARIANTS, Row, RowGroup, made_sku::made_sku,
};
use crate::{
    catalog::{ImageView, OptionView},
    inventory::MAX_ON_HAND,
    money::{Currency, Money},
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
    pub faults: Vec<LineFault>,
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
        handle: group.handle.clone(),
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
    let mut images: Vec<PositionedImage> = Vec::new();
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
            image.filter(|image| images.iter().all(|seen| seen.view.url != image.view.url))
        {
            images.push(image);
        }
    }
    // Stable sort: images without a position follow in the file's order.
    images.sort_by_key(|image| image.position);
    draft.images = images.into_iter().map(|image| image.view).collect();
}

struct PositionedImage {
    /// Images are sorted by it.
    position: u32,
    view: ImageView,
}

fn read_image(row: &Row) -> Result<Option<PositionedImage>, LineFault> {
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
    let view = ImageView {
        url: row.image.clone(),
        alt: row.image_alt.clone(),
    };
    Ok(Some(PositionedImage {
        position: row.image_position.parse().unwrap_or(u32::MAX),
        view,
    }))
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
