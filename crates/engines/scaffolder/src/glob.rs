//! File patterns as templates write them: `*`, `**`, `?`, `{a,b}`, `[ab]`, and `!` to take something out again.

use regex::Regex;

/// A list of patterns; the last one that matches decides.
#[derive(Debug, Default)]
pub(crate) struct Globs {
    patterns: Vec<(Regex, bool)>,
}

impl Globs {
    /// From pattern texts; the error names the one that cannot be read.
    pub(crate) fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut patterns = Vec::new();
        for text in texts {
            let (body, wanted) = text.strip_prefix('!').map_or((text, true), |body| (body, false));
            let body = body.trim_start_matches("./");
            let regex =
                Regex::new(&translate(body)).map_err(|_| format!("`{text}` is not a file pattern"))?;
            patterns.push((regex, wanted));
        }
        Ok(Self { patterns })
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        let decisive = self.patterns.iter().rev().find(|(regex, _)| regex.is_match(path));
        decisive.is_some_and(|(_, wanted)| *wanted)
    }
}

fn translate(pattern: &str) -> String {
    let mut regex = String::from("^");
    let mut chars = pattern.chars().peekable();
    let mut braces = 0;
    while let Some(char) = chars.next() {
        match char {
            '*' if chars.peek() == Some(&'*') => {
                chars.next();
                if chars.peek() == Some(&'/') {
                    chars.next();
                    regex.push_str("(?:.*/)?");
                } else {
                    regex.push_str(".*");
                }
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '{' => {
                braces += 1;
                regex.push_str("(?:");
            }
            '}' if braces > 0 => {
                braces -= 1;
                regex.push(')');
            }
            ',' if braces > 0 => regex.push('|'),
            '[' | ']' => regex.push(char),
            _ => regex.push_str(&regex::escape(&char.to_string())),
        }
    }
    regex.push_str("(?:/.*)?$");
    regex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_templates() {
        let check = |patterns: &[&str], path: &str, expected: bool| {
            let globs = Globs::new(patterns.iter().copied()).unwrap();
            assert_eq!(globs.matches(path), expected, "{patterns:?} {path}");
        };
        check(&["*.md"], "README.md", true);
        check(&["*.md"], "docs/README.md", false);
        check(&["**/*.md"], "README.md", true);
        check(&["**/*.md"], "a/b/c.md", true);
        check(&["docs"], "docs/a/b", true);
        check(&["docs/**", "!docs/keep.md"], "docs/keep.md", false);
        check(&["*.{yml,yaml}"], "a.yaml", true);
        check(&["./a.txt"], "a.txt", true);
    }
}
