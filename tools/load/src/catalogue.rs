//! The products to shop for: generated for a local shop, read from a deployed one.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    time::{Duration, Instant},
};

use local::{catalogue::upload, outcome::Outcome};
use rand::RngExt;
use serde_json::Value;

use crate::{plan::Shelves, random::stream};

/// Timeout of an import without progress.
const PATIENCE: Duration = Duration::from_secs(60);
/// Maximum number of products to read from a shop; the rest would hardly be viewed.
const MOST_READ: usize = 2_000;

const COLLECTIONS: [&str; 6] = [
    "New in",
    "Main Stage",
    "Camping",
    "Rain or Shine",
    "For the Crew",
    "Last Chance",
];
const TYPES: [&str; 8] = [
    "T-shirt", "Hoodie", "Poster", "Mug", "Cap", "Bag", "Blanket", "Record",
];
const TAGS: [&str; 12] = [
    "organic", "unisex", "limited", "2026", "gift", "vinyl", "cotton", "recycled", "kids",
    "summer", "signed", "bundle",
];
const SIZES: [&str; 3] = ["S", "M", "L"];
const ABOUT: &str = "<p>The one you put on at sunrise and are still wearing at the last encore. Heavy organic \
                     cotton, cut a little wide so that the air gets in.</p><ul><li>220 g/m² organic cotton, washed \
                     once so that it does not shrink</li><li>Printed by hand with water-based ink</li><li>Cut and \
                     sewn within a day's drive of the festival grounds</li></ul>";

/// A product with its variants.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub(crate) slug: String,
    pub(crate) skus: Vec<String>,
}

/// All products, the most popular first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogue {
    pub(crate) products: Vec<Product>,
    pub(crate) collections: Vec<String>,
    pub(crate) types: Vec<String>,
    pub(crate) tags: Vec<String>,
}

impl Catalogue {
    pub(crate) fn shelves(&self) -> Shelves {
        Shelves {
            products: self.products.len(),
            collections: self.collections.len(),
            types: self.types.len(),
            tags: self.tags.len(),
        }
    }

    /// Reads the products of a shop, page by page. Sorted by slug, so that the order is reproducible.
    pub(crate) async fn read(http: &reqwest::Client, address: &str) -> Outcome<Self> {
        let mut products = Vec::new();
        let [mut collections, mut types, mut tags] = [const { BTreeSet::new() }; 3];
        let mut cursor: Option<String> = None;
        loop {
            let mut request = http.get(format!("{address}/v1/products?limit=100"));
            if let Some(cursor) = &cursor {
                request = request.query(&[("cursor", cursor)]);
            }
            let answer = request
                .send()
                .await
                .map_err(|error| format!("{address} does not answer: {}", root_of(&error)))?;
            if !answer.status().is_success() {
                let status = answer.status();
                return Err(
                    format!("{address}/v1/products answers {status}: is it a shop?").into(),
                );
            }
            let page: Value = answer.json().await.map_err(|_| {
                format!("{address}/v1/products is not a product list: is it a shop?")
            })?;
            for item in page["items"].as_array().into_iter().flatten() {
                let strings = |value: &Value| -> Vec<String> {
                    let strings = value.as_array().into_iter().flatten();
                    strings
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect()
                };
                collections.extend(strings(&item["collections"]));
                tags.extend(strings(&item["tags"]));
                types.extend(
                    item["type"]
                        .as_str()
                        .filter(|name| !name.is_empty())
                        .map(str::to_owned),
                );
                products.push(Product {
                    slug: item["slug"].as_str().unwrap_or_default().to_owned(),
                    skus: Vec::new(),
                });
            }
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() || products.len() >= MOST_READ {
                break;
            }
        }
        // Lists omit variants, which are on the products' pages.
        for product in &mut products {
            let url = format!("{address}/v1/products/{}", product.slug);
            let page: Value = http.get(url).send().await?.json().await?;
            let variants = page["variants"].as_array().into_iter().flatten();
            product.skus = variants
                .filter_map(|variant| variant["sku"].as_str())
                .map(str::to_owned)
                .collect();
        }
        products.retain(|product| !product.skus.is_empty());
        products.sort_by(|a, b| a.slug.cmp(&b.slug));
        if products.is_empty() {
            return Err(
                format!("the shop at {address} sells nothing: import products first").into(),
            );
        }
        Ok(Self {
            products,
            collections: collections.into_iter().collect(),
            types: types.into_iter().collect(),
            tags: tags.into_iter().collect(),
        })
    }
}

/// A product file with this number of products, each with three variants of `stock` units.
pub(crate) fn file(products: usize, stock: u32) -> String {
    let mut file = "Handle,Title,Body (HTML),Vendor,Type,Tags,Collection,Published,Option1 Name,Option1 Value,\
                    Variant SKU,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Image Src,Image Alt Text\n"
        .to_owned();
    // The same shop for every seed: seeds only vary the shoppers.
    let mut random = stream(0, 0);
    for number in 1..=products {
        let kind = TYPES[random.random_range(0..TYPES.len())];
        let collection = COLLECTIONS[random.random_range(0..COLLECTIONS.len())];
        let tags: BTreeSet<&str> = (0..3)
            .map(|_| TAGS[random.random_range(0..TAGS.len())])
            .collect();
        let tags = tags.into_iter().collect::<Vec<_>>().join(", ");
        let price = 10 + random.random_range(0..80);
        for (index, size) in SIZES.iter().enumerate() {
            let head = match index {
                0 => format!(
                    "{kind} No. {number},{ABOUT},Stampede,{kind},\"{tags}\",{collection},true,Size",
                    ABOUT = quoted(ABOUT)
                ),
                _ => ",,,,,,,".to_owned(),
            };
            let image = match index {
                0 => format!("/media/demo/item-{number}.webp,{kind} No. {number}"),
                _ => ",".to_owned(),
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                file,
                "item-{number:05},{head},{size},LOAD-{number:05}-{size},{stock},deny,{price}.00,{image}"
            );
        }
    }
    file
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// Imports a product file and reports the progress.
pub(crate) async fn import(
    http: &reqwest::Client,
    address: &str,
    token: &str,
    file: String,
) -> Outcome {
    let id = upload(http, address, token, file.into()).await?;
    let mut seen = Value::Null;
    let mut moved = Instant::now();
    let mut told = Instant::now();
    loop {
        let import: Value = http
            .get(format!("{address}/v1/admin/imports/{id}"))
            .bearer_auth(token)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        match import["state"].as_str() {
            Some("completed") if import["rows_failed"] == 0 => {
                println!("  {} rows imported", import["rows_imported"]);
                return Ok(());
            }
            Some("completed" | "failed") => {
                return Err(format!("the catalog cannot be imported: {import}").into());
            }
            _ => {}
        }
        if import["rows_imported"] != seen {
            seen = import["rows_imported"].clone();
            moved = Instant::now();
        }
        if moved.elapsed() > PATIENCE {
            return Err(format!("the import makes no progress: {import}").into());
        }
        if told.elapsed() > Duration::from_secs(3) {
            told = Instant::now();
            println!(
                "  {} of {} rows",
                import["rows_imported"], import["rows_total"]
            );
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The root cause of an error, without the URL that is already in the message.
pub(crate) fn root_of(error: &dyn std::error::Error) -> String {
    let mut bottom = error;
    while let Some(source) = bottom.source() {
        bottom = source;
    }
    bottom.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_file_has_a_row_for_each_variant_and_is_the_same_every_time() {
        let text = file(10, 500);
        assert_eq!(text, file(10, 500));
        assert_eq!(text.lines().count(), 1 + 30);
        let columns = |line: &str| {
            let mut quoted = false;
            line.chars()
                .filter(|c| {
                    quoted ^= *c == '"';
                    *c == ',' && !quoted
                })
                .count()
        };
        let mut lines = text.lines();
        let header = columns(lines.next().unwrap());
        assert!(lines.all(|line| columns(line) == header), "{text}");
        assert!(text.contains("LOAD-00010-L,500,deny,"));
    }
}
