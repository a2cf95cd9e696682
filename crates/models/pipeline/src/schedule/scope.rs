//! What a stage and a job see of what came before them.

use std::collections::HashSet;

use super::{JobState, RunState, StageState};
use crate::runtime::{Dependency, RuntimeScope, is_runtime_expression};
use crate::{Job, JobKind, Outcome, Plan, Stage, Variable};

/// What the condition, the matrix and the variables of a job see.
#[must_use]
pub fn job_scope(plan: &Plan, run: &RunState, stage: &Stage, job: &Job) -> RuntimeScope {
    let fresh = StageState::default();
    let now = run.stage(&stage.name).unwrap_or(&fresh);
    let above = stage_dependencies(plan, run, stage).unwrap_or_default();
    RuntimeScope {
        variables: variables(run, now, &job.variables),
        dependencies: job_dependencies(stage, now, job),
        stage_dependencies: above
            .iter()
            .filter_map(|above| Some((above.name.clone(), jobs_of(plan, run.stage(&above.name)?))))
            .collect(),
        canceled: run.canceled,
        secrets: run.secrets.clone(),
        ..RuntimeScope::default()
    }
}

/// Stages above a stage; `None` while one of its own has not ended. Stages that a person left out do not count.
pub(super) fn stage_dependencies(plan: &Plan, run: &RunState, stage: &Stage) -> Option<Vec<Dependency>> {
    let above = ancestors(&stage.depends_on, &|name| {
        planned(plan, name).map(|one| one.depends_on.as_slice())
    });
    let mut out = Vec::new();
    for (name, direct) in above {
        let Some(found) = run.stage(&name) else { continue };
        if run.is_skipped_by_person(&name) {
            continue;
        }
        match found.progress.outcome() {
            Some(outcome) => out.push(Dependency {
                name: found.name.clone(),
                outcome,
                direct,
                outputs: stage_outputs(plan, found),
            }),
            None if direct => return None,
            None => {}
        }
    }
    Some(out)
}

fn planned<'a>(plan: &'a Plan, stage: &str) -> Option<&'a Stage> {
    plan.stages
        .iter()
        .find(|one| one.name.eq_ignore_ascii_case(stage))
}

/// Names above, nearest first, and whether they are named directly.
fn ancestors<'a>(direct: &'a [String], above: &dyn Fn(&str) -> Option<&'a [String]>) -> Vec<(String, bool)> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut out = Vec::new();
    let mut waiting: Vec<(&String, bool)> = direct.iter().map(|name| (name, true)).collect();
    while !waiting.is_empty() {
        let mut further = Vec::new();
        for (name, direct) in waiting {
            if seen.insert(name.to_ascii_lowercase()) {
                out.push((name.clone(), direct));
                further.extend(above(name).unwrap_or_default().iter().map(|name| (name, false)));
            }
        }
        waiting = further;
    }
    out
}

fn stage_outputs(plan: &Plan, stage: &StageState) -> Vec<(String, String)> {
    let jobs = jobs_of(plan, stage).into_iter();
    jobs.flat_map(|job| {
        let name = job.name;
        job.outputs
            .into_iter()
            .map(move |(key, value)| (format!("{name}.{key}"), value))
    })
    .collect()
}

/// Outputs as they are addressed: `step.variable`, with the leg before it in a matrix; of a deployment with the hook or
/// with the job before it, as upstream.
fn job_outputs(job: Option<&Job>, state: &JobState) -> Vec<(String, String)> {
    let deployment = job.is_some_and(|job| matches!(job.kind, JobKind::Deployment { .. }));
    let mut out = Vec::new();
    for leg in &state.legs {
        for (key, value) in &leg.outputs {
            match &leg.name {
                Some(name) => out.push((format!("{name}.{key}"), value.clone())),
                None => out.push((key.clone(), value.clone())),
            }
            if deployment {
                out.push((format!("{}.{key}", state.name), value.clone()));
            }
        }
    }
    out
}

/// Variables as far as they are known before a job starts; later ones win.
pub(super) fn variables(run: &RunState, stage: &StageState, of_job: &[Variable]) -> Vec<(String, String)> {
    let mut out = run.variables.clone();
    out.extend(stage.variables.iter().cloned());
    for variable in of_job {
        if let Variable::Value { name, value, .. } = variable
            && !is_runtime_expression(value)
        {
            out.push((name.clone(), value.clone()));
        }
    }
    out
}

fn job_dependencies(stage: &Stage, now: &StageState, job: &Job) -> Vec<Dependency> {
    let planned = |name: &str| stage.jobs.iter().find(|one| one.name.eq_ignore_ascii_case(name));
    let above = ancestors(&job.depends_on, &|name| {
        planned(name).map(|one| one.depends_on.as_slice())
    });
    above
        .into_iter()
        .filter_map(|(name, direct)| {
            let found = now.job(&name)?;
            dependency(planned(&name), found, direct)
        })
        .collect()
}

fn dependency(planned: Option<&Job>, job: &JobState, direct: bool) -> Option<Dependency> {
    let outcome: Outcome = job.progress.outcome()?;
    Some(Dependency {
        name: job.name.clone(),
        outcome,
        direct,
        outputs: job_outputs(planned, job),
    })
}

fn jobs_of(plan: &Plan, stage: &StageState) -> Vec<Dependency> {
    let jobs = planned(plan, &stage.name).map(|stage| stage.jobs.as_slice());
    stage
        .jobs
        .iter()
        .filter_map(|job| {
            let planned = jobs.unwrap_or_default().iter().find(|one| one.name == job.name);
            dependency(planned, job, true)
        })
        .collect()
}
