//! Reads a product file: checks its encoding and header, and validates its rows.

use super::{
    LineFault, RowGroup,
    group::Groups,
    row::{Column, Row},
};
use crate::catalog::slug;

/// A valid file, grouped by product.
#[derive(Debug, Default)]
pub struct ReadFile {
    /// Number of rows without the header and empty lines.
    pub rows_total: u64,
    /// Rows that cannot be assigned to a product.
    pub faults: Vec<LineFault>,
    /// Products in the file's order.
    pub groups: Vec<RowGroup>,
}

/// Reads a product file, or returns why it was rejected.
pub fn read_file(bytes: &[u8]) -> Result<ReadFile, LineFault> {
    let text = decode(bytes)?;
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let unreadable = |error: csv::Error| {
        LineFault::new(0, "not_csv", format!("The file is not valid CSV: {error}."))
    };

    reader.read_record(&mut record).map_err(unreadable)?;
    let columns = header(&record)?;
    let width = record.len();

    let mut file = ReadFile::default();
    let mut groups = Groups::default();
    while reader.read_record(&mut record).map_err(unreadable)? {
        let line = record.position().map_or(0, csv::Position::line);
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        file.rows_total += 1;
        if record.len() != width {
            let message = format!(
                "The row has {} columns, the header {width}; enclose texts with commas, quotes or line breaks in double quotes.",
                record.len()
            );
            file.faults
                .push(LineFault::new(line, "wrong_column_count", message));
            continue;
        }
        let mut row = Row {
            line,
            ..Row::default()
        };
        let mut oversized = false;
        for (column, cell) in columns.iter().zip(record.iter()) {
            let Some(column) = *column else { continue };
            oversized |= cell.len() > column.max_bytes();
            row.set(column, &column.clean(cell));
        }
        if oversized {
            let message = "A cell of the row is too long for its column; shorten it.";
            file.faults.push(LineFault::new(line, "too_long", message));
            continue;
        }
        if row.handle.is_empty() {
            let message = "The row has no handle; enter the handle of its product.";
            file.faults
                .push(LineFault::new(line, "handle_missing", message));
            continue;
        }
        let Some(slug) = slug(&row.handle) else {
            let message = "A handle needs letters or digits, and at most 255 characters.";
            file.faults
                .push(LineFault::new(line, "invalid_handle", message));
            continue;
        };
        // The group holds the slug.
        row.handle.clear();
        groups.add(slug, row);
    }
    if file.rows_total == 0 {
        return Err(LineFault::new(
            1,
            "no_rows",
            "The file has a header but no rows.",
        ));
    }
    let fitting = groups.fitting();
    file.groups = fitting.groups;
    file.faults.extend(fitting.faults);
    Ok(file)
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
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64;
        let message = "The file is not valid UTF-8 from this line on; save it as CSV in UTF-8.";
        LineFault::new(line, "unsupported_encoding", message)
    })
}

/// Maps each cell of a row to its column.
fn header(record: &csv::StringRecord) -> Result<Vec<Option<Column>>, LineFault> {
    let columns: Vec<Option<Column>> = record.iter().map(Column::named).collect();
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
    if missing.is_empty() {
        let twice = (0..columns.len()).find(|index| {
            columns[*index].is_some() && columns[..*index].contains(&columns[*index])
        });
        return match twice {
            None => Ok(columns),
            Some(index) => {
                let message = format!(
                    "The header has two columns {:?}; remove one.",
                    &record[index]
                );
                Err(LineFault::new(1, "duplicate_column", message))
            }
        };
    }
    let first = record.iter().next().unwrap_or_default();
    if record.len() == 1
        && first.to_lowercase().starts_with("handle")
        && first.contains([';', '\t'])
    {
        let message = "The columns are separated by semicolons or tabs; save the file with commas.";
        return Err(LineFault::new(1, "wrong_delimiter", message));
    }
    if missing.len() == required.len() {
        let message = "The first line is not the header of a product file; it must name the columns Handle, Title and Variant Price.";
        return Err(LineFault::new(1, "not_csv", message));
    }
    let message = format!(
        "The header lacks these columns; add them: {}.",
        missing.join(", ")
    );
    Err(LineFault::new(1, "missing_columns", message))
}
