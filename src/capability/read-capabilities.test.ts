import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printType } from "../rtfs/index.ts";
import type { ManifestTraits } from "./call.ts";
import type { Manifest } from "./manifest.ts";
import { requiresSession } from "./provider-block.ts";
import { readCapabilities } from "./read-capabilities.ts";

const traits: Record<string, ManifestTraits> = {
  line: {
    metadataKeys: ["server_url", "tool", "headers"],
    metadataAliases: { server_url: ["url", "server_endpoint"], tool: ["tool_name"] },
    legacyKeys: { service_url: "server_url" },
  },
  acme: { olderNames: { block: ["place"], provider: ["classic"] } },
  needy: { metadataAliases: { host: ["server"] }, neededKeys: [["path"], ["host", "socket"]] },
};
const providers = { providers: () => Object.keys(traits), manifestTraits: (name: string) => traits[name] };

const readAll = (text: string) => readCapabilities(text, { file: "f.rtfs", trusted: true, providers });
function readOne(text: string): Manifest {
  const { manifests, errors } = readAll(text);
  expect(errors.map((error) => error.message)).toEqual([]);
  expect(manifests).toHaveLength(1);
  return manifests[0]!;
}
const errorsOf = (text: string) =>
  readAll(text).errors.map((error) => `${error.place?.line}:${error.place?.column} ${error.message}`);
const warningsOf = (text: string) => readAll(text).warnings.map((warning) => warning.message);

describe("reading a capability file", () => {
  it("reads a block, and a provider, under the names they had in older files", () => {
    const byBlock = readOne(
      '(capability "a.b" :description "" :metadata {:place {:host "h" :requires_session "auto"}})',
    );
    expect(byBlock.execution).toMatchObject({ block: { provider: "acme", requiresSession: "auto" } });
    expect({ ...byBlock.flatMetadata }).toEqual({ acme_host: "h", acme_requires_session: "auto" });
    const both = readOne(
      '(capability "a.b" :description "" :metadata {:place {:host "h" :port 1} :acme {:host "own"}})',
    );
    expect(both.metadata).toEqual({ acme: { host: "own", port: 1 } });
    const byName = readOne('(capability "a.b" :description "" :provider {:type "Classic" :host "h"})');
    expect(byName.execution).toMatchObject({ block: { provider: "acme" } });
  });

  it("reads the call form with everything it may say", () => {
    const manifest = readOne(`; a comment
      (capability "demo.area" :description "Rectangle area" :version "1.2.3" :effects [:Pure "network"]
        :permissions [:read "write" other] :language :rtfs20
        :input-schema [:map [:w :float] [:unit :string?]] :output-schema :float
        :metadata {:owner {:team "geo" :level 2} :timeout_ms 500 :idempotent true}
        :implementation (fn [in] (:w in)))`);
    expect(manifest).toMatchObject({
      id: "demo.area",
      name: "demo.area",
      description: "Rectangle area",
      version: "1.2.3",
      language: "rtfs20",
      permissions: [":read", "write", "other"],
      effects: [":pure", ":network"],
      metadata: { owner: { team: "geo", level: 2 }, timeout_ms: 500, idempotent: true },
      idempotent: true,
      origin: { file: "f.rtfs", place: { file: "f.rtfs", line: 2, column: 7 }, trusted: true },
      extra: {},
    });
    expect({ ...manifest.flatMetadata }).toEqual({
      owner_team: "geo",
      owner_level: "2",
      timeout_ms: "500",
      idempotent: "true",
    });
    expect(manifest.execution.kind).toBe("implementation");
    expect(printType(manifest.inputSchema!)).toBe("[:map [:w :float] [:unit :string?]]");
  });

  it.each([
    ['{:type "capability" :id "a" :description "d" :implementation (fn [x] x)}'],
    ['(capability "a" {:description "d" :implementation (fn [x] x)})'],
    ['(capability :id "a" :description "d" :implementation (fn [x] x))'],
    ['(do (println "never run") {:type "capability" :id "a" :description "d" :implementation (fn [x] x)})'],
    ['(do (do (capability "a" :description "d" :implementation (fn [x] x))))'],
    ['^{:doc "x"} (capability "a" :description "d" :implementation (fn [x] x))'],
    ['{"type" "capability" "id" "a" "description" "d" "implementation" (fn [x] x)}'],
    [
      '(def tools-module {:capabilities [{:capability {:type "ccos.capability:v1" :id "a" :description "d" :implementation (fn [x] x)}}]})',
    ],
  ])("finds the capability in %s", (text) => {
    expect(readOne(text)).toMatchObject({ id: "a", description: "d", execution: { kind: "implementation" } });
  });

  it("reads the schemas of a module beside its capabilities", () => {
    const { manifests, errors } = readAll(`(def acme-capabilities-module
      {:module-type "m" :server-config {:name "n"} :generated-at "now"
       :capabilities [{:capability {:id "a" :description "d"} :input-schema [:map [:x :int]] :output-schema :string}
                      {:capability {:id "b" :description "d" :output-schema :int} :output-schema :string}]})`);
    expect(errors).toEqual([]);
    expect(
      manifests.map((each) => [
        each.id,
        each.inputSchema && printType(each.inputSchema),
        printType(each.outputSchema!),
      ]),
    ).toEqual([
      ["a", "[:map [:x :int]]", ":string"],
      ["b", undefined, ":int"],
    ]);
  });

  it("passes over everything else a file holds", () => {
    expect(readAll('(def x {:capabilities [1 2]}) (defn f [a] a) {:type "plan" :id "p"} 3 (plan "p" :body 1)')).toEqual(
      {
        manifests: [],
        errors: [],
        warnings: [],
      },
    );
  });

  it("takes the last of a key given twice", () => {
    expect(readOne('(capability "a" :description "one" :description "two")').description).toBe("two");
  });

  it("takes an absent, nil or :any schema as no check, and a lone mark as optional", () => {
    expect(readOne('(capability "a" :description "d" :input-schema :any :output-schema nil)')).toMatchObject({
      inputSchema: undefined,
      outputSchema: undefined,
    });
    const manifest = readOne('(capability "a" :output-schema [:vector :int]? :description "d")');
    expect(printType(manifest.outputSchema!)).toBe("[:optional [:vector :int]]");
    const map = readOne('{:type "capability" :id "a" :output-schema [:vector :int]? :description "d"}');
    expect(printType(map.outputSchema!)).toBe("[:optional [:vector :int]]");
  });

  it("folds the flat fields of old files into the metadata", () => {
    const manifest = readOne(
      '(capability "a" :description "d" :source_url "U" :discovery_method "m" :created_at "c" :capability_type "t" :metadata {:discovery {:method "nested"}})',
    );
    expect({ ...manifest.flatMetadata }).toEqual({
      discovery_source_url: "U",
      discovery_method: "nested",
      discovery_created_at: "c",
      discovery_capability_type: "t",
    });
  });

  it("keeps sandbox settings as JSON text", () => {
    const manifest = readOne('(capability "a" :description "d" :filesystem {:mode :ro :paths ["/x"]})');
    expect(manifest.flatMetadata["sandbox_filesystem"]).toBe('{"mode":"ro","paths":["/x"]}');
  });

  it("keeps keys that mean nothing to it as text", () => {
    expect(
      readOne('(capability "a" :description "d" :attestation {:by "x" :sig [1 (f)]} :provider-meta "p")').extra,
    ).toEqual({
      attestation: '{:by "x" :sig [1 (f)]}',
      "provider-meta": '"p"',
    });
  });

  it("derives effects that are not declared", () => {
    expect(readOne('(capability "a" :description "d" :implementation (fn [] 1))').effects).toEqual([":pure"]);
    expect(readOne('(capability "a" :description "d")').effects).toEqual([":network"]);
    expect(readOne('(capability "a" :description "d" :metadata {:ccos_effects "[\\"x\\", \\"Y\\"]"})').effects).toEqual(
      [":x", ":y"],
    );
  });
});

describe("metadata", () => {
  it("is computed where it is no plain data, purely and within limits", () => {
    expect(
      readOne('(capability "a" :description "d" :metadata {:url (str "http://" "x") :n (+ 1 2)})').metadata,
    ).toEqual({ url: "http://x", n: 3 });
    expect(errorsOf('(capability "a" :description "d" :metadata {:x (call "ccos.system.get-env" "HOME")})')[0]).toMatch(
      /could not be evaluated/,
    );
    expect(errorsOf('(capability "a" :description "d" :metadata {:x ((fn f [] (f)))})')[0]).toMatch(
      /could not be evaluated/,
    );
    expect(errorsOf('(capability "a" :description "d" :metadata {:x (dotimes [i 100000000] i)})')[0]).toMatch(
      /could not be evaluated/,
    );
    expect(errorsOf('(capability "a" :description "d" :metadata 3)')[0]).toMatch(/is a map/);
  });

  it("is refused where a few steps make more of it than anybody can write down", () => {
    const bomb = "(reduce (fn [s _] [s s s s]) [1] (range 0 30))";
    expect(errorsOf(`(capability "a" :description "d" :metadata {:x ${bomb}})`)[0]).toMatch(/more than 100000 parts/);
  });

  it("loses a function, with a warning", () => {
    const text = '(capability "a" :description "d" :metadata {:f (fn [] 1) :k :word})';
    expect(readOne(text).metadata).toEqual({ k: "word" });
    expect(warningsOf(text)[0]).toMatch(/a function/);
  });

  it("takes __proto__ as a key like any other", () => {
    const manifest = readOne('(capability "a" :description "d" :metadata {:__proto__ {:x "1"}})');
    expect(Object.keys(manifest.metadata)).toEqual(["__proto__"]);
    expect(manifest.flatMetadata["__proto___x"]).toBe("1");
  });
});

describe("the provider of a capability", () => {
  const executionOf = (fields: string) => readOne(`(capability "a" :description "d" ${fields})`).execution;

  it.each([
    ["true", "true"],
    ['"auto"', "auto"],
    [":auto", "auto"],
    ['"false"', "false"],
  ])("is named by the block that says :requires_session %s", (written, requiresSession) => {
    expect(
      executionOf(`:metadata {:line {:server_url "U" :requires_session ${written}} :session {:scope "caller"}}`),
    ).toEqual({
      kind: "provider",
      block: { provider: "line", key: "line_requires_session", requiresSession },
    });
  });

  it("is named by a flat key as well as by a block", () => {
    expect(executionOf(':metadata {:line_requires_session "auto" :line_server_url "U"}')).toMatchObject({
      block: { provider: "line", requiresSession: "auto" },
    });
    expect(executionOf(':metadata {:line_server_url "U"}')).toMatchObject({
      block: { provider: "line", requiresSession: "false" },
    });
  });

  it("may be a block without :requires_session, with a warning", () => {
    const text = '(capability "a" :description "d" :metadata {:line {:server_url "U"}})';
    expect(readOne(text).execution).toMatchObject({
      kind: "provider",
      block: { provider: "line", requiresSession: "false" },
    });
    expect(warningsOf(text)).toEqual([expect.stringMatching(/has no :requires_session/)]);
  });

  it("may be named by :provider, whose settings become its block", () => {
    const manifest = readOne(
      '(capability "a" :description "d" :provider {:type "LINE" :server_endpoint "U" :timeout_seconds 3})',
    );
    expect(manifest.metadata).toEqual({ line: { server_endpoint: "U", timeout_seconds: 3 }, timeout_ms: 3000 });
    expect(manifest.execution).toMatchObject({ kind: "provider", block: { provider: "line" } });
    expect(executionOf(':provider "Line"')).toMatchObject({ kind: "provider", block: { provider: "line" } });
  });

  it("may be named by metadata of the oldest form, :NAME_metadata", () => {
    const manifest = readOne('(capability "a" :description "d" :line_metadata {:url "U" :requires_session "auto"})');
    expect(manifest.metadata).toEqual({ line: { url: "U", requires_session: "auto" } });
    expect(manifest.execution).toMatchObject({ block: { provider: "line", requiresSession: "auto" } });
  });

  it("gives way to the file's own code, unless a session is asked for", () => {
    expect(executionOf(":implementation (fn [x] x) :metadata {:line {:url 1}}").kind).toBe("implementation");
    expect(executionOf(":implementation nil :metadata {:line {:url 1}}").kind).toBe("provider");
    expect(executionOf(':implementation (fn [x] x) :metadata {:line {:requires_session "auto"}}').kind).toBe(
      "provider",
    );
    expect(executionOf(":provider :local").kind).toBe("none");
  });

  it("reads other spellings of keys as its handler says", () => {
    const flatOf = (fields: string) => ({ ...readOne(`(capability "a" :description "d" ${fields})`).flatMetadata });
    expect(flatOf(':metadata {:line {:url "U" :tool_name "T" :requires_session "auto"}}')).toMatchObject({
      line_server_url: "U",
      line_tool: "T",
    });
    expect(flatOf(':metadata {:line {:url "U" :server_url "V" :requires_session "auto"}}')).toMatchObject({
      line_server_url: "V",
    });
    expect(flatOf(':metadata {:service_url "S" :line {:requires_session "auto"}}')).toMatchObject({
      line_server_url: "S",
    });
  });

  it("is an error where two blocks require sessions", () => {
    const text =
      '(capability "a" :description "d"\n :metadata {:line {:requires_session "auto"} :acme {:requires_session true}})';
    expect(errorsOf(text)).toEqual([
      "2:12 Two metadata blocks require sessions: line_requires_session and acme_requires_session.",
    ]);
    expect(
      errorsOf(
        '(capability "a" :description "d" :metadata {:line {:requires_session "auto"} :acme {:requires_session "false"}})',
      ),
    ).toEqual([]);
  });

  it("is an error where nobody registered it, naming those that are registered", () => {
    const error = readAll('(capability "a" :description "d" :metadata {:lime {:requires_session "auto"}})').errors[0]!;
    expect(error.message).toBe('No handler is registered for the provider "lime". Registered: line, acme, needy.');
    expect(error.remedy).toBe('Did you mean "line"?');
    expect(errorsOf('(capability "a" :description "d" :provider {:type "other"})')[0]).toContain('"other"');
    expect(errorsOf('(capability "a" :description "d" :metadata {:other {:requires_session "false"}})')[0]).toContain(
      '"other"',
    );
  });

  it("is an error where :requires_session says something else", () => {
    expect(errorsOf('(capability "a" :description "d" :metadata {:line {:requires_session "maybe"}})')[0]).toContain(
      '"maybe"',
    );
  });

  it("takes a hyphenated block once", () => {
    expect(executionOf(':metadata {:line {:requires-session "auto"}}')).toMatchObject({
      block: { provider: "line", requiresSession: "auto" },
    });
  });

  it("warns where something is missing without which the provider can make no call, in every spelling", () => {
    const declare = (block: string) =>
      warningsOf(`(capability "a" :description "d" :metadata {:needy {${block} :requires_session "auto"}})`);
    expect(declare(':path "p"')).toEqual([
      "The provider block :needy has no :host or :socket, and without it no call can be made.",
    ]);
    expect(declare(':server "h"')).toEqual([
      "The provider block :needy has no :path, and without it no call can be made.",
    ]);
    expect(declare(':path "p" :socket "s"')).toEqual([]);
  });

  it("says nothing of calls to what is not loaded", () => {
    expect(warningsOf('(capability "a" :description 3)')).toEqual([]);
    expect(warningsOf('(capability "a" :description "d")')).toEqual([expect.stringContaining("calling it gives nil")]);
  });

  it("warns of keys that the provider does not know", () => {
    expect(
      warningsOf(
        '(capability "a" :description "d" :metadata {:line {:sever_url "U" :headers {} :requires_session "auto"}})',
      ),
    ).toEqual(['The provider "line" knows no key :sever_url. Did you mean "server_url"?']);
  });
});

describe("requiresSession", () => {
  it("asks whether any key says true or auto", () => {
    expect(requiresSession({ any_requires_session: "true" })).toBe(true);
    expect(requiresSession({ x: "y", any_requires_session: "auto" })).toBe(true);
    expect(requiresSession({ any_requires_session: "false" })).toBe(false);
    expect(requiresSession({ requires_session: "true", _requires_session: "true" })).toBe(false);
  });
});

describe("mistakes in a capability file", () => {
  it("are all found, each with its place, and do not stop the other capabilities", () => {
    const { manifests, errors } = readAll(`(capability "good" :description "d" :implementation (fn [x] x))
(capability "bad" :description 3
  :language "a b"
  :input-schema [:map :oops])
(capability)
(capability "odd" :description)
(capability "reserved" :id "ccos.x" :description "d")
(capability "also-good" :description "d" :implementation (fn [x] x))`);
    expect(manifests.map((each) => each.id)).toEqual(["good", "also-good"]);
    expect(
      errors.map((error) => `${error.place?.file}:${error.place?.line}:${error.place?.column} ${error.code}`),
    ).toEqual([
      "f.rtfs:2:32 invalid-argument",
      "f.rtfs:3:13 invalid-argument",
      "f.rtfs:4:23 invalid-argument",
      "f.rtfs:5:1 invalid-argument",
      "f.rtfs:6:19 invalid-argument",
      "f.rtfs:7:28 invalid-argument",
    ]);
  });

  it("include text that cannot be read", () => {
    const { manifests, errors } = readAll(
      '(capability "a" :description "d" :implementation (fn [x] x))\n(capability "b" :description "unclosed',
    );
    expect(manifests.map((each) => each.id)).toEqual(["a"]);
    expect(errors[0]).toMatchObject({ code: "read-error", place: { line: 2 } });
  });

  it("include code of a wrong shape, without running any", () => {
    expect(errorsOf('(capability "a" :description "d" :implementation (fn [x] (if)))')).toHaveLength(1);
  });

  it("include one id declared twice, naming both places", () => {
    expect(errorsOf('(capability "a" :description "d")\n(capability "a" :description "d")')).toEqual([
      '2:1 The capability "a" of f.rtfs:2 is declared in f.rtfs:1 too.',
    ]);
  });

  it("include a timeout that is none", () => {
    expect(errorsOf('(capability "a" :description "d" :metadata {:timeout_ms -1})')[0]).toContain("timeout_ms");
  });

  it("are warnings where the capability can still be used", () => {
    expect(warningsOf('(capability "a" :input-schema [:map [:x :strng]] :implementation (fn [x] x))')).toEqual([
      ':input-schema: Unknown type :strng; it is read as :any. Did you mean "string"?',
      'The capability "a" has no :description.',
    ]);
    expect(warningsOf('(capability "a" :description "d" :implmentation (fn [x] x))')).toContain(
      'A capability has no key :implmentation. Did you mean "implementation"?',
    );
  });

  it("never throw, whatever the text", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "(capability ",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ":metadata ",
        ":input-schema ",
        '"a" ',
        ":id ",
        "? ",
        "nil ",
        "#(",
        "'",
        "^",
        "@",
      ),
      fc.constantFrom(
        ":implementation ",
        "(fn [x] x) ",
        ":provider ",
        "{:type ",
        ":line ",
        ":requires_session ",
        "~@",
        "`",
        "##Inf ",
        "1 ",
        "; \n",
      ),
      fc.string({ unit: "binary", maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const { errors, manifests } = readAll(pieces.join(""));
        for (const error of errors) expect(error.place?.line).toBeGreaterThan(0);
        for (const manifest of manifests) expect(manifest.id).not.toBe("");
      }),
      { numRuns: 500 },
    );
  });

  it("never end the process, however hostile the text", () => {
    const texts = [
      `(capability "a" :metadata ${"{:k ".repeat(400)}1${"}".repeat(400)})`,
      `(capability "${"x".repeat(1_000_000)}" :description "d")`,
      `(capability "a" :description "${"x".repeat(10_000_000)}")`,
      `(capability "a" :description "d" :metadata {:big "${"x".repeat(10_000_000)}"})`,
      `(capability "a" ${":k 1 ".repeat(50_000)})`,
      `${"(do ".repeat(400)}${")".repeat(400)}`,
      '(capability "__proto__" :description "d" :__proto__ 1 :constructor 2)',
      "\u0000\uffff(((((",
    ];
    for (const text of texts) expect(() => readAll(text)).not.toThrow();
    const manifest = readOne(texts[6]!);
    expect(manifest.id).toBe("__proto__");
    expect(Object.keys(manifest.extra)).toEqual(["__proto__", "constructor"]);
  });
});
