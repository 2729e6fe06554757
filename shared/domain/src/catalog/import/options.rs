//! Options of a product, from all of its rows.

use super::{Columns, DEFAULT_TITLE, DraftVariant, Row, row::Column};
use crate::catalog::OptionView;

/// Maximum number of options of a product.
const MAX_OPTIONS: usize = 3;

/// An option of the product that is being read.
pub(super) struct Choice {
    /// Name of the option, such as `Size`.
    pub(super) name: String,
    source: Source,
}

/// Where the values of an option come from.
#[derive(Clone, Copy)]
enum Source {
    /// The column of this index.
    File(usize),
    /// The stored variant's value of this index, as the file lacks the column.
    Stored(usize),
}

/// The options that any row names or has a value for, and stored ones for which the file has no column.
/// Empty for a product with one variant and no options.
pub(super) fn choices(rows: &[Row], columns: &Columns, stored: &[OptionView]) -> Vec<Choice> {
    let variants = || rows.iter().filter(|row| !row.is_image_only());
    let value_of = |row: &Row, slot: usize| row.option_values()[slot].to_owned();
    let has_value = |slot: usize| variants().any(|row| !value_of(row, slot).is_empty());
    let only_default = variants().all(|row| {
        let value = value_of(row, 0);
        value.is_empty() || value == DEFAULT_TITLE
    });
    let is_default = has_value(0) && only_default && !has_value(1) && !has_value(2);
    let mut choices = Vec::new();
    for slot in 0..MAX_OPTIONS {
        let mut names = variants().map(|row| row.option_names()[slot]);
        let given = names.find(|name| !name.is_empty());
        let known = stored.get(slot).map(|option| option.name.as_str());
        let has_column = columns.has(Column::OPTION_VALUES[slot]);
        let is_used = match has_column {
            true => !is_default && (has_value(slot) || given.is_some()),
            false => known.is_some() && !is_default,
        };
        if is_used {
            let known = known.filter(|_| !columns.has(Column::OPTION_NAMES[slot]));
            choices.push(Choice {
                name: match given.or(known) {
                    Some(name) => name.to_owned(),
                    None => format!("Option {}", slot + 1),
                },
                source: match has_column {
                    true => Source::File(slot),
                    false => Source::Stored(slot),
                },
            });
        }
    }
    choices
}

/// The row's value of each option; `stored` are those of the variant that it means. Empty where there is
/// none.
pub(super) fn values(choices: &[Choice], row: &Row, stored: &[String]) -> Vec<String> {
    let value = |choice: &Choice| match choice.source {
        Source::File(slot) => row.option_values()[slot].to_owned(),
        Source::Stored(slot) => stored.get(slot).cloned().unwrap_or_default(),
    };
    choices.iter().map(value).collect()
}

/// Each option with the values that its variants use.
pub(super) fn used(choices: &[Choice], variants: &[DraftVariant]) -> Vec<OptionView> {
    let values = |index: usize| {
        let mut values: Vec<String> = Vec::new();
        for variant in variants {
            if let Some(value) = variant
                .option_values
                .get(index)
                .filter(|value| !values.contains(value))
            {
                values.push(value.clone());
            }
        }
        values
    };
    let option = |(index, choice): (usize, &Choice)| OptionView {
        name: choice.name.clone(),
        values: values(index),
    };
    choices.iter().enumerate().map(option).collect()
}
