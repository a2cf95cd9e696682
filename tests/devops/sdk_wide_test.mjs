// The Azure DevOps client for Node.js against the wider parts of the forge: conflicts, batches, forks, imports, copies of
// commits, and what tools note. Settings and outcome as in sdk_test.mjs.

import assert from "node:assert/strict";

import { ZERO, change, connect, eventually, makeProject, refused, step, token, types } from "./client.mjs";
const { GitAsyncOperationStatus, GitConflictType, GitPullRequestQueryType, GitStatusState, PullRequestStatus, VersionControlChangeType } = types;
const { VersionControlRecursionType, GitVersionType } = types;

const PROJECT = "node-wide";
const connection = connect(token);
const core = await connection.getCoreApi();
const api = await connection.getGitApi();

const project = await step("a project keeps its description and visibility", async () => {
  const made = await makeProject(core, { name: PROJECT, description: "The wide one" });
  assert.equal(made.description, "The wide one");
  await core.updateProject({ description: "Wider", visibility: 2 }, made.id);
  const changed = await eventually("the change", async () => {
    const now = await core.getProject(PROJECT);
    return now.description === "Wider" && now;
  });
  assert.equal(changed.visibility, 2);
  return changed;
});

const { id } = await api.createRepository({ name: "app" }, PROJECT);

async function push(branch, old, changes, comment) {
  const body = { refUpdates: [{ name: `refs/heads/${branch}`, oldObjectId: old }], commits: [{ comment, changes }] };
  const made = await api.createPush(body, id, PROJECT);
  return made.refUpdates[0].newObjectId;
}

const base = await push("main", ZERO, [change(VersionControlChangeType.Add, "/docs/a.txt", "1\n")], "Begin");
const topic = await push("topic", base, [change(VersionControlChangeType.Edit, "/docs/a.txt", "2\n")], "Topic");
const main = await push("main", base, [change(VersionControlChangeType.Edit, "/docs/a.txt", "3\n")], "Main");

await step("conflicts of a pull request", async () => {
  const pull = await api.createPullRequest({ sourceRefName: "refs/heads/topic", targetRefName: "refs/heads/main", title: "T" }, id, PROJECT);
  const number = pull.pullRequestId;
  const [conflict] = await api.getPullRequestConflicts(id, number, PROJECT);
  assert.equal(conflict.conflictType, GitConflictType.EditEdit);
  assert.equal(conflict.conflictPath, "/docs/a.txt");
  assert.equal(conflict.mergeBaseCommit.commitId, base);
  assert.equal((await api.getPullRequestConflict(id, number, conflict.conflictId, PROJECT)).conflictPath, conflict.conflictPath);
  assert.equal((await api.getBlob(id, conflict.sourceBlob.objectId, PROJECT)).size, 2);
  await refused(api.updatePullRequestConflict({}, id, number, 1, PROJECT), 400, /resolve them there and push/);
  const answer = await api.getPullRequestQuery({ queries: [{ type: GitPullRequestQueryType.Commit, items: [topic] }] }, id, PROJECT);
  assert.equal(answer.results[0][topic][0].pullRequestId, number);
  const patch = [{ op: "add", path: "/tool.run", value: "7" }];
  await api.updatePullRequestProperties(null, patch, id, number, PROJECT);
  const properties = await api.getPullRequestProperties(id, number, PROJECT);
  assert.equal(properties.value["tool.run"].$value ?? properties.value["tool.run"], "7");
  await api.updatePullRequest({ status: PullRequestStatus.Abandoned }, id, number, PROJECT);
});

await step("many items and commits at once", async () => {
  const descriptor = (path, recursionLevel) => ({ path, version: "main", versionType: GitVersionType.Branch, recursionLevel });
  const lists = await api.getItemsBatch(
    { itemDescriptors: [descriptor("/", VersionControlRecursionType.Full), descriptor("/docs/a.txt", VersionControlRecursionType.None)] },
    id,
    PROJECT,
  );
  assert.deepEqual(lists.map((it) => it.map((item) => item.path)), [["/", "/docs", "/docs/a.txt"], ["/docs/a.txt"]]);
  const found = await api.getCommitsBatch({ ids: [base, topic] }, id, PROJECT);
  assert.deepEqual(found.map((it) => it.commitId), [base, topic]);
  const criteria = { itemVersion: { version: "topic", versionType: GitVersionType.Branch }, $top: 1 };
  assert.equal((await api.getCommitsBatch(criteria, id, PROJECT))[0].commitId, topic);
  assert.equal((await api.getMergeBases(id, topic, main, PROJECT))[0].commitId, base);
  const tree = await api.getTree(id, lists[0][1].objectId ?? topic, PROJECT, undefined, true);
  assert.ok(tree.treeEntries.some((it) => it.relativePath.endsWith("a.txt")));
  assert.deepEqual((await api.getBranches(id, PROJECT)).map((it) => it.name).sort(), ["main", "topic"]);
});

await step("statuses of a commit", async () => {
  const status = { state: GitStatusState.Pending, description: "runs", context: { name: "build", genre: "ci" } };
  await api.createCommitStatus(status, main, id, PROJECT);
  await api.createCommitStatus({ ...status, state: GitStatusState.Succeeded }, main, id, PROJECT);
  const states = (await api.getStatuses(main, id, PROJECT)).map((it) => it.state);
  assert.deepEqual(states, [GitStatusState.Succeeded, GitStatusState.Pending]);
});

await step("a commit is picked and undone", async () => {
  const parameters = (name, commit) => ({
    generatedRefName: `refs/heads/${name}`,
    ontoRefName: "refs/heads/main",
    repository: { id },
    source: { commitList: [{ commitId: commit }] },
  });
  const picked = await api.createCherryPick(parameters("picked", topic), PROJECT, id);
  const ended = await eventually("the cherry-pick", async () => {
    const now = await api.getCherryPick(PROJECT, picked.cherryPickId, id);
    return now.status !== GitAsyncOperationStatus.Queued && now.status !== GitAsyncOperationStatus.InProgress && now;
  });
  assert.equal(ended.status, GitAsyncOperationStatus.Failed);
  assert.equal(ended.detailedStatus.conflict, true);
  const revert = await api.createRevert(parameters("undone", main), PROJECT, id);
  await eventually("the revert", async () => (await api.getRevert(PROJECT, revert.revertId, id)).status === GitAsyncOperationStatus.Completed);
  assert.equal((await api.getRevertForRefName(PROJECT, id, "refs/heads/undone")).revertId, revert.revertId);
  assert.equal((await api.getRefs(id, PROJECT, "heads/undone")).length, 1);
});

await step("a repository is forked and follows", async () => {
  const fork = await api.createRepository({ name: "fork", parentRepository: { id } }, PROJECT, "refs/heads/main");
  assert.equal(fork.isFork, true);
  assert.equal(fork.parentRepository.id, id);
  const { instanceId } = await connection.connect();
  assert.deepEqual((await api.getForks(id, instanceId, PROJECT)).map((it) => it.name), ["fork"]);
  const newer = await push("main", main, [change(VersionControlChangeType.Add, "/b.txt", "b\n")], "Add b");
  const ref = "refs/heads/main";
  const sync = await api.createForkSyncRequest(
    { source: { collectionId: instanceId, projectId: project.id, repositoryId: id }, sourceToTargetRefs: [{ sourceRef: ref, targetRef: ref }] },
    fork.id,
    PROJECT,
  );
  await eventually("the fork", async () => (await api.getForkSyncRequest(fork.id, sync.operationId, PROJECT)).status === GitAsyncOperationStatus.Completed);
  assert.equal((await api.getRefs(fork.id, PROJECT, "heads/main"))[0].objectId, newer);
});

await step("a repository is imported", async () => {
  const { id: target } = await api.createRepository({ name: "imported" }, PROJECT);
  const from = await api.getRepository(id, PROJECT);
  const wrong = { parameters: { gitSource: { url: from.remoteUrl }, serviceEndpointId: project.id } };
  await refused(api.createImportRequest(wrong, PROJECT, target), 400, /service endpoint/);
  const made = await api.createImportRequest({ parameters: { gitSource: { url: from.remoteUrl } } }, PROJECT, target);
  const done = await eventually("the import", async () => {
    const now = await api.getImportRequest(PROJECT, target, made.importRequestId);
    return now.status === GitAsyncOperationStatus.Completed && now;
  });
  assert.equal(done.detailedStatus.currentStep, done.detailedStatus.allSteps.length);
  const tips = async (repository) => (await api.getRefs(repository, PROJECT)).map((it) => [it.name, it.objectId]);
  assert.deepEqual(await tips(target), await tips(id));
  assert.equal((await api.queryImportRequests(PROJECT, target)).length, 1);
});

await step("all of it is deleted", async () => {
  await core.queueDeleteProject(project.id);
  await eventually("the project is gone", async () => (await core.getProject(PROJECT)) === null);
});
console.log("everything is as it should be");
