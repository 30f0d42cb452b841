import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { dirname, join } from "node:path";

const root = dirname(import.meta.dirname);
const BEGIN = "<!-- Written by the bench; the next run replaces it. -->";
const END = "<!-- End of what the bench writes. -->";

/** Puts what a run has found into a page, in the place of what the last one found. */
export function replaceGenerated(page: string, text: string): void {
  const file = join(root, page);
  const old = readFileSync(file, "utf8");
  const [begin, end] = [old.indexOf(BEGIN), old.indexOf(END)];
  if (begin === -1 || end === -1) throw new Error(`${page} does not say where the results belong.`);
  writeFileSync(file, `${old.slice(0, begin)}${BEGIN}\n\n${text}\n\n${old.slice(end)}`);
  const formatter = join(root, "node_modules", "oxfmt", "bin", "oxfmt");
  if (existsSync(formatter)) execFileSync(process.execPath, [formatter, file], { stdio: "ignore" });
  console.error(`Written to ${page}.`);
}

/** When and on what a run was made. */
export function conditions(): string {
  const [first] = cpus();
  const load = loadavg()
    .map((one) => one.toFixed(1))
    .join(", ");
  const memory = Math.round(totalmem() / 2 ** 30);
  return `Measured on ${new Date().toISOString().slice(0, 10)}: Node ${process.versions.node}, ${process.platform}, ${cpus().length} cores (${first?.model.trim() ?? "unknown"}), ${memory} GiB; load average at the end ${load}.`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
