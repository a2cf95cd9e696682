//! The number of a run, as `name:` writes it.

use super::super::variables;
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::Run;

/// Upstream's default of `name:`.
const NUMBER: &str = "$(Date:yyyyMMdd)$(Rev:.r)";

pub(super) async fn number(pipelines: &Pipelines, run: &mut Run) -> Result<String> {
    let format = run.plan.run_name.clone().unwrap_or_else(|| NUMBER.to_owned());
    // Variables that are worked out, `counter` among them, are asked for only where the name needs them.
    let known = variables::for_number(pipelines, run, &format).await?;
    let (run, format) = (&*run, variables::worked_out(run, &format, &known));
    let now = pave_runtime::clock::now().to_zoned(jiff::tz::TimeZone::UTC);
    let branch = run.branch.rsplit('/').next().unwrap_or_default().to_owned();
    let id = run.definition.to_string();
    let filled = pave_pipeline::expand_macros(&format, &|name: &str| {
        if let Some(date) = name.strip_prefix("Date:").or_else(|| name.strip_prefix("date:")) {
            return Some(now.strftime(&date_format(date)).to_string());
        }
        let value = match name.to_lowercase().as_str() {
            "builddefinitionname" | "build.definitionname" => run.definition_name.clone(),
            "sourcebranchname" | "build.sourcebranchname" => branch.clone(),
            "sourcebranch" | "build.sourcebranch" => run.branch.clone(),
            "teamproject" | "system.teamproject" => run.project.name.clone(),
            "system.definitionid" => id.clone(),
            "year:yyyy" => now.strftime("%Y").to_string(),
            "year:yy" => now.strftime("%y").to_string(),
            "month" => now.strftime("%-m").to_string(),
            "dayofmonth" => now.strftime("%-d").to_string(),
            "dayofyear" => now.strftime("%-j").to_string(),
            "hours" => now.strftime("%-H").to_string(),
            "minutes" => now.strftime("%-M").to_string(),
            "seconds" => now.strftime("%-S").to_string(),
            _ => return value_of(run, &known, name),
        };
        Some(value)
    });
    let Some((before, rest)) = filled
        .split_once("$(Rev:")
        .or_else(|| filled.split_once("$(rev:"))
    else {
        return Ok(filled);
    };
    let (pattern, after) = rest.split_once(')').unwrap_or((rest, ""));
    // Counts anew for every text around it, as upstream.
    let counter = format!("number:{}:{before}:{after}", run.definition);
    let count = pipelines.store().count(counter, 1).await?;
    let (dot, digits) = pattern
        .strip_prefix('.')
        .map_or(("", pattern), |rest| (".", rest));
    Ok(format!(
        "{before}{dot}{count:0width$}{after}",
        width = digits.len()
    ))
}

fn value_of(run: &Run, known: &[(String, String)], name: &str) -> Option<String> {
    let worked_out = known.iter().rev().find(|(own, _)| own.eq_ignore_ascii_case(name));
    if let Some((_, value)) = worked_out {
        return Some(value.clone());
    }
    run.plan.variables.iter().find_map(|variable| match variable {
        pave_pipeline::Variable::Value { name: own, value, .. } if own.eq_ignore_ascii_case(name) => {
            Some(value.clone())
        }
        _ => None,
    })
}

/// .NET's date letters, as far as run numbers use them.
fn date_format(dotnet: &str) -> String {
    let pairs = [
        ("yyyy", "%Y"),
        ("yy", "%y"),
        ("MMM", "%b"),
        ("MM", "%m"),
        ("dd", "%d"),
        ("HH", "%H"),
        ("hh", "%I"),
        ("mm", "%M"),
        ("ss", "%S"),
    ];
    let mut out = String::new();
    let mut rest = dotnet;
    while let Some(first) = rest.chars().next() {
        if let Some((letters, format)) = pairs.iter().find(|(letters, _)| rest.starts_with(letters)) {
            out.push_str(format);
            rest = &rest[letters.len()..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_asked() {
        for (given, expected) in [("yyyyMMdd", "%Y%m%d"), ("yy.MM.dd-HHmm", "%y.%m.%d-%H%M")] {
            assert_eq!(date_format(given), expected);
        }
    }
}
