import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isCcosError, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { capabilityOf, driveHandler } from "../../../testing/drive-handler.ts";
import { createOpenApiHandler } from "./handler.ts";
import { writeRequest, urlOfRequest } from "./request.ts";
import type { RestSettings } from "./target.ts";

const NAMES = ["id", "a b", "x[y]", "$top", "__proto__", "body", "X-A", "é"];
const text = fc.oneof(
  fc.constantFrom("..", "/", "a/b?c#d", "%2e%2e", "\r\nx: 1", "${X}", "application/json", ""),
  fc.string({ maxLength: 12 }),
);
const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...NAMES, "data", "text", "content_type"), tie("value"), { maxKeys: 5 }),
  ),
}));

const TYPES = ["application/json", "multipart/form-data", "application/x-www-form-urlencoded", "text/plain", "image/*"];
const parameter = fc.record(
  {
    name: fc.constantFrom(...NAMES),
    in: fc.constantFrom("path", "query", "query", "header", "cookie"),
    style: fc.constantFrom("simple", "label", "matrix", "form", "spaceDelimited", "pipeDelimited", "deepObject"),
    explode: fc.boolean(),
    allow_reserved: fc.boolean(),
    content: fc.constantFrom("application/json", "text/plain"),
  },
  { requiredKeys: ["name", "in"] },
);
/** Mostly what a block may hold, and now and then anything. */
const mostly = (good: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: value });
const block = fc.record(
  {
    path: mostly(fc.constantFrom("/", "/a/{id}", "/{+id}/b", "/x{id}{x[y]}?q={$top}", "{id}")),
    method: mostly(fc.constantFrom("GET", "post", "DELETE", "PUT")),
    parameters: mostly(fc.uniqueArray(parameter, { selector: ({ name }) => name, maxLength: 4 })),
    request_body: mostly(
      fc.record(
        { content: fc.subarray(TYPES, { minLength: 1 }), content_type_as: fc.constant("type") },
        { requiredKeys: [] },
      ),
    ),
    query: mostly(fc.dictionary(text, text, { maxKeys: 2 })),
    responses: mostly(fc.constant({ "200": { content: ["application/json"] } })),
    accept: mostly(fc.constantFrom("text/csv", ["application/json"])),
    pagination: mostly(fc.constantFrom("link", { cursor_param: "a", cursor_path: "b" })),
    security: mostly(fc.constantFrom([[{ type: "bearer", env_var: "X" }]], [[]])),
    login: mostly(fc.constant({ path: "/login", body: { p: "${X}" } })),
    idempotency_key: mostly(fc.constantFrom(true, "X-Key")),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<JsonObject>;
/** What it takes, as far as it says so; now and then anything. */
function inputFor({ path, parameters, request_body: body }: JsonObject): fc.Arbitrary<JsonValue> {
  const declared = Array.isArray(parameters)
    ? parameters.map((one) => (one as { name?: string } | null)?.name ?? "")
    : [];
  const named = typeof path === "string" ? [...path.matchAll(/\{\+?([^}]+)\}/g)].map(([, name]) => name as string) : [];
  const names = [...new Set([...declared, ...named, ...(body === undefined ? [] : ["body"])])];
  const scalar = fc.oneof(text, fc.integer(), value);
  const all = fc.tuple(...names.map((name) => scalar.map((one) => [name, one] as const)));
  return fc.oneof({ weight: 12, arbitrary: all.map((pairs) => Object.fromEntries(pairs) as JsonObject) }, value);
}

describe("whatever a block and an input hold", () => {
  it("it is read and written, or refused in words; it stays at its origin and under its base", () => {
    let reached = 0;
    const calls = block.chain((given) => inputFor(given).map((values) => [given, values] as const));
    const driver = driveHandler(createOpenApiHandler(), { env: { X: "secret" } });
    fc.assert(
      fc.property(calls, ([given, values]) => {
        try {
          const capability = capabilityOf("openapi", { ...given, base_url: "https://api.test/v1" });
          const settings = driver.target(capability).settings as RestSettings;
          const request = writeRequest(settings.operation, values, "a.b");
          const url = urlOfRequest(settings, request);
          expect(url.origin).toBe("https://api.test");
          expect(url.pathname.startsWith("/v1/")).toBe(true);
          reached++;
          for (const [name, text] of Object.entries(request.headers)) expect(name + text).not.toMatch(/[\r\n\0]/);
        } catch (error) {
          if (!isCcosError(error) || error.code !== "invalid-argument") throw error;
        }
      }),
      { numRuns: 3_000 },
    );
    // Enough of them are good ones for the rest of it to mean something.
    expect(reached).toBeGreaterThan(300);
  });
});
