"""The Azure CLI with its extension for Azure DevOps, both unmodified, against a platform that is dev.azure.com.

Makes a project, repositories, pull requests, policies, pipelines, and things in the local Azure, and cleans up. Expects `az` with the extension
`azure-devops` (AZ names another program) and git, where dev.azure.com leads to the forge: see docs/dev-azure-com.md. Reads PAVE_SUMMARY, what
`pave up --output json` printed, and `AZURE_DEVOPS_EXT_PAT`; ends with a message and a code other than zero when anything is not as it should be.
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import zipfile

AZ = os.environ.get("AZ", "az")
SUMMARY = json.loads(pathlib.Path(os.environ["PAVE_SUMMARY"]).read_text())
COLLECTION = f"https://dev.azure.com/{SUMMARY['forge']['organization']}"
PROJECT = "az-client"
REPOSITORY = "service"
PIPELINE = """\
trigger: none
steps:
  - script: |
      mkdir out
      echo "$(word) $(shared)" > out/said.txt
  - publish: out
    artifact: said
"""


def run(*words, status=0, directory=None):
    """Runs az; gives what it answers. Another status is expected to say why on standard error, which is given then."""
    done = subprocess.run([AZ, *words, "--output", "json"], capture_output=True, text=True, timeout=300, cwd=directory)
    if done.returncode != status:
        raise AssertionError(f"az {' '.join(words)}\nended with {done.returncode}\n{done.stderr}")
    if status:
        return done.stderr
    try:
        return json.loads(done.stdout)
    except ValueError:
        # Some commands answer nothing, or a sentence, whatever is asked for.
        return done.stdout.strip() or None


def devops(*words, project=PROJECT, **settings):
    """A command that takes organization and project."""
    where = ["--organization", COLLECTION, "--detect", "false"]
    if project:
        where += ["--project", project]
    return run(*words, *where, **settings)


def git(directory, *words):
    subprocess.run(["git", "-C", str(directory), "-c", "user.name=alice", "-c", "user.email=alice@example.com", *words], check=True, timeout=120)


def same(found, expected, what):
    if found != expected:
        raise AssertionError(f"{what}: {found!r} is not {expected!r}")


def eventually(what, look):
    for _ in range(120):
        found = look()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"never: {what}")


def projects():
    made = devops("devops", "project", "create", "--name", PROJECT, "--description", "made by az", project=None)
    same((made["name"], made["state"], made["description"]), (PROJECT, "wellFormed", "made by az"), "the project")
    listed = devops("devops", "project", "list", project=None)["value"]
    same(PROJECT in [it["name"] for it in listed], True, "the list of projects")
    same(devops("devops", "project", "show")["capabilities"]["versioncontrol"]["sourceControlType"], "Git", "version control")
    same([it["name"] for it in devops("repos", "list")], [PROJECT], "the repository that a project begins with")
    teams = devops("devops", "team", "list")
    same([it["name"] for it in teams], [f"{PROJECT} Team"], "the team of a project")
    same(devops("devops", "team", "show", "--team", teams[0]["name"])["id"], teams[0]["id"], "the team by its name")
    members = devops("devops", "team", "list-member", "--team", teams[0]["id"])
    same("admin@example.com" in [it["identity"]["uniqueName"] for it in members if it["isTeamAdmin"]], True, "the members of the team")
    people = devops("devops", "user", "list", project=None)["members"]
    same("alice@example.com" in [it["user"]["mailAddress"] for it in people], True, "the users")
    same(devops("devops", "user", "show", "--user", "bob@example.com", project=None)["user"]["mailAddress"], "bob@example.com", "a user")


def repositories(home):
    made = devops("repos", "create", "--name", REPOSITORY)
    url = f"{COLLECTION}/{PROJECT}/_git/{REPOSITORY}"
    same((made["remoteUrl"], made["webUrl"]), (url, url), "the repository's URLs")
    same(REPOSITORY in [it["name"] for it in devops("repos", "list")], True, "the list of repositories")
    checkout = home / "checkout"
    checkout.mkdir()
    git(checkout, "init", "--quiet", "--initial-branch=main")
    (checkout / "azure-pipelines.yml").write_text(PIPELINE)
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "Begin")
    token = os.environ["AZURE_DEVOPS_EXT_PAT"]
    git(checkout, "remote", "add", "origin", url.replace("https://", f"https://az:{token}@"))
    git(checkout, "push", "--quiet", "origin", "main")
    tip = devops("repos", "ref", "list", "--repository", REPOSITORY, "--filter", "heads/main")[0]["objectId"]
    at = ["--repository", REPOSITORY, "--name", "heads/extra", "--object-id", tip]
    same(devops("repos", "ref", "create", *at)["success"], True, "making a branch")
    name = ["--repository", REPOSITORY, "--name", "heads/extra"]
    same(devops("repos", "ref", "lock", *name)["isLocked"], True, "locking a branch")
    found = devops("repos", "ref", "list", "--repository", REPOSITORY, "--filter", "heads/extra")[0]
    same((found["isLocked"], "isLockedBy" in found), (True, True), "the locked branch")
    same(devops("repos", "ref", "unlock", *name)["isLocked"], False, "unlocking a branch")
    same(devops("repos", "ref", "delete", *at)["success"], True, "deleting a branch")
    same(devops("repos", "update", "--repository", REPOSITORY, "--default-branch", "main")["defaultBranch"], "refs/heads/main", "default branch")
    devops("repos", "create", "--name", "imported")
    source = ["--git-source-url", f"{SUMMARY['forge']['url'].rstrip('/')}/{SUMMARY['forge']['organization']}/{PROJECT}/_git/{REPOSITORY}"]
    same(devops("repos", "import", "create", "--repository", "imported", *source)["status"], "completed", "the import")
    same(devops("repos", "ref", "list", "--repository", "imported", "--filter", "heads/main")[0]["objectId"], tip, "what was imported")
    devops("repos", "delete", "--id", devops("repos", "show", "--repository", "imported")["id"], "--yes")
    return checkout, made["id"]


def change(checkout, name):
    git(checkout, "checkout", "--quiet", "-B", name, "main")
    (checkout / f"{name}.txt").write_text("changed\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", f"Change {name}")
    git(checkout, "push", "--quiet", "origin", name)


def pull(*words, **settings):
    return devops("repos", "pr", *words, project=None, **settings)


def pull_requests(home, checkout, repository):
    policy = devops(
        *("repos", "policy", "approver-count", "create", "--branch", "main", "--repository-id", repository),
        *("--minimum-approver-count", "1", "--creator-vote-counts", "true", "--allow-downvotes", "false"),
        *("--reset-on-source-push", "false", "--blocking", "true", "--enabled", "true"),
    )
    same([it["id"] for it in devops("repos", "policy", "list", "--repository-id", repository)], [policy["id"]], "policies")
    change(checkout, "one")
    made = devops(
        *("repos", "pr", "create", "--repository", REPOSITORY, "--source-branch", "one", "--target-branch", "main"),
        *("--title", "One", "--description", "first line", "second line", "--reviewers", "bob", "--labels", "try"),
    )
    same((made["status"], made["description"]), ("active", "first line\nsecond line"), "the pull request")
    number = str(made["pullRequestId"])
    same([it["pullRequestId"] for it in devops("repos", "pr", "list", "--repository", REPOSITORY)], [made["pullRequestId"]], "the list")
    same(pull("update", "--id", number, "--title", "Number one", "--draft", "true")["isDraft"], True, "a draft")
    same(pull("update", "--id", number, "--draft", "false")["title"], "Number one", "its title")
    reviewers = pull("reviewer", "add", "--id", number, "--reviewers", "alice@example.com")
    same(len(reviewers), 1, "the added reviewer")
    same(pull("policy", "list", "--id", number)[0]["status"], "running", "the policy before the vote")
    refusal = pull("update", "--id", number, "--status", "completed", status=1)
    same("polic" in refusal, True, refusal)
    same(pull("set-vote", "--id", number, "--vote", "approve")["vote"], 10, "the vote")
    same(pull("policy", "list", "--id", number)[0]["status"], "approved", "the policy after the vote")
    same(pull("work-item", "list", "--id", number) or [], [], "work items")
    # In a clone, az knows by itself where it is, from a remote without a password in its URL.
    clone = home / "clone"
    credential = base64.b64encode(f"az:{os.environ['AZURE_DEVOPS_EXT_PAT']}".encode()).decode()
    setting = f"http.extraHeader=Authorization: Basic {credential}"
    git(home, "clone", "--quiet", "--config", setting, f"{COLLECTION}/{PROJECT}/_git/{REPOSITORY}", str(clone))
    run("repos", "pr", "checkout", "--id", number, directory=clone)
    same((clone / "one.txt").read_text(), "changed\n", "what was checked out")
    run("repos", "pr", "checkout", "--id", number, directory=clone)
    same(run("repos", "show", "--repository", REPOSITORY, directory=clone)["id"], repository, "the repository of a clone")
    pull("update", "--id", number, "--squash", "true", "--delete-source-branch", "true")
    pull("update", "--id", number, "--status", "completed")
    same(pull("show", "--id", number)["status"], "completed", "the completed pull request")
    change(checkout, "two")
    made = devops("repos", "pr", "create", "--repository", REPOSITORY, "--source-branch", "two", "--auto-complete", "true", "--title", "Two")
    number = str(made["pullRequestId"])
    pull("set-vote", "--id", number, "--vote", "approve")
    eventually("two completes by itself", lambda: pull("show", "--id", number)["status"] == "completed")
    devops("repos", "policy", "delete", "--id", str(policy["id"]), "--yes")


def pipelines(home):
    made = devops(
        *("pipelines", "create", "--name", "hello", "--repository", REPOSITORY, "--repository-type", "tfsgit", "--branch", "main"),
        *("--yml-path", "azure-pipelines.yml", "--skip-first-run", "true"),
    )
    same([it["name"] for it in devops("pipelines", "list")], ["hello"], "the list of pipelines")
    group = devops("pipelines", "variable-group", "create", "--name", "shared", "--variables", "shared=both", "--authorize", "true")
    number = str(group["id"])
    devops("pipelines", "variable-group", "variable", "create", "--group-id", number, "--name", "hidden", "--secret", "true", "--value", "s3cret")
    listed = devops("pipelines", "variable-group", "variable", "list", "--group-id", number)
    same(listed["hidden"], {"isSecret": True, "value": None}, "a secret variable")
    devops("pipelines", "variable", "create", "--pipeline-name", "hello", "--name", "word", "--value", "hello", "--allow-override", "true")
    same(devops("pipelines", "variable", "list", "--pipeline-name", "hello")["word"]["value"], "hello", "a variable")
    started = devops("pipelines", "run", "--name", "hello", "--branch", "main", "--variables", "shared=there")
    number = str(started["id"])
    done = eventually("the run ends", lambda: (it := devops("pipelines", "runs", "show", "--id", number))["status"] == "completed" and it)
    same(done["result"], "succeeded", "the run")
    same([it["name"] for it in devops("pipelines", "runs", "artifact", "list", "--run-id", number)], ["said"], "artifacts")
    # `az pipelines runs artifact download` fetches a program from its vendor first; this is the same without it.
    file = home / "said.zip"
    run(
        *("devops", "invoke", "--organization", COLLECTION, "--area", "build", "--resource", "artifacts", "--api-version", "5.0"),
        *("--route-parameters", f"project={PROJECT}", f"buildId={number}", "--query-parameters", "artifactName=said", "$format=zip"),
        *("--accept-media-type", "application/zip", "--out-file", str(file)),
    )
    with zipfile.ZipFile(file) as archive:
        same(archive.read("said/said.txt"), b"hello there\n", "the artifact")
    tags = ["pipelines", "runs", "tag"]
    same(devops(*tags, "add", "--run-id", number, "--tags", "tried,kept"), ["tried", "kept"], "tags")
    same(devops(*tags, "list", "--run-id", number), ["tried", "kept"], "the list of tags")
    same(devops(*tags, "delete", "--run-id", number, "--tag", "tried"), ["kept"], "the tags that are left")
    same(devops("pipelines", "build", "queue", "--definition-id", str(made["id"]))["status"] != "", True, "a queued build")
    eventually("all builds end", lambda: all(it["status"] == "completed" for it in devops("pipelines", "build", "list")))
    devops("pipelines", "delete", "--id", str(made["id"]), "--yes")


def connections():
    os.environ["AZURE_DEVOPS_EXT_AZURE_RM_SERVICE_PRINCIPAL_KEY"] = SUMMARY["azure"]["clientSecret"]
    azure = SUMMARY["azure"]
    made = devops(
        *("devops", "service-endpoint", "azurerm", "create", "--name", "cloud", "--azure-rm-service-principal-id", azure["clientId"]),
        *("--azure-rm-subscription-id", azure["subscription"], "--azure-rm-subscription-name", "Pave", "--azure-rm-tenant-id", azure["tenant"]),
    )
    same([it["name"] for it in devops("devops", "service-endpoint", "list")], ["cloud"], "connections")
    same(devops("devops", "service-endpoint", "update", "--id", made["id"], "--enable-for-all", "true")["name"], "cloud", "the connection")
    devops("devops", "service-endpoint", "delete", "--id", made["id"], "--yes")
    found = run(
        *("devops", "invoke", "--organization", COLLECTION, "--area", "git", "--resource", "repositories"),
        *("--route-parameters", f"project={PROJECT}", "--api-version", "7.0"),
    )
    same(found["count"], len(found["value"]), "what invoke answers")


def cloud():
    azure = SUMMARY["azure"]
    url = azure["url"]
    endpoints = ["active-directory-resource-id", "active-directory-graph-resource-id", "management", "microsoft-graph-resource-id"]
    words = [word for name in endpoints for word in (f"--endpoint-{name}", f"{url}/")]
    run("cloud", "register", "--name", "pave", "--endpoint-resource-manager", url, "--endpoint-active-directory", url, *words)
    run("cloud", "set", "--name", "pave")
    run("login", "--service-principal", "--username", azure["clientId"], "--password", azure["clientSecret"], "--tenant", azure["tenant"])
    same(run("account", "show")["id"], azure["subscription"], "the subscription")
    run("group", "create", "--name", "az-client", "--location", "westeurope", "--tags", "owner=team-a")
    run("identity", "create", "--resource-group", "az-client", "--name", "az-client", "--location", "westeurope")
    same([it["name"] for it in run("resource", "list", "--resource-group", "az-client")], ["az-client"], "resources")
    same(run("rest", "--method", "get", "--url", f"/subscriptions/{azure['subscription']}?api-version=2022-12-01")["displayName"], "Pave", "az rest")
    run("group", "delete", "--name", "az-client", "--yes")
    same(run("group", "exists", "--name", "az-client"), False, "the group afterwards")


def step(name, action, *arguments):
    begun = time.monotonic()
    result = action(*arguments)
    print(f"ok: {name} ({time.monotonic() - begun:.1f} s)", flush=True)
    return result


def main():
    with tempfile.TemporaryDirectory(prefix="pave-az-") as directory:
        home = pathlib.Path(directory)
        step("az devops project", projects)
        checkout, repository = step("az repos, az repos ref", repositories, home)
        step("az repos pr, az repos policy", pull_requests, home, checkout, repository)
        step("az pipelines", pipelines, home)
        step("az devops service-endpoint, az devops invoke", connections)
        step("az against the local Azure", cloud)
        number = devops("devops", "project", "show")["id"]
        devops("devops", "project", "delete", "--id", number, "--yes", project=None)
        same(PROJECT in [it["name"] for it in devops("devops", "project", "list", project=None)["value"]], False, "the project afterwards")
    print("az works against the platform")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as problem:
        sys.exit(f"az_test: {problem}")
