//! The one rule for text that people enter, and the checks of a request's fields.
//!
//! Text is stored in Unicode's normalization form C, without characters that nobody sees: a name must
//! not look empty or read as another. Joiners and selectors, which scripts and emoji need, are kept
//! after a visible character only.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData,
    props::{GeneralCategory, GeneralCategoryGroup},
};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use crate::fault::FieldFault;

/// Maximum length of an email address, in characters (RFC 5321).
const MAX_EMAIL: usize = 254;

/// The role of a character in text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Visible,
    /// White space, and characters that look like it.
    Space,
    /// White space that ends a line.
    LineBreak,
    /// Other control characters.
    Control,
    /// Connects or separates the characters beside it.
    Joiner,
    /// Selects the form of the character before it.
    Selector,
    /// Part of the flag of a region, after a black flag.
    Tag,
    /// A place for a line break, or its prohibition.
    Breaker,
    /// A mark of the writing direction.
    Direction,
    /// Changes the order of other characters, or does nothing visible.
    Hidden,
}

/// Classifies a character by Unicode's properties `White_Space` and `Default_Ignorable_Code_Point`.
fn class(c: char) -> Class {
    match c {
        '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Class::LineBreak,
        // An empty braille cell.
        '\u{2800}' => Class::Space,
        '\u{200C}' | '\u{200D}' => Class::Joiner,
        '\u{180B}'..='\u{180D}'
        | '\u{180F}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{E0100}'..='\u{E01EF}' => Class::Selector,
        '\u{E0020}'..='\u{E007F}' => Class::Tag,
        '\u{AD}' | '\u{200B}' | '\u{2060}' => Class::Breaker,
        '\u{61C}' | '\u{200E}' | '\u{200F}' => Class::Direction,
        '\u{34F}'
        | '\u{115F}'
        | '\u{1160}'
        | '\u{17B4}'
        | '\u{17B5}'
        | '\u{180E}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2061}'..='\u{206F}'
        | '\u{3164}'
        | '\u{FEFF}'
        | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}' => Class::Hidden,
        c if u32::from(c) & 0xFFFE == 0xFFFE || matches!(c, '\u{FDD0}'..='\u{FDEF}') => {
            Class::Hidden
        }
        c if c.is_whitespace() => Class::Space,
        c if c.is_control() => Class::Control,
        _ => Class::Visible,
    }
}

/// Whether a character shows nothing of its own and takes no space. Joiners and selectors are among
/// them, as they depend on other characters.
pub fn is_invisible(c: char) -> bool {
    !matches!(
        class(c),
        Class::Visible | Class::Space | Class::LineBreak | Class::Control
    )
}

/// Whether a character is a mark of the letter before it, such as an accent or a vowel sign.
pub fn is_mark(c: char) -> bool {
    GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(c))
}

/// Whether a character shows something by itself. Marks do not, without the letter before them, and neither
/// do characters that Unicode has not assigned, or leaves to private agreements.
fn shows(c: char) -> bool {
    use GeneralCategoryGroup as Group;
    if c.is_ascii() {
        return c.is_ascii_graphic();
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let shown = [
        Group::Letter,
        Group::Number,
        Group::Punctuation,
        Group::Symbol,
    ];
    shown.iter().any(|group| group.contains(category))
}

/// Puts `text` on one line: normalized, trimmed, with single spaces, without control characters and
/// what nobody sees. Empty if nothing is visible.
pub fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut last = Class::Space;
    let mut space = false;
    for c in text.chars() {
        let class = class(c);
        let kept = match class {
            Class::Visible => true,
            Class::Space | Class::LineBreak => {
                space = true;
                false
            }
            _ => !space && belongs(class, last, &line),
        };
        if kept {
            if space && !line.is_empty() {
                line.push(' ');
            }
            space = false;
            line.push(c);
            last = class;
        }
    }
    if !line.contains(shows) {
        return String::new();
    }
    normalized(line)
}

/// The form in which texts are compared and become part of a key: one line in lower case. Equal texts
/// have equal characters, however they were typed.
pub fn key(text: &str) -> String {
    line(&text.to_lowercase())
}

/// Whether a line has line breaks or control characters in it.
fn has_control(text: &str) -> bool {
    let unfit = |c: char| matches!(class(c), Class::LineBreak | Class::Control);
    text.trim().contains(unfit)
}

/// Cleans a longer text like [`line`], but keeps its line breaks and spaces, and the marks that
/// control where a line breaks and in which direction it runs.
pub fn block(text: &str) -> String {
    let mut block = String::with_capacity(text.len());
    let mut last = Class::Space;
    for c in text.chars() {
        let class = class(c);
        let kept = match class {
            Class::Visible | Class::Space => c,
            Class::LineBreak if matches!(c, '\n' | '\r') => c,
            Class::LineBreak => '\n',
            Class::Direction if last != Class::Direction => c,
            Class::Breaker if matches!(last, Class::Visible | Class::Selector) => c,
            _ if belongs(class, last, &block) => c,
            _ => continue,
        };
        block.push(kept);
        last = class;
    }
    normalized(block.trim().to_owned())
}

/// Whether a joiner, selector or tag continues the text before it.
fn belongs(class: Class, last: Class, before: &str) -> bool {
    match class {
        Class::Joiner => matches!(last, Class::Visible | Class::Selector),
        Class::Selector => last == Class::Visible,
        Class::Tag => last == Class::Tag || before.ends_with('\u{1F3F4}'),
        _ => false,
    }
}

/// Normalization form C: the same text otherwise has several spellings, such as é and e with an
/// accent. Comes last, as what was removed may have kept such characters apart.
fn normalized(text: String) -> String {
    const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();
    match NFC.normalize(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(normalized) => normalized,
    }
}

/// The canonical form of an email address, as mail servers accept it: an ASCII local part, and the
/// domain in lower case and punycode. `None` if it is not an address; only sending to it can tell
/// whether it exists.
pub fn email(text: &str) -> Option<String> {
    let text = line(text);
    let (local, domain) = text.rsplit_once('@')?;
    let is_local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-.".contains(c);
    let local_ok = (1..=64).contains(&local.len())
        && local.chars().all(is_local)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let domain = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .ok()?;
    // A last label of digits is an IP address, or none: no top-level domain has one (RFC 3696).
    let (_, top) = domain.rsplit_once('.')?;
    let top_ok = !top.bytes().all(|byte| byte.is_ascii_digit());
    let email = format!("{local}@{domain}");
    (local_ok && top_ok && email.len() <= MAX_EMAIL).then_some(email)
}

/// Shortens `text` to at most `max` bytes, at a character; a shortened one ends with `…`.
pub fn shortened(mut text: String, max: usize) -> String {
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max.saturating_sub('…'.len_utf8())));
        text.push('…');
    }
    text
}

/// Collects validation errors field by field, so that a client learns all of them at once.
#[derive(Debug, Default)]
pub struct FieldCheck {
    faults: Vec<FieldFault>,
}

impl FieldCheck {
    /// Adds an error.
    pub fn fault(&mut self, field: &str, code: &'static str, message: impl Into<String>) {
        self.faults.push(FieldFault::new(field, code, message));
    }

    /// The value of a check made elsewhere; `None` adds its error.
    pub fn accept<T>(&mut self, checked: Result<T, FieldFault>) -> Option<T> {
        checked.map_err(|fault| self.faults.push(fault)).ok()
    }

    /// The value of a parameter that may be left out; what `read` does not take is an error with the message that it returns.
    pub fn parsed<T>(
        &mut self,
        field: &str,
        text: Option<String>,
        read: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        match read(&text?) {
            Ok(value) => Some(value),
            Err(message) => {
                self.fault(field, "invalid", message);
                None
            }
        }
    }

    /// Cleans and validates `text`: one line, not empty, at most `max` characters.
    pub fn line(&mut self, field: &str, text: &str, max: usize) -> String {
        let cleaned = line(text);
        if has_control(text) {
            let message = "Must not contain line breaks or control characters.";
            self.fault(field, "invalid", message);
        } else if cleaned.is_empty() {
            self.fault(field, "required", "Must not be empty.");
        } else if cleaned.chars().count() > max {
            self.fault(
                field,
                "too_long",
                format!("Must have at most {max} characters."),
            );
        }
        cleaned
    }

    /// Like [`line`](Self::line), for a field that may be left out; spaces and what has no width
    /// count as missing.
    pub fn optional_line(
        &mut self,
        field: &str,
        text: Option<String>,
        max: usize,
    ) -> Option<String> {
        text.filter(|text| !line(text).is_empty() || has_control(text))
            .map(|text| self.line(field, &text, max))
    }

    /// Validates an email address, and returns its canonical form ([`email`]).
    pub fn email(&mut self, field: &str, text: &str) -> String {
        let given = self.line(field, text, MAX_EMAIL);
        if self.has(field) {
            return given;
        }
        email(&given).unwrap_or_else(|| {
            let message = if given
                .rsplit_once('@')
                .is_some_and(|(local, _)| !local.is_ascii())
            {
                "Must have only ASCII characters before the @; mail cannot be sent to others."
            } else {
                "Must be an email address such as ada@example.com."
            };
            self.fault(field, "invalid_email", message);
            given
        })
    }

    /// Whether `field` already has an error.
    pub fn has(&self, field: &str) -> bool {
        self.faults.iter().any(|fault| fault.field == field)
    }

    /// The errors so far.
    pub fn into_faults(self) -> Vec<FieldFault> {
        self.faults
    }

    /// Returns `value`, or the errors if there are any.
    pub fn finish<T>(self, value: T) -> Result<T, Vec<FieldFault>> {
        if self.faults.is_empty() {
            Ok(value)
        } else {
            Err(self.faults)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_texts_are_shortened_between_characters() {
        for (text, max, want) in [
            ("four", 4, "four"),
            ("fives", 4, "f…"),
            ("ééé", 6, "ééé"),
            ("éééé", 6, "é…"),
            ("", 0, ""),
        ] {
            assert_eq!(shortened(text.to_owned(), max), want);
        }
    }

    /// Kind of fault: accepted more loosely than by the next system, which is SES here. It takes
    /// ASCII before the @ and punycode after it, and the customer of a paid order gets no mail
    /// otherwise.
    #[test]
    fn e_mail_addresses_are_those_that_a_mail_can_be_sent_to() {
        let valid = [
            ("ada@example.com", "ada@example.com"),
            ("  A.b+C@Mail.Example.CO.uk ", "A.b+C@mail.example.co.uk"),
            ("o'neil@exämple.de", "o'neil@xn--exmple-cua.de"),
            ("p@bücher.example", "p@xn--bcher-kva.example"),
            // The same domain in normalization form D, and in full width.
            ("p@bu\u{308}cher.example", "p@xn--bcher-kva.example"),
            ("p@ｂücher。example", "p@xn--bcher-kva.example"),
            ("pat@हिन्दी.भारत", "pat@xn--j2bd4cyah0f.xn--h2brj9c"),
            ("p@xn--bcher-kva.example", "p@xn--bcher-kva.example"),
            ("pat@r3---sn.example.org", "pat@r3---sn.example.org"),
            ("pat@123.example", "pat@123.example"),
            ("\u{200B}pat@example.com\u{FEFF}", "pat@example.com"),
        ];
        for (text, canonical) in valid {
            assert_eq!(email(text).as_deref(), Some(canonical), "{text}");
            assert_eq!(email(canonical).as_deref(), Some(canonical));
        }
        let long = format!("{}@example.com", "a".repeat(250));
        let long_domain = format!("a@{}.example", "ü".repeat(60));
        for bad in [
            "",
            " ",
            "ada",
            "ada@",
            "@example.com",
            "ada@example",
            "ada@@example.com",
            "ada lovelace@example.com",
            "ada@example..com",
            "ada@example.com.",
            "a..b@example.com",
            "ada@example.com\r\nBcc: eve@example.com",
            "ada@-example.com",
            "ada@ex_ample.com",
            "ada@xn--zzzzzzz99999999999.com",
            "pelé@example.com",
            "用户@example.com",
            "pat@example.123",
            "pat@127.0.0.1",
            "pat@[127.0.0.1]",
            &long,
            &long_domain,
        ] {
            assert_eq!(email(bad), None, "{bad:?}");
            let mut check = FieldCheck::default();
            check.email("email", bad);
            assert!(check.has("email"), "{bad:?}");
        }
    }

    /// Kind of fault: invisible text, which makes a name look empty or read as another.
    #[test]
    fn lines_have_nothing_that_nobody_sees() {
        let cases = [
            ("  Ada   Lovelace ", "Ada Lovelace"),
            ("\u{200B}\u{200B}\u{2060}", ""),
            ("\u{3164}\u{115F}\u{FFA0}", ""),
            ("\u{FE0F}\u{200D}\u{E0041}", ""),
            ("\u{2800}\u{A0}\u{3000}", ""),
            ("Ada\u{202E}ecalevoL\u{202C}", "AdaecalevoL"),
            ("a\u{2066}b\u{2069}\u{200F}", "ab"),
            ("a\u{2028}b\u{85}c", "a b c"),
            ("a\u{0}\u{7}b", "ab"),
            ("Zürich\u{AD}berg", "Zürichberg"),
            ("Cafe\u{301}", "Café"),
            ("\u{FFFE}\u{FDD0}x", "x"),
            // What scripts and emoji need.
            ("می\u{200C}خواهم", "می\u{200C}خواهم"),
            (
                "👩\u{200D}❤\u{FE0F}\u{200D}👩",
                "👩\u{200D}❤\u{FE0F}\u{200D}👩",
            ),
            (
                "🏴\u{E0067}\u{E0062}\u{E007F}",
                "🏴\u{E0067}\u{E0062}\u{E007F}",
            ),
            ("हिन्दी", "हिन्दी"),
            ("a\u{200D}\u{200D}\u{200D}b", "a\u{200D}b"),
        ];
        for (text, want) in cases {
            assert_eq!(line(text), want, "{text:?}");
        }
        assert_eq!(
            block(" <p>a\u{202E}b\u{2066}</p>\r\n\tco\u{AD}op\u{200B} x\u{200E}\u{2029}y\u{0} "),
            "<p>ab</p>\r\n\tco\u{AD}op\u{200B} x\u{200E}\ny"
        );
    }

    #[test]
    fn fields_say_what_is_wrong_with_them() {
        let code = |text: &str| {
            let mut check = FieldCheck::default();
            check.line("name", text, 5);
            check.into_faults().first().map(|fault| fault.code.clone())
        };
        assert_eq!(code("Ada"), None);
        for nothing in ["\u{200B}\u{200B}", "\u{301}\u{301}", "\u{E000}", "\u{378}"] {
            assert_eq!(code(nothing).as_deref(), Some("required"), "{nothing:?}");
        }
        assert_eq!(code("A\u{2028}B").as_deref(), Some("invalid"));
        assert_eq!(code("A\nB").as_deref(), Some("invalid"));
        assert_eq!(code("A\u{0}B").as_deref(), Some("invalid"));
        assert_eq!(code("Adalbert").as_deref(), Some("too_long"));
        // Counted without the invisible.
        assert_eq!(code("Ada\u{200B}\u{200B}\u{200B}\u{200B}"), None);
        let mut check = FieldCheck::default();
        assert_eq!(
            check.optional_line("line2", Some("\u{200B} ".into()), 5),
            None
        );
        assert!(check.into_faults().is_empty());
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing(text in ".{0,30}", odd in "[\u{200B}-\u{2069}a\u{301} \u{E0041}🏴\u{FE0F}]{0,12}") {
            let text = format!("{text}{odd}");
            let once = line(&text);
            prop_assert_eq!(&line(&once), &once);
            prop_assert!(!once.contains(|c: char| matches!(class(c), Class::LineBreak | Class::Control | Class::Hidden)));
            let once = block(&text);
            prop_assert_eq!(&block(&once), &once);
        }

        #[test]
        fn an_accepted_address_is_ascii_and_stays_as_it_is(local in "[a-z.+é]{1,8}", domain in "[a-z0-9üहि.\u{301}-]{1,12}") {
            if let Some(canonical) = email(&format!("{local}@{domain}.example")) {
                prop_assert!(canonical.is_ascii());
                prop_assert_eq!(email(&canonical), Some(canonical));
            }
        }
    }
}
