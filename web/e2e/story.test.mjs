// The whole story in the browser, against the real program: from the sign-in link to a login, and back to nothing.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, arrived, fits, openPage } from "./support/page.mjs";
import { psql, startBrowser, startPlatform } from "./support/platform.mjs";

let platform;
let browser;

before(async () => {
  platform = await startPlatform();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await platform?.stop();
});

const station = (page, label) => page.getByRole("list", { name: /Road of the/ }).getByRole("button", { name: label });

async function signIn(page, scheme) {
  await page.goto(platform.portal.url);
  await arrived(page, "Sign in to Pave");
  await accessible(page, "sign-in");
  // The link of the summary works once; the second one comes from the same identities by the command line's token.
  if (scheme === "light") {
    await page.goto(platform.portal.signIn);
  } else {
    await page.context().addCookies([{ name: "pave_session", value: platform.portal.token, url: platform.portal.url }]);
    await page.goto(platform.portal.url);
  }
  await arrived(page, "Home");
}

async function fillWizard(page, name) {
  await page.getByRole("link", { name: "Create", exact: true }).first().click();
  await arrived(page, "Create");
  await accessible(page, "gallery");
  await page.getByRole("link", { name: "Choose Create Team Environment" }).click();
  await arrived(page, "Create Team Environment");
  const field = page.getByRole("textbox", { name: "Name" });
  await field.fill("Not a name!");
  await page.getByRole("textbox", { name: "Administrator login" }).fill(`${name}_admin`);
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByRole("alert").filter({ hasText: /May hold lower-case letters.*for example not-a-name/ }).waitFor();
  await accessible(page, "wizard with an error");
  await field.fill(name);
  await page.getByRole("combobox", { name: "Team" }).click();
  await page.getByRole("option", { name: "group:default/team-a" }).click();
  await page.reload();
  await page.getByText("Your draft was kept").waitFor();
  assert.equal(await field.inputValue(), name, "the draft survives a reload");
  await accessible(page, "wizard");
  await page.getByRole("button", { name: "Review" }).click();
}

async function review(page, name) {
  await page.getByRole("heading", { level: 2, name: "Review" }).waitFor();
  await page.getByRole("heading", { name: "One file will be written" }).waitFor();
  await page.getByText(`environments/team-a/${name}.yaml`, { exact: true }).waitFor();
  const table = page.getByRole("region", { name: /Resources that will come of it/ });
  for (const kind of ["TeamEnvironmentClaim", "TeamEnvironment", "FlexibleServer", "FlexibleServerDatabase", "Secret"]) {
    await table.getByRole("cell", { name: kind, exact: true }).first().waitFor();
  }
  await accessible(page, "review");
  await page.getByRole("button", { name: "Back", exact: true }).click();
  await page.getByRole("textbox", { name: "Name" }).waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Name" }).inputValue(), name, "back keeps what was typed");
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByRole("button", { name: "Create team environment" }).click();
}

async function followRun(page) {
  await page.getByRole("log", { name: "Log of the run" }).getByText("Finished step").waitFor();
  await page.getByText("completed").first().waitFor();
  await accessible(page, "run");
  await page.getByRole("link", { name: "Follow the road" }).click();
  for (const title of ["Task", "Commit", "Sync", "Claim", "Composite", "Resources", "Cloud", "Secret"]) {
    await station(page, new RegExp(`^${title}.*ok`)).waitFor();
  }
  await page.getByText(/^Ready in/).waitFor();
  await accessible(page, "road");
}

async function environment(page, name) {
  await page.getByRole("link", { name: "Open environment" }).click();
  await arrived(page, `team-a/${name}`);
  await station(page, /^Resources ×4.*ok/).click();
  const panel = page.getByRole("region", { name: "Resources in detail" });
  await panel.getByRole("button", { name: "Show the object and its events" }).first().click();
  await panel.getByText(/^apiVersion: /).waitFor();
  await page.reload();
  await panel.waitFor();
  await page.getByRole("button", { name: "Reveal values" }).click();
  const shown = page.getByText(/^postgres(ql)?:\/\//);
  const uri = await shown.textContent();
  assert.equal(await psql(uri, "select current_user || ' ' || current_database()"), `${name}_admin ${name}`);
  await accessible(page, "environment");
  await fits(page, "environment");
  await page.getByRole("button", { name: "Hide values" }).click();
  await shown.waitFor({ state: "detached" });
  return uri;
}

async function otherPages(page, name) {
  await page.goto(`${platform.portal.url}/applications`);
  await page.getByRole("link", { name: "team-a", exact: true }).waitFor();
  await accessible(page, "applications");
  await page.getByRole("link", { name: "team-a", exact: true }).click();
  await arrived(page, "team-a");
  await page.getByRole("button", { name: `Show TeamEnvironmentClaim ${name}` }).click();
  await page.getByText(/^apiVersion: platform\.example\.com/).waitFor();
  await accessible(page, "application");
  await page.goto(`${platform.portal.url}/catalog?kind=template`);
  await page.getByRole("link", { name: "Create Team Environment" }).waitFor();
  await accessible(page, "catalog");
  await page.getByRole("link", { name: "Create Team Environment" }).click();
  for (const tab of ["Overview", "Relations", "As stored"]) {
    await page.getByRole("tab", { name: tab }).click();
    await accessible(page, `entity, ${tab}`);
  }
  await page.goto(`${platform.portal.url}/settings`);
  await page.getByRole("heading", { name: "Addresses" }).waitFor();
  await accessible(page, "settings");
  await page.getByRole("tab", { name: "Audit log" }).click();
  await page.getByRole("cell", { name: /reveal/ }).first().waitFor();
  await accessible(page, "audit log");
  await page.goto(`${platform.portal.url}/nowhere`);
  await arrived(page, "No such page");
  await accessible(page, "no such page");
}

async function remove(page, name, uri) {
  await page.goto(`${platform.portal.url}/environments`);
  await page.getByRole("link", { name: `team-a/${name}` }).waitFor();
  await accessible(page, "environments");
  await page.getByRole("link", { name: `team-a/${name}` }).click();
  await page.getByRole("button", { name: "Delete environment" }).click();
  const dialog = page.getByRole("dialog");
  const confirm = dialog.getByRole("button", { name: "Delete environment" });
  assert.ok(await confirm.isDisabled(), "the name has to be typed first");
  await accessible(page, "delete dialog");
  await dialog.getByRole("textbox").fill(name);
  await confirm.click();
  await page.getByRole("list", { name: "Road of the deletion" }).waitFor();
  for (const title of ["Claim", "Composite", "Resources", "Cloud", "Secret"]) {
    await station(page, new RegExp(`^${title}.*deleted`)).waitFor();
  }
  await page.getByText(/^Gone in/).waitFor();
  await accessible(page, "road of the deletion");
  await assert.rejects(psql(uri, "select 1"), "the database is gone");
  await page.goto(`${platform.portal.url}/environments/team-a/${name}`);
  await page.getByText("This environment is gone").waitFor();
  await accessible(page, "environment that is gone");
}

for (const scheme of ["light", "dark"]) {
  test(`from the form to a login and back, ${scheme}`, { timeout: 100_000 }, async () => {
    const name = `orders${scheme}`;
    const { page, complaints } = await openPage(browser, { scheme });
    await signIn(page, scheme);
    await accessible(page, "home");
    // A second window that only watches: it must hear of everything without being loaded again.
    const watcher = await page.context().newPage();
    await watcher.goto(`${platform.portal.url}/environments`);
    await arrived(watcher, "Environments");
    await fillWizard(page, name);
    await review(page, name);
    await followRun(page);
    await watcher.getByRole("row", { name: new RegExp(`team-a/${name}.*ok`) }).waitFor();
    const uri = await environment(page, name);
    await otherPages(page, name);
    await remove(page, name, uri);
    await watcher.getByRole("link", { name: `team-a/${name}` }).waitFor({ state: "detached" });
    assert.deepEqual(complaints, [], "the browser has nothing to complain of");
    await page.context().close();
  });
}
