//! Definitions as they are listed, with their files and folders.

use jiff::Timestamp;
use pave_devops::{AreaError, AreaRequest};
use serde_json::{Value, json};

use super::{named, visible};
use crate::pipelines::Pipelines;
use crate::rest::listing::{Moment, page_of};
use crate::rest::shape::Links;
use crate::rest::{Answer, builds, list, ok, project};
use crate::run::Progress;
use crate::store::Stored;
use crate::things::Definition;

/// How many of the newest runs are looked through for one that has ended.
const LOOKED_THROUGH: usize = 50;

/// `build/definitions`.
pub(super) async fn listed(pipelines: &Pipelines, request: &AreaRequest) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    let given = |key: &str| request.parameter(key).filter(|it| !it.is_empty());
    let is_set = |key: &str| given(key).is_some_and(|it| it.eq_ignore_ascii_case("true"));
    let mut all = visible(pipelines, request).await?;
    all.retain(|it| wanted(request, it));
    if let Some(order) = given("queryOrder") {
        sort(&mut all, order);
    }
    let after = Moment::of(request, "builtAfter")?;
    let before = Moment::of(request, "notBuiltAfter")?;
    let full = is_set("includeAllProperties");
    let latest = is_set("includeLatestBuilds");
    let mut shown = Vec::new();
    for it in &all {
        if after.is_some() || before.is_some() {
            let built = built(pipelines, it).await?;
            if after.is_some_and(|time| built.is_none_or(|built| time.compare(built).is_lt()))
                || before.is_some_and(|time| built.is_some_and(|built| time.compare(built).is_ge()))
            {
                continue;
            }
        }
        let mut shape = if full {
            links.definition(it)
        } else {
            links.definition_reference(it)
        };
        if latest {
            with_latest(pipelines, request, it, &mut shape).await?;
        }
        shown.push(shape);
    }
    page_of(request, shown, 10_000)
}

/// Whether a definition passes the filters that look at nothing but itself.
fn wanted(request: &AreaRequest, stored: &Stored<Definition>) -> bool {
    let it = &stored.body;
    let given = |key: &str| request.parameter(key).filter(|it| !it.is_empty());
    let same = |key: &str, own: &str| given(key).is_none_or(|it| it.eq_ignore_ascii_case(own));
    let file = |given: &str| {
        given
            .trim_start_matches('/')
            .eq_ignore_ascii_case(it.yaml.trim_start_matches('/'))
    };
    given("name").is_none_or(|name| named(&it.name, name))
        && same("repositoryId", &it.repository.id.to_string())
        && same("repositoryType", "TfsGit")
        && given("definitionIds").is_none_or(|ids| {
            let mut ids = ids.split(',').map(str::trim);
            ids.any(|id| id == stored.id.to_string())
        })
        && given("path").is_none_or(|path| folder(path).eq_ignore_ascii_case(&folder(&it.path)))
        // There are no other definitions than those in YAML.
        && given("processType").is_none_or(|it| it == "2" || it == "0")
        && given("yamlFilename").is_none_or(file)
}

fn sort(all: &mut [Stored<Definition>], order: &str) {
    match order.to_lowercase().as_str() {
        "1" | "lastmodifiedascending" => all.sort_by(|a, b| a.body.created_at.cmp(&b.body.created_at)),
        "2" | "lastmodifieddescending" => all.sort_by(|a, b| b.body.created_at.cmp(&a.body.created_at)),
        "3" | "definitionnameascending" => by_name(all, false),
        "4" | "definitionnamedescending" => by_name(all, true),
        _ => {}
    }
}

/// In the order of names, without regard to case.
pub(in crate::rest) fn by_name(all: &mut [Stored<Definition>], descending: bool) {
    all.sort_by_key(|it| it.body.name.to_lowercase());
    if descending {
        all.reverse();
    }
}

/// When the newest run was queued.
async fn built(pipelines: &Pipelines, it: &Stored<Definition>) -> Result<Option<Timestamp>, AreaError> {
    let Some(id) = pipelines.store().latest(it.id, None).await? else {
        return Ok(None);
    };
    let run = pipelines.run(id).await?;
    Ok(run.and_then(|run| run.queued_at.parse().ok()))
}

/// Adds the newest build, and the newest that has ended.
pub(super) async fn with_latest(
    pipelines: &Pipelines,
    request: &AreaRequest,
    it: &Stored<Definition>,
    shape: &mut Value,
) -> Result<(), AreaError> {
    let runs = pipelines
        .store()
        .runs(it.body.project.id, vec![it.id], LOOKED_THROUGH)
        .await?;
    let Some(newest) = runs.first() else {
        return Ok(());
    };
    let newest = pipelines.run(newest.id).await?;
    if let Some(run) = &newest {
        shape["latestBuild"] = builds::shown(pipelines, request, run).await?;
    }
    let done = newest.filter(|run| run.progress == Progress::Completed);
    let done = done.or_else(|| runs.into_iter().find(|run| run.progress == Progress::Completed));
    if let Some(run) = done {
        shape["latestCompletedBuild"] = builds::shown(pipelines, request, &run).await?;
    }
    Ok(())
}

/// `build/definitions/{id}/yaml`: the file, of the branch that is built by default.
pub(super) async fn yaml(pipelines: &Pipelines, stored: &Stored<Definition>) -> Answer {
    let it = &stored.body;
    let repositories = &pipelines.options().repositories;
    let branch = &it.repository.default_branch;
    let commit = repositories.commit(it.repository.id, branch).await;
    let commit = commit.map_err(crate::PipelinesError::from)?;
    let text = match commit {
        Some(commit) => {
            let file = repositories.file(it.repository.id, &commit.id, &it.yaml).await;
            file.map_err(crate::PipelinesError::from)?
        }
        None => None,
    };
    let text = text.ok_or_else(|| {
        AreaError::not_found(format!(
            "There is no file {} on {branch} of repository {}.",
            it.yaml, it.repository.name
        ))
    })?;
    ok(json!({"yaml": String::from_utf8_lossy(&text)}))
}

/// `build/folders`: those that pipelines are in, and those around them.
pub(in crate::rest) async fn folders(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    let here = project(request)?;
    let links = Links {
        base: &request.base_url,
    };
    let all = visible(pipelines, request).await?;
    let mut found = vec!["\\".to_owned()];
    for it in &all {
        let path = folder(&it.body.path);
        let ends = path.char_indices().skip(1).filter(|(_, it)| *it == '\\');
        found.extend(ends.map(|(at, _)| path[..at].to_owned()));
        found.push(path);
    }
    found.sort_by_key(|it| it.to_lowercase());
    found.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
    let below = folder(&rest.join("\\")).to_lowercase();
    found.retain(|it| {
        let it = it.to_lowercase();
        below == "\\" || it == below || it.starts_with(&format!("{below}\\"))
    });
    if request.parameter("queryOrder") == Some("2") {
        found.reverse();
    }
    let shape = |path: &String| json!({"path": path, "description": "", "project": links.project(here)});
    list(found.iter().map(shape).collect())
}

/// A folder as it is written: with backslashes, one before it and none behind.
fn folder(path: &str) -> String {
    let path = path.replace('/', "\\");
    format!("\\{}", path.trim_matches('\\'))
}

#[cfg(test)]
mod tests {
    use super::folder;

    #[test]
    fn folders_are_written_one_way() {
        for (given, expected) in [
            ("", "\\"),
            ("\\", "\\"),
            ("team", "\\team"),
            ("/team/a/", "\\team\\a"),
            ("\\team\\a", "\\team\\a"),
        ] {
            assert_eq!(folder(given), expected, "{given}");
        }
    }
}
