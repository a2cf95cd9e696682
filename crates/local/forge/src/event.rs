//! Pushes and pull requests as Azure DevOps' service hooks tell them.

use pave_auth::Principal;
use pave_git::{Commit, CommitInfo};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::ForgeError;
use crate::changes::ZERO;
use crate::pull::{Outcome, PullRequest};
use crate::repository::{Repository, below};
use crate::rest::pull_json;
use crate::store::{Delivery, Note, Push, Subject, Subscription, Update};

/// How many commits an event lists at most.
const LISTED: usize = 25;

/// Whether a subscription asks for this push.
pub(crate) fn wants(subscription: &Subscription, repository: &Repository, updates: &[Update]) -> bool {
    is_about(subscription, repository) && updates.iter().any(|it| names_branch(subscription, &it.name))
}

/// Whether a subscription asks for this event of a pull request.
pub(crate) fn wants_pull(
    subscription: &Subscription,
    repository: &Repository,
    pull: &PullRequest,
    note: Note,
) -> bool {
    let same = |wanted: &str, id: Uuid| wanted.is_empty() || wanted.eq_ignore_ascii_case(&id.to_string());
    let reviewer = input(subscription, "pullrequestReviewersContains");
    let merged = match input(subscription, "mergeResult").to_lowercase().as_str() {
        "" => true,
        "unsuccessful" => pull.merge.outcome != Outcome::Succeeded,
        wanted => wanted == pull.merge.outcome.word().to_lowercase(),
    };
    let notification = input(subscription, "notificationType");
    is_about(subscription, repository)
        && names_branch(subscription, &pull.target)
        && same(input(subscription, "pullrequestCreatedBy"), pull.created_by.id)
        && (reviewer.is_empty() || pull.reviewers.iter().any(|it| same(reviewer, it.id)))
        && (note.kind != "git.pullrequest.merged" || merged)
        && (notification.is_empty() || notification.eq_ignore_ascii_case(note.notification))
}

fn input<'a>(subscription: &'a Subscription, key: &str) -> &'a str {
    subscription
        .body
        .pointer(&format!("/publisherInputs/{key}"))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn is_about(subscription: &Subscription, repository: &Repository) -> bool {
    let is = |wanted: &str, id: Uuid, name: &str| {
        wanted.is_empty() || wanted.eq_ignore_ascii_case(&id.to_string()) || wanted.eq_ignore_ascii_case(name)
    };
    let project = &repository.project;
    subscription
        .organization
        .eq_ignore_ascii_case(&project.organization)
        && is(input(subscription, "projectId"), project.id, &project.name)
        && is(input(subscription, "repository"), repository.id, &repository.name)
}

fn names_branch(subscription: &Subscription, name: &str) -> bool {
    let branch = input(subscription, "branch");
    branch.is_empty() || name == branch || name.strip_prefix("refs/heads/") == Some(branch)
}

/// The body of a delivery.
pub(crate) async fn payload(
    base: &Url,
    delivery: &Delivery,
    repository: &Repository,
) -> Result<Value, ForgeError> {
    let subscription = &delivery.subscription;
    let (id, text, resource, created) = match &delivery.subject {
        Subject::Push(push) => {
            let who = &push.pusher.display_name;
            let names: Vec<&str> = push
                .updates
                .iter()
                .map(|update| update.name.trim_start_matches("refs/heads/"))
                .collect();
            let text = format!("{who} pushed updates to {}:{}", repository.name, names.join(", "));
            // The same event keeps its id however often it is delivered.
            let id = Uuid::new_v5(&subscription.id, &push.id.to_be_bytes());
            (
                id,
                text,
                resource(base, push, repository).await?,
                &push.created_at,
            )
        }
        Subject::Pull(event, created, pull) => {
            let id = Uuid::new_v5(&subscription.id, format!("event {event}").as_bytes());
            let branch = repository.default_branch().await;
            let shown = pull_json(base, repository, pull, &branch);
            (id, sentence(subscription, pull), shown, created)
        }
    };
    let organization = below(base, &[&repository.project.organization]);
    let account =
        json!({ "id": account_id(&repository.project.organization), "baseUrl": format!("{organization}/") });
    Ok(json!({
        "subscriptionId": subscription.id,
        "notificationId": delivery.id,
        "id": id,
        "eventType": subscription.event_type,
        "publisherId": "tfs",
        "message": { "text": text, "html": text, "markdown": text },
        "detailedMessage": { "text": text, "html": text, "markdown": text },
        "resource": resource,
        "resourceVersion": "1.0",
        "resourceContainers": { "collection": account, "account": account, "project": { "id": repository.project.id } },
        "createdDate": created,
    }))
}

/// What happened to a pull request, for a person.
fn sentence(subscription: &Subscription, pull: &PullRequest) -> String {
    let by = pull.closed_by.as_ref().unwrap_or(&pull.created_by);
    let what = match subscription.event_type.as_str() {
        "git.pullrequest.created" => "created",
        "git.pullrequest.merged" if pull.merge.outcome == Outcome::Succeeded => "merged",
        "git.pullrequest.merged" => "attempted to merge",
        _ => "updated",
    };
    format!(
        "{} {what} pull request {} ({})",
        by.display_name, pull.id, pull.title
    )
}

/// The newest commits that a push brought.
pub(crate) async fn commits_json(
    base: &Url,
    repository: &Repository,
    push: &Push,
) -> Result<Vec<Value>, ForgeError> {
    let mut commits = Vec::new();
    for update in &push.updates {
        commits.extend(pushed_commits(repository, update).await?);
    }
    Ok(commits
        .iter()
        .map(|commit| commit_json(base, repository, commit))
        .collect())
}

async fn resource(base: &Url, push: &Push, repository: &Repository) -> Result<Value, ForgeError> {
    let commits = commits_json(base, repository, push).await?;
    let updates: Vec<Value> = push.updates.iter().map(update_json).collect();
    Ok(json!({
        "commits": commits,
        "refUpdates": updates,
        "repository": repository_json(base, repository, &repository.default_branch().await),
        "pushedBy": identity_json(base, &repository.project.organization, &push.pusher),
        "pushId": push.id,
        "date": push.created_at,
        "url": api(base, repository, &["pushes", &push.id.to_string()]),
    }))
}

/// The newest commits that an update brought.
async fn pushed_commits(repository: &Repository, update: &Update) -> Result<Vec<CommitInfo>, ForgeError> {
    if update.new == ZERO {
        return Ok(Vec::new());
    }
    let objects = repository.objects();
    let Some(new) = objects.first_commit(std::slice::from_ref(&update.new)).await? else {
        return Ok(Vec::new());
    };
    let log = objects.log(&new, None, LISTED).await?;
    Ok(log
        .into_iter()
        .take_while(|commit| commit.commit.as_str() != update.old)
        .collect())
}

/// A commit as the REST API and events show it.
pub(crate) fn commit_json(base: &Url, repository: &Repository, commit: &CommitInfo) -> Value {
    let id: &Commit = &commit.commit;
    let person = json!({ "name": commit.author, "email": commit.email, "date": commit.time.to_string() });
    let mut web = repository.clone_url(base);
    if let Ok(mut path) = web.path_segments_mut() {
        path.extend(["commit", id.as_str()]);
    }
    json!({
        "commitId": id.as_str(),
        "author": person,
        "committer": person,
        "comment": commit.message(),
        "parents": commit.parents.iter().map(Commit::as_str).collect::<Vec<_>>(),
        "url": api(base, repository, &["commits", id.as_str()]),
        "remoteUrl": web,
    })
}

/// A moved reference.
pub(crate) fn update_json(update: &Update) -> Value {
    json!({ "name": update.name, "oldObjectId": update.old, "newObjectId": update.new })
}

/// A person.
pub(crate) fn identity_json(base: &Url, organization: &str, principal: &Principal) -> Value {
    let id = principal.id.to_string();
    let unique = if principal.email.is_empty() {
        &principal.user
    } else {
        &principal.email
    };
    json!({
        "id": id,
        "displayName": principal.display_name,
        "uniqueName": unique,
        "url": below(base, &[organization, "_apis", "Identities", &id]),
        "imageUrl": below(base, &[organization, "_api", "_common", "identityImage"]),
        "descriptor": format!("aad.{id}"),
    })
}

/// A project inside another object.
pub(crate) fn project_json(base: &Url, project: &crate::repository::Project) -> Value {
    json!({
        "id": project.id,
        "name": project.name,
        "url": below(base, &[&project.organization, "_apis", "projects", &project.id.to_string()]),
        "description": project.description,
        "state": "wellFormed",
        "revision": 1,
        "visibility": project.visibility,
        "lastUpdateTime": project.created_at,
    })
}

/// A repository.
pub(crate) fn repository_json(base: &Url, repository: &Repository, default_branch: &str) -> Value {
    let clone = repository.clone_url(base);
    let mut value = json!({
        "id": repository.id,
        "name": repository.name,
        "url": api(base, repository, &[]),
        "project": project_json(base, &repository.project),
        "size": 0,
        "remoteUrl": clone,
        "webUrl": clone,
        "sshUrl": "",
        "isDisabled": false,
        "isInMaintenance": false,
    });
    if repository.parent.is_some() {
        value["isFork"] = json!(true);
    }
    if !default_branch.is_empty() {
        value["defaultBranch"] = json!(default_branch);
    }
    value
}

/// The REST URL of something in a repository.
pub(crate) fn api(base: &Url, repository: &Repository, tail: &[&str]) -> Url {
    let project = &repository.project;
    let (project_id, id) = (project.id.to_string(), repository.id.to_string());
    let mut segments = vec![
        project.organization.as_str(),
        &project_id,
        "_apis",
        "git",
        "repositories",
        &id,
    ];
    segments.extend(tail);
    below(base, &segments)
}

/// Organizations have no row of their own; their id follows from the name.
pub(crate) fn account_id(organization: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, organization.to_lowercase().as_bytes())
}
