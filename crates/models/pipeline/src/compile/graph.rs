use std::collections::{HashMap, HashSet};

use pave_diagnostic::{Diagnostic, Label, Location, nearest};

use super::Compiler;
use crate::{Plan, codes};

/// A stage or job as far as the graph is concerned.
struct Part<'a> {
    name: &'a str,
    depends_on: &'a [String],
    place: &'a Location,
}

impl Compiler<'_> {
    /// Checks what stages and jobs depend on.
    pub(super) fn check_graph(&mut self, plan: &Plan) {
        let stages: Vec<Part> = plan
            .stages
            .iter()
            .map(|stage| Part {
                name: &stage.name,
                depends_on: &stage.depends_on,
                place: &stage.place,
            })
            .collect();
        self.check_parts(&stages, "stage");
        for stage in &plan.stages {
            let jobs: Vec<Part> = stage
                .jobs
                .iter()
                .map(|job| Part {
                    name: &job.name,
                    depends_on: &job.depends_on,
                    place: &job.place,
                })
                .collect();
            self.check_parts(&jobs, "job");
        }
    }

    fn check_parts(&mut self, parts: &[Part], kind: &str) {
        let names: Vec<&str> = parts.iter().map(|part| part.name).collect();
        for part in parts {
            for dependency in part.depends_on {
                if names.iter().any(|name| name.eq_ignore_ascii_case(dependency)) {
                    continue;
                }
                let others = names.iter().copied().filter(|name| *name != part.name);
                let message = format!(
                    "{kind} `{}` depends on `{dependency}`, which does not exist",
                    part.name
                );
                let mut diagnostic = Diagnostic::error(codes::UNKNOWN_DEPENDENCY, message)
                    .with_label(Label::at(part.place.clone()));
                diagnostic.help = Some(
                    match nearest(dependency, others.clone()).filter(|near| near.len() > 2) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => match others.collect::<Vec<_>>() {
                            others if others.is_empty() => format!("there is no other {kind} here"),
                            others => format!("known here are {}", others.join(", ")),
                        },
                    },
                );
                self.diagnostics.push(diagnostic);
            }
        }
        self.check_cycles(parts, kind);
    }

    fn check_cycles(&mut self, parts: &[Part], kind: &str) {
        let by_name: HashMap<String, &Part> = parts
            .iter()
            .map(|part| (part.name.to_ascii_lowercase(), part))
            .collect();
        let mut done: HashSet<String> = HashSet::new();
        for part in parts {
            let mut path = Vec::new();
            if let Some(cycle) = cycle(part, &by_name, &mut done, &mut path) {
                let message = format!("{kind}s wait for each other: {}", cycle.join(" → "));
                let place = by_name
                    .get(&cycle[0].to_ascii_lowercase())
                    .map_or(part.place, |first| first.place);
                self.diagnostics.push(
                    Diagnostic::error(codes::CYCLE, message)
                        .with_label(Label::at(place.clone()))
                        .with_help("remove one of these from `dependsOn`"),
                );
            }
        }
    }
}

fn cycle(
    part: &Part,
    by_name: &HashMap<String, &Part>,
    done: &mut HashSet<String>,
    path: &mut Vec<String>,
) -> Option<Vec<String>> {
    if let Some(start) = path.iter().position(|name| name.eq_ignore_ascii_case(part.name)) {
        let mut found = path[start..].to_vec();
        found.push(part.name.to_owned());
        done.extend(path.iter().map(|name| name.to_ascii_lowercase()));
        return Some(found);
    }
    if done.contains(&part.name.to_ascii_lowercase()) {
        return None;
    }
    path.push(part.name.to_owned());
    for dependency in part.depends_on {
        if let Some(next) = by_name.get(&dependency.to_ascii_lowercase())
            && let Some(found) = cycle(next, by_name, done, path)
        {
            return Some(found);
        }
    }
    path.pop();
    done.insert(part.name.to_ascii_lowercase());
    None
}
