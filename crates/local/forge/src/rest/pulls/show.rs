//! Pull requests as Azure DevOps shows them.

use pave_auth::Principal;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::event::{api, identity_json, repository_json};
use crate::pull::{Comment, Iteration, Posted, PullRequest, Reviewer, Thread};
use crate::repository::{Repository, below};

/// A pull request.
pub(crate) fn pull_json(base: &Url, repository: &Repository, pull: &PullRequest, branch: &str) -> Value {
    let organization = &repository.project.organization;
    let who = |principal: &Principal| identity_json(base, organization, principal);
    let url = pull_url(base, repository, pull, &[]);
    let commit = |id: &str| json!({ "commitId": id, "url": api(base, repository, &["commits", id]) });
    let mut web = repository.clone_url(base);
    if let Ok(mut path) = web.path_segments_mut() {
        path.extend(["pullrequest", &pull.id.to_string()]);
    }
    let reviewers: Vec<Value> = pull
        .reviewers
        .iter()
        .map(|it| reviewer_json(base, repository, pull, it))
        .collect();
    let labels: Vec<Value> = pull.labels.iter().map(|name| label_json(name)).collect();
    let project = repository.project.id;
    let mut value = json!({
        "repository": repository_json(base, repository, branch),
        "pullRequestId": pull.id,
        "codeReviewId": pull.id,
        "status": pull.status.word(),
        "createdBy": who(&pull.created_by),
        "creationDate": pull.created_at,
        "title": pull.title,
        "description": pull.description,
        "sourceRefName": pull.source,
        "targetRefName": pull.target,
        "mergeStatus": pull.merge.outcome.word(),
        "isDraft": pull.draft,
        "mergeId": Uuid::new_v5(&repository.id, format!("{} {} {}", pull.id, pull.merge.source, pull.merge.target).as_bytes()),
        "lastMergeSourceCommit": commit(&pull.merge.source),
        "lastMergeTargetCommit": commit(&pull.merge.target),
        "reviewers": reviewers,
        "labels": labels,
        "url": url,
        "_links": { "web": { "href": web }, "self": { "href": url } },
        "supportsIterations": true,
        "artifactId": format!("vstfs:///Git/PullRequestId/{project}%2F{}%2F{}", repository.id, pull.id),
        "completionOptions": pull.options,
        "mergeOptions": pull.merge_options,
    });
    if !pull.merge.commit.is_empty() {
        value["lastMergeCommit"] = commit(&pull.merge.commit);
    }
    if !pull.merge.conflicts.is_empty() {
        value["mergeFailureType"] = json!("none");
        value["mergeFailureMessage"] = json!(format!(
            "Conflicts in: {}",
            crate::pull::complete::listed(&pull.merge.conflicts)
        ));
        // Which files, for pages; clients of Azure DevOps ignore what they do not know.
        value["conflicts"] = json!(pull.merge.conflicts);
    } else if !pull.merge.problem.is_empty() {
        value["mergeFailureMessage"] = json!(pull.merge.problem);
    } else if !pull.held_up.is_empty() {
        value["autoCompleteHeldUp"] = json!(pull.held_up);
    }
    if let Some(by) = &pull.auto_complete {
        value["autoCompleteSetBy"] = who(by);
    }
    if let Some(by) = &pull.closed_by {
        value["closedBy"] = who(by);
    }
    if let Some(at) = &pull.closed_at {
        value["closedDate"] = json!(at);
        value["completionQueueTime"] = json!(at);
    }
    value
}

/// The REST URL of something of a pull request.
pub(super) fn pull_url(base: &Url, repository: &Repository, pull: &PullRequest, tail: &[&str]) -> Url {
    let id = pull.id.to_string();
    let mut segments = vec!["pullRequests", id.as_str()];
    segments.extend(tail);
    api(base, repository, &segments)
}

/// A reviewer with the vote.
pub(super) fn reviewer_json(
    base: &Url,
    repository: &Repository,
    pull: &PullRequest,
    reviewer: &Reviewer,
) -> Value {
    let id = reviewer.id.to_string();
    let organization = &repository.project.organization;
    let mut value = json!({
        "reviewerUrl": pull_url(base, repository, pull, &["reviewers", &id]),
        "vote": reviewer.vote,
        "hasDeclined": false,
        "isRequired": reviewer.required,
        "isFlagged": reviewer.flagged,
        "displayName": reviewer.name,
        "uniqueName": reviewer.unique,
        "id": id,
        "url": below(base, &[organization, "_apis", "Identities", &id]),
        "imageUrl": below(base, &[organization, "_api", "_common", "identityImage"]),
    });
    if reviewer.group.is_some() {
        value["isContainer"] = json!(true);
    }
    value
}

pub(super) fn label_json(name: &str) -> Value {
    json!({ "id": Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()), "name": name, "active": true })
}

/// What the source was at one time.
pub(super) fn iteration_json(base: &Url, repository: &Repository, it: &Iteration) -> Value {
    let commit = |id: &str| json!({ "commitId": id, "url": api(base, repository, &["commits", id]) });
    json!({
        "id": it.id,
        "description": "",
        "author": identity_json(base, &repository.project.organization, &it.author),
        "createdDate": it.created_at,
        "updatedDate": it.created_at,
        "sourceRefCommit": commit(&it.source),
        "targetRefCommit": commit(&it.target),
        "commonRefCommit": commit(&it.common),
        "hasMoreCommits": false,
        "reason": it.reason,
    })
}

/// A status that some service posted.
pub(super) fn posted_json(base: &Url, repository: &Repository, it: &Posted) -> Value {
    let mut value = json!({
        "id": it.id,
        "state": it.state,
        "description": it.description,
        "context": { "name": it.name, "genre": it.genre },
        "creationDate": it.created_at,
        "updatedDate": it.created_at,
        "createdBy": identity_json(base, &repository.project.organization, &it.created_by),
        "targetUrl": it.target_url,
    });
    if let Some(iteration) = it.iteration {
        value["iterationId"] = json!(iteration);
    }
    value
}

/// A discussion.
pub(super) fn thread_json(base: &Url, repository: &Repository, it: &Thread) -> Value {
    let comments: Vec<Value> = it
        .comments
        .iter()
        .map(|comment| comment_json(base, repository, comment))
        .collect();
    let mut value = json!({
        "id": it.id,
        "publishedDate": it.created_at,
        "lastUpdatedDate": it.updated_at,
        "comments": comments,
        "threadContext": it.context,
        "pullRequestThreadContext": it.iteration,
        "properties": it.properties,
        "isDeleted": it.deleted,
    });
    if !it.status.is_empty() {
        value["status"] = json!(it.status);
    }
    value
}

/// A word in a discussion; what was deleted shows no content.
pub(super) fn comment_json(base: &Url, repository: &Repository, it: &Comment) -> Value {
    let person = |who: &Principal| identity_json(base, &repository.project.organization, who);
    json!({
        "id": it.id,
        "parentCommentId": it.parent,
        "author": person(&it.author),
        "content": if it.deleted { "" } else { it.content.as_str() },
        "publishedDate": it.created_at,
        "lastUpdatedDate": it.updated_at,
        "lastContentUpdatedDate": it.updated_at,
        "commentType": it.kind,
        "isDeleted": it.deleted,
        "usersLiked": it.likes.iter().map(person).collect::<Vec<_>>(),
    })
}
