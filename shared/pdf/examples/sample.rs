//! Writes sample documents to a folder, to be looked at: `cargo run -p stampede-pdf --example sample -- out`.

use std::{error::Error, path::Path};

use domain::{
    id::{OrderId, RefundId},
    invoices::{Buyer, Document, Invoice, Kind, Line, Seller, TaxLine},
    money::{Currency, Money},
};
use jiff::Timestamp;
use pdf::render;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args()
        .nth(1)
        .ok_or("usage: sample <folder> [repeat]")?;
    let repeat = std::env::args().nth(2).map_or(Ok(1), |n| n.parse())?;
    let eur: Currency = "EUR".parse()?;
    let samples = [
        ("simple", simple(eur)),
        ("credit-note", credit_note(eur)),
        ("scripts", scripts(eur)),
        ("chinese", chinese("CNY".parse()?)),
        ("long", long("JPY".parse()?)),
    ];
    for (name, invoice) in samples {
        for _ in 1..repeat {
            render(&invoice)?;
        }
        let bytes = render(&invoice)?;
        std::fs::write(Path::new(&folder).join(format!("{name}.pdf")), bytes)?;
    }
    Ok(())
}

fn buyer(name: &str, address: &[&str], email: &str) -> Buyer {
    Buyer {
        name: name.into(),
        address: address.iter().map(|&line| line.into()).collect(),
        email: email.into(),
    }
}

fn line(sku: &str, title: &str, quantity: u32, price: i64, currency: Currency) -> Line {
    Line {
        sku: sku.parse().ok(),
        title: title.into(),
        quantity,
        unit_price: Money::new(price, currency),
        total: Money::new(price * i64::from(quantity), currency),
    }
}

/// With 19 % on everything.
fn invoice(lines: Vec<Line>, currency: Currency) -> Invoice {
    let net = lines.iter().map(|line| line.total.amount).sum::<i64>();
    let tax = (net * 19 + 50) / 100;
    let document = Document {
        kind: Kind::Invoice,
        issued_at: Timestamp::from_second(1_795_348_800).unwrap_or_default(),
        order_id: OrderId::derived(&["sample"]),
        order_number: "SO-7F3K-92QD".into(),
        seller: Seller {
            name: "Longmeadow Goods Ltd".into(),
            address: vec![
                "12 Long Meadow".into(),
                "Pilton BA4 4BY".into(),
                "United Kingdom".into(),
            ],
            tax_id: Some("GB 123 4567 89".into()),
            email: "hello@longmeadow.example".into(),
        },
        buyer: buyer(
            "Ada Lovelace",
            &["Stargarder Straße 73", "10437 Berlin", "Germany"],
            "ada@example.com",
        ),
        lines,
        taxes: vec![TaxLine {
            name: "VAT".into(),
            rate_basis_points: 1900,
            net: Money::new(net, currency),
            amount: Money::new(tax, currency),
        }],
        net: Money::new(net, currency),
        total: Money::new(net + tax, currency),
    };
    Invoice {
        number: "2026-000142".into(),
        document,
    }
}

fn simple(eur: Currency) -> Invoice {
    let lines = vec![
        line("WALK-TEE-M", "Walk Tee – M", 2, 3200, eur),
        line("WALK-MUG-PINE", "Walk Mug – Pine", 1, 1850, eur),
        line(
            "LMP-BRASS-EU",
            "Reading lamp, solid brass, with a linen shade and two metres of braided cable, made to order by hand – EU plug",
            1,
            24_900,
            eur,
        ),
    ];
    invoice(lines, eur)
}

fn credit_note(eur: Currency) -> Invoice {
    let mut note = invoice(vec![line("WALK-TEE-M", "Walk Tee – M", 1, 3200, eur)], eur);
    note.number = "C-2026-000007".into();
    note.document.kind = Kind::CreditNote {
        of: "2026-000142".into(),
        refund_id: RefundId::derived(&["sample"]),
        reason: Some("Returned on 30 November 2026.\nThe amount goes back to your card.".into()),
    };
    note
}

fn scripts(eur: Currency) -> Invoice {
    let lines = vec![
        line(
            "AR-1",
            "قميص قطني مقاس 42 لون أزرق، صناعة يدوية من القطن المصري الفاخر مع أزرار من الصدف الطبيعي",
            1,
            4900,
            eur,
        ),
        line("HE-2", "חולצת כותנה מידה 42 (כחול)", 2, 4500, eur),
        line("MIX-3", "T-shirt قميص 2026 edition", 1, 3900, eur),
        line("EL-4", "Βαμβακερή μπλούζα με κέντημα", 1, 3500, eur),
        line("RU-5", "Хлопковая рубашка «Лето», размер 42", 1, 3600, eur),
        line(
            "VI-6",
            "Áo thun cổ tròn – Nguyễn Thị Ánh Tuyết",
            1,
            2100,
            eur,
        ),
        line(
            "PL-7",
            "Bawełniana koszulka: zażółć gęślą jaźń",
            1,
            2200,
            eur,
        ),
        line(
            "JA-8",
            "コットンTシャツ（青）日本製、柔らかい手触りの上質な綿を使用したゆったりサイズ",
            3,
            2900,
            eur,
        ),
        line("KO-9", "면 티셔츠 파란색 42 사이즈", 1, 2700, eur),
        line("ZH-10", "纯棉T恤（蓝色）", 1, 2600, eur),
        line("EMOJI-11", "Happy mug 😀👩‍👩‍👧 ☕ with ሰላም", 1, 1200, eur),
    ];
    let mut invoice = invoice(lines, eur);
    invoice.document.buyer = buyer(
        "شركة النور للتجارة ش.م.م",
        &[
            "شارع الملك فهد 125، الطابق 3",
            "دبي 00000",
            "United Arab Emirates",
        ],
        "orders@alnoor.example",
    );
    invoice
}

fn chinese(cny: Currency) -> Invoice {
    let lines = vec![
        line("茶-01", "龙井茶 礼盒装 250克", 2, 16_800, cny),
        line("CUP-02", "青花瓷茶杯", 4, 4900, cny),
    ];
    let mut invoice = invoice(lines, cny);
    invoice.document.buyer = buyer(
        "上海晨光贸易有限公司",
        &[
            "上海市浦东新区世纪大道100号",
            "环球金融中心88层 200120",
            "中国",
        ],
        "王小明@example.cn",
    );
    invoice
}

fn long(jpy: Currency) -> Invoice {
    let lines = (1..=70)
        .map(|n| {
            let description = if n % 7 == 0 {
                format!("Item {n}, which has a description so long that it takes several rows of the table and must not push the numbers aside")
            } else {
                format!("Item {n}")
            };
            line(&format!("SKU-{n:04}"), &description, n, 1_250, jpy)
        })
        .collect();
    invoice(lines, jpy)
}
