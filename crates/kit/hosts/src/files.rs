//! Files of this machine: read only where the configuration has pointed to, never out of the folders it named.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::glob;

/// Files below one folder, at most; a template's skeleton has some hundreds.
const MOST_FILES: usize = 10_000;
/// Bytes below one folder, at most.
const MOST_BYTES: u64 = 100 << 20;
/// Folder entries that a pattern looks at, at most.
const MOST_ENTRIES: usize = 200_000;

/// Why a file of this machine is not handed out.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// There is none.
    #[error("file {} does not exist", .0.display())]
    NotFound(PathBuf),
    /// It lies outside, itself or behind a symbolic link, or belongs to the platform.
    #[error("reading {} is not allowed, it lies outside the folders of the configured file locations", .0.display())]
    Outside(PathBuf),
    /// A relative URL of a template leads above the template's folder; the sentence is upstream's.
    #[error("Relative path is not allowed to refer to a directory outside its parent, {0}")]
    Escape(String),
    /// No file location brought such a template.
    #[error("reading files beside {} is not allowed, no file location of the configuration brought this template", .0.display())]
    NoTemplate(PathBuf),
    /// The system refused, or it is no file.
    #[error("file {} could not be read, {reason}", .path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl FilesError {
    /// Whether the file does not exist, as opposed to not being readable.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    /// Whether it may not be read, whether it exists or not.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Outside(_) | Self::Escape(_) | Self::NoTemplate(_))
    }

    fn failed(path: &Path, error: &std::io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Self::NotFound(path),
            _ => Self::Failed {
                path,
                reason: error.to_string(),
            },
        }
    }
}

/// A file below a folder of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// The path from the folder that was asked for, with `/`.
    pub path: String,
    /// The content; of a symbolic link its target.
    pub bytes: Vec<u8>,
    /// Whether it may be executed.
    pub executable: bool,
    /// Whether it is a symbolic link, which then stays inside.
    pub symlink: bool,
}

/// Reads files of this machine. Cheap to clone; all clones know the same templates.
#[derive(Debug, Clone, Default)]
pub struct LocalFiles {
    /// Files and folders of the platform itself, such as its configuration and its keys.
    withheld: Arc<[PathBuf]>,
    /// Files of the templates that file locations brought.
    templates: Arc<RwLock<BTreeSet<PathBuf>>>,
}

/// A path against a folder, without `.` and `..`; no link is followed, as `path.resolve` does it upstream.
#[must_use]
pub fn absolute(folder: &Path, path: &str) -> PathBuf {
    let mut found = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::ParentDir => {
                found.pop();
            }
            Component::CurDir => {}
            other => found.push(other),
        }
    }
    found
}

/// The folder that a path opens for reading: the one above its last part, or above its first part with a wildcard.
#[must_use]
pub fn folder_of(path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    if is_pattern(&text) {
        let parts: Vec<&str> = text.split('/').take_while(|part| !is_pattern(part)).collect();
        return PathBuf::from(format!("{}/", parts.join("/")));
    }
    path.parent().unwrap_or(path).to_owned()
}

fn is_pattern(text: &str) -> bool {
    glob::is_glob(text) || text.contains('{')
}

impl LocalFiles {
    /// A reader that never hands out what is `withheld`, or anything below it.
    #[must_use]
    pub fn new(withheld: Vec<PathBuf>) -> Self {
        Self {
            withheld: withheld.into(),
            templates: Arc::default(),
        }
    }

    /// The files that a path names: itself, if it is there, or what its `*`, `?`, `**` and `{a,b}` match, in order.
    /// Names that begin with a dot are only matched by a dot.
    pub fn find(&self, path: &Path) -> Result<Vec<PathBuf>, FilesError> {
        let text = path.to_string_lossy();
        if !is_pattern(&text) {
            return Ok(path.is_file().then(|| path.to_owned()).into_iter().collect());
        }
        let mut search = Search::default();
        for pattern in alternatives(&text) {
            let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
            search
                .walk(Path::new("/"), &parts)
                .map_err(|reason| FilesError::Failed {
                    path: path.to_owned(),
                    reason,
                })?;
        }
        Ok(search.found.into_iter().collect())
    }

    /// The content of a file in one of some folders.
    pub fn read(&self, path: &Path, within: &[PathBuf]) -> Result<Vec<u8>, FilesError> {
        let place = self.admit(path, within)?;
        let failed = |error: std::io::Error| FilesError::failed(path, &error);
        // Neither a pipe nor a device, which would never end.
        if !place.metadata().map_err(failed)?.is_file() {
            return Err(FilesError::Failed {
                path: path.to_owned(),
                reason: "it is no file".to_owned(),
            });
        }
        std::fs::read(&place).map_err(failed)
    }

    /// Says which templates file locations brought; what lies below their folders may be fetched by them.
    pub fn set_templates(&self, files: impl IntoIterator<Item = PathBuf>) {
        let files = files.into_iter().collect();
        *self.templates.write().unwrap_or_else(PoisonError::into_inner) = files;
    }

    /// A relative URL in a template, against the file that holds the template.
    pub fn beside(&self, template: &Path, relative: &str) -> Result<PathBuf, FilesError> {
        let templates = self.templates.read().unwrap_or_else(PoisonError::into_inner);
        if !templates.contains(template) {
            return Err(FilesError::NoTemplate(template.to_owned()));
        }
        let folder = folder_of(template);
        let found = absolute(&folder, relative);
        if found.starts_with(&folder) {
            Ok(found)
        } else {
            Err(FilesError::Escape(relative.to_owned()))
        }
    }

    /// The content of a file below the folder of a template.
    pub fn read_beside(&self, path: &Path) -> Result<Vec<u8>, FilesError> {
        self.read(path, &self.folders_around(path))
    }

    /// All files below a folder that lies in a template's folder. Git's own folders are left out.
    pub fn tree_beside(&self, folder: &Path) -> Result<Vec<LocalFile>, FilesError> {
        let within = self.folders_around(folder);
        let place = self.admit(folder, &within)?;
        let (mut files, mut bytes) = (Vec::new(), 0);
        let mut open = vec![place.clone()];
        while let Some(next) = open.pop() {
            let failed = |error: std::io::Error| FilesError::failed(&next, &error);
            for entry in std::fs::read_dir(&next).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let (kind, path) = (entry.file_type().map_err(failed)?, entry.path());
                if self.is_withheld(&path) || entry.file_name() == ".git" {
                    continue;
                }
                if kind.is_dir() {
                    open.push(path);
                } else if let Some(file) = self.member(&place, &path, kind.is_symlink(), &within)? {
                    bytes += file.bytes.len() as u64;
                    files.push(file);
                }
            }
            if files.len() > MOST_FILES || bytes > MOST_BYTES {
                return Err(FilesError::Failed {
                    path: folder.to_owned(),
                    reason: format!("it holds more than {MOST_FILES} files or {MOST_BYTES} bytes"),
                });
            }
        }
        files.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(files)
    }

    /// One entry of a folder, unless it is neither a file nor a link.
    fn member(
        &self,
        folder: &Path,
        path: &Path,
        symlink: bool,
        within: &[PathBuf],
    ) -> Result<Option<LocalFile>, FilesError> {
        let failed = |error: std::io::Error| FilesError::failed(path, &error);
        let name = path.strip_prefix(folder).unwrap_or(path);
        let name = name.to_string_lossy().into_owned();
        if symlink {
            self.admit(path, within)?;
            let target = std::fs::read_link(path).map_err(failed)?;
            return Ok(Some(LocalFile {
                path: name,
                bytes: target.to_string_lossy().into_owned().into_bytes(),
                executable: false,
                symlink: true,
            }));
        }
        let about = path.metadata().map_err(failed)?;
        if !about.is_file() || about.len() > MOST_BYTES {
            return Ok(None);
        }
        Ok(Some(LocalFile {
            path: name,
            bytes: std::fs::read(path).map_err(failed)?,
            executable: about.permissions().mode() & 0o111 != 0,
            symlink: false,
        }))
    }

    /// The folders of templates that a path lies in, going by its name.
    fn folders_around(&self, path: &Path) -> Vec<PathBuf> {
        let templates = self.templates.read().unwrap_or_else(PoisonError::into_inner);
        let folders = templates.iter().map(|template| folder_of(template));
        folders.filter(|folder| path.starts_with(folder)).collect()
    }

    /// Where a path leads when its links are followed, if that is inside.
    fn admit(&self, path: &Path, within: &[PathBuf]) -> Result<PathBuf, FilesError> {
        let outside = || FilesError::Outside(path.to_owned());
        // The name first, so that nobody learns what exists outside.
        if !within.iter().any(|folder| path.starts_with(folder)) {
            return Err(outside());
        }
        let place = std::fs::canonicalize(path).map_err(|error| FilesError::failed(path, &error))?;
        let holds = |folder: &PathBuf| {
            folder
                .canonicalize()
                .is_ok_and(|folder| place.starts_with(folder))
        };
        if !within.iter().any(holds) || self.is_withheld(&place) {
            return Err(outside());
        }
        Ok(place)
    }

    fn is_withheld(&self, place: &Path) -> bool {
        let holds = |own: &PathBuf| own.canonicalize().is_ok_and(|own| place.starts_with(own));
        self.withheld.iter().any(holds)
    }
}

/// Looks for the files that a pattern matches.
#[derive(Default)]
struct Search {
    found: BTreeSet<PathBuf>,
    seen: usize,
}

impl Search {
    fn walk(&mut self, folder: &Path, parts: &[&str]) -> Result<(), String> {
        match parts {
            [] => {}
            ["**"] => self.walk(folder, &["**", "*"])?,
            ["**", rest @ ..] => {
                self.walk(folder, rest)?;
                for below in self.entries(folder, "*")? {
                    // A link could lead round in a circle.
                    if below.is_dir() && !below.is_symlink() {
                        self.walk(&below, parts)?;
                    }
                }
            }
            [part, rest @ ..] => {
                let next = if glob::is_glob(part) {
                    self.entries(folder, part)?
                } else {
                    vec![folder.join(part)]
                };
                for path in next {
                    if !rest.is_empty() {
                        self.walk(&path, rest)?;
                    } else if path.is_file() {
                        self.found.insert(path);
                    }
                }
            }
        }
        Ok(())
    }

    /// The entries of a folder whose name matches; a folder that cannot be opened has none.
    fn entries(&mut self, folder: &Path, part: &str) -> Result<Vec<PathBuf>, String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            self.seen += 1;
            if self.seen > MOST_ENTRIES {
                return Err(format!("the pattern looks at more than {MOST_ENTRIES} files"));
            }
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let hidden = name.starts_with('.') && !part.starts_with('.');
            if !hidden && glob::matches(part, &name) {
                found.push(entry.path());
            }
        }
        Ok(found)
    }
}

/// The patterns that one with `{a,b}` stands for.
fn alternatives(pattern: &str) -> Vec<String> {
    let parts = pattern.split_once('{').and_then(|(head, rest)| {
        let (inner, tail) = rest.split_once('}')?;
        inner.contains(',').then_some((head, inner, tail))
    });
    let Some((head, inner, tail)) = parts else {
        return vec![pattern.to_owned()];
    };
    let each = inner.split(',').map(|one| format!("{head}{one}{tail}"));
    each.flat_map(|pattern| alternatives(&pattern)).collect()
}
