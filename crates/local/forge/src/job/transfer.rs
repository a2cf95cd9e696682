//! Bringing branches and tags of another repository into one of ours: imports, forks, fork syncs.

use std::path::Path;
use std::time::Duration;

use pave_auth::Principal;
use pave_git::Program;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::Failure;
use crate::ForgeError;
use crate::changes::ZERO;
use crate::forge::Forge;
use crate::repository::Repository;
use crate::route::{Target, parse};
use crate::store::{Job, Update};

/// How long another host may take.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// The most that is taken from another host.
const LARGEST: u64 = 2 * 1024 * 1024 * 1024;

/// Where fetched references wait until their right to be here is known.
const SCRATCH: &str = "refs/pave/transfer";

/// Where branches come from.
pub(crate) enum Source {
    /// Another repository of this forge.
    Here(Box<Repository>),
    /// Another host, by HTTP.
    There(Url),
}

impl Source {
    /// Git that may fetch from there and from nowhere else, and how it calls the place.
    fn git(&self, repository: &Repository) -> (Program, String) {
        let git = repository
            .git()
            .config("fetch.fsckObjects", "true")
            .config("fetch.unpackLimit", "1")
            .config("protocol.allow", "never")
            .deadline(PATIENCE);
        match self {
            Self::Here(from) => {
                let git = git.config("protocol.file.allow", "always");
                (git, from.directory.display().to_string())
            }
            Self::There(url) => {
                let git = git
                    .config("protocol.http.allow", "always")
                    .config("protocol.https.allow", "always")
                    .config("http.lowSpeedLimit", "1000")
                    .config("http.lowSpeedTime", "60");
                (git, url.to_string())
            }
        }
    }
}

/// What the import of a request is from; `principal` must be able to read it if it is here.
pub(crate) async fn source(forge: &Forge, principal: &Principal, url: &Url) -> Result<Source, Failure> {
    if url.origin() != forge.base_url().origin() {
        return Ok(Source::There(url.clone()));
    }
    let missing = || Failure::new("other", format!("There is no repository at {url}."));
    let Some(Target::Git {
        organization,
        project,
        repository,
        ..
    }) = parse(url.path())
    else {
        return Err(missing());
    };
    let found = forge.repository(&organization, &project, &repository).await?;
    let found = found.ok_or_else(missing)?;
    forge
        .check_read(principal, &found)
        .await
        .map_err(|error| Failure::new("other", error.message()))?;
    Ok(Source::Here(Box::new(found)))
}

pub(super) async fn import(
    forge: &Forge,
    principal: &Principal,
    repository: &Repository,
    job: &Job,
) -> Result<(), Failure> {
    let url = job.parameters.pointer("/gitSource/url").and_then(Value::as_str);
    let url = url.and_then(|url| Url::parse(url).ok());
    let url = url.ok_or_else(|| Failure::new("other", "The import has no URL."))?;
    let source = source(forge, principal, &url).await?;
    let taken = take_over(forge, principal, repository, &source, &Wanted::ALL).await?;
    if taken == 0 {
        let message = format!("The repository {url} has no branches.");
        return Err(Failure::new("other", message));
    }
    Ok(())
}

pub(super) async fn sync(
    forge: &Forge,
    principal: &Principal,
    repository: &Repository,
    job: &Job,
) -> Result<(), Failure> {
    let text = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let id = job
        .parameters
        .pointer("/source/repositoryId")
        .and_then(Value::as_str);
    let id = id.and_then(|id| Uuid::parse_str(id).ok());
    let missing = || Failure::new("other", "The repository to take from does not exist.");
    let from = forge.repository_by_id(id.ok_or_else(missing)?).await?;
    let pairs = job.parameters.get("sourceToTargetRefs").and_then(Value::as_array);
    let pairs: Vec<(String, String)> = pairs
        .into_iter()
        .flatten()
        .map(|pair| (text(pair, "sourceRef"), text(pair, "targetRef")))
        .collect();
    let wanted = Wanted {
        pairs,
        into_empty: false,
    };
    take_over(
        forge,
        principal,
        repository,
        &Source::Here(Box::new(from)),
        &wanted,
    )
    .await?;
    Ok(())
}

/// What is wanted of a source.
pub(crate) struct Wanted {
    /// From one reference to another; all branches and tags where there are none.
    pub(crate) pairs: Vec<(String, String)>,
    /// Nothing may be there before.
    pub(crate) into_empty: bool,
}

impl Wanted {
    pub(crate) const ALL: Self = Self {
        pairs: Vec::new(),
        into_empty: true,
    };
}

/// Fetches references and moves ours to where they are,
/// as `principal` may. Returns how many the source has. The first ones decide the default branch.
pub(crate) async fn take_over(
    forge: &Forge,
    principal: &Principal,
    repository: &Repository,
    source: &Source,
    wanted: &Wanted,
) -> Result<usize, Failure> {
    let scratch = format!("{SCRATCH}/{}", Uuid::new_v4());
    let fetched = fetch(repository, source, &wanted.pairs, &scratch).await;
    let moved = match fetched {
        Ok(()) => {
            let default = default_branch(repository, source).await;
            advance(forge, principal, repository, wanted, default, &scratch).await
        }
        Err(failure) => Err(failure),
    };
    drop_references(repository, &scratch).await?;
    moved
}

/// Forgets what a transfer left behind that was stopped in the middle. Usually it looks for one folder.
pub(crate) async fn tidy_up(repository: &Repository) -> Result<(), ForgeError> {
    if repository.directory.join(SCRATCH).exists() {
        drop_references(repository, SCRATCH).await?;
    }
    Ok(())
}

async fn drop_references(repository: &Repository, below: &str) -> Result<(), ForgeError> {
    let mut lines = String::new();
    for (name, object) in repository.references(&[below]).await? {
        lines.extend(["delete ", &name, " ", &object, "\n"]);
    }
    repository
        .git()
        .run(&["update-ref", "--stdin"], lines.as_bytes())
        .await?;
    Ok(())
}

async fn fetch(
    repository: &Repository,
    source: &Source,
    pairs: &[(String, String)],
    scratch: &str,
) -> Result<(), Failure> {
    let (git, place) = source.git(repository);
    let mut wanted: Vec<String> = pairs
        .iter()
        .map(|(from, to)| format!("+{from}:{scratch}/{}", to.trim_start_matches("refs/")))
        .collect();
    if wanted.is_empty() {
        wanted = ["heads", "tags"]
            .map(|kind| format!("+refs/{kind}/*:{scratch}/{kind}/*"))
            .into();
    }
    let mut arguments = vec!["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", &place];
    arguments.extend(wanted.iter().map(String::as_str));
    tokio::select! {
        fetched = git.run(&arguments, b"") => fetched.map(drop).map_err(Failure::from),
        () = outgrows(repository.directory.join("objects/pack")) => {
            let message = format!("The repository is larger than {} GB.", LARGEST >> 30);
            Err(Failure::new("gitObjectTooLarge", message))
        }
    }
}

/// Ends when a folder has become too large.
async fn outgrows(folder: std::path::PathBuf) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let folder = folder.clone();
        let size = tokio::task::spawn_blocking(move || size(&folder)).await;
        if size.is_ok_and(|size| size > LARGEST) {
            return;
        }
    }
}

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.metadata().ok())
        .map(|data| data.len())
        .sum()
}

async fn advance(
    forge: &Forge,
    principal: &Principal,
    repository: &Repository,
    wanted: &Wanted,
    default: Option<String>,
    scratch: &str,
) -> Result<usize, Failure> {
    let theirs = repository.references(&[scratch]).await?;
    let _turn = forge.turn(repository).await;
    let ours = repository.references(&["refs/heads", "refs/tags"]).await?;
    if wanted.into_empty && !ours.is_empty() {
        let message = format!("{} is not empty any more.", repository.full_name());
        return Err(Failure::new("refNameConflict", message));
    }
    let mut updates = Vec::new();
    for (name, new) in &theirs {
        let name = name.replacen(scratch, "refs", 1);
        let now = ours.iter().find(|(other, _)| *other == name);
        let old = now.map_or(ZERO.to_owned(), |(_, object)| object.clone());
        if old != *new {
            updates.push(Update {
                name,
                old,
                new: new.clone(),
            });
        }
    }
    if updates.is_empty() {
        return Ok(theirs.len());
    }
    let before = repository.default_branch().await;
    let is_new = ours.is_empty() && default.as_ref().is_some_and(|it| *it != before);
    if let (true, Some(default)) = (is_new, &default) {
        point_head(repository, default).await?;
    }
    let moved = forge.update(principal, repository, &updates).await;
    if moved.is_err() && is_new {
        point_head(repository, &before).await?;
    }
    moved?;
    Ok(theirs.len())
}

async fn point_head(repository: &Repository, branch: &str) -> Result<(), ForgeError> {
    repository
        .git()
        .run(&["symbolic-ref", "HEAD", branch], b"")
        .await?;
    Ok(())
}

/// The default branch of the source, if it says one.
async fn default_branch(repository: &Repository, source: &Source) -> Option<String> {
    if let Source::Here(from) = source {
        return Some(from.default_branch().await);
    }
    let (git, place) = source.git(repository);
    let printed = git
        .run(&["ls-remote", "--symref", &place, "HEAD"], b"")
        .await
        .ok()?;
    let text = String::from_utf8_lossy(&printed).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("ref: "))?;
    let (branch, _) = line.split_once('\t')?;
    branch.starts_with("refs/heads/").then(|| branch.to_owned())
}
