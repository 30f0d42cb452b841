import { describe, expect, it } from "vitest";
import type { Manifest } from "./manifest.ts";
import { nativeCapability } from "./native/index.ts";
import { effectsOf, Security } from "./security.ts";

const capability = (effects: string[], changes: Partial<Manifest> = {}): Manifest => ({
  ...nativeCapability({ id: "acme.x", description: "", run: () => null, effects }),
  ...changes,
});
const allowed = (check: () => void): boolean => {
  try {
    check();
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: "permission-denied" });
    return false;
  }
};

describe("security levels", () => {
  it("full allows every id, pure none, controlled those listed", () => {
    expect(allowed(() => new Security({}).checkId("any"))).toBe(true);
    expect(allowed(() => new Security({ level: "pure" }).checkId("any"))).toBe(false);
    const controlled = new Security({ level: "controlled", allowedIds: ["acme.a", "line.*"] });
    expect(["acme.a", "acme.ab", "line.x.y", "linen"].map((id) => allowed(() => controlled.checkId(id)))).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(allowed(() => new Security({ level: "controlled" }).checkId("any"))).toBe(false);
  });

  it("refuse in words that say what and where", () => {
    expect(() => new Security({ level: "pure" }).checkId("acme.x")).toThrow(
      "Security violation: call operation on capability 'acme.x' not allowed in context: pure",
    );
  });
});

describe("effect policies", () => {
  const checked = (options: ConstructorParameters<typeof Security>[0], effects: string[]) =>
    allowed(() => new Security(options).checkEffects(capability(effects)));

  it("refuse a denied label, and with an allow-list every label that is not in it", () => {
    expect(checked({ deniedEffects: ["Network"] }, [":network"])).toBe(false);
    expect(checked({ deniedEffects: [":network"] }, [":pure"])).toBe(true);
    expect(checked({ allowedEffects: [" :NETWORK ", "llm"] }, [":network"])).toBe(true);
    expect(checked({ allowedEffects: [":network"] }, [":network", ":filesystem"])).toBe(false);
    expect(checked({ allowedEffects: [] }, [":pure"])).toBe(false);
    expect(checked({ allowedEffects: [":network"], deniedEffects: [":network"] }, [":network"])).toBe(false);
  });

  it("judge a capability without labels by its id, and do not believe a provider that calls itself pure", () => {
    expect(effectsOf(capability([], { id: "ccos.io.read-file" }))).toEqual([":filesystem"]);
    expect(effectsOf(capability([], { id: "whatever" }))).toEqual([":compute"]);
    const block = { provider: "line", key: "line_requires_session", requiresSession: "auto" } as const;
    expect(effectsOf(capability([":pure"], { execution: { kind: "provider", block } }))).toEqual([":pure", ":network"]);
  });

  it("let the code of a capability do what it declares, within what its caller may do", () => {
    const declared = capability([":filesystem"]);
    const reads = capability([":filesystem"]);
    const fetches = capability([":network"]);
    const computes = capability([":compute"]);
    const inside = Security.FULL.forCodeOf(declared);
    expect([reads, computes, fetches].map((each) => allowed(() => inside.checkEffects(each)))).toEqual([
      true,
      true,
      false,
    ]);
    const denied = new Security({ deniedEffects: [":filesystem"] }).forCodeOf(declared);
    expect([reads, computes].map((each) => allowed(() => denied.checkEffects(each)))).toEqual([false, true]);
    const nested = inside.forCodeOf(capability([":network", ":filesystem"]));
    expect([reads, fetches].map((each) => allowed(() => nested.checkEffects(each)))).toEqual([true, false]);
  });

  it("let the code of an untrusted file only compute", () => {
    const untrusted = capability([":network", ":filesystem"], {
      origin: { file: "f", place: undefined, trusted: false },
    });
    const inside = Security.FULL.forCodeOf(untrusted);
    expect(
      [[":network"], [":filesystem"], [":pure"], [":compute"]].map((effects) =>
        allowed(() => inside.checkEffects(capability(effects))),
      ),
    ).toEqual([false, false, true, true]);
  });
});
