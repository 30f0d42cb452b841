import fc from "fast-check";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { isCcosError } from "../kernel/index.ts";
import { assignNames, checkPrefix, idSegment } from "./names.ts";

const assign = (names: readonly string[], prefix = "mcp.x") => {
  const warnings: string[] = [];
  const items = names.map((name) => ({ name }));
  const named = assignNames(
    prefix,
    items,
    (item) => [item.name],
    (message) => warnings.push(message),
  );
  return { named, ids: named.map((one) => one.id), warnings };
};

describe("ids of imported operations", () => {
  it("keep letters, digits, _ and -, and turn each run of anything else into one -", () => {
    expect(idSegment("mcp-servers/everything")).toBe("mcp-servers-everything");
    expect(idSegment("a  b::c_d")).toBe("a-b-c_d");
    expect(idSegment("日本語")).toBe("-");
  });

  it("get -2 and a warning where two names become the same, and the plain name keeps the plain id", () => {
    const { ids, warnings } = assign(["a b", "a-b", "a.b", "a-b"]);
    expect(ids).toEqual(["mcp.x.a-b-3", "mcp.x.a-b", "mcp.x.a-b-4", "mcp.x.a-b-2"]);
    expect(warnings).toHaveLength(3);
    expect(warnings[0]).toContain('it became "mcp.x.a-b-2"');
  });

  it("have a segment for each part of a name", () => {
    const named = assignNames(
      "grpc.x",
      [
        ["a.b", "c d"],
        ["a.b", ""],
        ["x".repeat(99), "y".repeat(99)],
      ],
      (parts) => parts,
      () => {},
    );
    expect(named.map((one) => one.id)).toEqual([
      "grpc.x.a-b.c-d",
      "grpc.x.a-b.-",
      expect.stringMatching(/^grpc\.x\.x{99}\.y-[0-9a-f]{10}$/),
    ]);
  });

  it("are found at once where thousands of names become the same", () => {
    const before = performance.now();
    const { ids } = assign(Array.from({ length: 20_000 }, () => "a b"));
    expect(new Set(ids).size).toBe(20_000);
    expect(ids.at(-1)).toBe("mcp.x.a-b-20000");
    expect(performance.now() - before).toBeLessThan(5_000);
  });

  it("may differ in case alone, but their files never do", () => {
    const { named, ids, warnings } = assign(["Echo", "echo", "ECHO-2"]);
    expect(ids).toEqual(["mcp.x.Echo", "mcp.x.echo", "mcp.x.ECHO-2"]);
    expect(named.map((one) => one.fileName)).toEqual(["mcp.x.Echo.rtfs", "mcp.x.echo-2.rtfs", "mcp.x.ECHO-2-2.rtfs"]);
    expect(warnings).toEqual([]);
  });

  it("stay distinct and short for very long names that begin alike", () => {
    const { named } = assign(["x".repeat(100_000), `${"x".repeat(100_000)}y`], `mcp.${idSegment("s".repeat(100_000))}`);
    expect(new Set(named.map((one) => one.id)).size).toBe(2);
    for (const one of named) expect(Buffer.byteLength(one.fileName)).toBeLessThan(230);
  });

  it("never lead out of a folder, whatever the names are", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" }), { maxLength: 8 }), (names) => {
        const { named } = assign([...names, "../../etc/passwd", "..", "a\u0000b", "C:\\x", "\n(evil)"]);
        const files = named.map((one) => one.fileName);
        for (const file of files) {
          expect(basename(file)).toBe(file);
          expect(file).toMatch(/^mcp\.x\.[A-Za-z0-9_-]*\.rtfs$/);
        }
        expect(new Set(files.map((file) => file.toLowerCase())).size).toBe(files.length);
      }),
    );
  });

  it("never become the name of a Windows device", () => {
    expect(assign(["x"], "con").named[0]?.fileName).toBe("_con.x.rtfs");
    expect(assign(["x"], "contact").named[0]?.fileName).toBe("contact.x.rtfs");
  });
});

describe("a prefix", () => {
  it("is taken as given", () => {
    expect(checkPrefix("mcp.git-hub_2")).toBe("mcp.git-hub_2");
  });

  it.each(["", ".", "a..b", "a/b", "../a", "a b", "a\nb", "ä", "x".repeat(81), "ccos", "ccos.io", "CCOS.x"])(
    "is refused as %j",
    (prefix) => {
      let thrown: unknown;
      try {
        checkPrefix(prefix);
      } catch (error) {
        thrown = error;
      }
      expect(isCcosError(thrown) && thrown.code).toBe("invalid-argument");
    },
  );
});
