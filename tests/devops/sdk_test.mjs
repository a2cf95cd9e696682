// The Azure DevOps client for Node.js and isomorphic-git against the local forge, both unmodified.
//
// Makes a project and a repository, pushes, opens pull requests, reviews and completes them under a branch policy, and
// cleans up. Reads PAVE_FORGE_URL, PAVE_FORGE_ORGANIZATION, PAVE_FORGE_TOKEN and NODE_EXTRA_CA_CERTS; ends with a
// message and a code other than zero when anything is not as it should be.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

import { ZERO, change, connect, eventually, git, http, makeProject, refused, step, token, types } from "./client.mjs";
const { GitStatusState, PullRequestStatus, GitPullRequestMergeStrategy, VersionControlChangeType, CommentThreadStatus } = types;

const PROJECT = "node-client";
const APPROVERS = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd";

const connection = connect(token);
const core = await connection.getCoreApi();
const api = await connection.getGitApi();
const policies = await connection.getPolicyApi();

await step("who the token belongs to", async () => {
  const data = await connection.connect();
  assert.ok(data.authenticatedUser.id);
});
await step("a wrong token is refused", () => refused(connect("x".repeat(52)).getCoreApi().then((it) => it.getProjects()), 401));

await step("a project is made", async () => {
  const project = await makeProject(core, { name: PROJECT });
  assert.equal(project.capabilities.versioncontrol.sourceControlType, "Git");
});

const repository = await step("a repository is made", () => api.createRepository({ name: "app" }, PROJECT));
assert.ok(repository.remoteUrl && repository.webUrl);
const id = repository.id;
assert.equal((await api.getRepository("nowhere", PROJECT)) ?? null, null);

const first = await step("the first push", () =>
  api.createPush(
    {
      refUpdates: [{ name: "refs/heads/main", oldObjectId: ZERO }],
      commits: [{ comment: "Begin", changes: [change(VersionControlChangeType.Add, "/README.md", "# app\n")] }],
    },
    id,
    PROJECT,
  ),
);
const base = first.refUpdates[0].newObjectId;

await step("references are made, moved and refused", async () => {
  const [made] = await api.updateRefs([{ name: "refs/heads/feature", oldObjectId: ZERO, newObjectId: base }], id, PROJECT);
  assert.equal(made.success, true);
  const [stale] = await api.updateRefs([{ name: "refs/heads/feature", oldObjectId: ZERO, newObjectId: base }], id, PROJECT);
  assert.equal(stale.success, false);
  const refs = await api.getRefs(id, PROJECT, "heads/");
  assert.deepEqual(refs.map((ref) => ref.name).sort(), ["refs/heads/feature", "refs/heads/main"]);
});

async function push(branch, old, changes, comment) {
  const made = await api.createPush({ refUpdates: [{ name: `refs/heads/${branch}`, oldObjectId: old }], commits: [{ comment, changes }] }, id, PROJECT);
  return made.refUpdates[0].newObjectId;
}

let head = await step("every kind of change", async () => {
  const added = await push("feature", base, [change(VersionControlChangeType.Add, "/a.txt", "1\n"), change(VersionControlChangeType.Add, "/b.txt", "1\n")], "Add");
  const renamed = { changeType: VersionControlChangeType.Rename, sourceServerItem: "/b.txt", item: { path: "/c.txt" } };
  return push("feature", added, [change(VersionControlChangeType.Edit, "/a.txt", "2\n"), renamed], "Change");
});

const pull = await step("a pull request is opened", () =>
  api.createPullRequest(
    { sourceRefName: "refs/heads/feature", targetRefName: "refs/heads/main", title: "Take it", description: "why" },
    id,
    PROJECT,
  ),
);
assert.equal(pull.status, PullRequestStatus.Active);
await step("a second one is refused", () =>
  refused(api.createPullRequest({ sourceRefName: "refs/heads/feature", targetRefName: "refs/heads/main", title: "t" }, id, PROJECT), 409, /TF401179/),
);

const number = pull.pullRequestId;
await step("a pull request is found in every way", async () => {
  const search = { status: PullRequestStatus.Active, sourceRefName: "refs/heads/feature" };
  assert.equal((await api.getPullRequests(id, search, PROJECT)).length, 1);
  assert.equal((await api.getPullRequestsByProject(PROJECT, search)).length, 1);
  assert.equal((await api.getPullRequestById(number)).pullRequestId, number);
  assert.equal((await api.getPullRequest(id, number, PROJECT)).lastMergeSourceCommit.commitId, head);
  assert.equal((await api.getPullRequestCommits(id, number, PROJECT)).length, 2);
  const iterations = await api.getPullRequestIterations(id, number, PROJECT);
  assert.equal(iterations.length, 1);
  const changes = await api.getPullRequestIterationChanges(id, number, iterations[0].id, PROJECT);
  assert.deepEqual(changes.changeEntries.map((it) => it.item.path), ["/a.txt", "/c.txt"]);
});

await step("people discuss", async () => {
  const thread = await api.createThread(
    { comments: [{ parentCommentId: 0, content: "Why?", commentType: 1 }], status: CommentThreadStatus.Active },
    id,
    number,
    PROJECT,
  );
  await api.createComment({ content: "Because.", parentCommentId: 1 }, id, number, thread.id, PROJECT);
  const closed = await api.updateThread({ status: CommentThreadStatus.Fixed }, id, number, thread.id, PROJECT);
  assert.equal(closed.status, CommentThreadStatus.Fixed);
  assert.equal((await api.getThreads(id, number, PROJECT))[0].comments.length, 2);
  await api.createPullRequestLabel({ name: "urgent" }, id, number, PROJECT);
  const status = { state: GitStatusState.Succeeded, description: "fine", context: { name: "check", genre: "ci" } };
  assert.equal((await api.createPullRequestStatus(status, id, number, PROJECT)).state, GitStatusState.Succeeded);
});

await step("a branch policy asks for an approval", async () => {
  const types = await policies.getPolicyTypes(PROJECT);
  assert.ok(types.some((it) => it.id === APPROVERS));
  const made = await policies.createPolicyConfiguration(
    {
      isEnabled: true,
      isBlocking: true,
      type: { id: APPROVERS },
      settings: { minimumApproverCount: 1, creatorVoteCounts: true, scope: [{ repositoryId: id, refName: "refs/heads/main", matchKind: "Exact" }] },
    },
    PROJECT,
  );
  const artifact = `vstfs:///CodeReview/CodeReviewId/${repository.project.id}/${number}`;
  const before = await policies.getPolicyEvaluations(PROJECT, artifact);
  assert.equal(before[0].configuration.id, made.id);
  const body = { status: PullRequestStatus.Completed, lastMergeSourceCommit: { commitId: head } };
  await refused(api.updatePullRequest(body, id, number, PROJECT), 403, /0 of 1 approvals/);
  const me = pull.createdBy.id;
  const vote = await api.createPullRequestReviewer({ vote: 10 }, id, number, me, PROJECT);
  assert.equal(vote.vote, 10);
});

await step("a stale commit is refused", async () => {
  const body = { status: PullRequestStatus.Completed, lastMergeSourceCommit: { commitId: base } };
  await refused(api.updatePullRequest(body, id, number, PROJECT), 409, /TF401192/);
});

await step("it is completed", async () => {
  const body = {
    status: PullRequestStatus.Completed,
    lastMergeSourceCommit: { commitId: head },
    completionOptions: { mergeStrategy: GitPullRequestMergeStrategy.Squash, deleteSourceBranch: true, mergeCommitMessage: "Taken" },
  };
  await api.updatePullRequest(body, id, number, PROJECT);
  const done = await eventually("the merge", async () => {
    const now = await api.getPullRequest(id, number, PROJECT);
    return now.status === PullRequestStatus.Completed && now;
  });
  assert.ok(done.closedDate);
  const [commit] = await api.getCommits(id, { itemVersion: { version: "main" }, $top: 1 }, PROJECT);
  assert.equal(commit.commitId, done.lastMergeCommit.commitId);
  assert.equal(commit.comment, "Taken");
  assert.equal((await api.getRefs(id, PROJECT, "heads/feature")).length, 0);
  const stream = await api.getItemText(id, "/a.txt", PROJECT);
  let text = "";
  for await (const chunk of stream) text += chunk;
  assert.equal(text, "2\n");
  const diffs = await api.getCommitDiffs(id, PROJECT, true, 100, 0, { version: base, versionType: 2 }, { version: "main" });
  assert.equal(diffs.changes.length, 2);
});

await step("a conflict names its file, and the pull request is abandoned", async () => {
  const main = (await api.getRefs(id, PROJECT, "heads/main"))[0].objectId;
  await push("one", main, [change(VersionControlChangeType.Edit, "/a.txt", "one\n")], "One");
  await push("main", main, [change(VersionControlChangeType.Edit, "/a.txt", "two\n")], "Two");
  const other = await api.createPullRequest({ sourceRefName: "refs/heads/one", targetRefName: "refs/heads/main", title: "One" }, id, PROJECT);
  assert.equal(other.mergeStatus, 2);
  assert.match(other.mergeFailureMessage, /a\.txt/);
  const closed = await api.updatePullRequest({ status: PullRequestStatus.Abandoned }, id, other.pullRequestId, PROJECT);
  assert.equal(closed.status, PullRequestStatus.Abandoned);
});

await step("isomorphic-git clones and pushes", async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pave-isomorphic-"));
  const onAuth = () => ({ username: "not-empty", password: token });
  try {
    const wrong = git.clone({ fs, http, dir: path.join(dir, "no"), url: repository.remoteUrl, onAuth: () => ({ username: "x", password: "wrong" }), onAuthFailure: () => ({ cancel: true }) });
    await assert.rejects(wrong);
    await git.clone({ fs, http, dir, url: repository.remoteUrl, ref: "main", singleBranch: true, onAuth });
    assert.equal(fs.readFileSync(path.join(dir, "a.txt"), "utf8"), "two\n");
    await git.branch({ fs, dir, ref: "scaffolder", checkout: true });
    fs.writeFileSync(path.join(dir, "new.txt"), "new\n");
    await git.add({ fs, dir, filepath: "new.txt" });
    const author = { name: "Scaffolder", email: "scaffolder@backstage.io" };
    const sha = await git.commit({ fs, dir, message: "Initial commit", author });
    const pushed = await git.push({ fs, http, dir, remote: "origin", ref: "scaffolder", remoteRef: "scaffolder", onAuth });
    assert.equal(pushed.ok, true);
    assert.equal((await api.getRefs(id, PROJECT, "heads/scaffolder"))[0].objectId, sha);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
});

await step("all of it is deleted", async () => {
  await api.deleteRepository(id, PROJECT);
  await core.queueDeleteProject(repository.project.id);
  await eventually("the project is gone", async () => (await core.getProject(PROJECT)) === null);
});
console.log("everything is as it should be");
