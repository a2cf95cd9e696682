//! State of configurations that name no backend: kept outside the workspace, one writer at a time, with a copy of what it
//! was before each change.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use tokio_util::sync::CancellationToken;

use super::super::job::safe_name;
use super::super::session::Session;
use super::super::step::{Result, StepError};

/// Earlier states that are kept.
const KEPT: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// The kept state of one directory, ours until the job ends.
pub(crate) struct Kept {
    pub(crate) directory: PathBuf,
    /// Where Terraform looks for it.
    place: PathBuf,
    _lock: File,
}

/// Whether a configuration names a backend of its own.
pub(crate) fn names_backend(directory: &Path) -> bool {
    let files = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut texts = files
        .filter(|entry| entry.path().extension().is_some_and(|it| it == "tf"))
        .filter_map(|entry| fs::read_to_string(entry.path()).ok());
    texts.any(|text| mentions_backend(&text))
}

fn mentions_backend(text: &str) -> bool {
    let mut comment = false;
    for line in text.lines() {
        let line = line.trim();
        if comment || line.starts_with("/*") {
            comment = !line.contains("*/");
        } else if !line.starts_with('#') && !line.starts_with("//") {
            let block = |name: &str| line.contains(name) && line.contains('{');
            if block("backend \"") || line.split(['{', ' ']).next() == Some("cloud") && line.contains('{') {
                return true;
            }
        }
    }
    false
}

/// Takes the state of a directory, waiting for another job that has it, and puts it in place.
pub(crate) async fn take(session: &Session, working: &Path, stop: &CancellationToken) -> Result<Kept> {
    let job = &session.job;
    let relative = working
        .strip_prefix(session.sources())
        .unwrap_or(working)
        .to_string_lossy()
        .replace('/', "__");
    let name = if relative.is_empty() {
        "root".to_owned()
    } else {
        safe_name(&relative)
    };
    let directory = job.terraform.states.join(job.definition.to_string()).join(name);
    fs::create_dir_all(&directory)?;
    for open in [
        &job.terraform.states,
        &job.terraform.states.join(job.definition.to_string()),
    ] {
        fs::set_permissions(open, std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
    }
    fs::set_permissions(&directory, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let lock = lock(session, &directory, stop).await?;
    let kept = Kept {
        directory,
        place: working.join("terraform.tfstate"),
        _lock: lock,
    };
    link(&kept)?;
    session.say(&format!(
        "The configuration names no backend: its state is kept in {}, for this pipeline and directory.",
        kept.state().display()
    ));
    Ok(kept)
}

async fn lock(session: &Session, directory: &Path, stop: &CancellationToken) -> Result<File> {
    let path = directory.with_extension("lock");
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)?;
    let mut waiting = false;
    while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        if !waiting {
            let holder = fs::read_to_string(&path).unwrap_or_default();
            session.say(&format!(
                "##[warning]Waiting for the state, which {} has locked.",
                holder.trim()
            ));
            waiting = true;
        }
        tokio::select! {
            () = stop.cancelled() => return Err(StepError::Said),
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
    file.set_len(0)?;
    writeln!(file, "build {} (job {})", session.job.build, session.job.name)?;
    Ok(file)
}

fn link(kept: &Kept) -> Result {
    let place = &kept.place;
    let state = kept.state();
    match fs::symlink_metadata(place) {
        Ok(found) if found.is_symlink() && fs::read_link(place)? == state => return Ok(()),
        Ok(_) => {
            return Err(StepError::Words(format!(
                "`{}` is in the repository, while the state of this pipeline is kept in `{}`. Remove the file from the repository, or name a backend.",
                place.display(),
                kept.directory.display()
            )));
        }
        Err(_) => {}
    }
    std::os::unix::fs::symlink(&state, place)?;
    Ok(())
}

impl Kept {
    /// The state itself.
    pub(crate) fn state(&self) -> PathBuf {
        self.directory.join("terraform.tfstate")
    }

    /// Gives the state to the step for as long as a command runs.
    pub(crate) fn open(&self, session: &Session) -> Result {
        let isolation = &session.job.isolation;
        // Terraform 1.11 makes an empty file to lock it, and removes that by its name afterwards: which is the link.
        self.drop_empty()?;
        link(self)?;
        isolation.own(&self.directory)?;
        let state = self.state();
        if state.exists() {
            isolation.own(&state)?;
        }
        Ok(())
    }

    /// Takes it back.
    pub(crate) fn close(&self, session: &Session) -> Result {
        let isolation = &session.job.isolation;
        isolation.disown(&self.directory)?;
        self.drop_empty()?;
        let state = self.state();
        let replaced = fs::symlink_metadata(&self.place).is_ok_and(|found| found.is_file());
        if replaced {
            // Somebody put a file where the link was: what it says is newer.
            let inside = super::super::files::Inside::open(&session.job.workspace)?;
            let mut text = Vec::new();
            std::io::Read::read_to_end(&mut inside.file(&self.place)?, &mut text)?;
            super::super::job::write_private(&state, &text)?;
            fs::remove_file(&self.place)?;
        }
        if state.exists() {
            isolation.disown(&state)?;
            fs::set_permissions(&state, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            // Durable before the job is reported to have succeeded.
            File::open(&state)?.sync_all()?;
            File::open(&self.directory)?.sync_all()?;
        }
        Ok(())
    }

    fn drop_empty(&self) -> std::io::Result<()> {
        let state = self.state();
        if fs::metadata(&state).is_ok_and(|found| found.len() == 0) {
            fs::remove_file(state)
        } else {
            Ok(())
        }
    }

    /// Keeps a copy of the state as it is before a change.
    pub(crate) fn copy(&self, session: &Session) -> std::io::Result<()> {
        let state = self.state();
        if fs::metadata(&state).map_or(0, |found| found.len()) == 0 {
            return Ok(());
        }
        let history = self.directory.with_extension("history");
        fs::create_dir_all(&history)?;
        fs::set_permissions(&history, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        let time = pave_runtime::clock::unix_millis();
        fs::copy(
            &state,
            history.join(format!("{time}-build{}.tfstate", session.job.build)),
        )?;
        let mut all: Vec<PathBuf> = fs::read_dir(&history)?
            .flatten()
            .map(|entry| entry.path())
            .collect();
        all.sort();
        for old in all.iter().rev().skip(KEPT) {
            fs::remove_file(old)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_backend_is_seen_unless_it_is_a_comment() {
        let cases = [
            ("terraform {\n  backend \"azurerm\" {}\n}", true),
            ("terraform { backend \"local\" { path = \"x\" } }", true),
            ("terraform {\n  cloud {\n", true),
            ("# backend \"azurerm\" {}\n", false),
            ("/*\n backend \"azurerm\" {}\n*/\nprovider \"azurerm\" {\n", false),
            ("resource \"x\" \"backend\" {", false),
        ];
        for (text, expected) in cases {
            assert_eq!(super::mentions_backend(text), expected, "{text}");
        }
    }
}
