//! Draws bar charts.

use local::outcome::Outcome;
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

/// Width of the drawing, twice that on a screen: plotters rounds coordinates to whole units.
const WIDTH: u32 = 1640;
/// Space for the names, left of the bars.
const NAMES: u32 = 560;
/// Space for the value of the longest bar.
const VALUES: u32 = 120;
/// Height of a bar with the gap to the next.
const ROW: u32 = 44;
/// Height of a bar, as a share of its row.
const BAR: f64 = 0.64;
/// Font of the labels. The page's style sheet sets another family.
const FONT: (&str, u32) = ("sans-serif", 30);
/// The page's style sheet recognizes the colors and replaces them in dark mode.
const NAME: RGBColor = RGBColor(0x1c, 0x24, 0x20);
const VALUE: RGBColor = RGBColor(0x5d, 0x6b, 0x64);
const BARS: RGBColor = RGBColor(0x2f, 0x7d, 0x5b);
const FLOOR: RGBColor = RGBColor(0xb9, 0xa2, 0x6b);

/// A bar with its name.
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) value: f64,
}

/// Horizontal bars; the first is the baseline, which a line compares with the others.
#[expect(clippy::float_arithmetic, reason = "figures, not money")]
pub(crate) fn draw(bars: &[Bar]) -> Outcome<String> {
    let rows = u32::try_from(bars.len())?.max(1);
    let most = bars
        .iter()
        .fold(f64::MIN_POSITIVE, |most, bar| most.max(bar.value));
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (WIDTH, rows * ROW)).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin_left(NAMES)
        .margin_right(VALUES)
        // The first bar is at the top.
        .build_cartesian_2d(0.0..most, f64::from(rows)..0.0)?;
    let label = |color, side| {
        let style = TextStyle::from(FONT.into_font()).color(color);
        style.pos(Pos::new(side, VPos::Center))
    };
    for (row, bar) in (0..rows).zip(bars) {
        let middle = f64::from(row) + 0.5;
        let color = if row == 0 { FLOOR } else { BARS };
        let [top, bottom] = [middle - BAR / 2.0, middle + BAR / 2.0];
        let corners = [(0.0, top), (bar.value, bottom)];
        chart.draw_series([Rectangle::new(corners, color.filled())])?;
        let name = Text::new(bar.name.clone(), (-16, 0), label(&NAME, HPos::Right));
        chart.draw_series([EmptyElement::at((0.0, middle)) + name])?;
        let value = Text::new(figure(bar.value), (12, 0), label(&VALUE, HPos::Left));
        chart.draw_series([EmptyElement::at((bar.value, middle)) + value])?;
    }
    if let Some(floor) = bars.first() {
        let line = [(floor.value, 0.0), (floor.value, f64::from(rows))];
        chart.draw_series([PathElement::new(line, FLOOR.stroke_width(2))])?;
    }
    area.present()?;
    drop(chart);
    drop(area);
    Ok(svg)
}

fn figure(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_has_its_name_and_value() {
        let bar = |name: &str, value| Bar {
            name: name.to_owned(),
            value,
        };
        let svg = draw(&[bar("hello", 1.0), bar("get-product", 123.4)]).unwrap();
        for text in ["hello", "1.00", "get-product", "123"] {
            assert!(svg.contains(&format!("\n{text}\n")), "{text}: {svg}");
        }
        assert_eq!(svg.matches("<rect").count(), 2);
        for bars in [Vec::new(), vec![bar("hello", 0.0)]] {
            let svg = draw(&bars).unwrap();
            assert!(!svg.contains("NaN") && svg.ends_with("</svg>\n"), "{svg}");
        }
    }
}
