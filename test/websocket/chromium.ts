import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAM = "chromium";

/** Whether the browser is there: Debian's package `chromium`. */
export const hasChromium = spawnSync(PROGRAM, ["--version"], { stdio: "ignore" }).status === 0;

export interface Chromium {
  /** Where its DevTools protocol is spoken. */
  readonly url: string;
  /** Ends it at once, without a word to anybody. */
  kill(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A browser without a window, with a profile of its own that goes with it. */
export async function startChromium(): Promise<Chromium> {
  const profile = await mkdtemp(join(tmpdir(), "ccos-chromium-"));
  const args = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--remote-debugging-port=0",
    `--user-data-dir=${profile}`,
    "about:blank",
  ];
  // A group of its own: its helpers end with it.
  const child = spawn(PROGRAM, args, { stdio: ["ignore", "ignore", "pipe"], detached: true });
  const url = await addressOf(child);
  const kill = async (): Promise<void> => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    process.kill(-child.pid, "SIGKILL");
    await ended;
  };
  return {
    url,
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`chromium ended with ${code}: ${said.slice(-2000)}`)));
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
      const found = /DevTools listening on (ws:\/\/\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
}
