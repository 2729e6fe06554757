//! What a typical invoice costs: `cargo run --release -p stampede-pdf --example cost [-- renders [warm-up]]`.

#![expect(clippy::print_stdout, reason = "what it measured")]

use std::{error::Error, fs};

use domain::money::{Currency, Money};
use pdf::{Document, Kind, Line, Party, Tax, render};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|n| n.parse::<u32>());
    let renders = arguments.next().unwrap_or(Ok(1_000))?;
    let warm_up = arguments.next().unwrap_or(Ok(100))?;
    let mut document = typical()?;
    let started = cpu()?;
    let bytes = render(&document)?;
    let first = cpu()? - started;
    for n in 0..warm_up {
        vary(&mut document, n);
        render(&document)?;
    }
    let started = cpu()?;
    for n in 0..renders {
        vary(&mut document, n);
        render(&document)?;
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
fn vary(document: &mut Document, n: u32) {
    let buyers = ["Ada Lovelace", "Grace Hopper", "Mary Jackson", "Zoë Quinn"];
    let buyer = buyers.get(n as usize % buyers.len()).copied();
    document.number = format!("INV-2026-{n:06}");
    document.order_number = format!("SO-7F3K-{n:06}");
    document.buyer.name = format!("{} {}", buyer.unwrap_or_default(), n % 100);
    document.buyer.email = Some(format!("buyer{n}@example.com"));
}

/// An invoice as the bench's shop issues it: one line, Latin text, euros.
fn typical() -> Result<Document, Box<dyn Error>> {
    let eur: Currency = "EUR".parse()?;
    let party = |name: &str, address: &[&str], tax_id: Option<&str>, email: &str| Party {
        name: name.into(),
        address: address.iter().map(|&line| line.into()).collect(),
        tax_id: tax_id.map(Into::into),
        email: Some(email.into()),
    };
    let line = |sku: &str, description: &str, quantity: u32, price: i64| Line {
        sku: sku.into(),
        description: description.into(),
        quantity,
        unit_price: Money::new(price, eur),
        total: Money::new(price * i64::from(quantity), eur),
    };
    Ok(Document {
        kind: Kind::Invoice,
        number: "INV-2026-000142".into(),
        issued_on: jiff::civil::date(2026, 11, 22),
        seller: party(
            "Longmeadow Goods Ltd",
            &["12 Long Meadow", "Pilton BA4 4BY", "United Kingdom"],
            Some("GB 123 4567 89"),
            "hello@longmeadow.example",
        ),
        buyer: party(
            "Ada Lovelace",
            &["Stargarder Straße 73", "10437 Berlin", "DE"],
            None,
            "ada@example.com",
        ),
        order_number: "SO-7F3K-92QD".into(),
        lines: vec![
            line("WALK-TEE-M", "Walk Tee – M", 2, 3200),
            line("WALK-MUG-PINE", "Walk Mug – Pine", 1, 1850),
        ],
        taxes: vec![Tax {
            name: "VAT".into(),
            rate_basis_points: 1900,
            net: Money::new(6933, eur),
            amount: Money::new(1317, eur),
        }],
        net: Money::new(6933, eur),
        total: Money::new(8250, eur),
        note: Some("Paid with thanks.".into()),
    })
}
