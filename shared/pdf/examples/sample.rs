//! Writes sample documents to a folder, to be looked at: `cargo run -p stampede-pdf --example sample -- out`.

use std::{error::Error, path::Path};

use domain::money::{Currency, Money};
use pdf::{Document, Kind, Line, Party, Tax, render};

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
    for (name, document) in samples {
        for _ in 1..repeat {
            render(&document)?;
        }
        let bytes = render(&document)?;
        std::fs::write(Path::new(&folder).join(format!("{name}.pdf")), bytes)?;
    }
    Ok(())
}

fn party(name: &str, address: &[&str], tax_id: Option<&str>, email: &str) -> Party {
    Party {
        name: name.into(),
        address: address.iter().map(|&line| line.into()).collect(),
        tax_id: tax_id.map(Into::into),
        email: Some(email.into()),
    }
}

fn line(sku: &str, description: &str, quantity: u32, price: i64, currency: Currency) -> Line {
    Line {
        sku: sku.into(),
        description: description.into(),
        quantity,
        unit_price: Money::new(price, currency),
        total: Money::new(price * i64::from(quantity), currency),
    }
}

/// With 19 % on everything.
fn document(lines: Vec<Line>, currency: Currency) -> Document {
    let net = lines.iter().map(|line| line.total.amount).sum::<i64>();
    let tax = (net * 19 + 50) / 100;
    Document {
        kind: Kind::Invoice,
        number: "2026-000142".into(),
        issued_on: jiff::civil::date(2026, 11, 22),
        seller: party(
            "Longmeadow Goods Ltd",
            &["12 Long Meadow", "Pilton BA4 4BY", "United Kingdom"],
            Some("GB 123 4567 89"),
            "hello@longmeadow.example",
        ),
        buyer: party(
            "Ada Lovelace",
            &["Stargarder Straße 73", "10437 Berlin", "Germany"],
            None,
            "ada@example.com",
        ),
        order_number: "SO-7F3K-92QD".into(),
        lines,
        taxes: vec![Tax {
            name: "VAT".into(),
            rate_basis_points: 1900,
            net: Money::new(net, currency),
            amount: Money::new(tax, currency),
        }],
        net: Money::new(net, currency),
        total: Money::new(net + tax, currency),
        note: Some("Paid by card on 22 November 2026. Thank you!".into()),
    }
}

fn simple(eur: Currency) -> Document {
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
    document(lines, eur)
}

fn credit_note(eur: Currency) -> Document {
    Document {
        kind: Kind::CreditNote {
            of: "2026-000142".into(),
        },
        number: "C-2026-000007".into(),
        note: Some("Returned on 30 November 2026.\nThe amount goes back to your card.".into()),
        ..document(vec![line("WALK-TEE-M", "Walk Tee – M", 1, 3200, eur)], eur)
    }
}

fn scripts(eur: Currency) -> Document {
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
    Document {
        buyer: party(
            "شركة النور للتجارة ش.م.م",
            &[
                "شارع الملك فهد 125، الطابق 3",
                "دبي 00000",
                "United Arab Emirates",
            ],
            Some("100-2345-6789"),
            "orders@alnoor.example",
        ),
        note: Some("شكرًا لطلبكم رقم 142 من متجرنا.\nΕυχαριστούμε! תודה רבה על ההזמנה.".into()),
        ..document(lines, eur)
    }
}

fn chinese(cny: Currency) -> Document {
    let lines = vec![
        line("茶-01", "龙井茶 礼盒装 250克", 2, 16_800, cny),
        line("CUP-02", "青花瓷茶杯", 4, 4900, cny),
    ];
    Document {
        buyer: party(
            "上海晨光贸易有限公司",
            &[
                "上海市浦东新区世纪大道100号",
                "环球金融中心88层 200120",
                "中国",
            ],
            Some("91310000MA1FL0000X"),
            "王小明@example.cn",
        ),
        note: None,
        ..document(lines, cny)
    }
}

fn long(jpy: Currency) -> Document {
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
    document(lines, jpy)
}
