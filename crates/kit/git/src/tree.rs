//! Files and folders of a commit.

use crate::{Commit, GitError, Program};

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file, or a symbolic link (see the mode).
    File,
    /// A folder.
    Folder,
    /// A commit of another repository.
    Submodule,
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// The path from the root of the repository.
    pub path: String,
    /// Git's mode, e.g. `0o100644`, `0o100755` (executable), `0o120000` (symbolic link).
    pub mode: u32,
    /// What it is.
    pub kind: EntryKind,
    /// The id of the object.
    pub object: String,
}

impl TreeEntry {
    /// Whether the file may be executed.
    #[must_use]
    pub fn is_executable(&self) -> bool {
        self.mode == 0o100_755
    }

    /// Whether it is a symbolic link; its content is the target.
    #[must_use]
    pub fn is_symlink(&self) -> bool {
        self.mode == 0o120_000
    }
}

/// Lists `path` of `commit`; with `recurse` every file below it, otherwise its direct files and folders.
pub(crate) async fn list(
    program: &Program,
    commit: &Commit,
    path: &str,
    recurse: bool,
) -> Result<Vec<TreeEntry>, GitError> {
    let folder = folder(path)?;
    let mut arguments = vec!["ls-tree", "-z", "--full-tree"];
    if recurse {
        arguments.push("-r");
    }
    arguments.push(commit.as_str());
    if !folder.is_empty() {
        arguments.push(&folder);
    }
    let printed = program.run(&arguments, b"").await?;
    let entries = printed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| parse_entry(&String::from_utf8_lossy(entry)))
        .collect()
}

/// What a path is, without reading it.
pub(crate) async fn entry(
    program: &Program,
    commit: &Commit,
    path: &str,
) -> Result<Option<TreeEntry>, GitError> {
    let path = readable(path.trim_matches('/'))?;
    let printed = program
        .run(&["ls-tree", "-z", "--full-tree", commit.as_str(), path], b"")
        .await?;
    let first = printed.split(|byte| *byte == 0).find(|entry| !entry.is_empty());
    first
        .map(|entry| parse_entry(&String::from_utf8_lossy(entry)))
        .transpose()
}

fn parse_entry(text: &str) -> Result<TreeEntry, GitError> {
    let odd = || GitError::Unexpected {
        command: "ls-tree".to_owned(),
        detail: text.to_owned(),
    };
    let (head, path) = text.split_once('\t').ok_or_else(odd)?;
    let mut fields = head.split(' ');
    let mode = fields
        .next()
        .and_then(|mode| u32::from_str_radix(mode, 8).ok())
        .ok_or_else(odd)?;
    let kind = match fields.next().ok_or_else(odd)? {
        "blob" => EntryKind::File,
        "tree" => EntryKind::Folder,
        _ => EntryKind::Submodule,
    };
    let object = fields.next().ok_or_else(odd)?.to_owned();
    Ok(TreeEntry {
        path: path.to_owned(),
        mode,
        kind,
        object,
    })
}

/// Reads files by one `cat-file --batch`; absent paths and folders are left out of the answer.
pub(crate) async fn read_many(
    program: &Program,
    commit: &Commit,
    paths: &[String],
) -> Result<Vec<(String, Vec<u8>)>, GitError> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let mut input = String::new();
    let asked: Vec<&String> = paths.iter().filter(|path| !path.contains('\n')).collect();
    for path in &asked {
        let path = readable(path)?;
        input.push_str(commit.as_str());
        input.push(':');
        input.push_str(path);
        input.push('\n');
    }
    let printed = program.run(&["cat-file", "--batch"], input.as_bytes()).await?;
    let mut files = Vec::with_capacity(paths.len());
    let mut rest = printed.as_slice();
    for path in asked {
        let (object, tail) = split_object(rest)?;
        if let Some(content) = object {
            files.push((path.clone(), content.to_vec()));
        }
        rest = tail;
    }
    Ok(files)
}

/// Reading is not as strict as writing: whatever Git could store can be read, except that a path with a line
/// break cannot be asked for (it counts as absent).
fn readable(path: &str) -> Result<&str, GitError> {
    let trimmed = path.strip_prefix("./").unwrap_or(path);
    if trimmed.split('/').any(|part| matches!(part, "" | "." | "..")) {
        let reason = "it is empty, absolute, or contains `.`, `..` or an empty part";
        return Err(GitError::InvalidPath {
            path: path.to_owned(),
            reason,
        });
    }
    Ok(trimmed)
}

/// Takes one answer of `cat-file --batch` off the front: the content if it is a blob, and the rest.
fn split_object(answer: &[u8]) -> Result<(Option<&[u8]>, &[u8]), GitError> {
    let odd = |detail: &str| GitError::Unexpected {
        command: "cat-file".to_owned(),
        detail: detail.to_owned(),
    };
    let end = answer
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or_else(|| odd("the answer ends early"))?;
    let (head, rest) = answer.split_at(end);
    let rest = rest.get(1..).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    if head.ends_with(" missing") || head.ends_with(" ambiguous") {
        return Ok((None, rest));
    }
    let mut fields = head.rsplitn(3, ' ');
    let size: usize = fields
        .next()
        .and_then(|size| size.parse().ok())
        .ok_or_else(|| odd(&head))?;
    let is_blob = fields.next() == Some("blob");
    let content = rest
        .get(..size)
        .ok_or_else(|| odd("an object is shorter than announced"))?;
    let rest = rest.get(size + 1..).unwrap_or_default();
    Ok((is_blob.then_some(content), rest))
}

/// A folder in the form `ls-tree` wants: empty for the root, else with a slash at the end.
fn folder(path: &str) -> Result<String, GitError> {
    let trimmed = path.trim_matches('/');
    if trimmed.is_empty() || trimmed == "." {
        return Ok(String::new());
    }
    Ok(format!("{}/", readable(trimmed)?))
}
