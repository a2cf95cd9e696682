//! Commits, their trailers, and what they changed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tokio::io::AsyncReadExt;

use crate::{Commit, GitError, Program};

/// One commit, as people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its id.
    pub commit: Commit,
    /// Its parents, first parent first.
    pub parents: Vec<Commit>,
    /// Who wrote it.
    pub author: String,
    /// The author's mail address.
    pub email: String,
    /// When it was committed.
    pub time: Timestamp,
    /// The first line of the message.
    pub subject: String,
    /// The message after the first line, trailers included.
    pub body: String,
    /// The `Key: value` lines of the last paragraph, in order.
    pub trailers: Vec<(String, String)>,
}

impl CommitInfo {
    /// The last value of a trailer; keys are compared without regard to case, as Git does.
    #[must_use]
    pub fn trailer(&self, key: &str) -> Option<&str> {
        self.trailers
            .iter()
            .rev()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| value.as_str())
    }

    /// Subject and body in one.
    #[must_use]
    pub fn message(&self) -> String {
        if self.body.is_empty() {
            self.subject.clone()
        } else {
            format!("{}\n\n{}", self.subject, self.body)
        }
    }
}

/// How a path differs between two commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// Its content, mode or kind changed.
    Modified,
    /// It is gone.
    Deleted,
}

/// One changed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathChange {
    /// The path from the root of the repository.
    pub path: String,
    /// What happened to it.
    pub kind: ChangeKind,
}

/// Fields end in NUL and a commit starts with a record separator, so that no message can be mistaken for
/// structure: Git keeps NUL out of messages.
pub(crate) const FORMAT: &str = "--format=%x1e%H%x00%P%x00%an%x00%ae%x00%ct%x00%B%x00";

pub(crate) async fn log(
    program: &Program,
    commit: &Commit,
    path: Option<&str>,
    limit: usize,
) -> Result<Vec<CommitInfo>, GitError> {
    let count = format!("--max-count={limit}");
    let mut arguments = vec![
        "--literal-pathspecs",
        "log",
        "-z",
        FORMAT,
        &count,
        commit.as_str(),
        "--",
    ];
    let path = path
        .map(|path| path.trim_matches('/'))
        .filter(|path| !path.is_empty());
    arguments.extend(path);
    let printed = program.run(&arguments, b"").await?;
    parse(&printed)
}

/// Reads the whole output of `git log -z` with [`FORMAT`].
pub(crate) fn parse(printed: &[u8]) -> Result<Vec<CommitInfo>, GitError> {
    let mut reader = Reader::default();
    reader.push(printed);
    reader.finish()?;
    Ok(reader.commits)
}

/// One walk from the newest commit back, ended as soon as each file of the folder has been met.
pub(crate) async fn last_commits(
    program: &Program,
    commit: &Commit,
    directory: &str,
) -> Result<BTreeMap<String, CommitInfo>, GitError> {
    let files = crate::tree::list(program, commit, directory, true).await?;
    let mut wanted: BTreeSet<String> = files.into_iter().map(|entry| entry.path).collect();
    let mut found = BTreeMap::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    // `-c` shows for a merge only what differs from all parents, so a file belongs to the commit that wrote it.
    let mut arguments = vec![
        "--literal-pathspecs",
        "log",
        "-z",
        "-c",
        "--no-renames",
        "--name-only",
        FORMAT,
        commit.as_str(),
        "--",
    ];
    let directory = directory.trim_matches('/');
    if !directory.is_empty() && directory != "." {
        arguments.push(directory);
    }
    let mut process = program.spawn(&arguments)?;
    let mut stdout = process
        .child
        .stdout
        .take()
        .ok_or_else(|| odd("no standard output"))?;
    let mut reader = Reader::default();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = stdout
            .read(&mut buffer)
            .await
            .map_err(|source| GitError::io("read from git log", source))?;
        reader.push(buffer.get(..read).unwrap_or_default());
        if read == 0 {
            reader.finish()?;
        }
        for (path, index) in reader.names.drain(..) {
            if let Some(info) = reader.commits.get(index)
                && wanted.remove(&path)
            {
                found.insert(path, info.clone());
            }
        }
        if read == 0 || wanted.is_empty() {
            return Ok(found);
        }
    }
}

pub(crate) async fn diff_names(
    program: &Program,
    from: &Commit,
    to: &Commit,
) -> Result<Vec<PathChange>, GitError> {
    let arguments = [
        "diff-tree",
        "-r",
        "-z",
        "--no-renames",
        "--name-status",
        from.as_str(),
        to.as_str(),
    ];
    let printed = program.run(&arguments, b"").await?;
    parse_name_status(&printed)
}

pub(crate) fn parse_name_status(printed: &[u8]) -> Result<Vec<PathChange>, GitError> {
    let mut fields = printed.split(|byte| *byte == 0).filter(|field| !field.is_empty());
    let mut changes = Vec::new();
    while let Some(status) = fields.next() {
        let path = fields.next().ok_or_else(|| odd("a status without a path"))?;
        let kind = match status.first() {
            Some(b'A') => ChangeKind::Added,
            Some(b'D') => ChangeKind::Deleted,
            _ => ChangeKind::Modified,
        };
        changes.push(PathChange {
            path: String::from_utf8_lossy(path).into_owned(),
            kind,
        });
    }
    Ok(changes)
}

/// Takes the output of `git log` in pieces of any size.
#[derive(Default)]
struct Reader {
    pending: Vec<u8>,
    fields: Vec<String>,
    commits: Vec<CommitInfo>,
    /// Paths, each with the index of its commit.
    names: Vec<(String, usize)>,
    failure: Option<GitError>,
}

impl Reader {
    fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        let Some(end) = self.pending.iter().rposition(|byte| *byte == 0) else {
            return;
        };
        let rest = self.pending.split_off(end + 1);
        let complete = std::mem::replace(&mut self.pending, rest);
        for token in complete.split(|byte| *byte == 0) {
            self.token(&String::from_utf8_lossy(token));
        }
    }

    fn token(&mut self, token: &str) {
        if let Some(id) = token.trim_start_matches('\n').strip_prefix('\u{1e}') {
            self.fields = vec![id.to_owned()];
        } else if self.fields.is_empty() {
            let name = token.strip_prefix('\n').unwrap_or(token);
            if !name.is_empty() && !self.commits.is_empty() {
                self.names.push((name.to_owned(), self.commits.len() - 1));
            }
        } else {
            self.fields.push(token.to_owned());
        }
        if self.fields.len() == 6 {
            match parse_commit(&std::mem::take(&mut self.fields)) {
                Ok(info) => self.commits.push(info),
                Err(error) => self.failure = Some(error),
            }
        }
    }

    fn finish(&mut self) -> Result<(), GitError> {
        self.push(&[0]);
        self.failure.take().map_or(Ok(()), Err)
    }
}

fn parse_commit(fields: &[String]) -> Result<CommitInfo, GitError> {
    let [id, parents, author, email, time, message] = fields else {
        return Err(odd("a commit with other fields"));
    };
    let parents = parents
        .split(' ')
        .filter(|parent| !parent.is_empty())
        .map(Commit::parse)
        .collect::<Result<_, _>>()?;
    let seconds = time.parse::<i64>().map_err(|_| odd("a time that is no number"))?;
    let (subject, body) = message.trim().split_once('\n').unwrap_or((message.trim(), ""));
    let body = body.trim().to_owned();
    Ok(CommitInfo {
        commit: Commit::parse(id)?,
        parents,
        author: author.clone(),
        email: email.clone(),
        time: Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH),
        subject: subject.trim().to_owned(),
        trailers: trailers(&body),
        body,
    })
}

/// The trailers of a message body: the last paragraph, if each of its lines is `Key: value` or continues one.
///
/// # Examples
/// ```
/// let found = pave_git::trailers("why\n\nPave-Step: 7/publish\nSigned-off-by: alice");
/// assert_eq!(found[0], ("Pave-Step".to_owned(), "7/publish".to_owned()));
/// // A body may be nothing but trailers.
/// assert_eq!(pave_git::trailers("\nPave-Step: 7").len(), 1);
/// ```
#[must_use]
pub fn trailers(body: &str) -> Vec<(String, String)> {
    let paragraph = body.trim().rsplit("\n\n").next().unwrap_or_default();
    let mut found: Vec<(String, String)> = Vec::new();
    for line in paragraph.lines() {
        if line.starts_with([' ', '\t']) {
            let Some((_, value)) = found.last_mut() else {
                return Vec::new();
            };
            value.push(' ');
            value.push_str(line.trim());
            continue;
        }
        match line.split_once(':') {
            Some((key, value)) if is_trailer_key(key) => {
                found.push((key.to_owned(), value.trim().to_owned()));
            }
            _ => return Vec::new(),
        }
    }
    found
}

fn is_trailer_key(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn odd(detail: &str) -> GitError {
    GitError::Unexpected {
        command: "log".to_owned(),
        detail: detail.to_owned(),
    }
}
