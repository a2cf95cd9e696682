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

// One call to the forge's REST API, as the administrator where nobody else is named.
async function forge(method, path, body, token = platform.portal.token) {
  const response = await fetch(`${platform.portal.url}/api/hosts/${new URL(platform.forge.url).host}/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
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

// A branch with a changed file, and a pull request for it.
async function propose(name, { path = `/${name}.txt`, content = `${name}\n`, changeType = "add", project = "platform", repo = "platform-configs", base, more = {}, token } = {}) {
  const git = `pave/${project}/_apis/git/repositories/${repo}`;
  const refs = JSON.parse((await forge("GET", `${git}/refs?filter=heads/main&api-version=7.1`)).text);
  const begun = base ?? refs.value[0].objectId;
  await forge("POST", `${git}/refs?api-version=7.1`, [{ name: `refs/heads/${name}`, oldObjectId: "0".repeat(40), newObjectId: begun }], token);
  const pushed = await forge("POST", `${git}/pushes?api-version=7.1`, {
    refUpdates: [{ name: `refs/heads/${name}`, oldObjectId: begun }],
    commits: [{ comment: `Change ${path}`, changes: [{ changeType, item: { path }, newContent: { content, contentType: "rawtext" } }] }],
  }, token);
  assert.equal(pushed.status, 201, pushed.text);
  const made = await forge("POST", `${git}/pullrequests?api-version=7.1`, { sourceRefName: `refs/heads/${name}`, targetRefName: "refs/heads/main", title: name, description: "", ...more }, token);
  assert.equal(made.status, 201, made.text);
  const id = JSON.parse(made.text).pullRequestId;
  const read = async () => JSON.parse((await forge("GET", `${git}/pullRequests/${id}?api-version=7.1`)).text);
  return { id, git, read, main: begun, url: `${platform.portal.url}/pullrequests/pave/${project}/${repo}/${id}` };
}

// Presses the key of a menu's entry until it is the one in focus, then takes it.
async function pick(page, button, entry) {
  await page.getByRole("button", { name: button }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: entry }).focus();
  await page.keyboard.press("Enter");
}

test("reviewers are asked by name, and let go, by keyboard", { timeout: 60_000 }, async () => {
  const { url } = await propose("ask-people");
  const { page, complaints } = await open({ scheme: "dark" });
  await page.goto(url);
  await arrived(page, "ask-people");
  await page.getByRole("button", { name: "Add reviewer" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("combobox", { name: "People or groups" }).waitFor();
  await page.getByRole("option", { name: /Bob/ }).waitFor();
  await page.keyboard.type("bo");
  await page.keyboard.press("Enter");
  await page.keyboard.type("team-a");
  await page.keyboard.press("Enter");
  await accessible(page, "asking for a review");
  await page.getByRole("checkbox", { name: /^Has to approve/ }).focus();
  await page.keyboard.press("Space");
  await page.getByRole("button", { name: "Ask for review" }).focus();
  await page.keyboard.press("Enter");
  const reviewers = page.getByRole("region", { name: "Reviewers" });
  await reviewers.getByText("Bob required").waitFor();
  await reviewers.getByText("team-a group required").waitFor();
  await pick(page, "Change reviewer Bob", "Make the vote optional");
  await reviewers.getByText("Bob required").waitFor({ state: "detached" });
  await pick(page, "Change reviewer Bob", "Remove Bob");
  await reviewers.getByText("Bob").waitFor({ state: "detached" });
  await pick(page, "Change reviewer team-a", "Remove team-a");
  await reviewers.getByText("Nobody has been asked").waitFor();
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("a draft is published, sent elsewhere, abandoned and brought back", { timeout: 60_000 }, async () => {
  const { url, git, main } = await propose("not-ready", { more: { isDraft: true } });
  await forge("POST", `${git}/refs?api-version=7.1`, [{ name: "refs/heads/release", oldObjectId: "0".repeat(40), newObjectId: main }]);
  const { page, complaints } = await open();
  await page.goto(url);
  await page.getByText("It is a draft", { exact: false }).waitFor();
  await page.getByRole("button", { name: "Publish" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Complete", exact: true }).waitFor();
  await pick(page, "More", "Make it a draft again");
  await page.getByRole("button", { name: "Publish" }).click();
  await page.getByRole("button", { name: "Complete", exact: true }).waitFor();
  await page.keyboard.press("t");
  await page.getByRole("dialog", { name: "Merge into another branch than main" }).waitFor();
  await page.keyboard.type("rel");
  await page.getByRole("option", { name: "release" }).waitFor();
  await page.keyboard.press("Enter");
  await accessible(page, "another target");
  await page.getByRole("button", { name: "Change target" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "release" }).waitFor();
  await pick(page, "More", "Abandon");
  await page.getByText("Nothing of it is lost", { exact: false }).waitFor();
  await accessible(page, "abandoned pull request");
  await page.getByRole("button", { name: "Reactivate" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Complete", exact: true }).waitFor();
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("auto-complete is set and taken back, and policies are passed by only with a reason", { timeout: 60_000 }, async () => {
  const { url, read } = await propose("guarded", { project: "backstage", repo: "azure-demo" });
  const { page, complaints } = await open();
  await page.goto(url);
  await page.getByText("One person has to approve", { exact: false }).first().waitFor();
  await page.keyboard.press("o");
  await page.getByRole("button", { name: "Set auto-complete" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("Completes by itself").waitFor();
  await pick(page, "More", "Cancel auto-complete");
  await page.getByText("Completes by itself").waitFor({ state: "detached" });
  await page.keyboard.press("m");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Merge into main" }).click();
  await dialog.getByText("It was not merged").waitFor();
  await dialog.getByRole("checkbox", { name: /^Complete against the open policies/ }).focus();
  await page.keyboard.press("Space");
  await dialog.getByRole("textbox", { name: "Why the policies are passed by" }).fill("The house is on fire");
  await accessible(page, "passing policies by");
  await page.keyboard.press("Control+Enter");
  await page.getByText(/^Completed by/).waitFor();
  assert.equal((await read()).status, "completed");
  assert.equal(complaints.filter((one) => !/status of 409/.test(one)).length, 0, complaints.join("\n"));
  await page.context().close();
});

test("every way of merging does what it says, and a branch may stay", { timeout: 90_000 }, async () => {
  const { page, complaints } = await open();
  for (const [strategy, title, parents, stays] of [["squash", "Squash", 1, false], ["rebase", "Rebase", 1, true], ["rebaseMerge", "Rebase, then merge commit", 2, false]]) {
    const { url, git, read } = await propose(`by-${strategy}`);
    await page.goto(url);
    await page.getByRole("button", { name: "Complete", exact: true }).waitFor();
    await page.keyboard.press("m");
    await page.getByRole("combobox", { name: "Way of merging" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("option", { name: title, exact: true }).focus();
    await page.keyboard.press("Enter");
    if (stays) {
      await page.getByRole("checkbox", { name: /^Delete by-/ }).focus();
      await page.keyboard.press("Space");
    }
    await page.getByRole("button", { name: "Merge into main" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText(/^Completed by/).waitFor();
    const { lastMergeCommit } = await read();
    const commit = JSON.parse((await forge("GET", `${git}/commits/${lastMergeCommit.commitId}?api-version=7.1`)).text);
    assert.equal(commit.parents.length, parents, strategy);
    const left = JSON.parse((await forge("GET", `${git}/refs?filter=heads/by-${strategy}&api-version=7.1`)).text);
    assert.equal(left.value.some((ref) => ref.name === `refs/heads/by-${strategy}`), stays, strategy);
  }
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("a conflict names its files; title, description and a reply survive a reload", { timeout: 60_000 }, async () => {
  await push("/both.txt", "ours\n", "add");
  const first = JSON.parse((await forge("GET", "pave/platform/_apis/git/repositories/platform-configs/refs?filter=heads/main&api-version=7.1")).text).value[0].objectId;
  const { url, git, id } = await propose("contested", { path: "/both.txt", content: "theirs\n", changeType: "edit", base: first });
  await push("/both.txt", "ours again\n");
  await forge("POST", `${git}/pullRequests/${id}/threads?api-version=7.1`, { status: "active", comments: [{ parentCommentId: 0, content: "Who is right?", commentType: "text" }] });
  const { page, complaints } = await open();
  await page.goto(url);
  const conflicts = page.getByRole("region", { name: "Conflicts" });
  await conflicts.getByText("These files conflict:").waitFor();
  await conflicts.getByText("both.txt", { exact: true }).waitFor();
  await accessible(page, "conflicts");
  await page.getByRole("button", { name: "Edit", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("textbox", { name: "Title" }).fill("Contested, and settled");
  await page.getByRole("article").getByRole("button", { name: "Reply" }).click();
  await page.getByRole("textbox", { name: "Reply" }).fill("Both, a little.");
  await page.reload();
  assert.equal(await page.getByRole("textbox", { name: "Title" }).inputValue(), "Contested, and settled");
  await page.getByRole("textbox", { name: "Description" }).fill("With **words**.");
  await page.keyboard.press("Control+Enter");
  await arrived(page, "Contested, and settled");
  await page.getByText("words", { exact: true }).waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Reply" }).inputValue(), "Both, a little.");
  await page.getByRole("textbox", { name: "Reply" }).focus();
  await page.keyboard.press("Control+Enter");
  await page.getByRole("article").getByText("Both, a little.").waitFor();
  await page.getByRole("button", { name: "Resolve", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Open again" }).waitFor();
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("a host that sends no events is asked again while somebody looks", { timeout: 60_000 }, async () => {
  const { url, git, id } = await propose("elsewhere");
  const { page } = await open();
  await page.route("**/api/pave/v1/hosts", async (route) => {
    const answer = await route.fetch();
    const { items } = await answer.json();
    await route.fulfill({ response: answer, json: { items: items.map((host) => ({ ...host, shared: false })) } });
  });
  await page.route("**/api/pave/v1/events", (route) => route.abort());
  await page.goto(url);
  await page.getByText("asked again every 15 s").waitFor();
  const answer = await forge("PATCH", `${git}/pullRequests/${id}?api-version=7.1`, { title: "Elsewhere, renamed" });
  assert.equal(answer.status, 200, answer.text);
  // Coming back to the window asks at once.
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await arrived(page, "Elsewhere, renamed");
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
