use std::sync::OnceLock;

use domain::{
    catalog::Sku,
    id::{OrderId, RefundId},
    invoices::{Buyer, Document, Invoice, Kind, Line, Seller, TaxLine},
    money::{Currency, Money},
};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::{
    RenderError, render, render_reporting,
    text::{FONTS, Typesetter, is_of_other_fonts},
};

fn eur() -> Currency {
    "EUR".parse().unwrap()
}

fn address() -> Vec<String> {
    vec!["12 Long Meadow".into(), "Pilton BA4 4BY".into()]
}

fn seller(name: &str) -> Seller {
    Seller {
        name: name.into(),
        address: address(),
        tax_id: Some("GB 123 4567 89".into()),
        email: "shop@example.com".into(),
    }
}

fn buyer(name: &str) -> Buyer {
    Buyer {
        name: name.into(),
        address: address(),
        email: "ada@example.com".into(),
    }
}

fn credit_note(of: &str, reason: Option<String>) -> Kind {
    Kind::CreditNote {
        of: of.into(),
        refund_id: RefundId::derived(&["r"]),
        reason,
    }
}

/// A line; without a SKU if `sku` is empty.
fn line(sku: &str, title: &str) -> Line {
    Line {
        sku: sku.parse().ok(),
        title: title.into(),
        quantity: 3,
        unit_price: Money::new(1234, eur()),
        total: Money::new(3702, eur()),
    }
}

fn invoice(lines: Vec<Line>) -> Invoice {
    let document = Document {
        kind: Kind::Invoice,
        issued_at: "2026-11-22T23:59:59Z".parse().unwrap(),
        order_id: OrderId::derived(&["o"]),
        order_number: "SO-7F3K-92QD".into(),
        seller: seller("Longmeadow Goods Ltd"),
        buyer: buyer("Ada Lovelace"),
        lines,
        taxes: vec![TaxLine {
            name: "VAT".into(),
            rate_basis_points: 1900,
            net: Money::new(33_150, eur()),
            amount: Money::new(6_299, eur()),
        }],
        net: Money::new(33_150, eur()),
        total: Money::new(39_449, eur()),
    };
    Invoice {
        number: "2026-000142".into(),
        document,
    }
}

/// The text of each page on one line.
fn pages(invoice: &Invoice) -> Vec<String> {
    let bytes = render(invoice).unwrap();
    let pages = pdf_extract::extract_text_from_mem_by_pages(&bytes).unwrap();
    let one_line = |page: &String| page.split_whitespace().collect::<Vec<_>>().join(" ");
    pages.iter().map(one_line).collect()
}

/// Characters of a text, in the description and in the buyer's bold name, that are in none of the
/// fonts.
fn missing(text: &str) -> Vec<String> {
    let mut invoice = invoice(vec![line("A-1", text)]);
    invoice.document.buyer.name = text.into();
    render_reporting(&invoice).unwrap().missing
}

#[test]
fn an_invoice_says_what_it_was_given() {
    let pages = pages(&invoice(vec![line("WALK-TEE-M", "Walk Tee – M")]));
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
        "Paid with thanks.",
        "Page 1 of 1",
    ] {
        let want = want.replace('\u{a0}', " ");
        let page = pages[0].replace('\u{a0}', " ");
        assert!(page.contains(&want), "{want:?} is not in {page:?}");
    }
}

#[test]
fn a_credit_note_names_its_invoice() {
    let mut note = invoice(vec![line("A-1", "Tee")]);
    note.document.kind = credit_note("2026-000099", Some("Too small.".into()));
    let pages = pages(&note);
    for want in [
        "Credit note 2026-000142",
        "For invoice",
        "2026-000099",
        "Total credited 394.49 EUR",
        "Reason: Too small.",
    ] {
        assert!(pages[0].contains(want), "{want:?} is not in {:?}", pages[0]);
    }
}

#[test]
fn many_lines_take_several_pages_each_with_the_head() {
    let lines = (1..=120).map(|n| line(&format!("SKU-{n:03}"), "Tee"));
    let pages = pages(&invoice(lines.collect()));
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
    let words: Vec<_> = (0..180).map(|n| format!("WWWWWWW{n:03}")).collect();
    let lines = vec![line(&"S".repeat(100), &words.join(" "))];
    let pages = pages(&invoice(lines));
    assert!(pages.len() > 1);
    let all = pages.join(" ");
    for word in words {
        assert!(all.contains(&word), "{word}");
    }
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    let invoice = invoice(vec![line("A-1", "قميص 42"), line("B-2", "纯棉 Tee 😀")]);
    assert_eq!(render(&invoice).unwrap(), render(&invoice).unwrap());
}

#[test]
fn what_is_kept_from_other_documents_changes_none() {
    let mut invoices = vec![
        invoice(vec![line("A-1", "Tee")]),
        invoice(vec![line("A-1", "قميص 42"), line("B-2", "纯棉 Tee 😀")]),
        invoice(vec![line("A-1", "Tee")]),
    ];
    invoices[1].document.seller.name =
        "A name so long that it takes two lines of its column".into();
    invoices[2].document.kind = credit_note("2026-000099", None);
    let after_others = invoices.iter().chain(&invoices).rev().map(render);
    let after_others: Vec<_> = after_others.collect();
    // The cached state belongs to a thread.
    let alone = invoices.iter().map(|invoice| {
        let invoice = invoice.clone();
        std::thread::spawn(move || render(&invoice)).join().unwrap()
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
    let bytes = render(&invoice(vec![line("A-1", "Tee"), line("B-2", "纯棉")])).unwrap();
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
    let page = &pages(&invoice(vec![line("A-1", "Mug 😀!")]))[0];
    assert!(page.contains("Mug \u{FFFD}!"), "{page:?}");
}

#[test]
fn characters_that_turn_the_direction_are_left_out() {
    let page = &pages(&invoice(vec![line(
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
    let mut invoice = invoice(vec![line("A-1", "Tee")]);
    let usd: Currency = "USD".parse().unwrap();
    invoice.document.lines[0].total.currency = usd;
    assert_eq!(render(&invoice), Err(RenderError::Currencies(eur(), usd)));
}

#[test]
fn nothing_at_all_is_a_document_too() {
    let mut empty = invoice(vec![]);
    empty.number.clear();
    empty.document = Document {
        kind: credit_note("", None),
        issued_at: Timestamp::MIN,
        order_number: String::new(),
        seller: Seller {
            name: String::new(),
            address: vec![],
            tax_id: None,
            email: String::new(),
        },
        buyer: Buyer {
            name: String::new(),
            address: vec![],
            email: String::new(),
        },
        taxes: vec![],
        ..empty.document
    };
    assert!(render(&empty).is_ok());
    empty.document.kind = Kind::Invoice;
    empty.document.lines = vec![line("", ""); 2];
    assert!(render(&empty).is_ok());
}

#[test]
fn five_hundred_lines_and_words_without_end_are_a_document_too() {
    let endless = "W".repeat(10_000);
    let mut invoice = invoice(vec![line("A-1", "Tee"); 500]);
    invoice.number = endless.clone();
    let document = &mut invoice.document;
    document.lines[0] = line(&"W".repeat(100), &endless);
    document.lines[0].unit_price.amount = i64::MIN;
    document.lines[0].quantity = u32::MAX;
    document.order_number = endless.clone();
    document.seller = seller(&endless);
    document.seller.address = vec![endless.clone(); 50];
    document.seller.tax_id = Some(endless.clone());
    document.buyer = buyer(&endless);
    document.buyer.address = document.seller.address.clone();
    document.taxes = vec![document.taxes[0].clone(); 100];
    document.taxes[0].name = endless.clone();
    document.total.amount = i64::MIN;
    document.kind = credit_note(&endless, Some(format!("{endless}\n").repeat(5)));
    assert!(pages(&invoice).len() > 10);
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
        let sold = Line {
            sku: texts[6].parse::<Sku>().ok(),
            title: texts[7].clone(),
            quantity,
            unit_price: money,
            total: money,
        };
        let mut invoice = invoice(vec![sold; 2]);
        invoice.number = texts[9].clone();
        invoice.document = Document {
            kind: credit_note(&texts[8], Some(texts.join("\n"))),
            order_number: texts[8].clone(),
            seller: Seller {
                name: texts[0].clone(),
                address: vec![texts[1].clone(), texts[2].clone()],
                tax_id: Some(texts[1].clone()),
                email: texts[2].clone(),
            },
            buyer: Buyer {
                name: texts[3].clone(),
                address: vec![texts[4].clone(), texts[5].clone()],
                email: texts[4].clone(),
            },
            taxes: vec![TaxLine { name: texts[2].clone(), rate_basis_points: rate, net: money, amount: money }],
            net: money,
            total: money,
            ..invoice.document
        };
        let bytes = render(&invoice);
        prop_assert!(bytes.is_ok(), "{bytes:?}");
        prop_assert_eq!(bytes, render(&invoice));
    }
}
