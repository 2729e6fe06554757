//! Files that are imported over a product that is stored.

use super::{tests::rules, *};
use crate::{
    catalog::{Product, ProductStatus},
    change::ChangeStamp,
    id::{ImportId, ProductId},
    money::PriceRule,
    payments::Provider,
};

const FULL: &str = "Handle,Title,Body (HTML),Vendor,Type,Tags,Collection,Published,Status,Option1 Name,Option1 Value,\
                    Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,\
                    Variant Compare At Price,Image Src,Image Alt Text\n\
                    tee,Tee,Soft,Brand,Shirts,\"a, b\",Summer,false,draft,Size,S,T-S,shopify,7,continue,10.00,12.00,https://example.com/s.jpg,Front\n\
                    tee,,,,,,,,,,M,T-M,,,deny,10.00,,https://example.com/m.jpg,\n\
                    tee,,,,,,,,,,L,T-L,shopify,9,deny,11.00,,,\n";

/// The product of a file with one product, imported over `stored`, and the faults by line.
fn over(stored: Option<&Product>, file: &str) -> (Option<Draft>, Vec<(u64, String)>) {
    let prices = PriceRule {
        currency: "USD".parse().unwrap(),
        offered: Vec::new(),
    };
    over_at(&prices, stored, file)
}

fn over_at(
    prices: &PriceRule,
    stored: Option<&Product>,
    file: &str,
) -> (Option<Draft>, Vec<(u64, String)>) {
    let read = read_file(file.as_bytes()).unwrap();
    assert_eq!(read.groups.len(), 1);
    let rules = rules(&read, prices);
    let drafted = draft_product(&read.groups[0], &rules, stored, RowFaults::default());
    let faults = read.faults.into_iter().chain(drafted.faults);
    let faults = faults.map(|fault| (fault.line, fault.code)).collect();
    (drafted.draft, faults)
}

fn stored(file: &str) -> Product {
    let (draft, faults) = over(None, file);
    assert_eq!(faults, []);
    product(draft.unwrap(), None)
}

fn product(draft: Draft, before: Option<&Product>) -> Product {
    let available = vec![true; draft.variants.len()];
    let id = ProductId::random([1; 16]);
    let stamp = ChangeStamp::from(ImportId::random([2; 16]));
    draft.product(before, &available, id, stamp).unwrap()
}

fn variants(draft: &Draft) -> Vec<(&str, i64)> {
    let variants = draft.variants.iter();
    variants
        .map(|variant| (variant.sku.as_str(), variant.price.amount))
        .collect()
}

/// The kind: absent, empty and default as one value.
#[test]
fn a_missing_column_leaves_its_data_unchanged() {
    let before = stored(FULL);
    let files = [
        "Handle,Title,Variant SKU,Variant Price\ntee,Tee,T-S,10\ntee,,T-M,10\ntee,,T-L,11\n",
        "Handle,Title,Option1 Value,Variant Price\ntee,Tee,S,10\ntee,,M,10\ntee,,L,11\n",
    ];
    for file in files {
        let (draft, faults) = over(Some(&before), file);
        assert_eq!(faults, [], "{file}");
        let draft = draft.unwrap();
        assert!(
            draft
                .variants
                .iter()
                .all(|variant| variant.new_quantity.is_none())
        );
        let mut after = product(draft, Some(&before));
        after.version = before.version;
        assert_eq!(after, before, "{file}");
    }
    let (draft, _) = over(
        Some(&before),
        "Handle,Title,Variant SKU,Variant Price\ntee,Tee,T-S,12.50\ntee,,T-M,13\ntee,,T-L,14\n",
    );
    let draft = draft.unwrap();
    assert_eq!(
        variants(&draft),
        [("T-S", 1250), ("T-M", 1300), ("T-L", 1400)]
    );
    assert_eq!(
        (draft.published, draft.status),
        (false, ProductStatus::Draft)
    );
    assert!(!draft.is_for_sale());
}

/// The kinds: unreadable as removed, and looser than the next system. A blank price is that of the row above,
/// and not of the one before it if that cannot be charged.
#[test]
fn a_price_that_cannot_be_charged_leaves_its_variants_as_they_were() {
    let prices = PriceRule {
        currency: "KWD".parse().unwrap(),
        offered: vec![Provider::Stripe],
    };
    let (draft, faults) = over_at(&prices, None, FULL);
    assert_eq!(faults, []);
    let before = product(draft.unwrap(), None);
    for price in ["10.001", "\"1,299.00\"", "-1"] {
        let file = format!(
            "Handle,Title,Option1 Value,Variant Price\ntee,Tee,S,12\ntee,,M,{price}\ntee,,L,\n"
        );
        let (draft, faults) = over_at(&prices, Some(&before), &file);
        let invalid = |line| (line, "invalid_price".to_owned());
        assert_eq!(faults, [invalid(3), invalid(4)], "{price}");
        assert_eq!(
            variants(&draft.unwrap()),
            [("T-S", 12_000), ("T-M", 10_000), ("T-L", 11_000)],
            "{price}"
        );
    }
}

/// The kind: absent, empty and default as one value.
#[test]
fn a_blank_cell_has_the_meaning_of_the_format() {
    let before = stored(FULL);
    let blank = "Handle,Title,Body (HTML),Vendor,Type,Tags,Collection,Published,Status,Option1 Name,Option1 Value,\
                 Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,\
                 Variant Compare At Price,Image Src,Image Alt Text\n\
                 tee,Tee,,,,,,,,Size,S,,shopify,,,10.00,,,\n";
    let (draft, faults) = over(Some(&before), blank);
    assert_eq!(faults, []);
    let draft = draft.unwrap();
    let texts = [&draft.description_html, &draft.vendor, &draft.product_type];
    assert!(texts.iter().all(|text| text.is_empty()));
    assert_eq!(
        (
            draft.tags.len(),
            draft.collections.len(),
            draft.images.len()
        ),
        (0, 0, 0)
    );
    assert!(draft.is_for_sale(), "a blank cell publishes, and is active");
    let variant = &draft.variants[0];
    assert_eq!(variant.sku.as_str(), "T-S", "a variant keeps its SKU");
    assert_eq!(variant.compare_at_price, None);
    // Never zero units; and the policy, which the format requires, says nothing.
    assert_eq!((variant.quantity, variant.new_quantity), (Some(7), None));
    assert!(variant.backorder);
    assert_eq!(variants(&draft).len(), 1, "M and L are gone from the file");
}

/// The kind: unreadable treated as removed.
#[test]
fn an_unreadable_row_leaves_its_variant_as_it_is() {
    let before = stored(FULL);
    let faults_of_m = [
        (
            "10.00,,https://example.com/m.jpg,\n",
            "\"1,299.00\",,https://example.com/m.jpg,\n",
            "invalid_price",
        ),
        (
            "https://example.com/m.jpg",
            "https://example.com/my photo.jpg",
            "invalid_image_url",
        ),
        ("T-M,,,deny", "T-M,shopify,-1,", "invalid_quantity"),
        ("T-M,,,deny", "T-M,shopify,5.0,deny", "invalid_quantity"),
        ("M,T-M", ",T-M", "option_missing"),
        ("M,T-M", "S,T-M", "duplicate_variant"),
        ("M,T-M", "M,T/M", "invalid_sku"),
        ("M,T-M", "M,T-M,", "wrong_column_count"),
        ("M,T-M", "\"M,T-M", "invalid_quote"),
        ("\ntee,,,,,,,,,,M", "\n,,,,,,,,,,M", "handle_missing"),
    ];
    for (good, bad, code) in faults_of_m {
        let file = FULL.replacen(good, bad, 1);
        assert_ne!(file, FULL, "{bad}");
        let (draft, faults) = over(Some(&before), &file);
        assert_eq!(faults, [(3, code.to_owned())], "{bad}");
        let mut after = product(draft.unwrap(), Some(&before));
        after.version = before.version;
        after
            .view
            .images
            .sort_by_key(|image| image.url.len() + usize::from(image.url.ends_with("m.jpg")));
        let mut want = before.clone();
        want.view
            .images
            .sort_by_key(|image| image.url.len() + usize::from(image.url.ends_with("m.jpg")));
        assert_eq!(after, want, "{bad}");
    }
    // Also if it is the only one.
    let single = "Handle,Title,Variant SKU,Variant Price\nmug,Mug,MUG,5.00\n";
    let before_mug = stored(single);
    let (draft, faults) = over(
        Some(&before_mug),
        &single
            .replace("5.00", "5,00")
            .replace("MUG,5,00", "MUG,\"5,00\""),
    );
    assert_eq!(faults, [(2, "invalid_price".to_owned())]);
    assert_eq!(variants(&draft.unwrap()), [("MUG", 500)]);
    // Without a readable row nothing is known about the product's options.
    let recolored = "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant Price\n\
                     tee,Tee,Size,S,Color,Red,1\ntee,,,M,,Red,free\n";
    let (draft, faults) = over(Some(&before), recolored);
    let codes: Vec<&str> = faults.iter().map(|(_, code)| code.as_str()).collect();
    assert_eq!(
        (draft, codes),
        (None, vec!["product_rejected", "invalid_price"])
    );
}

/// The kind: an option is read from one row instead of all.
#[test]
fn options_are_those_of_all_rows() {
    let later = "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant Price\n\
                 p,P,Size,S,,,1\n\
                 p,,,M,Color,Red,1\n\
                 p,,,S,,Blue,1\n";
    let (draft, faults) = over(None, later);
    assert_eq!(faults, [(2, "option_missing".to_owned())]);
    let draft = draft.unwrap();
    let names: Vec<&str> = draft
        .options
        .iter()
        .map(|option| option.name.as_str())
        .collect();
    assert_eq!(names, ["Size", "Color"]);
    assert_eq!(draft.variants[0].option_values, ["M", "Red"]);

    let second = "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant Price\n\
                  p,P,,,Color,Red,1\n\
                  p,,,,,Blue,1\n";
    let (draft, faults) = over(None, second);
    assert_eq!(faults, []);
    let draft = draft.unwrap();
    assert_eq!(draft.options.len(), 1);
    assert_eq!(draft.options[0].name, "Color");
    assert_eq!(draft.options[0].values, ["Red", "Blue"]);
}

/// The kind: a column that changes the meaning of others.
#[test]
fn stock_columns_are_read_together() {
    let file = "Handle,Title,Option1 Value,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price\n\
                p,P,untracked,,3,deny,1\n\
                p,,oversold,shopify,-2,deny,1\n\
                p,,backorder,shopify,-2,continue,1\n\
                p,,uncounted,shopify,,deny,1\n";
    let (draft, faults) = over(None, file);
    assert_eq!(faults, []);
    let found: Vec<(Option<i64>, bool, bool)> = draft
        .unwrap()
        .variants
        .iter()
        .map(|variant| (variant.new_quantity, variant.untracked, variant.backorder))
        .collect();
    let want = [
        (None, true, false),
        (Some(-2), false, false),
        (Some(-2), false, true),
        (None, false, false),
    ];
    assert_eq!(found, want);

    // Units are counted from the file that begins to track them, whatever an earlier one said.
    let before = stored(file);
    let tracked = file.replace("untracked,,3", "untracked,shopify,3");
    let (draft, _) = over(Some(&before), &tracked);
    assert_eq!(draft.unwrap().variants[0].new_quantity, Some(3));
}

/// The kind: a column that changes the meaning of others.
#[test]
fn columns_that_are_not_used_are_named() {
    let file = "Handle,Title,Variant Price,Gift Card,Variant Barcode,SEO Title\np,P,1,true,,\nq,Q,1,false,,x\n";
    let read = read_file(file.as_bytes()).unwrap();
    assert_eq!(read.ignored_columns, ["Gift Card", "SEO Title"]);
}
