import { execFile } from "node:child_process";
import { delimiter, dirname, join } from "node:path";

export interface Finished {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessOptions {
  readonly cwd?: string;
  /** Added to an environment that holds nothing but the path and the home folder. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export const repository = dirname(import.meta.dirname);
/** The built bin. */
export const ccosBin = join(repository, "dist", "bin", "ccos.js");

/** Runs a program to its end; a failure is a result, not an error. The Node of these tests comes first on the path. */
export function runProcess(file: string, args: readonly string[], options: ProcessOptions = {}): Promise<Finished> {
  const { PATH = "", HOME = "" } = process.env;
  const env = { PATH: `${dirname(process.execPath)}${delimiter}${PATH}`, HOME, NO_COLOR: "1", ...options.env };
  return new Promise((resolve) => {
    const settings = { cwd: options.cwd, env, timeout: options.timeoutMs ?? 60_000, maxBuffer: 64 * 1024 * 1024 };
    execFile(file, args, settings, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? null), stdout, stderr });
    });
  });
}

/** Runs the built bin by this Node. */
export function runCcos(args: readonly string[], options: ProcessOptions = {}): Promise<Finished> {
  return runProcess(process.execPath, [ccosBin, ...args], options);
}
