//! Reads a product file: checks its encoding and header, and validates its rows.

use std::borrow::Cow;

use super::{
    Columns, LineFault, RowGroup, UncertainSkus,
    group::Groups,
    records::{Record, Records, line_ends},
    row::{Column, Row},
    uncertain,
};
use crate::{catalog::slug, text};

/// Maximum number of ignored columns that are named, and maximum length of a name in characters: a report
/// has room for them.
const MAX_IGNORED: usize = 200;
const MAX_NAME: usize = 100;

/// A valid file, grouped by product.
#[derive(Debug, Default)]
pub struct ReadFile {
    /// Number of rows without the header and empty lines.
    pub rows_total: u64,
    /// Columns of the file that the shop uses.
    pub columns: Columns,
    /// Names of the columns that it does not use although a row fills them.
    pub ignored_columns: Vec<String>,
    /// Rows that belong to none of the groups.
    pub faults: Vec<LineFault>,
    /// SKUs that these rows name, as far as they can be read.
    pub uncertain_skus: UncertainSkus,
    /// Products in the file's order, archived ones first.
    pub groups: Vec<RowGroup>,
}

/// Reads a product file, or returns why it was rejected.
pub fn read_file(bytes: &[u8]) -> Result<ReadFile, LineFault> {
    let text = decode(bytes)?;
    let mut records = Records::new(text);
    let header = read_header(&mut records)?;

    let mut file = ReadFile {
        columns: Columns::of(&header.columns),
        ..ReadFile::default()
    };
    let mut groups = Groups::default();
    let mut ignored = vec![false; header.columns.len()];
    for record in records {
        let record = match record {
            Ok(record) if record.cells.iter().all(|cell| cell.trim().is_empty()) => continue,
            Ok(record) => record,
            Err(broken) => {
                file.rows_total += 1;
                let message = broken.reason.message();
                file.faults
                    .push(LineFault::new(broken.line, "invalid_quote", message));
                let handle = handle_of(&broken.cells, &header.columns);
                let cells = broken.cells.iter().map(AsRef::as_ref);
                let rest = broken.rest.split([',', '"']);
                groups.miss_row(handle, possible_skus(cells.chain(rest), &file.columns));
                continue;
            }
        };
        file.rows_total += 1;
        for ((ignored, column), cell) in ignored.iter_mut().zip(&header.columns).zip(&record.cells)
        {
            *ignored |= column.is_none() && !cell.trim().is_empty();
        }
        match read_row(&record, &header.columns) {
            Ok((slug, handle, row)) => groups.add(slug, handle, row),
            Err(fault) => {
                file.faults.push(fault);
                let handle = handle_of(&record.cells, &header.columns);
                let cells = record.cells.iter().map(AsRef::as_ref);
                let is_sku = |index: usize| header.columns[index] == Some(Column::sku);
                let aligned = record.cells.len() == header.columns.len();
                let cells = cells.enumerate();
                let cells = cells.filter(|(index, _)| !aligned || is_sku(*index));
                let cells = cells.map(|(_, cell)| cell);
                groups.miss_row(handle, possible_skus(cells, &file.columns));
            }
        }
    }
    if file.rows_total == 0 {
        let message = "The file has a header but no rows.";
        return Err(LineFault::new(header.line, "no_rows", message));
    }
    let ignored = header.names.into_iter().zip(ignored);
    let ignored = ignored.filter(|(_, ignored)| *ignored);
    file.ignored_columns = ignored.map(|(name, _)| name).take(MAX_IGNORED).collect();
    let usable = groups.finish();
    file.groups = usable.groups;
    file.faults.extend(usable.faults);
    file.uncertain_skus = usable.uncertain_skus.into();
    Ok(file)
}

/// The SKUs that the cells of an unreadable row may name. Without known columns, each cell may be the SKU.
fn possible_skus<'a>(
    cells: impl Iterator<Item = &'a str>,
    columns: &Columns,
) -> impl Iterator<Item = String> {
    uncertain::skus(cells.filter(|_| columns.has(Column::sku)))
}

/// The handle in the cells of an unreadable row, as far as they tell.
fn handle_of(cells: &[Cow<'_, str>], columns: &[Option<Column>]) -> Option<String> {
    let index = columns
        .iter()
        .position(|column| *column == Some(Column::handle))?;
    let cell = Column::handle.clean(cells.get(index)?);
    Some(text::key(&cell))
}

/// Reads the row of a record, and slug and handle of its product.
fn read_row(
    record: &Record<'_>,
    columns: &[Option<Column>],
) -> Result<(String, String, Row), LineFault> {
    let fault = |code, message: &str| Err(LineFault::new(record.line, code, message));
    if record.cells.len() != columns.len() {
        let message = format!(
            "The row has {} columns, the header {}; enclose texts with commas, quotes or line breaks in double quotes.",
            record.cells.len(),
            columns.len()
        );
        return fault("wrong_column_count", &message);
    }
    let mut row = Row {
        line: record.line,
        ..Row::default()
    };
    for (column, cell) in columns.iter().zip(&record.cells) {
        let Some(column) = *column else { continue };
        if cell.len() > column.max_bytes() {
            return fault(
                "too_long",
                "A cell of the row is too long for its column; shorten it.",
            );
        }
        row.set(column, &column.clean(cell));
    }
    if row.handle.is_empty() {
        return fault(
            "handle_missing",
            "The row has no handle; enter the handle of its product.",
        );
    }
    let Some(slug) = slug(&row.handle) else {
        return fault(
            "invalid_handle",
            "A handle needs letters or digits, and at most 255 characters.",
        );
    };
    // The group holds the handle, in the form that is compared.
    let handle = text::key(&std::mem::take(&mut row.handle));
    Ok((slug, handle, row))
}

fn decode(bytes: &[u8]) -> Result<&str, LineFault> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        let message = "The file is in UTF-16; save it as CSV in UTF-8.";
        return Err(LineFault::new(1, "unsupported_encoding", message));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(LineFault::new(0, "empty_file", "The file is empty."));
    }
    if bytes.contains(&0) {
        let message = "The file is not a text file; export the products as CSV in UTF-8.";
        return Err(LineFault::new(0, "not_csv", message));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = 1 + line_ends(&String::from_utf8_lossy(before));
        let message = "The file is not valid UTF-8 from this line on; save it as CSV in UTF-8.";
        LineFault::new(line, "unsupported_encoding", message)
    })
}

/// The header of a file.
struct Header {
    line: u64,
    /// Names of the cells, shortened.
    names: Vec<String>,
    /// The column of each cell of a row; `None` if the shop does not use it.
    columns: Vec<Option<Column>>,
}

/// Reads the header: the first record, after the line by which spreadsheets announce their delimiter.
fn read_header(records: &mut Records<'_>) -> Result<Header, LineFault> {
    if let Some(delimiter) = announced_delimiter(records.peek_line()) {
        if delimiter != ',' {
            return Err(wrong_delimiter(records.line()));
        }
        records.skip_line();
    }
    let text = records.peek_line();
    let line = records.line();
    if is_delimited_otherwise(text) {
        return Err(wrong_delimiter(line));
    }
    let record = match records.next() {
        Some(Ok(record)) => record,
        Some(Err(broken)) => {
            let message = broken.reason.message();
            return Err(LineFault::new(broken.line, "not_csv", message));
        }
        None => return Err(LineFault::new(line, "no_rows", "The file has no header.")),
    };
    let columns = columns(&record)?;
    let names = record.cells.iter();
    let names = names.map(|name| text::line(name).chars().take(MAX_NAME).collect());
    Ok(Header {
        line,
        names: names.collect(),
        columns,
    })
}

/// The delimiter that a line like `sep=;` announces; nothing else after it counts. Programs that take the line for
/// data quote it, or fill it up with empty cells.
fn announced_delimiter(line: &str) -> Option<char> {
    let line = line.trim_start();
    let line = line.strip_prefix('"').unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let is_announcement = name.trim().eq_ignore_ascii_case("sep");
    is_announcement.then(|| value.chars().next().unwrap_or(' '))
}

fn wrong_delimiter(line: u64) -> LineFault {
    let message = "The columns are separated by another character than commas, such as semicolons or tabs; save the file with commas.";
    LineFault::new(line, "wrong_delimiter", message)
}

/// Whether another delimiter than the comma makes a header of the line.
fn is_delimited_otherwise(line: &str) -> bool {
    let known = |delimiter: char| {
        let names = line.split(delimiter).map(|name| name.trim_matches('"'));
        names.filter_map(Column::named).count()
    };
    known(',') < 2 && [';', '\t', '|'].into_iter().any(|other| known(other) > 1)
}

/// Maps each cell of a row to its column.
fn columns(header: &Record<'_>) -> Result<Vec<Option<Column>>, LineFault> {
    let fault = |code, message: &str| Err(LineFault::new(header.line, code, message));
    let cells = header.cells.iter();
    let columns: Vec<Option<Column>> = cells.map(|name| Column::named(name)).collect();
    let required = [
        (Column::handle, "Handle"),
        (Column::title, "Title"),
        (Column::price, "Variant Price"),
    ];
    let missing: Vec<&str> = required
        .iter()
        .filter(|(column, _)| !columns.contains(&Some(*column)))
        .map(|(_, name)| *name)
        .collect();
    if missing.len() == required.len() {
        return fault(
            "not_csv",
            "The first line is not the header of a product file; it must name the columns Handle, Title and Variant Price.",
        );
    }
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return fault(
            "missing_columns",
            &format!("The header lacks these columns; add them: {missing}."),
        );
    }
    let twice = (0..columns.len())
        .find(|index| columns[*index].is_some() && columns[..*index].contains(&columns[*index]));
    match twice {
        None => Ok(columns),
        Some(index) => {
            let name = &header.cells[index];
            fault(
                "duplicate_column",
                &format!("The header has two columns {name:?}; remove one."),
            )
        }
    }
}
