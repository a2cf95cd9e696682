//! How far steps are kept away from the rest of the machine.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

/// How far steps are kept away from the rest of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Isolation {
    /// Steps run as another, unprivileged user, who cannot read home and data directory.
    User {
        /// User number.
        uid: u32,
        /// Group number.
        gid: u32,
    },
    /// Steps run in a mount namespace in which these directories are empty.
    Namespace {
        /// Directories that steps see empty.
        hidden: Vec<PathBuf>,
    },
    /// Steps run as we do and see what we see.
    None {
        /// Why nothing better was possible.
        reason: String,
    },
}

impl Isolation {
    /// The best that works here. `data` is what steps must not read.
    #[must_use]
    pub fn detect(data: &Path) -> Self {
        if rustix::process::geteuid().is_root() {
            return Self::of_root(data);
        }
        let isolation = Self::Namespace { hidden: hidden(data) };
        let (program, arguments) = isolation.wrap(&[], "true", &[]);
        if succeeds(&program, &arguments) {
            return isolation;
        }
        Self::None {
            reason: "user namespaces are not allowed here".to_owned(),
        }
    }

    fn of_root(data: &Path) -> Self {
        let (uid, gid) = nobody();
        let user = Self::User { uid, gid };
        let (program, arguments) = user.wrap(&[], "true", &[]);
        if !succeeds(&program, &arguments) {
            let reason = "`setpriv` is missing or not allowed to change the user".to_owned();
            return Self::None { reason };
        }
        let readable = hidden(data)
            .into_iter()
            .find(|directory| may(uid, gid, directory, 0o4));
        match readable {
            None => user,
            Some(directory) => Self::None {
                reason: format!("`{}` can be read by everybody", directory.display()),
            },
        }
    }

    /// In one line, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::User { uid, .. } => format!("isolated: steps run as user {uid}"),
            Self::Namespace { .. } => {
                "isolated: steps run in a namespace without home and data directory".to_owned()
            }
            Self::None { reason } => format!("not isolated: {reason}"),
        }
    }

    /// Whether steps are kept away at all.
    #[must_use]
    pub fn is_isolated(&self) -> bool {
        !matches!(self, Self::None { .. })
    }

    /// The command that runs `program` so; `visible` stays visible below what is hidden.
    pub(crate) fn wrap(
        &self,
        visible: &[&Path],
        program: &str,
        arguments: &[String],
    ) -> (String, Vec<String>) {
        let rest = std::iter::once(program.to_owned()).chain(arguments.iter().cloned());
        match self {
            Self::User { uid, gid } => {
                let own = [
                    format!("--reuid={uid}"),
                    format!("--regid={gid}"),
                    "--clear-groups".to_owned(),
                    "--no-new-privs".to_owned(),
                    "--".to_owned(),
                ];
                ("setpriv".to_owned(), own.into_iter().chain(rest).collect())
            }
            Self::Namespace { hidden } => {
                let own = [
                    "--user",
                    "--map-root-user",
                    "--mount",
                    "--pid",
                    "--fork",
                    "--kill-child",
                    "--mount-proc",
                ];
                let shell = [
                    "sh".to_owned(),
                    "-c".to_owned(),
                    hiding(hidden, visible),
                    "sh".to_owned(),
                ];
                let all = own.iter().map(|word| (*word).to_owned()).chain(shell).chain(rest);
                ("unshare".to_owned(), all.collect())
            }
            Self::None { .. } => (program.to_owned(), arguments.to_vec()),
        }
    }

    /// Gives a file or directory to whoever runs steps.
    pub(crate) fn own(&self, path: &Path) -> std::io::Result<()> {
        match self {
            Self::User { uid, gid } => chown(path, Some(*uid), Some(*gid)),
            _ => Ok(()),
        }
    }

    /// Takes a file or directory back.
    pub(crate) fn disown(&self, path: &Path) -> std::io::Result<()> {
        match self {
            Self::User { .. } => chown(path, Some(0), Some(0)),
            _ => Ok(()),
        }
    }
}

/// Where workspaces lie: below `data` where the user that runs steps can reach that, otherwise in a directory of this
/// installation below `/var/lib/pave`.
#[must_use]
pub fn reachable_workspaces(data: &Path) -> PathBuf {
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    if rustix::process::geteuid().is_root() {
        let (uid, gid) = nobody();
        let existing = data.ancestors().find(|part| part.exists()).unwrap_or(&data);
        if !existing.ancestors().all(|part| may(uid, gid, part, 0o1)) {
            let place = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, data.as_os_str().as_encoded_bytes());
            return PathBuf::from("/var/lib/pave")
                .join(&place.simple().to_string()[..12])
                .join("work");
        }
    }
    data.join("work")
}

/// Every Linux has `nobody`; 65534 is its number where even the file is missing.
fn nobody() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = users
        .lines()
        .find(|line| line.starts_with("nobody:"))
        .and_then(|line| {
            let mut fields = line.split(':').skip(2);
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        });
    found.unwrap_or((65534, 65534))
}

fn may(uid: u32, gid: u32, path: &Path, bit: u32) -> bool {
    // What leads to a directory decides as well: below a closed one nothing can be read.
    let allowed = |path: &Path, bit: u32| {
        fs::metadata(path).is_ok_and(|found| {
            let shift = if found.uid() == uid {
                6
            } else if found.gid() == gid {
                3
            } else {
                0
            };
            found.mode() & (bit << shift) != 0
        })
    };
    allowed(path, bit) && path.ancestors().skip(1).all(|part| allowed(part, 0o1))
}

fn hidden(data: &Path) -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let home = home.filter(|home| home.is_absolute() && home.parent().is_some() && home.is_dir());
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let mut all: Vec<PathBuf> = home.into_iter().collect();
    if !all.iter().any(|home| data.starts_with(home)) {
        all.push(data);
    }
    all
}

/// A script that puts empty file systems over what is hidden and brings back what stays visible below it.
fn hiding(hidden: &[PathBuf], visible: &[&Path]) -> String {
    use std::fmt::Write as _;
    let mut script = "set -e; mount --make-rprivate /; ".to_owned();
    let below: Vec<&&Path> = visible
        .iter()
        .filter(|path| path.exists() && hidden.iter().any(|directory| path.starts_with(directory)))
        .collect();
    // A directory that stays is held by descriptor while its parents disappear.
    let _ = write!(script, "keep=$(mktemp -d); mount -t tmpfs none \"$keep\"; ");
    for (index, path) in below.iter().enumerate() {
        let path = quote(path);
        let _ = write!(
            script,
            "if [ -d {path} ]; then mkdir \"$keep/{index}\"; else : > \"$keep/{index}\"; fi; "
        );
        let _ = write!(script, "mount --rbind {path} \"$keep/{index}\"; ");
    }
    for directory in hidden {
        let _ = write!(script, "mount -t tmpfs none {}; ", quote(directory));
    }
    for (index, path) in below.iter().enumerate() {
        let path = quote(path);
        let _ = write!(script, "if [ -d \"$keep/{index}\" ]; then mkdir -p {path}; ");
        let _ = write!(
            script,
            "else mkdir -p \"$(dirname {path})\"; : > {path}; fi; mount --rbind \"$keep/{index}\" {path}; "
        );
    }
    script.push_str("umount -l \"$keep\"; rmdir \"$keep\" 2>/dev/null || true; cd \"$PWD\"; exec \"$@\"");
    script
}

fn quote(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}

fn succeeds(program: &str, arguments: &[String]) -> bool {
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_shows_what_must_stay_and_hides_the_rest() {
        let root = tempfile::tempdir().unwrap();
        let (kept, secret) = (root.path().join("work/1"), root.path().join("secret"));
        fs::create_dir_all(&kept).unwrap();
        fs::write(kept.join("file"), "seen").unwrap();
        fs::write(&secret, "hidden").unwrap();
        let isolation = Isolation::Namespace {
            hidden: vec![root.path().to_owned()],
        };
        let script = format!("cat {}/file; test ! -e {}", kept.display(), secret.display());
        let (program, arguments) = isolation.wrap(&[&kept], "sh", &["-c".to_owned(), script]);
        if !succeeds(
            "unshare",
            &[
                "--user".to_owned(),
                "--map-root-user".to_owned(),
                "--mount".to_owned(),
                "true".to_owned(),
            ],
        ) {
            return;
        }
        let output = Command::new(program).args(arguments).output().unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "seen",
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.success());
    }

    #[test]
    fn what_is_chosen_is_said() {
        let none = Isolation::None {
            reason: "no".to_owned(),
        };
        assert_eq!(none.describe(), "not isolated: no");
        assert!(!none.is_isolated());
    }
}
