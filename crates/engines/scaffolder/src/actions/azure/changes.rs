//! What a step's directory holds that its clone did not.

use std::path::{Path, PathBuf};

use pave_git::{Commit, GitError, Mirror, Objects, Program};

use super::super::publishing::failed;
use crate::action::{ActionContext, ActionError};
use crate::model::PlannedFile;

/// A file that differs: its path, and its mode unless it is gone.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    path: String,
    mode: Option<String>,
}

/// The files below `directory` of the workspace that differ from `base`, as `git add .` would find them: what
/// `.gitignore` names stays out, deleted files count.
pub(super) async fn since(
    context: &ActionContext<'_>,
    mirror: &Mirror,
    base: &Commit,
    directory: &Path,
    (repository, branch): (&str, &str),
) -> Result<Vec<PlannedFile>, ActionError> {
    let index = Index::new(context, mirror, directory);
    let found = index.differences(base).await;
    let contents = match &found {
        Ok((tree, differences)) => {
            let present = differences.iter().filter(|difference| difference.mode.is_some());
            let paths: Vec<String> = present.map(|difference| difference.path.clone()).collect();
            Objects::new(mirror.directory()).read_many(tree, &paths).await
        }
        Err(_) => Ok(Vec::new()),
    };
    index.remove();
    let (_, differences) = found.map_err(|error| failed(&error))?;
    let contents = contents.map_err(|error| failed(&error))?;
    let prefix = context.workspace.relative(directory);
    let mut files = Vec::new();
    for difference in differences {
        if matches!(difference.mode.as_deref(), Some("120000" | "160000")) {
            let message = format!(
                "warn: `{}` is a symbolic link or a repository of its own, and is left out",
                difference.path
            );
            context.log(&message).await;
            continue;
        }
        let bytes = contents.iter().find(|(path, _)| *path == difference.path);
        let in_workspace = format!("{prefix}/{}", difference.path);
        files.push(PlannedFile {
            repository: repository.to_owned(),
            branch: branch.to_owned(),
            content: bytes.map(|(_, bytes)| bytes.clone()),
            executable: difference.mode.as_deref() == Some("100755"),
            pieces: context.workspace.pieces(in_workspace.trim_start_matches('/')),
            path_pieces: Vec::new(),
            step: context.step_id.to_owned(),
            path: difference.path,
        });
    }
    Ok(files)
}

/// An index of its own over a directory, with the objects of the repository's copy. The configuration that Git reads
/// is the copy's, never one that lies in the directory.
struct Index {
    program: Program,
    directory: String,
    file: PathBuf,
}

impl Index {
    fn new(context: &ActionContext<'_>, mirror: &Mirror, directory: &Path) -> Self {
        let name = format!("pave-index-{}", uuid::Uuid::new_v4().simple());
        let file = mirror.directory().join(name);
        let directory = directory.display().to_string();
        tracing::trace!(task = context.task_id, directory, "looking for changes");
        let program = Program::new(mirror.directory())
            .env("GIT_INDEX_FILE", &file.display().to_string())
            .env("GIT_WORK_TREE", &directory)
            .config("core.bare", "false")
            .config("core.autocrlf", "false")
            .config("core.safecrlf", "false")
            .config("advice.addEmbeddedRepo", "false");
        Self {
            program,
            directory,
            file,
        }
    }

    async fn differences(&self, base: &Commit) -> Result<(Commit, Vec<Difference>), GitError> {
        let inside = ["-C", self.directory.as_str()];
        let run = async |arguments: &[&str]| {
            let all: Vec<&str> = inside.iter().copied().chain(arguments.iter().copied()).collect();
            self.program.run(&all, b"").await
        };
        run(&["read-tree", base.as_str()]).await?;
        run(&["add", "--all", "--", "."]).await?;
        let printed = run(&[
            "diff-index",
            "--cached",
            "--raw",
            "--no-renames",
            "--no-abbrev",
            "-z",
            base.as_str(),
            "--",
        ])
        .await?;
        let tree = run(&["write-tree"]).await?;
        let tree = Commit::parse(String::from_utf8_lossy(&tree).trim())?;
        Ok((tree, read(&printed)))
    }

    fn remove(&self) {
        // Nobody knows its name any more; it is small and does no harm where it stays.
        std::fs::remove_file(&self.file).ok();
    }
}

/// Reads `git diff-index --raw -z`: `:<old mode> <new mode> <old> <new> <status>`, then the path, each ended by NUL.
fn read(printed: &[u8]) -> Vec<Difference> {
    let text = String::from_utf8_lossy(printed);
    let mut parts = text.split('\0');
    let mut found = Vec::new();
    while let (Some(entry), Some(path)) = (parts.next(), parts.next()) {
        let mut fields = entry.trim_start_matches(':').split(' ');
        let mode = fields.nth(1).unwrap_or_default();
        let gone = entry.ends_with('D');
        found.push(Difference {
            path: path.to_owned(),
            mode: (!gone).then(|| mode.to_owned()),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_read() {
        let printed =
            b":100644 100755 aa bb M\0a b.txt\0:100644 000000 aa 00 D\0gone\0:000000 100644 00 cc A\0new\0";
        let found: Vec<(String, Option<String>)> =
            read(printed).into_iter().map(|it| (it.path, it.mode)).collect();
        let expected = [
            ("a b.txt", Some("100755")),
            ("gone", None),
            ("new", Some("100644")),
        ];
        let expected: Vec<(String, Option<String>)> = expected
            .iter()
            .map(|(path, mode)| ((*path).to_owned(), mode.map(str::to_owned)))
            .collect();
        assert_eq!(found, expected);
    }
}
