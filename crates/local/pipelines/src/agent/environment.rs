//! The environment of a step, and the names of its directories.

use std::path::PathBuf;

use super::session::Session;

/// PATH where ours has none.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Session {
    /// Directory of the sources: `s`.
    pub(crate) fn sources(&self) -> PathBuf {
        self.job.workspace.join("s")
    }

    /// Directory for what lives as long as the job.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.job.workspace.join("_temp")
    }

    /// A path as a step means it: relative to the sources.
    pub(crate) fn path(&self, text: &str) -> PathBuf {
        let expanded = self.expand(text);
        self.sources().join(expanded.trim())
    }

    /// Makes a file that the step can read, and nobody else may have made before.
    pub(crate) fn temporary_file(&self, extension: &str, content: &str) -> std::io::Result<PathBuf> {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = self
            .temporary()
            .join(format!("{}{extension}", uuid::Uuid::new_v4()));
        let mut file = std::fs::OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(content.as_bytes())?;
        self.job.isolation.own(&path)?;
        Ok(path)
    }

    /// What a step finds in its environment: variables that are no secrets, then its own `env`.
    pub(crate) fn environment(&self, own: &[(String, String)]) -> Vec<(String, String)> {
        let mut all = self.base_environment();
        let state = self.state();
        for held in state.variables.values().filter(|held| !held.secret) {
            let name = pave_pipeline::environment_name(&held.name).replace(['=', '\0'], "");
            // These would take away what every program needs.
            if !matches!(name.as_str(), "" | "PATH" | "HOME" | "LD_PRELOAD") && !held.value.contains('\0') {
                all.push((name, state.expand(&held.value, false)));
            }
        }
        drop(state);
        all.extend(
            own.iter()
                .map(|(name, value)| (name.clone(), self.expand(value).replace('\0', ""))),
        );
        all
    }

    fn base_environment(&self) -> Vec<(String, String)> {
        let home = self.temporary().join("home");
        let mut path: Vec<String> = self.state().paths.iter().rev().cloned().collect();
        path.push(
            std::env::var("PATH")
                .ok()
                .filter(|it| !it.is_empty())
                .unwrap_or_else(|| PATH.to_owned()),
        );
        let mut all = vec![
            ("PATH".to_owned(), path.join(":")),
            ("HOME".to_owned(), home.display().to_string()),
            ("TMPDIR".to_owned(), self.temporary().display().to_string()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("TF_BUILD".to_owned(), "True".to_owned()),
            ("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned()),
        ];
        if let Some(road) = &self.job.terraform.correlation {
            all.push(("PAVE_ROAD".to_owned(), road.replace('-', "")));
        }
        all
    }
}
