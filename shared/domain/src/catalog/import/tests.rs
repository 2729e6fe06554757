use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{fault::MAX_MESSAGE, made_sku::made_sku, *};
use crate::{catalog::Sku, id::ImportId, money::PriceRule, payments::Provider, text};

fn usd() -> PriceRule {
    PriceRule {
        currency: "USD".parse().unwrap(),
        offered: vec![Provider::Test, Provider::Stripe],
    }
}

/// The rules by which the rows of a file are imported.
pub(super) fn rules<'a>(file: &'a ReadFile, prices: &'a PriceRule) -> DraftRules<'a> {
    DraftRules {
        columns: &file.columns,
        uncertain_skus: &file.uncertain_skus,
        prices,
        sanitize,
    }
}

struct Imported {
    drafts: Vec<Draft>,
    /// Lines with the codes of their faults.
    faults: Vec<(u64, String)>,
    rows: u64,
}

/// Imports a whole file.
fn import(file: &str) -> Imported {
    let read = read_file(file.as_bytes()).unwrap();
    let prices = usd();
    let mut faults = read.faults.clone();
    let mut drafts = Vec::new();
    for group in &read.groups {
        let drafted = draft_product(group, &rules(&read, &prices), None, RowFaults::default());
        drafts.extend(drafted.draft);
        faults.extend(drafted.faults);
    }
    let faults = faults
        .into_iter()
        .map(|fault| (fault.line, fault.code))
        .collect();
    Imported {
        drafts,
        faults,
        rows: read.rows_total,
    }
}

#[test]
fn rows_of_a_product_need_not_stand_together() {
    let Imported {
        drafts,
        faults,
        rows,
    } = import(
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
    let prices = usd();
    let rules = rules(&read, &prices);
    let drafted = draft_product(&read.groups[0], &rules, None, RowFaults::default());
    let faults: Vec<LineFault> = drafted.faults.into_iter().collect();
    assert_eq!(faults[0].code, "invalid_price");
    assert!(
        faults[0].message.len() <= MAX_MESSAGE,
        "{}",
        faults[0].message.len()
    );
}

#[test]
fn lines_are_counted_through_quoted_line_breaks() {
    let Imported { faults, .. } =
        import("Handle,Title,Body (HTML),Variant Price\na,A,\"1\n2\n3\",1\nb,B,,free\n");
    assert_eq!(faults, [(5, "invalid_price".to_owned())]);
}

/// The kind: positions that only one convention for line ends gets right.
#[test]
fn every_line_end_gives_the_lines_of_an_editor() {
    let file = "Handle,Title,Body (HTML),Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,Image Src\n\
                p,P,x,Title,Default Title,P1,1,free,\n\
                \n\
                q,Q,\"x\n\ny\",Title,Default Title,Q1,1,1,\n\
                ,R,x,Title,Default Title,R1,1,1,\n";
    for end in ["\n", "\r\n", "\r"] {
        let Imported {
            drafts,
            faults,
            rows,
        } = import(&file.replace('\n', end));
        let lines: Vec<u64> = faults.iter().map(|(line, _)| *line).collect();
        assert_eq!(
            (drafts.len(), lines.as_slice(), rows),
            (1, &[7, 2][..], 3),
            "{end:?}"
        );
    }
    let latin = b"Handle,Title\r\np,\xdcber\r\n";
    assert_eq!(read_file(latin).unwrap_err().line, 2);
}

/// The kind: a lenient parser used as a validator.
#[test]
fn a_stray_quote_is_an_error_of_its_row() {
    let head = "Handle,Title,Variant Price,Image Src,Image Alt Text\n";
    let rest: String = (1..=5)
        .map(|index| format!("p{index},\"P, {index}\",1,,\n"))
        .collect();
    for cells in [
        "https://example.com/a.png,\"our best",
        "https://example.com/a.png,\"our\" best",
        "https://example.com/a.png,\"5\\\" nails\"",
        "https://example.com/a.png,5\" nails",
    ] {
        let Imported {
            drafts,
            faults,
            rows,
        } = import(&format!("{head}p,P,1,{cells}\n{rest}"));
        assert_eq!((drafts.len(), rows), (5, 6), "{cells}");
        assert_eq!(faults, [(2, "invalid_quote".to_owned())], "{cells}");
    }
}

/// The kind: a lossy form as key.
#[test]
fn handles_that_share_an_address_are_both_named() {
    let file = |handles: &[&str]| {
        let rows: String = handles
            .iter()
            .enumerate()
            .map(|(index, handle)| format!("{handle},P{index},1\n"))
            .collect();
        format!("Handle,Title,Variant Price\n{rows}ok,Ok,1\n")
    };
    for handles in [
        ["shirt+1", "shirt-1"],
        ["lang-c", "lang-c++"],
        ["lang-c#", "lang-c++"],
        ["tea", "tea 🍵"],
    ] {
        let read = read_file(file(&handles).as_bytes()).unwrap();
        let slugs: Vec<&str> = read
            .groups
            .iter()
            .map(|group| group.slug.as_str())
            .collect();
        assert_eq!((slugs, read.rows_total), (vec!["ok"], 3), "{handles:?}");
        assert_eq!(read.faults.len(), 2, "{handles:?}");
        for fault in &read.faults {
            assert_eq!(fault.code, "handle_collision");
            let named = handles.iter().all(|handle| fault.message.contains(handle));
            assert!(named, "{}", fault.message);
        }
    }
    // The same handle in two cases or Unicode forms is one product.
    for handles in [["Shirt", "shirt"], ["café", "Cafe\u{301}"]] {
        let read = read_file(file(&handles).as_bytes()).unwrap();
        assert_eq!(
            (read.groups.len(), read.faults.len()),
            (2, 0),
            "{handles:?}"
        );
        assert_eq!(read.groups[0].rows.len(), 2, "{handles:?}");
    }
}

/// The kind: a lossy form as key.
#[test]
fn texts_are_kept_in_one_unicode_form() {
    let Imported { drafts, faults, .. } = import(
        "Handle,Title,Tags,Option1 Name,Option1 Value,Variant SKU,Variant Price\n\
         e\u{301},E\u{301},e\u{301},U\u{308},A\u{30a},SE\u{301},1\n",
    );
    assert_eq!(faults, []);
    let draft = &drafts[0];
    let texts = [
        draft.slug.as_str(),
        &draft.title,
        &draft.tags[0],
        &draft.options[0].name,
        &draft.variants[0].option_values[0],
        draft.variants[0].sku.as_str(),
    ];
    assert_eq!(texts, ["é", "É", "é", "Ü", "Å", "SÉ"]);
}

/// The kind: invisible text. Cells follow the one rule for text (`domain::text`).
#[test]
fn cells_have_nothing_that_nobody_sees() {
    let Imported { drafts, faults, .. } = import(
        "Handle\u{200B},Title,Body (HTML),Tags,Variant SKU,Variant Price\n\
         te\u{AD}e,Tee\u{202E}eeT\u{2028}x,a\u{202E}b\u{2029}c&#x202E;d&#8294;e,\"x\u{200B}, X,\u{2060}\",T\u{200B}1,1\n\
         b,\u{200B}\u{3164},,,B1,1\n",
    );
    assert_eq!(faults, [(3, "title_missing".to_owned())]);
    let draft = &drafts[0];
    let texts = [
        draft.slug.as_str(),
        &draft.title,
        &draft.description_html,
        draft.variants[0].sku.as_str(),
    ];
    assert_eq!(texts, ["tee", "TeeeeT x", "ab\ncde", "T1"]);
    assert_eq!(draft.tags, ["x"]);
}

/// What is removed from safe HTML must not make it unsafe: each of these is harmless until the entity is gone.
#[test]
fn descriptions_stay_safe_without_what_nobody_sees() {
    for html in [
        r#"<a href="java&#x202E;script:alert(1)">x</a>"#,
        r#"<a href="&#8294;javascript:alert(1)">x</a>"#,
        "<scr&#x202E;ipt>alert(1)</scr&#x202E;ipt>",
        "<p\u{338}>x<b\u{338} onclick=alert(1)>y</b>",
    ] {
        let safe = sanitize(html);
        assert!(!safe.contains("javascript:"), "{html}: {safe}");
        assert!(!safe.contains("<script"), "{html}: {safe}");
        assert_eq!(ammonia::clean(&safe), safe, "{html}");
        assert_eq!(text::block(&safe), safe, "{html}");
    }
}

/// The kind: documentation without tests.
#[test]
fn a_wrong_delimiter_is_named_under_every_header() {
    let older = "Handle,Title,Variant Price\np,P,1\n";
    let newer = "Title,URL handle,Price\nP,p,1\n";
    for file in [older, newer] {
        for other in [";", "\t", "|"] {
            let wrong = file.replace(',', other);
            let quoted = wrong.replacen("Title", "\"Title\"", 1);
            for (file, line) in [
                (wrong.clone(), 1),
                (quoted, 1),
                (format!("\n{wrong}"), 2),
                (format!("sep={other}\r\n{wrong}"), 1),
                (format!("\"sep={other}\"\n{wrong}"), 1),
                (format!("SEP={other}\n{wrong}"), 1),
                (format!("\n \"Sep={other}\"\n{wrong}"), 2),
                (format!("sep=\n{wrong}"), 1),
            ] {
                let fault = read_file(file.as_bytes()).unwrap_err();
                assert_eq!(
                    (fault.code.as_str(), fault.line),
                    ("wrong_delimiter", line),
                    "{file:?}"
                );
            }
        }
        // The announcement of the right delimiter is not the header.
        for line in ["sep=,", "SEP=,", "\"sep=,\"", "\"Sep=,\",,", "sep=, "] {
            let announced = format!("{line}\n{}", file.replace(",1\n", ",free\n"));
            let Imported { faults, rows, .. } = import(&announced);
            let want = vec![(3, "invalid_price".to_owned())];
            assert_eq!((faults, rows), (want, 1), "{line}");
        }
    }
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
    let Imported { drafts, faults, .. } = import(
        "Title,URL handle,Description,Option1 name,Option1 value,SKU,Price,Compare-at price,Inventory quantity,Product image URL,Status\n\
         Tee,tee,Soft,Size,S,T-S,9.99,12,4,https://example.com/t.png,Active\n",
    );
    assert_eq!((drafts.len(), faults), (1, vec![]));
    let variant = &drafts[0].variants[0];
    assert_eq!((variant.quantity, variant.sku.as_str()), (Some(4), "T-S"));
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
            handle: format!("p-{index}"),
            rows: vec![row(index)],
            incomplete: false,
            contested: Default::default(),
        })
        .collect();
    let file = ReadFile {
        groups,
        ..ReadFile::default()
    };
    let chunks = chunks(ImportId::random([0; 16]), file).unwrap();
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
    fn whatever_a_description_is_its_safe_part_stays_as_it_is(
        html in "(<|>|&#x202E;|&lt;|\u{338}|\u{200D}|\u{202E}|<a href=\"|java|script|:|\">|</a>|<p>|é|\n){0,20}"
    ) {
        let safe = sanitize(&html);
        prop_assert_eq!(&ammonia::clean(&safe), &safe);
        prop_assert_eq!(&text::block(&safe), &safe);
    }

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
        let prices = usd();
        let mut lines: Vec<u64> = read.faults.iter().map(|fault| fault.line).collect();
        let mut grouped = 0;
        for group in &read.groups {
            grouped += group.rows.len() as u64;
            let drafted = draft_product(group, &rules(&read, &prices), None, RowFaults::default());
            if let Some(draft) = &drafted.draft {
                prop_assert!(!draft.variants.is_empty());
            }
            lines.extend(drafted.faults.into_iter().map(|fault| fault.line));
        }
        prop_assert_eq!(read.rows_total, grouped + read.faults.len() as u64);
        let count = lines.len();
        lines.sort_unstable();
        lines.dedup();
        prop_assert_eq!(lines.len(), count, "a line was named twice");
    }
}
