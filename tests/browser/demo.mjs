// A demo of one's own: a server on loopback with data in it, which goes on making more until it is stopped.

import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const READY_MS = 300_000, GONE_MS = 30_000;

/** Starts a demo; answers where it is, who may log in, and how it is stopped. */
export async function start({ binary, pgBindir, leads = 300, agents = 8 }) {
  const folder = mkdtempSync(join(tmpdir(), "switchboard-browser-"));
  // Postgres may run as another user, whose way leads through it.
  chmodSync(folder, 0o711);
  const args = ["demo", "--pg-bindir", pgBindir, "--leads", String(leads), "--agents", String(agents)];
  args.push("--data-dir", folder);
  const env = { ...process.env, SWITCHBOARD_LISTEN: "127.0.0.1:0" };
  delete env.DATABASE_URL;
  const child = spawn(binary, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  const gone = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
  let said = "";
  const up = new Promise((resolve) => {
    const hear = (chunk) => {
      said += chunk;
      const found = /^Up at (\S+)\/ops$/m.exec(said);
      if (found) resolve(found[1]);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
  });
  const stop = async () => {
    child.kill("SIGINT");
    const late = setTimeout(() => child.kill("SIGKILL"), GONE_MS);
    await gone;
    clearTimeout(late);
    rmSync(folder, { recursive: true, force: true });
  };
  let timer;
  const late = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error("the demo is not up")), READY_MS); });
  const died = gone.then((how) => { throw new Error(`the demo ended with ${how}`); });
  died.catch(() => {});
  try {
    const base = await Promise.race([up, late, died]);
    const { slug, email, password, operator_key: operatorKey } = JSON.parse(readFileSync(join(folder, "demo.json")));
    return { base, tenant: slug, email, password, operatorKey, stop, said: () => said };
  } catch (why) {
    await stop();
    throw new Error(`${why.message}; it said:\n${said}`);
  } finally {
    clearTimeout(timer);
  }
}
