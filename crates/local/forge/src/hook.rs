//! How a running `git receive-pack` asks us whether its push may go through.
//!
//! Git calls one `pre-receive` hook after it has received and checked the objects, which still lie in quarantine,
//! and before any reference moves. Ours is a few lines of shell that need no other program: they write the
//! question into one named pipe and read the answer from another, both in a directory made for this push. Whoever
//! pushes past the forge finds no pipes and is refused, as is a push whose question stays unanswered.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, CWD, Mode, mkfifoat};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::pipe;
use uuid::Uuid;

use crate::ForgeError;
use crate::store::Update;

const SCRIPT: &str = r#"#!/bin/sh
# Asks the forge whether this push may change what it changes. Anything but a clear yes is a no.
if ! [ -p "$PAVE_PUSH/question" ]; then
  echo 'this repository takes pushes through the forge only' >&2
  exit 1
fi
{
  printf '%s\n' "$GIT_OBJECT_DIRECTORY"
  printf '%s\n' "$GIT_ALTERNATE_OBJECT_DIRECTORIES"
  while read -r old new name; do printf '%s %s %s\n' "$old" "$new" "$name"; done
  printf 'end\n'
} > "$PAVE_PUSH/question" || exit 1
while IFS= read -r line; do
  case "$line" in
    allowed) exit 0 ;;
    refused) exit 1 ;;
    *) printf '%s\n' "${line#>}" >&2 ;;
  esac
done < "$PAVE_PUSH/answer"
exit 1
"#;

/// The directory of the hook and of the pipes.
#[derive(Debug, Clone)]
pub(crate) struct Hooks {
    directory: PathBuf,
}

/// What the hook asks.
#[derive(Debug)]
pub(crate) struct Question {
    /// Where the received objects wait.
    pub(crate) objects: String,
    /// Where the repository's own are.
    pub(crate) alternates: String,
    pub(crate) updates: Vec<Update>,
}

/// The two pipes of one push; they go when it is dropped.
#[derive(Debug)]
pub(crate) struct Dialogue {
    directory: PathBuf,
    question: BufReader<pipe::Receiver>,
    answer: pipe::Sender,
}

impl Hooks {
    /// Writes the hook.
    pub(crate) fn open(directory: &Path) -> Result<Self, ForgeError> {
        let write = |path: &Path, source| ForgeError::Write {
            path: path.to_owned(),
            source,
        };
        // Pipes that a crash left behind are of no use to anybody.
        if directory.exists() {
            std::fs::remove_dir_all(directory).map_err(|source| write(directory, source))?;
        }
        std::fs::create_dir_all(directory).map_err(|source| write(directory, source))?;
        let owner_only = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(directory, owner_only.clone()).map_err(|source| write(directory, source))?;
        let hook = directory.join("pre-receive");
        std::fs::write(&hook, SCRIPT).map_err(|source| write(&hook, source))?;
        std::fs::set_permissions(&hook, owner_only).map_err(|source| write(&hook, source))?;
        let hooks = Self {
            directory: directory.to_owned(),
        };
        hooks.check()?;
        Ok(hooks)
    }

    /// The value for `core.hooksPath`.
    pub(crate) fn path(&self) -> String {
        self.directory.display().to_string()
    }

    /// Git silently skips a hook that it cannot execute; that would let everything through.
    pub(crate) fn check(&self) -> Result<(), ForgeError> {
        let hook = self.directory.join("pre-receive");
        rustix::fs::access(&hook, Access::EXEC_OK).map_err(|_| ForgeError::HookNotExecutable { path: hook })
    }

    /// Makes the pipes for one push.
    pub(crate) fn dialogue(&self) -> Result<Dialogue, ForgeError> {
        self.check()?;
        let directory = self.directory.join(Uuid::new_v4().to_string());
        let open = || -> std::io::Result<_> {
            std::fs::create_dir(&directory)?;
            let (question, answer) = (directory.join("question"), directory.join("answer"));
            mkfifoat(CWD, &question, Mode::RUSR | Mode::WUSR)?;
            mkfifoat(CWD, &answer, Mode::RUSR | Mode::WUSR)?;
            // Open for both ends, so that neither side waits for the other to open.
            let question = pipe::OpenOptions::new()
                .read_write(true)
                .open_receiver(question)?;
            let answer = pipe::OpenOptions::new().read_write(true).open_sender(answer)?;
            Ok((BufReader::new(question), answer))
        };
        let (question, answer) = open().map_err(|source| ForgeError::Write {
            path: directory.clone(),
            source,
        })?;
        Ok(Dialogue {
            directory,
            question,
            answer,
        })
    }
}

impl Dialogue {
    /// The directory that the hook finds in `PAVE_PUSH`.
    pub(crate) fn path(&self) -> String {
        self.directory.display().to_string()
    }

    /// Waits for the hook's question; for ever if it never runs.
    pub(crate) async fn question(&mut self) -> std::io::Result<Question> {
        let objects = self.line().await?;
        let alternates = self.line().await?;
        let mut updates = Vec::new();
        loop {
            let line = self.line().await?;
            if line == "end" {
                return Ok(Question {
                    objects,
                    alternates,
                    updates,
                });
            }
            let mut fields = line.splitn(3, ' ').map(str::to_owned);
            let (old, new, name) = (fields.next(), fields.next(), fields.next());
            if let (Some(old), Some(new), Some(name)) = (old, new, name) {
                updates.push(Update { name, old, new });
            }
        }
    }

    /// Answers: what to print on the other side, and whether the push goes through.
    pub(crate) async fn answer(&mut self, lines: &[String], allowed: bool) -> std::io::Result<()> {
        let mut text = String::new();
        for line in lines {
            text.push('>');
            text.push_str(&line.replace(['\n', '\r'], " "));
            text.push('\n');
        }
        text.push_str(if allowed { "allowed\n" } else { "refused\n" });
        self.answer.write_all(text.as_bytes()).await
    }

    async fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.question.read_line(&mut line).await?;
        Ok(line.trim_end_matches('\n').to_owned())
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.directory).ok();
    }
}
