//! How a letter looks. Text and HTML are made of the same parts by one template each
//! (`templates/letter.txt`, `templates/letter.html`), so that they cannot tell two stories, and
//! everything that is put into the HTML is escaped by the template engine.

use askama::Template;

use super::Email;
use crate::money::Money;

/// Longest line that SMTP carries, in bytes, with some room.
const MAX_LINE: usize = 900;
/// Where text is folded, in characters, as people expect of an e-mail.
const WIDTH: usize = 76;

/// A letter could not be written; the templates are compiled in, so it never happens.
#[derive(Debug, thiserror::Error)]
#[error("the e-mail cannot be rendered: {0}")]
pub struct RenderError(#[from] askama::Error);

/// What a letter says, whatever it looks like.
pub(super) struct Letter {
    /// Subject.
    pub(super) subject: String,
    /// Headline.
    pub(super) title: String,
    /// The first sentence, which mail programs show beside the subject.
    pub(super) lead: String,
    /// The rest.
    pub(super) parts: Vec<Part>,
}

/// A part of a letter. Text from outside goes in through its constructors, which clean it.
pub(super) enum Part {
    /// A paragraph.
    Text(String),
    /// Goods, perhaps with what they cost.
    Table {
        heading: &'static str,
        rows: Vec<Row>,
        total: Option<(&'static str, String)>,
    },
    /// Names and values.
    Facts {
        heading: &'static str,
        facts: Vec<(&'static str, String)>,
    },
    /// Lines that belong together, such as an address.
    Lines {
        heading: &'static str,
        lines: Vec<String>,
    },
    /// A link.
    Link { label: &'static str, url: String },
}

/// Units of one thing.
pub(super) struct Row {
    pub(super) quantity: u32,
    pub(super) title: String,
    pub(super) amount: Option<String>,
}

impl Row {
    pub(super) fn new(quantity: u32, title: &str, amount: Option<Money>) -> Self {
        Self {
            quantity,
            title: clean(title),
            amount: amount.map(|amount| amount.to_string()),
        }
    }
}

impl Part {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn lines(heading: &'static str, lines: Vec<&str>) -> Self {
        let lines = lines.into_iter().map(clean).collect();
        Self::Lines { heading, lines }
    }

    /// Those facts that are there; nothing if none is.
    pub(super) fn facts<const N: usize>(
        heading: &'static str,
        facts: [(&'static str, Option<String>); N],
    ) -> Option<Self> {
        let facts = facts.into_iter();
        let facts: Vec<_> = facts
            .filter_map(|(name, value)| Some((name, clean(&value?))))
            .collect();
        (!facts.is_empty()).then_some(Self::Facts { heading, facts })
    }

    /// A link to another site; nothing if it is no https address, or one that no line can hold.
    pub(super) fn link(label: &'static str, url: &str) -> Option<Self> {
        let good = url.starts_with("https://")
            && url.len() <= MAX_LINE
            && !url.contains(|c: char| c.is_whitespace() || c.is_control() || turns_text(c));
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
    number: &'a str,
    shop: &'a str,
}

#[derive(Template)]
#[template(path = "letter.txt")]
struct Text<'a> {
    letter: &'a Letter,
    number: &'a str,
    shop: &'a str,
}

impl Letter {
    /// The e-mail to that address about the order of that number.
    pub(super) fn render(&self, to: &str, number: &str, shop: &str) -> Result<Email, RenderError> {
        let letter = self;
        let shop = &*clean(shop);
        let text = Text {
            letter,
            number,
            shop,
        };
        let html = Html {
            letter,
            number,
            shop,
        };
        Ok(Email {
            to: to.to_owned(),
            subject: clean(&self.subject),
            text: folded(&text.render()?),
            html: html.render()?,
        })
    }
}

/// `text` on one line: control characters, which could begin a new one, become blanks. Characters
/// that turn the direction of what follows go, as they could make an amount read as another.
fn clean(text: &str) -> String {
    let text = text.chars().filter(|c| !turns_text(*c));
    let ends_line = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.map(|c| if ends_line(c) { ' ' } else { c }).collect()
}

fn turns_text(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` with long lines folded at blanks; what follows keeps the line's indentation. A single word,
/// such as a link, stays whole as long as SMTP carries it.
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
