// The second story's beginning in the browser: an integration that is tested, a file that is registered by its address.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { accessible, arrived, fits, openPage } from "./support/page.mjs";
import { startBrowser, startPlatform } from "./support/platform.mjs";

const run = promisify(execFile);

const COMPONENT = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: test-lab
  links:
    - title: Website
      url: http://backstage.io
spec:
  type: library
  owner: CNCF
  lifecycle: production
`;

let platform;
let browser;
let repository;

// Writes files into the demo's repository by an ordinary clone and push.
async function push(files) {
  const folder = await mkdtemp(join(tmpdir(), "pave-push-"));
  const git = (...words) => run("git", ["-C", folder, "-c", "user.name=Alice", "-c", "user.email=alice@example.com", ...words], { env: { ...process.env, GIT_SSL_CAINFO: platform.authority }, timeout: 30_000 });
  const url = platform.forge.repository.replace("https://", `https://x:${platform.forge.token}@`);
  await git("clone", "-q", url, ".");
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, path, ".."), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  await git("add", "-A");
  await git("commit", "-qm", "Add files for the catalog");
  await git("push", "-q");
  await rm(folder, { recursive: true, force: true });
}

before(async () => {
  platform = await startPlatform();
  browser = await startBrowser();
  repository = platform.forge.repository;
  await push({ "shelf/test.yaml": COMPONENT, "shelf/odd.yaml": COMPONENT.replace("test-lab", "no name") });
});

after(async () => {
  await browser?.close();
  await platform?.stop();
});

const page = (scheme, viewport) => openPage(browser, { scheme, viewport, token: platform.portal.token, portal: platform.portal.url });
const address = (path) => `${repository}?path=${path}&version=GBmain`;

async function analyze(page, url) {
  await page.getByRole("textbox", { name: "Address of a file or repository" }).fill(url);
  await page.getByRole("button", { name: "Analyze" }).click();
}

test("a file is registered by its address, looked at, and removed again", { timeout: 60_000 }, async () => {
  const { page: tab, complaints } = await page("light");
  await tab.goto(`${platform.portal.url}/create`);
  await tab.getByRole("link", { name: "Register existing component" }).click();
  await arrived(tab, "Register existing component");
  await analyze(tab, "shelf/test.yaml");
  await tab.getByText("it begins with https://").waitFor();
  await analyze(tab, address("/shelf/test.yaml"));
  await tab.getByRole("heading", { name: "One entity would be added" }).waitFor();
  await tab.getByRole("alert").filter({ hasText: "group:default/cncf" }).waitFor();
  await accessible(tab, "analysis");
  await fits(tab, "analysis");
  await tab.getByRole("button", { name: "Import" }).click();
  await tab.getByRole("link", { name: "View component" }).click();
  await arrived(tab, "test-lab");
  await tab.goto(`${platform.portal.url}/catalog-import?url=${encodeURIComponent(address("/shelf/test.yaml"))}`);
  await tab.getByRole("heading", { name: "This address is registered already" }).waitFor();
  await tab.getByRole("button", { name: `Remove ${address("/shelf/test.yaml")}` }).click();
  const dialog = tab.getByRole("dialog");
  await dialog.getByText("Component default/test-lab").waitFor();
  await accessible(tab, "removal");
  await dialog.getByRole("button", { name: "Remove location" }).click();
  await dialog.waitFor({ state: "detached" });
  await tab.getByRole("button", { name: `Remove ${address("/shelf/test.yaml")}` }).waitFor({ state: "detached" });
  assert.deepEqual(complaints, []);
  await tab.context().close();
});

test("a refusal says why, and what to do", { timeout: 60_000 }, async () => {
  const { page: tab } = await page("dark");
  await tab.goto(`${platform.portal.url}/catalog-import?url=${encodeURIComponent(address("/shelf/odd.yaml"))}`);
  await tab.getByText(/"metadata.name" is not valid/).waitFor();
  await accessible(tab, "refusal");
  await analyze(tab, "https://git.example.com/catalog-info.yaml");
  await tab.getByRole("heading", { name: "git.example.com is not among the integrations" }).waitFor();
  await tab.getByText("- host: git.example.com").waitFor();
  await accessible(tab, "refusal with its cure");
  await tab.context().close();
});

test("installed actions are found, unfolded and linked to", { timeout: 60_000 }, async () => {
  const { page: tab, complaints } = await page("dark");
  await tab.goto(`${platform.portal.url}/create`);
  await tab.getByRole("link", { name: "Installed actions" }).click();
  await arrived(tab, "Installed actions");
  await tab.getByRole("textbox", { name: "Filter by name or description" }).fill("fetch:template");
  await tab.getByRole("button", { name: /^fetch:template Downloads/ }).click();
  await tab.getByRole("region", { name: "Input of fetch:template, table" }).getByRole("cell", { name: "url required" }).waitFor();
  await accessible(tab, "action");
  await tab.reload();
  await tab.getByRole("region", { name: "fetch:template", exact: true }).waitFor();
  assert.deepEqual(complaints, []);
  await tab.context().close();
});

test("settings say what is integrated, where values come from, and hand out tokens once", { timeout: 60_000 }, async () => {
  const { page: tab, complaints } = await page("light", { width: 360, height: 740 });
  await tab.goto(`${platform.portal.url}/settings?tab=integrations`);
  await tab.getByRole("button", { name: "Test connection" }).first().click();
  await tab.getByText(/^The token is Pave/).waitFor();
  await accessible(tab, "integrations");
  await fits(tab, "integrations");
  await tab.goto(`${platform.portal.url}/settings?tab=configuration`);
  await tab.getByRole("cell", { name: "app.title" }).waitFor();
  await accessible(tab, "configuration");
  await fits(tab, "configuration");
  await tab.goto(`${platform.portal.url}/settings?tab=tokens`);
  await tab.getByRole("textbox", { name: "What is the token for?" }).fill("a laptop");
  await tab.getByRole("button", { name: "Create token" }).click();
  const token = (await tab.getByRole("alert").locator("code").textContent()).trim();
  const answer = await fetch(`${platform.portal.url}/api/pave/v1/session`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200);
  await accessible(tab, "a new token");
  await tab.getByRole("button", { name: "Revoke a laptop" }).click();
  await tab.getByRole("button", { name: "Revoke", exact: true }).click();
  await tab.getByRole("button", { name: "Revoke a laptop" }).waitFor({ state: "detached" });
  assert.deepEqual(complaints, []);
  await tab.context().close();
});

test("a developer sees integrations, but neither tests them nor reads the configuration", { timeout: 40_000 }, async () => {
  const token = (await platform.pave("token", "create", "--user", "alice")).trim().split(/\s+/).at(-1);
  const { page: tab } = await openPage(browser, { token, portal: platform.portal.url });
  await tab.goto(`${platform.portal.url}/settings?tab=integrations`);
  assert.ok(await tab.getByRole("button", { name: "Test connection" }).first().isDisabled());
  await tab.getByText("Only for administrators").first().waitFor();
  await tab.goto(`${platform.portal.url}/settings?tab=configuration`);
  await tab.getByText("You may not do this").waitFor();
  await accessible(tab, "refused configuration");
  await tab.context().close();
});
