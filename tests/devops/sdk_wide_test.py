"""The official Azure DevOps client for Python against the wider parts of the forge.

Pull requests of commits, batches, statuses of commits, cherry-picks, reverts, forks and imports. Settings and outcome as in sdk_test.py.
"""

import sys

from azure.devops.connection import Connection
from azure.devops.exceptions import AzureDevOpsServiceError
from azure.devops.v7_1.git import models
from msrest.authentication import BasicAuthentication

import sdk_test
from sdk_test import ZERO, Unexpected, eventually, expect, refused, setting

PROJECT = sdk_test.PROJECT = "python-wide"


def ended(look):
    """What a job has become, once it is no longer under way."""
    return eventually("the end of a job", lambda: next((it for it in [look()] if it.status not in ("queued", "inProgress")), None))


def lookups(git, repository, base, topic, tip):
    pull = git.create_pull_request(
        models.GitPullRequest(source_ref_name="refs/heads/topic", target_ref_name="refs/heads/main", title="Take topic"),
        repository.id,
        project=PROJECT,
    )
    expect(pull.merge_status == "conflicts", f"the merge status is {pull.merge_status}")
    query = models.GitPullRequestQuery(queries=[models.GitPullRequestQueryInput(type="commit", items=[topic])])
    results = git.get_pull_request_query(query, repository.id, project=PROJECT).results
    expect(results[0][topic][0].pull_request_id == pull.pull_request_id, f"the commit leads to {results}")
    bases = git.get_merge_bases(repository.id, topic, tip, project=PROJECT)
    expect([it.commit_id for it in bases] == [base], "the merge base is another")


def batches(git, repository, base, topic):
    descriptors = [
        models.GitItemDescriptor(path="/", version="main", version_type="branch", recursion_level="full"),
        models.GitItemDescriptor(path="/a.txt", version=topic, version_type="commit", recursion_level="none"),
    ]
    lists = git.get_items_batch(models.GitItemRequestData(item_descriptors=descriptors), repository.id, project=PROJECT)
    paths = [[item["path"] if isinstance(item, dict) else item.path for item in items] for items in lists]
    expect(paths == [["/", "/a.txt"], ["/a.txt"]], f"items are {paths}")
    commits = git.get_commits_batch(models.GitQueryCommitsCriteria(ids=[base, topic]), repository.id, project=PROJECT)
    expect([it.commit_id for it in commits] == [base, topic], "the commits are others")
    status = models.GitStatus(state="succeeded", context=models.GitStatusContext(name="build", genre="ci"))
    git.create_commit_status(status, topic, repository.id, project=PROJECT)
    expect(git.get_statuses(topic, repository.id, project=PROJECT)[0].state == "succeeded", "the status was not kept")


def copies(git, repository, main):
    parameters = models.GitAsyncRefOperationParameters(
        generated_ref_name="refs/heads/undone",
        onto_ref_name="refs/heads/main",
        source=models.GitAsyncRefOperationSource(commit_list=[models.GitCommitRef(commit_id=main)]),
    )
    made = git.create_revert(parameters, PROJECT, repository.id)
    done = ended(lambda: git.get_revert(PROJECT, made.revert_id, repository.id))
    expect(done.status == "completed", f"the revert is {done.status}")
    picked = git.create_cherry_pick(parameters, PROJECT, repository.id)
    failed = ended(lambda: git.get_cherry_pick(PROJECT, picked.cherry_pick_id, repository.id))
    expect(failed.detailed_status.status == "refNameConflict", f"the cherry-pick is {failed.detailed_status.status}")


def tips(git, repository):
    return [(it.name, it.object_id) for it in git.get_refs(repository.id, project=PROJECT)]


def forks_and_imports(git, repository):
    options = models.GitRepositoryCreateOptions(name="fork", parent_repository=models.GitRepositoryRef(id=repository.id))
    fork = git.create_repository(options, project=PROJECT)
    expect(fork.is_fork and fork.parent_repository.id == repository.id, "the fork has no parent")
    expect(tips(git, fork) == tips(git, repository), "the fork has other branches")
    target = git.create_repository(models.GitRepositoryCreateOptions(name="imported"), project=PROJECT)

    def request(url):
        source = models.GitImportRequestParameters(git_source=models.GitImportGitSource(url=url))
        return models.GitImportRequest(parameters=source)

    refused(lambda: git.create_import_request(request("file:///etc"), PROJECT, target.id), "not an http or https URL")
    made = git.create_import_request(request(repository.remote_url), PROJECT, target.id)
    done = ended(lambda: git.get_import_request(PROJECT, target.id, made.import_request_id))
    expect(done.status == "completed", f"the import is {done.status}: {done.detailed_status}")
    expect(tips(git, target) == tips(git, repository), "the import has other branches")


def main():
    url = f"{setting('PAVE_FORGE_URL').rstrip('/')}/{setting('PAVE_FORGE_ORGANIZATION')}"
    connection = Connection(base_url=url, creds=BasicAuthentication("", setting("PAVE_FORGE_TOKEN")))
    core, project = sdk_test.make_project(connection)
    core.update_project({"description": "Wide"}, project.id)
    eventually("the description", lambda: core.get_project(PROJECT).description == "Wide")
    git = connection.clients_v7_1.get_git_client()
    repository = git.create_repository(models.GitRepositoryCreateOptions(name="app"), project=PROJECT)
    base = sdk_test.push(git, repository, "main", ZERO, "/a.txt", "1\n", "Begin")
    topic = sdk_test.push(git, repository, "topic", base, "/a.txt", "2\n", "Topic", "edit")
    tip = sdk_test.push(git, repository, "main", base, "/a.txt", "3\n", "Main", "edit")
    lookups(git, repository, base, topic, tip)
    batches(git, repository, base, topic)
    copies(git, repository, tip)
    forks_and_imports(git, repository)
    core.queue_delete_project(project.id)
    print("everything is as it should be")


if __name__ == "__main__":
    try:
        main()
    except (Unexpected, AzureDevOpsServiceError) as problem:
        print(f"sdk_wide_test: {problem}", file=sys.stderr)
        sys.exit(1)
