//! Files that a step made, taken out of its workspace. The agent may read more than the step may, so a link must not
//! lead it anywhere else.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};

/// A workspace that files are taken from.
pub(crate) struct Inside {
    root: OwnedFd,
    path: PathBuf,
}

impl Inside {
    pub(crate) fn open(workspace: &Path) -> io::Result<Self> {
        let root = openat(CWD, workspace, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self {
            root,
            path: workspace.to_owned(),
        })
    }

    /// Opens a file or directory of the workspace.
    pub(crate) fn file(&self, path: &Path) -> io::Result<File> {
        let outside = || io::Error::other(format!("`{}` is not in the workspace", path.display()));
        let relative = path.strip_prefix(&self.path).map_err(|_| outside())?;
        let relative = if relative.as_os_str().is_empty() {
            Path::new(".")
        } else {
            relative
        };
        // NONBLOCK: a named pipe must not hold us up.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let opened = openat2(&self.root, relative, flags, Mode::empty(), resolve);
        match opened {
            Ok(file) => Ok(File::from(file)),
            Err(rustix::io::Errno::XDEV) => Err(outside()),
            Err(error) => Err(error.into()),
        }
    }

    /// Copies a file, or all of a directory, to `target`; gives the number of files and bytes. Fails beyond `most` bytes.
    pub(crate) fn copy(&self, path: &Path, target: &Path, most: u64) -> io::Result<(u64, u64)> {
        let mut copied = (0, 0);
        let source = self.file(path)?;
        if source.metadata()?.is_dir() {
            self.copy_directory(path, target, most, &mut copied)?;
        } else {
            std::fs::create_dir_all(target)?;
            let name = path.file_name().unwrap_or_default();
            copy_file(source, &target.join(name), most, &mut copied)?;
        }
        Ok(copied)
    }

    fn copy_directory(
        &self,
        path: &Path,
        target: &Path,
        most: u64,
        copied: &mut (u64, u64),
    ) -> io::Result<()> {
        std::fs::create_dir_all(target)?;
        let directory = self.file(path)?;
        for entry in std::fs::read_dir(format!("/proc/self/fd/{}", directory.as_raw_fd()))? {
            let name = entry?.file_name();
            let below = path.join(&name);
            // Links that lead out of the workspace, and what disappears meanwhile, are left out.
            let Ok(file) = self.file(&below) else { continue };
            let kind = file.metadata()?;
            if kind.is_dir() {
                let is_link = std::fs::symlink_metadata(&below).is_ok_and(|it| it.is_symlink());
                if !is_link {
                    self.copy_directory(&below, &target.join(&name), most, copied)?;
                }
            } else if kind.is_file() {
                copy_file(file, &target.join(&name), most, copied)?;
            }
        }
        Ok(())
    }
}

fn copy_file(source: File, target: &Path, most: u64, copied: &mut (u64, u64)) -> io::Result<()> {
    use io::Read as _;
    let left = most.saturating_sub(copied.1);
    let mut limited = source.take(left + 1);
    let count = io::copy(&mut limited, &mut File::create(target)?)?;
    copied.0 += 1;
    copied.1 += count;
    if count > left {
        return Err(io::Error::other(format!("more than {most} bytes")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_do_not_lead_out() {
        let root = tempfile::tempdir().unwrap();
        let workspace = root.path().join("work");
        std::fs::create_dir_all(workspace.join("a/b")).unwrap();
        std::fs::write(root.path().join("secret"), "s").unwrap();
        std::fs::write(workspace.join("a/b/file"), "content").unwrap();
        std::os::unix::fs::symlink(root.path().join("secret"), workspace.join("a/link")).unwrap();
        std::os::unix::fs::symlink("..", workspace.join("a/up")).unwrap();
        let inside = Inside::open(&workspace).unwrap();
        let target = root.path().join("out");
        assert_eq!(inside.copy(&workspace.join("a"), &target, 100).unwrap(), (1, 7));
        assert!(target.join("b/file").exists() && !target.join("link").exists());
        assert!(inside.file(&workspace.join("a/link")).is_err());
        assert!(inside.copy(&workspace.join("a"), &target, 3).is_err());
        assert!(inside.file(Path::new("/etc/passwd")).is_err());
    }
}
