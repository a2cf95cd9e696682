use std::rc::Rc;

use crate::KnownVariable;
use crate::expression::{Scope, StatusFunction, Value};

/// What `${{ }}` sees. Cloning is cheap.
#[derive(Clone, Debug)]
pub(crate) struct CompileScope {
    parameters: Value,
    variables: Rc<Vec<KnownVariable>>,
    loops: Rc<Vec<(String, Value)>>,
    /// How many templates this is in.
    pub(super) depth: usize,
}

impl CompileScope {
    pub(super) fn new(variables: &[KnownVariable]) -> Self {
        Self {
            parameters: Value::object::<&str>([]),
            variables: Rc::new(variables.to_vec()),
            loops: Rc::new(Vec::new()),
            depth: 0,
        }
    }

    pub(super) fn with_parameters(&self, parameters: Value) -> Self {
        Self {
            parameters,
            ..self.clone()
        }
    }

    /// The scope of a template: its own parameters, no loops of whoever includes it.
    pub(super) fn template(&self, parameters: Value) -> Self {
        Self {
            parameters,
            variables: Rc::clone(&self.variables),
            loops: Rc::new(Vec::new()),
            depth: self.depth + 1,
        }
    }

    pub(super) fn with_loop(&self, name: &str, value: Value) -> Self {
        let mut loops = self.loops.to_vec();
        loops.push((name.to_owned(), value));
        Self {
            loops: Rc::new(loops),
            ..self.clone()
        }
    }

    /// A variable that was written further out or further up.
    pub(super) fn add_variable(&mut self, name: &str, value: &str) {
        Rc::make_mut(&mut self.variables).push(KnownVariable {
            name: name.to_owned(),
            value: value.to_owned(),
            secret: false,
        });
    }

    /// Names for the parser.
    pub(super) fn names(&self) -> Vec<String> {
        let fixed = ["parameters", "variables", "resources", "pipeline"];
        let loops = self.loops.iter().map(|(name, _)| name.clone());
        fixed.iter().map(|&name| name.to_owned()).chain(loops).collect()
    }

    /// Names of the parameters.
    pub(super) fn parameter_names(&self) -> Vec<String> {
        match &self.parameters {
            Value::Object(object) => object.entries.iter().map(|(name, _)| name.to_string()).collect(),
            _ => Vec::new(),
        }
    }
}

impl Scope for CompileScope {
    fn named(&self, name: &str) -> Option<Value> {
        if let Some((_, value)) = self.loops.iter().rev().find(|(bound, _)| bound == name) {
            return Some(value.clone());
        }
        match name {
            "parameters" => Some(self.parameters.clone()),
            "variables" => {
                let open = self.variables.iter().filter(|variable| !variable.secret);
                Some(Value::object(
                    open.map(|variable| (&variable.name, Value::text(&variable.value))),
                ))
            }
            _ => None,
        }
    }

    fn is_secret(&self, name: &str, key: &str) -> bool {
        name == "variables"
            && self
                .variables
                .iter()
                .rev()
                .find(|variable| variable.name.eq_ignore_ascii_case(key))
                .is_some_and(|variable| variable.secret)
    }

    fn status(&self, _: StatusFunction, _: &[String]) -> Result<bool, String> {
        Err(
            "how something ended is not known before the start; use it in `condition:` without `${{ }}`"
                .to_owned(),
        )
    }
}
