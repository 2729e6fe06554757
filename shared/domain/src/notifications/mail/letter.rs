//! Renders an email. The text and HTML versions are made of the same parts by one template each
//! (`letter.txt`, `letter.html`), so they always agree, and the template engine
//! escapes every value in the HTML.

use askama::Template;

use super::Email;
use crate::{money::Money, text::line};

/// Maximum line length in bytes, with a margin below the limit of SMTP.
const MAX_LINE: usize = 900;
/// Column at which text is folded, in characters.
const WIDTH: usize = 76;

/// Rendering failed. The templates are compiled in, so this does not happen in practice.
#[derive(Debug, thiserror::Error)]
#[error("the email cannot be rendered: {0}")]
pub struct RenderError(#[from] askama::Error);

/// Content of an email, independent of its layout.
pub(super) struct Letter {
    /// Subject line of the email.
    pub(super) subject: String,
    /// Headline of the body.
    pub(super) title: String,
    /// First sentence; mail programs show it as the preview.
    pub(super) lead: String,
    /// Sections below the lead.
    pub(super) parts: Vec<Part>,
}

/// A section of an email. The constructors put external text on one line: a line break could start a
/// header, and invisible characters could make an amount read as another.
pub(super) enum Part {
    /// A paragraph of text.
    Text(String),
    /// A table of goods, with or without prices.
    Table {
        heading: &'static str,
        rows: Vec<Row>,
        total: Option<(&'static str, String)>,
    },
    /// Label and value pairs under a heading.
    Facts {
        heading: &'static str,
        facts: Vec<(&'static str, String)>,
    },
    /// Consecutive lines, such as an address.
    Lines {
        heading: &'static str,
        lines: Vec<String>,
    },
    /// A labeled link to another site.
    Link { label: &'static str, url: String },
}

/// One row of a table of goods.
pub(super) struct Row {
    pub(super) quantity: u32,
    pub(super) title: String,
    pub(super) amount: Option<String>,
}

impl Row {
    pub(super) fn new(quantity: u32, title: &str, amount: Option<Money>) -> Self {
        Self {
            quantity,
            title: line(title),
            amount: amount.map(|amount| amount.to_string()),
        }
    }
}

impl Part {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn lines(heading: &'static str, lines: Vec<String>) -> Self {
        let lines = lines.iter().map(|text| line(text)).collect();
        Self::Lines { heading, lines }
    }

    /// Keeps the facts that are present; `None` if there are none.
    pub(super) fn facts<const N: usize>(
        heading: &'static str,
        facts: [(&'static str, Option<String>); N],
    ) -> Option<Self> {
        let facts = facts.into_iter();
        let facts: Vec<_> = facts
            .filter_map(|(name, value)| Some((name, line(&value?))))
            .collect();
        (!facts.is_empty()).then_some(Self::Facts { heading, facts })
    }

    /// A link to a page of the shop, whose address the operator has given.
    pub(super) fn own_link(label: &'static str, url: &str) -> Self {
        Self::Link {
            label,
            url: line(url),
        }
    }

    /// A link to another site; `None` if it is not an https URL or does not fit on a line.
    pub(super) fn link(label: &'static str, url: &str) -> Option<Self> {
        let good = url.starts_with("https://")
            && url.len() <= MAX_LINE
            && !url.contains(char::is_whitespace)
            && line(url) == url;
        good.then(|| Self::Link {
            label,
            url: url.to_owned(),
        })
    }
}

#[derive(Template)]
#[template(path = "letter.html")]
struct Html<'a> {
    letter: &'a Letter,
    why: &'a str,
    shop: &'a str,
}

#[derive(Template)]
#[template(path = "letter.txt")]
struct Text<'a> {
    letter: &'a Letter,
    why: &'a str,
    shop: &'a str,
}

impl Letter {
    /// Renders the email to `to`; `why` says at its end why the reader gets it.
    pub(super) fn render(&self, to: &str, why: &str, shop: &str) -> Result<Email, RenderError> {
        let letter = self;
        let shop = &*line(shop);
        let text = Text { letter, why, shop };
        let html = Html { letter, why, shop };
        Ok(Email {
            to: to.to_owned(),
            subject: line(&self.subject),
            text: folded(&text.render()?),
            html: html.render()?,
        })
    }
}

/// Folds long lines of `text` at spaces and keeps their indentation. A single word, such as a link,
/// stays whole as long as SMTP can carry it.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len() + 64);
    for line in text.lines() {
        let indent = &line[..line.len() - line.trim_start_matches(' ').len()];
        let mut width = 0;
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            let long = word.chars().count();
            if width == 0 {
                folded.push_str(indent);
                width = indent.len();
            } else if width + 1 + long > WIDTH {
                folded.push('\n');
                folded.push_str(indent);
                width = indent.len();
            } else {
                folded.push(' ');
                width += 1;
            }
            let mut bytes = 0;
            for c in word.chars() {
                if bytes + c.len_utf8() > MAX_LINE {
                    folded.push('\n');
                    bytes = 0;
                }
                folded.push(c);
                bytes += c.len_utf8();
            }
            width += long;
        }
        folded.push('\n');
    }
    folded
}
