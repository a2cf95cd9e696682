// Behind a reverse proxy, below a path: nothing of the portal asks for anything outside of it.
import assert from "node:assert/strict";
import { createServer, request as ask } from "node:http";
import { after, before, test } from "node:test";
import { arrived, openPage } from "./support/page.mjs";
import { startBrowser, startPlatform } from "./support/platform.mjs";

let platform;
let browser;
let proxy;
let base;
// How the proxy passes on: the whole path and the browser's Host, or what is below the prefix and its own Host.
let strips = false;

before(async () => {
  proxy = createServer((incoming, outgoing) => {
    const inside = /^\/pave(\/|\?|$)/.test(incoming.url);
    if (!inside || !platform) {
      outgoing.writeHead(404, { "content-type": "text/plain" }).end("another application");
      return;
    }
    const { hostname, port } = new URL(platform.portal.url);
    const path = strips ? incoming.url.replace(/^\/pave\/?/, "/") : incoming.url;
    const headers = strips ? { ...incoming.headers, host: `${hostname}:${port}`, "x-forwarded-prefix": "/pave" } : incoming.headers;
    const passed = ask({ hostname, port, path, method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    outgoing.on("close", () => passed.destroy());
    incoming.pipe(passed);
  });
  await new Promise((listening) => proxy.listen(0, "127.0.0.1", listening));
  base = `http://127.0.0.1:${proxy.address().port}/pave`;
  platform = await startPlatform(`app:\n  baseUrl: ${base}\n`);
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  proxy?.closeAllConnections();
  proxy?.close();
  await platform?.stop();
});

for (const kind of ["keeps", "strips"]) {
  test(`the portal works below a path that the proxy ${kind}`, { timeout: 60_000 }, async () => {
    strips = kind === "strips";
    const { page, complaints } = await openPage(browser, {});
    const strays = [];
    page.on("request", (request) => {
      if (request.url().startsWith("http") && !request.url().startsWith(`${base}/`)) {
        strays.push(request.url());
      }
    });
    const [code] = /\?code=\S+/.exec(await platform.pave("status"));
    const events = page.waitForResponse((response) => response.url() === `${base}/api/pave/v1/events` && response.status() === 200);
    await page.goto(`${base}/sign-in${code}`);
    await arrived(page, "Home");
    await events;
    const [cookie] = await page.context().cookies(`${base}/`);
    assert.equal(cookie.path, "/pave/");
    await page.getByRole("link", { name: "Catalog" }).click();
    await page.waitForURL(`${base}/catalog`);
    await page.getByRole("link", { name: "Create Team Environment" }).click();
    await arrived(page, "Create Team Environment");
    await page.reload();
    await arrived(page, "Create Team Environment");
    await page.goto(`${base}/repos/pave/platform/platform-configs?path=/README.md`);
    await page.getByRole("link", { name: "History" }).waitFor();
    // A change with the session's cookie, and back to where one signs in.
    await page.goto(`${base}/settings`);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { level: 1, name: "Sign in to Pave" }).waitFor();
    assert.ok(page.url().startsWith(`${base}/`), page.url());
    await page.goto(`${base}/sign-in${code}`);
    await page.getByText("That sign-in link was used already").waitFor();
    assert.deepEqual(strays, []);
    assert.deepEqual(complaints, []);
    await page.context().close();
  });
}

test("without the proxy it stands at the root", { timeout: 30_000 }, async () => {
  const { page, complaints } = await openPage(browser, { token: platform.portal.token, portal: platform.portal.url });
  await page.goto(`${platform.portal.url}/catalog`);
  await arrived(page, "Catalog");
  assert.deepEqual(complaints, []);
  await page.context().close();
});
