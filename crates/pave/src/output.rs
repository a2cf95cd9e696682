//! Printing: data to standard output, words about it to standard error, readable without colour.

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use crate::cli::Format;

/// Writes a line to standard output. A closed pipe ends the program quietly, as other tools do.
pub(crate) fn line(text: impl AsRef<str>) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{}", text.as_ref())
        .and_then(|()| out.flush())
        .is_err()
    {
        std::process::exit(0);
    }
}

/// Writes a line to standard error.
pub(crate) fn note(text: impl AsRef<str>) {
    // There is nowhere left to complain to.
    drop(writeln!(io::stderr().lock(), "{}", text.as_ref()));
}

/// Whether to colour standard output.
pub(crate) fn coloured() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Prints a value in a machine's format; `false` when a table is asked for and the caller has to draw it.
pub(crate) fn machine(value: &Value, names: &[String], format: Format) -> bool {
    match format {
        Format::Table => return false,
        Format::Json => line(serde_json::to_string_pretty(value).unwrap_or_default()),
        Format::Yaml => line(pave_yaml::to_string(value).trim_end()),
        Format::Name => names.iter().for_each(line),
    }
    true
}

/// Prints rows under headings, columns as wide as their widest cell; the last one is never padded and nothing is cut.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        cells.chain([headings[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let print = |cells: Vec<&str>| {
        let last = cells.len() - 1;
        let padded: Vec<String> = cells
            .iter()
            .enumerate()
            .map(|(index, cell)| {
                if index == last {
                    (*cell).to_owned()
                } else {
                    format!("{cell:<0$}", widths[index])
                }
            })
            .collect();
        line(padded.join("   ").trim_end());
    };
    print(headings.to_vec());
    for row in rows {
        print(row.iter().map(String::as_str).collect());
    }
}
