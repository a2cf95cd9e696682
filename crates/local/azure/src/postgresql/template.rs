//! Data directories: one initialised template per version, copied ahead of need so that a server starts at once.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::account::Account;
use super::binaries::Binaries;

/// Name of the role that only Pave uses, as Azure keeps one of this name.
pub(crate) const SUPERUSER: &str = "azuresu";

/// Ending of the names of directories that are being made.
const UNFINISHED: &str = ".unfinished";

/// Templates and spare copies of one installation.
#[derive(Debug)]
pub(crate) struct Templates {
    root: PathBuf,
    account: Option<Account>,
    /// One directory is worked on at a time.
    working: Mutex<()>,
}

impl Templates {
    pub(crate) fn new(root: PathBuf, account: Option<Account>) -> Self {
        Self {
            root,
            account,
            working: Mutex::new(()),
        }
    }

    /// Puts a fresh data directory at `destination`, unless one is there. Never leaves half of one there.
    pub(crate) fn take(&self, binaries: &Binaries, destination: &Path) -> io::Result<()> {
        let _working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        if destination.join("PG_VERSION").exists() {
            return Ok(());
        }
        loop {
            let spare = self.make_spare(binaries)?;
            match fs::rename(&spare, destination) {
                Ok(()) => return sync_directory(destination.parent()),
                // A predecessor that is still ending did the same, or took the spare.
                Err(_) if destination.join("PG_VERSION").exists() => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound && !spare.exists() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes the template and a spare copy if they are missing. Called ahead of need.
    pub(crate) fn prepare(&self, binaries: &Binaries) -> io::Result<()> {
        let _working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        self.make_spare(binaries).map(drop)
    }

    fn make_spare(&self, binaries: &Binaries) -> io::Result<PathBuf> {
        let spare = self.root.join(format!("spare-{}", binaries.major));
        if spare.exists() {
            return Ok(spare);
        }
        let template = self.make_template(binaries)?;
        let unfinished = self.unfinished("spare", binaries);
        if let Err(error) = copy_directory(&template, &unfinished, self.account.as_ref()) {
            remove_directory(&unfinished)?;
            return Err(error);
        }
        // One flush of the file system is cheaper than one per file, and nothing may be lost once a login worked.
        rustix::fs::syncfs(fs::File::open(&unfinished)?)?;
        put_in_place(&unfinished, &spare)?;
        Ok(spare)
    }

    fn make_template(&self, binaries: &Binaries) -> io::Result<PathBuf> {
        let template = self.root.join(format!("template-{}", binaries.major));
        if template.exists() {
            return Ok(template);
        }
        let unfinished = self.unfinished("template", binaries);
        make_directory(&unfinished, self.account.as_ref())?;
        let mut command = as_account(&binaries.program("initdb"), self.account.as_ref());
        command
            .arg("-D")
            .arg(&unfinished)
            .args([
                "-U",
                SUPERUSER,
                "-E",
                "UTF8",
                "--auth-local=trust",
                "--auth-host=reject",
                "--no-instructions",
            ])
            .args(["--no-sync", "--wal-segsize=4"])
            .arg(format!("--locale={}", server_locale()));
        let output = command.output()?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
            let full = words.contains("No space left");
            let kind = if full {
                io::ErrorKind::StorageFull
            } else {
                io::ErrorKind::Other
            };
            remove_directory(&unfinished)?;
            return Err(io::Error::new(kind, format!("initdb failed: {words}")));
        }
        self.close_ways_out(binaries, &unfinished)?;
        put_in_place(&unfinished, &template)?;
        Ok(template)
    }

    /// Takes away the roles by which SQL runs programs and touches files.
    ///
    /// The administrator has CREATEROLE, as on Azure, and before version 16 whoever has it may take any role that is not a
    /// superuser's: these three would let a database's owner act as the user that runs all servers.
    fn close_ways_out(&self, binaries: &Binaries, data: &Path) -> io::Result<()> {
        const STATEMENT: &str = "DELETE FROM pg_authid WHERE rolname IN \
            ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files');\n";
        if binaries.major >= 16 {
            return Ok(());
        }
        let mut command = as_account(&binaries.program("postgres"), self.account.as_ref());
        command.args(["--single", "-O", "-D"]).arg(data).arg("postgres");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(STATEMENT.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        let words = String::from_utf8_lossy(&output.stderr);
        if output.status.success() && !words.contains("ERROR:") {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "the new data directory could not be secured: {}",
            words.trim()
        )))
    }

    /// A name that nobody else works under: an `initdb` of a killed predecessor may still be running.
    fn unfinished(&self, what: &str, binaries: &Binaries) -> PathBuf {
        let random = uuid::Uuid::new_v4().simple().to_string();
        self.root
            .join(format!("{what}-{}-{}{UNFINISHED}", binaries.major, &random[..8]))
    }

    /// Removes what was being made when a predecessor ended.
    pub(crate) fn remove_unfinished(&self) {
        let _working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in fs::read_dir(&self.root).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().ends_with(UNFINISHED)
                && let Err(error) = remove_directory(&entry.path())
            {
                tracing::warn!(%error, path = %entry.path().display(), "left over and not removed");
            }
        }
    }
}

/// Gives a finished directory its name, unless somebody else was faster.
fn put_in_place(unfinished: &Path, place: &Path) -> io::Result<()> {
    loop {
        match fs::rename(unfinished, place) {
            Err(error) if is_occupied(&error) && place.exists() => return remove_directory(unfinished),
            // It was taken from there a moment ago.
            Err(error) if is_occupied(&error) => {}
            other => return other,
        }
    }
}

fn is_occupied(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
    )
}

/// A command that runs as the unprivileged user, without our environment's PostgreSQL settings.
pub(crate) fn as_account(program: &Path, account: Option<&Account>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    command
        .env("LC_ALL", "C")
        .env("LC_MESSAGES", "C")
        .stdin(Stdio::null())
        .current_dir("/");
    if let Some(account) = account {
        command.gid(account.gid).uid(account.uid);
    }
    command
}

/// Azure's servers sort by `en_US.utf8`; where the system does not have it, by code point.
fn server_locale() -> &'static str {
    if has_locale("en_US.utf8") {
        "en_US.utf8"
    } else {
        "C.UTF-8"
    }
}

/// Whether the system has a locale, however it spells the encoding.
pub(crate) fn has_locale(name: &str) -> bool {
    let plain = |name: &str| name.to_lowercase().replace('-', "");
    let Ok(output) = Command::new("locale").arg("-a").output() else {
        return false;
    };
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .any(|line| plain(line) == plain(name))
}

/// Makes a directory that only the server's user may enter.
pub(crate) fn make_directory(path: &Path, account: Option<&Account>) -> io::Result<()> {
    fs::create_dir_all(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    Account::own(account, path)
}

/// Removes a directory; one that is not there is removed already.
pub(crate) fn remove_directory(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn copy_directory(from: &Path, to: &Path, account: Option<&Account>) -> io::Result<()> {
    make_directory(to, account)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_directory(&entry.path(), &target, account)?;
        } else {
            fs::copy(entry.path(), &target)?;
            Account::own(account, &target)?;
        }
    }
    Ok(())
}

fn sync_directory(path: Option<&Path>) -> io::Result<()> {
    path.map_or(Ok(()), |path| fs::File::open(path)?.sync_all())
}
