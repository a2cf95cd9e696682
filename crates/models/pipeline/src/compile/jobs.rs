use pave_diagnostic::Diagnostic;

use super::expand::Pending;
use super::fields::Fields;
use super::names::Names;
use super::{CompileScope, Compiler};
use crate::source::Place;
use crate::tree::{Tree, TreeKind};
use crate::{Environment, Job, JobKind, Pool, codes};

pub(super) const JOB_KEYS: [&str; 23] = [
    "job",
    "deployment",
    "displayName",
    "dependsOn",
    "condition",
    "strategy",
    "continueOnError",
    "pool",
    "workspace",
    "container",
    "services",
    "timeoutInMinutes",
    "cancelTimeoutInMinutes",
    "variables",
    "steps",
    "uses",
    "environment",
    "templateContext",
    "template",
    "parameters",
    "target",
    "demands",
    "lockBehavior",
];

/// What a job gets from further out.
pub(super) struct JobDefaults {
    pub(super) pool: Pool,
    /// The steps of a pipeline that has neither stages nor jobs.
    pub(super) steps: Option<Pending>,
}

impl Compiler<'_> {
    /// Reads a list of jobs of one stage.
    pub(super) fn jobs(&mut self, list: &Tree, scope: &CompileScope, pool: &Pool, stage: &str) -> Vec<Job> {
        let mut found: Vec<(Job, Place)> = Vec::new();
        self.job_list(list, scope, pool, &mut found);
        if found.is_empty() && !matches!(list.kind, TreeKind::Failed) {
            let message = format!("stage `{stage}` has no job to run");
            self.report(Diagnostic::warning(codes::STRUCTURE, message), &list.place);
        }
        let mut names = Names::default();
        let single = found.len() == 1;
        let mut jobs = Vec::new();
        for (index, (mut job, place)) in found.into_iter().enumerate() {
            if job.name.is_empty() {
                job.name = if single {
                    "Job".to_owned()
                } else {
                    format!("Job{}", index + 1)
                };
            }
            if job.display_name.is_empty() {
                job.display_name.clone_from(&job.name);
            }
            self.claim(&mut names, "job", &job.name, &place);
            jobs.push(job);
        }
        jobs
    }

    fn job_list(&mut self, list: &Tree, scope: &CompileScope, pool: &Pool, out: &mut Vec<(Job, Place)>) {
        for (item, scope) in self.items(list, scope) {
            let Some(mut fields) = self.fields(&item, &scope, "a job") else {
                continue;
            };
            match fields.first_of(&["template", "job", "deployment"]) {
                Some("template") => {
                    if let Some(opened) = self.template(fields, &["jobs"], &scope)
                        && let Some(entry) = opened.root.entry("jobs")
                    {
                        self.job_list(&entry.value, &opened.scope, pool, out);
                    }
                }
                Some(kind) => {
                    let entry = fields.take(kind);
                    let name = entry
                        .as_ref()
                        .and_then(|entry| self.text(entry))
                        .unwrap_or_default();
                    let place = entry.map_or_else(|| fields.place.clone(), |entry| entry.value.place);
                    fields.what = if kind == "job" {
                        "a job"
                    } else {
                        "a deployment job"
                    };
                    let defaults = JobDefaults {
                        pool: pool.clone(),
                        steps: None,
                    };
                    let mut job = self.job(&mut fields, defaults, kind == "deployment", &place);
                    job.name = name;
                    self.finish(fields, &JOB_KEYS);
                    out.push((job, place));
                }
                None => self.report(
                    Diagnostic::error(codes::STRUCTURE, "the item is no job")
                        .with_help("begin with `- job: name`, `- deployment: name` or `- template: path`"),
                    &fields.place.clone(),
                ),
            }
        }
    }

    /// The only job of a pipeline that has just steps.
    pub(super) fn implicit_job(&mut self, fields: &mut Fields, defaults: JobDefaults) -> Job {
        let place = defaults
            .steps
            .as_ref()
            .map_or_else(|| fields.place.clone(), |steps| steps.key_place.clone());
        let mut job = self.job(fields, defaults, false, &place);
        "Job".clone_into(&mut job.name);
        if job.display_name.is_empty() {
            "Job".clone_into(&mut job.display_name);
        }
        job
    }

    fn job(&mut self, fields: &mut Fields, defaults: JobDefaults, deployment: bool, place: &Place) -> Job {
        let mut job = Job {
            place: place.location(),
            ..Job::default()
        };
        if let Some(entry) = fields.take("variables") {
            let (variables, inner) = self.variables(&entry);
            job.variables = variables;
            fields.set_scope(&|scope| *scope = inner.clone());
        }
        job.display_name = self.take_text(fields, "displayName").unwrap_or_default();
        job.depends_on = self.take_texts(fields, "dependsOn");
        job.condition = self
            .take_text(fields, "condition")
            .filter(|text| !text.is_empty());
        job.continue_on_error = self.take_boolean(fields, "continueOnError").unwrap_or_default();
        job.timeout_minutes = self.take_number(fields, "timeoutInMinutes").unwrap_or(60);
        job.cancel_timeout_minutes = self.take_number(fields, "cancelTimeoutInMinutes").unwrap_or(5);
        job.pool = match fields.take("pool") {
            Some(entry) => self.pool(&entry),
            None => defaults.pool,
        };
        if let Some(entry) = fields.take("workspace")
            && let Some(mut inner) = self.fields(&entry.value, &entry.scope, "`workspace`")
        {
            let clean = inner.take("clean");
            job.clean_workspace = clean.and_then(|entry| self.word(&entry, &["outputs", "resources", "all"]));
            self.finish(inner, &["clean"]);
        }
        self.containers(fields, &mut job);
        for kept in ["uses", "templateContext"] {
            fields.take(kept);
        }
        if job.pool.name.eq_ignore_ascii_case("server") {
            job.kind = JobKind::Server;
        }
        if deployment {
            self.deployment(fields, &mut job, place);
        } else {
            self.strategy(fields, &mut job);
            self.steps_of(fields, defaults.steps, &mut job, place);
        }
        job
    }

    fn steps_of(&mut self, fields: &mut Fields, given: Option<Pending>, job: &mut Job, place: &Place) {
        let Some(entry) = given.or_else(|| fields.take("steps")) else {
            self.report(
                Diagnostic::error(codes::STRUCTURE, "the job has no `steps`"),
                place,
            );
            return;
        };
        let steps = self.steps(&entry.value, &entry.scope, "");
        let written = steps
            .iter()
            .any(|step| matches!(step.action, crate::Action::Checkout(_)));
        if !written && job.kind == JobKind::Agent {
            job.steps.push(super::steps::implicit_checkout(place));
        }
        job.steps.extend(steps);
        self.check_step_names(&job.steps, &entry.value.place);
    }

    fn deployment(&mut self, fields: &mut Fields, job: &mut Job, place: &Place) {
        let environment = if let Some(entry) = fields.take("environment") {
            self.environment(&entry)
        } else {
            self.report(
                Diagnostic::error(codes::STRUCTURE, "the deployment job names no `environment`")
                    .with_help("write `environment: name`"),
                place,
            );
            Environment::default()
        };
        let strategy = self.deployment_strategy(fields, job, place);
        job.kind = JobKind::Deployment {
            environment,
            strategy,
        };
    }

    fn environment(&mut self, entry: &Pending) -> Environment {
        let tree = self.expand(&entry.value, &entry.scope);
        if !matches!(tree.kind, TreeKind::Map(_)) {
            let text = self.tree_text(&tree, "environment").unwrap_or_default();
            let (name, resource) = text.split_once('.').unwrap_or((&text, ""));
            return Environment {
                name: name.to_owned(),
                resource_name: resource.to_owned(),
                ..Environment::default()
            };
        }
        let Some(mut fields) = self.fields(&tree, &entry.scope, "`environment`") else {
            return Environment::default();
        };
        let environment = Environment {
            name: self.take_text(&mut fields, "name").unwrap_or_default(),
            resource_name: self.take_text(&mut fields, "resourceName").unwrap_or_default(),
            resource_type: self.take_text(&mut fields, "resourceType").unwrap_or_default(),
            tags: self
                .take_texts(&mut fields, "tags")
                .iter()
                .flat_map(|tags| tags.split(','))
                .map(|tag| tag.trim().to_owned())
                .collect(),
        };
        fields.take("resourceId");
        let known = ["name", "resourceName", "resourceId", "resourceType", "tags"];
        self.finish(fields, &known);
        environment
    }

    /// Reads `pool:`: a name, or a mapping.
    pub(super) fn pool(&mut self, entry: &Pending) -> Pool {
        let tree = self.expand(&entry.value, &entry.scope);
        if !matches!(tree.kind, TreeKind::Map(_)) {
            return Pool {
                name: self.tree_text(&tree, "pool").unwrap_or_default(),
                ..Pool::default()
            };
        }
        let Some(mut fields) = self.fields(&tree, &entry.scope, "`pool`") else {
            return Pool::default();
        };
        let pool = Pool {
            name: self.take_text(&mut fields, "name").unwrap_or_default(),
            vm_image: self.take_text(&mut fields, "vmImage"),
            demands: self.take_texts(&mut fields, "demands"),
        };
        self.finish(fields, &["name", "vmImage", "demands"]);
        pool
    }
}
