// Pipelines in the browser: a run seen live, an approval given, a failure opened at its line, Terraform's plan as a difference.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, arrived, fits, openPage } from "./support/page.mjs";
import { startBrowser, startPlatform } from "./support/platform.mjs";

const LIVE = `trigger: none
parameters:
- name: region
  displayName: Region
  type: string
  default: westeurope
  values: [westeurope, northeurope]
stages:
- stage: build
  displayName: Build
  jobs:
  - job: compile
    displayName: Compile
    steps:
    - checkout: none
    - bash: |
        echo "##[group]Tools"
        echo "a tool in the group"
        echo "##[endgroup]"
        for i in $(seq 1 8); do echo "part $i for \${{ parameters.region }}"; if [ $i -gt 5 ]; then for j in $(seq 1 60); do echo "detail $i.$j"; done; fi; sleep 0.4; done
      displayName: Slow build
- stage: deploy
  displayName: Deploy
  jobs:
  - deployment: roll
    displayName: Roll out
    environment: production
    strategy:
      runOnce:
        deploy:
          steps:
          - bash: echo it is out
            displayName: Roll it out
`;

const FAILING = `trigger: none
steps:
- checkout: none
- bash: |
    for i in $(seq 1 3000); do echo "case $i"; done
    echo "##vso[task.logissue type=error;sourcepath=README.md;linenumber=2]case 3001 found nothing"
    for i in $(seq 3002 4000); do echo "case $i"; done
    exit 3
  displayName: Tests
`;

const TERRAFORM = `provider "azurerm" {
  features {}
}

resource "azurerm_resource_group" "example" {
  name     = "rg-pages"
  location = "westeurope"
}
`;

let platform;
let browser;
let api;

// The project's REST API, as any client speaks it, through the portal.
function project(token) {
  const host = new URL(platform.forge.url).host;
  return async (method, path, body) => {
    const url = new URL(`${platform.portal.url}/api/hosts/${host}/pave/${path}`);
    url.searchParams.set("api-version", "7.1");
    const response = await fetch(url, { method, headers: { authorization: `Bearer ${token}`, accept: "application/json", "content-type": "application/json" }, body: body && JSON.stringify(body) });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  };
}

async function define(name, repository) {
  const made = await api("POST", "backstage/_apis/pipelines", { name, folder: "\\", configuration: { type: "yaml", path: `/pipelines/${name}.yml`, repository: { id: repository, type: "azureReposGit" } } });
  return made.id;
}

before(async () => {
  platform = await startPlatform();
  browser = await startBrowser();
  api = project(platform.portal.token);
  const repository = await api("GET", "backstage/_apis/git/repositories/azure-demo");
  const refs = await api("GET", "backstage/_apis/git/repositories/azure-demo/refs?filter=heads/main");
  const files = { "pipelines/live.yml": LIVE, "pipelines/failing.yml": FAILING, "terraform/changed/main.tf": TERRAFORM };
  const changes = Object.entries(files).map(([path, content]) => ({ changeType: "add", item: { path: `/${path}` }, newContent: { content, contentType: "rawtext" } }));
  // This push starts the demo's own pipeline, which runs Terraform.
  await api("POST", "backstage/_apis/git/repositories/azure-demo/pushes", { refUpdates: [{ name: "refs/heads/main", oldObjectId: refs.value[0].objectId }], commits: [{ comment: "Add pipelines", changes }] });
  await define("live", repository.id);
  const me = (await api("GET", "_apis/connectionData")).authenticatedUser;
  const environment = await api("POST", "backstage/_apis/distributedtask/environments", { name: "production", description: "Where customers are" });
  await api("POST", "backstage/_apis/pipelines/checks/configurations", {
    type: { id: "8c6f20a7-a545-4486-9777-f762fafe0d4d", name: "Approval" },
    settings: { approvers: [{ id: me.id }], instructions: "Look at the build first.", minRequiredApprovers: 1 },
    resource: { type: "environment", id: String(environment.id), name: "production" },
  });
});

after(async () => {
  await browser?.close();
  await platform?.stop();
});

const open = (scheme, viewport, token = platform.portal.token) => openPage(browser, { scheme, viewport, token, portal: platform.portal.url });
// The state in words that stands below the title.
const state = (tab, word) => tab.getByRole("main").getByText(word, { exact: true }).first().waitFor({ timeout: 30_000 });

test("a pipeline is run from the list, watched live, and approved", { timeout: 120_000 }, async () => {
  const { page: tab, complaints } = await open("light");
  await tab.goto(`${platform.portal.url}/pipelines`);
  await arrived(tab, "Pipelines");
  await tab.getByRole("button", { name: "Run live" }).click();
  const dialog = tab.getByRole("dialog", { name: "Run live" });
  await dialog.getByRole("combobox", { name: "Region" }).click();
  await tab.getByRole("option", { name: "northeurope" }).click();
  await accessible(tab, "dialog of a run");
  await dialog.getByRole("button", { name: "Run", exact: true }).click();
  await tab.getByRole("heading", { level: 1, name: /^live \d+/ }).waitFor();
  const log = tab.getByRole("region", { name: "Log of Slow build" });
  await log.getByText("part 2 for northeurope").waitFor();
  // Nobody reloads, and the run is not over: what comes next comes by itself.
  assert.equal(await log.getByText("part 8 for northeurope").count(), 0);
  await state(tab, "Running");
  // What is looked for before it is there is gone to when it comes.
  await tab.getByRole("button", { name: "Follow" }).click();
  await tab.getByRole("textbox", { name: "Search the log" }).fill("detail 8.1");
  await tab.getByText(/^1 of \d+$/).waitFor();
  await log.getByText("detail 8.1", { exact: true }).waitFor();
  await log.getByText("part 8 for northeurope").waitFor();
  await tab.getByRole("heading", { name: /^Stage Deploy waits for approval/ }).waitFor();
  await tab.getByText(/May be given by Platform admin/).waitFor();
  await state(tab, "Waits for approval");
  await accessible(tab, "a run that waits");
  // Folded groups unfold.
  await tab.getByRole("textbox", { name: "Search the log" }).fill("");
  await log.focus();
  await tab.keyboard.press("Home");
  const group = log.getByRole("button", { name: /Tools/ });
  assert.equal(await group.getAttribute("aria-expanded"), "false");
  await group.click();
  await log.getByText("a tool in the group", { exact: true }).waitFor();
  await tab.getByRole("textbox", { name: "Comment" }).fill("Looks right");
  await tab.getByRole("button", { name: "Approve" }).click();
  await state(tab, "Succeeded");
  await tab.getByRole("region", { name: "Log of Roll it out" }).getByText("it is out", { exact: true }).waitFor();
  await tab.getByRole("region", { name: "Graph of the stages" }).getByRole("button", { name: "Job Compile, succeeded" }).click();
  await tab.getByRole("region", { name: "Log of Slow build" }).waitFor();
  await tab.getByRole("tab", { name: "Details" }).click();
  await tab.getByText("northeurope").waitFor();
  await accessible(tab, "details of a run");
  assert.deepEqual(complaints, []);
  await tab.context().close();
});

test("a pipeline is made from a file, and its failing run opens at the line", { timeout: 120_000 }, async () => {
  const { page: tab, complaints } = await open("dark");
  await tab.goto(`${platform.portal.url}/pipelines`);
  await tab.getByRole("link", { name: "New pipeline" }).click();
  await arrived(tab, "New pipeline");
  await tab.getByRole("combobox", { name: "Repository" }).click();
  await tab.getByRole("option", { name: "azure-demo" }).click();
  await tab.getByRole("combobox", { name: "File" }).click();
  await tab.getByRole("option", { name: "/pipelines/failing.yml" }).click();
  await tab.getByText("Nothing is wrong with it.").waitFor();
  await accessible(tab, "a new pipeline");
  // Typed, not saved: what is wrong is said with its place, and marked there.
  const text = tab.getByRole("textbox", { name: "Text of pipelines/failing.yml" });
  await text.click();
  await tab.keyboard.press("Control+End");
  await tab.keyboard.insertText("\n- bash: echo more\n  displayNam: More\n");
  await tab.getByText("a step has no key `displayNam`", { exact: false }).waitFor();
  await tab.locator(".cm-lintRange-error").waitFor();
  await accessible(tab, "a pipeline with an error");
  await tab.getByRole("button", { name: /^pipelines\/failing\.yml:\d+:3$/ }).click();
  assert.match(await tab.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? ""), /^Text of/);
  await tab.reload();
  await tab.getByRole("combobox", { name: "Repository" }).click();
  await tab.getByRole("option", { name: "azure-demo" }).click();
  await tab.getByRole("combobox", { name: "File" }).click();
  await tab.getByRole("option", { name: "/pipelines/failing.yml" }).click();
  await tab.getByText("a step has no key `displayNam`", { exact: false }).waitFor();
  await tab.getByRole("button", { name: "Throw my changes away" }).click();
  await tab.getByText("Nothing is wrong with it.").waitFor();
  await tab.getByRole("tab", { name: "What it becomes" }).click();
  await tab.getByText("stage: __default").waitFor();
  await tab.getByRole("button", { name: "Save and run" }).click();
  await tab.getByRole("heading", { level: 1, name: /^azure-demo failing \d+/ }).waitFor();
  await state(tab, "Failed");
  const log = tab.getByRole("region", { name: "Log of Tests" });
  const line = log.getByText("error: case 3001 found nothing");
  await line.waitFor();
  await tab.waitForFunction(() => {
    const [box, pointed] = [document.querySelector('[aria-label="Log of Tests"]'), document.querySelector(".pointed")];
    const [outer, inner] = [box?.getBoundingClientRect(), pointed?.getBoundingClientRect()];
    return outer && inner && inner.top >= outer.top && inner.bottom <= outer.bottom;
  });
  // Of four thousand lines only those in sight are in the page.
  assert.ok((await log.locator("[data-line]").count()) < 200);
  await tab.getByRole("region", { name: "Errors and warnings" }).getByRole("link", { name: "README.md:2" }).waitFor();
  await tab.getByRole("textbox", { name: "Search the log" }).fill("case 3999");
  await tab.getByText("1 of 1").waitFor();
  await log.getByText("case 3999").waitFor();
  await accessible(tab, "a run that failed");
  await tab.getByRole("button", { name: "Re-run failed jobs" }).click();
  await tab.getByText("(attempt 2)").first().waitFor({ timeout: 30_000 });
  await state(tab, "Failed");
  assert.deepEqual(complaints, []);
  await tab.context().close();
});

test("Terraform's plan is a difference, and every page fits a phone", { timeout: 120_000 }, async () => {
  const { page: tab, complaints } = await open("dark", { width: 360, height: 740 });
  await tab.goto(`${platform.portal.url}/pipelines`);
  await tab.getByRole("link", { name: "azure-demo", exact: true }).click();
  await arrived(tab, "azure-demo");
  await tab.getByRole("main").getByText("Succeeded").first().waitFor({ timeout: 60_000 });
  await accessible(tab, "a pipeline");
  await fits(tab, "a pipeline");
  await tab.getByRole("region", { name: /^Runs of/ }).getByRole("link").first().click();
  await tab.getByRole("tab", { name: "Terraform: 1 to add" }).click();
  const change = tab.getByRole("region", { name: "create azurerm_resource_group.example" });
  await change.getByText("rg-pages").waitFor();
  await change.getByText("known after apply").waitFor();
  await tab.getByText(/resourceGroups\/rg-pages$/).waitFor();
  await accessible(tab, "a plan");
  await fits(tab, "a plan");
  // From the id to what is there: the resource, its owner, the run that made it.
  await tab.getByRole("link", { name: /resourceGroups\/rg-pages$/ }).click();
  await arrived(tab, "rg-pages");
  await tab.getByText("provisioningState").waitFor();
  await accessible(tab, "a resource of the cloud");
  await fits(tab, "a resource of the cloud");
  await tab.getByRole("link", { name: "Subscription" }).click();
  await tab.getByRole("link", { name: "rg-pages" }).waitFor();
  await accessible(tab, "a subscription");
  await tab.goto(`${platform.portal.url}/cloud/subscriptions/${platform.azure.subscription}/resourceGroups/nothing`);
  await tab.getByText("It is not in the cloud", { exact: false }).waitFor();
  await accessible(tab, "a resource that is not there");
  for (const [path, title] of [
    ["pipelines", "Pipelines"],
    ["pipelines?view=new", "New pipeline"],
    ["connections", "Service connections"],
    ["connections?tab=groups", "Variable groups"],
    ["connections?tab=environments", "Deployment environments"],
  ]) {
    await tab.goto(`${platform.portal.url}/${path}`);
    await arrived(tab, title);
    await accessible(tab, title);
    await fits(tab, title);
  }
  assert.deepEqual(complaints, []);
  await tab.context().close();
});

test("a connection is made, verified, mended and removed; its secret never shows", { timeout: 90_000 }, async () => {
  const { page: tab, complaints } = await open("light");
  await tab.goto(`${platform.portal.url}/connections`);
  await tab.getByRole("button", { name: "Verify azure-local" }).click();
  await tab.getByText("Works, just verified").waitFor();
  await tab.getByRole("button", { name: "New connection in backstage" }).click();
  const dialog = tab.getByRole("dialog");
  await dialog.getByRole("textbox", { name: "Name" }).fill("second");
  await dialog.getByRole("textbox", { name: "Application (client) ID" }).fill(platform.azure.clientId);
  await dialog.getByLabel(/^Secret/).fill("wrong");
  await accessible(tab, "a new connection");
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  await dialog.getByText(/^Saved, but it does not work yet/).waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  await tab.getByText("Does not work").waitFor();
  await tab.getByRole("button", { name: "Edit second" }).click();
  assert.equal(await dialog.getByLabel(/^Secret/).inputValue(), "");
  await dialog.getByLabel(/^Secret/).fill(platform.azure.clientSecret);
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  await tab.getByText("Does not work").waitFor({ state: "detached" });
  assert.ok(!(await tab.content()).includes(platform.azure.clientSecret));
  await tab.getByRole("button", { name: "Delete second" }).click();
  await dialog.getByRole("button", { name: "Delete connection" }).click();
  await tab.getByRole("button", { name: "Edit second" }).waitFor({ state: "detached" });
  assert.deepEqual(complaints, []);
  await tab.context().close();
});

test("checks of an environment are added, changed and removed, by keyboard", { timeout: 90_000 }, async () => {
  const { page: tab, complaints } = await open("dark");
  await tab.goto(`${platform.portal.url}/connections?tab=environments`);
  const checks = tab.getByRole("list", { name: "Checks of production" });
  await checks.getByText(/^Approval: Platform admin/).waitFor();
  const add = async (entry) => {
    await tab.getByRole("button", { name: "Add check to production" }).focus();
    await tab.keyboard.press("Enter");
    await tab.getByRole("menuitem", { name: entry }).focus();
    await tab.keyboard.press("Enter");
    await tab.getByRole("dialog").waitFor();
  };
  await add(/^Approval/);
  await tab.getByRole("option", { name: /Alice/ }).waitFor();
  await tab.keyboard.type("ali");
  await tab.keyboard.press("Enter");
  await tab.keyboard.type("team-b");
  await tab.keyboard.press("Enter");
  await tab.getByRole("checkbox", { name: /^Whoever started the run/ }).focus();
  await tab.keyboard.press("Space");
  await tab.getByRole("textbox", { name: "Instructions" }).fill("Look at the plan.");
  await accessible(tab, "an approval check");
  // A dialog that is left keeps what was typed.
  await tab.keyboard.press("Escape");
  await tab.getByRole("dialog").waitFor({ state: "detached" });
  await add(/^Approval/);
  assert.equal(await tab.getByRole("textbox", { name: "Instructions" }).inputValue(), "Look at the plan.");
  await tab.getByRole("button", { name: "Add check" }).focus();
  await tab.keyboard.press("Enter");
  await checks.getByText("at least 1 of Alice, team-b, never whoever started the run", { exact: false }).waitFor();
  await add(/^Branch control/);
  await tab.getByRole("textbox", { name: "Allowed branches" }).fill("main, release/*");
  await tab.keyboard.press("Enter");
  await checks.getByText("Branch control: main, release/*").waitFor();
  await add(/^Business hours/);
  await tab.getByRole("checkbox", { name: "Friday" }).focus();
  await tab.keyboard.press("Space");
  await accessible(tab, "business hours");
  await tab.getByRole("button", { name: "Add check" }).click();
  await checks.getByText("Monday, Tuesday, Wednesday, Thursday, 09:00 to 17:00", { exact: false }).waitFor();
  await add(/^Exclusive lock/);
  await tab.getByRole("button", { name: "Add check" }).click();
  await checks.getByText("Exclusive lock: one run at a time").waitFor();
  await accessible(tab, "environments with checks");
  await tab.getByRole("button", { name: "Edit Branch control of production" }).click();
  await tab.getByRole("textbox", { name: "Allowed branches" }).fill("main");
  await tab.getByRole("button", { name: "Save check" }).click();
  await checks.getByText("Branch control: main", { exact: true }).waitFor();
  for (const title of ["Exclusive lock", "Business hours", "Branch control"]) {
    await tab.getByRole("button", { name: `Remove ${title} of production`, exact: true }).click();
    await tab.getByRole("button", { name: `Remove for good: ${title} of production` }).click();
    await checks.getByText(new RegExp(`^${title}`)).waitFor({ state: "detached" });
  }
  assert.deepEqual(complaints, []);
  await tab.context().close();
});

test("a developer sees why something is refused", { timeout: 60_000 }, async () => {
  const token = (await platform.pave("token", "create", "--user", "alice")).trim().split(/\s+/).at(-1);
  const { page: tab } = await open("light", undefined, token);
  await tab.goto(`${platform.portal.url}/runs/pave/backstage/99999`);
  await tab.getByText("There is nothing here").waitFor();
  await accessible(tab, "a run that is not there");
  await tab.goto(`${platform.portal.url}/connections?tab=environments`);
  await arrived(tab, "Deployment environments");
  await tab.getByRole("button", { name: "New environment in backstage" }).click();
  await tab.getByRole("textbox", { name: "Name" }).fill("mine");
  await tab.getByRole("button", { name: "Create" }).click();
  await tab.getByText("You may not do this").waitFor();
  await accessible(tab, "a refusal");
  await tab.context().close();
});
