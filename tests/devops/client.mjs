// What the tests of the Node.js clients share: the clients themselves, unmodified, and how a test is written.

import assert from "node:assert/strict";
import path from "node:path";

// Found beside this file or, as scripts/devops-sdk-test.sh does it, where the packages were installed.
import { createRequire } from "node:module";
const require = createRequire(path.join(process.env.PAVE_DEVOPS_MODULES ?? import.meta.dirname, "package.json"));
const azdev = require("azure-devops-node-api");
export const types = require("azure-devops-node-api/interfaces/GitInterfaces.js");
export const git = require("isomorphic-git");
export const http = require("isomorphic-git/http/node");

export const ZERO = "0".repeat(40);

export function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`the environment variable ${name} is not set`);
  return value;
}

const url = setting("PAVE_FORGE_URL").replace(/\/$/, "");
export const token = setting("PAVE_FORGE_TOKEN");
const collection = `${url}/${setting("PAVE_FORGE_ORGANIZATION")}`;

export function connect(secret) {
  return new azdev.WebApi(collection, azdev.getPersonalAccessTokenHandler(secret));
}

export async function eventually(what, look) {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`never: ${what}`);
}

export async function step(name, action) {
  const result = await action();
  console.log(`ok: ${name}`);
  return result;
}

export async function refused(promise, status, words) {
  const error = await promise.then(
    () => null,
    (problem) => problem,
  );
  assert.ok(error, "it was not refused");
  assert.equal(error.statusCode ?? error.data?.statusCode, status, error.message);
  if (words) assert.match(error.message, words);
}

export const change = (changeType, file, content) => ({
  changeType,
  item: { path: file },
  newContent: { content, contentType: types.ItemContentType.RawText },
});

// Makes a project of its own for a test; the last step of the test deletes it.
export async function makeProject(core, project) {
  const operation = await core.queueCreateProject({ visibility: 0, capabilities: { versioncontrol: { sourceControlType: "Git" } }, ...project });
  assert.ok(operation.id);
  return eventually("the project", () => core.getProject(project.name, true));
}
