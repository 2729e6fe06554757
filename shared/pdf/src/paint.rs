//! Draws laid-out pages into a PDF.

#![expect(clippy::float_arithmetic, reason = "lengths on paper, never money")]

use std::{collections::BTreeMap, num::NonZeroU16};

use domain::invoices::Invoice;
use krilla::{
    Document as Pdf, SerializeSettings,
    color::rgb,
    configure::{Accessibility, Archival, ConfigurationBuilder},
    destination::XyzDestination,
    geom::{PathBuilder, Point, Rect},
    metadata::{DateTime, Metadata},
    num::NormalizedF32,
    outline::{Outline, OutlineNode},
    page::PageSettings,
    paint::{Fill, FillRule, Stroke},
    surface::Surface,
    tagging::{
        Artifact, ArtifactType, ContentTag, Identifier, SpanTag, TableHeaderScope, Tag, TagGroup,
        TagKind, TagTree,
    },
    text::Font,
};

use crate::{
    RenderError, issued_on,
    layout::{Colour, Mark, Op, PAGE, Pages, Role},
    text::{Block, FONTS},
};

/// The labels are English, regardless of the names.
const LANGUAGE: &str = "en";

/// Fonts that were needed so far, by their index in [`FONTS`]: most documents need two.
pub(crate) type Fonts = [Option<Font>; FONTS.len()];

pub(crate) fn paint(
    invoice: &Invoice,
    pages: &Pages,
    fonts: &mut Fonts,
) -> Result<Vec<u8>, RenderError> {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A3_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| RenderError::Pdf(format!("{error:?}")))?;
    let mut pdf = Pdf::new_with(SerializeSettings {
        configuration,
        ..SerializeSettings::default()
    });

    let mut painter = Painter {
        pages,
        fonts,
        marked: BTreeMap::new(),
    };
    for ops in &pages.pages {
        let settings = PageSettings::from_wh(PAGE.0, PAGE.1)
            .ok_or_else(|| RenderError::Pdf("the page has no size".into()))?;
        let mut page = pdf.start_page_with(settings);
        let mut surface = page.surface();
        for op in ops {
            painter.draw(&mut surface, op)?;
        }
        surface.finish();
        page.finish();
    }

    let title = title(invoice);
    let mut tree = TagTree::new().with_lang(Some(LANGUAGE.into()));
    for root in &pages.roots {
        if let Some(group) = painter.group(*root, &title) {
            tree.push(group);
        }
    }
    pdf.set_tag_tree(tree);
    let mut outline = Outline::new();
    let top = XyzDestination::new(0, Point::from_xy(0.0, 0.0));
    outline.push_child(OutlineNode::new(title.clone(), top));
    pdf.set_outline(outline);
    pdf.set_metadata(metadata(invoice, title));
    pdf.finish()
        .map_err(|error| RenderError::Pdf(error.to_string()))
}

/// Title that viewers show for the window.
fn title(invoice: &Invoice) -> String {
    let number = crate::text::clean(&invoice.number);
    let number: String = number.chars().take(100).collect();
    format!("{} {number}", crate::kind_title(&invoice.document.kind))
        .trim_end()
        .to_owned()
}

fn metadata(invoice: &Invoice, title: String) -> Metadata {
    let date = issued_on(&invoice.document);
    // The date of issue instead of the current time keeps the output deterministic.
    let created = DateTime::new(u16::try_from(date.year()).unwrap_or_default())
        .month(u8::try_from(date.month()).unwrap_or_default())
        .day(u8::try_from(date.day()).unwrap_or_default());
    let author = crate::text::clean(&invoice.document.seller.name);
    let metadata = Metadata::new()
        .title(title)
        .language(LANGUAGE.into())
        .creation_date(created);
    if author.is_empty() {
        metadata
    } else {
        metadata.authors(vec![author])
    }
}

struct Painter<'a> {
    pages: &'a Pages,
    fonts: &'a mut Fonts,
    /// Marked content of each node.
    marked: BTreeMap<usize, Vec<Identifier>>,
}

impl Painter<'_> {
    fn draw(&mut self, surface: &mut Surface<'_>, op: &Op) -> Result<(), RenderError> {
        match op {
            Op::Text {
                block,
                lines,
                x,
                y,
                colour,
                mark,
            } => {
                let Some(block) = self.pages.blocks.get(*block) else {
                    return Ok(());
                };
                let tag = match mark {
                    Mark::Node(_) => ContentTag::Span(SpanTag::empty()),
                    Mark::Repeated => artifact(ArtifactType::PaginationOther),
                    Mark::Footer => artifact(ArtifactType::Footer),
                };
                let identifier = surface.start_tagged(tag);
                if let Mark::Node(node) = mark {
                    self.marked.entry(*node).or_default().push(identifier);
                }
                surface.set_fill(Some(fill(*colour)));
                let drawn = self.lines(surface, block, lines.clone(), (*x, *y), *colour);
                surface.end_tagged();
                drawn
            }
            Op::Rule {
                x,
                y,
                width,
                thickness,
                colour,
            } => {
                let mut path = PathBuilder::new();
                if let Some(rect) = Rect::from_xywh(*x, *y, *width, *thickness) {
                    path.push_rect(rect);
                }
                surface.start_tagged(artifact(ArtifactType::Layout));
                surface.set_fill(Some(fill(*colour)));
                if let Some(path) = path.finish() {
                    surface.draw_path(&path);
                }
                surface.end_tagged();
                Ok(())
            }
        }
    }

    fn lines(
        &mut self,
        surface: &mut Surface<'_>,
        block: &Block,
        lines: std::ops::Range<usize>,
        (x, mut y): (f32, f32),
        colour: Colour,
    ) -> Result<(), RenderError> {
        let style = block.style;
        for line in block.lines.get(lines).unwrap_or_default() {
            // Centers the capitals on the line, regardless of the fonts' ascents.
            let baseline = y + style.pitch * 0.5 + style.size * 0.36;
            for run in &line.runs {
                let font = self.font(run.font)?;
                let start = Point::from_xy(x + run.x, baseline);
                // A font without a bold variant is emboldened by its outline.
                let thin = style.bold && FONTS.get(run.font).is_some_and(|font| font.only_regular);
                surface.set_stroke(thin.then(|| Stroke {
                    paint: rgb(colour).into(),
                    width: style.size * 0.035,
                    ..Stroke::default()
                }));
                surface.draw_glyphs(start, &run.glyphs, font, &block.text, style.size, false);
                surface.set_stroke(None);
            }
            y += style.pitch;
        }
        Ok(())
    }

    fn font(&mut self, index: usize) -> Result<Font, RenderError> {
        let unknown = || RenderError::Font("unknown");
        let slot = self.fonts.get_mut(index).ok_or_else(unknown)?;
        if let Some(font) = slot {
            return Ok(font.clone());
        }
        let file = FONTS.get(index).ok_or_else(unknown)?;
        let font = Font::new(file.data.into(), 0).ok_or(RenderError::Font(file.name))?;
        Ok(slot.insert(font).clone())
    }

    /// The node with its children, unless it is empty.
    fn group(&mut self, index: usize, title: &str) -> Option<TagGroup> {
        let node = self.pages.nodes.get(index)?;
        let mut group = TagGroup::new(tag(node.role, title));
        for identifier in self.marked.remove(&index).unwrap_or_default() {
            group.push(identifier);
        }
        for child in &node.children {
            if let Some(child) = self.group(*child, title) {
                group.push(child);
            }
        }
        (!group.children.is_empty()).then_some(group)
    }
}

fn tag(role: Role, title: &str) -> TagKind {
    match role {
        Role::Heading => Tag::Hn(NonZeroU16::MIN, Some(title.to_owned())).into(),
        Role::Paragraph => Tag::P.into(),
        Role::Table => Tag::Table.into(),
        Role::TableHead => Tag::THead.into(),
        Role::TableBody => Tag::TBody.into(),
        Role::Row => Tag::TR.into(),
        Role::ColumnHeader => Tag::TH(TableHeaderScope::Column).into(),
        Role::RowHeader => Tag::TH(TableHeaderScope::Row).into(),
        Role::Cell => Tag::TD.into(),
    }
}

fn artifact(kind: ArtifactType) -> ContentTag<'static> {
    ContentTag::Artifact(Artifact::with_kind(kind))
}

fn rgb(Colour(red, green, blue): Colour) -> rgb::Color {
    rgb::Color::new(red, green, blue)
}

fn fill(colour: Colour) -> Fill {
    Fill {
        paint: rgb(colour).into(),
        opacity: NormalizedF32::ONE,
        rule: FillRule::default(),
    }
}
