//! Renders the tables for the terminal and docs/cost.md.

use std::fmt::Write;

use local::outcome::Outcome;

use crate::{
    money::{Dollars, Quantity, thousands},
    outlook::{Outlook, Scenario},
    server::{EvenPages, Marginal},
};

/// The page that contains the tables.
pub(crate) const PATH: &str = "docs/cost.md";
const START: &str = "<!-- cost:start -->";
const END: &str = "<!-- cost:end -->";

/// Replaces the tables between the marks of a page.
pub(crate) fn replace(page: &str, tables: &str) -> Outcome<String> {
    let wrong = || format!("{PATH} needs {START} and, after it, {END}");
    let (before, rest) = page.split_once(START).ok_or_else(wrong)?;
    let (_, after) = rest.split_once(END).ok_or_else(wrong)?;
    Ok(format!("{before}{START}\n\n{tables}\n{END}{after}"))
}

/// All tables as Markdown, which is also readable in a terminal.
pub(crate) fn tables(outlook: &Outlook) -> String {
    let mut text = String::new();
    goals(&mut text, outlook);
    for scenario in &outlook.scenarios {
        lines(&mut text, scenario);
    }
    push(
        &mut text,
        &format!(
            "If every invocation of the 1,000 orders were a cold start, they would cost ${} more.\n",
            outlook.all_cold
        ),
    );
    what_ifs(&mut text, outlook);
    idle(&mut text, outlook);
    limits(&mut text, outlook);
    servers(&mut text, outlook);
    push(&mut text, "### Taken for granted\n");
    for line in &outlook.assumptions {
        push(&mut text, &format!("- {line}"));
    }
    for note in &outlook.notes {
        push(&mut text, &format!("- **Missing**: {note}"));
    }
    prices(&mut text, outlook);
    text
}

fn goals(text: &mut String, outlook: &Outlook) {
    push(text, "### Goals\n");
    push(
        text,
        "| | is | goal | | what costs most of it |\n| --- | ---: | ---: | --- | --- |",
    );
    for goal in &outlook.goals {
        let distance = match goal.is_met {
            true => format!("met by ${}", goal.limit - goal.is),
            false => format!("**missed by ${}**", goal.is - goal.limit),
        };
        push(
            text,
            &format!(
                "| {} | ${} | ${} | {distance} | {}, ${} |",
                goal.name, goal.is, goal.limit, goal.cause, goal.cause_dollars
            ),
        );
    }
    push(text, "");
}

fn lines(text: &mut String, scenario: &Scenario) {
    push(text, &format!("### {}\n", scenario.name));
    push(
        text,
        "| service | what | how much | $ |\n| --- | --- | ---: | ---: |",
    );
    for line in &scenario.lines {
        // Millions of bytes are shown as MB.
        let (quantity, unit) = match line.unit.strip_prefix("byte") {
            Some(rest) => {
                let unit = rest.strip_prefix("-months").map_or("MB", |_| "MB-months");
                (line.quantity.over(1_000_000), unit)
            }
            None => (line.quantity, line.unit.as_str()),
        };
        push(
            text,
            &format!(
                "| {} | {} | {quantity} {unit} | {} |",
                line.service, line.what, line.dollars
            ),
        );
    }
    push(
        text,
        &format!("| **in all** | | | **{}** |", scenario.total),
    );
    if scenario.origin < scenario.total {
        push(
            text,
            &format!("| without what the CDN charges | | | {} |", scenario.origin),
        );
    }
    if scenario.without_mail < scenario.total {
        push(
            text,
            &format!(
                "| without what SES charges | | | {} |",
                scenario.without_mail
            ),
        );
    }
    push(text, "");
}

fn what_ifs(text: &mut String, outlook: &Outlook) {
    push(text, "### Gateway and logs otherwise\n");
    push(
        text,
        "| cacheable reads through | logs | 1,000,000 page views, all at the origin | behind the CDN, at the origin | 1,000 orders without SES | a launch hour of 1,000,000 |\n| --- | --- | ---: | ---: | ---: | ---: |",
    );
    for what_if in &outlook.what_ifs {
        push(
            text,
            &format!(
                "| {} | {} | {} | {} | {} | {} |",
                what_if.origin,
                what_if.logs,
                what_if.views_direct,
                what_if.views_through_cdn,
                what_if.orders,
                what_if.launch
            ),
        );
    }
    push(text, "");
}

fn idle(text: &mut String, outlook: &Outlook) {
    push(text, "### An idle month otherwise\n");
    push(text, "| | $ a month |\n| --- | ---: |");
    for what_if in &outlook.idle_what_ifs {
        push(text, &format!("| {} | {} |", what_if.name, what_if.dollars));
    }
    push(text, "");
}

fn prices(text: &mut String, outlook: &Outlook) {
    push(text, "\n### Prices\n");
    push(
        text,
        "| service | what | $ | for | source | as of |\n| --- | --- | ---: | ---: | --- | --- |",
    );
    for price in &outlook.prices {
        let per = match (price.unit.starts_with("byte"), price.per) {
            (true, 1_000_000_000) => price
                .unit
                .replacen("bytes", "GB", 1)
                .replacen("byte", "GB", 1),
            (_, 1) => price.unit.clone(),
            (_, per) => format!("{} {}", thousands(per.into()), price.unit),
        };
        let usd = price.usd.exact();
        push(
            text,
            &format!(
                "| {} | {} | {usd} | {per} | {} | {} |",
                price.service, price.what, price.source, price.date
            ),
        );
    }
}

fn limits(text: &mut String, outlook: &Outlook) {
    for launch in &outlook.launches {
        let users = thousands(u128::from(launch.users));
        push(
            text,
            &format!("### Limits that a launch hour of {users} users meets\n"),
        );
        push(
            text,
            "| in the busiest second | asked | limit | |\n| --- | ---: | ---: | --- |",
        );
        for check in &launch.checks {
            let verdict = match check.is_exceeded {
                true => format!("**exceeded.** {}", check.remedy),
                false => "fits".to_owned(),
            };
            let (asked, limit) = (
                thousands(check.asked.ceil().into()),
                thousands(check.limit.into()),
            );
            push(
                text,
                &format!("| {} | {asked} | {limit} | {verdict} |", check.what),
            );
        }
        push(text, "");
        for late in &launch.late {
            push(
                text,
                &format!(
                    "`{}` works on the hour's messages for {} minutes: the template limits how many it takes at once.\n",
                    late.function,
                    thousands(late.minutes.into())
                ),
            );
        }
    }
}

fn servers(text: &mut String, outlook: &Outlook) {
    let all = &outlook.comparison;
    push(text, "### Beside a shop on servers\n");
    push(
        text,
        "| orders a month | Stampede | servers | which |\n| ---: | ---: | ---: | --- |",
    );
    for month in &all.months {
        let orders = thousands(month.orders.into());
        push(
            text,
            &format!(
                "| {orders} | {} | {} | {} |",
                month.ours, month.servers, month.fleet
            ),
        );
    }
    push(
        text,
        "\n| a launch hour of | Stampede | vCPU at work, shop + Postgres | servers for that, the hour | kept for the month |\n| ---: | ---: | ---: | ---: | ---: |",
    );
    for hour in &all.hours {
        let remark = if hour.fits_one_database {
            ""
        } else {
            " (more than one Postgres can be)"
        };
        let busy = |vcpus: Quantity| thousands(vcpus.ceil().into());
        push(
            text,
            &format!(
                "| {} | {} | {} + {}{remark} | {} | {} |",
                thousands(hour.users.into()),
                hour.ours,
                busy(hour.vcpus.shop),
                busy(hour.vcpus.database),
                hour.hour,
                hour.month
            ),
        );
    }
    push(text, "");
    push(
        text,
        &format!(
            "- The smallest fleet costs ${} a month, used or not, and serves {} pages a second all day.",
            all.floor,
            all.floor_pages.ceil()
        ),
    );
    let fleet = all.floor_pages;
    let pages = |what: &str, even: EvenPages, million: Dollars| {
        let text = format!(
            "- {what} it costs the same at {} page views a month that reach the origin, {} a second, day and night alike:",
            thousands(even.a_month.ceil().into()),
            thousands(even.a_second.ceil().into())
        );
        if even.a_second <= fleet {
            format!("{text} from there on the servers are cheaper.")
        } else if million > all.million_pages.servers {
            format!(
                "{text} more than the fleet serves; larger servers are cheaper once they are kept busy."
            )
        } else {
            format!(
                "{text} more than the fleet serves, and larger servers cost more for each page."
            )
        }
    };
    let Marginal {
        servers: server_million,
        ours: our_million,
    } = all.million_pages;
    push(
        text,
        &pages("With Stampede as deployed", all.even_pages, our_million),
    );
    push(
        text,
        &pages(
            "With `CatalogOrigin=function-url`",
            all.even_pages_lean,
            all.million_pages_lean,
        ),
    );
    push(
        text,
        &format!(
            "- In orders alone it is even at {} a month, day and night alike; from there on the servers are cheaper.",
            thousands(all.even_orders.ceil().into())
        ),
    );
    push(
        text,
        &format!(
            "- A further million pages at the origin: ${server_million} on larger servers that are kept busy, ${our_million} here, ${} with `CatalogOrigin=function-url`.",
            all.million_pages_lean
        ),
    );
    push(
        text,
        &costs("A further thousand orders", all.thousand_orders),
    );
    for line in &outlook.server_assumptions {
        push(text, &format!("- {line}"));
    }
    push(text, "");
}

fn costs(what: &str, Marginal { servers, ours }: Marginal) -> String {
    format!("- {what}: ${servers} on larger servers that are kept busy, ${ours} here.")
}

fn push(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_go_between_the_marks() {
        let page = format!("a\n{START}\nold\n{END}\nb\n");
        let new = replace(&page, "new\n").unwrap();
        assert_eq!(new, format!("a\n{START}\n\nnew\n\n{END}\nb\n"));
        assert_eq!(replace(&new, "new\n").unwrap(), new);
        assert!(replace("a", "new").is_err());
    }
}
