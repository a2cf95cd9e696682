//! What happens on the Git host, as hints for the pages: which thing changed, not how.

use pave_auth::{AccessRequest, Principal};
use pave_devops::{Event, Project, RepositoryAt};
use serde_json::{Value, json};

use crate::context::Portal;

/// A hint, if the person may see what it is about.
pub(super) async fn hint(portal: &Portal, principal: &Principal, event: &Event) -> Option<Value> {
    let host = portal.hosts.shared.first()?;
    let told = Told::of(event, host);
    for path in told.paths {
        let request = AccessRequest::path("get", path);
        if portal.authorizer.authorize(principal, &request).await.allowed {
            return Some(told.hint);
        }
    }
    None
}

/// A hint, and the paths of which a person needs to be allowed to `get` one.
struct Told {
    hint: Value,
    paths: Vec<String>,
}

impl Told {
    fn of(event: &Event, host: &str) -> Self {
        match event {
            Event::Push {
                repository, updates, ..
            } => {
                let references: Vec<&str> = updates.iter().map(|(name, _, _)| name.as_str()).collect();
                let more = json!({ "references": references });
                Self::in_repository(host, "push", repository, &json!(repository.id), more)
            }
            Event::PullRequest { pull_request } => {
                let more = json!({ "status": pull_request.status });
                Self::in_repository(
                    host,
                    "pullRequest",
                    &pull_request.repository,
                    &json!(pull_request.id),
                    more,
                )
            }
            Event::Run {
                project,
                build,
                definition,
                state,
            } => {
                let more = json!({ "definition": definition, "state": state });
                Self::in_project(host, "run", project, &json!(build), more)
            }
            Event::Log {
                project,
                build,
                log,
                lines,
            } => {
                let more = json!({ "log": log, "lines": lines });
                Self::in_project(host, "log", project, &json!(build), more)
            }
            Event::Changed { project, area, id } => {
                Self::in_project(host, "changed", project, &json!(id), json!({ "area": area }))
            }
        }
    }

    fn in_repository(host: &str, kind: &str, repository: &RepositoryAt, id: &Value, more: Value) -> Self {
        let project = &repository.project;
        let mut told = Self::in_project(host, kind, project, id, more);
        told.hint["repository"] = json!(repository.name);
        told.hint["repositoryId"] = json!(repository.id);
        told.paths = vec![format!(
            "/forge/{}/{}/{}",
            project.organization, project.name, repository.name
        )];
        told
    }

    /// A hint names nothing but numbers: whoever sees any part of the project may have it.
    fn in_project(host: &str, kind: &str, project: &Project, id: &Value, more: Value) -> Self {
        let mut hint = json!({
            "type": "devops", "kind": kind, "host": host, "organization": project.organization,
            "project": project.name, "projectId": project.id, "id": id,
        });
        if let (Some(hint), Value::Object(more)) = (hint.as_object_mut(), more) {
            hint.extend(more);
        }
        let below = |area: &str| format!("/{area}/{}/{}/", project.organization, project.name);
        Self {
            hint,
            paths: vec![below("pipelines"), below("forge")],
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn hints_say_what_and_where() {
        let project = Project {
            id: Uuid::nil(),
            organization: "pave".into(),
            name: "backstage".into(),
        };
        let event = Event::Log {
            project: project.clone(),
            build: 7,
            log: 3,
            lines: 40,
        };
        let told = Told::of(&event, "127.0.0.1:7444");
        assert_eq!(
            told.hint,
            json!({
                "type": "devops", "kind": "log", "host": "127.0.0.1:7444", "organization": "pave", "project": "backstage",
                "projectId": Uuid::nil(), "id": 7, "log": 3, "lines": 40,
            })
        );
        assert_eq!(
            told.paths,
            ["/pipelines/pave/backstage/", "/forge/pave/backstage/"]
        );
        let repository = RepositoryAt {
            id: Uuid::nil(),
            name: "azure-demo".into(),
            project,
            default_branch: "refs/heads/main".into(),
            url: "https://127.0.0.1:7444/pave/backstage/_git/azure-demo"
                .parse()
                .unwrap(),
        };
        let moved = ("refs/heads/main".to_owned(), "0".repeat(40), "1".repeat(40));
        let pusher = pave_auth::Principal::service_account("pave-system", "build-service");
        let told = Told::of(
            &Event::Push {
                repository,
                updates: vec![moved],
                pusher,
            },
            "127.0.0.1:7444",
        );
        assert_eq!(told.paths, ["/forge/pave/backstage/azure-demo"]);
        assert_eq!(told.hint["references"], json!(["refs/heads/main"]));
    }
}
