//! Writes product files for tests.

/// A product with at most one option.
#[derive(Clone, Debug)]
pub struct Product {
    /// Handle, the product's name in URLs.
    pub handle: &'static str,
    /// Product type, such as `Mug`.
    pub product_type: &'static str,
    /// Tags, separated by commas.
    pub tags: &'static str,
    /// Name of the product's collection.
    pub collection: &'static str,
    /// At least one.
    pub variants: Vec<Variant>,
}

/// A variant of a product.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Option value, empty for a product without options.
    pub option: &'static str,
    /// Stock keeping unit.
    pub sku: &'static str,
    /// Price as written in the file.
    pub price: &'static str,
    /// Units on hand.
    pub quantity: i64,
}

impl Product {
    /// A product with one variant and no options.
    pub fn single(
        handle: &'static str,
        sku: &'static str,
        price: &'static str,
        quantity: i64,
    ) -> Self {
        Self {
            handle,
            product_type: "",
            tags: "",
            collection: "",
            variants: vec![Variant {
                option: "",
                sku,
                price,
                quantity,
            }],
        }
    }
}

/// Writes the products as a file in Shopify's format.
pub fn catalogue(products: &[Product]) -> String {
    let mut file = "Handle,Title,Body (HTML),Vendor,Type,Tags,Collection,Published,Option1 Name,Option1 Value,\
                    Variant SKU,Variant Inventory Qty,Variant Inventory Policy,Variant Price\n"
        .to_owned();
    for product in products {
        for (index, variant) in product.variants.iter().enumerate() {
            let Variant {
                sku,
                price,
                quantity,
                ..
            } = variant;
            let head = if index == 0 {
                format!(
                    "{} title,<p>About {}</p>,Stampede,{},\"{}\",{},true",
                    product.handle,
                    product.handle,
                    product.product_type,
                    product.tags,
                    product.collection
                )
            } else {
                ",,,,,,".to_owned()
            };
            let option = match (variant.option, index) {
                ("", _) => "Title,Default Title".to_owned(),
                (value, 0) => format!("Size,{value}"),
                (value, _) => format!(",{value}"),
            };
            file.push_str(&format!(
                "{},{head},{option},{sku},{quantity},deny,{price}\n",
                product.handle
            ));
        }
    }
    file
}
