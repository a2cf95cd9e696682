//! A source at a revision: which files, what they say, and which commit touched each last.

use std::collections::BTreeMap;
use std::sync::Arc;

use pave_git::{Commit, CommitInfo, EntryKind, TreeEntry};
use pave_manifest::application::Source;
use pave_manifest::directory::{Rendered, Selection, SourceFile, read};
use pave_manifest::target::{Stamp, road_of_commit};
use pave_names::annotation;

use crate::repositories::{Repositories, Repository, RepositoryError};

/// Why a source could not be rendered.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum RenderError {
    /// The repository could not be read.
    #[error("{0}")]
    Repository(#[from] RepositoryError),
    /// The folder is not there. As upstream this is no empty folder, and nothing is pruned for it.
    #[error("{path}: app path does not exist in {url} at {revision}")]
    NoFolder {
        path: String,
        url: String,
        revision: String,
    },
    /// The source needs a tool that there is none for yet.
    #[error("the source asks for {0}, which is not rendered yet; commit the rendered YAML instead")]
    Unsupported(&'static str),
}

/// A rendered source.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    /// What was asked for.
    pub(crate) source: Source,
    /// Commit it was rendered at.
    pub(crate) revision: String,
    /// Objects and findings.
    pub(crate) rendered: Arc<Rendered>,
    /// By file, where it came from.
    pub(crate) stamps: Arc<BTreeMap<String, Stamp>>,
    files: Vec<(String, String)>,
}

/// Renders a source at a revision, reusing an earlier snapshot if no file of it changed.
///
/// With `fetch` the remote is asked first; otherwise the private copy has the last word.
pub(crate) async fn snapshot(
    repositories: &Repositories,
    source: &Source,
    revision: &str,
    fetch: bool,
    earlier: Option<&Snapshot>,
) -> Result<Snapshot, RenderError> {
    check_tool(source)?;
    let repository = repositories.open(&source.repo_url).await?;
    if fetch {
        repository.fetch().await?;
    }
    let commit = repository
        .mirror
        .resolve(revision)
        .await
        .map_err(RepositoryError::from)?;
    let earlier = earlier.filter(|it| it.source == *source);
    if let Some(same) = earlier.filter(|it| it.revision == commit.as_str()) {
        return Ok(same.clone());
    }
    let files = select(&repository, &commit, source).await?;
    if let Some(same) = earlier.filter(|it| it.files == files) {
        return Ok(Snapshot {
            revision: commit.to_string(),
            ..same.clone()
        });
    }
    let paths: Vec<String> = files.iter().map(|(path, _)| path.clone()).collect();
    let (contents, commits) = tokio::try_join!(
        repository.mirror.read_many(&commit, &paths),
        repository.mirror.last_commits(&commit, source.folder()),
    )
    .map_err(RepositoryError::from)?;
    let texts: Vec<_> = contents
        .iter()
        .map(|(path, bytes)| SourceFile { path, bytes })
        .collect();
    Ok(Snapshot {
        source: source.clone(),
        revision: commit.to_string(),
        rendered: Arc::new(read(&texts)),
        stamps: Arc::new(
            commits
                .into_iter()
                .filter_map(|(path, info)| Some((path, stamp(&info)?)))
                .collect(),
        ),
        files,
    })
}

fn check_tool(source: &Source) -> Result<(), RenderError> {
    for (field, tool) in [
        ("helm", "Helm"),
        ("kustomize", "Kustomize"),
        ("plugin", "a plugin"),
        ("chart", "a Helm chart"),
    ] {
        if source.other.contains_key(field) {
            return Err(RenderError::Unsupported(tool));
        }
    }
    Ok(())
}

/// Path and content id of the files that count.
async fn select(
    repository: &Repository,
    commit: &Commit,
    source: &Source,
) -> Result<Vec<(String, String)>, RenderError> {
    let recurse = source.directory.as_ref().is_some_and(|it| it.recurse);
    let entries = repository
        .mirror
        .list(commit, source.folder(), recurse)
        .await
        .map_err(RepositoryError::from)?;
    if entries.is_empty() {
        return Err(RenderError::NoFolder {
            path: source.path.clone(),
            url: source.repo_url.clone(),
            revision: commit.short().to_owned(),
        });
    }
    let name = |entry: &TreeEntry| entry.path.rsplit('/').next().unwrap_or_default().to_owned();
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::File) {
        match name(entry).as_str() {
            "Chart.yaml" => return Err(RenderError::Unsupported("Helm (`Chart.yaml`)")),
            "kustomization.yaml" | "kustomization.yml" | "Kustomization" => {
                return Err(RenderError::Unsupported("Kustomize (`kustomization.yaml`)"));
            }
            _ => {}
        }
    }
    let selection = Selection::new(source.folder(), source.directory.as_ref());
    let wanted = |entry: &TreeEntry| {
        entry.kind == EntryKind::File && !entry.is_symlink() && selection.selects(&entry.path)
    };
    Ok(entries
        .into_iter()
        .filter(wanted)
        .map(|entry| (entry.path, entry.object))
        .collect())
}

fn stamp(info: &CommitInfo) -> Option<Stamp> {
    let trailer = |key: &str| {
        info.trailers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|it| it.1.clone())
    };
    let commit = info.commit.to_string();
    let road = trailer(annotation::ROAD_TRAILER)
        .and_then(|text| text.trim().parse().ok())
        .or_else(|| road_of_commit(&commit))?;
    Some(Stamp {
        road,
        commit,
        requested_by: trailer(annotation::REQUESTED_BY_TRAILER),
    })
}
