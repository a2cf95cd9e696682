//! What can run where: tasks of the server, tasks of agents, and containers that steps name.

use pave_diagnostic::{Diagnostic, Label};

use super::{Compiler, containers};
use crate::{Action, Job, JobKind, Plan, Step, codes, tasks};

impl Compiler<'_> {
    /// Refuses steps that cannot run where they stand.
    pub(super) fn check_targets(&mut self, plan: &Plan) {
        for job in plan.stages.iter().flat_map(|stage| &stage.jobs) {
            let on_server = job.pool.name.eq_ignore_ascii_case("server");
            if on_server && let Some(refused) = deployment(job) {
                self.diagnostics.push(refused);
                continue;
            }
            for step in &job.steps {
                let refused = if job.kind == JobKind::Server {
                    without_agent(job, step)
                } else {
                    with_agent(job, step).or_else(|| container(plan, job, step))
                };
                self.diagnostics.extend(refused);
            }
        }
    }
}

fn deployment(job: &Job) -> Option<Diagnostic> {
    matches!(job.kind, JobKind::Deployment { .. }).then(|| {
        let message = format!("deployment job `{}` cannot run on the server here", job.name);
        Diagnostic::error(codes::WRONG_TARGET, message)
            .with_label(Label::at(job.place.clone()))
            .with_help("put what the server does into a job of its own with `pool: server`, and let this one depend on it")
    })
}

fn task_of(step: &Step) -> Option<&str> {
    match &step.action {
        Action::Task { name, .. } => Some(name),
        _ => None,
    }
}

fn without_agent(job: &Job, step: &Step) -> Option<Diagnostic> {
    let task = task_of(step).and_then(tasks::find_task);
    if task.is_some_and(|task| task.on_server) {
        return None;
    }
    // A task that is not known was said already.
    let what = match (&step.action, task) {
        (Action::Task { .. }, None) => return None,
        (Action::Task { name, .. }, Some(_)) => format!("task `{name}`"),
        (Action::Script { .. }, _) => "a script".to_owned(),
        (Action::Checkout(_), _) => "`checkout`".to_owned(),
        (Action::Publish { .. }, _) => "`publish`".to_owned(),
        (Action::Download { .. }, _) => "`download`".to_owned(),
    };
    let all = tasks::known_tasks().iter().filter(|task| task.on_server);
    let all: Vec<String> = all.map(|task| format!("`{}`", task.name)).collect();
    let message = format!("{what} needs an agent, and job `{}` has `pool: server`", job.name);
    Some(
        Diagnostic::error(codes::WRONG_TARGET, message)
            .with_label(Label::at(step.place.clone()))
            .with_help(format!(
                "move it to a job with an agent; the server runs {}",
                all.join(", ")
            )),
    )
}

fn with_agent(job: &Job, step: &Step) -> Option<Diagnostic> {
    let name = task_of(step)?;
    tasks::find_task(name).filter(|task| task.on_server)?;
    let message = format!(
        "task `{name}` runs on the server only, and job `{}` has an agent",
        job.name
    );
    Some(
        Diagnostic::error(codes::WRONG_TARGET, message)
            .with_label(Label::at(step.place.clone()))
            .with_help("put it into a job of its own with `pool: server`"),
    )
}

/// A step runs on the machine or in the container of its job, and in no other one.
fn container(plan: &Plan, job: &Job, step: &Step) -> Option<Diagnostic> {
    let target = step.target.as_deref()?;
    if matches!(target, "" | "host") || target.contains("$(") {
        return None;
    }
    let named = containers::named(plan, target);
    let own = job.runs_in.as_ref();
    if own.is_some_and(|own| own.image == named.image && own.options == named.options) {
        return None;
    }
    // What a leg of a matrix runs in is known only then.
    if own.is_some_and(|own| own.image.contains("$(") || own.image.contains("$[")) {
        return None;
    }
    let message = match own {
        Some(own) => format!(
            "the step is to run in container `{target}`, and job `{}` runs in `{}`",
            job.name, own.image
        ),
        None => format!(
            "the step is to run in container `{target}`, and job `{}` has no container",
            job.name
        ),
    };
    Some(
        Diagnostic::error(codes::WRONG_TARGET, message)
            .with_label(Label::at(step.place.clone()))
            .with_help(format!(
                "only the job's own container and `host` can be targets here: write `container: {target}` at the job, or put the step into a job that has it"
            )),
    )
}
