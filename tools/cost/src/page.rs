//! Renders the tables for the terminal and docs/cost.md.

use std::fmt::Write;

use local::outcome::Outcome;

use crate::{
    money::{Dollars, Quantity, thousands},
    outlook::{Outlook, Scenario},
    quotas::Check,
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

/// All tables as Markdown, which is also readable in a terminal: each scenario with its lines.
pub(crate) fn tables(outlook: &Outlook) -> String {
    with_scenarios(outlook, |text| {
        for scenario in &outlook.scenarios {
            lines(text, scenario);
        }
    })
}

/// The tables of the page: scenarios by service, as their lines are a command away.
pub(crate) fn summary(outlook: &Outlook) -> String {
    with_scenarios(outlook, |text| services(text, &outlook.scenarios))
}

fn with_scenarios(outlook: &Outlook, scenarios: impl FnOnce(&mut String)) -> String {
    let mut text = String::new();
    goals(&mut text, outlook);
    scenarios(&mut text);
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
    text
}

fn goals(text: &mut String, outlook: &Outlook) {
    push(text, "### Goals\n");
    push(
        text,
        "| | is | goal | | largest part |\n| --- | ---: | ---: | --- | --- |",
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
        "| service | item | quantity | $ |\n| --- | --- | ---: | ---: |",
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
            &format!("| without the CDN | | | {} |", scenario.origin),
        );
    }
    if scenario.without_mail < scenario.total {
        push(
            text,
            &format!("| without SES | | | {} |", scenario.without_mail),
        );
    }
    push(text, "");
}

fn services(text: &mut String, scenarios: &[Scenario]) {
    let mut names: Vec<&str> = Vec::new();
    for line in scenarios.iter().flat_map(|scenario| &scenario.lines) {
        if !names.contains(&line.service.as_str()) {
            names.push(&line.service);
        }
    }
    push(text, "### Scenarios by service\n");
    let mut row = |name: &str, cell: &dyn Fn(&Scenario) -> String| {
        let cells: Vec<String> = scenarios.iter().map(cell).collect();
        push(text, &format!("| {name} | {} |", cells.join(" | ")));
    };
    row("$", &|scenario| scenario.name.clone());
    row("---", &|_| "---:".to_owned());
    for name in names {
        row(name, &|scenario| {
            let lines = scenario.lines.iter().filter(|line| line.service == name);
            let dollars: Vec<Dollars> = lines.map(|line| line.dollars).collect();
            match dollars.is_empty() {
                true => String::new(),
                false => dollars.into_iter().sum::<Dollars>().to_string(),
            }
        });
    }
    row("**in all**", &|scenario| format!("**{}**", scenario.total));
    row("without the CDN", &|scenario| scenario.origin.to_string());
    if scenarios
        .iter()
        .any(|scenario| scenario.without_mail < scenario.total)
    {
        row("without SES", &|scenario| scenario.without_mail.to_string());
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

fn limits(text: &mut String, outlook: &Outlook) {
    push(text, "### Limits of a launch hour\n");
    let largest = outlook.launches.last().map(|launch| launch.users);
    for launch in &outlook.launches {
        let users = thousands(u128::from(launch.users));
        // The limits are the same for every hour: a smaller one within all of them needs no table.
        if Some(launch.users) != largest && !launch.checks.iter().any(|check| check.is_exceeded) {
            push(text, &format!("{users} users stay within all limits.\n"));
        } else {
            checks(text, &users, &launch.checks);
        }
        for late in &launch.late {
            push(
                text,
                &format!(
                    "`{}` works on the messages of {users} users for {} minutes: the template limits its concurrency.\n",
                    late.function,
                    thousands(late.minutes.into())
                ),
            );
        }
    }
}

fn checks(text: &mut String, users: &str, checks: &[Check]) {
    push(
        text,
        &format!(
            "| busiest second of {users} users | asked | limit | |\n| --- | ---: | ---: | --- |"
        ),
    );
    for check in checks {
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
            "- {what}: break-even at {} page views a month at the origin, {} a second day and night;",
            thousands(even.a_month.ceil().into()),
            thousands(even.a_second.ceil().into())
        );
        if even.a_second <= fleet {
            format!("{text} beyond, the servers are cheaper.")
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
        &pages("Stampede as deployed", all.even_pages, our_million),
    );
    push(
        text,
        &pages(
            "`CatalogOrigin=function-url`",
            all.even_pages_lean,
            all.million_pages_lean,
        ),
    );
    push(
        text,
        &format!(
            "- Orders alone: break-even at {} a month, day and night alike; beyond, the servers are cheaper.",
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
