import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { main, type World } from "../src/cli/program.ts";
import { POLICY_SETTINGS, POLICY_TABLES } from "../src/policies/index.ts";
import type { SettingTable } from "../src/policies/settings.ts";
import { SESSION_TABLE } from "../src/session/session-policy.ts";
import { knownKeys } from "../src/config/schema.ts";
import { ERROR_TABLE } from "../src/kernel/index.ts";
import { ROOMS } from "./architecture/rooms.ts";
import { repository } from "./run-process.ts";

const read = (path: string): string => readFileSync(join(repository, path), "utf8");
const pages = [
  ...readdirSync(repository).filter((name) => name.endsWith(".md")),
  ...readdirSync(join(repository, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** The cells of every table row of a page, back-ticks removed. */
const rows = (page: string): string[][] =>
  read(page)
    .split("\n")
    .filter((line) => /^\|.*\|$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim().replaceAll("`", "")),
    );

describe("the documents", () => {
  test("docs/errors.md states the table of codes as it is", () => {
    const stated = rows("docs/errors.md").filter(
      (cells) => cells.length === 6 && /^[a-z]+(-[a-z]+)*$/.test(cells[0] ?? ""),
    );
    const actual = Object.entries(ERROR_TABLE).map(([code, row]) => [
      code,
      row.origin,
      row.retry,
      row.breaker ? "yes" : "no",
      String(row.httpStatus),
      String(row.exitCode),
    ]);
    expect(stated.filter(([code]) => code !== "code")).toEqual(actual);
  });

  test("docs/architecture.md names every room and the doors it may enter", () => {
    const stated = new Map(
      rows("docs/architecture.md")
        .filter((cells) => cells.length === 3 && (cells[0] ?? "") in ROOMS)
        .map(([room = "", , doors = ""]) => [room, doors === "nothing" ? [] : doors.split(", ")]),
    );
    expect([...stated.keys()].toSorted()).toEqual(Object.keys(ROOMS).toSorted());
    // The public door may enter everywhere; its row says so in words.
    const rooms = Object.entries(ROOMS).filter(([room]) => room !== "index.ts");
    for (const [room, { doors }] of rooms)
      expect([room, stated.get(room)?.toSorted()]).toEqual([room, doors.toSorted()]);
  });

  test("docs/configuration.md names every setting there is, and its default", () => {
    const stated = new Map(
      rows("docs/configuration.md").flatMap(([keys = "", second = ""]) => keys.split(" ").map((key) => [key, second])),
    );
    const keys = [...knownKeys([]), ...knownKeys(["session"])].filter((key) => key !== "$schema");
    expect([...stated.keys()]).toEqual(expect.arrayContaining(keys));
    for (const [key, { fallback }] of Object.entries(SESSION_TABLE)) {
      if (fallback !== undefined) expect([key, stated.get(key)]).toEqual([key, String(fallback)]);
    }
  });

  test("docs/policies.md names every setting of the policies, its default and its range", () => {
    const tables: [string, SettingTable][] = [...Object.entries<SettingTable>(POLICY_TABLES), ["", POLICY_SETTINGS]];
    const actual = tables.flatMap(([block, table]) =>
      Object.entries(table).map(([key, { fallback, expected }]) => [
        block === "" ? key : `${block} ${key}`,
        fallback === undefined ? "none" : String(fallback),
        expected.replace(/^a(?: whole)? number /, ""),
      ]),
    );
    const stated = rows("docs/policies.md").filter(
      ([name = "", ...others]) => others.length === 3 && /^[a-z]/.test(name) && name !== "setting",
    );
    expect(stated.map(([key, fallback, range]) => [key, fallback, range])).toEqual(actual);
  });

  test("docs/cli.md names every command and option there is", async () => {
    let help = "";
    const sink = { write: (text: string) => (help += text) };
    const world = { stdin: process.stdin, stdout: sink, stderr: sink, env: {}, cwd: repository, signals: process };
    await main(["--help"], world as unknown as World);
    const named = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+|[a-z]+ )/gm)].map(([, name = ""]) => name.trim());
    const page = read("docs/cli.md");
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !["--version", "--help", "help"].includes(name) && !page.includes(name))).toEqual([]);
  });

  test("link only to files that exist", () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map(([, target = ""]) => target)
        .filter((target) => !existsSync(join(repository, dirname(page), target)))
        .map((target) => `${page} → ${target}`),
    );
    expect(broken).toEqual([]);
  });

  test("name only scripts that package.json has", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const named = pages.flatMap((page) =>
      [...read(page).matchAll(/npm run ([a-z][a-z:]*)/g)].map(([, name = ""]) => name),
    );
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  test("list every decision record", () => {
    const records = pages
      .filter((page) => /^docs\/decisions\/\d/.test(page))
      .map((page) => page.replace("docs/decisions/", ""));
    const listed = [...read("docs/decisions/README.md").matchAll(/\((\d{4}-[a-z0-9-]+\.md)\)/g)].map(
      ([, name]) => name,
    );
    expect(listed).toEqual(records.toSorted());
  });
});
