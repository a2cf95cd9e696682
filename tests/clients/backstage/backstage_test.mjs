// Backstage's own modules for Azure DevOps against the local forge, all unmodified: the scaffolder actions `publish:azure` and
// `azure:repo:clone`, `azure:repo:push`, `azure:repo:pr`, and the reader of URLs (file, directory, search).
//
// Makes repositories in the project PAVE_FORGE_PROJECT and removes them. Reads PAVE_FORGE_URL, PAVE_FORGE_ORGANIZATION,
// PAVE_FORGE_TOKEN and NODE_EXTRA_CA_CERTS; ends with a message and a code other than zero when anything is not as it should be.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

// Where scripts/clients-test.sh installed the packages.
import { createRequire } from "node:module";
const require = createRequire(path.join(process.env.PAVE_CLIENTS_MODULES ?? import.meta.dirname, "package.json"));

function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`the environment variable ${name} is not set`);
  return value;
}

const url = setting("PAVE_FORGE_URL").replace(/\/$/, "");
const host = new URL(url).host;
const organization = setting("PAVE_FORGE_ORGANIZATION");
const project = process.env.PAVE_FORGE_PROJECT ?? "backstage";
const token = setting("PAVE_FORGE_TOKEN");

const { ConfigReader } = require("@backstage/config");
const { ScmIntegrations } = require("@backstage/integration");
const { UrlReaders } = require("@backstage/backend-defaults/urlReader");
const { createPublishAzureAction } = require("@backstage/plugin-scaffolder-backend-module-azure");
const { cloneAzureRepoAction, pushAzureRepoAction, pullRequestAzureRepoAction } =
  require("@parfuemerie-douglas/scaffolder-backend-module-azure-repositories");

const config = new ConfigReader({
  integrations: { azure: [{ host, credentials: [{ personalAccessToken: token }] }] },
  scaffolder: { defaultAuthor: { name: "Scaffolder", email: "scaffolder@example.com" } },
});
const integrations = ScmIntegrations.fromConfig(config);
const log = () => undefined;
const logger = { debug: log, info: log, warn: log, error: log, child: () => logger };

const home = fs.mkdtempSync(path.join(os.tmpdir(), "pave-backstage-"));
let workspaces = 0;

// What the scaffolder hands to an action, as `createMockActionContext` makes it, without a test runner around it.
async function act(action, input, workspacePath) {
  workspacePath ??= path.join(home, `workspace-${(workspaces += 1)}`);
  fs.mkdirSync(workspacePath, { recursive: true });
  const outputs = {};
  await action.handler({
    input,
    workspacePath,
    logger,
    logStream: { write: log },
    output: (name, value) => {
      outputs[name] = value;
    },
    createTemporaryDirectory: async () => fs.mkdtempSync(path.join(home, "temporary-")),
    checkpoint: ({ fn }) => fn(),
    getInitiatorCredentials: async () => ({ $$type: "@backstage/BackstageCredentials", principal: {} }),
    task: { id: "task" },
    templateInfo: { entityRef: "template:default/test" },
    secrets: {},
  });
  return { outputs, workspacePath };
}

async function rest(method, tail, body) {
  const response = await fetch(`${url}/${organization}/${project}/_apis/${tail}`, {
    method,
    headers: { authorization: `Basic ${btoa(`:${token}`)}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  assert.ok(response.ok, `${method} ${tail}: ${response.status}`);
  return response.status === 204 ? null : response.json();
}

async function step(name, action) {
  const begun = performance.now();
  const result = await action();
  console.log(`ok: ${name} (${Math.round(performance.now() - begun)} ms)`);
  return result;
}

const repository = `published-${Date.now()}`;
const remoteUrl = `${url}/${organization}/${project}/_git/${repository}`;
let repositoryId;

async function publish() {
  const workspacePath = path.join(home, "published");
  fs.mkdirSync(path.join(workspacePath, "docs/deep"), { recursive: true });
  fs.writeFileSync(path.join(workspacePath, "catalog-info.yaml"), "kind: Component\n");
  fs.writeFileSync(path.join(workspacePath, "docs/index.md"), "# Ünïcode\n");
  fs.writeFileSync(path.join(workspacePath, "docs/deep/page.md"), "page\n");
  const repoUrl = `${host}?organization=${organization}&project=${project}&repo=${repository}`;
  const action = createPublishAzureAction({ integrations, config });
  const { outputs } = await act(action, { repoUrl, defaultBranch: "main" }, workspacePath);
  repositoryId = outputs.repositoryId;
  assert.equal(outputs.remoteUrl, remoteUrl);
  assert.equal(outputs.repoContentsUrl, remoteUrl);
  assert.match(outputs.commitHash, /^[0-9a-f]{40}$/);
  assert.match(repositoryId, /^[0-9a-f-]{36}$/);
  const refs = await rest("GET", `git/repositories/${repository}/refs?filter=heads/&api-version=7.1`);
  assert.deepEqual(
    refs.value.map((it) => [it.name, it.objectId]),
    [["refs/heads/main", outputs.commitHash]],
  );
  await assert.rejects(act(action, { repoUrl }), /already exists|TF400948/);
}

async function change() {
  const { workspacePath } = await act(cloneAzureRepoAction({ integrations }), { remoteUrl, branch: "main", targetPath: "./code" });
  const code = path.join(workspacePath, "code");
  assert.equal(fs.readFileSync(path.join(code, "docs/index.md"), "utf8"), "# Ünïcode\n");
  fs.writeFileSync(path.join(code, "added.txt"), "added\n");
  const push = { branch: "scaffolder", sourcePath: "./code", gitCommitMessage: "Add a file" };
  await act(pushAzureRepoAction({ integrations, config }), push, workspacePath);
  const commits = await rest("GET", `git/repositories/${repository}/commits?searchCriteria.itemVersion.version=scaffolder&api-version=7.1`);
  assert.equal(commits.value[0].comment.trim(), "Add a file");
  assert.equal(commits.value[0].author.name, "Scaffolder");
}

async function pullRequest() {
  const input = {
    organization,
    project,
    repoId: repository,
    server: host,
    token,
    title: "Add a file",
    description: "by the scaffolder",
    sourceBranch: "scaffolder",
    targetBranch: "main",
    supportsIterations: true,
    autoComplete: true,
  };
  const { outputs } = await act(pullRequestAzureRepoAction({ integrations }), input);
  assert.equal(typeof outputs.pullRequestId, "number");
  // Nothing guards the branch, so what completes by itself is complete at once, and its branch is gone.
  const found = await rest("GET", `git/pullrequests/${outputs.pullRequestId}?api-version=7.1`);
  assert.equal(found.status, "completed");
  const refs = await rest("GET", `git/repositories/${repository}/refs?filter=heads/&api-version=7.1`);
  assert.deepEqual(
    refs.value.map((it) => it.name),
    ["refs/heads/main"],
  );
}

async function read() {
  const reader = UrlReaders.default({ config, logger });
  const view = (file, version) => `${remoteUrl}?path=${encodeURIComponent(file)}${version ? `&version=${version}` : ""}`;
  const text = async (address) => (await (await reader.readUrl(address)).buffer()).toString("utf8");
  assert.equal(await text(view("/docs/index.md")), "# Ünïcode\n");
  assert.equal(await text(view("/docs/index.md", "GBmain")), "# Ünïcode\n");
  await assert.rejects(reader.readUrl(view("/nowhere.md")), { name: "NotFoundError" });
  const tree = await reader.readTree(view("/docs", "GBmain"));
  assert.deepEqual((await tree.files()).map((file) => file.path).sort(), ["deep/page.md", "index.md"]);
  assert.match(tree.etag, /^[0-9a-f]{40}$/);
  const whole = await reader.readTree(remoteUrl);
  assert.deepEqual((await whole.files()).map((file) => file.path).sort(), ["added.txt", "catalog-info.yaml", "docs/deep/page.md", "docs/index.md"]);
  await assert.rejects(reader.readTree(remoteUrl, { etag: whole.etag }), { name: "NotModifiedError" });
  const directory = await (await reader.readTree(remoteUrl)).dir({ targetDir: fs.mkdtempSync(path.join(home, "tree-")) });
  assert.equal(fs.readFileSync(path.join(directory, "added.txt"), "utf8"), "added\n");
  const one = await reader.search(view("/catalog-info.yaml"));
  assert.deepEqual(one.files.map((file) => file.url), [view("/catalog-info.yaml")]);
  // Backstage recognizes a pattern in URLs of dev.azure.com alone; elsewhere it takes it for the name of a file.
  const found = await reader.search(`${remoteUrl}?path=/docs/*.md`);
  assert.equal(found.files.length, host === "dev.azure.com" ? 1 : 0);
  for (const file of found.files) assert.equal((await file.content()).toString("utf8"), "# Ünïcode\n");
  const wrong = { integrations: { azure: [{ host, credentials: [{ personalAccessToken: "wrong" }] }] } };
  const stranger = UrlReaders.default({ config: new ConfigReader(wrong), logger });
  await assert.rejects(stranger.readUrl(view("/docs/index.md")), /401/);
}

// The request by which `@backstage/plugin-catalog-backend-module-azure` looks for catalog files.
async function discovery() {
  const body = {
    searchText: `path:/catalog-info.yaml repo:${repository} proj:${project}`,
    $orderBy: [{ field: "path", sortOrder: "ASC" }],
    $skip: 0,
    $top: 1000,
  };
  const response = await fetch(`${url}/${organization}/_apis/search/codesearchresults?api-version=6.0-preview.1`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`:${token}`)}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const { results } = await response.json();
  assert.deepEqual(
    results.map((it) => [it.fileName, it.path, it.repository.name, it.project.name, it.branch ?? it.versions?.[0]?.branchName]),
    [["catalog-info.yaml", "/catalog-info.yaml", repository, project, "main"]],
  );
}

try {
  await step("publish:azure makes a repository and pushes", publish);
  await step("azure:repo:clone and azure:repo:push", change);
  await step("azure:repo:pr completes by itself", pullRequest);
  await step("the reader of URLs: file, directory, search", read);
  await step("the search by which catalog files are discovered", discovery);
  console.log(`all of Backstage's modules work against ${host}`);
} finally {
  if (repositoryId) await rest("DELETE", `git/repositories/${repositoryId}?api-version=7.1`);
  fs.rmSync(home, { recursive: true, force: true });
}
