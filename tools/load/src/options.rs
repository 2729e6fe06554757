//! The options of a run, and which of them make sense.

use std::{path::PathBuf, time::Duration};

use clap::Parser;
use local::outcome::Outcome;

use crate::plan::{Behaviour, Profile};

/// Maximum arrival rate: more than a laptop or the default account could handle.
const MOST_RATE: f64 = 10_000.0;
const MOST_SECONDS: u64 = 86_400;
/// Maximum number of products of one product file.
const MOST_PRODUCTS: usize = 10_000;
/// What to drive, and how.
#[derive(Parser)]
#[command(
    about = "Drives a population of shoppers through a shop and reports rates, latencies, errors and cost"
)]
pub(crate) struct Load {
    /// Shoppers who arrive each second; with --launch at its peak
    #[arg(long, default_value_t = 10.0, allow_negative_numbers = true)]
    pub(crate) rate: f64,
    /// How long shoppers arrive
    #[arg(long, default_value_t = 30, allow_negative_numbers = true)]
    pub(crate) seconds: i64,
    /// Arrive as when something is dropped: quiet, a spike, a slow end, and half of them for one product
    #[arg(long)]
    pub(crate) launch: bool,
    /// Drive this number of logins instead of shoppers, most of them by attackers; see docs/load.md
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) logins: Option<i64>,
    /// The same seed brings the same shoppers at the same times
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Products of the shop
    #[arg(long, default_value_t = 100, allow_negative_numbers = true)]
    pub(crate) products: i64,
    /// Units of each variant
    #[arg(long, default_value_t = 1_000_000, allow_negative_numbers = true)]
    pub(crate) stock: i64,
    /// Mean seconds between two things a shopper does
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub(crate) think: f64,
    /// Mean number of pages a shopper looks at, besides the list that most begin with
    #[arg(long, default_value_t = 4.0, allow_negative_numbers = true)]
    pub(crate) pages: f64,
    /// Of 100 shoppers, how many open a cart
    #[arg(long, default_value_t = 30.0, allow_negative_numbers = true)]
    pub(crate) carts: f64,
    /// Of 100 shoppers, how many order
    #[arg(long, default_value_t = 10.0, allow_negative_numbers = true)]
    pub(crate) orders: f64,
    /// Most lines of a cart: each has from 1 to this many
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub(crate) lines: i64,
    /// How popular the popular products are: the exponent of Zipf's law, 0 for all alike
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub(crate) zipf: f64,
    /// Drive a shop that is deployed already instead of one on this machine
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Use the debug binaries beside this tool, as they are
    #[arg(long)]
    pub(crate) debug: bool,
    /// Folder of the report; target/load without it
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
}

impl Load {
    /// Validates the arguments.
    pub(crate) fn check(&self) -> Outcome {
        let within = |name: &str, value: f64, least: f64, most: f64, what: &str| {
            if value >= least && value <= most {
                return Ok(());
            }
            Err(format!(
                "--{name} {value}: {what} is from {least} to {most}"
            ))
        };
        let whole = |name: &str, value: i64, least: i64, most: i64, what: &str| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            Err(format!(
                "--{name} {value}: {what} is from {least} to {most}"
            ))
        };
        let most_seconds = i64::try_from(MOST_SECONDS).unwrap_or(i64::MAX);
        let most_products = i64::try_from(MOST_PRODUCTS).unwrap_or(i64::MAX);
        within(
            "rate",
            self.rate,
            0.01,
            MOST_RATE,
            "the number of shoppers a second",
        )?;
        whole(
            "seconds",
            self.seconds,
            1,
            most_seconds,
            "the length of the run",
        )?;
        whole(
            "products",
            self.products,
            1,
            most_products,
            "the number of products",
        )?;
        whole(
            "stock",
            self.stock,
            0,
            1_000_000_000,
            "the number of units of a variant",
        )?;
        within(
            "think",
            self.think,
            0.001,
            3600.0,
            "the mean time between two steps in seconds",
        )?;
        within("pages", self.pages, 1.0, 1000.0, "the mean number of pages")?;
        within(
            "carts",
            self.carts,
            0.0,
            100.0,
            "the share of shoppers who open a cart, in per cent,",
        )?;
        within(
            "orders",
            self.orders,
            0.0,
            100.0,
            "the share of shoppers who order, in per cent,",
        )?;
        whole("lines", self.lines, 1, 50, "the number of lines of a cart")?;
        within(
            "zipf",
            self.zipf,
            0.0,
            10.0,
            "the exponent of the products' popularity",
        )?;
        if let Some(logins) = self.logins {
            whole("logins", logins, 200, 1_000_000, "the number of logins")?;
            if self.url.is_some() {
                return Err(
                    "--logins takes networks of this machine; --url is another one: choose one"
                        .into(),
                );
            }
        }
        if self.orders > self.carts {
            return Err(format!(
                "--orders {} is more than --carts {}: who orders has a cart",
                self.orders, self.carts
            )
            .into());
        }
        if let Some(url) = &self.url {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(
                    format!("--url {url}: an address begins with http:// or https://").into(),
                );
            }
            if self.debug {
                return Err(
                    "--debug is for a shop on this machine, --url for another: choose one".into(),
                );
            }
        }
        Ok(())
    }

    pub(crate) fn behaviour(&self) -> Behaviour {
        Behaviour {
            seed: self.seed,
            rate: self.rate,
            length: Duration::from_secs(u64::try_from(self.seconds).unwrap_or(1)),
            profile: if self.launch {
                Profile::Launch
            } else {
                Profile::Steady
            },
            think: self.think,
            pages: self.pages,
            carts: share(self.carts),
            orders: share(self.orders),
            lines: usize::try_from(self.lines).unwrap_or(1),
            zipf: self.zipf,
        }
    }

    pub(crate) fn announcement(&self, address: &str, products: usize) -> String {
        let profile = if self.launch {
            "at the peak of a launch"
        } else {
            "steadily"
        };
        let mut text = format!(
            "driving {address}, {products} products: {} shoppers a second {profile}, for {} s; of 100, {} open a \
             cart and {} order; seed {}",
            self.rate, self.seconds, self.carts, self.orders, self.seed
        );
        if self.url.is_some() && self.orders > 0.0 {
            text.push_str(
                "\nthese are orders of that shop like any other, paid with the method `test`; their mails go to \
                 SES's mailbox simulator. --orders 0 places none",
            );
        }
        text
    }
}

#[expect(clippy::float_arithmetic, reason = "chances are not money")]
fn share(percent: f64) -> f64 {
    percent / 100.0
}
