//! Whom PostgreSQL runs as: it refuses to run as root, so root hands it to an unprivileged user.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

/// Where data directories of PostgreSQL go when its user cannot reach the data directory; made by us.
pub(crate) const SHARED_PLACE: &str = "/var/lib/pave";

/// An unprivileged user of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// The user that servers run as: `postgres`, else `nobody`; `None` when we are not root and run them ourselves.
    pub(crate) fn unprivileged() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let found = ["postgres", "nobody"]
            .iter()
            .find_map(|name| lookup(&users, name));
        // Every Linux has `nobody`; 65534 is its number where even the file is missing.
        Some(found.unwrap_or(Self {
            uid: 65534,
            gid: 65534,
        }))
    }

    /// Hands a file or directory over.
    pub(crate) fn own(account: Option<&Self>, path: &Path) -> std::io::Result<()> {
        match account {
            Some(account) => chown(path, Some(account.uid), Some(account.gid)),
            None => Ok(()),
        }
    }

    /// Whether this user may walk through every directory down to `path` (as far as it exists).
    pub(crate) fn reaches(&self, path: &Path) -> bool {
        path.ancestors()
            .filter_map(|part| fs::metadata(part).ok())
            .all(|found| {
                let bit = if found.uid() == self.uid {
                    0o100
                } else if found.gid() == self.gid {
                    0o010
                } else {
                    0o001
                };
                found.mode() & bit != 0
            })
    }
}

fn lookup(users: &str, name: &str) -> Option<Account> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some(Account {
        uid: fields.next()?.parse().ok()?,
        gid: fields.next()?.parse().ok()?,
    })
}

/// Where the data directories of PostgreSQL go: below `data` where the user that runs them can reach that,
/// otherwise in a directory of this installation below `/var/lib/pave`.
///
/// Ask after the directories above `data` were made, since their rights decide.
#[must_use]
pub fn reachable_database_directory(data: &Path) -> PathBuf {
    let data = absolute(data);
    match Account::unprivileged() {
        Some(account) if !account.reaches(&data) => {
            let place = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, data.as_os_str().as_encoded_bytes());
            PathBuf::from(SHARED_PLACE).join(&place.simple().to_string()[..12])
        }
        _ => data.join("postgresql"),
    }
}

/// Absolute and without links, also when the last parts do not exist yet.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for ancestor in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (ancestor.canonicalize(), path.strip_prefix(ancestor)) {
            return if rest.as_os_str().is_empty() {
                real
            } else {
                real.join(rest)
            };
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_user_by_name() {
        let users = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65533::/:/bin/false\n";
        assert_eq!(
            lookup(users, "nobody"),
            Some(Account {
                uid: 65534,
                gid: 65533
            })
        );
        assert_eq!(lookup(users, "postgres"), None);
    }

    #[test]
    fn a_closed_directory_is_not_reachable() {
        let directory = tempfile::tempdir().unwrap();
        let closed = directory.path().join("closed");
        fs::create_dir(&closed).unwrap();
        fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let stranger = Account {
            uid: 54_321,
            gid: 54_321,
        };
        assert!(!stranger.reaches(&closed.join("below")));
        assert!(
            Account {
                uid: fs::metadata(&closed).unwrap().uid(),
                gid: 1
            }
            .reaches(&closed)
                || directory.path().starts_with("/root")
        );
    }
}
