//! What a typical invoice costs: `cargo run --release -p stampede-pdf --example cost [-- renders [warm-up]]`.

#![expect(clippy::print_stdout, reason = "what it measured")]

use std::{error::Error, fs};

use domain::{
    id::OrderId,
    invoices::{Buyer, Document, Invoice, Kind, Line, Seller, TaxLine},
    money::{Currency, Money},
};
use pdf::render;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|n| n.parse::<u32>());
    let renders = arguments.next().unwrap_or(Ok(1_000))?;
    let warm_up = arguments.next().unwrap_or(Ok(100))?;
    let mut invoice = typical()?;
    let started = cpu()?;
    let bytes = render(&invoice)?;
    let first = cpu()? - started;
    for n in 0..warm_up {
        vary(&mut invoice, n);
        render(&invoice)?;
    }
    let started = cpu()?;
    for n in 0..renders {
        vary(&mut invoice, n);
        render(&invoice)?;
    }
    let warm = (cpu()? - started) / u64::from(renders.max(1));
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!(
        "first {} us, warm {} us, {} bytes, {}",
        first / 1000,
        warm / 1000,
        bytes.len(),
        peak.unwrap_or_default()
    );
    Ok(())
}

/// CPU time of this process in nanoseconds, as the scheduler counts it.
fn cpu() -> Result<u64, Box<dyn Error>> {
    // The counter is updated at a context switch.
    std::thread::yield_now();
    let stat = fs::read_to_string("/proc/self/schedstat")?;
    Ok(stat.split(' ').next().unwrap_or_default().parse()?)
}

/// Changes number, order and buyer, which differ between all real documents, so that no cache helps.
fn vary(invoice: &mut Invoice, n: u32) {
    let buyers = ["Ada Lovelace", "Grace Hopper", "Mary Jackson", "Zoë Quinn"];
    let buyer = buyers.get(n as usize % buyers.len()).copied();
    invoice.number = format!("INV-2026-{n:06}");
    let document = &mut invoice.document;
    document.order_number = format!("SO-7F3K-{n:06}");
    document.buyer.name = format!("{} {}", buyer.unwrap_or_default(), n % 100);
    document.buyer.email = format!("buyer{n}@example.com");
}

/// An invoice as the bench's shop issues it: one line, Latin text, euros.
fn typical() -> Result<Invoice, Box<dyn Error>> {
    let eur: Currency = "EUR".parse()?;
    let address = |lines: &[&str]| lines.iter().map(|&line| line.into()).collect();
    let line = |sku: &str, title: &str, quantity: u32, price: i64| Line {
        sku: sku.parse().ok(),
        title: title.into(),
        quantity,
        unit_price: Money::new(price, eur),
        total: Money::new(price * i64::from(quantity), eur),
    };
    let document = Document {
        kind: Kind::Invoice,
        issued_at: "2026-11-22T12:00:00Z".parse()?,
        order_id: OrderId::derived(&["typical"]),
        order_number: "SO-7F3K-92QD".into(),
        seller: Seller {
            name: "Longmeadow Goods Ltd".into(),
            address: address(&["12 Long Meadow", "Pilton BA4 4BY", "United Kingdom"]),
            tax_id: Some("GB 123 4567 89".into()),
            email: "hello@longmeadow.example".into(),
        },
        buyer: Buyer {
            name: "Ada Lovelace".into(),
            address: address(&["Stargarder Straße 73", "10437 Berlin", "DE"]),
            email: "ada@example.com".into(),
        },
        lines: vec![
            line("WALK-TEE-M", "Walk Tee – M", 2, 3200),
            line("WALK-MUG-PINE", "Walk Mug – Pine", 1, 1850),
        ],
        taxes: vec![TaxLine {
            name: "VAT".into(),
            rate_basis_points: 1900,
            net: Money::new(6933, eur),
            amount: Money::new(1317, eur),
        }],
        net: Money::new(6933, eur),
        total: Money::new(8250, eur),
    };
    Ok(Invoice {
        number: "INV-2026-000142".into(),
        document,
    })
}
