//! Expressions, with the precedence that nunjucks really has.
//!
//! nunjucks prints its tree as JavaScript without parentheses, so JavaScript's precedence wins where the two differ:
//! `not a == b` is `(not a) == b`, and `a ~ b + c` is `(a ~ b) + c`.

use std::ops::Range;

use super::fault::{Fault, SYNTAX};
use super::lexer::{Lexeme, Syntax, Token, tokens};
use super::syntax::{Arguments, Expression, Kind, Node, Operator};

/// Nesting that is allowed; a guard of the stack.
const MAX_DEPTH: usize = 24;
/// Expressions that may stand within each other, chains such as `a + b + c` included.
const MAX_HEIGHT: usize = 56;

/// Parses a template text.
pub(crate) fn parse(source: &str, syntax: &Syntax) -> Result<Vec<Node>, Fault> {
    let mut parser = Parser {
        source,
        tokens: tokens(source, syntax),
        at: 0,
        depth: 0,
        too_high: false,
        drop_leading: false,
    };
    let nodes = parser.nodes(&[])?;
    match parser.peek() {
        None => Ok(nodes),
        Some(_) => Err(parser.unexpected("text or a statement")),
    }
}

pub(super) struct Parser<'a> {
    pub(super) source: &'a str,
    pub(super) tokens: Vec<Token>,
    pub(super) at: usize,
    depth: usize,
    too_high: bool,
    pub(super) drop_leading: bool,
}

type Parsed = Result<Expression, Fault>;

impl<'a> Parser<'a> {
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn text(&self, token: &Token) -> &'a str {
        &self.source[token.range.clone()]
    }

    /// Where parsing stands.
    pub(super) fn here(&self) -> Range<usize> {
        self.peek()
            .map_or(self.source.len()..self.source.len(), |token| token.range.clone())
    }

    /// End of the token before.
    fn last_end(&self) -> usize {
        self.at
            .checked_sub(1)
            .and_then(|before| self.tokens.get(before))
            .map_or(0, |token| token.range.end)
    }

    pub(super) fn unexpected(&self, expected: &str) -> Fault {
        let found = self
            .peek()
            .map_or("the end of the text", |token| self.text(token));
        let fault = Fault::new(
            SYNTAX,
            format!("found `{found}` where {expected} should stand"),
            self.here(),
        );
        match found.trim_start_matches(['&', '|']) {
            "" if found.starts_with('&') => {
                fault.with_help("write `and`; JavaScript's `&&` is not part of the language")
            }
            "" if found.starts_with('|') => {
                fault.with_help("write `or`; JavaScript's `||` is not part of the language")
            }
            "?" => fault.with_help("write `a if condition else b`; there is no `? :`"),
            "??" | "?." => {
                fault.with_help("write `x or y`, or the filter `default`; missing members are safe to read")
            }
            "!" => fault.with_help("write `not x`; JavaScript's `!` is not part of the language"),
            ">" if self.at > 0 && self.is_arrow() => {
                fault.with_help("there are no arrow functions; use filters")
            }
            _ => fault,
        }
    }

    fn is_arrow(&self) -> bool {
        self.tokens
            .get(self.at - 1)
            .is_some_and(|token| self.text(token) == "=")
    }

    pub(super) fn is_operator(&self, text: &str) -> bool {
        self.peek()
            .is_some_and(|token| token.lexeme == Lexeme::Operator && self.text(token) == text)
    }

    pub(super) fn skip_operator(&mut self, text: &str) -> bool {
        let found = self.is_operator(text);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect_operator(&mut self, text: &str) -> Result<(), Fault> {
        if self.skip_operator(text) {
            Ok(())
        } else {
            Err(self.unexpected(&format!("`{text}`")))
        }
    }

    pub(super) fn is_symbol(&self, text: &str) -> bool {
        self.peek()
            .is_some_and(|token| token.lexeme == Lexeme::Symbol && self.text(token) == text)
    }

    pub(super) fn skip_symbol(&mut self, text: &str) -> bool {
        let found = self.is_symbol(text);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect_symbol(&mut self, what: &str) -> Result<(String, Range<usize>), Fault> {
        match self.peek() {
            Some(token) if token.lexeme == Lexeme::Symbol => {
                let found = (self.text(token).to_owned(), token.range.clone());
                self.at += 1;
                Ok(found)
            }
            _ => Err(self.unexpected(what)),
        }
    }

    fn node(&mut self, start: usize, kind: Kind) -> Expression {
        let expression = Expression::new(kind, start..self.last_end().max(start));
        self.too_high = self.too_high || expression.height > MAX_HEIGHT;
        expression
    }

    /// Counts a level of nesting; [`Self::leave`] takes it back.
    pub(super) fn enter(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::new(SYNTAX, "this is nested too deeply", self.here()));
        }
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Ends a chain that has become too long to be evaluated.
    fn check_height(&self) -> Result<(), Fault> {
        if self.too_high {
            return Err(Fault::new(
                SYNTAX,
                "the expression is too long: set parts of it first",
                self.here(),
            ));
        }
        Ok(())
    }

    /// `a if b else c`, the loosest expression.
    pub(super) fn expression(&mut self) -> Parsed {
        self.enter()?;
        let start = self.here().start;
        let body = self.or()?;
        let result = if self.skip_symbol("if") {
            let condition = self.or()?;
            let otherwise = if self.skip_symbol("else") {
                Some(Box::new(self.or()?))
            } else {
                None
            };
            self.node(
                start,
                Kind::If {
                    condition: Box::new(condition),
                    body: Box::new(body),
                    otherwise,
                },
            )
        } else {
            body
        };
        self.leave();
        self.check_height()?;
        Ok(result)
    }

    fn or(&mut self) -> Parsed {
        let start = self.here().start;
        let mut left = self.and()?;
        while self.skip_symbol("or") {
            self.check_height()?;
            let right = self.and()?;
            left = self.binary(start, Operator::Or, left, right);
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let start = self.here().start;
        let mut left = self.not()?;
        while self.skip_symbol("and") {
            self.check_height()?;
            let right = self.not()?;
            left = self.binary(start, Operator::And, left, right);
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed {
        let start = self.here().start;
        if self.skip_symbol("not") {
            self.enter()?;
            let operand = self.not()?;
            self.leave();
            return Ok(negated(start, operand));
        }
        self.containment()
    }

    fn containment(&mut self) -> Parsed {
        let start = self.here().start;
        let mut left = self.test()?;
        loop {
            let mark = self.at;
            let inverted = self.skip_symbol("not");
            if !self.skip_symbol("in") {
                self.at = mark;
                return Ok(left);
            }
            self.check_height()?;
            let right = self.test()?;
            left = self.node(
                start,
                Kind::In {
                    needle: Box::new(left),
                    haystack: Box::new(right),
                },
            );
            if inverted {
                left = self.node(start, Kind::Not(Box::new(left)));
            }
        }
    }

    fn test(&mut self) -> Parsed {
        let start = self.here().start;
        let input = self.comparison()?;
        if !self.skip_symbol("is") {
            return Ok(input);
        }
        let inverted = self.skip_symbol("not");
        let right = self.comparison()?;
        let name_range = right.range.clone();
        let (name, arguments) = match right.kind {
            Kind::Call { callee, arguments } => (self.source[callee.range.clone()].to_owned(), arguments),
            Kind::Null => ("null".to_owned(), Arguments::default()),
            _ => (
                self.source[right.range.clone()].trim().to_owned(),
                Arguments::default(),
            ),
        };
        let test = self.node(
            start,
            Kind::Test {
                name,
                name_range,
                input: Box::new(input),
                arguments,
            },
        );
        Ok(if inverted {
            self.node(start, Kind::Not(Box::new(test)))
        } else {
            test
        })
    }

    fn comparison(&mut self) -> Parsed {
        self.level(0)
    }

    /// The left-associative levels from comparison down to power.
    fn level(&mut self, level: usize) -> Parsed {
        const LEVELS: [&[(&str, Operator)]; 6] = [
            &[
                ("==", Operator::Equal),
                ("===", Operator::StrictEqual),
                ("!=", Operator::NotEqual),
                ("!==", Operator::StrictNotEqual),
                ("<", Operator::Less),
                (">", Operator::Greater),
                ("<=", Operator::LessOrEqual),
                (">=", Operator::GreaterOrEqual),
            ],
            &[("~", Operator::Concat)],
            &[("+", Operator::Add), ("-", Operator::Subtract)],
            &[
                ("*", Operator::Multiply),
                ("/", Operator::Divide),
                ("%", Operator::Modulo),
            ],
            &[("//", Operator::FloorDivide)],
            &[("**", Operator::Power)],
        ];
        let Some(operators) = LEVELS.get(level) else {
            return self.unary(true);
        };
        let start = self.here().start;
        let mut left = self.level(level + 1)?;
        while let Some((_, operator)) = operators.iter().find(|(text, _)| self.is_operator(text)) {
            self.at += 1;
            self.check_height()?;
            let right = self.level(level + 1)?;
            left = if *operator == Operator::Concat {
                concatenated(left, right)
            } else {
                self.binary(start, *operator, left, right)
            };
            self.too_high = self.too_high || left.height > MAX_HEIGHT;
        }
        Ok(left)
    }

    fn binary(
        &mut self,
        start: usize,
        operator: Operator,
        left: Expression,
        right: Expression,
    ) -> Expression {
        self.node(
            start,
            Kind::Binary {
                operator,
                left: Box::new(left),
                right: Box::new(right),
            },
        )
    }

    fn unary(&mut self, filters: bool) -> Parsed {
        let start = self.here().start;
        let negative = self.is_operator("-");
        let value = if self.skip_operator("-") || self.skip_operator("+") {
            self.enter()?;
            let operand = Box::new(self.unary(false)?);
            self.leave();
            self.node(start, Kind::Sign { negative, operand })
        } else {
            self.primary()?
        };
        if filters {
            self.filters(start, value)
        } else {
            Ok(value)
        }
    }

    pub(super) fn filters(&mut self, start: usize, mut value: Expression) -> Parsed {
        while self.skip_operator("|") {
            self.check_height()?;
            let (name, name_range) = self.filter_name()?;
            let arguments = if self.is_operator("(") {
                self.arguments()?
            } else {
                Arguments::default()
            };
            value = self.node(
                start,
                Kind::Filter {
                    name,
                    name_range,
                    input: Box::new(value),
                    arguments,
                },
            );
        }
        Ok(value)
    }

    pub(super) fn filter_name(&mut self) -> Result<(String, Range<usize>), Fault> {
        let (mut name, mut range) = self.expect_symbol("the name of a filter").map_err(|fault| {
            if self.is_operator("|") {
                return fault.with_help("write `or`; JavaScript's `||` is not part of the language");
            }
            fault
        })?;
        while self.skip_operator(".") {
            let (part, part_range) = self.expect_symbol("the name of a filter")?;
            name = format!("{name}.{part}");
            range.end = part_range.end;
        }
        Ok((name, range))
    }

    /// A value with what follows it: members, calls.
    pub(super) fn primary(&mut self) -> Parsed {
        let start = self.here().start;
        let Some(token) = self.peek().cloned() else {
            return Err(self.unexpected("a value"));
        };
        let kind = match token.lexeme {
            Lexeme::String(text) => Kind::String(text),
            Lexeme::Number(number) => Kind::Number(number),
            Lexeme::Bool(value) => Kind::Bool(value),
            Lexeme::Null => Kind::Null,
            Lexeme::Regex { pattern, flags } => Kind::Regex { pattern, flags },
            Lexeme::Symbol if self.is_foreign_word(&token) => return Err(self.unexpected("a value")),
            Lexeme::Symbol => Kind::Name(self.text(&token).to_owned()),
            Lexeme::Operator => return self.aggregate(start),
            _ => return Err(self.unexpected("a value")),
        };
        self.at += 1;
        let value = self.node(start, kind);
        self.postfix(start, value)
    }

    /// Words such as `&&` that the lexer takes for names.
    fn is_foreign_word(&self, token: &Token) -> bool {
        matches!(self.text(token), "&&" | "?" | "??" | "?.")
    }

    fn aggregate(&mut self, start: usize) -> Parsed {
        let value = if self.skip_operator("(") {
            let items = self.list(")")?;
            if items.is_empty() {
                return Err(self.unexpected("a value between the parentheses"));
            }
            self.node(start, Kind::Group(items))
        } else if self.skip_operator("[") {
            let items = self.list("]")?;
            self.node(start, Kind::Array(items))
        } else if self.skip_operator("{") {
            let entries = self.dictionary()?;
            self.node(start, Kind::Object(entries))
        } else {
            return Err(self.unexpected("a value"));
        };
        self.postfix(start, value)
    }

    fn list(&mut self, close: &str) -> Result<Vec<Expression>, Fault> {
        let mut items = Vec::new();
        while !self.skip_operator(close) {
            if !items.is_empty() {
                self.expect_operator(",")?;
            }
            items.push(self.expression()?);
        }
        Ok(items)
    }

    fn dictionary(&mut self) -> Result<Vec<(String, Expression)>, Fault> {
        let mut entries = Vec::new();
        while !self.skip_operator("}") {
            if !entries.is_empty() {
                self.expect_operator(",")?;
            }
            let key = self.primary()?;
            let (Kind::Name(name) | Kind::String(name)) = key.kind else {
                return Err(Fault::new(
                    SYNTAX,
                    "the key of a map must be a name or a string",
                    key.range,
                ));
            };
            self.expect_operator(":")?;
            entries.push((name, self.expression()?));
        }
        Ok(entries)
    }

    pub(super) fn postfix(&mut self, start: usize, mut value: Expression) -> Parsed {
        loop {
            self.check_height()?;
            if self.is_operator("(") {
                let arguments = self.arguments()?;
                value = self.node(
                    start,
                    Kind::Call {
                        callee: Box::new(value),
                        arguments,
                    },
                );
            } else if self.skip_operator("[") {
                value = self.index(start, value)?;
            } else if self.skip_operator(".") {
                let key = self.member_name()?;
                value = self.node(
                    start,
                    Kind::Member {
                        object: Box::new(value),
                        key: Box::new(key),
                    },
                );
            } else {
                return Ok(value);
            }
        }
    }

    fn member_name(&mut self) -> Parsed {
        let start = self.here().start;
        let (name, _) = self.expect_symbol("the name of a member")?;
        Ok(self.node(start, Kind::String(name)))
    }

    /// `[key]` or, as Jinja has it, `[from:to:step]`.
    fn index(&mut self, start: usize, object: Expression) -> Parsed {
        let mut bounds: [Option<Box<Expression>>; 3] = [None, None, None];
        let mut position = 0;
        while !self.skip_operator("]") {
            if self.skip_operator(":") {
                position += 1;
                if position > 2 {
                    return Err(self.unexpected("`]`"));
                }
            } else if bounds[position].is_none() {
                bounds[position] = Some(Box::new(self.expression()?));
            } else {
                return Err(self.unexpected("`]`"));
            }
        }
        let object = Box::new(object);
        if position > 0 {
            return Ok(self.node(start, Kind::Slice { object, bounds }));
        }
        let [Some(key), ..] = bounds else {
            return Err(self.unexpected("an index"));
        };
        Ok(self.node(start, Kind::Member { object, key }))
    }

    pub(super) fn arguments(&mut self) -> Result<Arguments, Fault> {
        self.expect_operator("(")?;
        let mut arguments = Arguments::default();
        let mut first = true;
        while !self.skip_operator(")") {
            if !first {
                self.expect_operator(",")?;
            }
            first = false;
            let value = self.expression()?;
            if self.is_operator("=") {
                let Kind::Name(name) = value.kind else {
                    return Err(self.unexpected("`,` or `)`"));
                };
                self.at += 1;
                arguments.keywords.push((name, self.expression()?));
            } else {
                arguments.positional.push(value);
            }
        }
        Ok(arguments)
    }
}

/// `not` of an operand: it takes hold of the leftmost value of a comparison or sum.
fn negated(start: usize, operand: Expression) -> Expression {
    let range = start..operand.range.end;
    match operand.kind {
        Kind::Binary {
            operator,
            left,
            right,
        } if !matches!(
            operator,
            Operator::FloorDivide | Operator::Power | Operator::And | Operator::Or
        ) =>
        {
            let left = Box::new(negated(start, *left));
            Expression::new(
                Kind::Binary {
                    operator,
                    left,
                    right,
                },
                range,
            )
        }
        kind => {
            let operand = Box::new(Expression::new(kind, operand.range));
            Expression::new(Kind::Not(operand), range)
        }
    }
}

/// `~` of two sides: a sum on the right is added after, from left to right.
fn concatenated(left: Expression, right: Expression) -> Expression {
    let range = left.range.start..right.range.end;
    match right.kind {
        Kind::Binary {
            operator: operator @ (Operator::Add | Operator::Subtract),
            left: first,
            right: last,
        } => {
            let left = Box::new(concatenated(left, *first));
            Expression::new(
                Kind::Binary {
                    operator,
                    left,
                    right: last,
                },
                range,
            )
        }
        kind => {
            let right = Box::new(Expression::new(kind, right.range));
            let left = Box::new(left);
            Expression::new(
                Kind::Binary {
                    operator: Operator::Concat,
                    left,
                    right,
                },
                range,
            )
        }
    }
}
