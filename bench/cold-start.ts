import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { capability } from "./contenders/ccos.ts";
import { median } from "./load.ts";

const root = dirname(import.meta.dirname);
const ROUNDS = 11;

export interface ColdStart {
  readonly command: string;
  /** The whole process, from its start to its end, in milliseconds. */
  readonly medianMs: number;
}

/** Whole processes that call one tool once, each run by node directly, one after the other in turns. */
export async function coldStarts(url: string): Promise<ColdStart[]> {
  const home = mkdtempSync(join(tmpdir(), "ccos-bench-"));
  writeFileSync(join(home, "bench.rtfs"), capability(url, "store"));
  writeFileSync(join(home, "mcporter.json"), JSON.stringify({ mcpServers: { bench: { url } }, imports: [] }));
  const commands: readonly (readonly [name: string, args: readonly string[]])[] = [
    ["node -e 0", ["-e", "0"]],
    [
      "ccos call",
      [
        join(root, "dist", "bin", "ccos.js"),
        "call",
        "mcp.bench.store",
        "key=cold",
        "--capabilities",
        join(home, "bench.rtfs"),
      ],
    ],
    [
      "mcporter call",
      [
        join(import.meta.dirname, "node_modules", "mcporter", "dist", "cli.js"),
        "--config",
        join(home, "mcporter.json"),
        "call",
        "bench.store",
        "key=cold",
      ],
    ],
  ];
  // No daemon, and nothing that this machine's user has configured.
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    XDG_CONFIG_HOME: home,
    MCPORTER_DISABLE_KEEPALIVE: "*",
    BENCH_TOKEN: process.env["BENCH_TOKEN"] ?? "",
  };
  const took = commands.map((): number[] => []);
  try {
    // The first round fills the caches of the disk and of the compiler, and is not counted.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [index, [name, args]] of commands.entries()) {
        const ms = await timed(name, args, env, home);
        if (round > 0) took[index]?.push(ms);
      }
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  return commands.map(([command], index) => ({ command, medianMs: median(took[index] ?? []) }));
}

function timed(name: string, args: readonly string[], env: Record<string, string>, cwd: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const child = spawn(process.execPath, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.once("close", (code) => {
      const ms = performance.now() - startedAt;
      if (code === 0 && (args[0] === "-e" || output.includes("cold"))) resolve(ms);
      else reject(new Error(`${name} ended with ${code}: ${output.slice(0, 500)}`));
    });
  });
}
