//! `checkout`: a real clone, with the token of the run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pave_pipeline::Checkout;
use tokio_util::sync::CancellationToken;

use super::child::{self, Ended, Start};
use super::job::JobRepository;
use super::session::Session;
use super::step::{Result, StepError};

/// How often fetching is tried: Pave, who serves the repository, may just be starting again.
const ATTEMPTS: u32 = 6;

/// Fetches a repository.
pub(crate) async fn run(session: &Arc<Session>, checkout: &Checkout, stop: &CancellationToken) -> Result {
    if checkout.repository.eq_ignore_ascii_case("none") {
        return Ok(());
    }
    let wanted = session.expand(&checkout.repository);
    let known = session
        .job
        .repositories
        .iter()
        .find(|it| it.alias.eq_ignore_ascii_case(&wanted));
    let Some(repository) = known.cloned() else {
        let aliases: Vec<&str> = session
            .job
            .repositories
            .iter()
            .map(|it| it.alias.as_str())
            .collect();
        let known = aliases.join("`, `");
        return Err(StepError::Words(format!(
            "`checkout: {wanted}` names no repository of this pipeline; known are `{known}`."
        )));
    };
    let directory = target(session, checkout, &repository);
    prepare(session, &directory)?;
    let git = Git {
        session,
        directory: &directory,
        repository: &repository,
        stop,
    };
    git.must(&["init", "--quiet", "--initial-branch=main", "."])
        .await?;
    git.must(&["config", "advice.detachedHead", "false"]).await?;
    if git
        .run(&["remote", "add", "origin", &repository.url])
        .await?
        .number()
        != 0
    {
        git.must(&["remote", "set-url", "origin", &repository.url])
            .await?;
    }
    if checkout.clean {
        git.must(&["clean", "-ffdx", "--quiet"]).await?;
    }
    fetch(&git, checkout).await?;
    git.must(&[
        "checkout",
        "--quiet",
        "--progress",
        "--force",
        "--detach",
        "FETCH_HEAD",
    ])
    .await?;
    if let Some(kind) = checkout
        .submodules
        .as_deref()
        .filter(|it| matches!(*it, "true" | "recursive"))
    {
        let recursive = if kind == "recursive" {
            &["--recursive"][..]
        } else {
            &[]
        };
        git.must(&[&["submodule", "update", "--init", "--force"], recursive].concat())
            .await?;
    }
    if checkout.persist_credentials {
        let header = format!("AUTHORIZATION: bearer {}", session.secrets.access_token);
        git.must(&["config", &format!("http.{}.extraheader", repository.url), &header])
            .await?;
    }
    set_variables(session, &repository, &directory);
    Ok(())
}

fn target(session: &Session, checkout: &Checkout, repository: &JobRepository) -> PathBuf {
    let workspace = &session.job.workspace;
    if let Some(path) = &checkout.path {
        return workspace.join(session.expand(path));
    }
    let several = session.job.steps.iter().filter(|it| {
        matches!(&it.step.action, pave_pipeline::Action::Checkout(it) if !it.repository.eq_ignore_ascii_case("none"))
    });
    // With several repositories each has a directory of its own below `s`, as upstream.
    if several.count() > 1 {
        workspace.join("s").join(super::job::safe_name(&repository.name))
    } else {
        workspace.join("s")
    }
}

fn prepare(session: &Session, directory: &PathBuf) -> Result {
    let inside = std::path::absolute(directory)?;
    let climbs = inside
        .components()
        .any(|part| matches!(part, std::path::Component::ParentDir));
    if climbs || !inside.starts_with(&session.job.workspace) {
        return Err(StepError::Words(format!(
            "`path` of a checkout must stay in `{}`.",
            session.job.workspace.display()
        )));
    }
    std::fs::create_dir_all(directory)?;
    session.job.isolation.own(directory)?;
    Ok(())
}

async fn fetch(git: &Git<'_>, checkout: &Checkout) -> Result {
    let depth = checkout.fetch_depth.unwrap_or(1);
    let depth = (depth > 0).then(|| format!("--depth={depth}"));
    let tags = if checkout.fetch_tags == Some(true) {
        "--tags"
    } else {
        "--no-tags"
    };
    let what = if git.repository.version.is_empty() {
        &git.repository.reference
    } else {
        &git.repository.version
    };
    let mut arguments = vec!["fetch", "--force", "--prune", "--progress", tags];
    arguments.extend(depth.as_deref());
    arguments.extend(["origin", what.as_str()]);
    for attempt in 1..=ATTEMPTS {
        let ended = git.run(&arguments).await?;
        if ended.stopped {
            return Err(StepError::Said);
        }
        if ended.number() == 0 {
            return Ok(());
        }
        // A commit that is not at the tip of a branch is not served by every host; its branch is.
        if attempt == 1 && !git.repository.version.is_empty() && git.by_reference(tags).await? {
            return Ok(());
        }
        if attempt < ATTEMPTS && !git.stop.is_cancelled() {
            let pause = Duration::from_secs(u64::from(attempt));
            git.session.say(&format!(
                "##[warning]Fetching failed, attempt {} follows in {} s.",
                attempt + 1,
                pause.as_secs()
            ));
            tokio::select! {
                () = git.stop.cancelled() => return Err(StepError::Said),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
    Err(StepError::Words(format!(
        "Git fetch of `{what}` from {} failed.",
        git.repository.url
    )))
}

fn set_variables(session: &Session, repository: &JobRepository, directory: &std::path::Path) {
    if repository.alias.eq_ignore_ascii_case("self") {
        let path = directory.display().to_string();
        let mut state = session.state();
        for name in [
            "build.repository.localpath",
            "build.sourcesdirectory",
            "system.defaultworkingdirectory",
        ] {
            // With several repositories the sources are one level up, and so is the working directory.
            let keep = name != "build.repository.localpath" && directory != session.job.workspace.join("s");
            if let Some(held) = state.variables.get_mut(name).filter(|_| !keep) {
                held.value.clone_from(&path);
            }
        }
    }
}

struct Git<'a> {
    session: &'a Arc<Session>,
    directory: &'a std::path::Path,
    repository: &'a JobRepository,
    stop: &'a CancellationToken,
}

impl Git<'_> {
    async fn run(&self, arguments: &[&str]) -> Result<Ended> {
        if arguments.first() != Some(&"config") {
            self.session
                .say(&format!("##[command]git {}", arguments.join(" ")));
        }
        let start = Start {
            program: "git".to_owned(),
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
            environment: self.environment(),
            directory: self.directory.to_owned(),
            ..Start::default()
        };
        Ok(child::run(self.session, start, self.stop).await?)
    }

    async fn must(&self, arguments: &[&str]) -> Result {
        let ended = self.run(arguments).await?;
        match ended.number() {
            _ if ended.stopped => Err(StepError::Said),
            0 => Ok(()),
            code => {
                let command = arguments.first().unwrap_or(&"");
                Err(StepError::Words(format!(
                    "Git {command} failed with exit code: {code}"
                )))
            }
        }
    }

    /// Fetches all of the branch and takes the commit from it.
    async fn by_reference(&self, tags: &str) -> Result<bool> {
        let version = &self.repository.version;
        let fetched = self
            .run(&["fetch", "--force", tags, "origin", &self.repository.reference])
            .await?;
        if fetched.number() != 0 {
            return Ok(false);
        }
        let wanted = format!("{version}^{{commit}}");
        if self
            .run(&["rev-parse", "--quiet", "--verify", &wanted])
            .await?
            .number()
            != 0
        {
            return Ok(false);
        }
        // What is checked out afterwards is FETCH_HEAD.
        let git_directory = self.directory.join(".git/FETCH_HEAD");
        Ok(self
            .run(&["update-ref", "--no-deref", "FETCH_HEAD", version])
            .await?
            .number()
            == 0
            && git_directory.exists())
    }

    /// The token is in the environment: a command line can be read by everybody.
    fn environment(&self) -> Vec<(String, String)> {
        let mut all = self.session.environment(&[]);
        let url = &self.repository.url;
        let mut settings = vec![("safe.directory".to_owned(), "*".to_owned())];
        if !self.session.secrets.access_token.is_empty() && url.starts_with("http") {
            let header = format!("AUTHORIZATION: bearer {}", self.session.secrets.access_token);
            settings.push((format!("http.{url}.extraheader"), header));
        }
        let authority = self.session.job.workspace.join("_temp/authority.pem");
        if authority.exists() {
            settings.push((format!("http.{url}.sslCAInfo"), authority.display().to_string()));
        }
        all.push(("GIT_CONFIG_NOSYSTEM".to_owned(), "1".to_owned()));
        all.push(("GIT_CONFIG_COUNT".to_owned(), settings.len().to_string()));
        for (index, (key, value)) in settings.into_iter().enumerate() {
            all.push((format!("GIT_CONFIG_KEY_{index}"), key));
            all.push((format!("GIT_CONFIG_VALUE_{index}"), value));
        }
        all
    }
}
