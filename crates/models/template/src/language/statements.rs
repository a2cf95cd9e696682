//! Statements and text.

use std::rc::Rc;

use super::fault::{Fault, STATEMENT, SYNTAX};
use super::lexer::{Lexeme, Token};
use super::parser::Parser;
use super::syntax::{Expression, Kind, MacroDefinition, Node};

type Nodes = Result<Vec<Node>, Fault>;

impl Parser<'_> {
    /// Parses until one of the named statements comes (left unread, after its opening), or the text ends.
    pub(super) fn nodes(&mut self, until: &[&str]) -> Nodes {
        let mut nodes = Vec::new();
        while let Some(token) = self.peek().cloned() {
            match token.lexeme {
                Lexeme::Data => self.data(&token, &mut nodes),
                Lexeme::Comment => self.comment(&token)?,
                Lexeme::VariableStart => nodes.push(self.output()?),
                Lexeme::BlockStart => {
                    self.drop_leading = false;
                    self.at += 1;
                    if self.peek().is_some_and(|token| until.contains(&self.text(token))) {
                        return Ok(nodes);
                    }
                    self.enter()?;
                    nodes.extend(self.statement()?);
                    self.leave();
                }
                _ => return Err(self.unexpected("text or a statement")),
            }
        }
        Ok(nodes)
    }

    fn data(&mut self, token: &Token, nodes: &mut Vec<Node>) {
        self.at += 1;
        let mut text = self.text(token);
        if std::mem::take(&mut self.drop_leading) {
            text = text.trim_start();
        }
        if self
            .peek()
            .is_some_and(|next| opens_with_dash(next, self.text(next)))
        {
            text = text.trim_end();
        }
        nodes.push(Node::Data(text.to_owned()));
    }

    fn comment(&mut self, token: &Token) -> Result<(), Fault> {
        let text = self.text(token);
        if !text.ends_with("#}") || text.len() < 4 {
            return Err(Fault::new(
                SYNTAX,
                "the comment `{#` is not closed by `#}`",
                token.range.clone(),
            ));
        }
        self.drop_leading = text.ends_with("-#}");
        self.at += 1;
        Ok(())
    }

    fn output(&mut self) -> Result<Node, Fault> {
        self.drop_leading = false;
        self.at += 1;
        let expression = self.expression()?;
        match self.peek().cloned() {
            Some(token) if token.lexeme == Lexeme::VariableEnd => {
                self.drop_leading = self.text(&token).starts_with('-');
                self.at += 1;
                Ok(Node::Output(expression))
            }
            _ => Err(self.unexpected("`}}`")),
        }
    }

    fn block_end(&mut self) -> Result<(), Fault> {
        match self.peek().cloned() {
            Some(token) if token.lexeme == Lexeme::BlockEnd => {
                self.drop_leading = self.text(&token).starts_with('-');
                self.at += 1;
                Ok(())
            }
            _ => Err(self.unexpected("`%}`")),
        }
    }

    /// Reads the closing statement that `nodes` stopped at.
    fn close(&mut self, name: &str) -> Result<(), Fault> {
        if !self.skip_symbol(name) {
            return Err(self.unexpected(&format!("`{{% {name} %}}`")));
        }
        self.block_end()
    }

    fn statement(&mut self) -> Result<Option<Node>, Fault> {
        let (name, range) = self.expect_symbol("the name of a statement")?;
        Ok(Some(match name.as_str() {
            "if" | "ifAsync" => self.condition()?,
            "for" | "asyncEach" | "asyncAll" => self.for_loop(&name)?,
            "set" => self.set()?,
            "macro" => self.macro_definition()?,
            "call" => self.call()?,
            "filter" => self.filter_block()?,
            "switch" => self.switch()?,
            "block" => self.block()?,
            "raw" | "verbatim" => self.raw(&name)?,
            "include" | "import" | "from" | "extends" => {
                return Err(Fault::new(
                    STATEMENT,
                    format!("`{name}` reads other files, which templates may not"),
                    range,
                ));
            }
            _ => return Err(unknown_statement(&name, range)),
        }))
    }

    fn condition(&mut self) -> Result<Node, Fault> {
        let mut branches = Vec::new();
        let mut condition = Some(self.expression()?);
        loop {
            self.block_end()?;
            let body = self.nodes(&["elif", "elseif", "else", "endif"])?;
            branches.push((condition.take(), body));
            if self.skip_symbol("elif") || self.skip_symbol("elseif") {
                condition = Some(self.expression()?);
            } else if self.skip_symbol("else") {
                self.block_end()?;
                let body = self.nodes(&["endif"])?;
                branches.push((None, body));
                self.close("endif")?;
                return Ok(Node::If(branches));
            } else {
                self.close("endif")?;
                return Ok(Node::If(branches));
            }
        }
    }

    fn targets(&mut self) -> Result<Vec<String>, Fault> {
        let mut targets = Vec::new();
        loop {
            targets.push(self.expect_symbol("the name of a variable")?.0);
            if !self.skip_operator(",") {
                return Ok(targets);
            }
        }
    }

    fn for_loop(&mut self, name: &str) -> Result<Node, Fault> {
        let end = match name {
            "asyncEach" => "endeach",
            "asyncAll" => "endall",
            _ => "endfor",
        };
        let targets = self.targets()?;
        if !self.skip_symbol("in") {
            return Err(self.unexpected("`in`"));
        }
        let iterable = self.expression()?;
        self.block_end()?;
        let body = self.nodes(&[end, "else"])?;
        let otherwise = if self.skip_symbol("else") {
            self.block_end()?;
            self.nodes(&[end])?
        } else {
            Vec::new()
        };
        self.close(end)?;
        Ok(Node::For {
            targets,
            iterable,
            body,
            otherwise,
        })
    }

    fn set(&mut self) -> Result<Node, Fault> {
        let targets = self.targets()?;
        if self.skip_operator("=") {
            let value = self.expression()?;
            self.block_end()?;
            return Ok(Node::Set { targets, value });
        }
        self.block_end()?;
        let body = self.nodes(&["endset"])?;
        self.close("endset")?;
        Ok(Node::SetBlock { targets, body })
    }

    fn parameters(&mut self) -> Result<Vec<(String, Option<Expression>)>, Fault> {
        let arguments = self.arguments()?;
        let mut parameters = Vec::new();
        for argument in arguments.positional {
            let Kind::Name(name) = argument.kind else {
                return Err(Fault::new(
                    SYNTAX,
                    "a macro's parameter must be a name",
                    argument.range,
                ));
            };
            parameters.push((name, None));
        }
        parameters.extend(
            arguments
                .keywords
                .into_iter()
                .map(|(name, value)| (name, Some(value))),
        );
        Ok(parameters)
    }

    fn macro_definition(&mut self) -> Result<Node, Fault> {
        let (name, _) = self.expect_symbol("the name of a macro")?;
        let parameters = self.parameters()?;
        self.block_end()?;
        let body = self.nodes(&["endmacro"])?;
        self.close("endmacro")?;
        Ok(Node::Macro(Rc::new(MacroDefinition {
            name,
            parameters,
            body,
        })))
    }

    fn call(&mut self) -> Result<Node, Fault> {
        let parameters = if self.is_operator("(") {
            self.parameters()?
        } else {
            Vec::new()
        };
        let call = self.primary()?;
        if !matches!(call.kind, Kind::Call { .. }) {
            return Err(Fault::new(
                SYNTAX,
                "`call` needs a call such as `name(…)`",
                call.range,
            ));
        }
        self.block_end()?;
        let body = self.nodes(&["endcall"])?;
        self.close("endcall")?;
        Ok(Node::Call {
            call,
            body: Rc::new(MacroDefinition {
                name: "caller".to_owned(),
                parameters,
                body,
            }),
        })
    }

    fn filter_block(&mut self) -> Result<Node, Fault> {
        let (name, name_range) = self.filter_name()?;
        let arguments = if self.is_operator("(") {
            self.arguments()?
        } else {
            super::syntax::Arguments::default()
        };
        self.block_end()?;
        let body = self.nodes(&["endfilter"])?;
        self.close("endfilter")?;
        Ok(Node::FilterBlock {
            name,
            name_range,
            arguments,
            body,
        })
    }

    fn switch(&mut self) -> Result<Node, Fault> {
        let value = self.expression()?;
        self.block_end()?;
        // Text before the first case is dropped, as upstream does.
        drop(self.nodes(&["case", "default", "endswitch"])?);
        let mut cases = Vec::new();
        while self.skip_symbol("case") {
            let case = self.expression()?;
            self.block_end()?;
            cases.push((case, self.nodes(&["case", "default", "endswitch"])?));
        }
        let mut default = Vec::new();
        if self.skip_symbol("default") {
            self.block_end()?;
            default = self.nodes(&["endswitch"])?;
        }
        self.close("endswitch")?;
        Ok(Node::Switch {
            value,
            cases,
            default,
        })
    }

    fn block(&mut self) -> Result<Node, Fault> {
        self.expect_symbol("the name of a block")?;
        self.block_end()?;
        let body = self.nodes(&["endblock"])?;
        if !self.skip_symbol("endblock") {
            return Err(self.unexpected("`{% endblock %}`"));
        }
        // The name may be repeated at the end.
        if matches!(self.peek(), Some(token) if token.lexeme == Lexeme::Symbol) {
            self.at += 1;
        }
        self.block_end()?;
        Ok(Node::Block(body))
    }

    fn raw(&mut self, name: &str) -> Result<Node, Fault> {
        self.block_end()?;
        let body = match self.peek().cloned() {
            Some(token) if token.lexeme == Lexeme::Raw => {
                self.at += 1;
                self.text(&token).to_owned()
            }
            _ => return Err(self.unexpected(&format!("`{{% end{name} %}}`"))),
        };
        self.at += 1;
        self.close(&format!("end{name}"))?;
        Ok(Node::Data(body))
    }
}

fn opens_with_dash(token: &Token, text: &str) -> bool {
    match token.lexeme {
        Lexeme::BlockStart | Lexeme::VariableStart => text.ends_with('-'),
        Lexeme::Comment => text.starts_with("{#-"),
        _ => false,
    }
}

fn unknown_statement(name: &str, range: std::ops::Range<usize>) -> Fault {
    const STATEMENTS: [&str; 9] = [
        "if", "for", "set", "macro", "call", "filter", "switch", "block", "raw",
    ];
    let fault = Fault::new(SYNTAX, format!("there is no statement `{name}` here"), range);
    if matches!(name, "endif" | "endfor" | "else" | "elif" | "endset" | "endmacro") {
        return fault.with_help("it closes or continues a statement that was not opened");
    }
    match pave_diagnostic::nearest(name, STATEMENTS) {
        Some(nearest) => fault.with_help(format!("did you mean `{nearest}`?")),
        None => fault,
    }
}
