//! Lays out a document on pages and records its logical structure.

#![expect(clippy::float_arithmetic, reason = "lengths on paper, never money")]

use std::{ops::Range, rc::Rc};

use domain::{
    invoices::{Document, Invoice, Kind, Line},
    money::Money,
};

use crate::{
    issued_on,
    text::{Align, Block, Style, Typesetter, UNBROKEN},
};

/// A4, in points.
pub(crate) const PAGE: (f32, f32) = (595.28, 841.89);

const LEFT: f32 = 54.0;
const RIGHT: f32 = PAGE.0 - LEFT;
const WIDTH: f32 = RIGHT - LEFT;
const TOP: f32 = 54.0;
const BOTTOM: f32 = PAGE.1 - 72.0;
const FOOTER: f32 = PAGE.1 - 52.0;
/// Gap between two columns, in points.
const GAP: f32 = 12.0;
/// Padding above and below the text of a table row, in points.
const ROW_PADDING: f32 = 4.0;
/// Rows with more lines than this may be split across pages.
const UNSPLIT_LINES: usize = 8;
const MAX_ADDRESS_LINES: usize = 10;

const INK: Colour = Colour(0x1B, 0x20, 0x26);
const MUTED: Colour = Colour(0x5F, 0x68, 0x72);
const HAIRLINE: Colour = Colour(0xD8, 0xDC, 0xE1);

pub(crate) const BODY: Style = style(9.0, 13.0);
const BODY_BOLD: Style = Style { bold: true, ..BODY };
const CAPTION: Style = Style {
    bold: true,
    ..style(7.5, 12.0)
};
const SMALL: Style = style(7.5, 10.0);
const HEADING: Style = Style {
    bold: true,
    ..style(24.0, 30.0)
};
const SUBHEADING: Style = style(12.0, 17.0);
const TOTAL: Style = Style {
    bold: true,
    ..style(11.0, 15.0)
};

const fn style(size: f32, pitch: f32) -> Style {
    Style {
        size,
        bold: false,
        pitch,
        align: Align::Left,
    }
}

fn aligned(style: Style, align: Align) -> Style {
    Style { align, ..style }
}

/// An RGB color.
#[derive(Clone, Copy)]
pub(crate) struct Colour(pub(crate) u8, pub(crate) u8, pub(crate) u8);

/// A drawing operation on a page.
pub(crate) enum Op {
    /// Some lines of a block of text.
    Text {
        /// Index into [`Pages::blocks`].
        block: usize,
        lines: Range<usize>,
        x: f32,
        y: f32,
        colour: Colour,
        mark: Mark,
    },
    /// A horizontal line.
    Rule {
        x: f32,
        y: f32,
        width: f32,
        thickness: f32,
        colour: Colour,
    },
}

/// Role of a text for screen readers.
#[derive(Clone, Copy)]
pub(crate) enum Mark {
    /// Part of the document: index into [`Pages::nodes`].
    Node(usize),
    /// The repeated head of a table.
    Repeated,
    /// The footer of a page.
    Footer,
}

/// Role of a node in the document's structure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Heading,
    Paragraph,
    Table,
    TableHead,
    TableBody,
    Row,
    ColumnHeader,
    RowHeader,
    Cell,
}

pub(crate) struct Node {
    pub(crate) role: Role,
    pub(crate) children: Vec<usize>,
}

/// The document after layout.
pub(crate) struct Pages {
    pub(crate) pages: Vec<Vec<Op>>,
    pub(crate) blocks: Vec<Rc<Block>>,
    pub(crate) nodes: Vec<Node>,
    /// Indices of the top-level nodes.
    pub(crate) roots: Vec<usize>,
}

pub(crate) fn lay_out(invoice: &Invoice, typesetter: &mut Typesetter) -> Pages {
    let mut flow = Flow {
        out: Pages {
            pages: vec![Vec::new()],
            blocks: Vec::new(),
            nodes: Vec::new(),
            roots: Vec::new(),
        },
        set: typesetter,
        y: TOP,
    };
    let document = &invoice.document;
    flow.heading(invoice);
    flow.parties(document);
    flow.table(document);
    flow.sums(document);
    flow.note(document);
    flow.footers(invoice);
    flow.out
}

/// Content of a cell before the width of its column is known.
struct Draft {
    text: String,
    /// The text on one line, as it was measured; kept if it fits.
    line: Option<Rc<Block>>,
}

/// Content of a cell in its column.
struct Fitted {
    block: Rc<Block>,
    /// Left edge.
    x: f32,
}

/// Lines of one cell of a table row.
struct Cell {
    x: f32,
    block: usize,
    node: usize,
}

struct Flow<'a> {
    out: Pages,
    set: &'a mut Typesetter,
    /// Vertical position of the next element.
    y: f32,
}

impl Flow<'_> {
    fn heading(&mut self, invoice: &Invoice) {
        let title = crate::kind_title(&invoice.document.kind);
        let title = self.set.label(title, HEADING, WIDTH, 1);
        let number = self.set.set_clipped(&invoice.number, SUBHEADING, WIDTH, 3);
        let node = self.root(Role::Heading);
        self.y += self.text(title, LEFT, self.y, INK, node);
        self.y += self.paragraph(number, LEFT, self.y, MUTED);
        self.y += 22.0;
    }

    fn parties(&mut self, document: &Document) {
        let width = (WIDTH - 2.0 * 2.0 * GAP) / 3.0;
        let column = |n: f32| LEFT + n * (width + 2.0 * GAP);
        let top = self.y;
        // The seller is the same on all documents of a shop, the buyer is not.
        let (from, to) = (&document.seller, &document.buyer);
        let tax_id = from.tax_id.as_ref().map(|id| format!("Tax ID {id}"));
        let contact = tax_id.iter().chain([&from.email]);
        let seller = self.party(
            "From",
            &from.name,
            &from.address,
            contact,
            column(0.0),
            |set, text, style| set.label(text, style, width, 3),
        );
        let buyer = self.party(
            "To",
            &to.name,
            &to.address,
            [&to.email],
            column(1.0),
            |set, text, style| Rc::new(set.set_clipped(text, style, width, 3)),
        );

        self.y = top;
        let date = issued_on(document).strftime("%-d %B %Y").to_string();
        self.detail("Date", &date, column(2.0), width);
        self.detail("Order", &document.order_number, column(2.0), width);
        if let Kind::CreditNote { of, .. } = &document.kind {
            self.detail("For invoice", of, column(2.0), width);
        }
        self.y = self.y.max(seller).max(buyer) + 16.0;
    }

    /// Returns the vertical position of its end.
    fn party<'t>(
        &mut self,
        caption: &str,
        name: &str,
        address: &'t [String],
        contact: impl IntoIterator<Item = &'t String>,
        x: f32,
        set: impl Fn(&mut Typesetter, &str, Style) -> Rc<Block>,
    ) -> f32 {
        let mut y = self.y;
        let caption = self.set.label(caption, CAPTION, UNBROKEN, 1);
        y += self.paragraph(caption, x, y, MUTED);
        let name = set(self.set, name, BODY_BOLD);
        y += self.paragraph(name, x, y, INK);
        let cut = address.len() > MAX_ADDRESS_LINES;
        let address = address.iter().take(MAX_ADDRESS_LINES);
        let contact = contact.into_iter().map(String::as_str);
        let rest = cut.then_some("…").into_iter().chain(contact);
        for line in address.map(String::as_str).chain(rest) {
            let line = set(self.set, line, BODY);
            y += self.paragraph(line, x, y, INK);
        }
        y
    }

    fn detail(&mut self, caption: &str, value: &str, x: f32, width: f32) {
        let value = self.set.set_clipped(value, BODY, width, 3);
        if value.lines.is_empty() {
            return;
        }
        let caption = self.set.label(caption, CAPTION, UNBROKEN, 1);
        self.y += self.paragraph(caption, x, self.y, MUTED);
        self.y += self.paragraph(value, x, self.y, INK) + 5.0;
    }

    fn table(&mut self, document: &Document) {
        let currency = document.total.currency;
        let head = [
            "SKU",
            "Description",
            "Quantity",
            &format!("Price, {currency}"),
            &format!("Total, {currency}"),
        ];
        let head = head.map(|text| Draft {
            line: Some(self.set.label(text, CAPTION, UNBROKEN, 1)),
            text: text.to_owned(),
        });
        let mut rows: Vec<_> = document.lines.iter().map(row).collect();
        let widths = self.column_widths(&head, &mut rows);

        let table = self.root(Role::Table);
        let thead = self.child(table, Role::TableHead);
        let row = self.child(thead, Role::Row);
        let head = self.cells(head, CAPTION, widths, row, Role::ColumnHeader);
        self.break_before(self.height(&head) + BODY.pitch + 2.0 * ROW_PADDING);
        self.table_head(&head, false);

        let tbody = self.child(table, Role::TableBody);
        for row in rows {
            let node = self.child(tbody, Role::Row);
            let cells = self.cells(row, BODY, widths, node, Role::Cell);
            self.row(&cells, &head);
        }
    }

    /// Also sets the texts that it measures.
    fn column_widths(&mut self, head: &[Draft; 5], rows: &mut [[Draft; 5]]) -> [f32; 5] {
        let mut widths = [0.0_f32; 5];
        let most = [96.0, f32::MAX, 72.0, 96.0, 96.0];
        for column in [0, 2, 3, 4] {
            let mut width = head[column].line.as_ref().map_or(0.0, |line| line.width);
            for row in &mut *rows {
                if width < most[column] {
                    let draft = &mut row[column];
                    let line = self.set.set(&draft.text, BODY, UNBROKEN);
                    width = width.max(line.width);
                    draft.line = Some(Rc::new(line));
                }
            }
            // A little more than measured, as rounding would otherwise break a text that just fits.
            widths[column] = width.min(most[column]) + 0.5;
        }
        widths[1] = WIDTH - 4.0 * GAP - widths.iter().sum::<f32>();
        widths
    }

    fn cells(
        &mut self,
        drafts: [Draft; 5],
        style: Style,
        widths: [f32; 5],
        row: usize,
        role: Role,
    ) -> Vec<Cell> {
        let aligns = [
            Align::Left,
            Align::Start,
            Align::Right,
            Align::Right,
            Align::Right,
        ];
        let mut left = LEFT;
        let mut cells = Vec::with_capacity(drafts.len());
        for ((draft, width), align) in drafts.into_iter().zip(widths).zip(aligns) {
            let style = aligned(style, align);
            let mut fitted = self.fit(draft, style, left, width);
            if fitted.block.lines.is_empty() {
                // Tables are navigated by column, so no cell may be missing.
                fitted = Fitted {
                    block: Rc::new(self.set.set("–", style, width)),
                    x: left,
                };
            }
            let node = self.child(row, role);
            cells.push(Cell {
                x: fitted.x,
                block: self.keep(fitted.block),
                node,
            });
            left += width + GAP;
        }
        cells
    }

    /// Sets a draft in its column.
    fn fit(&mut self, draft: Draft, style: Style, left: f32, width: f32) -> Fitted {
        match draft.line {
            Some(line) if line.width <= width => {
                let x = match style.align {
                    Align::Right => left + width - line.width,
                    Align::Start | Align::Left => left,
                };
                Fitted { block: line, x }
            }
            _ => Fitted {
                block: Rc::new(self.set.set(&draft.text, style, width)),
                x: left,
            },
        }
    }

    fn height(&self, cells: &[Cell]) -> f32 {
        let lines = self.line_count(cells);
        self.pitch(cells) * to_length(lines) + 2.0 * ROW_PADDING
    }

    fn line_count(&self, cells: &[Cell]) -> usize {
        let lines = cells.iter().map(|cell| self.lines_of(cell.block));
        lines.max().unwrap_or(0)
    }

    fn lines_of(&self, block: usize) -> usize {
        self.out.blocks.get(block).map_or(0, |b| b.lines.len())
    }

    fn pitch(&self, cells: &[Cell]) -> f32 {
        let block = cells.first().and_then(|c| self.out.blocks.get(c.block));
        block.map_or(BODY.pitch, |block| block.style.pitch)
    }

    fn table_head(&mut self, head: &[Cell], repeated: bool) {
        for cell in head {
            let mark = if repeated {
                Mark::Repeated
            } else {
                Mark::Node(cell.node)
            };
            let lines = 0..self.lines_of(cell.block);
            let y = self.y + ROW_PADDING;
            self.lines(cell.block, lines, cell.x, y, MUTED, mark);
        }
        self.y += self.height(head);
        self.rule(LEFT, WIDTH, 0.8, INK);
    }

    /// Places one row, on as many pages as it needs.
    fn row(&mut self, cells: &[Cell], head: &[Cell]) {
        let total = self.line_count(cells);
        let pitch = self.pitch(cells);
        if total <= UNSPLIT_LINES && self.y + self.height(cells) > BOTTOM {
            self.next_page();
            self.table_head(head, true);
        }
        let mut from = 0;
        while from < total {
            let mut to = from;
            let mut end = self.y + 2.0 * ROW_PADDING;
            while to < total && end + pitch <= BOTTOM {
                to += 1;
                end += pitch;
            }
            // A head that fills the page would move the row to the next page forever.
            let stuck = self.y <= TOP + self.height(head);
            if to == from && !stuck {
                self.next_page();
                self.table_head(head, true);
                continue;
            }
            let to = to.max(from + 1);
            for cell in cells {
                let lines = self.lines_of(cell.block);
                let part = from.min(lines)..to.min(lines);
                let y = self.y + ROW_PADDING;
                self.lines(cell.block, part, cell.x, y, INK, Mark::Node(cell.node));
            }
            self.y += 2.0 * ROW_PADDING + pitch * to_length(to - from);
            from = to;
            if from < total {
                self.next_page();
                self.table_head(head, true);
            }
        }
        self.rule(LEFT, WIDTH, 0.5, HAIRLINE);
    }

    fn sums(&mut self, document: &Document) {
        let currency = document.total.currency;
        let mut rows = vec![("Net".to_owned(), document.net, BODY)];
        for tax in &document.taxes {
            let label = format!(
                "{} {} on {}",
                tax.name,
                rate(tax.rate_basis_points),
                number(tax.net)
            );
            rows.push((label, tax.amount, BODY));
        }
        let label = match document.kind {
            Kind::Invoice => "Total",
            Kind::CreditNote { .. } => "Total credited",
        };
        rows.push((label.to_owned(), document.total, TOTAL));

        let mut widest = 60.0_f32;
        let mut amounts = Vec::with_capacity(rows.len());
        for (_, amount, style) in &rows {
            let text = format!("{} {currency}", number(*amount));
            let line = Rc::new(self.set.set(&text, *style, UNBROKEN));
            widest = widest.max(line.width + 0.5);
            let line = Some(line);
            amounts.push(Draft { text, line });
        }
        let labels = (WIDTH * 0.5 - widest).max(120.0);
        let left = RIGHT - widest - GAP - labels;

        let table = self.root(Role::Table);
        let mut height = 10.0;
        let mut set = Vec::with_capacity(rows.len());
        for ((label, _, style), amount) in rows.into_iter().zip(amounts) {
            let row = self.child(table, Role::Row);
            let header = self.child(row, Role::RowHeader);
            let cell = self.child(row, Role::Cell);
            let label = self.set.set_clipped(&label, style, labels, 4);
            let style = aligned(style, Align::Right);
            let amount = self.fit(amount, style, left + labels + GAP, widest);
            let label = Cell {
                x: left,
                block: self.keep(label),
                node: header,
            };
            let amount = Cell {
                x: amount.x,
                block: self.keep(amount.block),
                node: cell,
            };
            let cells = [label, amount];
            height += self.height(&cells);
            set.push(cells);
        }
        // Keep together if they fit on a page: a total alone is not informative.
        if height <= BOTTOM - TOP {
            self.break_before(height);
        }
        self.y += 10.0;
        let last = set.len().saturating_sub(1);
        for (n, cells) in set.iter().enumerate() {
            self.break_before(self.height(cells));
            if n == last {
                self.rule(left, RIGHT - left, 0.8, INK);
            }
            for cell in cells {
                let lines = 0..self.lines_of(cell.block);
                let y = self.y + ROW_PADDING;
                self.lines(cell.block, lines, cell.x, y, INK, Mark::Node(cell.node));
            }
            self.y += self.height(cells);
        }
    }

    fn note(&mut self, document: &Document) {
        let note = match &document.kind {
            Kind::Invoice => "Paid with thanks.".to_owned(),
            Kind::CreditNote { reason, .. } => match reason {
                Some(reason) => format!("Reason: {reason}"),
                None => return,
            },
        };
        self.y += 24.0;
        for paragraph in note.lines().take(200) {
            let style = aligned(BODY, Align::Start);
            let block = match document.kind {
                // The same on all documents of a shop.
                Kind::Invoice => self.set.label(paragraph, style, WIDTH, usize::MAX),
                Kind::CreditNote { .. } => Rc::new(self.set.set(paragraph, style, WIDTH)),
            };
            let lines = block.lines.len();
            if lines == 0 {
                self.y += BODY.pitch * 0.5;
                continue;
            }
            let node = self.root(Role::Paragraph);
            let block = self.keep(block);
            for line in 0..lines {
                self.break_before(BODY.pitch);
                let part = line..line + 1;
                self.lines(block, part, LEFT, self.y, INK, Mark::Node(node));
                self.y += BODY.pitch;
            }
        }
    }

    fn footers(&mut self, invoice: &Invoice) {
        let numbers = 80.0;
        let whose = format!(
            "{} {} · {}",
            crate::kind_title(&invoice.document.kind),
            invoice.number,
            invoice.document.seller.name
        );
        let whose = self
            .set
            .set_clipped(&whose, SMALL, WIDTH - numbers - GAP, 1);
        let whose = self.keep(whose);
        let count = self.out.pages.len();
        for page in 0..count {
            let text = format!("Page {} of {count}", page + 1);
            let style = aligned(SMALL, Align::Right);
            let text = if count == 1 {
                self.set.label(&text, style, numbers, 1)
            } else {
                Rc::new(self.set.set(&text, style, numbers))
            };
            let text = self.keep(text);
            let blocks = [(whose, LEFT), (text, RIGHT - numbers)];
            let footer = blocks.map(|(block, x)| Op::Text {
                block,
                lines: 0..self.lines_of(block),
                x,
                y: FOOTER,
                colour: MUTED,
                mark: Mark::Footer,
            });
            if let Some(ops) = self.out.pages.get_mut(page) {
                ops.extend(footer);
            }
        }
    }

    fn break_before(&mut self, height: f32) {
        if self.y + height > BOTTOM && self.y > TOP {
            self.next_page();
        }
    }

    fn next_page(&mut self) {
        self.out.pages.push(Vec::new());
        self.y = TOP;
    }

    fn draw(&mut self, op: Op) {
        if let Some(page) = self.out.pages.last_mut() {
            page.push(op);
        }
    }

    /// A whole block as one text: separate lines would be read as one word.
    fn paragraph(&mut self, block: impl Into<Rc<Block>>, x: f32, y: f32, colour: Colour) -> f32 {
        let node = self.root(Role::Paragraph);
        self.text(block.into(), x, y, colour, node)
    }

    /// Draws a whole block and returns its height.
    fn text(&mut self, block: Rc<Block>, x: f32, y: f32, colour: Colour, node: usize) -> f32 {
        let count = block.lines.len();
        let height = block.style.pitch * to_length(count);
        let block = self.keep(block);
        self.lines(block, 0..count, x, y, colour, Mark::Node(node));
        height
    }

    fn lines(
        &mut self,
        block: usize,
        lines: Range<usize>,
        x: f32,
        y: f32,
        colour: Colour,
        mark: Mark,
    ) {
        if !lines.is_empty() {
            self.draw(Op::Text {
                block,
                lines,
                x,
                y,
                colour,
                mark,
            });
        }
    }

    fn rule(&mut self, x: f32, width: f32, thickness: f32, colour: Colour) {
        let y = self.y;
        self.draw(Op::Rule {
            x,
            y,
            width,
            thickness,
            colour,
        });
    }

    fn keep(&mut self, block: impl Into<Rc<Block>>) -> usize {
        self.out.blocks.push(block.into());
        self.out.blocks.len() - 1
    }

    fn node(&mut self, role: Role) -> usize {
        let children = Vec::new();
        self.out.nodes.push(Node { role, children });
        self.out.nodes.len() - 1
    }

    fn root(&mut self, role: Role) -> usize {
        let node = self.node(role);
        self.out.roots.push(node);
        node
    }

    fn child(&mut self, parent: usize, role: Role) -> usize {
        let node = self.node(role);
        if let Some(parent) = self.out.nodes.get_mut(parent) {
            parent.children.push(node);
        }
        node
    }
}

fn row(line: &Line) -> [Draft; 5] {
    [
        line.sku
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        line.title.clone(),
        line.quantity.to_string(),
        number(line.unit_price),
        number(line.total),
    ]
    .map(|text| Draft { text, line: None })
}

/// The amount without its currency, which is in the head of the column.
fn number(amount: Money) -> String {
    let text = amount.to_string();
    let end = text.find(' ').unwrap_or(text.len());
    text.chars().take(end).collect()
}

/// A rate such as `19 %` or `7.5 %`, with no more decimals than necessary.
fn rate(basis_points: u32) -> String {
    let (whole, rest) = (basis_points / 100, basis_points % 100);
    let decimals = format!("{rest:02}");
    let decimals = decimals.trim_end_matches('0');
    let dot = if decimals.is_empty() { "" } else { "." };
    format!("{whole}{dot}{decimals}\u{A0}%")
}

fn to_length(count: usize) -> f32 {
    count as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_no_more_decimals_than_they_need() {
        let cases = [
            (0, "0"),
            (1900, "19"),
            (750, "7.5"),
            (725, "7.25"),
            (5, "0.05"),
        ];
        for (basis_points, want) in cases {
            assert_eq!(rate(basis_points), format!("{want}\u{A0}%"));
        }
    }

    #[test]
    fn amounts_are_written_without_their_currency() {
        for (code, minor, want) in [
            ("EUR", 5, "0.05"),
            ("JPY", -500, "-500"),
            ("KWD", 1234, "1.234"),
        ] {
            assert_eq!(number(Money::new(minor, code.parse().unwrap())), want);
        }
    }
}
