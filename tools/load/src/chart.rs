//! Draws line charts as SVG, without dependencies.

#![expect(clippy::float_arithmetic, reason = "coordinates are not money")]

use std::fmt::Write as _;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 48.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 38.0;

/// Mapping of values to heights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    Logarithmic,
}

/// A line of a chart.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

/// A line chart.
pub(crate) struct Chart {
    /// Unique within a page.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// Description for screen readers.
    pub(crate) description: String,
    pub(crate) unit: &'static str,
    pub(crate) scale: Scale,
    pub(crate) series: Vec<Series>,
    /// Ticks of the horizontal axis: position and label.
    pub(crate) marks: Vec<(f64, String)>,
    pub(crate) axis: &'static str,
}

impl Chart {
    /// The chart with heading and legend.
    pub(crate) fn figure(&self) -> String {
        let mut legend = String::new();
        for (index, series) in self.series.iter().enumerate() {
            let class = index + 1;
            // Writing to a string cannot fail.
            let _ = write!(
                legend,
                r#"<li><svg width="26" height="10" aria-hidden="true"><path class="line s{class}" d="M1 5H25"/></svg>{}</li>"#,
                series.name
            );
        }
        format!(
            "<figure><figcaption><h3>{}</h3><ul class=\"legend\">{legend}</ul></figcaption>{}</figure>\n",
            self.title,
            self.svg()
        )
    }

    fn svg(&self) -> String {
        let values = || self.series.iter().flat_map(|series| &series.points);
        let most_x = self
            .marks
            .iter()
            .map(|mark| mark.0)
            .chain(values().map(|point| point.0))
            .fold(0.0, f64::max);
        let ticks = self.ticks(values().map(|point| point.1));
        let (low, high) = (ticks[0], ticks[ticks.len() - 1]);
        let x = |value: f64| {
            let width = WIDTH - LEFT - RIGHT;
            LEFT + width * value / most_x.max(f64::EPSILON)
        };
        let y = |value: f64| {
            let share = match self.scale {
                Scale::Linear => (value - low) / (high - low),
                Scale::Logarithmic => (value.max(low) / low).log10() / (high / low).log10(),
            };
            HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share
        };
        let mut svg = format!(
            r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{id}-t {id}-d"><title id="{id}-t">{}</title><desc id="{id}-d">{}</desc>"#,
            self.title,
            self.description,
            id = self.id,
        );
        let right = WIDTH - RIGHT;
        for tick in &ticks {
            let height = y(*tick);
            let _ = write!(
                svg,
                r#"<path class="grid" d="M{LEFT} {height:.1}H{right}"/><text class="tick end" x="{:.1}" y="{:.1}">{}</text>"#,
                LEFT - 7.0,
                height + 4.0,
                label(*tick)
            );
        }
        for (place, text) in &self.marks {
            let _ = write!(
                svg,
                r#"<text class="tick middle" x="{:.1}" y="{:.1}">{text}</text>"#,
                x(*place),
                HEIGHT - BOTTOM + 17.0
            );
        }
        let _ = write!(
            svg,
            r#"<text class="tick end" x="{right}" y="{:.1}">{}</text><text class="tick" x="2" y="11">{}</text>"#,
            HEIGHT - 3.0,
            self.axis,
            self.unit
        );
        for (index, series) in self.series.iter().enumerate() {
            let class = index + 1;
            let mut path = String::new();
            for (number, (horizontal, value)) in series.points.iter().enumerate() {
                let command = if number == 0 { 'M' } else { 'L' };
                let _ = write!(path, "{command}{:.1} {:.1}", x(*horizontal), y(*value));
            }
            if let [(horizontal, value)] = series.points.as_slice() {
                let _ = write!(
                    svg,
                    r#"<circle class="dot s{class}" cx="{:.1}" cy="{:.1}" r="3"/>"#,
                    x(*horizontal),
                    y(*value)
                );
            }
            let _ = write!(svg, r#"<path class="line s{class}" d="{path}"/>"#);
        }
        svg.push_str("</svg>");
        svg
    }

    fn ticks(&self, values: impl Iterator<Item = f64>) -> Vec<f64> {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|value| *value > 0.0) {
            low = low.min(value);
            high = high.max(value);
        }
        match self.scale {
            Scale::Linear => linear(high),
            Scale::Logarithmic => logarithmic(low, high),
        }
    }
}

/// Ticks from 0 to the first round number that covers `high`.
fn linear(high: f64) -> Vec<f64> {
    let high = if high > 0.0 { high } else { 1.0 };
    let rough = high / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * power);
    let step = steps
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(power);
    let mut ticks = vec![0.0];
    while ticks[ticks.len() - 1] < high - step * 0.001 {
        ticks.push(ticks[ticks.len() - 1] + step);
    }
    ticks
}

/// Powers of ten that cover the values.
fn logarithmic(low: f64, high: f64) -> Vec<f64> {
    if !low.is_finite() {
        return vec![1.0, 10.0];
    }
    let (mut from, to) = (low.log10().floor(), high.log10().ceil());
    let mut ticks = vec![10_f64.powf(from)];
    while from < to || ticks.len() < 2 {
        from += 1.0;
        ticks.push(10_f64.powf(from));
    }
    ticks
}

/// Formats a number as briefly as possible.
fn label(value: f64) -> String {
    if value >= 1000.0 {
        return format!("{}k", short(value / 1000.0));
    }
    short(value)
}

fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

/// Ticks of a time axis in seconds.
pub(crate) fn seconds(length: f64) -> Vec<(f64, String)> {
    const STEPS: [f64; 12] = [
        0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 14_400.0,
    ];
    let step = STEPS
        .into_iter()
        .find(|step| length / step <= 8.0)
        .unwrap_or(14_400.0);
    let mut marks = Vec::new();
    let mut at = 0.0;
    while at <= length {
        let text = if step >= 60.0 {
            format!("{} min", short(at / 60.0))
        } else {
            format!("{} s", short(at))
        };
        marks.push((at, text));
        at += step;
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[f64]) -> Vec<String> {
        ticks.iter().map(|tick| label(*tick)).collect()
    }

    #[test]
    fn ticks_are_round_and_enough() {
        assert_eq!(labels(&linear(230.0)), ["0", "100", "200", "300"]);
        assert_eq!(labels(&linear(0.0)).len(), 5);
        assert_eq!(
            labels(&logarithmic(0.8, 2300.0)),
            ["0.1", "1", "10", "100", "1k", "10k"]
        );
        assert_eq!(labels(&logarithmic(f64::INFINITY, 0.0)), ["1", "10"]);
        assert_eq!(labels(&logarithmic(10.0, 10.0)), ["10", "100"]);
        assert_eq!(seconds(30.0)[1].1, "5 s");
        assert_eq!(seconds(600.0)[2].1, "10 min");
    }

    #[test]
    fn a_chart_stays_within_its_frame_and_says_what_it_is() {
        let mut chart = Chart {
            id: "x",
            title: "A title",
            description: "a description".to_owned(),
            unit: "ms",
            scale: Scale::Logarithmic,
            series: vec![Series {
                name: "p50",
                points: vec![(0.0, 1.0), (1.0, 1000.0), (2.0, 0.0)],
            }],
            marks: seconds(2.0),
            axis: "time",
        };
        for points in [
            vec![(0.0, 1.0), (1.0, 1000.0), (2.0, 0.0)],
            vec![(0.0, 5.0)],
            Vec::new(),
        ] {
            chart.series[0].points = points;
            let figure = chart.figure();
            assert!(
                figure.contains("<title id=\"x-t\">A title</title>"),
                "{figure}"
            );
            assert!(
                !figure.contains("NaN") && !figure.contains("inf"),
                "{figure}"
            );
        }
    }
}
