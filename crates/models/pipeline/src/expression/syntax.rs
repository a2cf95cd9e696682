use std::ops::Range;

use pave_diagnostic::nearest;

use super::functions::{self, Function};
use super::{ExpressionError, Value, Version};

/// A parsed expression.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(super) kind: Kind,
    pub(crate) range: Range<usize>,
}

/// A string with its bytes in the expression.
pub(crate) type PlacedText = (String, Range<usize>);

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Literal(Value),
    /// A named value: `parameters`, `variables`, a loop variable.
    Name(String),
    Call(&'static Function, Vec<Expression>),
    /// `a.b` and `a['b']`.
    Index(Box<Expression>, Box<Expression>),
    /// `a.*`
    Every(Box<Expression>),
}

impl Expression {
    /// Every name that stands in it, with its place; for finding what an expression depends on.
    pub(crate) fn visit(&self, look: &mut dyn FnMut(&Expression)) {
        look(self);
        match &self.kind {
            Kind::Literal(_) | Kind::Name(_) => {}
            Kind::Call(_, arguments) => arguments.iter().for_each(|argument| argument.visit(look)),
            Kind::Index(left, right) => {
                left.visit(look);
                right.visit(look);
            }
            Kind::Every(left) => left.visit(look),
        }
    }

    /// Whether it is `a.b` or `a['b']`.
    pub(crate) fn is_reference(&self) -> bool {
        matches!(self.kind, Kind::Index(..))
    }

    /// For `a.b` with a plain name and a literal key: both.
    pub(crate) fn member(&self) -> Option<(&str, String)> {
        let Kind::Index(left, right) = &self.kind else {
            return None;
        };
        match (&left.kind, &right.kind) {
            (Kind::Name(name), Kind::Literal(key)) => Some((name, key.to_text()?)),
            _ => None,
        }
    }

    /// For a call: the function's name and its literal string arguments.
    pub(crate) fn call(&self) -> Option<(&'static str, Vec<PlacedText>)> {
        let Kind::Call(function, arguments) = &self.kind else {
            return None;
        };
        let texts = arguments.iter().filter_map(|argument| match &argument.kind {
            Kind::Literal(Value::Text(text)) => Some((text.to_string(), argument.range.clone())),
            _ => None,
        });
        Some((function.name, texts.collect()))
    }
}

/// Parses an expression whose names must be among `names`.
pub(crate) fn parse(text: &str, names: &[String]) -> Result<Expression, ExpressionError> {
    let mut parser = Parser {
        text,
        position: 0,
        names,
        depth: 0,
    };
    parser.blanks();
    if parser.rest().is_empty() {
        return Err(ExpressionError::new(
            "an expression is expected here",
            0..text.len(),
        ));
    }
    let expression = parser.expression()?;
    parser.blanks();
    if parser.rest().is_empty() {
        Ok(expression)
    } else {
        Err(parser.surplus())
    }
}

/// Deeper nesting than anyone writes; a guard for the stack.
const DEEPEST: usize = 50;

struct Parser<'a> {
    text: &'a str,
    position: usize,
    names: &'a [String],
    depth: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.position..]
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, expected: char) -> bool {
        self.blanks();
        let found = self.rest().starts_with(expected);
        if found {
            self.position += expected.len_utf8();
        }
        found
    }

    fn word(&mut self) -> &str {
        let rest = &self.text[self.position..];
        let length = rest
            .find(|char: char| !(char.is_ascii_alphanumeric() || matches!(char, '_' | '-')))
            .unwrap_or(rest.len());
        self.position += length;
        &rest[..length]
    }

    fn expression(&mut self) -> Result<Expression, ExpressionError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let here = self.position..self.text.len();
            return Err(ExpressionError::new("the expression is nested too deep", here));
        }
        self.blanks();
        let start = self.position;
        let mut left = self.primary()?;
        loop {
            self.blanks();
            let kind = if self.rest().starts_with('.') {
                self.position += 1;
                self.blanks();
                if self.take('*') {
                    Kind::Every(Box::new(left))
                } else {
                    Kind::Index(Box::new(left), Box::new(self.property()?))
                }
            } else if self.take('[') {
                self.index(left)?
            } else {
                break;
            };
            left = Expression {
                kind,
                range: start..self.position,
            };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn index(&mut self, left: Expression) -> Result<Kind, ExpressionError> {
        let open = self.position - 1;
        let kind = if self.take('*') {
            Kind::Every(Box::new(left))
        } else {
            Kind::Index(Box::new(left), Box::new(self.expression()?))
        };
        if self.take(']') {
            Ok(kind)
        } else {
            Err(ExpressionError::new("`]` is missing", open..self.text.len()))
        }
    }

    fn property(&mut self) -> Result<Expression, ExpressionError> {
        let start = self.position;
        let name = self.word().to_owned();
        if name.is_empty() {
            return Err(ExpressionError::new(
                "a property name is expected after `.`",
                start..start + 1,
            ));
        }
        Ok(Expression {
            kind: Kind::Literal(Value::text(name)),
            range: start..self.position,
        })
    }

    fn primary(&mut self) -> Result<Expression, ExpressionError> {
        let start = self.position;
        let kind = match self.rest().chars().next() {
            None => {
                return Err(ExpressionError::new(
                    "an expression is expected here",
                    start..start,
                ));
            }
            Some('\'') => Kind::Literal(self.string()?),
            Some('"') => {
                return Err(
                    ExpressionError::new("strings stand in single quotes", start..start + 1)
                        .with_help("write 'text', and '' for a quote inside"),
                );
            }
            Some(first) if first.is_ascii_digit() || matches!(first, '-' | '.') => {
                Kind::Literal(self.number()?)
            }
            Some(first) if first.is_ascii_alphabetic() || first == '_' => return self.named(),
            Some(_) => return Err(self.surplus()),
        };
        Ok(Expression {
            kind,
            range: start..self.position,
        })
    }

    fn string(&mut self) -> Result<Value, ExpressionError> {
        let start = self.position;
        self.position += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let Some(quote) = rest.find('\'') else {
                return Err(ExpressionError::new(
                    "the string has no closing `'`",
                    start..self.text.len(),
                ));
            };
            text.push_str(&rest[..quote]);
            let doubled = rest[quote + 1..].starts_with('\'');
            self.position += quote + 1;
            if !doubled {
                return Ok(Value::text(text));
            }
            text.push('\'');
            self.position += 1;
        }
    }

    fn number(&mut self) -> Result<Value, ExpressionError> {
        let start = self.position;
        let rest = self.rest();
        let length = rest
            .find(|char: char| !(char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '+')))
            .unwrap_or(rest.len());
        let text = rest[..length].to_owned();
        self.position += length;
        if text.matches('.').count() >= 2 {
            if let Some(version) = Version::parse(&text) {
                return Ok(Value::Version(version));
            }
        } else if let Some(number) = Value::text(&text).to_number() {
            return Ok(Value::Number(number));
        }
        Err(ExpressionError::new(
            format!("`{text}` is neither a number nor a version"),
            start..self.position,
        ))
    }

    fn named(&mut self) -> Result<Expression, ExpressionError> {
        let start = self.position;
        let word = self.word().to_owned();
        let range = start..self.position;
        if self.take('(') {
            return self.call(&word, range);
        }
        let known = self.names.iter().find(|name| name.eq_ignore_ascii_case(&word));
        let kind = match (word.to_ascii_lowercase().as_str(), known) {
            ("true", _) => Kind::Literal(Value::Boolean(true)),
            ("false", _) => Kind::Literal(Value::Boolean(false)),
            (_, Some(name)) => Kind::Name(name.clone()),
            (_, None) => return Err(self.unknown_name(&word, range)),
        };
        Ok(Expression { kind, range })
    }

    fn unknown_name(&self, word: &str, range: Range<usize>) -> ExpressionError {
        let error = ExpressionError::new(format!("`{word}` is not known here"), range);
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        if word.eq_ignore_ascii_case("null") {
            return error.with_help("there is no null literal; compare with ''");
        }
        if functions::find(word).is_some() {
            return error.with_help(format!("it is a function: write {word}(…)"));
        }
        match nearest(word, names.iter().copied()) {
            Some(name) => error.with_help(format!("did you mean `{name}`?")),
            None => error.with_help(format!(
                "known are {}; a string stands in single quotes: '{word}'",
                names.join(", ")
            )),
        }
    }

    fn call(&mut self, word: &str, range: Range<usize>) -> Result<Expression, ExpressionError> {
        let Some(function) = functions::find(word) else {
            let error = ExpressionError::new(format!("there is no function `{word}`"), range);
            return Err(match nearest(word, functions::names()) {
                Some(name) => error.with_help(format!("did you mean `{name}`?")),
                None => error,
            });
        };
        let mut arguments = Vec::new();
        if !self.take(')') {
            loop {
                arguments.push(self.expression()?);
                if self.take(',') {
                    continue;
                }
                if self.take(')') {
                    break;
                }
                if self.rest().is_empty() {
                    let open = range.start..self.text.len();
                    return Err(ExpressionError::new(
                        format!("`{word}(` has no closing `)`"),
                        open,
                    ));
                }
                return Err(self.surplus());
            }
        }
        let range = range.start..self.position;
        if !function.takes(arguments.len()) {
            return Err(ExpressionError::new(
                format!(
                    "`{}` takes {}, not {}",
                    function.name,
                    function.arity(),
                    arguments.len()
                ),
                range,
            ));
        }
        Ok(Expression {
            kind: Kind::Call(function, arguments),
            range,
        })
    }

    /// Something stands where nothing can: most often an operator of another language.
    fn surplus(&self) -> ExpressionError {
        const OPERATORS: [(&str, &str); 12] = [
            ("==", "eq(a, b)"),
            ("!=", "ne(a, b)"),
            ("&&", "and(a, b)"),
            ("||", "or(a, b)"),
            (">=", "ge(a, b)"),
            ("<=", "le(a, b)"),
            (">", "gt(a, b)"),
            ("<", "lt(a, b)"),
            ("!", "not(a)"),
            ("?", "iif(condition, a, b)"),
            ("+", "format('{0}{1}', a, b)"),
            ("$(", "variables['name']"),
        ];
        let rest = self.rest();
        for (operator, instead) in OPERATORS {
            if rest.starts_with(operator) {
                let range = self.position..self.position + operator.len();
                return ExpressionError::new(format!("`{operator}` means nothing in expressions"), range)
                    .with_help(format!("write {instead}"));
            }
        }
        let found: String = rest
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .chars()
            .take(20)
            .collect();
        let range = self.position..self.position + found.len().max(1).min(rest.len());
        ExpressionError::new(format!("`{found}` is not expected here"), range)
    }
}
