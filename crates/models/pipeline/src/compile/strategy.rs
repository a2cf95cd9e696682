use pave_diagnostic::Diagnostic;

use super::Compiler;
use super::expand::Pending;
use super::fields::Fields;
use crate::source::Place;
use crate::tree::TreeKind;
use crate::{Action, Job, Leg, Step, codes};

impl Compiler<'_> {
    /// Reads `strategy:` of a plain job.
    pub(super) fn strategy(&mut self, fields: &mut Fields, job: &mut Job) {
        let Some(entry) = fields.take("strategy") else {
            return;
        };
        let Some(mut inner) = self.fields(&entry.value, &entry.scope, "`strategy`") else {
            return;
        };
        if let Some(matrix) = inner.take("matrix") {
            self.matrix(&matrix, job);
        }
        job.max_parallel = self.take_number(&mut inner, "maxParallel").unwrap_or_default();
        if let Some(count) = self.take_number(&mut inner, "parallel") {
            job.matrix = (1..=count.min(256))
                .map(|position| Leg {
                    name: format!("job{position}"),
                    variables: vec![
                        ("System.JobPositionInPhase".to_owned(), position.to_string()),
                        ("System.TotalJobsInPhase".to_owned(), count.to_string()),
                    ],
                })
                .collect();
        }
        self.finish(inner, &["matrix", "maxParallel", "parallel"]);
    }

    fn matrix(&mut self, entry: &Pending, job: &mut Job) {
        let tree = self.expand(&entry.value, &entry.scope);
        match &tree.kind {
            TreeKind::Scalar { value, .. } => {
                let text = value.to_text().unwrap_or_default();
                if crate::is_runtime_expression(&text) {
                    job.matrix_expression = Some(text);
                } else {
                    self.wrong_shape(&tree, "`matrix`", "a mapping of legs, or one `$[ … ]`");
                }
            }
            TreeKind::Map(legs) => {
                for leg in legs {
                    let TreeKind::Map(variables) = &leg.value.kind else {
                        self.wrong_shape(&leg.value, "a leg of a matrix", "a mapping of variables");
                        continue;
                    };
                    let variables = variables.iter().filter_map(|variable| {
                        let text = self.tree_text(&variable.value, &variable.key)?;
                        Some((variable.key.clone(), text))
                    });
                    job.matrix.push(Leg {
                        name: leg.key.clone(),
                        variables: variables.collect(),
                    });
                }
            }
            TreeKind::Failed => {}
            TreeKind::List(_) => self.wrong_shape(&tree, "`matrix`", "a mapping of legs"),
        }
    }

    /// Reads `strategy:` of a deployment job: its hooks become steps, in the order in which they run.
    pub(super) fn deployment_strategy(
        &mut self,
        fields: &mut Fields,
        job: &mut Job,
        place: &Place,
    ) -> String {
        const STRATEGIES: [&str; 3] = ["runOnce", "rolling", "canary"];
        let entry = fields.take("strategy");
        let inner = entry.and_then(|entry| self.fields(&entry.value, &entry.scope, "`strategy`"));
        let Some(mut inner) = inner else {
            self.report(
                Diagnostic::error(codes::STRUCTURE, "the deployment job has no `strategy`")
                    .with_help("write `strategy: {runOnce: {deploy: {steps: […]}}}`"),
                place,
            );
            return "runOnce".to_owned();
        };
        let Some(name) = inner.first_of(&STRATEGIES) else {
            self.report(
                Diagnostic::error(codes::STRUCTURE, "the strategy is none that is known")
                    .with_help(format!("it is one of {}", STRATEGIES.join(", "))),
                &inner.place.clone(),
            );
            return "runOnce".to_owned();
        };
        if let Some(entry) = inner.take(name) {
            self.hooks(&entry, job, name);
        }
        self.finish(inner, &STRATEGIES);
        name.to_owned()
    }

    fn hooks(&mut self, entry: &Pending, job: &mut Job, strategy: &str) {
        let Some(mut fields) = self.fields(&entry.value, &entry.scope, "a strategy") else {
            return;
        };
        let increments = match strategy {
            "canary" => self.take_texts(&mut fields, "increments").len().max(1),
            _ => 1,
        };
        if strategy == "rolling" {
            job.max_parallel = self.take_number(&mut fields, "maxParallel").unwrap_or_default();
        }
        let deploys = fields.has("deploy");
        if !deploys {
            self.report(
                Diagnostic::warning(codes::STRUCTURE, "the strategy has no `deploy`"),
                &entry.key_place,
            );
        }
        let before = self.hook(&mut fields, "preDeploy");
        let mut each = self.hook(&mut fields, "deploy");
        if deploys && !downloads(&each) {
            each.insert(0, super::steps::implicit_download(&entry.key_place));
        }
        each.extend(self.hook(&mut fields, "routeTraffic"));
        each.extend(self.hook(&mut fields, "postRouteTraffic"));
        job.steps.extend(before);
        for _ in 0..increments {
            job.steps.extend(each.iter().cloned());
        }
        if let Some(on) = fields.take("on")
            && let Some(mut inner) = self.fields(&on.value, &on.scope, "`on`")
        {
            let success = self.hook(&mut inner, "success");
            job.steps.extend(success);
            let failure = self.hook(&mut inner, "failure");
            job.steps.extend(failure.into_iter().map(after_failure));
            self.finish(inner, &["success", "failure"]);
        }
        let known = [
            "preDeploy",
            "deploy",
            "routeTraffic",
            "postRouteTraffic",
            "on",
            "increments",
            "maxParallel",
        ];
        self.finish(fields, &known);
    }

    fn hook(&mut self, fields: &mut Fields, name: &'static str) -> Vec<Step> {
        let Some(entry) = fields.take(name) else {
            return Vec::new();
        };
        let Some(mut inner) = self.fields(&entry.value, &entry.scope, "a hook") else {
            return Vec::new();
        };
        if let Some(pool) = inner.take("pool") {
            let _checked = self.pool(&pool);
        }
        let steps = match inner.take("steps") {
            Some(steps) => {
                let found = self.steps(&steps.value, &steps.scope, name);
                self.check_step_names(&found, &steps.value.place);
                found
            }
            None => Vec::new(),
        };
        self.finish(inner, &["steps", "pool"]);
        steps
    }
}

fn downloads(steps: &[Step]) -> bool {
    steps
        .iter()
        .any(|step| matches!(step.action, Action::Download { .. }))
}

/// Steps of `on.failure` run when the job has failed.
fn after_failure(step: Step) -> Step {
    let condition = match &step.condition {
        Some(own) if own == "failed()" => own.clone(),
        Some(own) => format!("and(failed(), {own})"),
        None => "failed()".to_owned(),
    };
    Step {
        condition: Some(condition),
        ..step
    }
}
