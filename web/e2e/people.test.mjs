// What people without a mouse, without a right, without a sign-in, and on a phone meet.
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
const focused = (page) => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "");

// Presses Tab until the focus is there; every stop on the way has to be visible.
async function tabTo(page, wanted) {
  for (let step = 0; step < 40; step += 1) {
    await page.keyboard.press("Tab");
    const ring = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      const field = document.activeElement.matches("input, textarea");
      return field || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
    });
    assert.ok(ring, `focus can be seen at “${await focused(page)}”`);
    if (await wanted.evaluate((element) => element === document.activeElement)) {
      return;
    }
  }
  assert.fail("Tab never gets there");
}

test("the wizard by keyboard alone", { timeout: 60_000 }, async () => {
  const { page, complaints } = await openPage(browser, { token: await tokenOf("alice"), portal: platform.portal.url });
  await page.goto(platform.portal.url);
  await arrived(page, "Home");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await accessible(page, "keys");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("g");
  await page.keyboard.press("a");
  await arrived(page, "Applications");
  await page.keyboard.press("/");
  assert.ok(await page.getByRole("textbox", { name: "Filter" }).evaluate((element) => element === document.activeElement));
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Search" }).waitFor();
  await page.keyboard.type("create team");
  await page.getByRole("option", { name: /^Create Team Environment/ }).first().waitFor();
  await accessible(page, "palette");
  await page.keyboard.press("Enter");
  await arrived(page, "Create Team Environment");
  const name = page.getByRole("textbox", { name: "Name" });
  await name.waitFor();
  if (!(await name.evaluate((element) => element === document.activeElement))) {
    await tabTo(page, name);
  }
  await page.keyboard.type("keyboard");
  await tabTo(page, page.getByRole("textbox", { name: "Administrator login" }));
  await page.keyboard.type("keyboard_admin");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 2, name: "Review" }).waitFor();
  const go = page.getByRole("button", { name: "Create team environment" });
  await page.getByRole("heading", { name: "One file will be written" }).waitFor();
  await tabTo(page, go);
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("link", { name: "Follow the road" }));
  await page.keyboard.press("Enter");
  const secret = page.getByRole("button", { name: /^Secret.*ok/ });
  await secret.waitFor();
  const task = page.getByRole("button", { name: /^Task.*ok/ });
  await tabTo(page, task);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Commit in detail" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("region", { name: "Commit in detail" }).waitFor({ state: "detached" });
  assert.match(await focused(page), /^Commit/, "Esc gives the focus back to the station");
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("a request for another team is refused before anything is made, and says why", { timeout: 40_000 }, async () => {
  const { page, complaints } = await openPage(browser, { token: await tokenOf("bob"), portal: platform.portal.url });
  const values = encodeURIComponent(JSON.stringify({ envName: "foreign", dbUser: "foreign_admin", team: "group:default/team-a" }));
  await page.goto(`${platform.portal.url}/create/default/create-team-environment?step=2&formData=${values}`);
  await page.getByText("You may not do this; see above why.").waitFor();
  assert.ok(await page.getByRole("button", { name: "Create team environment" }).isDisabled());
  await page.getByRole("alert").filter({ hasText: "environments/team-a/foreign.yaml" }).first().waitFor();
  await accessible(page, "refused review");
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("a sign-in that has ended leads back to the sign-in page, and the draft is still there afterwards", { timeout: 40_000 }, async () => {
  const token = await tokenOf("alice");
  const { page, complaints } = await openPage(browser, { token, portal: platform.portal.url });
  await page.goto(`${platform.portal.url}/create/default/create-team-environment`);
  await page.getByRole("textbox", { name: "Name" }).fill("kept");
  const kept = await page.context().cookies();
  await page.context().clearCookies();
  await page.getByRole("link", { name: "Applications" }).click();
  await arrived(page, "Sign in to Pave");
  await page.context().addCookies(kept);
  await page.goto(`${platform.portal.url}/create/default/create-team-environment`);
  await page.getByText("Your draft was kept").waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Name" }).inputValue(), "kept");
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("every page fits a phone", { timeout: 60_000 }, async () => {
  const { page } = await openPage(browser, { token: platform.portal.token, portal: platform.portal.url, viewport: { width: 360, height: 740 } });
  const pages = ["/", "/catalog", "/catalog/default/template/create-team-environment", "/create", "/create/default/create-team-environment", "/environments", "/environments/team-a/keyboard", "/applications", "/applications/argocd/team-a", "/settings"];
  for (const path of pages) {
    await page.goto(`${platform.portal.url}${path}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.locator("[aria-label=Loading]").first().waitFor({ state: "detached" });
    await fits(page, path);
    await accessible(page, `${path} on a phone`);
  }
  await page.getByRole("button", { name: "Open the menu" }).click();
  await page.getByRole("link", { name: "Home" }).click();
  await arrived(page, "Home");
  await page.context().close();
});
