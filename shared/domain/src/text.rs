//! Validation of external text: bounded, without control characters.

use unicode_normalization::UnicodeNormalization;

use crate::fault::FieldFault;

/// The one form in which text that is compared or is part of a key is kept (Unicode's NFC): equal texts
/// have equal characters, however they were typed. Its tables are part of every function that calls it.
pub fn nfc(text: &str) -> String {
    text.nfc().collect()
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

    /// Trims and validates `text`: one line, not empty, at most `max` characters.
    pub fn line(&mut self, field: &str, text: &str, max: usize) -> String {
        let text = text.trim();
        if text.is_empty() {
            self.fault(field, "required", "Must not be empty.");
        } else if text.chars().count() > max {
            self.fault(
                field,
                "too_long",
                format!("Must have at most {max} characters."),
            );
        } else if text.chars().any(char::is_control) {
            self.fault(field, "invalid", "Must not contain control characters.");
        }
        text.to_owned()
    }

    /// Validates the form of an email address; only sending to it can tell whether it exists. At most
    /// 254 characters (RFC 5321).
    pub fn email(&mut self, field: &str, text: &str) -> String {
        let email = self.line(field, text, 254);
        let well_formed = email.split_once('@').is_some_and(|(local, host)| {
            let label = |label: &str| {
                !label.is_empty()
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            };
            let local_ok = |c: char| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~-.".contains(c);
            !local.is_empty()
                && local.len() <= 64
                && local.chars().all(local_ok)
                && !local.starts_with('.')
                && !local.ends_with('.')
                && !local.contains("..")
                && host.contains('.')
                && host.split('.').all(label)
        });
        if !well_formed && !self.has(field) {
            self.fault(
                field,
                "invalid_email",
                "Must be an email address such as ada@example.com.",
            );
        }
        email
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

    #[test]
    fn e_mail_addresses() {
        let valid = |text: &str| {
            let mut check = FieldCheck::default();
            check.email("email", text);
            check.finish(()).is_ok()
        };
        for good in [
            "ada@example.com",
            "a.b+c@mail.example.co.uk",
            "o'neil@exämple.de",
        ] {
            assert!(valid(good), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(250));
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
            "a..b@example.com",
            "ada@example.com\r\nBcc: eve@example.com",
            "ada@-example.com",
            &long,
        ] {
            assert!(!valid(bad), "{bad:?}");
        }
    }
}
