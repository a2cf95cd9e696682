//! Cuts a template text into tokens, switching between text, interpolations and statements.

use std::ops::Range;

/// Delimiters and whitespace rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syntax {
    /// What opens an interpolation: `${{`, or `{{` in cookiecutter mode.
    pub variable_start: String,
    /// Drops the newline after a statement.
    pub trim_blocks: bool,
    /// Drops blanks before a statement that begins a line.
    pub lstrip_blocks: bool,
}

impl Default for Syntax {
    fn default() -> Self {
        Self {
            variable_start: "${{".to_owned(),
            trim_blocks: false,
            lstrip_blocks: false,
        }
    }
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Lexeme {
    Data,
    Raw,
    Comment,
    BlockStart,
    BlockEnd,
    VariableStart,
    VariableEnd,
    String(String),
    Number(f64),
    Bool(bool),
    Null,
    Regex { pattern: String, flags: String },
    Symbol,
    Operator,
}

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) lexeme: Lexeme,
    pub(crate) range: Range<usize>,
}

const BLOCK_START: &str = "{%";
const BLOCK_END: &str = "%}";
const VARIABLE_END: &str = "}}";
const COMMENT_START: &str = "{#";
const COMMENT_END: &str = "#}";
const DELIMITERS: &str = "()[]{}%*-+~/#,:|.<>=!";
const LONG_OPERATORS: [&str; 8] = ["===", "!==", "==", "!=", "<=", ">=", "//", "**"];

/// Cuts a text into tokens.
pub(crate) fn tokens(source: &str, syntax: &Syntax) -> Vec<Token> {
    let mut lexer = Lexer {
        source,
        syntax,
        at: 0,
        tokens: Vec::new(),
    };
    while lexer.at < source.len() {
        lexer.text();
    }
    lexer.tokens
}

struct Lexer<'a> {
    source: &'a str,
    syntax: &'a Syntax,
    at: usize,
    tokens: Vec<Token>,
}

fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\n' | '\t' | '\r' | '\u{a0}')
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn push(&mut self, lexeme: Lexeme, length: usize) {
        self.tokens.push(Token {
            lexeme,
            range: self.at..self.at + length,
        });
        self.at += length;
    }

    /// Text up to the next delimiter, then what that opens.
    fn text(&mut self) {
        let variable = self.syntax.variable_start.clone();
        let rest = self.rest();
        let next = [BLOCK_START, &variable, COMMENT_START]
            .iter()
            .filter_map(|opener| rest.find(*opener))
            .min()
            .unwrap_or(rest.len());
        if next > 0 {
            let opens_block = rest[next..].starts_with(BLOCK_START) && !rest[next..].starts_with(&variable);
            let kept = if self.syntax.lstrip_blocks && opens_block {
                without_indent(rest, next, self.at == 0)
            } else {
                next
            };
            self.push(Lexeme::Data, kept);
            self.at += next - kept;
        }
        let rest = self.rest();
        if rest.is_empty() {
            return;
        }
        // nunjucks tries statements before interpolations, and comments last.
        if rest.starts_with(BLOCK_START) {
            self.open(Lexeme::BlockStart, BLOCK_START.len());
        } else if rest.starts_with(&variable) {
            self.open(Lexeme::VariableStart, variable.len());
        } else {
            let end = rest
                .find(COMMENT_END)
                .map_or(rest.len(), |end| end + COMMENT_END.len());
            self.push(Lexeme::Comment, end);
        }
    }

    fn open(&mut self, lexeme: Lexeme, length: usize) {
        let dash = usize::from(self.rest()[length..].starts_with('-'));
        self.push(lexeme, length + dash);
        while self.at < self.source.len() {
            if self.code() {
                break;
            }
        }
    }

    /// One token of code; true when it closes the code.
    fn code(&mut self) -> bool {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return true;
        };
        if first == '"' || first == '\'' {
            let (text, length) = quoted(rest, first);
            self.push(Lexeme::String(text), length);
        } else if is_space(first) {
            self.at += rest.len() - rest.trim_start_matches(is_space).len();
        } else if let Some(length) = closer(rest, BLOCK_END) {
            let length = length + self.trimmed_newline(length);
            self.push(Lexeme::BlockEnd, length);
            self.raw_body();
            return true;
        } else if let Some(length) = closer(rest, VARIABLE_END) {
            self.push(Lexeme::VariableEnd, length);
            return true;
        } else if let Some((pattern, flags, length)) = regex(rest) {
            self.push(Lexeme::Regex { pattern, flags }, length);
        } else if DELIMITERS.contains(first) {
            let long = LONG_OPERATORS
                .iter()
                .find(|operator| rest.starts_with(**operator));
            self.push(Lexeme::Operator, long.map_or(1, |operator| operator.len()));
        } else {
            self.word();
        }
        false
    }

    fn trimmed_newline(&self, length: usize) -> usize {
        let after = &self.rest()[length..];
        match self.syntax.trim_blocks {
            true if after.starts_with('\n') => 1,
            true if after.starts_with("\r\n") => 2,
            _ => 0,
        }
    }

    fn word(&mut self) {
        let rest = self.rest();
        let length = rest
            .find(|char| is_space(char) || DELIMITERS.contains(char))
            .unwrap_or(rest.len());
        let word = &rest[..length];
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            let fraction = rest[length..]
                .strip_prefix('.')
                .map_or(0, |tail| tail.bytes().take_while(u8::is_ascii_digit).count());
            let length = if rest[length..].starts_with('.') {
                length + 1 + fraction
            } else {
                length
            };
            let number = rest[..length].parse().unwrap_or(f64::NAN);
            return self.push(Lexeme::Number(number), length);
        }
        let lexeme = match word {
            "true" => Lexeme::Bool(true),
            "false" => Lexeme::Bool(false),
            "none" | "null" => Lexeme::Null,
            _ => Lexeme::Symbol,
        };
        self.push(lexeme, length);
    }

    /// After `{% raw %}`: the text up to its end is one token.
    fn raw_body(&mut self) {
        let [.., start, name, _end] = &self.tokens[..] else {
            return;
        };
        let word = &self.source[name.range.clone()];
        if start.lexeme != Lexeme::BlockStart || !matches!(word, "raw" | "verbatim") {
            return;
        }
        let word = word.to_owned();
        let mut depth = 1;
        let mut from = self.at;
        while let Some(found) = self.source[from..].find(BLOCK_START) {
            let open = from + found;
            let inner = self.source[open + 2..]
                .trim_start_matches('-')
                .trim_start_matches(is_space);
            let tag: String = inner.chars().take_while(char::is_ascii_alphabetic).collect();
            if tag == word {
                depth += 1;
            } else if tag == format!("end{word}") {
                depth -= 1;
            }
            if depth == 0 {
                let length = open - self.at;
                return self.push(Lexeme::Raw, length);
            }
            from = open + 2;
        }
    }
}

/// Where a text ends when the blanks of its last line are dropped.
fn without_indent(rest: &str, end: usize, at_start: bool) -> usize {
    let line = rest[..end]
        .rfind('\n')
        .map(|newline| newline + 1)
        .or_else(|| at_start.then_some(0));
    match line {
        Some(line) if rest[line..end].chars().all(char::is_whitespace) => line,
        _ => end,
    }
}

fn closer(rest: &str, end: &str) -> Option<usize> {
    if rest.starts_with(end) {
        return Some(end.len());
    }
    rest.strip_prefix('-')
        .filter(|rest| rest.starts_with(end))
        .map(|_| end.len() + 1)
}

fn quoted(rest: &str, quote: char) -> (String, usize) {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((index, char)) = chars.next() {
        if char == quote {
            return (text, index + 1);
        }
        if char != '\\' {
            text.push(char);
            continue;
        }
        match chars.next() {
            Some((_, 'n')) => text.push('\n'),
            Some((_, 't')) => text.push('\t'),
            Some((_, 'r')) => text.push('\r'),
            Some((_, other)) => text.push(other),
            None => {}
        }
    }
    (text, rest.len())
}

/// `r/pattern/flags`.
fn regex(rest: &str) -> Option<(String, String, usize)> {
    let body = rest.strip_prefix("r/")?;
    let mut pattern = String::new();
    let mut chars = body.char_indices();
    while let Some((index, char)) = chars.next() {
        match char {
            '/' => {
                let tail = &body[index + 1..];
                let flags: String = tail.chars().take_while(|flag| "gimy".contains(*flag)).collect();
                let length = 2 + index + 1 + flags.len();
                return Some((pattern, flags, length));
            }
            '\\' => {
                pattern.push(char);
                pattern.extend(chars.next().map(|(_, next)| next));
            }
            _ => pattern.push(char),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[&str]) {
        let found = tokens(source, &Syntax::default());
        let texts: Vec<&str> = found.iter().map(|token| &source[token.range.clone()]).collect();
        assert_eq!(texts, expected, "{source}");
    }

    #[test]
    fn texts_are_cut_into_tokens() {
        check("a ${{ b.c }} d", &["a ", "${{", "b", ".", "c", "}}", " d"]);
        check("{%- if x -%}", &["{%-", "if", "x", "-%}"]);
        check(
            "${{ 'it\\'s' === r/a\\/b/gi }}",
            &["${{", "'it\\'s'", "===", "r/a\\/b/gi", "}}"],
        );
        check("{# note #}x", &["{# note #}", "x"]);
        check(
            "{% raw %}${{ a }}{% endraw %}",
            &["{%", "raw", "%}", "${{ a }}", "{%", "endraw", "%}"],
        );
        check("${{ a ? b : c }}", &["${{", "a", "?", "b", ":", "c", "}}"]);
    }
}
