//! `counter(prefix, seed)`: one number for each prefix of a pipeline, taken once for a run.

use std::sync::{Arc, Mutex, PoisonError};

use pave_pipeline::{Counter, RuntimeScope, Variable};

use super::of_run as variables_of_run;
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::Run;

/// Counters whose prefixes depend on other counters are few and not nested deeply.
const ROUNDS: usize = 4;

/// The numbers that a run has got.
pub(super) fn of_run(run: &Run) -> Counter {
    let known = run.counters.clone();
    Counter(Arc::new(move |prefix, seed| {
        let found = known
            .iter()
            .find(|(own, start, _)| own == prefix && *start == seed);
        found.map_or(seed, |(_, _, number)| *number)
    }))
}

/// Variables that are worked out, for the name of a run; none where it names none.
pub(crate) async fn for_number(
    pipelines: &Pipelines,
    run: &mut Run,
    format: &str,
) -> Result<Vec<(String, String)>> {
    let names = format.to_ascii_lowercase();
    let needed = run.plan.variables.iter().any(|variable| match variable {
        Variable::Value { name, value, .. } => {
            pave_pipeline::is_runtime_expression(value)
                && names.contains(&format!("$({})", name.to_ascii_lowercase()))
        }
        Variable::Group { .. } => false,
    });
    if !needed && !pave_pipeline::is_runtime_expression(format) {
        return Ok(Vec::new());
    }
    count_with(pipelines, run, Some(format)).await?;
    let found = variables_of_run(pipelines, run).await?;
    // The name of a run is seen by everybody.
    let shown = found.all.into_iter().filter(|it| !it.secret);
    Ok(shown.map(|it| (it.name, it.value)).collect())
}

/// The name of a run, where it is written as `$[ … ]`; any other text as it is.
pub(crate) fn worked_out(run: &Run, format: &str, variables: &[(String, String)]) -> String {
    let scope = RuntimeScope {
        variables: variables.to_vec(),
        counter: Some(of_run(run)),
        ..RuntimeScope::default()
    };
    pave_pipeline::runtime_value(format, &scope).unwrap_or_else(|_| format.to_owned())
}

/// Takes the numbers that the variables of a run ask for. What it took before it keeps.
pub(crate) async fn count(pipelines: &Pipelines, run: &mut Run) -> Result {
    count_with(pipelines, run, None).await
}

async fn count_with(pipelines: &Pipelines, run: &mut Run, name: Option<&str>) -> Result {
    let asking: Vec<String> = run
        .plan
        .variables
        .iter()
        .filter_map(|variable| match variable {
            Variable::Value { value, .. } if value.to_ascii_lowercase().contains("counter(") => {
                Some(value.clone())
            }
            _ => None,
        })
        .chain(
            name.filter(|text| text.to_ascii_lowercase().contains("counter("))
                .map(str::to_owned),
        )
        .collect();
    if asking.is_empty() {
        return Ok(());
    }
    for _ in 0..ROUNDS {
        let wanted = wanted(&asking, variables_of_run(pipelines, run).await?.pairs());
        let fresh: Vec<(String, i64)> = wanted
            .into_iter()
            .filter(|(prefix, seed)| {
                !run.counters
                    .iter()
                    .any(|(own, start, _)| own == prefix && start == seed)
            })
            .collect();
        if fresh.is_empty() {
            return Ok(());
        }
        for (prefix, seed) in fresh {
            let name = format!("counter:{}:{prefix}", run.definition);
            let number = pipelines.store().count(name, seed).await?;
            run.counters.push((prefix, seed, number));
        }
    }
    Ok(())
}

fn wanted(asking: &[String], variables: Vec<(String, String)>) -> Vec<(String, i64)> {
    let asked: Arc<Mutex<Vec<(String, i64)>>> = Arc::default();
    let list = Arc::clone(&asked);
    let scope = RuntimeScope {
        variables,
        counter: Some(Counter(Arc::new(move |prefix, seed| {
            let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
            if !list.iter().any(|(own, start)| own == prefix && *start == seed) {
                list.push((prefix.to_owned(), seed));
            }
            seed
        }))),
        ..RuntimeScope::default()
    };
    for text in asking {
        // Only what it asks for matters here; errors show where the variable is used.
        drop(pave_pipeline::runtime_value(text, &scope));
    }
    asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
