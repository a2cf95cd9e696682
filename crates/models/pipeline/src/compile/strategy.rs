use pave_diagnostic::Diagnostic;

use super::Compiler;
use super::expand::Pending;
use super::fields::Fields;
use crate::source::Place;
use crate::tree::TreeKind;
use crate::{Action, Job, Leg, Step, codes};

/// Hooks in the order in which they run.
const HOOKS: [&str; 4] = ["preDeploy", "deploy", "routeTraffic", "postRouteTraffic"];

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
                    ..Leg::default()
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
                        ..Leg::default()
                    });
                }
            }
            TreeKind::Failed => {}
            TreeKind::List(_) => self.wrong_shape(&tree, "`matrix`", "a mapping of legs"),
        }
    }

    /// Reads `strategy:` of a deployment job: its hooks become steps and legs, in the order in which they run.
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
        let mut increments = Vec::new();
        if strategy == "canary" {
            increments = self.increments(&mut fields);
        }
        if strategy == "rolling" {
            job.max_parallel = self.rolling_limit(&mut fields);
        }
        let deploys = fields.has("deploy");
        if !deploys {
            self.report(
                Diagnostic::warning(codes::STRUCTURE, "the strategy has no `deploy`"),
                &entry.key_place,
            );
        }
        for name in HOOKS {
            let mut steps = self.hook(&mut fields, name);
            if name == "deploy" && deploys && !downloads(&steps) {
                steps.insert(0, super::steps::implicit_download(&entry.key_place));
            }
            job.steps.extend(steps);
        }
        if let Some(on) = fields.take("on")
            && let Some(mut inner) = self.fields(&on.value, &on.scope, "`on`")
        {
            for name in ["success", "failure"] {
                let steps = self.hook(&mut inner, name);
                job.steps.extend(steps);
            }
            self.finish(inner, &["success", "failure"]);
        }
        job.matrix = hook_runs(&job.steps, strategy, &increments);
        let known: Vec<&str> = HOOKS
            .into_iter()
            .chain(["on", "increments", "maxParallel"])
            .collect();
        self.finish(fields, &known);
    }

    /// Percentages of a canary, each greater than the one before it.
    fn increments(&mut self, fields: &mut Fields) -> Vec<u32> {
        let Some(entry) = fields.take("increments") else {
            return Vec::new();
        };
        let mut found: Vec<u32> = Vec::new();
        for (text, place) in self.texts(&entry) {
            let number: Option<u32> = text.trim().trim_end_matches('%').parse().ok();
            match number.filter(|number| (1..=100).contains(number)) {
                Some(number) if found.last().is_none_or(|last| number > *last) => found.push(number),
                _ => self.report(
                    Diagnostic::error(codes::VALUE, format!("`increments` cannot have `{text}` here"))
                        .with_help(
                            "write whole percentages from 1 to 100, each greater than the one before it",
                        ),
                    &place,
                ),
            }
        }
        found
    }

    /// How many targets at the same time; a share of them is worked out when they are known.
    fn rolling_limit(&mut self, fields: &mut Fields) -> u32 {
        let Some(entry) = fields.take("maxParallel") else {
            return 0;
        };
        let text = self.text(&entry).unwrap_or_default();
        if let Some(share) = text.trim().strip_suffix('%') {
            let good = share.parse::<u32>().is_ok_and(|share| (1..=100).contains(&share));
            if !good {
                self.report(
                    Diagnostic::error(codes::VALUE, format!("`maxParallel` cannot be `{text}`"))
                        .with_help("write a number of targets, or a share such as 25%"),
                    &entry.value.place,
                );
            }
            return 0;
        }
        let number = text.trim().parse();
        if number.is_err() && !text.contains("$(") {
            self.report(
                Diagnostic::error(codes::VALUE, format!("`maxParallel` cannot be `{text}`"))
                    .with_help("write a number of targets, or a share such as 25%"),
                &entry.value.place,
            );
        }
        number.unwrap_or_default()
    }

    fn hook(&mut self, fields: &mut Fields, name: &'static str) -> Vec<Step> {
        let Some(entry) = fields.take(name) else {
            return Vec::new();
        };
        let Some(mut inner) = self.fields(&entry.value, &entry.scope, "a hook") else {
            return Vec::new();
        };
        if let Some(pool) = inner.take("pool") {
            let found = self.pool(&pool);
            if found.name.eq_ignore_ascii_case("server") {
                self.report(
                    Diagnostic::error(codes::WRONG_TARGET, "hooks of a deployment cannot run on the server here")
                        .with_help("put what the server does into a job of its own with `pool: server`, and let this one depend on it"),
                    &pool.key_place,
                );
            }
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

/// The runs of hooks that a deployment consists of, in their order.
fn hook_runs(steps: &[Step], strategy: &str, increments: &[u32]) -> Vec<Leg> {
    let has = |hook: &str| steps.iter().any(|step| step.hook == hook);
    let run = |name: String, hook: &str, cycle: &str, increment: Option<u32>| {
        let action = match hook {
            "success" => "promote",
            "failure" => "reject",
            _ => "deploy",
        };
        let mut variables = vec![
            ("Strategy.Name".to_owned(), strategy.to_owned()),
            ("Strategy.CycleName".to_owned(), cycle.to_owned()),
        ];
        if strategy == "canary" {
            variables.push(("Strategy.Action".to_owned(), action.to_owned()));
        }
        if let Some(increment) = increment {
            variables.push(("Strategy.Increment".to_owned(), increment.to_string()));
        }
        Leg {
            name,
            variables,
            hook: hook.to_owned(),
        }
    };
    let mut out = Vec::new();
    if has("preDeploy") {
        out.push(run("PreDeploy".to_owned(), "preDeploy", "PreIteration", None));
    }
    let rounds: Vec<Option<u32>> = if increments.is_empty() {
        vec![None]
    } else {
        increments.iter().map(|&increment| Some(increment)).collect()
    };
    for increment in rounds {
        let names = ["Deploy", "RouteTraffic", "PostRouteTraffic"];
        for (name, hook) in names.into_iter().zip(&HOOKS[1..]) {
            if has(hook) {
                let name = increment.map_or_else(|| name.to_owned(), |number| format!("{name}_{number}"));
                out.push(run(name, hook, "Iteration", increment));
            }
        }
    }
    for (name, hook) in [("OnSuccess", "success"), ("OnFailure", "failure")] {
        if has(hook) {
            out.push(run(name.to_owned(), hook, "PostIteration", None));
        }
    }
    out
}
