/**
 * `npm run bench:rtfs`: how fast RTFS is read, loaded and evaluated, each beside the same work in plain
 * JavaScript, and evaluation beside another Lisp for this platform. Writes the tables of
 * docs/performance-rtfs.md. Options: --rounds N (default 15), --files N (default 10000), --dry (writes nothing).
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { read } from "../src/rtfs/index.ts";
import { ensureInstalled } from "./install.ts";
import { conditions, replaceGenerated, table } from "./page.ts";
import { makeCapabilityFiles, type CapabilityFile } from "./rtfs/capability-files.ts";
import { KERNELS } from "./rtfs/kernels.ts";
import { interleaved, median } from "./rtfs/rounds.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    files: { type: "string", default: "10000" },
    dry: { type: "boolean", default: false },
  },
});
const rounds = Number(options.rounds);
const processes = 5;

ensureInstalled();
const files = makeCapabilityFiles(Number(options.files));
const sections = [readingSection(files), loadingSection(files), kernelSection()];
const page = [...sections, conditions()].join("\n\n");
console.log(page);
if (!options.dry) replaceGenerated("docs/performance-rtfs.md", page);

function readingSection(all: readonly CapabilityFile[]): string {
  const rows = [200, 2_000].map((count) => {
    const some = all.slice(0, count);
    const rtfs = some.map((file) => file.rtfs).join("\n");
    const json = `[${some.map((file) => file.json).join(",")}]`;
    const [own, parse] = interleaved(rounds, [() => mustRead(rtfs, count), (): unknown => JSON.parse(json)]) as [
      number,
      number,
    ];
    return [
      `one file of ${megabytes(rtfs.length)} MB`,
      perSecond(rtfs.length, own),
      perSecond(json.length, parse),
      times(own / parse),
    ];
  });
  return `## Reading\n\n${table(["text", "RTFS", "`JSON.parse` of the same content", "time of RTFS to JSON"], rows)}`;
}

function mustRead(text: string, count: number): void {
  const { forms, errors } = read(text);
  if (errors.length > 0 || forms.length !== count) throw errors[0] ?? new Error("Not all of the text was read.");
}

function loadingSection(all: readonly CapabilityFile[]): string {
  const folder = mkdtempSync(join(tmpdir(), "ccos-bench-"));
  try {
    for (const kind of ["rtfs", "json"] as const) {
      mkdirSync(join(folder, kind));
      for (const file of all) writeFileSync(join(folder, kind, `${file.name}.${kind}`), file[kind]);
    }
    const runs = Array.from({ length: processes }, (_, index) =>
      loadInProcess(folder, index % 2 === 0 ? "json" : "rtfs"),
    );
    const row = (name: string, some: readonly LoadTimes[]): string[] => {
      const rtfs = median(some.map((one) => one.rtfs));
      const json = median(some.map((one) => one.reading + one.parsing));
      const parsing = median(some.map((one) => one.parsing));
      return [
        name,
        `${rtfs.toFixed(0)} ms`,
        `${json.toFixed(0)} ms, ${parsing.toFixed(0)} of it \`JSON.parse\``,
        times(rtfs / json),
      ];
    };
    const rows = [
      row(
        "first in a fresh process",
        runs.map(([first]) => first as LoadTimes),
      ),
      row(
        "later",
        runs.flatMap((run) => run.slice(2)),
      ),
    ];
    const size = `${all.length.toLocaleString("en")} files, ${megabytes(sum(all.map((file) => file.rtfs.length)))} MB (as JSON ${megabytes(sum(all.map((file) => file.json.length)))} MB)`;
    return `## Loading and validating ${size}\n\n${table(["", "RTFS", "files read and parsed as JSON", "ratio"], rows)}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface LoadTimes {
  readonly rtfs: number;
  readonly reading: number;
  readonly parsing: number;
}

function loadInProcess(folder: string, first: "json" | "rtfs"): LoadTimes[] {
  const worker = join(import.meta.dirname, "rtfs", "load-worker.ts");
  return JSON.parse(execFileSync(process.execPath, [worker, folder, "7", first], { encoding: "utf8" })) as LoadTimes[];
}

interface KernelTimes {
  readonly javascript: number;
  readonly rtfs: number;
  readonly peer: number;
}

function kernelSection(): string {
  const interpreted = kernelsInProcess("interpreted");
  const compiled = kernelsInProcess("compiled");
  const rows = KERNELS.map(({ name }) => {
    const one = interpreted[name] as KernelTimes;
    const other = compiled[name] as KernelTimes;
    return [
      name,
      milliseconds(one.javascript),
      milliseconds(one.rtfs),
      times(one.rtfs / one.javascript),
      milliseconds(one.peer),
      times(one.peer / one.rtfs),
      milliseconds(other.peer),
      times(other.peer / other.rtfs),
    ];
  });
  const head = [
    "kernel",
    "JavaScript",
    "RTFS",
    "RTFS to JavaScript",
    "nbb, interpreted",
    "to RTFS",
    "nbb, compiled",
    "to RTFS",
  ];
  return `## Evaluation\n\n${table(head, rows)}\n\n${lispSection(interpreted, compiled)}`;
}

type Times = Readonly<Record<string, KernelTimes>>;

/** One kernel in every Lisp that is measured here. */
function lispSection(interpreted: Times, compiled: Times): string {
  const [{ name }] = KERNELS as [(typeof KERNELS)[number]];
  const worker = join(import.meta.dirname, "rtfs", "scheme-worker.ts");
  const scheme = JSON.parse(execFileSync(process.execPath, [worker, "5"], { encoding: "utf8" })) as number;
  const one = interpreted[name] as KernelTimes;
  const other = compiled[name] as KernelTimes;
  const rows: [lisp: string, ms: number, rtfs: number][] = [
    ["nbb, compiled to JavaScript", other.peer, other.rtfs],
    ["RTFS", one.rtfs, one.rtfs],
    ["nbb, interpreted by closures", one.peer, one.rtfs],
    ["BiwaScheme, interpreted by a machine of its own", scheme, one.rtfs],
  ];
  const lines = rows.map(([lisp, ms, rtfs]) => [lisp, milliseconds(ms), times(ms / rtfs)]);
  return `### ${name} in the Lisps of npm\n\n${table(["", "time", "to RTFS"], lines)}`;
}

function kernelsInProcess(mode: "interpreted" | "compiled"): Readonly<Record<string, KernelTimes>> {
  const worker = join(import.meta.dirname, "rtfs", "kernel-worker.ts");
  return JSON.parse(execFileSync(process.execPath, [worker, String(rounds), mode], { encoding: "utf8" })) as Record<
    string,
    KernelTimes
  >;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function megabytes(characters: number): string {
  return (characters / 1e6).toFixed(1);
}

function perSecond(characters: number, ms: number): string {
  return `${(characters / 1e3 / ms).toFixed(0)} MB/s`;
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
}

function times(ratio: number): string {
  return `${ratio.toFixed(1)} ×`;
}
