//! Writes figures as people read them. Templates pass arguments by reference, code by value.

#![expect(
    clippy::float_arithmetic,
    reason = "milliseconds and shares are not money"
)]

use std::{borrow::Borrow, fmt::Display};

use crate::{record::float, report::OfFunction};

/// Peak memory of a function, if it is known.
pub(crate) fn memory(of: &OfFunction) -> String {
    of.memory_peak_bytes.map_or("–".to_owned(), |bytes| {
        format!("{:.1} MiB", float(bytes) / 1_048_576.0)
    })
}

/// Formats a count with thousands separators.
pub(crate) fn count(number: impl Display) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(crate) fn percent(part: impl Borrow<u64>, whole: impl Borrow<u64>) -> String {
    let (part, whole) = (*part.borrow(), *whole.borrow());
    match whole {
        0 => "0 %".to_owned(),
        _ => format!("{:.2} %", 100.0 * float(part) / float(whole)),
    }
}

/// Formats milliseconds with adequate precision.
pub(crate) fn millis(millis: impl Borrow<f64>) -> String {
    let millis = *millis.borrow();
    match millis {
        ..10.0 => format!("{millis:.2}"),
        ..100.0 => format!("{millis:.1}"),
        _ => format!("{millis:.0}"),
    }
}

pub(crate) fn time(milliseconds: impl Borrow<f64>) -> String {
    let milliseconds = *milliseconds.borrow();
    match milliseconds {
        ..1000.0 => format!("{} ms", millis(milliseconds)),
        _ => format!("{:.1} s", milliseconds / 1000.0),
    }
}

pub(crate) fn short(value: impl Borrow<f64>) -> String {
    let value = *value.borrow();
    match value {
        ..10.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

pub(crate) fn units(value: impl Borrow<f64>) -> String {
    let value = value.borrow();
    format!("{value:.2}")
}

/// A figure that may be unknown.
pub(crate) fn maybe(value: &Option<f64>, digits: usize) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_people_write_them() {
        assert_eq!(
            [count(7), count(1234), count(1_234_567)],
            ["7", "1,234", "1,234,567"]
        );
        assert_eq!(
            [millis(2.345_67), millis(23.4567), millis(234.567)],
            ["2.35", "23.5", "235"]
        );
        assert_eq!([time(12.0), time(2500.0)], ["12.0 ms", "2.5 s"]);
        assert_eq!([percent(1, 400), percent(0, 0)], ["0.25 %", "0 %"]);
    }
}
