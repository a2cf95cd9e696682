//! Terraform's error boxes, read back: message, file and line.

use std::collections::BTreeMap;

/// Follows Terraform's output line by line.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// Directory of the configuration, relative to the repository.
    directory: String,
    open: Option<Found>,
}

/// A message of Terraform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// `error` or `warning`.
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) data: BTreeMap<String, String>,
    /// Line of the log where it begins.
    pub(crate) line: u64,
}

impl Reader {
    pub(crate) fn new(directory: &str) -> Self {
        Self {
            directory: directory.trim_matches('/').to_owned(),
            open: None,
        }
    }

    /// Takes a line; gives a message when one is complete.
    pub(crate) fn line(&mut self, text: &str, number: u64) -> Option<Found> {
        let text = without_colours(text);
        let text = text.trim_end();
        if text.starts_with('╵') {
            return self.open.take();
        }
        let inside = text.strip_prefix('│').map(str::trim_start);
        let content = inside.unwrap_or(text).trim();
        let begun = [("Error: ", "error"), ("Warning: ", "warning")]
            .into_iter()
            .find_map(|(prefix, kind)| Some((kind, content.strip_prefix(prefix)?)));
        // Without a box (`-no-color` of old versions) an empty line or the next message ends one.
        if let Some((kind, summary)) = begun {
            let finished = self.open.take();
            let message = summary.trim().to_owned();
            self.open = Some(Found {
                kind,
                message,
                data: BTreeMap::new(),
                line: number,
            });
            return finished;
        }
        self.detail(content);
        None
    }

    /// What is still open at the end.
    pub(crate) fn finish(&mut self) -> Option<Found> {
        self.open.take()
    }

    fn detail(&mut self, content: &str) {
        let Some(open) = &mut self.open else { return };
        if let Some((file, line)) = place(content) {
            let path = if self.directory.is_empty() {
                file.to_owned()
            } else {
                format!("{}/{file}", self.directory)
            };
            open.data.insert("sourcepath".to_owned(), path);
            open.data.insert("linenumber".to_owned(), line.to_string());
            return;
        }
        let quoted = content
            .split_once(':')
            .is_some_and(|(number, _)| number.trim().parse::<u64>().is_ok());
        if !content.is_empty() && !quoted && open.message.len() < 2000 {
            let separator = if open.message.ends_with(['.', ':', '!', '?']) {
                " "
            } else {
                ": "
            };
            let separator = if open.message.contains(": ") {
                " "
            } else {
                separator
            };
            open.message.push_str(separator);
            open.message.push_str(content);
        }
    }
}

/// `on main.tf line 5, in resource "x" "y":` and `on main.tf line 5:`.
fn place(content: &str) -> Option<(&str, u64)> {
    let (file, rest) = content.strip_prefix("on ")?.split_once(" line ")?;
    let digits = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
    Some((file, rest[..digits].parse().ok()?))
}

/// Text without ANSI escape sequences.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character == '\u{1b}' {
            // A sequence ends with a letter.
            let _end = rest.find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str, &str, u64)]) {
        let mut reader = Reader::new("terraform/changed");
        let lines = text
            .lines()
            .enumerate()
            .filter_map(|(index, line)| reader.line(line, index as u64 + 1));
        let mut found: Vec<Found> = lines.collect();
        found.extend(reader.finish());
        let found: Vec<_> = found
            .iter()
            .map(|it| {
                let place = it
                    .data
                    .get("sourcepath")
                    .map(|path| format!("{path}:{}", it.data["linenumber"]));
                (it.kind, it.message.clone(), place.unwrap_or_default(), it.line)
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|it| (it.0, it.1.to_owned(), it.2.to_owned(), it.3))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn boxes_give_message_file_and_line() {
        check(
            "Planning\n\u{1b}[31m╷\u{1b}[0m\u{1b}[0m\n\u{1b}[31m│\u{1b}[0m \u{1b}[1mError: \u{1b}[0mUnsupported argument\n│ \n│   on main.tf line 5, in resource \"x\" \"y\":\n│    5:   nam = 1\n│ \n│ An argument named \"nam\" is not expected here.\n╵\nafter",
            &[(
                "error",
                "Unsupported argument: An argument named \"nam\" is not expected here.",
                "terraform/changed/main.tf:5",
                3,
            )],
        );
        check(
            "│ Warning: Old\n╵\n│ Error: New\n╵",
            &[("warning", "Old", "", 1), ("error", "New", "", 3)],
        );
        check("all is well", &[]);
    }
}
