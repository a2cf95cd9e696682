// A platform of its own in a directory of its own, as a person gets it, and a browser to look at it.
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const run = promisify(execFile);
const binary = resolve(process.env.PAVE_BINARY ?? join(import.meta.dirname, "../../../target/debug/pave"));
const browsers = [process.env.PAVE_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

// Starts `pave up --demo` and waits for its summary; the text of an app-config.yaml may go with it.
export async function startPlatform(configuration) {
  const home = await mkdtemp(join(tmpdir(), "pave-e2e-"));
  // Run as root, PostgreSQL has a user of its own, which has to get there.
  await chmod(home, 0o755);
  const data = join(home, "data");
  if (configuration !== undefined) {
    await writeFile(join(home, "app-config.yaml"), configuration);
  }
  const server = spawn(binary, ["up", "--demo", "--portal-port", "0", "--data", data, "--output", "json"], {
    cwd: home,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  server.stderr.on("data", (text) => {
    said = `${said}${text}`.slice(-4000);
  });
  const exited = new Promise((done) => server.once("exit", done));
  const pave = async (...words) => (await run(binary, words, { env: { ...process.env, PAVE_DATA: data }, timeout: 30_000 })).stdout;
  const stop = async () => {
    await run(binary, ["down", "--data", data], { timeout: 30_000 }).catch(() => server.kill("SIGTERM"));
    await exited;
    await rm(home, { recursive: true, force: true });
  };
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const first = await Promise.race([lines.next(), exited.then(() => ({ done: true }))]);
  if (first.done) {
    await stop();
    throw new Error(`${binary} up ended before it was ready:\n${said}`);
  }
  return { ...JSON.parse(first.value), pave, stop };
}

export async function startBrowser() {
  const executablePath = browsers.find((path) => path && existsSync(path));
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

// The answer of one SQL question, asked by `psql` with nothing but the connection string.
export async function psql(uri, sql) {
  return (await run("psql", [uri, "-tAc", sql], { timeout: 10_000 })).stdout.trim();
}
