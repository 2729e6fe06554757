//! Files whose unusable rows name the SKUs of other products. The kind of fault: unreadable treated as removed.

use std::collections::BTreeMap;

use super::{tests::rules, *};
use crate::{
    catalog::Product,
    change::ChangeStamp,
    id::{ImportId, ProductId},
    money::PriceRule,
};

const HEAD: &str = "Handle,Title,Status,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,Image Src\n";
/// Products with two sizes each.
const BOTH: &str = "mv,A,,Size,S,MVA,5,5.00,\n\
                    mv,,,,M,MVB,5,6.00,\n\
                    col,C,,Size,S,CA,5,5.00,https://example.com/a.png\n\
                    col,,,,M,CB,5,6.00,https://example.com/b.png\n";

/// Stored products by slug.
type Stored = BTreeMap<String, Product>;

struct Imported {
    /// The SKUs of each product that can be stored.
    skus: BTreeMap<String, Vec<String>>,
    stored: Stored,
    /// Lines with the codes of their faults, in order.
    faults: Vec<(u64, String)>,
    /// Size of the largest message, in bytes.
    largest: usize,
}

impl Imported {
    fn skus(&self, slug: &str) -> Option<Vec<&str>> {
        let skus = self.skus.get(slug)?;
        Some(skus.iter().map(String::as_str).collect())
    }
}

/// Imports a file over products, by way of the messages between the functions.
fn import(stored: &Stored, file: &str) -> Imported {
    let prices = PriceRule {
        currency: "USD".parse().unwrap(),
        offered: Vec::new(),
    };
    let mut read = read_file(file.as_bytes()).unwrap();
    read.find_uncertain_skus(&prices);
    let mut faults = read.faults.clone();
    let id = ImportId::random([2; 16]);
    let mut imported = Imported {
        skus: BTreeMap::new(),
        stored: stored.clone(),
        faults: Vec::new(),
        largest: 0,
    };
    for chunk in chunks(id, read).unwrap() {
        let message = serde_json::to_vec(&chunk).unwrap();
        imported.largest = imported.largest.max(message.len());
        let chunk: Chunk = serde_json::from_slice(&message).unwrap();
        let file = ReadFile {
            columns: chunk.columns.clone(),
            uncertain_skus: chunk.uncertain_skus.clone(),
            ..ReadFile::default()
        };
        for group in &chunk.groups {
            let rules = rules(&file, &prices);
            let before = stored.get(&group.slug);
            let drafted = draft_product(group, &rules, before, RowFaults::default());
            faults.extend(drafted.faults);
            let Some(draft) = drafted.draft else { continue };
            let variants = draft.variants.iter().map(|it| it.sku.to_string());
            imported.skus.insert(group.slug.clone(), variants.collect());
            let available = vec![true; draft.variants.len()];
            let stamp = ChangeStamp::from(id);
            let product = draft.product(before, &available, ProductId::random([1; 16]), stamp);
            imported.stored.insert(group.slug.clone(), product.unwrap());
        }
    }
    faults.sort_by_key(|fault| fault.line);
    let faults = faults.into_iter().map(|fault| (fault.line, fault.code));
    imported.faults = faults.collect();
    imported
}

fn stored(rows: &str) -> Stored {
    let imported = import(&Stored::new(), &format!("{HEAD}{rows}"));
    assert_eq!(imported.faults, []);
    imported.stored
}

#[test]
fn a_variant_stays_if_an_unusable_row_names_its_sku_under_another_handle() {
    let before = stored(BOTH);
    let all = "mv,A,,Size,S,MVA,5,5.00,\ncol,C,,Size,S,CA,5,5.00,https://example.com/a.png\n";
    let rows: [(&str, &[&str]); 14] = [
        ("new,New,,,,MVB,5,\"1,299.00\",\n", &["invalid_price"]),
        ("new,New,,,,MVB,-1,5.00,\n", &["invalid_quantity"]),
        (
            "new,New,,,,MVB,5,5.00,my photo.jpg\n",
            &["invalid_image_url"],
        ),
        ("new,New,sold,,,MVB,5,5.00,\n", &["invalid_status"]),
        (
            "new,New,,,,X,5,5.00,\nnew,,,,,MVB,5,5.00,\n",
            &["duplicate_variant"],
        ),
        // A mistyped handle, or one whose row is not readable.
        ("mw,,,,M,MVB,5,6.00,\n", &["title_missing"]),
        (
            "mw,,,,L,X,5,6.00,\nmw,,,,M,MVB,5,6.00,\n",
            &["title_missing", "product_rejected"],
        ),
        ("!!,New,,,,MVB,5,5.00,\n", &["invalid_handle"]),
        // These rows are those of col, as far as they tell.
        ("col,,,,M,MVB,5,6.00\n", &["wrong_column_count"]),
        ("col,,,,M,MVB,5,6,00,\n", &["wrong_column_count"]),
        ("col,,,,M,MVB,5,\"6.00,\n", &["invalid_quote"]),
        ("col,\"M,,,,MVB,5,6.00,\n", &["invalid_quote"]),
        // Handles that share a slug.
        (
            "n+1,N,,,,MVB,5,5.00,\nn-1,N,,,,X,5,5.00,\n",
            &["handle_collision", "handle_collision"],
        ),
        (
            "new,New,,,,X,5,5.00,\nnew,,,Color,,MVB,5,5.00,\n",
            &["option_missing", "option_missing"],
        ),
    ];
    for (row, codes) in rows {
        let good = before["mv"].view.variants[1].clone();
        for file in [format!("{HEAD}{all}{row}"), format!("{HEAD}{row}{all}")] {
            let after = import(&before, &file);
            let found: Vec<&str> = after.faults.iter().map(|(_, code)| code.as_str()).collect();
            assert_eq!(found, codes, "{file}");
            assert_eq!(after.skus("mv").unwrap(), ["MVA", "MVB"], "{file}");
            assert_eq!(after.stored["mv"].view.variants[1], good, "{file}");
            assert_eq!(after.stored["mv"].content_hash, before["mv"].content_hash);
        }
    }
    // A row without a fault takes it, also beside other faults.
    let taken = "new,New,,,,MVB,5,5.00,\nnew,,,,L,X,5,free,\n".replace(",,,,MVB", ",,Size,M,MVB");
    let after = import(&before, &format!("{HEAD}{all}{taken}"));
    assert_eq!(after.faults, [(5, "invalid_price".to_owned())]);
    assert_eq!(after.skus("mv").unwrap(), ["MVA"]);
    assert_eq!(after.skus("new").unwrap(), ["MVB"]);
    // A variant that no row names is gone.
    assert_eq!(after.skus("col").unwrap(), ["CA"]);
}

#[test]
fn a_product_that_cannot_keep_the_variant_is_left_as_it_is() {
    let before = stored(BOTH);
    let bad = "new,New,,,,MVB,5,free,\n";
    let rejected = [
        // Another SKU has its options.
        format!("mv,A,,Size,S,MVA,5,5.00,\nmv,,,,M,MVC,5,6.00,\n{bad}"),
        // The product has other options.
        format!("mv,A,,,,MVA,5,5.00,\n{bad}"),
        // The unusable row is one of the product's own.
        "mv,A,,Size,S,MVA,5,5.00,\nmv,,,,M,MVC,5,6.00,\nmv,,,,L,MVB,5,free,\n".to_owned(),
    ];
    for rows in rejected {
        let after = import(&before, &format!("{HEAD}{rows}"));
        assert_eq!(after.skus("mv"), None, "{rows}");
        assert_eq!(after.faults.len(), rows.lines().count(), "{rows}");
        assert_eq!(after.stored, before, "{rows}");
    }
    // An archived product goes off sale on purpose.
    let archived = format!("{HEAD}mv,A,archived,Size,S,MVA,5,5.00,\nmv,,,,M,MVC,5,6.00,\n{bad}");
    let after = import(&before, &archived);
    assert_eq!(after.faults, [(4, "invalid_price".to_owned())]);
    assert_eq!(after.skus("mv").unwrap(), ["MVA", "MVC"]);
}

#[test]
fn a_row_without_a_product_that_names_no_sku_may_be_any_product_s() {
    let before = stored(BOTH);
    let col = "col,C,,Size,S,CA,5,5.00,https://example.com/a.png\n";
    for row in [
        "cole,,,,M,,5,6.00,\n",
        "cole,,,,M,CB,5,6.00,https://example.com/b.png\n",
    ] {
        let after = import(&before, &format!("{HEAD}{col}{row}"));
        assert_eq!(after.faults, [(3, "title_missing".to_owned())], "{row}");
        assert_eq!(after.stored["col"].view, before["col"].view, "{row}");
    }
}

#[test]
fn a_price_file_with_a_row_under_the_wrong_handle_takes_nothing_off_sale() {
    let before = stored(BOTH);
    let file = |more: &str| {
        format!("Handle,Title,Variant SKU,Variant Price\nmv,A,MVA,7\ncol,C,CA,7\ncol,,CB,7\n{more}")
    };
    let after = import(&before, &file("col,,MVB,7\n"));
    assert_eq!(after.faults, [(5, "option_missing".to_owned())]);
    assert_eq!(after.skus("mv").unwrap(), ["MVA", "MVB"]);
    assert_eq!(after.skus("col").unwrap(), ["CA", "CB"]);

    // The rows of a large price file are not taken for faults: what it does not name goes off sale.
    let large: String = (0..3_000)
        .map(|row| match row % 3 {
            0 => format!("p-{row},P,SKU-{row},7\n"),
            _ => format!("p-{},,SKU-{row},7\n", row - row % 3),
        })
        .collect();
    let after = import(&before, &file(&large));
    assert_eq!(after.skus("mv").unwrap(), ["MVA"]);
    assert_eq!(after.skus("col").unwrap(), ["CA", "CB"]);
    // Rows that are faults in any case are, as far as there is room.
    let after = import(&before, &file(&format!("{large}mw,,MVB,7\n")));
    assert_eq!(after.skus("mv").unwrap(), ["MVA", "MVB"]);
}

#[test]
fn nothing_goes_off_sale_if_the_skus_are_too_many_for_a_message() {
    let before = stored(BOTH);
    // The largest product that is sent at all, and unusable rows.
    let large: String = (0..8_150)
        .map(|row| match row {
            0 => "large,L,,Size,v,L,5,5.00,\n".to_owned(),
            _ => format!("large,,,,,,,,/{row}\n"),
        })
        .collect();
    let head = format!("{HEAD}mv,A,,Size,S,MVA,5,5.00,\n{large}");
    for (bad, skus) in [(1_100, &["MVA"][..]), (3_000, &["MVA", "MVB"])] {
        let rows: String = (0..bad)
            .map(|row| format!("b-{row},B,,,,BAD-{row},5,free,\n"))
            .collect();
        let after = import(&before, &format!("{head}{rows}"));
        assert_eq!(after.skus("mv").unwrap(), skus);
        let largest = after.largest;
        assert!((240_000..256 * 1024).contains(&largest), "{largest}");
        assert!(bad > 1_100 || largest > 250_000, "{largest}");
    }
}

#[test]
fn messages_of_older_functions_are_read() {
    let file = format!("{HEAD}{BOTH}new,New,,,,X,5,free,\n");
    let prices = PriceRule {
        currency: "USD".parse().unwrap(),
        offered: Vec::new(),
    };
    let mut read = read_file(file.as_bytes()).unwrap();
    read.find_uncertain_skus(&prices);
    let chunk = &chunks(ImportId::random([2; 16]), read).unwrap()[0];
    let mut message = serde_json::to_value(chunk).unwrap();
    assert_eq!(message["uncertain_skus"], serde_json::json!(["X"]));
    message.as_object_mut().unwrap().remove("uncertain_skus");
    let older: Chunk = serde_json::from_value(message).unwrap();
    assert!(older.uncertain_skus.is_empty());
    assert_eq!(older.groups, chunk.groups);
}
