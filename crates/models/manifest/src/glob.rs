//! Globs as Argo CD writes them: `*`, `**`, `?`, `[a-z]`, `[!a]`, `{a,b}` and `\` to escape.

use regex::Regex;

/// A compiled glob.
#[derive(Clone, Debug)]
pub struct Glob {
    pattern: String,
    regex: Option<Regex>,
}

impl Glob {
    /// Compiles a glob whose `*` crosses everything.
    ///
    /// Text that is not a glob (an unclosed bracket) matches itself only.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self::with_separator(pattern, None)
    }

    /// Compiles a glob whose `*` and `?` stop at a separator; `**` crosses it.
    #[must_use]
    pub fn with_separator(pattern: &str, separator: Option<char>) -> Self {
        Self {
            pattern: pattern.to_owned(),
            regex: translate(pattern, separator),
        }
    }

    /// Whether it matches the whole text.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.regex
            .as_ref()
            .map_or(self.pattern == text, |regex| regex.is_match(text))
    }
}

/// Whether a pattern matches a text; `*` crosses everything.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    // The two common cases need no regular expression.
    pattern == "*" || pattern == text || Glob::new(pattern).is_match(text)
}

fn translate(pattern: &str, separator: Option<char>) -> Option<Regex> {
    let one = separator.map_or_else(
        || ".".to_owned(),
        |it| format!("[^{}]", regex::escape(&it.to_string())),
    );
    let mut expression = String::from("(?s)^");
    let mut depth = 0_usize;
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '*' if characters.next_if_eq(&'*').is_some() => expression.push_str(".*"),
            '*' => {
                expression.push_str(&one);
                expression.push('*');
            }
            '?' => expression.push_str(&one),
            '\\' => expression.push_str(&regex::escape(&characters.next()?.to_string())),
            '[' => {
                expression.push('[');
                if characters.next_if_eq(&'!').is_some() {
                    expression.push('^');
                }
                loop {
                    match characters.next()? {
                        ']' => break,
                        it @ ('[' | '\\' | '^' | '&' | '~') => {
                            expression.push('\\');
                            expression.push(it);
                        }
                        it => expression.push(it),
                    }
                }
                expression.push(']');
            }
            '{' => {
                depth += 1;
                expression.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                expression.push(')');
            }
            ',' if depth > 0 => expression.push('|'),
            it => expression.push_str(&regex::escape(&it.to_string())),
        }
    }
    expression.push('$');
    Regex::new(&expression).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_upstream() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(matches(pattern, text), expected, "{pattern} against {text}");
        };
        check("*.yaml", "a/b.yaml", true);
        check("{a,b}.yaml", "b.yaml", true);
        check("{a,b}.yaml", "c.yaml", false);
        check("env-?.yml", "env-1.yml", true);
        check("[!x]*", "xa", false);
        check("[a-c]*", "ba", true);
        check("*.crossplane.io", "apiextensions.crossplane.io", true);
        check("a[", "a[", true);
        check("a.b", "axb", false);
        let check = |pattern: &str, text: &str, expected: bool| {
            let glob = Glob::with_separator(pattern, Some('/'));
            assert_eq!(glob.is_match(text), expected, "{pattern} against {text}");
        };
        check("https://host/*", "https://host/a", true);
        check("https://host/*", "https://host/a/b", false);
        check("https://host/**", "https://host/a/b", true);
    }
}
