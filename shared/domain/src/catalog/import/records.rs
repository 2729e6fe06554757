//! Splits a product file into records: RFC 4180, with every convention for line ends.
//!
//! A file that breaks the rules for quotes is not guessed at: the record is reported with the line on which
//! the quote opened, and reading continues on the next line of the file, so that one stray quote does not
//! take the rows behind it along.

use std::borrow::Cow;

/// The cells of one record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    /// Line on which the record starts, as an editor counts.
    pub(super) line: u64,
    /// Its cells, without the quotes that enclose them.
    pub(super) cells: Vec<Cow<'a, str>>,
}

/// A record whose cells cannot be told apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken<'a> {
    /// Line on which the quote at fault opens.
    pub(super) line: u64,
    /// The rule that it breaks.
    pub(super) reason: QuoteFault,
    /// Cells before the one at fault.
    pub(super) cells: Vec<Cow<'a, str>>,
    /// The rest of its line, as it is written.
    pub(super) rest: &'a str,
}

/// A violation of the rules for quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QuoteFault {
    /// The file ends inside a quoted cell.
    Unclosed,
    /// A closing quote is followed by neither a comma nor the end of the line.
    TextAfter,
    /// A cell that does not begin with a quote contains one.
    Inside,
}

impl QuoteFault {
    /// Explanation for people: how to correct the line.
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::Unclosed => {
                "A quote opens here and is never closed; close it, or write a quote inside a text twice."
            }
            Self::TextAfter => {
                "Text follows the quote that closes this cell; write a quote inside a text twice, not with a backslash."
            }
            Self::Inside => {
                "A cell contains a quote but does not begin with one; enclose it in quotes and write those inside twice."
            }
        }
    }
}

/// The records of a text in order. Empty lines are skipped and counted.
#[derive(Clone)]
pub(super) struct Records<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl<'a> Records<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
        }
    }

    /// The rest of the current line, without its end.
    pub(super) fn peek_line(&mut self) -> &'a str {
        self.skip_empty_lines();
        self.rest_of_line()
    }

    fn rest_of_line(&self) -> &'a str {
        let rest = &self.text[self.at..];
        rest.find(['\n', '\r']).map_or(rest, |end| &rest[..end])
    }

    /// Number of the line at which the next record starts.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// Continues after the current line.
    pub(super) fn skip_line(&mut self) {
        self.resume_after(self.at, self.line);
    }

    /// Continues after the line that contains the byte `from`, which is on line `line`.
    fn resume_after(&mut self, from: usize, line: u64) {
        let rest = &self.text[from..];
        self.line = line;
        self.at = rest
            .find(['\n', '\r'])
            .map_or(self.text.len(), |end| from + end);
        self.end_line();
    }

    /// Length of the line end at `at`; 0 if there is none.
    fn line_end(&self, at: usize) -> usize {
        match &self.text.as_bytes()[at..] {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        }
    }

    fn end_line(&mut self) {
        let length = self.line_end(self.at);
        self.at += length;
        self.line += u64::from(length > 0);
    }

    fn skip_empty_lines(&mut self) {
        while self.line_end(self.at) > 0 {
            self.end_line();
        }
    }

    /// Reads the cell at the current position, up to its comma or line end.
    fn cell(&mut self) -> Result<Cow<'a, str>, QuoteFault> {
        let rest = &self.text[self.at..];
        let Some(quoted) = rest.strip_prefix('"') else {
            let end = rest.find([',', '\n', '\r']).unwrap_or(rest.len());
            self.at += end;
            let cell = &rest[..end];
            return match cell.contains('"') {
                true => Err(QuoteFault::Inside),
                false => Ok(Cow::Borrowed(cell)),
            };
        };
        let mut end = 0;
        let mut doubled = false;
        loop {
            let quote = quoted[end..].find('"').ok_or(QuoteFault::Unclosed)?;
            end += quote;
            if !quoted[end + 1..].starts_with('"') {
                break;
            }
            doubled = true;
            end += 2;
        }
        let cell = &quoted[..end];
        self.line += line_ends(cell);
        self.at += end + 2;
        let after = self.text.as_bytes().get(self.at);
        if !matches!(after, None | Some(b',' | b'\n' | b'\r')) {
            return Err(QuoteFault::TextAfter);
        }
        Ok(match doubled {
            true => Cow::Owned(cell.replace("\"\"", "\"")),
            false => Cow::Borrowed(cell),
        })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Broken<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_empty_lines();
        if self.at == self.text.len() {
            return None;
        }
        let line = self.line;
        let mut cells = Vec::new();
        loop {
            let (opened_at, opened_on) = (self.at, self.line);
            match self.cell() {
                Ok(cell) => cells.push(cell),
                Err(reason) => {
                    self.at = opened_at;
                    let rest = self.rest_of_line();
                    self.resume_after(opened_at, opened_on);
                    return Some(Err(Broken {
                        line: opened_on,
                        reason,
                        cells,
                        rest,
                    }));
                }
            }
            if self.text[self.at..].starts_with(',') {
                self.at += 1;
            } else {
                self.end_line();
                return Some(Ok(Record { line, cells }));
            }
        }
    }
}

/// Number of line ends in `text`: CRLF, LF or CR alone.
pub(super) fn line_ends(text: &str) -> u64 {
    let breaks = text.bytes().filter(|byte| matches!(byte, b'\n' | b'\r'));
    let pairs = text.matches("\r\n");
    (breaks.count() - pairs.count()) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Line = Result<(u64, Vec<String>), (u64, QuoteFault)>;

    fn read(text: &str) -> Vec<Line> {
        Records::new(text)
            .map(|record| match record {
                Ok(record) => Ok((
                    record.line,
                    record.cells.into_iter().map(Cow::into_owned).collect(),
                )),
                Err(broken) => Err((broken.line, broken.reason)),
            })
            .collect()
    }

    fn row(line: u64, cells: &[&str]) -> Line {
        Ok((line, cells.iter().map(|cell| (*cell).to_owned()).collect()))
    }

    /// The kind: positions that only one convention for line ends gets right.
    #[test]
    fn lines_are_those_of_an_editor_for_every_line_end() {
        let file = "a,b\n\n\n1,\"x\n\ny\"\n\n2,z";
        for end in ["\n", "\r\n", "\r"] {
            let quoted = format!("x{end}{end}y");
            assert_eq!(
                read(&file.replace('\n', end)),
                [
                    row(1, &["a", "b"]),
                    row(4, &["1", &quoted]),
                    row(8, &["2", "z"])
                ],
                "{end:?}"
            );
        }
    }

    /// The kind: a lenient parser used as a validator.
    #[test]
    fn a_stray_quote_costs_its_own_line() {
        let good = row(2, &["2", "b"]);
        let cases = [
            ("1,\"a\n2,b\n", QuoteFault::Unclosed),
            ("1,\"a\" b\n2,b\n", QuoteFault::TextAfter),
            ("1,\"5\\\" nail\"\n2,b\n", QuoteFault::TextAfter),
            ("1,5\" nail\n2,b\n", QuoteFault::Inside),
            ("1, \"a\"\n2,b\n", QuoteFault::Inside),
        ];
        for (text, reason) in cases {
            assert_eq!(read(text), [Err((1, reason)), good.clone()], "{text:?}");
        }
        // The next quote of the file opens another cell, and does not close the stray one.
        assert_eq!(
            read("1,\"a\n2,\"b, c\"\n3,\"\"\n"),
            [
                Err((1, QuoteFault::TextAfter)),
                row(2, &["2", "b, c"]),
                row(3, &["3", ""])
            ]
        );
        // The quote at fault opens below the start of its record.
        assert_eq!(
            read("\"1\n2\",\"a\n3,b\n"),
            [Err((2, QuoteFault::Unclosed)), row(3, &["3", "b"])]
        );
    }

    #[test]
    fn cells_are_what_was_written() {
        assert_eq!(
            read("a,\"b \"\"c\"\", d\",,\"\"\r\n"),
            [row(1, &["a", "b \"c\", d", "", ""])]
        );
        assert_eq!(read("\n\r\n"), []);
        assert_eq!(read(","), [row(1, &["", ""])]);
    }

    proptest! {
        #[test]
        fn written_records_are_read_unchanged(
            rows in prop::collection::vec(prop::collection::vec("[a\",\n\r é]{0,6}", 2..4), 1..8)
        ) {
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let found: Vec<Vec<String>> = read(&text).into_iter().map(|row| row.unwrap().1).collect();
            prop_assert_eq!(found, rows);
        }

        #[test]
        fn every_text_is_read_to_its_end(text in "[a\",\n\r]{0,40}") {
            let mut last = 0;
            for record in Records::new(&text) {
                let line = match record {
                    Ok(record) => record.line,
                    Err(broken) => broken.line,
                };
                prop_assert!(line > last, "lines ascend, one record each");
                prop_assert!(line <= 1 + line_ends(&text));
                last = line;
            }
        }
    }
}
