//! From text to [`JsonPath`].

use serde_json::Value;

use super::{JsonPath, Operand, Operator, Step};

/// Text that is not a path of the supported subset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid JSONPath `{text}`: {detail}")]
pub struct JsonPathError {
    /// The whole text.
    pub text: String,
    /// What is wrong.
    pub detail: String,
}

pub(super) fn parse(text: &str) -> Result<JsonPath, JsonPathError> {
    let fail = |detail: String| JsonPathError {
        text: text.to_owned(),
        detail,
    };
    let trimmed = text.trim();
    let inner = match trimmed.strip_prefix('{') {
        Some(rest) => rest
            .strip_suffix('}')
            .ok_or_else(|| fail("missing `}`".to_owned()))?,
        None => trimmed,
    };
    let mut reader = Reader { rest: inner };
    let path = reader.path().map_err(fail)?;
    if reader.rest.is_empty() {
        Ok(path)
    } else {
        Err(fail(format!("unexpected `{}`", reader.rest)))
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn path(&mut self) -> Result<JsonPath, String> {
        let mut steps = Vec::new();
        if !self.eat("$") && !self.eat("@") && !self.rest.is_empty() && !self.rest.starts_with(['.', '[']) {
            steps.push(Step::Field(self.name()?));
        }
        loop {
            if self.eat("..") {
                steps.push(Step::Descend);
                if !self.rest.starts_with('[') {
                    steps.push(self.dotted()?);
                }
            } else if self.eat(".") {
                // A lone dot is the object itself.
                if !self.rest.is_empty() && !self.rest.starts_with('[') {
                    steps.push(self.dotted()?);
                }
            } else if self.eat("[") {
                steps.push(self.bracket()?);
            } else {
                return Ok(JsonPath { steps });
            }
        }
    }

    fn dotted(&mut self) -> Result<Step, String> {
        if self.eat("*") {
            Ok(Step::All)
        } else {
            self.name().map(Step::Field)
        }
    }

    fn name(&mut self) -> Result<String, String> {
        let mut name = String::new();
        let mut characters = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((index, character)) = characters.next() {
            match character {
                '\\' => name.extend(characters.next().map(|(_, escaped)| escaped)),
                '.' | '[' | ']' | ')' | '(' | '=' | '!' | '<' | '>' | ' ' | '{' | '}' | '\'' | '"' => {
                    end = index;
                    break;
                }
                other => name.push(other),
            }
        }
        self.rest = &self.rest[end..];
        if name.is_empty() {
            Err("missing field name".to_owned())
        } else {
            Ok(name)
        }
    }

    fn bracket(&mut self) -> Result<Step, String> {
        if self.eat("?(") {
            let filter = self.filter()?;
            return if self.eat(")") && self.eat("]") {
                Ok(filter)
            } else {
                Err("unterminated filter".to_owned())
            };
        }
        let mut steps = vec![self.selector()?];
        while self.eat(",") {
            steps.push(self.selector()?);
        }
        if !self.eat("]") {
            return Err("unterminated array".to_owned());
        }
        Ok(if steps.len() == 1 {
            steps.swap_remove(0)
        } else {
            Step::Union(steps)
        })
    }

    fn selector(&mut self) -> Result<Step, String> {
        self.skip_spaces();
        let step = if self.eat("*") {
            Step::All
        } else if self.rest.starts_with(['\'', '"']) {
            Step::Field(self.quoted()?)
        } else {
            let from = self.integer()?;
            if self.eat(":") {
                Step::Slice(from, self.integer()?)
            } else {
                Step::Index(from.ok_or("expected an index, a name in quotes, or `*`")?)
            }
        };
        self.skip_spaces();
        Ok(step)
    }

    fn integer(&mut self) -> Result<Option<i64>, String> {
        let end = self
            .rest
            .find(|character: char| !character.is_ascii_digit() && character != '-');
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if digits.is_empty() {
            return Ok(None);
        }
        self.rest = rest;
        digits
            .parse()
            .map(Some)
            .map_err(|_| format!("`{digits}` is not an index"))
    }

    fn quoted(&mut self) -> Result<String, String> {
        let mut characters = self.rest.char_indices();
        let Some((_, quote)) = characters.next() else {
            return Err("expected a quote".to_owned());
        };
        let mut text = String::new();
        while let Some((index, character)) = characters.next() {
            match character {
                '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
                _ if character == quote => {
                    self.rest = &self.rest[index + quote.len_utf8()..];
                    return Ok(text);
                }
                other => text.push(other),
            }
        }
        Err("unterminated quoted string".to_owned())
    }

    fn filter(&mut self) -> Result<Step, String> {
        let left = self.operand()?;
        let operator = self.operator();
        let right = match operator {
            Operator::Exists => Operand::Literal(Value::Bool(true)),
            _ => self.operand()?,
        };
        Ok(Step::Filter {
            left,
            operator,
            right,
        })
    }

    fn operator(&mut self) -> Operator {
        let known = [
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        known
            .into_iter()
            .find(|(token, _)| self.eat(token))
            .map_or(Operator::Exists, |(_, operator)| operator)
    }

    fn operand(&mut self) -> Result<Operand, String> {
        self.skip_spaces();
        let operand = if self.rest.starts_with(['@', '$']) {
            Operand::Path(self.path()?)
        } else if self.rest.starts_with(['\'', '"']) {
            Operand::Literal(Value::from(self.quoted()?))
        } else {
            Operand::Literal(self.literal()?)
        };
        self.skip_spaces();
        Ok(operand)
    }

    fn literal(&mut self) -> Result<Value, String> {
        let end = self
            .rest
            .find([')', ' ', '=', '!', '<', '>'])
            .unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        match serde_json::from_str(text) {
            Ok(value @ (Value::Bool(_) | Value::Number(_) | Value::Null)) => Ok(value),
            _ => Err(format!("`{text}` is not a value")),
        }
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }
}
