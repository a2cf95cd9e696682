//! Command lines of container runtimes. Values of the environment are handed over in the runtime's own, so that no
//! secret stands in a list of processes.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use pave_pipeline::Container;
use tokio::process::Command;

use crate::agent::child::Start;

/// A container that a step runs in.
#[derive(Debug, Clone)]
pub(crate) struct Inside {
    pub(crate) program: PathBuf,
    pub(crate) name: String,
    pub(crate) user: (u32, u32),
}

impl Inside {
    /// The command that runs something in the container.
    pub(crate) fn wrap(&self, start: &Start) -> (String, Vec<String>) {
        let mut all = vec!["exec".to_owned()];
        let (uid, gid) = self.user;
        all.extend(["--user".to_owned(), format!("{uid}:{gid}")]);
        all.extend(["--workdir".to_owned(), start.directory.display().to_string()]);
        // The container has a PATH of its own.
        let names = start.environment.iter().map(|(name, _)| name);
        for name in names.filter(|name| *name != "PATH") {
            all.extend(["--env".to_owned(), name.clone()]);
        }
        all.extend([self.name.clone(), start.program.clone()]);
        all.extend(start.arguments.iter().cloned());
        (self.program.display().to_string(), all)
    }

    /// Signals everything in the container but what keeps it open.
    pub(crate) async fn signal(&self, signal: &str) {
        let (uid, gid) = self.user;
        let line = format!("kill -{signal} -1");
        let user = format!("{uid}:{gid}");
        let told = Command::new(&self.program)
            .args(["exec", "--user", &user, &self.name, "sh", "-c", &line])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        // The step is waited for whether that worked or not.
        drop(told.await);
    }
}

pub(super) fn network(name: &str) -> Vec<String> {
    ["network", "create", name].map(str::to_owned).to_vec()
}

/// The container of the job: kept open, with the workspace under its own path.
pub(super) fn own(name: &str, container: &Container, workspace: &Path, user: (u32, u32)) -> Vec<String> {
    let mut all = begin(name, "job", container);
    let workspace = workspace.display();
    all.extend(["--user".to_owned(), format!("{}:{}", user.0, user.1)]);
    all.extend(["--volume".to_owned(), format!("{workspace}:{workspace}")]);
    all.extend(["--workdir".to_owned(), format!("{workspace}/s")]);
    all.extend(["--entrypoint", "tail"].map(str::to_owned));
    all.extend(pave_pipeline::terraform::words(&container.options));
    all.push(container.image.clone());
    all.extend(["-f", "/dev/null"].map(str::to_owned));
    all
}

/// A service: what its image is made for, under a name that steps reach it by.
pub(super) fn service(name: &str, alias: &str, container: &Container) -> Vec<String> {
    let mut all = begin(name, alias, container);
    all.extend(["--network-alias".to_owned(), alias.to_owned()]);
    all.extend(pave_pipeline::terraform::words(&container.options));
    all.push(container.image.clone());
    all
}

fn begin(name: &str, suffix: &str, container: &Container) -> Vec<String> {
    let mut all = ["run", "--detach", "--init", "--name"]
        .map(str::to_owned)
        .to_vec();
    all.push(format!("{name}-{suffix}"));
    all.extend(["--network".to_owned(), name.to_owned()]);
    for (variable, _) in &container.env {
        all.extend(["--env".to_owned(), variable.clone()]);
    }
    for port in &container.ports {
        all.extend(["--publish".to_owned(), port.clone()]);
    }
    for volume in &container.volumes {
        all.extend(["--volume".to_owned(), volume.clone()]);
    }
    all
}

/// Commands that leave nothing behind.
pub(super) fn remove(name: &str, services: &[(String, Container)]) -> Vec<Vec<String>> {
    let suffixes = services.iter().map(|(alias, _)| alias.as_str());
    let mut containers = ["rm", "--force", "--volumes"].map(str::to_owned).to_vec();
    containers.extend(suffixes.chain(["job"]).map(|suffix| format!("{name}-{suffix}")));
    vec![containers, ["network", "rm", name].map(str::to_owned).to_vec()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: &[String], expected: &str) {
        assert_eq!(found.join(" "), expected);
    }

    #[test]
    fn command_lines() {
        let container = Container {
            image: "example/tools:1".to_owned(),
            options: "--cpus 1 --hostname \"a b\"".to_owned(),
            env: vec![("SECRET".to_owned(), "hidden".to_owned())],
            ports: vec!["8080:80".to_owned()],
            volumes: vec!["/x:/y".to_owned()],
            ..Container::default()
        };
        check(
            &own("pave-1", &container, Path::new("/w"), (65534, 65534)),
            "run --detach --init --name pave-1-job --network pave-1 --env SECRET --publish 8080:80 --volume /x:/y --user 65534:65534 --volume /w:/w --workdir /w/s --entrypoint tail --cpus 1 --hostname a b example/tools:1 -f /dev/null",
        );
        check(
            &service("pave-1", "web", &container),
            "run --detach --init --name pave-1-web --network pave-1 --env SECRET --publish 8080:80 --volume /x:/y --network-alias web --cpus 1 --hostname a b example/tools:1",
        );
        let gone = remove("pave-1", &[("web".to_owned(), container)]);
        check(&gone[0], "rm --force --volumes pave-1-web pave-1-job");
        check(&gone[1], "network rm pave-1");
        let inside = Inside {
            program: "docker".into(),
            name: "pave-1-job".to_owned(),
            user: (1, 2),
        };
        let start = Start {
            program: "bash".to_owned(),
            arguments: vec!["/w/_temp/x.sh".to_owned()],
            environment: vec![
                ("PATH".to_owned(), "/bin".to_owned()),
                ("A".to_owned(), "hidden".to_owned()),
            ],
            directory: "/w/s".into(),
            ..Start::default()
        };
        let (program, arguments) = inside.wrap(&start);
        assert_eq!(program, "docker");
        check(
            &arguments,
            "exec --user 1:2 --workdir /w/s --env A pave-1-job bash /w/_temp/x.sh",
        );
    }
}
