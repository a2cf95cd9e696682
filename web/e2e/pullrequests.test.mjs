// Repositories and pull requests in the browser: from a typed line to a merged branch, by keyboard where that is promised.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, arrived, fits, openPage } from "./support/page.mjs";
import { startBrowser, startPlatform } from "./support/platform.mjs";

let platform;
let browser;
const repository = "/repos/pave/platform/platform-configs";

before(async () => {
  platform = await startPlatform();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await platform?.stop();
});

const open = (more = {}) => openPage(browser, { token: platform.portal.token, portal: platform.portal.url, ...more });

// One call to the forge's REST API, as the administrator.
async function forge(method, path, body) {
  const response = await fetch(`${platform.portal.url}/api/hosts/${new URL(platform.forge.url).host}/${path}`, {
    method,
    headers: { authorization: `Bearer ${platform.portal.token}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

// Commits a file to main, as somebody else would meanwhile.
async function push(path, content, changeType = "edit") {
  const git = "pave/platform/_apis/git/repositories/platform-configs";
  const refs = JSON.parse((await forge("GET", `${git}/refs?filter=heads/main&api-version=7.1`)).text);
  const change = { changeType, item: { path }, newContent: { content, contentType: "rawtext" } };
  const answer = await forge("POST", `${git}/pushes?api-version=7.1`, {
    refUpdates: [{ name: "refs/heads/main", oldObjectId: refs.value[0].objectId }],
    commits: [{ comment: `Change ${path}`, changes: [change] }],
  });
  assert.equal(answer.status, 201, answer.text);
}

test("files, history and branches can be looked at", { timeout: 60_000 }, async () => {
  const { page, complaints } = await open();
  await page.goto(`${platform.portal.url}/repos`);
  await page.getByRole("link", { name: "platform-configs" }).click();
  await arrived(page, "platform-configs");
  await page.getByRole("link", { name: "catalog-info.yaml" }).click();
  await page.getByText("kind: Location").waitFor();
  await accessible(page, "file");
  await page.getByRole("link", { name: "History" }).click();
  await page.getByRole("link", { name: "Set up the platform" }).first().click();
  await page.getByRole("button", { name: "catalog-info.yaml", exact: true }).waitFor();
  await accessible(page, "commit");
  await page.keyboard.press("3");
  await page.getByRole("region", { name: "Branches, table" }).waitFor();
  await accessible(page, "branches");
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("a _git URL opened in a browser leads to the page of the file", { timeout: 30_000 }, async () => {
  const url = `${platform.forge.url}/pave/platform/_git/platform-configs?path=/README.md&version=GBmain`;
  const { page } = await open();
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const other = await context.newPage();
  const asked = other.waitForRequest((request) => request.url().startsWith(platform.portal.url));
  await other.goto(url).catch(() => undefined);
  assert.equal(new URL((await asked).url()).pathname, repository);
  await context.close();
  await page.context().close();
});

test("an edit becomes a pull request that is approved and completed by keyboard", { timeout: 90_000 }, async () => {
  const { page, complaints } = await open();
  await page.goto(`${platform.portal.url}${repository}?path=/README.md&view=edit`);
  await page.getByRole("textbox", { name: "Text of README.md" }).click();
  await page.keyboard.press("Control+End");
  await page.keyboard.insertText("\nA line more.\n");
  await page.reload();
  await page.getByText("Your draft was kept").waitFor();
  await page.getByLabel("Commit to a new branch").check();
  await page.getByLabel("Commit message").fill("Say a line more");
  await accessible(page, "editor");
  await page.getByRole("button", { name: "Commit and open pull request" }).click();
  await arrived(page, "Say a line more");
  await page.getByText("What merging this does").waitFor();
  await page.getByText("No Application follows it").waitFor();
  await accessible(page, "pull request");
  await page.keyboard.press("2");
  await page.getByText("A line more.").waitFor();
  await page.getByRole("button", { name: /^Comment on line/ }).last().focus();
  await page.keyboard.press("Enter");
  await page.getByRole("textbox", { name: /^Comment on line/ }).fill("Which line?");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("article").getByText("Which line?").waitFor();
  await accessible(page, "changed files");
  await page.getByRole("button", { name: "Resolve" }).click();
  await page.getByRole("button", { name: "Open again" }).waitFor();
  await page.getByRole("tab", { name: "Files" }).focus();
  await page.keyboard.press("1");
  await page.keyboard.press("a");
  await page.getByRole("button", { name: "You: approved" }).waitFor();
  await page.keyboard.press("m");
  await page.getByRole("dialog").waitFor();
  await accessible(page, "complete");
  await page.getByRole("button", { name: "Merge into main" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText(/^Completed by/).waitFor();
  await page.goto(`${platform.portal.url}${repository}?path=/README.md`);
  await page.getByText("A line more.").waitFor();
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("a branch that moved on meanwhile costs nobody their text", { timeout: 60_000 }, async () => {
  const { page } = await open();
  await page.goto(`${platform.portal.url}${repository}?path=/README.md&view=edit`);
  await page.getByRole("textbox", { name: "Text of README.md" }).click();
  await page.keyboard.press("Control+End");
  await page.keyboard.insertText("\nTyped before.\n");
  await push("/meanwhile.txt", "x\n", "add");
  await page.getByRole("button", { name: "Commit to main" }).click();
  await page.getByText("The branch has moved on since you opened this").waitFor();
  await page.getByRole("button", { name: "Look at what is there now, keeping my text" }).click();
  await page.getByRole("button", { name: /^Put my text on top of/ }).click();
  await page.getByRole("button", { name: "Commit to main" }).click();
  await page.getByText("Typed before.").waitFor();
  await page.context().close();
});

test("what the portal passes on is never a page of its own", { timeout: 30_000 }, async () => {
  await push("/page.html", "<script>alert(1)</script>", "add");
  const items = "pave/platform/_apis/git/repositories/platform-configs/items?path=/page.html&api-version=7.1";
  const answer = await forge("GET", items);
  assert.match(answer.headers.get("content-security-policy"), /sandbox/);
  assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  assert.doesNotMatch(answer.headers.get("content-type"), /html/);
  assert.equal(answer.headers.get("set-cookie"), null);
  const foreign = await fetch(`${platform.portal.url}/api/hosts/example.com/a/_apis/projects`, { headers: { authorization: `Bearer ${platform.portal.token}` } });
  assert.equal(foreign.status, 404);
});

test("a phone is enough to review", { timeout: 60_000 }, async () => {
  for (const scheme of ["light", "dark"]) {
    const { page } = await open({ scheme, viewport: { width: 360, height: 740 } });
    for (const path of ["/repos", repository, `${repository}?view=branches`, `${repository}?path=/infra/composition.yaml`, "/pullrequests?status=completed", "/pullrequests/pave/platform/platform-configs/1", "/pullrequests/pave/platform/platform-configs/1?tab=files"]) {
      await page.goto(`${platform.portal.url}${path}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.locator("[aria-label=Loading]").first().waitFor({ state: "detached" });
      await fits(page, path);
      await accessible(page, `${path} on a phone, ${scheme}`);
    }
    await page.context().close();
  }
});
