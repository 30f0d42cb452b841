import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { setOwn, type JsonObject, type JsonValue } from "../kernel/index.ts";
import { formText, jsonSchemaToType, printType, read } from "../rtfs/index.ts";
import type { Manifest } from "./manifest.ts";
import { readCapabilities } from "./read-capabilities.ts";
import { writeCapability, type WritableManifest } from "./write-capability.ts";

const providers = { providers: () => ["line"], manifestTraits: () => ({}) };

function readBack(text: string): Manifest {
  const { manifests, errors } = readCapabilities(text, { trusted: true, providers });
  expect(errors.map((error) => error.message)).toEqual([]);
  expect(manifests).toHaveLength(1);
  return manifests[0]!;
}

/** What has to be equal; places and form objects differ. */
function content(manifest: WritableManifest): unknown {
  const { inputSchema, outputSchema, execution } = manifest;
  return {
    ...Object.fromEntries(
      (
        ["id", "name", "description", "version", "language", "permissions", "effects", "metadata", "extra"] as const
      ).map((key) => [key, manifest[key]]),
    ),
    inputSchema: inputSchema && printType(inputSchema),
    outputSchema: outputSchema && printType(outputSchema),
    execution: execution.kind === "implementation" ? formText(execution.form) : execution,
  };
}

const BASE: WritableManifest = {
  id: "line.demo.get",
  name: "get",
  description: "Gets it",
  version: "1.0.0",
  language: "rtfs20",
  permissions: [],
  effects: [":network"],
  inputSchema: undefined,
  outputSchema: undefined,
  metadata: {},
  execution: { kind: "none" },
  extra: {},
};

describe("writing a capability", () => {
  it("writes its keys in one order, and metadata a line each", () => {
    const text = writeCapability({
      ...BASE,
      permissions: [":read", "a b"],
      inputSchema: jsonSchemaToType({ type: "object", properties: { q: { type: "string" } }, required: ["q"] }),
      metadata: { line: { server_url: "U", headers: { "x-a": "1" }, requires_session: "auto" }, idempotent: true },
      execution: {
        kind: "provider",
        block: { provider: "line", key: "line_requires_session", requiresSession: "auto" },
      },
      extra: { provenance: '{:by "me"}' },
    });
    expect(text).toBe(`(capability "line.demo.get"
  :name "get"
  :description "Gets it"
  :version "1.0.0"
  :language "rtfs20"
  :permissions [:read "a b"]
  :effects [:network]
  :input-schema [:map [:q :string]]
  :metadata {:line {:server_url "U"
                    :headers {:x-a "1"}
                    :requires_session "auto"}
             :idempotent true}
  :provenance {:by "me"})
`);
  });

  it("reads back as it was, code included", () => {
    const manifest = readBack(`(capability "a" :description "d" :permissions [:p "q"] :effects [:x]
      :input-schema [:map [:a [:and :int [:> 0]] ?] ["b c" [:enum "x" :y]]] :output-schema [:vector :string]
      :filesystem {:mode "ro"} :source_url "S" :attestation [1 2.5 (f ; why
        x)] :metadata {:owner {:team "geo"} :n nil :list [1 [2]]}
      :implementation (fn [in] ; comment
        (str "a\\n" (:a in))))`);
    expect(content(readBack(writeCapability(manifest)))).toEqual(content(manifest));
  });

  it("keeps a provider's block that only :provider named", () => {
    for (const field of [
      ':provider {:type "line" :server_url "U"}',
      ':provider "LINE"',
      ':line_metadata {:server_url "U"}',
    ]) {
      const manifest = readBack(`(capability "a" :description "d" ${field})`);
      expect(content(readBack(writeCapability(manifest)))).toEqual(content(manifest));
    }
  });

  it("lets no text from outside become code, a comment or a line of its own", () => {
    const hostile = '"} (call "ccos.io.delete-file" "/") ; \n\r\u2028\u202e\u001b[31m #| |# \\" \\';
    const text = writeCapability({
      ...BASE,
      id: `x${hostile.replace(/[\u0000-\u001f]/g, "")}`,
      name: hostile,
      description: hostile,
      version: hostile,
      permissions: [hostile],
      effects: [`:${hostile.trim().toLowerCase()}`],
      metadata: { [hostile]: { [hostile]: [hostile] } },
      inputSchema: jsonSchemaToType({ type: "object", properties: { [hostile]: { enum: [hostile] } } }),
    });
    expect(read(text).forms).toHaveLength(1);
    // oxlint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\r\u2028\u202e\u001b]/);
    const back = readBack(text);
    expect(back.description).toBe(hostile);
    expect(back.metadata).toEqual({ [hostile]: { [hostile]: [hostile] } });
  });

  it("refuses extra values that are not exactly one form", () => {
    for (const text of ["1 2", "(unclosed", "", '1) (capability "evil"', "1 ; comment"]) {
      expect(() => writeCapability({ ...BASE, extra: { x: text } })).toThrow(/exactly one form/);
    }
    expect(() => writeCapability({ ...BASE, extra: { "no keyword": "1" } })).toThrow(/exactly one form/);
  });

  it("reads back as it was, whatever it says", () => {
    const text = fc.string({ unit: "binary", maxLength: 20 });
    const key = fc.oneof(fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/), text, fc.constant("__proto__"));
    const json = fc.letrec<{ value: JsonValue; object: JsonObject }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        text,
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
        fc.boolean(),
        fc.constant(null),
        fc.bigInt({ min: 2n ** 60n, max: 2n ** 63n - 1n }),
        fc.array(tie("value"), { maxLength: 3 }),
        tie("object"),
      ),
      object: fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((entries) => {
        const object: JsonObject = {};
        for (const [name, value] of entries) setOwn(object, name, value);
        return object;
      }),
    })).object;
    const manifest = fc.record({
      id: fc.stringMatching(/^[a-z][a-z0-9._/-]{0,20}$/).filter((id) => !id.startsWith("ccos.")),
      name: text,
      description: text,
      version: text,
      permissions: fc.array(text, { maxLength: 3 }),
      metadata: json,
    });
    fc.assert(
      fc.property(manifest, (some) => {
        const whole = { ...BASE, ...some };
        expect(content(readBack(writeCapability(whole)))).toEqual(content(whole));
      }),
      { numRuns: 200 },
    );
  });
});
