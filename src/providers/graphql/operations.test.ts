import { buildSchema, introspectionFromSchema } from "graphql";
import { beforeEach, describe, expect, test } from "vitest";

import { capabilityOf, driveHandler } from "../../../testing/drive-handler.ts";
import { createFakeClock, type FakeClock } from "../../../testing/fake-clock.ts";
import type { JsonObject } from "../../kernel/index.ts";
import type { SessionCall } from "../../session/handler.ts";
import { createGraphqlHandler } from "./handler.ts";
import type { GraphqlResponse } from "./map-value.ts";
import { Operations } from "./operations.ts";

const driver = driveHandler(createGraphqlHandler());
let clock: FakeClock;
let operations: Operations;
let asked: string[];
beforeEach(() => {
  clock = createFakeClock();
  operations = new Operations();
  asked = [];
});

/** A call of a capability; the same one again has the same target, as with the pool. */
function callOf(
  block: JsonObject,
  signal: AbortSignal = new AbortController().signal,
): (input: JsonObject) => SessionCall {
  const capability = capabilityOf("graphql", { endpoint: "https://a.example/graphql", ...block });
  const target = driver.target(capability);
  return (input) => ({ capability, target, input, signal, remainingMs: () => Infinity, attempt: 1, sent: () => {} });
}

function telling(sdl: () => string): (query: string) => Promise<GraphqlResponse> {
  return async (query) => {
    asked.push(query);
    const data = JSON.parse(JSON.stringify(introspectionFromSchema(buildSchema(sdl())))) as JsonObject;
    return { data, errors: [], extensions: undefined };
  };
}

const refusing = async (query: string): Promise<GraphqlResponse> => {
  asked.push(query);
  const raw = { message: "introspection is disabled" };
  return { data: undefined, errors: [{ ...raw, code: undefined, path: undefined, raw }], extensions: undefined };
};

const ENUM = { operation: "query ($e: E!) { a(e: $e) }" };
const schemaWith = (...values: string[]): string => `enum E { ${values.join(" ")} } type Query { a(e: E!): Int }`;

describe("operations", () => {
  test("are prepared once, and the schema is asked for once by all who need it", async () => {
    const ask = telling(() => schemaWith("ONE"));
    const [first, second] = [callOf(ENUM), callOf({ ...ENUM, method: "get" })];
    await Promise.all([first, second, first].map(async (call) => operations.request(call({ e: "ONE" }), clock, ask)));
    expect(operations.request(first({ e: "ONE" }), clock, ask)).toEqual({
      query: ENUM.operation,
      operationName: undefined,
      variables: { e: "ONE" },
    });
    expect(asked).toHaveLength(1);
  });

  test("of another identity are checked by another schema", async () => {
    const ask = telling(() => schemaWith("ONE"));
    await operations.request(callOf(ENUM)({ e: "ONE" }), clock, ask);
    await operations.request(callOf({ ...ENUM, auth_token: "other" })({ e: "ONE" }), clock, ask);
    expect(asked).toHaveLength(2);
  });

  test("that an old schema refuses are checked by a new one", async () => {
    let values = ["ONE"];
    const ask = telling(() => schemaWith(...values));
    const call = callOf(ENUM);
    await expect((async () => operations.request(call({ e: "TWO" }), clock, ask))()).rejects.toThrow("TWO");
    values = ["ONE", "TWO"];
    await expect((async () => operations.request(call({ e: "TWO" }), clock, ask))()).rejects.toThrow("TWO");
    await clock.advance(61_000);
    expect(await operations.request(call({ e: "TWO" }), clock, ask)).toMatchObject({ variables: { e: "TWO" } });
    expect(asked).toHaveLength(2);
  });

  test("whose field came later are found when the schema is no longer new", async () => {
    let sdl = "type Query { a: Int }";
    const call = callOf({ field: "b" });
    const request = async (): Promise<unknown> =>
      operations.request(
        call({}),
        clock,
        telling(() => sdl),
      );
    await expect(request()).rejects.toThrow('no query "b"');
    sdl = "type Query { a: Int, b: Int }";
    await expect(request()).rejects.toThrow('no query "b"');
    await clock.advance(61_000);
    expect(await request()).toMatchObject({ query: "query b { b }" });
  });

  test("are checked as far as they tell where the server does not, which is asked again after five minutes", async () => {
    const call = callOf(ENUM);
    expect(await operations.request(call({ e: "anything" }), clock, refusing)).toMatchObject({
      variables: { e: "anything" },
    });
    await expect((async () => operations.request(callOf({ field: "a" })({}), clock, refusing))()).rejects.toThrow(
      "does not tell its schema",
    );
    expect(asked).toHaveLength(1);
    await clock.advance(301_000);
    await expect((async () => operations.request(callOf({ field: "a" })({}), clock, refusing))()).rejects.toThrow(
      "schema",
    );
    expect(asked).toHaveLength(2);
  });

  test("wait for a schema no longer than their caller, and do not end what others wait for", async () => {
    const answer = Promise.withResolvers<void>();
    const tell = telling(() => schemaWith("ONE"));
    const ask = (query: string): Promise<GraphqlResponse> => answer.promise.then(() => tell(query));
    const controller = new AbortController();
    const leaving = operations.request(callOf(ENUM, controller.signal)({ e: "ONE" }), clock, ask) as Promise<unknown>;
    const staying = operations.request(callOf(ENUM)({ e: "ONE" }), clock, ask);
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ code: "canceled" });
    answer.resolve();
    expect(await staying).toMatchObject({ variables: { e: "ONE" } });
    expect(asked).toHaveLength(1);
  });

  test("never need a schema where that is switched off", async () => {
    const never = callOf({ ...ENUM, introspection: "never" });
    await operations.request(never({ e: "ONE" }), clock, refusing);
    expect(asked).toEqual([]);
    await expect(
      (async () => operations.request(callOf({ field: "a", introspection: "never" })({}), clock, refusing))(),
    ).rejects.toThrow("the schema that it belongs to is not to be had");
  });
});
