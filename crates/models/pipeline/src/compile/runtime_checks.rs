use std::rc::Rc;

use pave_diagnostic::{Diagnostic, Location, nearest};

use super::Compiler;
use crate::expression::{Expression, parse};
use crate::runtime::{inner, runtime_names};
use crate::source::{Place, Source};
use crate::{Plan, Variable, codes};

/// What an expression at run time may refer to.
struct Around<'a> {
    /// Names in `dependencies`.
    direct: &'a [String],
    /// Everything of the same kind, for "add it to dependsOn".
    siblings: Vec<&'a str>,
    /// Names in `stageDependencies`; `None` where it is not known.
    stages: Option<&'a [String]>,
    place: &'a Location,
    what: String,
}

impl Compiler<'_> {
    /// Checks conditions and `$[ ]` before anything runs.
    pub(super) fn check_runtime(&mut self, plan: &Plan) {
        let root = Location::default();
        let nothing = Around {
            direct: &[],
            siblings: Vec::new(),
            stages: None,
            place: plan.stages.first().map_or(&root, |stage| &stage.place),
            what: "the pipeline".to_owned(),
        };
        self.check_variables(&plan.variables, &nothing);
        let stage_names: Vec<&str> = plan.stages.iter().map(|stage| stage.name.as_str()).collect();
        for stage in &plan.stages {
            let around = Around {
                direct: &stage.depends_on,
                siblings: stage_names.clone(),
                stages: None,
                place: &stage.place,
                what: format!("stage `{}`", stage.name),
            };
            self.check_condition(stage.condition.as_deref(), &around);
            self.check_variables(&stage.variables, &around);
            let job_names: Vec<&str> = stage.jobs.iter().map(|job| job.name.as_str()).collect();
            for job in &stage.jobs {
                let around = Around {
                    direct: &job.depends_on,
                    siblings: job_names.clone(),
                    stages: Some(&stage.depends_on),
                    place: &job.place,
                    what: format!("job `{}`", job.name),
                };
                self.check_condition(job.condition.as_deref(), &around);
                self.check_variables(&job.variables, &around);
                if let Some(matrix) = &job.matrix_expression {
                    self.check_expression(inner(matrix).unwrap_or(matrix), &around, "matrix");
                }
                for step in &job.steps {
                    let around = Around {
                        direct: &job.depends_on,
                        siblings: job_names.clone(),
                        stages: Some(&stage.depends_on),
                        place: &step.place,
                        what: format!("step `{}`", step.display_name),
                    };
                    self.check_condition(step.condition.as_deref(), &around);
                }
            }
        }
    }

    fn check_condition(&mut self, condition: Option<&str>, around: &Around) {
        if let Some(condition) = condition {
            self.check_expression(inner(condition).unwrap_or(condition), around, "condition");
        }
    }

    fn check_variables(&mut self, variables: &[Variable], around: &Around) {
        for variable in variables {
            if let Variable::Value { name, value, .. } = variable
                && let Some(expression) = inner(value)
            {
                self.check_expression(expression, around, name);
            }
        }
    }

    fn check_expression(&mut self, text: &str, around: &Around, field: &str) {
        match parse(text, &runtime_names()) {
            Ok(expression) => self.check_dependencies(&expression, text, around),
            Err(error) => {
                let mut diagnostic = Diagnostic::error(
                    error.code,
                    format!("`{field}` of {}: {}", around.what, error.message),
                );
                diagnostic.help = error.help;
                if text.contains("parameters") && error.message.starts_with("`parameters`") {
                    diagnostic.help = Some(
                        "write ${{ parameters.name }}: parameters are gone when the run starts".to_owned(),
                    );
                }
                self.report_in(diagnostic, text, error.range, around.place);
            }
        }
    }

    fn check_dependencies(&mut self, expression: &Expression, text: &str, around: &Around) {
        let mut found: Vec<(String, std::ops::Range<usize>, bool)> = Vec::new();
        expression.visit(&mut |part| match (part.member(), part.call()) {
            (Some(("dependencies", name)), _) => found.push((name, part.range.clone(), false)),
            (Some(("stageDependencies", name)), _) => found.push((name, part.range.clone(), true)),
            (_, Some(("succeeded" | "failed" | "succeededOrFailed", names))) => {
                found.extend(names.into_iter().map(|(name, range)| (name, range, false)));
            }
            _ => {}
        });
        for (name, range, of_stages) in found {
            let known: &[String] = match (of_stages, around.stages) {
                (false, _) => around.direct,
                (true, Some(stages)) => stages,
                (true, None) => continue,
            };
            if known.iter().any(|one| one.eq_ignore_ascii_case(&name)) {
                continue;
            }
            let message = format!(
                "{} does not depend on `{name}`, so nothing is known of it",
                around.what
            );
            let mut diagnostic = Diagnostic::warning(codes::UNKNOWN_DEPENDENCY, message);
            diagnostic.help = Some(
                if around.siblings.iter().any(|one| one.eq_ignore_ascii_case(&name)) {
                    format!("add `{name}` to `dependsOn`")
                } else {
                    match nearest(&name, known.iter().map(String::as_str)) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!(
                            "it depends on {}",
                            if known.is_empty() {
                                "nothing".to_owned()
                            } else {
                                known.join(", ")
                            }
                        ),
                    }
                },
            );
            self.report_in(diagnostic, text, range, around.place);
        }
    }

    /// Reports at a stretch of an expression that stands somewhere below a place.
    fn report_in(
        &mut self,
        diagnostic: Diagnostic,
        text: &str,
        range: std::ops::Range<usize>,
        place: &Location,
    ) {
        let source = self.source_of(&place.file);
        let place = Place {
            source,
            span: place.span,
        };
        self.report(diagnostic, &place.within(text, 0..text.len(), range));
    }

    /// The text of a file again, for finding an expression in it.
    fn source_of(&self, name: &str) -> Rc<Source> {
        let (path, repository) = match name.rsplit_once('@') {
            Some((path, alias)) => (path, Some(alias)),
            None => (name, None),
        };
        let text = if name == self.main.name {
            Some(self.main.text.clone())
        } else {
            self.files.read(repository, path)
        };
        Rc::new(Source {
            name: name.to_owned(),
            repository: repository.map(str::to_owned),
            path: path.to_owned(),
            text: text.unwrap_or_default(),
        })
    }
}
