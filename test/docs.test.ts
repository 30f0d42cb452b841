import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
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
    for (const [room, { doors }] of Object.entries(ROOMS)) {
      if (room !== "index.ts") expect([room, stated.get(room)?.toSorted()]).toEqual([room, doors.toSorted()]);
    }
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
