//! Statements print text.

use std::rc::Rc;

use super::evaluate::{Call, Evaluator, Frame};
use super::fault::Fault;
use super::number;
use super::operators;
use super::syntax::{Expression, MacroDefinition, Node};
use super::value::{Data, Function, Traced};
use crate::provenance::SourceRef;

/// A text that grows, with where its stretches came from.
#[derive(Default)]
pub(crate) struct Output {
    pub(crate) text: String,
    pub(crate) pieces: Vec<(std::ops::Range<usize>, SourceRef)>,
}

impl Output {
    fn print(&mut self, value: &Traced) {
        let from = self.text.len();
        let added = value.to_output();
        if !added.is_empty() {
            self.pieces.extend(
                value
                    .pieces(added.len())
                    .into_iter()
                    .map(|(range, source)| (from + range.start..from + range.end, source)),
            );
        }
        self.text.push_str(&added);
    }

    pub(crate) fn into_value(self) -> Traced {
        let mut value = Traced::from(self.text);
        value.trace.pieces = self.pieces;
        value
    }
}

impl Evaluator<'_> {
    /// Renders nodes into a text of their own.
    pub(crate) fn capture(&self, nodes: &[Node], frame: &Frame) -> Result<Traced, Fault> {
        let mut output = Output::default();
        self.run(nodes, frame, &mut output)?;
        Ok(output.into_value())
    }

    pub(crate) fn run(&self, nodes: &[Node], frame: &Frame, output: &mut Output) -> Result<(), Fault> {
        self.nested(&(0..0), || {
            nodes.iter().try_for_each(|node| self.node(node, frame, output))
        })
    }

    fn node(&self, node: &Node, frame: &Frame, output: &mut Output) -> Result<(), Fault> {
        match node {
            Node::Data(text) => {
                self.grow(text.len(), &(0..0))?;
                output.text.push_str(text);
            }
            Node::Output(expression) => {
                let value = self.evaluate(expression, frame)?;
                output.print(&value);
                self.grow(output.text.len().min(64), &expression.range)?;
            }
            Node::If(branches) => {
                for (condition, body) in branches {
                    let holds = match condition {
                        Some(condition) => self.evaluate(condition, frame)?.is_truthy(),
                        None => true,
                    };
                    if holds {
                        return self.run(body, frame, output);
                    }
                }
            }
            Node::For {
                targets,
                iterable,
                body,
                otherwise,
            } => {
                self.for_loop(targets, iterable, (body, otherwise), frame, output)?;
            }
            Node::Set { targets, value } => {
                let value = self.evaluate(value, frame)?;
                self.assign(targets, &value, frame);
            }
            Node::SetBlock { targets, body } => {
                let value = self.capture(body, &frame.child())?;
                self.assign(targets, &value, frame);
            }
            Node::Macro(definition) => {
                let function: Traced = Data::Function(Rc::new(Function::Macro(Rc::clone(definition)))).into();
                self.assign(std::slice::from_ref(&definition.name), &function, frame);
            }
            Node::Call { call, body } => output.print(&self.call_block(call, body, frame)?),
            Node::FilterBlock {
                name,
                name_range,
                arguments,
                body,
            } => {
                let input = self.capture(body, frame)?;
                let call = self.arguments(arguments, frame)?;
                output.print(&self.filter(name, name_range, &input, &call)?);
            }
            Node::Switch {
                value,
                cases,
                default,
            } => {
                let value = self.evaluate(value, frame)?;
                return self.switch(&value, cases, default, frame, output);
            }
            Node::Block(body) => return self.run(body, frame, output),
        }
        Ok(())
    }

    fn assign(&self, targets: &[String], value: &Traced, frame: &Frame) {
        for target in targets {
            frame.assign(target, value.clone());
            if frame.is_root() {
                self.top.borrow_mut().insert(target.clone(), value.clone());
            }
        }
    }

    /// Falls through empty cases, as JavaScript does.
    fn switch(
        &self,
        value: &Traced,
        cases: &[(Expression, Vec<Node>)],
        default: &[Node],
        frame: &Frame,
        output: &mut Output,
    ) -> Result<(), Fault> {
        let mut matched = false;
        for (case, body) in cases {
            matched = matched || operators::strictly_equal(value, &self.evaluate(case, frame)?);
            if matched && !body.is_empty() {
                return self.run(body, frame, output);
            }
        }
        self.run(default, frame, output)
    }

    fn for_loop(
        &self,
        targets: &[String],
        iterable: &Expression,
        (body, otherwise): (&[Node], &[Node]),
        frame: &Frame,
        output: &mut Output,
    ) -> Result<(), Fault> {
        let value = self.evaluate(iterable, frame)?;
        let rounds = rounds(targets, &value);
        let total = rounds.len();
        for (index, values) in rounds.into_iter().enumerate() {
            self.spend(&iterable.range)?;
            let inner = frame.child();
            for (target, value) in targets.iter().zip(values) {
                inner.define(target, value);
            }
            inner.define("loop", loop_variable(index, total));
            self.run(body, &inner, output)?;
        }
        if total == 0 {
            self.run(otherwise, frame, output)
        } else {
            Ok(())
        }
    }

    fn call_block(
        &self,
        call: &Expression,
        body: &Rc<MacroDefinition>,
        frame: &Frame,
    ) -> Result<Traced, Fault> {
        let inner = frame.child();
        let caller = Function::Caller {
            body: Rc::clone(body),
            frame: frame.clone(),
        };
        let caller: Traced = Data::Function(Rc::new(caller)).into();
        let super::syntax::Kind::Call { callee, arguments } = &call.kind else {
            return Ok(Traced::undefined());
        };
        let function = self.evaluate(callee, &inner)?;
        let mut arguments = self.arguments(arguments, &inner)?;
        arguments.keywords.push(("caller".to_owned(), caller));
        match &function.data {
            Data::Function(function) => match &**function {
                Function::Macro(definition) => self.expand(definition, &Frame::root(), &arguments),
                _ => self.evaluate(call, &inner),
            },
            _ => self.evaluate(call, &inner),
        }
    }

    /// Runs the body of a macro with its parameters bound.
    pub(crate) fn expand(
        &self,
        definition: &MacroDefinition,
        frame: &Frame,
        call: &Call,
    ) -> Result<Traced, Fault> {
        let inner = frame.child();
        for (index, (name, default)) in definition.parameters.iter().enumerate() {
            let mut value = call.get(index, name);
            if let (Data::Undefined, Some(default)) = (&value.data, default) {
                value = self.evaluate(default, &inner)?;
            }
            inner.define(name, value);
        }
        if let Some((_, caller)) = call.keywords.iter().find(|(name, _)| name == "caller") {
            inner.define("caller", caller.clone());
        }
        self.capture(&definition.body, &inner)
    }
}

/// The values of the loop's variables, round by round.
fn rounds(targets: &[String], value: &Traced) -> Vec<Vec<Traced>> {
    if targets.len() == 1 {
        return value.items().into_iter().map(|item| vec![item]).collect();
    }
    match &value.data {
        Data::Array(_) => value
            .items()
            .iter()
            .map(|item| spread(item, targets.len()))
            .collect(),
        _ => value
            .entries()
            .into_iter()
            .map(|(key, item)| vec![Traced::from(&*key), item])
            .collect(),
    }
}

fn spread(item: &Traced, count: usize) -> Vec<Traced> {
    (0..count)
        .map(|index| {
            item.property(&index.to_string())
                .unwrap_or_else(Traced::undefined)
        })
        .collect()
}

fn loop_variable(index: usize, total: usize) -> Traced {
    let count = |value: usize| Traced::from(number::from_length(value));
    Traced::object(vec![
        (Rc::from("index"), count(index + 1)),
        (Rc::from("index0"), count(index)),
        (Rc::from("revindex"), count(total - index)),
        (Rc::from("revindex0"), count(total - index - 1)),
        (Rc::from("first"), (index == 0).into()),
        (Rc::from("last"), (index + 1 == total).into()),
        (Rc::from("length"), count(total)),
    ])
}
