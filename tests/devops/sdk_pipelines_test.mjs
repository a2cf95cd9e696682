// The Azure DevOps client for Node.js against the pipelines: definitions, builds, runs, and what they use: queues, variable
// groups, environments and service connections. Settings and outcome as in sdk_test.mjs.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";

import { ZERO, change, connect, eventually, makeProject, refused, step, token, types } from "./client.mjs";

const require = createRequire(path.join(process.env.PAVE_DEVOPS_MODULES ?? import.meta.dirname, "package.json"));
const build = require("azure-devops-node-api/interfaces/BuildInterfaces.js");
const pipeline = require("azure-devops-node-api/interfaces/PipelinesInterfaces.js");
const tasks = require("azure-devops-node-api/interfaces/TaskAgentInterfaces.js");

const PROJECT = "node-pipelines";
const YAML = `
trigger: none
name: $(Date:yyyyMMdd)$(Rev:.r)
parameters:
- name: greeting
  type: string
  default: hello
stages:
- stage: make
  jobs:
  - job: make
    steps:
    - checkout: none
    - script: |
        echo "greeting \${{ parameters.greeting }}, mode $(mode)"
        echo content > $(Build.ArtifactStagingDirectory)/a.txt
        echo "##vso[task.addattachment type=notes;name=first]$(Build.ArtifactStagingDirectory)/a.txt"
    - publish: $(Build.ArtifactStagingDirectory)
      artifact: drop
    - script: if [ "$(mode)" = fail ]; then exit 3; fi; if [ "$(mode)" = slow ]; then sleep 120; fi
      displayName: Do it
- stage: put
  jobs:
  - deployment: put
    environment: staging
    strategy: { runOnce: { deploy: { steps: [ { script: echo put } ] } } }
`;

const connection = connect(token);
const core = await connection.getCoreApi();
const git = await connection.getGitApi();
const api = await connection.getBuildApi();
const runs = await connection.getPipelinesApi();
const agents = await connection.getTaskAgentApi();
const endpoints = await connection.getServiceEndpointApi();

async function content(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const ended = (id) =>
  eventually(`the end of build ${id}`, async () => {
    const now = await api.getBuild(PROJECT, id);
    return now.status === build.BuildStatus.Completed && now;
  });

const ids = (list) => list.map((it) => it.id).sort((a, b) => a - b);

const project = await makeProject(core, { name: PROJECT });
const repository = await git.createRepository({ name: "app" }, PROJECT);
const pushed = await git.createPush(
  {
    refUpdates: [{ name: "refs/heads/main", oldObjectId: ZERO }],
    commits: [{ comment: "Begin\n\nwith a body", changes: [change(types.VersionControlChangeType.Add, "/azure-pipelines.yml", YAML)] }],
  },
  repository.id,
  PROJECT,
);
const head = pushed.refUpdates[0].newObjectId;

const definition = await step("a definition of the old area", async () => {
  const [queue] = await agents.getAgentQueues(PROJECT);
  const body = {
    name: "app",
    path: "\\team",
    process: { type: 2, yamlFilename: "azure-pipelines.yml" },
    repository: { id: repository.id, type: "TfsGit", defaultBranch: "refs/heads/main" },
    queue: { id: queue.id },
    variables: { mode: { value: "fine", allowOverride: true }, secret: { value: "s3cret!", isSecret: true } },
    triggers: [{ triggerType: build.DefinitionTriggerType.ContinuousIntegration, settingsSourceType: 2 }],
  };
  const made = await api.createDefinition(body, PROJECT);
  assert.equal(made.revision, 1);
  assert.equal(made.type, build.DefinitionType.Build);
  assert.equal(made.quality, build.DefinitionQuality.Definition);
  assert.equal(made.queueStatus, build.DefinitionQueueStatus.Enabled);
  assert.equal(made.jobAuthorizationScope, build.BuildAuthorizationScope.Project);
  assert.equal(made.triggers[0].triggerType, build.DefinitionTriggerType.ContinuousIntegration);
  assert.ok(made.createdDate instanceof Date);
  assert.equal(made.project.id, project.id);
  assert.equal(made.process.yamlFilename, "azure-pipelines.yml");
  assert.equal(made.variables.secret.isSecret, true);
  assert.ok(!made.variables.secret.value);
  await refused(api.createDefinition(body, PROJECT), 409, /already exists/);
  return made;
});

await step("definitions are listed and changed", async () => {
  const names = async (...filters) => (await api.getDefinitions(PROJECT, ...filters)).map((it) => it.name);
  assert.deepEqual(await names("app"), ["app"]);
  assert.deepEqual(await names("a*"), ["app"]);
  assert.deepEqual(await names("none"), []);
  assert.deepEqual(await names(undefined, repository.id, "TfsGit"), ["app"]);
  assert.deepEqual(await names(undefined, project.id, "TfsGit"), []);
  const where = Array(8);
  assert.deepEqual(await names(...where, "\\team"), ["app"]);
  assert.deepEqual(await names(...where, "\\other"), []);
  const changed = await api.updateDefinition({ ...definition, queueStatus: build.DefinitionQueueStatus.Paused, comment: "Wait" }, PROJECT, definition.id);
  assert.equal(changed.revision, 2);
  assert.equal(changed.queueStatus, build.DefinitionQueueStatus.Paused);
  await refused(api.updateDefinition(definition, PROJECT, definition.id), 409, /revision/);
  const back = await api.updateDefinition({ ...changed, queueStatus: build.DefinitionQueueStatus.Enabled }, PROJECT, definition.id);
  assert.equal(back.variables.secret.isSecret, true);
  const revisions = await api.getDefinitionRevisions(PROJECT, definition.id);
  assert.deepEqual(revisions.map((it) => [it.revision, it.changeType, it.comment ?? ""]), [
    [1, 1, ""],
    [2, 2, "Wait"],
    [3, 2, ""],
  ]);
  assert.ok(revisions[0].changedDate instanceof Date);
  const second = await api.getDefinition(PROJECT, definition.id, 2);
  assert.equal(second.queueStatus, build.DefinitionQueueStatus.Paused);
  assert.equal((await api.getDefinitionYaml(PROJECT, definition.id)).yaml, YAML);
  assert.deepEqual((await api.getFolders(PROJECT)).map((it) => it.path), ["\\", "\\team"]);
  assert.equal(await api.getDefinition(PROJECT, 99_999), null);
});

const other = await step("a pipeline of the new area", async () => {
  const configuration = { type: pipeline.ConfigurationType.Yaml, path: "/azure-pipelines.yml", repository: { id: repository.id, type: "azureReposGit" } };
  const made = await runs.createPipeline({ name: "other", folder: "\\", configuration }, PROJECT);
  assert.equal(made.configuration.type, pipeline.ConfigurationType.Yaml);
  assert.deepEqual((await runs.listPipelines(PROJECT, "name asc")).map((it) => it.name), ["app", "other"]);
  assert.deepEqual((await runs.listPipelines(PROJECT, "name desc", 1)).map((it) => it.name), ["other"]);
  assert.equal((await runs.getPipeline(PROJECT, made.id)).name, "other");
  const preview = await runs.preview({ previewRun: true, templateParameters: { greeting: "hi" } }, PROJECT, made.id);
  assert.match(preview.finalYaml, /greeting hi/);
  const dry = await runs.runPipeline({ previewRun: true, yamlOverride: "steps:\n- script: echo other\n" }, PROJECT, made.id);
  assert.match(dry.finalYaml, /echo other/);
  await refused(runs.preview({ previewRun: true, yamlOverride: "stepz: []" }, PROJECT, made.id), 400, /Line: 1, Col: 1.*PV2203/);
  assert.equal((await runs.listRuns(PROJECT, made.id)).length, 0);
  return made;
});

const first = await step("a build is queued and ends", async () => {
  const queued = await api.queueBuild(
    { definition: { id: definition.id }, sourceBranch: "refs/heads/main", reason: build.BuildReason.Manual, parameters: JSON.stringify({ mode: "plain" }) },
    PROJECT,
  );
  assert.ok([build.BuildStatus.NotStarted, build.BuildStatus.InProgress].includes(queued.status));
  assert.equal(queued.reason, build.BuildReason.Manual);
  assert.equal(queued.priority, build.QueuePriority.Normal);
  assert.equal(queued.definition.path, "\\team");
  const done = await ended(queued.id);
  assert.equal(done.result, build.BuildResult.Succeeded);
  for (const when of ["queueTime", "startTime", "finishTime", "lastChangedDate"]) assert.ok(done[when] instanceof Date, when);
  assert.equal(done.sourceVersion, head);
  assert.equal(JSON.parse(done.parameters).mode, "plain");
  assert.ok(done.plans[0].planId);
  await refused(api.queueBuild({ definition: { id: definition.id }, sourceBranch: "refs/heads/nowhere" }, PROJECT), 400, /nowhere/);
  return done;
});

await step("its timeline", async () => {
  const timeline = await api.getBuildTimeline(PROJECT, first.id);
  const stages = timeline.records.filter((it) => it.type === "Stage").sort((a, b) => a.order - b.order);
  assert.deepEqual(stages.map((it) => [it.identifier ?? it.refName, it.state, it.result]), [
    ["make", build.TimelineRecordState.Completed, build.TaskResult.Succeeded],
    ["put", build.TimelineRecordState.Completed, build.TaskResult.Succeeded],
  ]);
  const task = timeline.records.find((it) => it.name === "Do it");
  assert.equal(task.type, "Task");
  assert.ok(task.startTime instanceof Date && task.log.id > 0 && task.task.id);
  assert.equal((await api.getBuildTimeline(PROJECT, first.id, timeline.id)).records.length, timeline.records.length);
});

await step("its logs", async () => {
  const logs = await api.getBuildLogs(PROJECT, first.id);
  assert.ok(logs.length > 2 && logs[0].createdOn instanceof Date);
  let said;
  for (const log of logs) {
    const lines = await api.getBuildLogLines(PROJECT, first.id, log.id);
    assert.equal(lines.length, log.lineCount);
    if (lines.some((it) => it.endsWith("greeting hello, mode plain"))) said = { log, lines };
  }
  assert.ok(said);
  const text = (await content(await api.getBuildLog(PROJECT, first.id, said.log.id))).toString();
  assert.equal(text, said.lines.map((it) => `${it}\n`).join(""));
  assert.deepEqual(await api.getBuildLogLines(PROJECT, first.id, said.log.id, 2, 3), said.lines.slice(1, 3));
  for (const archive of [await api.getBuildLogsZip(PROJECT, first.id), await api.getBuildLogZip(PROJECT, first.id, said.log.id)]) {
    assert.equal((await content(archive)).subarray(0, 2).toString(), "PK");
  }
});

await step("its artifacts and attachments", async () => {
  const [artifact] = await api.getArtifacts(PROJECT, first.id);
  assert.equal(artifact.name, "drop");
  assert.equal((await api.getArtifact(PROJECT, first.id, "drop")).resource.type, artifact.resource.type);
  const archive = await content(await api.getArtifactContentZip(PROJECT, first.id, "drop"));
  assert.equal(archive.subarray(0, 2).toString(), "PK");
  assert.ok(archive.includes("drop/a.txt"));
  const signed = await runs.getArtifact(PROJECT, definition.id, first.id, "drop", pipeline.GetArtifactExpandOptions.SignedContent);
  assert.equal(signed.name, "drop");
  assert.ok(signed.signedContent.signatureExpires instanceof Date || signed.signedContent.url);
  const [attachment] = await api.getAttachments(PROJECT, first.id, "notes");
  const link = new URL(attachment._links.self.href).pathname.split("/").map(decodeURIComponent);
  const [timeline, record] = link.slice(link.indexOf("builds") + 2);
  assert.equal((await content(await api.getAttachment(PROJECT, first.id, timeline, record, "notes", "first"))).toString(), "content\n");
});

await step("its changes, work items, report, badge", async () => {
  const [only] = await api.getBuildChanges(PROJECT, first.id);
  assert.deepEqual([only.id, only.message, only.messageTruncated, only.type], [head, "Begin", true, "TfsGit"]);
  assert.ok(only.timestamp instanceof Date);
  assert.deepEqual(await api.getBuildWorkItemsRefs(PROJECT, first.id), []);
  assert.match((await api.getBuildReport(PROJECT, first.id)).content, /succeeded/);
  assert.match((await content(await api.getBuildReportHtmlContent(PROJECT, first.id))).toString(), /<p>/);
  assert.match(await api.getStatusBadge(PROJECT, "app", "main"), /succeeded/);
  assert.equal((await api.getLatestBuild(PROJECT, "app", "main")).id, first.id);
  assert.equal((await api.getLatestBuild(PROJECT, String(definition.id))).id, first.id);
});

await step("its tags", async () => {
  assert.deepEqual(await api.addBuildTag(PROJECT, first.id, "good one"), ["good one"]);
  assert.deepEqual(await api.addBuildTags(["a", "b/c"], PROJECT, first.id), ["good one", "a", "b/c"]);
  assert.deepEqual(await api.deleteBuildTag(PROJECT, first.id, "a"), ["good one", "b/c"]);
  assert.deepEqual(await api.updateBuildTags({ tagsToAdd: ["d"], tagsToRemove: ["b/c"] }, PROJECT, first.id), ["good one", "d"]);
  assert.deepEqual(await api.getBuildTags(PROJECT, first.id), ["good one", "d"]);
  assert.deepEqual(await api.getTags(PROJECT), ["d", "good one"]);
  assert.deepEqual(await api.deleteTag(PROJECT, "d"), ["good one"]);
  assert.deepEqual((await api.getBuild(PROJECT, first.id)).tags, ["good one"]);
});

await step("leases keep it", async () => {
  const [made] = await api.addRetentionLeases([{ daysValid: 3, definitionId: definition.id, ownerId: "User:tool", protectPipeline: false, runId: first.id }], PROJECT);
  assert.ok(made.validUntil instanceof Date && made.createdOn instanceof Date);
  assert.equal((await api.getRetentionLease(PROJECT, made.leaseId)).runId, first.id);
  assert.deepEqual((await api.getRetentionLeasesByOwnerId(PROJECT, "User:tool")).map((it) => it.leaseId), [made.leaseId]);
  assert.deepEqual(await api.getRetentionLeasesByOwnerId(PROJECT, "User:other"), []);
  assert.deepEqual((await api.getRetentionLeasesForBuild(PROJECT, first.id)).map((it) => it.leaseId), [made.leaseId]);
  // The client joins what it is given as text.
  const wanted = (ownerId) => [JSON.stringify({ definitionId: definition.id, runId: first.id, ownerId })];
  assert.equal((await api.getRetentionLeasesByMinimalRetentionLeases(PROJECT, wanted("User:tool"))).length, 1);
  assert.equal((await api.getRetentionLeasesByMinimalRetentionLeases(PROJECT, wanted("User:other"))).length, 0);
  const longer = await api.updateRetentionLease({ daysValid: 30, protectPipeline: true }, PROJECT, made.leaseId);
  assert.ok(longer.validUntil > made.validUntil && longer.protectPipeline);
  await api.deleteRetentionLeasesById(PROJECT, [made.leaseId]);
  assert.deepEqual(await api.getRetentionLeasesForBuild(PROJECT, first.id), []);
});

const failed = await step("a run of the new area fails, and its stage is tried again", async () => {
  const asked = { variables: { mode: { value: "fail" } }, resources: { repositories: { self: { refName: "refs/heads/main" } } }, templateParameters: { greeting: "bye" } };
  const run = await runs.runPipeline(asked, PROJECT, definition.id);
  assert.equal(run.state, pipeline.RunState.InProgress);
  assert.ok(run.createdDate instanceof Date);
  await ended(run.id);
  const done = await runs.getRun(PROJECT, definition.id, run.id);
  assert.deepEqual([done.state, done.result], [pipeline.RunState.Completed, pipeline.RunResult.Failed]);
  assert.equal(done.variables.mode.value, "fail");
  assert.equal(done.resources.repositories.self.version, head);
  assert.deepEqual(ids(await runs.listRuns(PROJECT, definition.id)), [first.id, run.id]);
  assert.equal(await runs.getRun(PROJECT, other.id, run.id), null);
  const { logs } = await runs.listLogs(PROJECT, definition.id, run.id, pipeline.GetLogExpandOptions.SignedContent);
  assert.ok(logs[0].signedContent.url && logs[0].createdOn instanceof Date);
  assert.equal((await runs.getLog(PROJECT, definition.id, run.id, logs[0].id)).id, logs[0].id);
  await api.updateStage({ state: build.StageUpdateType.Retry, forceRetryAllJobs: true }, run.id, "make", PROJECT);
  const again = await eventually("the second attempt", async () => {
    const { records } = await api.getBuildTimeline(PROJECT, run.id);
    return records.find((it) => it.type === "Stage" && it.identifier === "make" && it.attempt === 2 && it.state === build.TimelineRecordState.Completed);
  });
  assert.equal(again.result, build.TaskResult.Failed);
  const { records } = await api.getBuildTimeline(PROJECT, run.id);
  const job = records.find((it) => it.type === "Job" && it.attempt === 2);
  assert.deepEqual(job.previousAttempts.map((it) => [it.attempt, records.find((one) => one.id === it.recordId).result]), [[1, build.TaskResult.Failed]]);
  await refused(api.updateStage({ state: build.StageUpdateType.Retry }, run.id, "none", PROJECT), 400, /stages are: make, put/);
  return ended(run.id);
});

const canceled = await step("a build is canceled", async () => {
  const queued = await api.queueBuild({ definition: { id: definition.id }, parameters: JSON.stringify({ mode: "slow" }) }, PROJECT);
  await eventually("its start", async () => (await api.getBuild(PROJECT, queued.id)).status === build.BuildStatus.InProgress);
  const now = await api.updateBuild({ status: build.BuildStatus.Cancelling }, PROJECT, queued.id);
  assert.ok([build.BuildStatus.Cancelling, build.BuildStatus.Completed].includes(now.status));
  const done = await ended(queued.id);
  assert.equal(done.result, build.BuildResult.Canceled);
  await refused(api.updateBuild({ status: build.BuildStatus.Cancelling }, PROJECT, queued.id), 409, /ended/);
  return done;
});

await step("builds are found by every filter", async () => {
  const all = [first.id, failed.id, canceled.id];
  const names =
    "definitions queues buildNumber minTime maxTime requestedFor reasonFilter statusFilter resultFilter tagFilters properties top continuationToken maxBuildsPerDefinition deletedFilter queryOrder branchName buildIds repositoryId repositoryType";
  const list = (filters) => api.getBuilds(PROJECT, ...names.split(" ").map((name) => filters[name]));
  // The client sends times without fractions of a second.
  const second = (it) => Math.floor(it.queueTime / 1000);
  const queued = (is) => [first, failed, canceled].filter((it) => is(second(it), second(failed))).map((it) => it.id);
  const { BuildStatus, BuildResult, BuildReason, BuildQueryOrder, QueryDeletedOption } = build;
  const cases = [
    [{}, all],
    [{ definitions: [definition.id] }, all],
    [{ definitions: [other.id] }, []],
    [{ queues: [1] }, all],
    [{ queues: [77] }, []],
    [{ buildNumber: first.buildNumber }, [first.id]],
    [{ buildNumber: `${first.buildNumber.split(".")[0]}*` }, all],
    [{ minTime: failed.queueTime, queryOrder: BuildQueryOrder.QueueTimeDescending }, queued((at, bound) => at >= bound)],
    [{ maxTime: failed.queueTime, queryOrder: BuildQueryOrder.QueueTimeDescending }, queued((at, bound) => at <= bound)],
    [{ minTime: new Date(Date.now() + 60_000), queryOrder: BuildQueryOrder.FinishTimeDescending }, []],
    [{ requestedFor: first.requestedFor.displayName }, all],
    [{ requestedFor: first.requestedFor.id }, all],
    [{ requestedFor: "nobody" }, []],
    [{ reasonFilter: BuildReason.Manual }, all],
    [{ reasonFilter: BuildReason.Manual | BuildReason.Schedule }, all],
    [{ reasonFilter: BuildReason.All }, all],
    [{ reasonFilter: BuildReason.IndividualCI | BuildReason.PullRequest }, []],
    [{ statusFilter: BuildStatus.Completed }, all],
    [{ statusFilter: BuildStatus.All }, all],
    [{ statusFilter: BuildStatus.InProgress | BuildStatus.NotStarted }, []],
    [{ resultFilter: BuildResult.Succeeded }, [first.id]],
    [{ resultFilter: BuildResult.Failed | BuildResult.Canceled }, [failed.id, canceled.id]],
    [{ resultFilter: BuildResult.PartiallySucceeded }, []],
    [{ tagFilters: ["good one"] }, [first.id]],
    [{ tagFilters: ["good one", "other"] }, []],
    [{ top: 2 }, [failed.id, canceled.id]],
    [{ maxBuildsPerDefinition: 1 }, [canceled.id]],
    [{ deletedFilter: QueryDeletedOption.ExcludeDeleted }, all],
    [{ deletedFilter: QueryDeletedOption.OnlyDeleted }, []],
    [{ branchName: "refs/heads/main" }, all],
    [{ branchName: "refs/heads/other" }, []],
    [{ buildIds: [first.id, canceled.id] }, [first.id, canceled.id]],
    [{ repositoryId: repository.id, repositoryType: "TfsGit" }, all],
    [{ repositoryId: project.id, repositoryType: "TfsGit" }, []],
    [{ repositoryId: repository.id, repositoryType: "GitHub" }, []],
  ];
  for (const [filters, expected] of cases) assert.deepEqual(ids(await list(filters)), expected, JSON.stringify(filters));
  const order = async (queryOrder) => (await list({ queryOrder })).map((it) => it.id);
  assert.deepEqual(await order(BuildQueryOrder.QueueTimeAscending), all);
  assert.deepEqual(await order(BuildQueryOrder.StartTimeDescending), all.toReversed());
  assert.deepEqual(await order(BuildQueryOrder.FinishTimeAscending), all);
  assert.deepEqual((await list({ top: 1, queryOrder: BuildQueryOrder.QueueTimeAscending })).map((it) => it.id), [first.id]);
  assert.deepEqual(await api.getChangesBetweenBuilds(PROJECT, first.id, failed.id).then((it) => it.map((one) => one.id)), [head]);
  assert.equal(await api.getBuild(PROJECT, 99_999), null);
});

await step("queues and pools", async () => {
  const [queue] = await agents.getAgentQueues(PROJECT, "Azure Pipelines");
  assert.deepEqual(await agents.getAgentQueues(PROJECT, "Nothing"), []);
  assert.equal((await agents.getAgentQueue(queue.id, PROJECT)).pool.isHosted, true);
  assert.equal((await agents.getAgentQueuesByNames(["Azure Pipelines"], PROJECT)).length, 1);
  assert.equal((await agents.getAgentQueuesByIds([queue.id], PROJECT)).length, 1);
  assert.equal((await agents.getAgentQueuesByIds([77], PROJECT)).length, 0);
  assert.equal((await agents.getAgentQueuesForPools([queue.pool.id], PROJECT)).length, 1);
  const [pool] = await agents.getAgentPools("Azure Pipelines");
  assert.equal(pool.poolType, tasks.TaskAgentPoolType.Automation);
  assert.deepEqual(await agents.getAgentPools("Nothing"), []);
  assert.equal((await agents.getAgentPool(pool.id)).name, pool.name);
  assert.equal((await agents.getAgentPoolsByIds([pool.id])).length, 1);
  const [agent] = await agents.getAgents(pool.id);
  assert.equal(agent.status, tasks.TaskAgentStatus.Online);
  assert.equal((await agents.getAgent(pool.id, agent.id)).name, agent.name);
});

await step("variable groups keep secrets", async () => {
  const body = {
    name: "shared",
    description: "For all",
    type: "Vsts",
    variables: { plain: { value: "1" }, secret: { value: "hidden!", isSecret: true } },
    variableGroupProjectReferences: [{ name: "shared", projectReference: { id: project.id, name: PROJECT } }],
  };
  const made = await agents.addVariableGroup(body);
  assert.ok(made.createdOn instanceof Date && made.modifiedOn instanceof Date);
  const shown = [made, await agents.getVariableGroup(PROJECT, made.id), ...(await agents.getVariableGroups(PROJECT, "sha*")), ...(await agents.getVariableGroupsById(PROJECT, [made.id], true))];
  assert.equal(shown.length, 4);
  for (const it of shown) {
    assert.deepEqual([it.variables.plain.value, it.variables.secret.isSecret, it.variables.secret.value], ["1", true, null]);
    assert.ok(!JSON.stringify(it).includes("hidden!"));
  }
  assert.deepEqual(await agents.getVariableGroupsById(PROJECT, [99_999]), []);
  await refused(agents.addVariableGroup(body), 409, /exists/);
  const changed = await agents.updateVariableGroup({ ...body, variables: { plain: { value: "2" }, secret: { isSecret: true } } }, made.id);
  assert.equal(changed.variables.plain.value, "2");
  await agents.deleteVariableGroup(made.id, [project.id]);
  assert.deepEqual(await agents.getVariableGroups(PROJECT), []);
});

await step("environments and what was put there", async () => {
  const [found] = await agents.getEnvironments(PROJECT, "staging");
  assert.ok(found.createdOn instanceof Date);
  const records = await agents.getEnvironmentDeploymentExecutionRecords(PROJECT, found.id);
  assert.deepEqual(records.map((it) => [it.environmentId, it.stageName, it.jobName, it.owner.id, it.result]), [[found.id, "put", "put", first.id, tasks.TaskResult.Succeeded]]);
  for (const when of ["queueTime", "startTime", "finishTime"]) assert.ok(records[0][when] instanceof Date, when);
  const made = await agents.addEnvironment({ name: "mine", description: "Made by hand" }, PROJECT);
  assert.equal((await agents.getEnvironmentById(PROJECT, made.id, tasks.EnvironmentExpands.ResourceReferences)).description, "Made by hand");
  await refused(agents.addEnvironment({ name: "mine" }, PROJECT), 409, /exists/);
  assert.equal((await agents.updateEnvironment({ name: "ours", description: "" }, PROJECT, made.id)).name, "ours");
  assert.deepEqual((await agents.getEnvironments(PROJECT)).map((it) => it.name).sort(), ["ours", "staging"]);
  await refused(agents.updateEnvironment({ name: "staging" }, PROJECT, made.id), 409, /exists/);
  await agents.deleteEnvironment(PROJECT, made.id);
  assert.equal(await agents.getEnvironmentById(PROJECT, made.id), null);
});

await step("service connections hide their secrets", async () => {
  const body = {
    name: "cloud",
    type: "generic",
    url: "https://cloud.example/",
    owner: "Library",
    data: { region: "north" },
    authorization: { scheme: "UsernamePassword", parameters: { username: "robot", password: "hidden!" } },
    serviceEndpointProjectReferences: [{ projectReference: { id: project.id, name: PROJECT }, name: "cloud", description: "A cloud" }],
  };
  const made = await endpoints.createServiceEndpoint(body);
  const shown = [
    made,
    await endpoints.getServiceEndpointDetails(PROJECT, made.id, undefined, true),
    ...(await endpoints.getServiceEndpoints(PROJECT, "generic")),
    ...(await endpoints.getServiceEndpoints(PROJECT, undefined, ["UsernamePassword"], [made.id])),
    ...(await endpoints.getServiceEndpointsByNames(PROJECT, ["cloud"])),
  ];
  assert.equal(shown.length, 5);
  for (const it of shown) {
    assert.equal(it.authorization.parameters.username, "robot");
    assert.equal(it.data.region, "north");
    assert.ok(!JSON.stringify(it).includes("hidden!"));
  }
  assert.deepEqual(await endpoints.getServiceEndpoints(PROJECT, undefined, ["Token"]), []);
  assert.deepEqual(await endpoints.getServiceEndpointsByNames(PROJECT, ["none"]), []);
  await refused(endpoints.createServiceEndpoint(body), 409, /exists/);
  const changed = await endpoints.updateServiceEndpoint({ ...made, url: "https://other.example/" }, made.id);
  assert.equal(changed.url, "https://other.example/");
  assert.ok((await endpoints.getServiceEndpointTypes("azurerm")).length === 1);
  await endpoints.deleteServiceEndpoint(made.id, [project.id]);
  assert.equal(await endpoints.getServiceEndpointDetails(PROJECT, made.id), null);
});

await step("all of it is deleted", async () => {
  await api.deleteDefinition(PROJECT, definition.id);
  assert.deepEqual((await api.getDefinitions(PROJECT)).map((it) => it.name), ["other"]);
  await core.queueDeleteProject(project.id);
  await eventually("the project is gone", async () => (await core.getProject(PROJECT)) === null);
});
console.log("everything is as it should be");
