use std::sync::OnceLock;

use domain::money::{Currency, Money};
use proptest::prelude::*;

use crate::{
    Document, Kind, Line, Party, RenderError, Tax, render, render_reporting,
    text::{FONTS, Typesetter, is_of_other_fonts},
};

fn eur() -> Currency {
    "EUR".parse().unwrap()
}

fn party(name: &str) -> Party {
    Party {
        name: name.into(),
        address: vec!["12 Long Meadow".into(), "Pilton BA4 4BY".into()],
        tax_id: Some("GB 123 4567 89".into()),
        email: Some("ada@example.com".into()),
    }
}

fn line(sku: &str, description: &str) -> Line {
    Line {
        sku: sku.into(),
        description: description.into(),
        quantity: 3,
        unit_price: Money::new(1234, eur()),
        total: Money::new(3702, eur()),
    }
}

fn document(lines: Vec<Line>) -> Document {
    Document {
        kind: Kind::Invoice,
        number: "2026-000142".into(),
        issued_on: jiff::civil::date(2026, 11, 22),
        seller: party("Longmeadow Goods Ltd"),
        buyer: party("Ada Lovelace"),
        order_number: "SO-7F3K-92QD".into(),
        lines,
        taxes: vec![Tax {
            name: "VAT".into(),
            rate_basis_points: 1900,
            net: Money::new(33_150, eur()),
            amount: Money::new(6_299, eur()),
        }],
        net: Money::new(33_150, eur()),
        total: Money::new(39_449, eur()),
        note: Some("Thank you!".into()),
    }
}

/// The text of each page on one line.
fn pages(document: &Document) -> Vec<String> {
    let bytes = render(document).unwrap();
    let pages = pdf_extract::extract_text_from_mem_by_pages(&bytes).unwrap();
    let one_line = |page: &String| page.split_whitespace().collect::<Vec<_>>().join(" ");
    pages.iter().map(one_line).collect()
}

/// Characters of a text, in the description and in the buyer's bold name, that are in none of the
/// fonts.
fn missing(text: &str) -> Vec<String> {
    let mut document = document(vec![line("A-1", text)]);
    document.buyer.name = text.into();
    render_reporting(&document).unwrap().missing
}

#[test]
fn an_invoice_says_what_it_was_given() {
    let pages = pages(&document(vec![line("WALK-TEE-M", "Walk Tee – M")]));
    assert_eq!(pages.len(), 1);
    for want in [
        "Invoice 2026-000142",
        "Longmeadow Goods Ltd",
        "Tax ID GB 123 4567 89",
        "Ada Lovelace",
        "ada@example.com",
        "22 November 2026",
        "SO-7F3K-92QD",
        "Price, EUR",
        "WALK-TEE-M Walk Tee – M 3 12.34 37.02",
        "Net 331.50 EUR",
        "VAT 19\u{a0}% on 331.50 62.99 EUR",
        "Total 394.49 EUR",
        "Thank you!",
        "Page 1 of 1",
    ] {
        let want = want.replace('\u{a0}', " ");
        let page = pages[0].replace('\u{a0}', " ");
        assert!(page.contains(&want), "{want:?} is not in {page:?}");
    }
}

#[test]
fn a_credit_note_names_its_invoice() {
    let pages = pages(&Document {
        kind: Kind::CreditNote {
            of: "2026-000099".into(),
        },
        ..document(vec![line("A-1", "Tee")])
    });
    for want in [
        "Credit note 2026-000142",
        "For invoice",
        "2026-000099",
        "Total credited 394.49 EUR",
    ] {
        assert!(pages[0].contains(want), "{want:?} is not in {:?}", pages[0]);
    }
}

#[test]
fn many_lines_take_several_pages_each_with_the_head() {
    let lines = (1..=120).map(|n| line(&format!("SKU-{n:03}"), "Tee"));
    let pages = pages(&document(lines.collect()));
    assert!(pages.len() >= 4, "{} pages", pages.len());
    for (n, page) in pages.iter().enumerate() {
        let number = format!("Page {} of {}", n + 1, pages.len());
        assert!(page.contains(&number), "{page:?}");
        let has_head = page.contains("SKU Description Quantity");
        assert_eq!(has_head, page.contains("SKU-"), "{page:?}");
    }
    let all = pages.join(" ");
    for n in 1..=120 {
        assert_eq!(all.matches(&format!("SKU-{n:03}")).count(), 1);
    }
}

#[test]
fn a_row_longer_than_a_page_goes_on_and_loses_nothing() {
    let words: Vec<_> = (0..330).map(|n| format!("w{n:03}")).collect();
    let mut lines = vec![line("LONG", &words.join(" "))];
    lines[0].sku = "S".repeat(1_500);
    let pages = pages(&document(lines));
    assert!(pages.len() > 1);
    let all = pages.join(" ");
    for word in words {
        assert!(all.contains(&word), "{word}");
    }
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    let document = document(vec![line("A-1", "قميص 42"), line("B-2", "纯棉 Tee 😀")]);
    assert_eq!(render(&document).unwrap(), render(&document).unwrap());
}

#[test]
fn what_is_kept_from_other_documents_changes_none() {
    let mut documents = vec![
        document(vec![line("A-1", "Tee")]),
        document(vec![line("A-1", "قميص 42"), line("B-2", "纯棉 Tee 😀")]),
        document(vec![line("A-1", "Tee")]),
    ];
    documents[1].seller.name = "A name so long that it takes two lines of its column".into();
    documents[2].kind = Kind::CreditNote {
        of: "2026-000099".into(),
    };
    let after_others = documents.iter().chain(&documents).rev().map(render);
    let after_others: Vec<_> = after_others.collect();
    // The cached state belongs to a thread.
    let alone = documents.iter().map(|document| {
        let document = document.clone();
        std::thread::spawn(move || render(&document))
            .join()
            .unwrap()
    });
    let alone: Vec<_> = alone.collect();
    for (n, want) in alone.iter().chain(&alone).rev().enumerate() {
        assert!(want == &after_others[n], "document {n}");
    }
}

#[test]
fn every_font_can_be_read() {
    let mut typesetter = Typesetter::new();
    typesetter.register(FONTS.len());
    assert_eq!(typesetter.known_families(), 4);
    for font in &FONTS {
        let read = krilla::text::Font::new(font.data.into(), 0);
        assert!(read.is_some(), "{}", font.name);
    }
}

#[test]
fn the_first_fonts_do_without_the_others() {
    let (mut first, mut all) = (Typesetter::new(), Typesetter::new());
    all.register(FONTS.len());
    let chars: Vec<_> = ('\u{20}'..'\u{3000}')
        .filter(|c| !is_of_other_fonts(*c))
        .collect();
    for chars in chars.chunks(64) {
        let text = chars.iter().flat_map(|c| [*c, ' ']).collect::<String>();
        for bold in [false, true] {
            let style = crate::text::Style {
                bold,
                ..crate::layout::BODY
            };
            let glyphs = |block: crate::text::Block| -> Vec<_> {
                let runs = block.lines.into_iter().flat_map(|line| line.runs);
                let glyphs = runs.flat_map(|run| {
                    let glyphs = run.glyphs.into_iter();
                    glyphs.map(move |glyph| (run.font, glyph.glyph_id))
                });
                glyphs.collect()
            };
            let (a, b) = (first.set(&text, style, 400.0), all.set(&text, style, 400.0));
            assert_eq!(glyphs(a), glyphs(b), "{text}");
        }
    }
    assert_eq!(first.known_families(), 1);
    assert_eq!(first.missing, all.missing);
}

#[test]
fn a_simple_invoice_is_small() {
    let bytes = render(&document(vec![line("A-1", "Tee"), line("B-2", "纯棉")])).unwrap();
    assert!(bytes.len() < 60_000, "{} bytes", bytes.len());
}

#[test]
fn the_fonts_have_the_scripts_of_our_customers() {
    for text in [
        "Zażółć gęślą jaźń, Þórður Ægir Ŝtrĉ €™№",
        "Αλέξανδρος Παπαδόπουλος, ώΐ",
        "Щедрін Ёлкин Ђорђе Қазақ",
        "Nguyễn Thị Ánh Tuyết Đường",
        "שלום לָאָדָם 42",
        "شركة النور للتجارة لا إله ١٢٣ پچگ ‌می‌روم",
        "上海晨光貿易有限公司龍井",
        "ひらがなカタカナ漢字（株）ー",
        "대한민국 서울특별시 뷁",
    ] {
        assert_eq!(missing(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn what_no_font_has_is_shown_as_such() {
    assert_eq!(missing("Mug 😀 ሰ"), ["😀", "ሰ", "😀", "ሰ"]);
    let page = &pages(&document(vec![line("A-1", "Mug 😀!")]))[0];
    assert!(page.contains("Mug \u{FFFD}!"), "{page:?}");
}

#[test]
fn characters_that_turn_the_direction_are_left_out() {
    let page = &pages(&document(vec![line(
        "A-1",
        "Tee \u{202E}99.1\u{202C} \u{0}\u{7}x",
    )]))[0];
    assert!(page.contains("Tee 99.1 x"), "{page:?}");
}

#[test]
fn arabic_is_joined_and_runs_from_right_to_left() {
    let mut typesetter = Typesetter::new();
    let style = crate::layout::BODY;
    let alone = typesetter.set("ب", style, 100.0);
    let word = typesetter.set("ببب", style, 100.0);
    let ids = |block: &crate::text::Block| -> Vec<u32> {
        let runs = block.lines.iter().flat_map(|line| &line.runs);
        let glyphs = runs.flat_map(|run| &run.glyphs);
        glyphs.map(|glyph| glyph.glyph_id.to_u32()).collect()
    };
    let (alone, forms) = (ids(&alone), ids(&word));
    assert!(forms.iter().all(|id| !alone.contains(id)), "{forms:?}");
    let first = &word.lines[0].runs[0].glyphs[0];
    assert_eq!(
        first.text_range.end,
        word.text.len(),
        "the last letter is left"
    );
    // A ligature represents both of its letters.
    let block = typesetter.set("لا", style, 100.0);
    let glyphs = block.lines.iter().flat_map(|line| &line.runs);
    let glyphs: Vec<_> = glyphs.flat_map(|run| &run.glyphs).collect();
    let covered = glyphs.iter().map(|glyph| glyph.text_range.len()).max();
    assert_eq!((glyphs.len(), covered), (1, Some(block.text.len())));
}

#[test]
fn amounts_of_two_currencies_are_refused() {
    let mut document = document(vec![line("A-1", "Tee")]);
    let usd: Currency = "USD".parse().unwrap();
    document.lines[0].total.currency = usd;
    assert_eq!(render(&document), Err(RenderError::Currencies(eur(), usd)));
}

#[test]
fn nothing_at_all_is_a_document_too() {
    let nobody = || Party {
        name: String::new(),
        address: vec![],
        tax_id: None,
        email: Some(String::new()),
    };
    let empty = Document {
        number: String::new(),
        seller: nobody(),
        buyer: nobody(),
        order_number: String::new(),
        taxes: vec![],
        note: None,
        issued_on: jiff::civil::date(-9999, 1, 1),
        ..document(vec![])
    };
    assert!(render(&empty).is_ok());
    let lines = vec![line("", ""); 2];
    assert!(render(&Document { lines, ..empty }).is_ok());
}

#[test]
fn five_hundred_lines_and_words_without_end_are_a_document_too() {
    let endless = "W".repeat(10_000);
    let mut document = document(vec![line("A-1", "Tee"); 500]);
    document.lines[0] = line(&endless, &endless);
    document.lines[0].unit_price.amount = i64::MIN;
    document.lines[0].quantity = u32::MAX;
    document.number = endless.clone();
    document.order_number = endless.clone();
    document.seller = party(&endless);
    document.seller.address = vec![endless.clone(); 50];
    document.buyer = document.seller.clone();
    document.taxes = vec![document.taxes[0].clone(); 100];
    document.taxes[0].name = endless.clone();
    document.total.amount = i64::MIN;
    document.note = Some(format!("{endless}\n").repeat(5));
    assert!(pages(&document).len() > 10);
}

/// Texts that are likely to break something, and ordinary ones.
fn texts() -> impl Strategy<Value = String> {
    static NASTY: OnceLock<Vec<char>> = OnceLock::new();
    let nasty = NASTY.get_or_init(|| {
        let text = "\u{0}\u{7}\n\t\u{AD}\u{200D}\u{200C}\u{202E}\u{2066}\u{FEFF}\u{FFFE}\u{FFFF}\u{E000}\
            \u{10FFFF}\u{301}\u{FE0F}\u{20E3}😀👩🏽🇩🇪لاشّא֑กำက្क्षि각ᄀ\u{1161}中、（〱ﬁ\u{A0}\u{2028}\u{3000}-/0.";
        text.chars().collect()
    });
    let nasty = prop::collection::vec(prop::sample::select(nasty.clone()), 0..60);
    prop_oneof![
        any::<String>(),
        nasty.prop_map(String::from_iter),
        prop::collection::vec(any::<char>(), 0..60).prop_map(String::from_iter),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_text_can_be_printed(texts in prop::collection::vec(texts(), 10), amount: i64, quantity: u32, rate: u32) {
        let money = Money::new(amount, eur());
        let party = |n: usize| Party {
            name: texts[n].clone(),
            address: vec![texts[n + 1].clone(), texts[n + 2].clone()],
            tax_id: Some(texts[n + 1].clone()),
            email: None,
        };
        let sold = Line {
            sku: texts[6].clone(),
            description: texts[7].clone(),
            quantity,
            unit_price: money,
            total: money,
        };
        let document = Document {
            kind: Kind::CreditNote { of: texts[8].clone() },
            number: texts[9].clone(),
            order_number: texts[8].clone(),
            seller: party(0),
            buyer: party(3),
            lines: vec![sold; 2],
            taxes: vec![Tax { name: texts[2].clone(), rate_basis_points: rate, net: money, amount: money }],
            net: money,
            total: money,
            note: Some(texts.join("\n")),
            ..document(vec![])
        };
        let bytes = render(&document);
        prop_assert!(bytes.is_ok(), "{bytes:?}");
        prop_assert_eq!(bytes, render(&document));
    }
}
