//! Draws line charts.

use std::ops::Range;

use local::outcome::Outcome;
use plotters::{
    coord::{
        Shift,
        ranged1d::{AsRangedCoord, DefaultFormatting, KeyPointHint, Ranged, ValueFormatter},
        types::RangedCoordf64,
    },
    prelude::*,
};

/// Size of the drawing, twice that on a screen: plotters rounds coordinates to whole units.
const SIZE: (u32, u32) = (1120, 480);
/// Font of the labels. The page's style sheet sets another family.
const FONT: (&str, u32) = ("sans-serif", 30);
/// The colors of the series. The page's style sheet recognizes them and replaces them in dark mode.
const COLORS: [RGBColor; 4] = [
    RGBColor(0x1f, 0x6f, 0x8b),
    RGBColor(0xb0, 0x40, 0x1a),
    RGBColor(0x6a, 0x4f, 0xa3),
    RGBColor(0x5f, 0x73, 0x20),
];
const LABELS: RGBColor = RGBColor(0x68, 0x5a, 0x4e);
const GRID: RGBColor = RGBColor(0xe2, 0xd6, 0xc6);
/// The labeled percentiles.
const PERCENTILES: [f64; 6] = [0.0, 50.0, 90.0, 99.0, 99.9, 99.99];
/// Times longer than this many seconds are labeled in minutes.
const LONG: f64 = 300.0;

/// Mapping of values to heights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    Logarithmic,
}

/// A horizontal axis with its title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    /// Seconds since the start.
    Time(&'static str),
    /// Percentiles, of which each nine is as wide as the previous one.
    Percentiles(&'static str),
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
    pub(crate) axis: Axis,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

impl Chart {
    /// The drawing, without heading and legend.
    pub(crate) fn svg(&self) -> Outcome<String> {
        let mut svg = String::new();
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let ends = self.points().map(|point| point.0);
        let width = 0.0..ends.fold(f64::MIN_POSITIVE, f64::max);
        let heights = || self.points().map(|point| point.1);
        match (self.axis, self.scale) {
            (Axis::Percentiles(_), _) => {
                let high = decades(heights());
                self.draw(&area, Nines { end: width.end }, high.log_scale())?;
            }
            (Axis::Time(_), Scale::Logarithmic) => {
                self.draw(&area, width, decades(heights()).log_scale())?;
            }
            (Axis::Time(_), Scale::Linear) => self.draw(&area, width, from_zero(heights()))?,
        }
        area.present()?;
        drop(area);
        Ok(svg)
    }

    fn points(&self) -> impl Iterator<Item = &(f64, f64)> {
        self.series.iter().flat_map(|series| &series.points)
    }

    fn draw<X, Y>(&self, area: &Area<'_>, width: X, height: Y) -> Outcome
    where
        X: AsRangedCoord<Value = f64>,
        X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
        Y: AsRangedCoord<Value = f64>,
        Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let mut chart = ChartBuilder::on(area)
            .margin(16)
            .margin_right(40)
            .x_label_area_size(80)
            .y_label_area_size(110)
            .build_cartesian_2d(width, height)?;
        let bounds = chart.as_coord_spec().get_y_range();
        let last = chart.as_coord_spec().get_x_range().end;
        let (axis, percentiles) = match self.axis {
            Axis::Time(title) => (title, false),
            Axis::Percentiles(title) => (title, true),
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(GRID)
            .label_style((FONT.0, FONT.1, &LABELS))
            .axis_desc_style((FONT.0, FONT.1, &LABELS))
            .x_labels(8)
            .y_labels(6)
            .x_label_formatter(&|place| match percentiles {
                true => format!("{place} %"),
                false => time(*place, last),
            })
            .y_label_formatter(&|value| label(*value))
            .x_desc(axis)
            .y_desc(self.unit)
            .draw()?;
        for (series, color) in self.series.iter().zip(COLORS) {
            let points = series.points.iter();
            let points = points.map(|(x, y)| (*x, y.max(bounds.start)));
            if let [_] = series.points.as_slice() {
                let dots = points
                    .clone()
                    .map(|point| Circle::new(point, 6, color.filled()));
                chart.draw_series(dots)?;
            }
            chart.draw_series(LineSeries::new(points, color.stroke_width(4)))?;
        }
        Ok(())
    }
}

/// The percentiles from 0 to an end below 100, of which each nine is as wide as the previous one.
struct Nines {
    end: f64,
}

impl Ranged for Nines {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, percent: &f64, limit: (i32, i32)) -> i32 {
        RangedCoordf64::from(0.0..nines(self.end)).map(&nines(*percent), limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        let labeled = PERCENTILES.into_iter();
        labeled.filter(|percent| *percent <= self.end).collect()
    }

    fn range(&self) -> Range<f64> {
        0.0..self.end
    }
}

/// The number of nines of a percentile: 1 for 90 %, 2 for 99 %.
#[expect(clippy::float_arithmetic, reason = "shares are not money")]
fn nines(percent: f64) -> f64 {
    -(1.0 - percent / 100.0).log10()
}

/// The label of a time on an axis with this end, in seconds.
#[expect(clippy::float_arithmetic, reason = "times are not money")]
fn time(seconds: f64, end: f64) -> String {
    match end > LONG {
        true => format!("{} min", short(seconds / 60.0)),
        false => format!("{} s", short(seconds)),
    }
}

/// A range from 0 to a little above the values.
#[expect(clippy::float_arithmetic, reason = "rates are not money")]
fn from_zero(values: impl Iterator<Item = f64>) -> Range<f64> {
    let high = values.fold(0.0, f64::max);
    let high = if high > 0.0 { high } else { 1.0 };
    0.0..high * 1.05
}

/// The powers of ten around the values.
#[expect(clippy::float_arithmetic, reason = "times are not money")]
fn decades(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    for value in values.filter(|value| *value > 0.0) {
        low = low.min(value);
        high = high.max(value);
    }
    if !low.is_finite() {
        return 1.0..10.0;
    }
    let (low, high) = (low.log10().floor(), high.log10().ceil());
    10_f64.powf(low)..10_f64.powf(if high > low { high } else { low + 1.0 })
}

/// Formats a number as briefly as possible.
#[expect(clippy::float_arithmetic, reason = "figures of a chart are not money")]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_the_values_and_labels_are_brief() {
        assert_eq!(from_zero([200.0].into_iter()), 0.0..210.0);
        assert_eq!(from_zero([0.0].into_iter()), 0.0..1.05);
        assert_eq!(decades([0.8, 2300.0].into_iter()), 0.1..10_000.0);
        assert_eq!(decades([0.0].into_iter()), 1.0..10.0);
        assert_eq!(decades([10.0].into_iter()), 10.0..100.0);
        assert_eq!([label(0.1), label(10_000.0)], ["0.1", "10k"]);
        assert_eq!([time(5.0, 30.0), time(600.0, 900.0)], ["5 s", "10 min"]);
        assert_eq!(
            [90.0, 99.9].map(|percent| nines(percent).round()),
            [1.0, 3.0]
        );
    }

    #[test]
    fn a_chart_has_its_axes_and_lines_with_many_points_one_and_none() {
        for (axis, scale) in [
            (Axis::Time("moment"), Scale::Linear),
            (Axis::Time("moment"), Scale::Logarithmic),
            (Axis::Percentiles("share"), Scale::Logarithmic),
        ] {
            for points in [
                vec![(0.0, 1.0), (1.0, 1000.0), (2.0, 0.0)],
                vec![(0.0, 5.0)],
                Vec::new(),
            ] {
                let chart = Chart {
                    id: "x",
                    title: "A title",
                    description: "a description".to_owned(),
                    unit: "milliseconds",
                    scale,
                    series: vec![Series {
                        name: "p50",
                        points,
                    }],
                    axis,
                };
                let svg = chart.svg().unwrap();
                assert!(svg.contains("milliseconds"), "{svg}");
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
                assert_eq!(svg.contains("<circle"), chart.series[0].points.len() == 1);
            }
        }
    }
}
