import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ATTRIBUTES, METRICS, SPAN_EVENTS, SPANS } from "../src/telemetry/index.ts";
import { repository } from "./run-process.ts";

const page = readFileSync(join(repository, "docs", "observability.md"), "utf8");

/** The cells of the rows of a section's tables, back-ticks removed; headings left out. */
function rows(section: string): string[][] {
  const from = page.indexOf(`\n${section}\n`);
  expect(from).toBeGreaterThan(0);
  const next = page.slice(from + 1).search(/\n#{2,3} /);
  const text = next < 0 ? page.slice(from) : page.slice(from, from + 1 + next);
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  return lines
    .filter((line, index) => !/^\|[ -|]*---/.test(line) && !/^\|[ -|]*---/.test(lines[index + 1] ?? ""))
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim().replaceAll("`", "")),
    );
}

/** The members of an interface in the source, in order. */
function eventsInSource(): string[] {
  const source = readFileSync(join(repository, "src", "kernel", "events.ts"), "utf8");
  const body = source.slice(source.indexOf("export interface RuntimeEvents"));
  return [...body.matchAll(/^ {2}(\w+): /gm)].map(([, name = ""]) => name);
}

describe("docs/observability.md", () => {
  test("names every event there is", () => {
    expect(
      rows("## Events")
        .map(([name = ""]) => name)
        .toSorted(),
    ).toEqual(eventsInSource().toSorted());
  });

  test("names every metric there is, and splits it by attributes that exist", () => {
    const stated = rows("### Metrics");
    expect(stated.map(([name = ""]) => name).toSorted()).toEqual(
      Object.values(METRICS)
        .map(({ name }) => name)
        .toSorted(),
    );
    const attributes: readonly string[] = Object.values(ATTRIBUTES);
    for (const [, , split = ""] of stated) {
      for (const [attribute] of split.matchAll(/[a-z_]+(?:\.[a-z_]+)+/g)) expect(attributes).toContain(attribute);
    }
  });

  test("names every span, span event and attribute there is", () => {
    for (const name of [...Object.values(SPANS), ...Object.values(SPAN_EVENTS), ...Object.values(ATTRIBUTES)])
      expect(page).toContain(name);
    const known: readonly string[] = [
      ...Object.values(SPANS),
      ...Object.values(SPAN_EVENTS),
      ...Object.values(ATTRIBUTES),
      ...Object.values(METRICS).map(({ name }) => name),
    ];
    for (const [name] of page.matchAll(/\bccos\.(?!config\b)[a-z_]+(?:\.[a-z_]+)*/g)) expect(known).toContain(name);
  });

  test("names every check of the doctor", () => {
    const sources = [
      ...readdirSync(join(repository, "src", "doctor")).map((file) => join("src", "doctor", file)),
      join("src", "cli", "commands", "doctor.ts"),
    ];
    const made = new Set<string>();
    for (const file of sources) {
      const source = readFileSync(join(repository, file), "utf8");
      for (const [, name = ""] of source.matchAll(/(?:\bname: |\bproblem\(\s*|\bstep\(\s*|\? )"([a-z]+)"/g))
        made.add(name);
      for (const [, name = ""] of source.matchAll(/problem\([^"]*"[a-z-]+" \? "[a-z]+" : "([a-z]+)"/g)) made.add(name);
    }
    expect(
      rows("## Doctor")
        .flatMap(([names = ""]) => names.split(" "))
        .toSorted(),
    ).toEqual([...made].toSorted());
  });
});
