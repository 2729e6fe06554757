//! Sets text in lines of positioned glyphs: selects fonts, resolves writing directions and breaks
//! lines.

#![expect(clippy::float_arithmetic, reason = "lengths on paper, never money")]

use std::{ops::Range, rc::Rc, sync::Arc};

use domain::text::is_invisible;
use krilla::text::{GlyphId, KrillaGlyph};
use parley::{
    Alignment, AlignmentOptions, FontContext, FontWeight, GenericFamily, Layout, LayoutContext,
    Line, OverflowWrap, StyleProperty,
    fontique::{Blob, Collection, CollectionOptions, FamilyId, SourceCache},
};

/// Longer texts are truncated: shaping takes time, and nobody reads them on an invoice.
const MAX_CHARS: usize = 2_000;

/// Maximum number of cached labels. A shop has about thirty, and a few more per currency.
const MAX_LABELS: usize = 128;
const MAX_LABEL_BYTES: usize = 100;

/// Replaces characters that are in none of the fonts. Noto Sans has it.
const REPLACEMENT: char = '\u{FFFD}';

/// A compiled-in font.
pub(crate) struct FontFile {
    pub(crate) name: &'static str,
    pub(crate) data: &'static [u8],
    /// Whether there is no bold variant.
    pub(crate) only_regular: bool,
}

/// All fonts; the first that has a character is used. `paint` refers to them by index.
pub(crate) static FONTS: [FontFile; 7] = [
    FontFile {
        name: "NotoSans-Regular",
        data: include_bytes!("../fonts/NotoSans-Regular.ttf"),
        only_regular: false,
    },
    FontFile {
        name: "NotoSans-Bold",
        data: include_bytes!("../fonts/NotoSans-Bold.ttf"),
        only_regular: false,
    },
    FontFile {
        name: "NotoSansHebrew-Regular",
        data: include_bytes!("../fonts/NotoSansHebrew-Regular.ttf"),
        only_regular: false,
    },
    FontFile {
        name: "NotoSansHebrew-Bold",
        data: include_bytes!("../fonts/NotoSansHebrew-Bold.ttf"),
        only_regular: false,
    },
    FontFile {
        name: "NotoSansArabic-Regular",
        data: include_bytes!("../fonts/NotoSansArabic-Regular.ttf"),
        only_regular: false,
    },
    FontFile {
        name: "NotoSansArabic-Bold",
        data: include_bytes!("../fonts/NotoSansArabic-Bold.ttf"),
        only_regular: false,
    },
    FontFile {
        name: "DroidSansFallback",
        data: include_bytes!("../fonts/DroidSansFallback.ttf"),
        only_regular: true,
    },
];

/// Number of [`FONTS`] that are sufficient for most documents. The others, which are the largest, are
/// only parsed when a text may need them.
const FIRST_FONTS: usize = 2;

/// Width of a text that stays on one line and is left-aligned.
pub(crate) const UNBROKEN: f32 = f32::MAX;

/// Style of a text.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Style {
    pub(crate) size: f32,
    pub(crate) bold: bool,
    /// Line height, independent of the fonts used, so that the rows of a table stay aligned.
    pub(crate) pitch: f32,
    pub(crate) align: Align,
}

/// Alignment of the lines of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Left, or right for text that is read from right to left.
    Start,
    Left,
    Right,
}

/// Lines of a text whose gaps may still have to be filled.
struct SetLines {
    lines: Vec<TextLine>,
    /// Whether the fonts have all characters.
    is_whole: bool,
}

/// A text set in lines.
pub(crate) struct Block {
    pub(crate) text: String,
    pub(crate) style: Style,
    pub(crate) lines: Vec<TextLine>,
    /// Width of the longest line.
    pub(crate) width: f32,
}

/// One line with its runs from left to right.
pub(crate) struct TextLine {
    pub(crate) runs: Vec<Run>,
    end: usize,
}

/// Consecutive glyphs of one font.
pub(crate) struct Run {
    /// Index into [`FONTS`].
    pub(crate) font: usize,
    pub(crate) x: f32,
    pub(crate) glyphs: Vec<KrillaGlyph>,
}

/// A text that is repeated on many documents, with its layout.
struct Label {
    text: String,
    style: Style,
    width: f32,
    max: usize,
    block: Rc<Block>,
}

/// Sets texts for many documents. Its cached font data costs as much to compute as setting the texts of
/// one document.
pub(crate) struct Typesetter {
    fonts: FontContext,
    layouts: LayoutContext<()>,
    layout: Layout<()>,
    /// Ids that the layout engine assigned to [`FONTS`], as far as registered.
    ids: Vec<u64>,
    families: Vec<FamilyId>,
    labels: Vec<Label>,
    pub(crate) missing: Vec<String>,
}

impl Typesetter {
    pub(crate) fn new() -> Self {
        let collection = Collection::new(CollectionOptions {
            shared: false,
            system_fonts: false,
        });
        let mut typesetter = Self {
            fonts: FontContext {
                collection,
                source_cache: SourceCache::default(),
            },
            layouts: LayoutContext::new(),
            layout: Layout::new(),
            ids: Vec::with_capacity(FONTS.len()),
            families: Vec::new(),
            labels: Vec::new(),
            missing: Vec::new(),
        };
        typesetter.register(FIRST_FONTS);
        typesetter
    }

    /// Registers fonts until `count` of [`FONTS`] are known.
    pub(crate) fn register(&mut self, count: usize) {
        let collection = &mut self.fonts.collection;
        for font in FONTS.iter().take(count).skip(self.ids.len()) {
            let blob = Blob::new(Arc::new(font.data));
            self.ids.push(blob.id());
            // A test checks that each of them can be parsed.
            for (family, _) in collection.register_fonts(blob, None) {
                if !self.families.contains(&family) {
                    self.families.push(family);
                }
            }
        }
        // The default family of the layout engine, so that no text has to name one.
        let families = self.families.iter().copied();
        collection.set_generic_families(GenericFamily::SansSerif, families);
    }

    #[cfg(test)]
    pub(crate) fn known_families(&self) -> usize {
        self.families.len()
    }

    /// Like [`Self::set_clipped`], and cached for later documents: for texts that appear on all of
    /// them.
    pub(crate) fn label(&mut self, text: &str, style: Style, width: f32, max: usize) -> Rc<Block> {
        let known = |label: &&Label| {
            label.text == text
                && label.style == style
                && label.width.to_bits() == width.to_bits()
                && label.max == max
        };
        if let Some(label) = self.labels.iter().find(known) {
            return Rc::clone(&label.block);
        }
        let block = Rc::new(self.set_clipped(text, style, width, max));
        if self.labels.len() == MAX_LABELS {
            self.labels.clear();
        }
        // Bounded, so that the cache takes little memory.
        if text.len() <= MAX_LABEL_BYTES {
            self.labels.push(Label {
                text: text.to_owned(),
                style,
                width,
                max,
                block: Rc::clone(&block),
            });
        }
        block
    }

    /// Sets a text in lines of at most `width`. An empty text has no lines.
    pub(crate) fn set(&mut self, text: &str, style: Style, width: f32) -> Block {
        let mut text = clean(text);
        if text.is_empty() {
            return Block {
                text,
                style,
                lines: Vec::new(),
                width: 0.0,
            };
        }
        if self.ids.len() < FONTS.len() && text.chars().any(is_of_other_fonts) {
            self.register(FONTS.len());
        }
        self.break_lines(&text, style, width);
        let mut set = self.lines();
        if !set.is_whole {
            let gaps = gaps(&self.layout);
            let missing = gaps.iter().filter_map(|gap| text.get(gap.clone()));
            self.missing.extend(missing.map(String::from));
            for gap in gaps.into_iter().rev() {
                text.replace_range(gap, REPLACEMENT.encode_utf8(&mut [0; 4]));
            }
            self.break_lines(&text, style, width);
            set = self.lines();
        }
        let width = self.layout.width();
        Block {
            text,
            style,
            lines: set.lines,
            width,
        }
    }

    /// Like [`Self::set`], but truncated to `max` lines and marked with `…`.
    pub(crate) fn set_clipped(
        &mut self,
        text: &str,
        style: Style,
        width: f32,
        max: usize,
    ) -> Block {
        let mut block = self.set(text, style, width);
        let mut end = match block.lines.get(max.saturating_sub(1)) {
            Some(last) if block.lines.len() > max => last.end,
            _ => return block,
        };
        // The ellipsis needs room; the word that it replaces is removed from the end.
        for _ in 0..8 {
            let kept = block.text.get(..end).unwrap_or_default();
            let kept = kept.trim_end();
            let shorter = kept.char_indices().next_back().map_or(0, |(at, _)| at);
            let candidate = format!("{}…", kept.get(..shorter).unwrap_or_default().trim_end());
            let cut = self.set(&candidate, style, width);
            if cut.lines.len() <= max {
                return cut;
            }
            end = shorter;
        }
        block.lines.truncate(max);
        block
    }

    fn break_lines(&mut self, text: &str, style: Style, width: f32) {
        let weight = if style.bold {
            FontWeight::BOLD
        } else {
            FontWeight::NORMAL
        };
        let mut builder = self
            .layouts
            .ranged_builder(&mut self.fonts, text, 1.0, false);
        builder.push_default(StyleProperty::FontSize(style.size));
        builder.push_default(StyleProperty::FontWeight(weight));
        builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::Anywhere));
        builder.build_into(&mut self.layout, text);
        self.layout
            .break_all_lines((width < UNBROKEN).then_some(width));
        let alignment = match style.align {
            Align::Start => Alignment::Start,
            Align::Left => Alignment::Left,
            Align::Right => Alignment::Right,
        };
        self.layout.align(alignment, AlignmentOptions::default());
    }

    /// The lines as they were broken.
    fn lines(&self) -> SetLines {
        let mut is_whole = true;
        let lines = self.layout.lines();
        SetLines {
            lines: lines.map(|line| self.line(&line, &mut is_whole)).collect(),
            is_whole,
        }
    }

    fn line(&self, line: &Line<'_, ()>, whole: &mut bool) -> TextLine {
        let mut x = line.metrics().offset;
        let mut runs = Vec::new();
        for run in line.runs() {
            let mut start = x;
            let size = run.font_size();
            let mut glyphs: Vec<KrillaGlyph> = Vec::new();
            // A ligature's glyph belongs to its first cluster and represents all of them. In
            // right-to-left text, the others come first.
            let mut ligature: Option<usize> = None;
            for cluster in run.visual_clusters() {
                let range = cluster.text_range();
                if cluster.is_ligature_continuation() {
                    if run.is_rtl() {
                        ligature = ligature.or(Some(range.end));
                    } else {
                        extend_last(&mut glyphs, range.end);
                    }
                    continue;
                }
                let range = range.start..ligature.take().unwrap_or(range.end);
                for glyph in cluster.glyphs() {
                    if glyph.id == 0 {
                        *whole = false;
                        // If even the replacement is missing: a gap of its width.
                        if let Some(last) = glyphs.last_mut() {
                            last.x_advance += glyph.advance / size;
                        } else {
                            start += glyph.advance;
                        }
                    } else {
                        glyphs.push(KrillaGlyph::new(
                            GlyphId::new(glyph.id),
                            glyph.advance / size,
                            glyph.x / size,
                            glyph.y / size,
                            0.0,
                            range.clone(),
                            None,
                        ));
                    }
                    x += glyph.advance;
                }
            }
            let font = run.font().data.id();
            if let Some(font) = self.ids.iter().position(|id| *id == font)
                && !glyphs.is_empty()
            {
                let x = start;
                runs.push(Run { font, x, glyphs });
            }
        }
        let end = line.text_range().end;
        TextLine { runs, end }
    }
}

fn extend_last(glyphs: &mut [KrillaGlyph], end: usize) {
    if let Some(last) = glyphs.last_mut() {
        last.text_range.end = end;
    }
}

/// Ranges of the text that are in none of the fonts, in order.
fn gaps(layout: &Layout<()>) -> Vec<Range<usize>> {
    let mut gaps: Vec<_> = layout
        .lines()
        .flat_map(|line| line.runs().collect::<Vec<_>>())
        .flat_map(|run| run.clusters().collect::<Vec<_>>())
        .filter(|cluster| cluster.glyphs().any(|glyph| glyph.id == 0))
        .map(|cluster| cluster.text_range())
        .collect();
    gaps.sort_by_key(|gap| gap.start);
    gaps.dedup();
    gaps
}

/// Reduces a text to one paragraph of characters that are allowed in PDF/A.
pub(crate) fn clean(text: &str) -> String {
    let mut clean = String::new();
    let mut chars = 0;
    let mut space = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            // A no-break space keeps a number and its unit together.
            if c == '\u{A0}' {
                clean.push(c);
            } else {
                space = true;
            }
            continue;
        }
        if is_unseen(c) {
            continue;
        }
        if chars >= MAX_CHARS {
            clean.push('…');
            break;
        }
        if space && !clean.is_empty() {
            clean.push(' ');
        }
        space = false;
        chars += 1;
        clean.push(if is_private(c) { REPLACEMENT } else { c });
    }
    clean
}

/// Invisible characters except joiners, which letters are shaped by, and the object replacement
/// character. Bidirectional control characters could make an amount or a name read as another.
fn is_unseen(c: char) -> bool {
    let joins = matches!(c, '\u{200C}' | '\u{200D}');
    (is_invisible(c) && !joins) || c == '\u{FFFC}'
}

/// Private-use characters, which PDF/A-3a forbids.
fn is_private(c: char) -> bool {
    let code = u32::from(c);
    matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}')
        || code & 0xFFFE == 0xFFFE
        || (0xFDD0..=0xFDEF).contains(&code)
}

/// Whether a font after the [`FIRST_FONTS`] may have the character while they do not.
pub(crate) fn is_of_other_fonts(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{11FF}' | '\u{3000}'..)
}
