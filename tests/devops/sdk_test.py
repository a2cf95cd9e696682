"""The official Azure DevOps client for Python against the local forge, unmodified.

Makes a repository, pushes, opens a pull request, votes and completes it. Reads PAVE_FORGE_URL, PAVE_FORGE_ORGANIZATION,
PAVE_FORGE_TOKEN and REQUESTS_CA_BUNDLE; ends with a message and a code other than zero when anything is not as it should
be.
"""

import os
import sys
import time

from azure.devops.connection import Connection
from azure.devops.exceptions import AzureDevOpsServiceError
from azure.devops.v7_1.git import models as git_models
from azure.devops.v7_1.policy import models as policy_models
from msrest.authentication import BasicAuthentication

ZERO = "0" * 40
PROJECT = "python-client"
COMMENTS = "c6a1889d-b943-4856-b76f-9e46bb6b0df2"


class Unexpected(Exception):
    """Something is not as it should be."""


def setting(name):
    value = os.environ.get(name)
    if not value:
        raise Unexpected(f"the environment variable {name} is not set")
    return value


def expect(condition, message):
    if not condition:
        raise Unexpected(message)


def refused(call, words):
    try:
        call()
    except AzureDevOpsServiceError as error:
        expect(words in str(error), f"refused with other words: {error}")
        return
    raise Unexpected(f"not refused: {words}")


def eventually(what, look):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise Unexpected(f"never: {what}")


def push(git, repository, branch, old, path, content, comment, kind="add"):
    change = {
        "changeType": kind,
        "item": {"path": path},
        "newContent": {"content": content, "contentType": "rawtext"},
    }
    made = git.create_push(
        git_models.GitPush(
            ref_updates=[git_models.GitRefUpdate(name=f"refs/heads/{branch}", old_object_id=old)],
            commits=[git_models.GitCommitRef(comment=comment, changes=[change])],
        ),
        repository.id,
        project=PROJECT,
    )
    return made.ref_updates[0].new_object_id


def make_project(connection):
    core = connection.clients_v7_1.get_core_client()
    operations = connection.clients_v7_1.get_operations_client()
    reference = core.queue_create_project(
        {"name": PROJECT, "visibility": "private", "capabilities": {"versioncontrol": {"sourceControlType": "Git"}}}
    )
    eventually("the project", lambda: operations.get_operation(reference.id).status == "succeeded")
    return core, core.get_project(PROJECT)


def review(connection, git, repository, project, pull, head):
    policy = connection.clients_v7_1.get_policy_client()
    configuration = policy_models.PolicyConfiguration(
        is_enabled=True,
        is_blocking=True,
        type=policy_models.PolicyTypeRef(id=COMMENTS),
        settings={"scope": [{"repositoryId": repository.id, "refName": "refs/heads/main", "matchKind": "Exact"}]},
    )
    policy.create_policy_configuration(configuration, PROJECT)
    number = pull.pull_request_id
    thread = git.create_thread(
        git_models.GitPullRequestCommentThread(comments=[git_models.Comment(content="Why?")], status="active"),
        repository.id,
        number,
        project=PROJECT,
    )
    complete = git_models.GitPullRequest(
        status="completed",
        last_merge_source_commit=git_models.GitCommitRef(commit_id=head),
        completion_options=git_models.GitPullRequestCompletionOptions(merge_strategy="rebaseMerge", delete_source_branch=True),
    )
    refused(lambda: git.update_pull_request(complete, repository.id, number, project=PROJECT), "comments are not resolved")
    artifact = f"vstfs:///CodeReview/CodeReviewId/{project.id}/{number}"
    states = [it.status for it in policy.get_policy_evaluations(PROJECT, artifact)]
    expect(states == ["running"], f"evaluations are {states}")
    git.update_thread(
        git_models.GitPullRequestCommentThread(status="closed"), repository.id, number, thread.id, project=PROJECT
    )
    me = pull.created_by.id
    vote = git.create_pull_request_reviewer(
        git_models.IdentityRefWithVote(vote=5), repository.id, number, me, project=PROJECT
    )
    expect(vote.vote == 5, "the vote was not kept")
    git.update_pull_request(complete, repository.id, number, project=PROJECT)
    return eventually(
        "the merge",
        lambda: next(
            (it for it in [git.get_pull_request(repository.id, number, project=PROJECT)] if it.status == "completed"), None
        ),
    )


def main():
    url = f"{setting('PAVE_FORGE_URL').rstrip('/')}/{setting('PAVE_FORGE_ORGANIZATION')}"
    connection = Connection(base_url=url, creds=BasicAuthentication("", setting("PAVE_FORGE_TOKEN")))
    core, project = make_project(connection)
    git = connection.clients_v7_1.get_git_client()
    repository = git.create_repository(git_models.GitRepositoryCreateOptions(name="app"), project=PROJECT)
    refused(
        lambda: git.create_repository(git_models.GitRepositoryCreateOptions(name="app"), project=PROJECT), "TF400948"
    )
    refused(lambda: git.get_repository("nowhere", project=PROJECT), "TF401019")
    base = push(git, repository, "main", ZERO, "/README.md", "# app\n", "Begin")
    update = git_models.GitRefUpdate(name="refs/heads/x", old_object_id=ZERO, new_object_id=base)
    results = git.update_refs([update], repository.id, project=PROJECT)
    expect(results[0].success, f"the branch was not made: {results[0].update_status}")
    head = push(git, repository, "x", base, "/x.txt", "1\n", "Add x\n\nPave-Road: 0123456789abcdef0123456789abcdef")
    refused(lambda: push(git, repository, "x", base, "/y.txt", "1\n", "Late"), "TF401028")
    pull = git.create_pull_request(
        git_models.GitPullRequest(
            source_ref_name="refs/heads/x", target_ref_name="refs/heads/main", title="Take x", description="why"
        ),
        repository.id,
        project=PROJECT,
    )
    found = git.get_pull_requests(
        repository.id, git_models.GitPullRequestSearchCriteria(status="active"), project=PROJECT
    )
    expect([it.pull_request_id for it in found] == [pull.pull_request_id], "the pull request is not listed")
    iterations = git.get_pull_request_iterations(repository.id, pull.pull_request_id, project=PROJECT)
    changes = git.get_pull_request_iteration_changes(
        repository.id, pull.pull_request_id, iterations[0].id, project=PROJECT
    )
    expect(changes.change_entries[0].additional_properties["item"]["path"] == "/x.txt", "the change is not listed")
    done = review(connection, git, repository, project, pull, head)
    commits = git.get_commits(repository.id, git_models.GitQueryCommitsCriteria(top=1), project=PROJECT)
    expect(commits[0].commit_id == done.last_merge_commit.commit_id, "main is not at the merge")
    text = b"".join(git.get_item_text(repository.id, "/x.txt", project=PROJECT))
    expect(text == b"1\n", f"the file has {text}")
    git.delete_repository(repository.id, project=PROJECT)
    core.queue_delete_project(project.id)
    print("everything is as it should be")


if __name__ == "__main__":
    try:
        main()
    except (Unexpected, AzureDevOpsServiceError) as problem:
        print(f"sdk_test: {problem}", file=sys.stderr)
        sys.exit(1)
