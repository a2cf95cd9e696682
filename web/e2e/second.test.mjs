// The second story in the browser: a form, a pull request, somebody else's approval, a pipeline, a resource group.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, arrived, fits, openPage } from "./support/page.mjs";
import { startBrowser, startPlatform } from "./support/platform.mjs";

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

const tokenOf = async (user) => (await platform.pave("token", "create", "--user", user)).trim().split(/\s+/).at(-1);
const station = (page, label) => page.getByRole("list", { name: "Road of the request" }).getByRole("button", { name: label });

async function ask(page, name) {
  await page.goto(`${platform.portal.url}/create`);
  await page.getByRole("link", { name: "Choose Request a resource group" }).click();
  await arrived(page, "Request a resource group");
  await page.getByRole("textbox", { name: "Name" }).fill(name);
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByRole("heading", { level: 2, name: "Review" }).waitFor();
  await page.getByText(`requests/${name}/main.tf`, { exact: true }).waitFor();
  await accessible(page, "review of a pull request");
  await page.getByRole("button", { name: "Request a resource group" }).click();
  await page.getByRole("link", { name: "Follow the road" }).click();
}

for (const scheme of ["light", "dark"]) {
  test(`from a form to a resource group by pull request, ${scheme}`, { timeout: 120_000 }, async () => {
    const name = `rg-${scheme}`;
    const alice = await openPage(browser, { scheme, token: await tokenOf("alice"), portal: platform.portal.url });
    const bob = await openPage(browser, { scheme, token: await tokenOf("bob"), portal: platform.portal.url });
    await ask(alice.page, name);
    await station(alice.page, /^Pull request.*ok/).waitFor();
    await station(alice.page, /^Review.*waiting for you/).waitFor();
    await accessible(alice.page, "road that waits for a review");
    const road = alice.page.url();

    await station(alice.page, /^Pull request/).click();
    await alice.page.getByRole("link", { name: /Open pull request/ }).click();
    await arrived(alice.page, `Resource group ${name}`);
    await alice.page.getByText("Pipeline resource-groups", { exact: false }).first().waitFor();
    await accessible(alice.page, "pull request");

    await bob.page.goto(alice.page.url());
    await arrived(bob.page, `Resource group ${name}`);
    await bob.page.getByRole("button", { name: "Vote", exact: true }).waitFor();
    await bob.page.keyboard.press("a");
    await bob.page.getByRole("button", { name: "You: approved" }).waitFor();
    await alice.page.getByText("approved").first().waitFor();

    await alice.page.keyboard.press("m");
    const dialog = alice.page.getByRole("dialog");
    await dialog.waitFor();
    await accessible(alice.page, "completion");
    await dialog.getByRole("button", { name: "Merge into main" }).click();
    await alice.page.getByText(/Completed by Alice/).waitFor();

    await alice.page.goto(road);
    for (const label of [/^Merge.*ok/, /^Run.*ok/, /^Plan.*ok/, /^Apply.*ok/, /^Cloud.*ok/]) {
      await station(alice.page, label).waitFor({ timeout: 60_000 });
    }
    await station(alice.page, /^Cloud/).click();
    await alice.page.getByText(new RegExp(`^/subscriptions/.*/resourceGroups/${name}$`)).waitFor();
    await accessible(alice.page, "road at its end");
    await alice.page.setViewportSize({ width: 360, height: 760 });
    await fits(alice.page, "road at its end");
    assert.deepEqual([...alice.complaints, ...bob.complaints], []);
  });
}
