use pave_diagnostic::Diagnostic;

use super::expand::Pending;
use super::fields::Fields;
use super::jobs::JobDefaults;
use super::parameters::Given;
use super::{CompileScope, Compiler};
use crate::expression::Value;
use crate::tree::Tree;
use crate::{CompileRequest, FileReference, Parameter, Plan, Pool, Stage, codes};

/// Keys of a pipeline that has jobs of its own stage also count for that stage or job.
const KNOWN: [&str; 26] = [
    "trigger",
    "pr",
    "schedules",
    "resources",
    "variables",
    "parameters",
    "pool",
    "name",
    "appendCommitMessageToRunName",
    "lockBehavior",
    "stages",
    "jobs",
    "steps",
    "extends",
    "strategy",
    "container",
    "services",
    "workspace",
    "continueOnError",
    "timeoutInMinutes",
    "cancelTimeoutInMinutes",
    "displayName",
    "condition",
    "demands",
    "target",
    "templateContext",
];

/// Exactly one of these makes a pipeline.
const BODIES: [&str; 4] = ["extends", "stages", "jobs", "steps"];

impl Compiler<'_> {
    /// Reads the root of the file that was asked for.
    pub(super) fn pipeline(
        &mut self,
        tree: &Tree,
        request: &CompileRequest,
        parameters: &mut Vec<Parameter>,
    ) -> Option<Plan> {
        let scope = CompileScope::new(request.variables);
        let declared = self.declared(tree.entry("parameters").map(|entry| &entry.value), &scope);
        parameters.extend(declared.iter().map(super::parameters::Declared::public));
        let place = tree
            .entry("parameters")
            .map_or(&tree.place, |entry| &entry.key_place);
        let given: Vec<Given> = request
            .parameters
            .iter()
            .map(|(name, value)| Given {
                name: name.clone(),
                value: Value::from_json(value),
                place: place.clone(),
            })
            .collect();
        let bound = self.bind(&declared, &given, place);
        let scope = scope.with_parameters(bound);
        let mut plan = Plan::default();
        self.root(tree, &scope, &mut plan, Pool::default())?;
        Some(plan)
    }

    /// Reads a root: of the file itself, or of the template that it extends.
    fn root(&mut self, tree: &Tree, scope: &CompileScope, plan: &mut Plan, pool: Pool) -> Option<()> {
        let mut fields = self.fields(tree, scope, "a pipeline")?;
        fields.take("parameters");
        if let Some(resources) = fields.take("resources") {
            self.resources(&resources, plan);
        }
        let mut body_scope = scope.clone();
        if let Some(entry) = fields.take("variables") {
            let (variables, inner) = self.variables(&entry);
            plan.variables.extend(variables);
            fields.set_scope(&|scope| *scope = inner.clone());
            body_scope = inner;
        }
        self.triggers_of_root(&mut fields, plan);
        let pool = match fields.take("pool") {
            Some(entry) => self.pool(&entry),
            None => pool,
        };
        let lock = fields.take("lockBehavior");
        let lock = lock.and_then(|entry| self.word(&entry, &["sequential", "runLatest"]));
        let body = self.body(&fields, tree)?;
        let entry = fields.take(body)?;
        for other in BODIES {
            fields.take(other);
        }
        match body {
            "extends" => self.extends(&entry, &body_scope, plan, pool)?,
            "stages" => {
                self.stages(&entry, &body_scope, &pool, plan);
            }
            "jobs" => {
                let mut stage = implicit_stage(tree);
                stage.jobs = self.jobs(&entry.value, &body_scope, &pool, &stage.name);
                plan.stages.push(stage);
            }
            _ => {
                let mut stage = implicit_stage(tree);
                let defaults = JobDefaults {
                    pool,
                    steps: Some(entry),
                };
                let job = self.implicit_job(&mut fields, defaults);
                stage.jobs.push(job);
                plan.stages.push(stage);
            }
        }
        if lock.is_some() {
            plan.lock_behavior.clone_from(&lock);
        }
        for stage in &mut plan.stages {
            stage.lock_behavior = stage.lock_behavior.take().or_else(|| lock.clone());
        }
        self.finish(fields, &KNOWN);
        Some(())
    }

    fn triggers_of_root(&mut self, fields: &mut Fields, plan: &mut Plan) {
        if let Some(entry) = fields.take("trigger") {
            plan.trigger = self.trigger(&entry);
        }
        if let Some(entry) = fields.take("pr") {
            plan.pr = self.trigger(&entry);
        }
        if let Some(entry) = fields.take("schedules") {
            plan.schedules = self.schedules(&entry);
        }
        if let Some(name) = self.take_text(fields, "name") {
            plan.run_name = Some(name);
        }
        let _kept = self.take_boolean(fields, "appendCommitMessageToRunName");
    }

    /// Which of the four bodies the root has.
    fn body(&mut self, fields: &Fields, tree: &Tree) -> Option<&'static str> {
        let found: Vec<&'static str> = BODIES.into_iter().filter(|body| fields.has(body)).collect();
        match found.as_slice() {
            [body] => Some(body),
            [] => {
                self.report(
                    Diagnostic::error(codes::STRUCTURE, "the pipeline has nothing to run")
                        .with_help("it has exactly one of `stages`, `jobs`, `steps` and `extends`"),
                    &tree.place,
                );
                None
            }
            [first, second, ..] => {
                let places = [fields.place_of(first), fields.place_of(second)];
                let later = usize::from(places[1].span.start > places[0].span.start);
                self.report(
                    Diagnostic::error(
                        codes::STRUCTURE,
                        format!("`{first}` and `{second}` exclude each other"),
                    )
                    .with_help("put steps into a job, and jobs into a stage"),
                    &places[later],
                );
                Some(first)
            }
        }
    }

    fn extends(&mut self, entry: &Pending, scope: &CompileScope, plan: &mut Plan, pool: Pool) -> Option<()> {
        let fields = self.fields(&entry.value, scope, "`extends`")?;
        if !fields.has("template") {
            self.report(
                Diagnostic::error(codes::STRUCTURE, "`extends` names no template")
                    .with_help("write `template: path` below it"),
                &entry.key_place,
            );
            return None;
        }
        let opened = self.template(fields, &["stages", "jobs", "steps", "extends"], scope)?;
        plan.extends.push(FileReference {
            repository: opened.root.place.source.repository.clone(),
            path: opened.root.place.source.path.clone(),
        });
        self.root(&opened.root, &opened.scope, plan, pool)
    }
}

/// The stage of a file without stages, under upstream's name.
fn implicit_stage(tree: &Tree) -> Stage {
    Stage {
        name: "__default".to_owned(),
        display_name: "__default".to_owned(),
        is_skippable: true,
        place: tree.place.location(),
        ..Stage::default()
    }
}
