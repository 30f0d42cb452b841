import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { repository } from "../run-process.ts";

const main = join(repository, "src", "cli", "main.ts");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  /** Settles when stderr holds the text, or rejects when the process ends without it. */
  said(text: string): Promise<void>;
}

export interface Place {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Writes files, by their path below the folder. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
  start(
    args: readonly string[],
    options?: { readonly env?: Readonly<Record<string, string>>; readonly stdin?: string },
  ): Running;
  /** Runs the program from its source to the end. */
  ccos(
    args: readonly string[],
    options?: { readonly env?: Readonly<Record<string, string>>; readonly stdin?: string },
  ): Promise<Ended>;
  remove(): Promise<void>;
}

/** A folder of its own with an environment that holds nothing of this machine's but the path. */
export async function createPlace(): Promise<Place> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "ccos-cli-")));
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: join(folder, ".home"),
    CCOS_TRUST_FILE: join(folder, ".home", "trust.json"),
  };
  const start: Place["start"] = (args, options = {}) => {
    const child = spawn(process.execPath, [main, ...args], { cwd: folder, env: { ...env, ...options.env } });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.on("error", () => {});
    child.stdin.end(options.stdin ?? "");
    const ended = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
    const said = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => void (stderr.includes(text) && resolve());
        child.stderr.on("data", look);
        child.once("close", () => reject(new Error(`It ended without saying ${JSON.stringify(text)}: ${stderr}`)));
        look();
      });
    return { child, ended, said };
  };
  return {
    folder,
    env,
    start,
    ccos: (args, options) => start(args, options).ended,
    async write(files) {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), text);
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
