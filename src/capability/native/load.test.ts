import { describe, expect, it } from "vitest";
import { createFakeClock } from "../../../testing/fake-clock.ts";
import { createEmitter, isCcosError } from "../../kernel/index.ts";
import { evaluate, print } from "../../rtfs/index.ts";
import { createMarketplace } from "../create-marketplace.ts";
import { readCapabilities } from "../read-capabilities.ts";
import { Security, type SecurityOptions } from "../security.ts";

const clock = createFakeClock();
const loaded: string[] = [];

const market = createMarketplace({
  clock,
  events: createEmitter(),
  delegate: {
    providers: () => [],
    manifestTraits: () => undefined,
    executeWithSession: () => Promise.reject(new Error("unused")),
  },
  loadFile: async (path) => {
    loaded.push(path);
    return path === "one.rtfs" ? ["acme.one"] : ["acme.two", "acme.three"];
  },
});
for (const [name, trusted, effects] of [
  ["trusted", true, "[:filesystem :load]"],
  ["modest", true, "[:filesystem]"],
  ["untrusted", false, "[:filesystem :load]"],
] as const) {
  const text = `(capability "acme.${name}" :description "d" :effects ${effects} :implementation (fn [path] (load-capability path)))`;
  for (const manifest of readCapabilities(text, { trusted }).manifests) market.register(manifest);
}

async function outcome(program: string, security: SecurityOptions = {}): Promise<string> {
  loaded.length = 0;
  try {
    return print(await evaluate(program, { host: market.createHost({ security: new Security(security) }), clock }));
  } catch (error) {
    return isCcosError(error) ? error.code : String(error);
  }
}

describe("ccos.capability.load", () => {
  it("gives the id, or a vector of ids", async () => {
    expect(await outcome('[(load-capability "one.rtfs") (load-capability "more")]')).toBe(
      '["acme.one" ["acme.two" "acme.three"]]',
    );
    expect(loaded).toEqual(["one.rtfs", "more"]);
  });

  it("is for programs that may do all, and for code whose trusted file says so", async () => {
    expect(await outcome('(call "acme.trusted" "one.rtfs")')).toBe('"acme.one"');
    for (const name of ["modest", "untrusted"]) {
      expect([name, await outcome(`(call "acme.${name}" "one.rtfs")`), loaded]).toEqual([
        name,
        "permission-denied",
        [],
      ]);
    }
    const levels: SecurityOptions[] = [
      { level: "pure" },
      { level: "controlled", allowedIds: ["acme.*"] },
      { deniedEffects: [":load"] },
      { allowedEffects: [":filesystem"] },
    ];
    for (const security of levels)
      expect([await outcome('(load-capability "one.rtfs")', security), loaded]).toEqual(["permission-denied", []]);
  });

  it("takes a path", async () => {
    expect(await outcome("(load-capability 3)")).toBe("invalid-argument");
  });
});
