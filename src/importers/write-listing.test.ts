import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CcosError } from "../kernel/index.ts";
import { primitive } from "../rtfs/index.ts";
import type { ImportOptions, ImportResult, ListedOperation, Listing } from "./declaration.ts";
import { beginImport, writeListing } from "./write-listing.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-listing-"));
});
afterEach(() => rm(folder, { recursive: true }));

const operation = (name: string, rest: Partial<ListedOperation> = {}): ListedOperation => ({
  name,
  declare: () => ({ metadata: { line: { name } } }),
  ...rest,
});
async function write(
  operations: readonly ListedOperation[],
  options: Partial<ImportOptions> = {},
  rest: Partial<Listing> = {},
): Promise<ImportResult> {
  const given: ImportOptions = { source: "x", out: "out", cwd: folder, now: () => 0, ...options };
  const listing: Listing = {
    provider: "line",
    serverName: "Shop",
    fallbackName: "host",
    sourceText: "somewhere",
    method: "line_listing",
    noun: "operation",
    operations,
    ...rest,
  };
  return writeListing(listing, given, beginImport(given));
}
const broken = (code: "invalid-argument" | "internal" | "canceled") => (): never => {
  throw new CcosError(code, "It has\u001b[31m no place.");
};

describe("what a service offers", () => {
  it("is written with all that a file says, each text made safe", async () => {
    const declare = () => ({
      title: "A\u001b[31m\ntitle",
      description: "Two\nlines\u202e",
      effects: [":network", ":fs"],
      inputSchema: primitive("string"),
      outputSchema: primitive("any"),
      metadata: { line: { port: 1 } },
    });
    const { files, capabilities } = await write([operation("get it", { declare })]);
    expect(capabilities).toEqual(["line.Shop.get-it"]);
    expect(await readFile(files[0] as string, "utf8"))
      .toBe(`;; Written by an import from a server; importing again replaces this file.
(capability "line.Shop.get-it"
  :name "A title"
  :description "Two\\nlines"
  :version "1.0.0"
  :language "rtfs20"
  :effects [:network :fs]
  :input-schema :string
  :metadata {:line {:port 1}
             :discovery {:method "line_listing"
                         :source_url "somewhere"
                         :server_name "Shop"
                         :created_at "1970-01-01T00:00:00.000Z"}})
`);
  });

  it("is named by the service, else by where it was found", async () => {
    const ids = async (rest: Partial<Listing>) => (await write([operation("a")], {}, rest)).capabilities;
    expect(await ids({ serverName: "My Shop!" })).toEqual(["line.My-Shop-.a"]);
    expect(await ids({ serverName: "" })).toEqual(["line.host.a"]);
    expect(await ids({ serverName: "", fallbackName: "" })).toEqual(["line.server.a"]);
    expect((await write([operation("x", { idParts: ["a.b", "c"] })], { prefix: "p" })).capabilities).toEqual([
      "p.a-b.c",
    ]);
  });

  it("is listed and not written where it cannot be declared, and keeps the ids of the others as they are", async () => {
    const operations = [
      operation("a b", { declare: broken("invalid-argument"), place: "line 3\n" }),
      operation("a-b"),
      operation("a.b"),
    ];
    const { capabilities, notImported, files } = await write(
      operations,
      { prefix: "p" },
      { notImported: [{ operation: "first", place: undefined, reason: "r" }] },
    );
    expect(capabilities).toEqual(["p.a-b", "p.a-b-3"]);
    expect(files).toHaveLength(2);
    expect(notImported).toEqual([
      { operation: "first", place: undefined, reason: "r" },
      { operation: "a b", place: "line 3", reason: "It has no place." },
    ]);
  });

  it("ends the import where the fault is not the operation's", async () => {
    await expect(write([operation("a"), operation("b", { declare: broken("internal") })])).rejects.toMatchObject({
      code: "internal",
    });
    await expect(write([operation("a", { declare: broken("canceled") })])).rejects.toMatchObject({ code: "canceled" });
    const bug = (): never => {
      throw new TypeError("a bug");
    };
    await expect(write([operation("a", { declare: bug })])).rejects.toThrow(TypeError);
    expect(await readdir(folder)).toEqual([]);
  });

  it("does not count what stands in a file of somebody else", async () => {
    await write([operation("a"), operation("b")]);
    await writeFile(join(folder, "out", "line.Shop.a.rtfs"), "; mine");
    const { capabilities, files, warnings } = await write([operation("a"), operation("b")]);
    expect(capabilities).toEqual(["line.Shop.b"]);
    expect(files).toEqual([join(folder, "out", "line.Shop.b.rtfs")]);
    expect(warnings).toEqual([expect.stringContaining("was not written by an import")]);
  });

  it("warns in bounds, each warning on one line with its operation", async () => {
    const declare: ListedOperation["declare"] = (warn) => {
      for (let count = 0; count < 3_000; count++) warn("odd\n\u001b[31mthing");
      return { metadata: {} };
    };
    const { warnings } = await write([operation("a", { declare })]);
    expect(warnings).toHaveLength(1_001);
    expect(warnings[0]).toBe("line.Shop.a: odd thing");
    expect(warnings.at(-1)).toBe("There are more warnings; they are not kept.");
  });

  it("is given up when the caller has enough", async () => {
    const caller = new AbortController();
    const declare = () => {
      caller.abort();
      return { metadata: {} };
    };
    await expect(write([operation("a", { declare }), operation("b")], { signal: caller.signal })).rejects.toMatchObject(
      { code: "canceled" },
    );
    expect(await readdir(folder)).toEqual([]);
    await expect(write([operation("a")], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "canceled" });
  });
});
