/**
 * Runs the client scenarios of the MCP conformance suite against `client.ts`, one at a time: started together,
 * as the suite does by itself, they fail at random on a small machine.
 *
 *     node test/conformance/run.ts [part of a scenario's name]
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Scenario {
  readonly name: string;
  /** The revision it is run at; undefined for an extension, which belongs to none. */
  readonly version: string | undefined;
}

export interface Outcome {
  readonly passed: boolean;
  readonly output: string;
}

const SUITE = createRequire(import.meta.url).resolve("@modelcontextprotocol/conformance/dist/index.js");
const CLIENT = fileURLToPath(new URL("client.ts", import.meta.url));
/** The same for scenarios of authorization. */
const AUTH_CLIENT = fileURLToPath(new URL("auth-client.ts", import.meta.url));
const EXPECTED = new URL("expected-failures.json", import.meta.url);

/** The last revision of each era; a scenario of both is run in both. */
const ERAS: readonly (readonly string[])[] = [["2026-07-28"], ["2025-11-25", "2025-06-18", "2025-03-26"]];

/** Why a scenario fails so far, by its name. One that is listed and passes is an error, too. */
export async function expectedFailures(): Promise<Readonly<Record<string, string>>> {
  return JSON.parse(await readFile(EXPECTED, "utf8")) as Record<string, string>;
}

export async function listScenarios(): Promise<Scenario[]> {
  const { output } = await suite(["list"]);
  const section = /^Client scenarios[^\n]*\n(?<lines>(?:\s+-[^\n]*\n?)+)/m.exec(output)?.groups?.["lines"] ?? "";
  const scenarios: Scenario[] = [];
  for (const [, name = "", versions = ""] of section.matchAll(/^\s+- (\S+) \[([^\]]*)\]/gm)) {
    const known = versions.split(",");
    // Authorization is the same in every revision so far: once is enough.
    const eras = name.startsWith("auth/") ? [ERAS.flat()] : ERAS;
    const chosen = eras.flatMap((era) => era.filter((version) => known.includes(version)).slice(0, 1));
    for (const version of chosen.length === 0 ? [undefined] : chosen) scenarios.push({ name, version });
  }
  if (scenarios.length === 0) throw new Error(`The suite lists no client scenarios:\n${output}`);
  return scenarios;
}

export async function runScenario({ name, version }: Scenario): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), "conformance-"));
  try {
    const { code, output } = await suite([
      "client",
      "--command",
      `${process.execPath} ${name.startsWith("auth/") ? AUTH_CLIENT : CLIENT}`,
      "--scenario",
      name,
      "--timeout",
      "30000",
      "--output-dir",
      folder,
      ...(version === undefined ? [] : ["--spec-version", version]),
    ]);
    return { passed: code === 0, output };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function suite(args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [SUITE, ...args], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1) || 1, output: stdout + stderr });
    });
  });
}

if (import.meta.main) {
  const expected = await expectedFailures();
  const wanted = process.argv[2] ?? "";
  let wrong = 0;
  for (const scenario of (await listScenarios()).filter(({ name }) => name.includes(wanted))) {
    const { passed, output } = await runScenario(scenario);
    const reason = expected[scenario.name];
    const right = passed === (reason === undefined);
    if (!right) wrong++;
    const verdict = passed ? "pass" : "fail";
    const remark = right ? (reason ?? "") : reason === undefined ? "UNEXPECTED" : "LISTED AS FAILING, AND PASSES";
    console.log(`${verdict}  ${scenario.name} ${scenario.version ?? ""}  ${remark}`);
    if (!right && !passed) console.log(output);
  }
  process.exitCode = wrong === 0 ? 0 : 1;
}
