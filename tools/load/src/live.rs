//! Live status in the terminal while the load runs.

use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

use crate::record::{Lately, Record, Tally};

/// Interval of status lines where the terminal cannot be redrawn.
const EVERY: Duration = Duration::from_secs(5);
/// Number of points of the curve.
const CURVE: usize = 24;

/// Shows the progress of a run.
pub(crate) struct Live {
    length: Duration,
    draws: bool,
    drawn: bool,
    next: Duration,
}

impl Live {
    /// Makes the display of a run of this length.
    pub(crate) fn new(length: Duration) -> Self {
        Self {
            length,
            draws: std::io::stdout().is_terminal(),
            drawn: false,
            next: EVERY,
        }
    }

    /// Shows the current status.
    pub(crate) fn show(&mut self, record: &Record, now: Duration) {
        let lines = {
            let tally = record.tally();
            if !self.draws {
                if now < self.next {
                    return;
                }
                self.next = now + EVERY;
            }
            lines(&tally, now, self.length)
        };
        let mut out = std::io::stdout().lock();
        // A closed terminal is noticed elsewhere.
        if self.draws {
            let up = if self.drawn { "\x1b[3A\r" } else { "" };
            let _ = write!(out, "{up}\x1b[J{}\n{}\n{}\n", lines[0], lines[1], lines[2]);
            self.drawn = true;
        } else {
            let joined: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
            let _ = writeln!(out, "  {}", joined.join("  "));
        }
        let _ = out.flush();
    }
}

fn lines(tally: &Tally, now: Duration, length: Duration) -> [String; 3] {
    let Lately { rate, times } = tally.lately(now);
    let time = match length.checked_sub(now) {
        Some(_) => format!("{} of {}", clock(now), clock(length)),
        None => format!("{}, doors closed", clock(now)),
    };
    let answered: Vec<u64> = tally
        .stretches
        .iter()
        .map(|stretch| stretch.answered)
        .collect();
    // The current second is still incomplete.
    let full = &answered[..answered.len().saturating_sub(1)];
    let orders = tally.orders;
    [
        format!(
            "  {time}  {rate:.0} requests/s {}",
            sparkline(&full[full.len().saturating_sub(CURVE)..])
        ),
        format!(
            "  p50 {:.1} ms  p99 {:.1} ms  {} in flight  {} shoppers in the shop",
            times.at(50.0),
            times.at(99.0),
            tally.in_flight,
            tally.arrived - tally.gone
        ),
        format!(
            "  {} orders, {} paid, {} sold out  {} errors",
            orders.placed, orders.paid, orders.sold_out, tally.errors
        ),
    ]
}

/// Formats minutes and seconds.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Draws a curve as one line of text.
fn sparkline(values: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().copied().max().unwrap_or_default().max(1);
    let bar = |value: &u64| {
        let height = usize::try_from(value * 7 / most).unwrap_or_default();
        BARS[height.min(7)]
    };
    values.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_reaches_from_the_lowest_bar_to_the_highest() {
        assert_eq!(sparkline(&[0, 5, 10]), "▁▄█");
        assert_eq!(sparkline(&[0, 0]), "▁▁");
        assert_eq!(sparkline(&[]), "");
        assert_eq!(clock(Duration::from_secs(125)), "2:05");
    }

    #[test]
    fn an_empty_record_can_be_shown() {
        let record = Record::new(Duration::from_secs(10));
        let shown = lines(&record.tally(), Duration::ZERO, Duration::from_secs(10));
        assert!(shown[0].contains("0:00 of 0:10"), "{shown:?}");
        assert!(
            shown.iter().all(|line| line.chars().count() < 80),
            "{shown:?}"
        );
    }
}
