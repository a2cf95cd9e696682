//! Building a commit without a checkout: one `git fast-import`.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::{Commit, GitError, Program, check_path};

/// One file to write or delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its path from the root of the repository.
    pub path: String,
    /// Its content; `None` deletes it.
    pub content: Option<Vec<u8>>,
    /// Whether it may be executed.
    pub executable: bool,
}

impl Change {
    /// A file to be written.
    #[must_use]
    pub fn write(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            content: Some(content.into()),
            executable: false,
        }
    }

    /// A file, or a folder with all that is in it, to be deleted.
    #[must_use]
    pub fn delete(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            content: None,
            executable: false,
        }
    }
}

/// Who commits, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The name.
    pub name: String,
    /// The mail address.
    pub email: String,
    /// The time; now when absent.
    pub time: Option<Timestamp>,
}

impl Signature {
    /// A signature that takes the current time.
    #[must_use]
    pub fn new(name: impl Into<String>, email: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            email: email.into(),
            time: None,
        }
    }

    fn line(&self) -> String {
        let clean = |text: &str| {
            text.chars()
                .filter(|c| !c.is_control() && !"<>".contains(*c))
                .collect::<String>()
        };
        let seconds = self.time.unwrap_or_else(pave_runtime::clock::now).as_second();
        let (name, email) = (clean(&self.name), clean(&self.email));
        format!("{} <{}> {seconds} +0000", name.trim(), email.trim())
    }
}

/// A commit that exists in the object store but in no branch yet.
pub(crate) struct Built {
    pub(crate) commit: Commit,
    /// Its files are exactly those of its parent.
    pub(crate) unchanged: bool,
}

/// The stream for one commit on `parent`.
pub(crate) struct Plan {
    stream: Vec<u8>,
}

impl Plan {
    /// Checks every path and writes the commands down.
    pub(crate) fn new(
        parent: Option<&Commit>,
        author: &Signature,
        message: &str,
        changes: &[Change],
    ) -> Result<Self, GitError> {
        let mut stream = format!("commit {SCRATCH}\nmark :1\ncommitter {}\n", author.line()).into_bytes();
        data(&mut stream, message.as_bytes());
        if let Some(parent) = parent {
            stream.extend_from_slice(format!("from {parent}\n").as_bytes());
        }
        for change in changes {
            let path = quote(&check_path(&change.path)?);
            match &change.content {
                None => stream.extend_from_slice(format!("D {path}\n").as_bytes()),
                Some(content) => {
                    let mode = if change.executable { "100755" } else { "100644" };
                    stream.extend_from_slice(format!("M {mode} inline {path}\n").as_bytes());
                    data(&mut stream, content);
                }
            }
        }
        stream.extend_from_slice(b"\nget-mark :1\nls :1 \"\"\n");
        if let Some(parent) = parent {
            stream.extend_from_slice(format!("ls {parent} \"\"\n").as_bytes());
        }
        // Setting the scratch reference to zero leaves the objects and no reference behind.
        stream.extend_from_slice(format!("reset {SCRATCH}\nfrom {ZERO}\n\ndone\n").as_bytes());
        Ok(Self { stream })
    }

    /// Makes the objects.
    pub(crate) async fn build(&self, program: &Program) -> Result<Built, GitError> {
        let printed = program
            .run(&["fast-import", "--quiet", "--done"], &self.stream)
            .await?;
        let text = String::from_utf8_lossy(&printed);
        let mut lines = text.lines();
        let commit = Commit::parse(lines.next().unwrap_or_default().trim())?;
        let tree = |line: Option<&str>| line.map(|line| line.trim().to_owned());
        let (new, old) = (tree(lines.next()), tree(lines.next()));
        // An empty tree is listed as `missing` in both.
        let unchanged = old.is_some() && new.map(is_empty_as_missing) == old.map(is_empty_as_missing);
        Ok(Built { commit, unchanged })
    }
}

/// Makes a commit on `parent` in the repository of `program` without putting it into any branch.
pub async fn build_commit(
    program: &Program,
    parent: Option<&Commit>,
    author: &Signature,
    message: &str,
    changes: &[Change],
) -> Result<Commit, GitError> {
    Ok(Plan::new(parent, author, message, changes)?
        .build(program)
        .await?
        .commit)
}

const SCRATCH: &str = "refs/pave/scratch";
const ZERO: &str = "0000000000000000000000000000000000000000";
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

fn is_empty_as_missing(line: String) -> String {
    if line.contains(EMPTY_TREE) || line.starts_with("missing") {
        String::new()
    } else {
        line
    }
}

fn data(stream: &mut Vec<u8>, bytes: &[u8]) {
    stream.extend_from_slice(format!("data {}\n", bytes.len()).as_bytes());
    stream.extend_from_slice(bytes);
    stream.push(b'\n');
}

/// A path in C quotes, as fast-import reads it.
fn quote(path: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in path.bytes() {
        match byte {
            b'"' | b'\\' => {
                quoted.push('\\');
                quoted.push(char::from(byte));
            }
            0x20..=0x7e => quoted.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(quoted, "\\{byte:03o}")),
        }
    }
    quoted.push('"');
    quoted
}
