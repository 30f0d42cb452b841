import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { importsOf, importsUnder, repository, sourceFiles } from "./imports.ts";
import { CONTRACTS, CORE, PROVIDER_NAMES, refusal, roomOf, ROOMS, rulesOf } from "./rooms.ts";

const src = join(repository, "src");
const read = (path: string): string => readFileSync(join(repository, path), "utf8");
const imports = importsUnder(src);
const isContract = (file: string): boolean => (CONTRACTS as readonly string[]).includes(file);
const isTest = (file: string): boolean => file.endsWith(".test.ts");
const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

describe("the rooms", () => {
  test("every file of src stands in a room of the table", () => {
    expect(sourceFiles(src).filter((file) => rulesOf(roomOf(file)) === undefined)).toEqual([]);
  });

  test("a file imports only from rooms that its own may import, and only through their doors", () => {
    const wrong = imports.flatMap(({ file, line, target }) => {
      if (target === undefined) return [];
      // Tests beside the source may use what `testing` and `test` hold, and build on any contract.
      if (isTest(file) && (/^\.\.\/test(ing)?\//.test(target) || isContract(target))) return [];
      const why = target.startsWith("..") ? "it lies outside src" : refusal(roomOf(file), target);
      return why === undefined ? [] : [`${file}:${line} imports ${target}: ${why}`];
    });
    expect(wrong).toEqual([]);
  });

  test("a contract imports no implementation: types, other contracts, and the kernel", () => {
    const wrong = imports.filter(
      ({ file, target, typeOnly }) =>
        isContract(file) &&
        !(target !== undefined && isContract(target)) &&
        !typeOnly &&
        target !== undefined &&
        roomOf(target) !== "kernel",
    );
    expect(wrong).toEqual([]);
  });

  test("the rooms import each other in no circle", () => {
    const edges = new Map<string, Set<string>>();
    for (const { file, target } of imports) {
      if (target === undefined || isTest(file) || target.startsWith("..")) continue;
      const [from, to] = [roomOf(file), roomOf(target)];
      // A contract is no part of its room's implementation, so an arrow to it closes no circle.
      if (from === to || isContract(target)) continue;
      edges.set(from, (edges.get(from) ?? new Set()).add(to));
    }
    const circles: string[] = [];
    const visit = (room: string, path: readonly string[]): void => {
      if (path.includes(room)) circles.push([...path.slice(path.indexOf(room)), room].join(" → "));
      else for (const next of edges.get(room) ?? []) visit(next, [...path, room]);
    };
    for (const room of edges.keys()) visit(room, []);
    expect(circles).toEqual([]);
  });

  test("rooms that promise to need no package, or only some, keep to it", () => {
    const wrong = imports.flatMap(({ file, line, specifier, target }) => {
      const allowed = rulesOf(roomOf(file))?.packages;
      if (target !== undefined || allowed === undefined || isBuiltin(specifier) || isTest(file)) return [];
      return allowed.includes(packageOf(specifier)) ? [] : [`${file}:${line} imports ${specifier}`];
    });
    expect(wrong).toEqual([]);
  });

  test("every package that src or testing imports is a dependency, not a devDependency", () => {
    const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> };
    const used = [...imports, ...importsUnder(join(repository, "testing"))].filter(({ file }) => !isTest(file));
    const missing = used.filter(({ specifier, target }) => {
      if (target !== undefined || isBuiltin(specifier)) return false;
      return !Object.hasOwn(dependencies, packageOf(specifier));
    });
    expect(missing).toEqual([]);
  });

  test("a door has named exports only", () => {
    const doors = sourceFiles(src).filter((file) => file.endsWith("index.ts"));
    expect(doors.filter((file) => /^export\s+\*\s+from/m.test(read(`src/${file}`)))).toEqual([]);
  });

  test("no provider's name occurs in a room of the core, in code, comments or tests", () => {
    const names = new RegExp(PROVIDER_NAMES.join("|"), "i");
    const files = sourceFiles(src).filter((file) => (CORE as readonly string[]).includes(roomOf(file)));
    const named = files.flatMap((file) =>
      read(`src/${file}`)
        .split("\n")
        .flatMap((line, index) => (names.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : [])),
    );
    expect(named).toEqual([]);
    expect(files.filter((file) => names.test(file))).toEqual([]);
  });

  test("no file but a test is longer than 400 lines", () => {
    const files = ["src", "testing"].flatMap((root) =>
      sourceFiles(join(repository, root)).map((file) => `${root}/${file}`),
    );
    const long = files.map((file) => ({ file, lines: read(file).trimEnd().split("\n").length }));
    expect(long.filter(({ file, lines }) => lines > 400 && !isTest(file))).toEqual([]);
  });

  test("files are named in kebab case", () => {
    const odd = sourceFiles(src).filter(
      (file) => !/^(?:[a-z0-9]+(?:-[a-z0-9]+)*\/)*[a-z0-9]+(?:-[a-z0-9]+)*(?:\.property)?(?:\.test)?\.ts$/.test(file),
    );
    expect(odd).toEqual([]);
  });
});

describe("the instruments of these tests", () => {
  test("imports are found in every form, and not in comments", () => {
    const text = [
      'import a from "./a.ts";',
      'import type { B } from "../b/index.ts";',
      "import {",
      "  c,",
      '} from "pkg/sub";',
      'export { d } from "./d.ts";',
      'export type { E } from "./e.ts";',
      'import "./f.ts";',
      'const g = await import("./g.ts");',
      'type H = import("./h.ts").H;',
      '// import "./no.ts";',
      '/* import "./no.ts";',
      '   import "./no.ts"; */',
    ].join("\n");
    const found = importsOf(text, "room/x.ts").map(({ line, target, specifier, typeOnly }) => [
      line,
      target ?? specifier,
      typeOnly,
    ]);
    expect(found).toEqual([
      [1, "room/a.ts", false],
      [2, "b/index.ts", true],
      [3, "pkg/sub", false],
      [6, "room/d.ts", false],
      [7, "room/e.ts", true],
      [8, "room/f.ts", false],
      [9, "room/g.ts", false],
      [10, "room/h.ts", false],
    ]);
  });

  test.each([
    ["session", "capability/call.ts", undefined],
    ["session", "capability/index.ts", "session may not import capability"],
    ["session", "kernel/errors.ts", "kernel is entered only by its index.ts"],
    ["kernel", "rtfs/index.ts", "kernel may not import rtfs"],
    ["providers/line", "providers/acme/index.ts", "providers/line may not import providers/acme"],
    ["providers/line", "session/handler.ts", undefined],
    ["importers", "providers/line/index.ts", undefined],
    ["importers", "providers/line/open.ts", "providers/line is entered only by its index.ts"],
    ["cli", "environment.ts", undefined],
    ["cli", "session/index.ts", "cli may not import session"],
    ["attic", "kernel/index.ts", "the room attic is not in the table of rooms"],
  ])("from %s to %s: %s", (from, target, why) => {
    expect(refusal(from, target)).toBe(why);
  });

  test("the table itself allows no circle", () => {
    const rooms = Object.keys(ROOMS);
    const reach = (room: string, seen: Set<string>): Set<string> => {
      for (const next of ROOMS[room]?.doors ?? []) if (!seen.has(next)) reach(next, seen.add(next));
      return seen;
    };
    expect(rooms.filter((room) => reach(room, new Set()).has(room))).toEqual([]);
  });
});
