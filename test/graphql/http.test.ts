import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { isCcosError, type CcosError, type JsonObject, type RateNews } from "../../src/kernel/index.ts";
import { createGraphqlHandler } from "../../src/providers/graphql/index.ts";
import { capabilityOf, driveHandler } from "../../testing/drive-handler.ts";
import { callOnce, startCannedServer, type CannedAnswer, type CannedRequest } from "./canned-server.ts";
import { ScriptedGraphqlServer } from "./scripted-server.ts";

const QUERY = "query Hello($name: String!) { hello(name: $name) }";

/** Calls a server that answers so, and gives the value and what was asked. */
async function answered(
  answer: CannedAnswer,
  block: JsonObject = {},
  input: JsonObject = { name: "bob" },
): Promise<{ value: unknown; requests: readonly CannedRequest[] }> {
  await using server = await startCannedServer(answer);
  const value = await callOnce({ endpoint: server.url, operation: QUERY, ...block }, input);
  return { value, requests: server.requests };
}

async function failure(answer: CannedAnswer, block: JsonObject = {}): Promise<CcosError> {
  const error = await answered(answer, block).then(
    ({ value }) => expect.unreachable(`it gave ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (!isCcosError(error)) throw error;
  return error;
}

describe("a request", () => {
  test("goes by POST, with both media types accepted and the operation named", async () => {
    const { requests } = await answered({ json: { data: { hello: "hi" } } });
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({
      method: "POST",
      asked: { query: QUERY, operationName: "Hello", variables: { name: "bob" } },
    });
    expect(requests[0]?.headers).toMatchObject({
      "content-type": "application/json",
      accept: "application/graphql-response+json, application/json;q=0.9",
      "user-agent": "ccos",
    });
  });

  test("leaves out variables and the name where there are none", async () => {
    const { requests } = await answered({}, { operation: "{ a }" }, {});
    expect(requests[0]?.asked).toEqual({ query: "{ a }" });
  });

  test("a query goes by GET where that is asked for, with a header that guards against requests of other sites", async () => {
    const { value, requests } = await answered({ json: { data: { hello: "hi" } } }, { method: "GET" });
    expect(value).toEqual({ hello: "hi" });
    expect(requests[0]).toMatchObject({
      method: "GET",
      asked: { query: QUERY, operationName: "Hello", variables: '{"name":"bob"}' },
    });
    expect(requests[0]?.headers).toMatchObject({ "apollo-require-preflight": "true" });
    expect(requests[0]?.headers).not.toHaveProperty("content-type");
  });

  test("a mutation never goes by GET", async () => {
    const { requests } = await answered({}, { method: "GET", operation: "mutation { a }" }, {});
    expect(requests[0]).toMatchObject({ method: "POST" });
  });

  test("a query that is too long for a URL goes by POST", async () => {
    const { requests } = await answered({}, { method: "GET" }, { name: "x".repeat(9_000) });
    expect(requests[0]).toMatchObject({ method: "POST", asked: { variables: { name: "x".repeat(9_000) } } });
  });

  test("keeps the digits of large integers, in both directions", async () => {
    const { value, requests } = await answered(
      { body: '{"data":{"n":12345678901234567890}}' },
      { operation: "query($n: BigInt!) { n(n: $n) }", introspection: "never" },
      { n: 98765432109876543210n },
    );
    expect(value).toEqual({ n: 12345678901234567890n });
    expect(requests).toHaveLength(1);
  });
});

describe("a response", () => {
  const DATA = { data: { hello: "hi", other: null } };

  test.each([
    "application/graphql-response+json; charset=utf-8",
    "application/json",
    "application/vnd.example+json",
    "",
  ])("is read from %j", async (type) => {
    expect((await answered({ type, json: DATA })).value).toEqual(DATA.data);
  });

  test("is one field of the data where the capability says which", async () => {
    expect((await answered({ json: DATA }, { result_field: "hello" })).value).toBe("hi");
    expect((await answered({ json: DATA }, { result_field: "other" })).value).toBeNull();
  });

  test("may come compressed, though nobody asked for it", async () => {
    const body = gzipSync(JSON.stringify(DATA));
    expect((await answered({ headers: { "content-encoding": "gzip" }, body })).value).toEqual(DATA.data);
  });

  test.each(["errors", "extensions"])("may hold %s that are null", async (key) => {
    expect((await answered({ json: { ...DATA, [key]: null } })).value).toEqual(DATA.data);
  });
});

describe("a response with errors", () => {
  const errors = [{ message: "no \u001b[31mother", path: ["other"], extensions: { code: "X" } }];
  const PARTIAL = { data: { hello: "hi", other: null }, errors };

  test("keeps the data and the errors by default", async () => {
    expect((await answered({ json: PARTIAL })).value).toEqual({ data: PARTIAL.data, errors });
    expect((await answered({ json: PARTIAL }, { result_field: "hello" })).value).toEqual({ data: "hi", errors });
  });

  test('gives the data alone with :on_error "data", and warns', async () => {
    await using server = await startCannedServer({ json: PARTIAL });
    const driver = driveHandler(createGraphqlHandler());
    const block = { endpoint: server.url, operation: QUERY, on_error: "data" };
    expect(await callOnce(block, { name: "bob" }, { driver })).toEqual(PARTIAL.data);
    expect(driver.warnings).toEqual([`Hello at ${server.url}: no other`]);
    await driver.close();
  });

  test('fails with :on_error "fail", with the data in the details, and says that part of it ran', async () => {
    const error = await failure({ json: PARTIAL }, { on_error: "fail" });
    expect(error).toMatchObject({ code: "rejected", details: { executed: true, data: PARTIAL.data } });
    expect(error.message).toContain("no other");
  });

  test.each([{ data: null, errors }, { data: { hello: null, other: null }, errors }, { errors }])(
    "fails where no field has data: %j",
    async (json) => {
      const error = await failure({ json });
      expect(error.code).toBe("rejected");
      expect(error.message).toContain("no other");
      expect(error.details).toEqual({ errors: [{ message: "no other", code: "X", path: ["other"] }] });
    },
  );

  test("counts those that are not told", async () => {
    const many = Array.from({ length: 30 }, () => ({ message: "bad" }));
    const error = await failure({ json: { errors: many } });
    expect(error.message).toMatch(/failed: bad \(and 29 more\)$/);
    expect(error.details?.["errors"]).toHaveLength(20);
  });
});

describe("a status that is no success", () => {
  const errors = [{ message: "Cannot query", extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }];

  test.each(["application/graphql-response+json", "application/json"])(
    "with errors as %s is a response",
    async (type) => {
      const error = await failure({ status: 400, type, json: { errors } });
      expect(error).toMatchObject({ code: "rejected", details: { status: 400 } });
      expect(error.message).toContain("Cannot query");
      expect(error.remedy).toContain("Correct the operation");
    },
  );

  test("may carry data all the same", async () => {
    expect((await answered({ status: 500, json: { data: { hello: "hi" } } })).value).toEqual({ hello: "hi" });
  });

  test.each([
    [401, "unauthenticated"],
    [403, "rejected"],
    [404, "protocol-error"],
    [405, "protocol-error"],
    [413, "rejected"],
    [429, "rate-limited"],
    [500, "outcome-unknown"],
    [503, "unavailable"],
    [302, "protocol-error"],
  ])("%i without a response is %s", async (status, code) => {
    const headers = { location: "https://elsewhere.example/" };
    const error = await failure({ status, headers, type: "text/html", body: "<html><b>Oops</b>" });
    expect(error.code).toBe(code);
    expect(error.message).not.toContain("Oops");
  });

  test("quotes what JSON says that is no response", async () => {
    const error = await failure({ status: 401, type: "application/json", json: { message: "Bad credentials" } });
    expect(error.code).toBe("unauthenticated");
    expect(error.message).toContain("Bad credentials");
  });
});

describe("a redirect", () => {
  test("that has no end is followed a few times", async () => {
    await using server = await startCannedServer({
      status: 307,
      headers: { location: "/graphql" },
      type: "text/plain",
      body: "",
    });
    const call = callOnce({ endpoint: server.url, operation: "{ a }" });
    await expect(call).rejects.toMatchObject({ code: "protocol-error" });
    expect(server.requests.length).toBeLessThan(10);
  });

  test("within the origin repeats the request, and to another origin is not followed, least of all with a token", async () => {
    await using other = await startCannedServer({ json: { data: { a: 1 } } });
    let location = "/elsewhere";
    await using server = await startCannedServer(({ url }) =>
      url.pathname === "/graphql"
        ? { status: 308, headers: { location }, type: "text/plain", body: "" }
        : { json: { data: { a: 2 } } },
    );
    const block = { endpoint: server.url, operation: "{ a }", auth_env_var: "TOKEN" };
    expect(await callOnce(block, null, { env: { TOKEN: "t0ken" } })).toEqual({ a: 2 });
    expect(server.requests.at(-1)).toMatchObject({ method: "POST", headers: { authorization: "Bearer t0ken" } });
    location = other.url;
    await expect(callOnce(block, null, { env: { TOKEN: "t0ken" } })).rejects.toMatchObject({ code: "protocol-error" });
    expect(other.requests).toEqual([]);
  });
});

describe("an answer that is none", () => {
  test.each([
    ["HTML", { type: "text/html", body: "<html>" }],
    ["plain text", { type: "text/plain", body: '{"data":{}}' }],
    ["no JSON", { body: '{"data":' }],
    ["nothing", { body: "" }],
    ["a list", { json: [{ data: {} }] }],
    ["neither data nor errors", { json: { ok: true } }],
    ["data that are no object", { json: { data: "x" } }],
    ["no error in the list of errors", { json: { errors: [] } }],
    ["errors that are no list", { json: { data: {}, errors: "x" } }],
  ] as const)("%s is a protocol error", async (_name, answer) => {
    const error = await failure(answer);
    expect(error.code).toBe("protocol-error");
    expect(error.remedy).toBeDefined();
  });

  test("cut off in the middle is an unknown outcome", async () => {
    expect(
      (await failure({ body: '{"data":{"he', cut: true }, { operation: "mutation ($name: String) { a(n: $name) }" }))
        .code,
    ).toBe("outcome-unknown");
  });

  test.each([
    ["too large", { body: JSON.stringify({ data: { a: "x".repeat(5_000) } }) }],
    [
      "small, and large when it is decompressed",
      {
        headers: { "content-encoding": "gzip" },
        body: gzipSync(JSON.stringify({ data: { a: "x".repeat(1_000_000) } })),
      },
    ],
  ])("%s is refused at the limit", async (_name, answer) => {
    const error = await failure(answer, { max_response_bytes: 2_000 });
    expect(error).toMatchObject({ code: "protocol-error", details: { limit: 2_000 } });
    expect(error.remedy).toContain(":max_response_bytes");
  });

  test("errors that are no errors are told as far as they can be", async () => {
    expect((await failure({ json: { errors: ["x", null, { message: 7 }] } })).message).toContain("without a message");
  });
});

describe("the code of an error", () => {
  const withCode = (extensions: object, message = "m"): object => ({ errors: [{ message, extensions }] });

  test.each([
    ["UNAUTHENTICATED", "unauthenticated"],
    ["invalid-jwt", "unauthenticated"],
    ["FORBIDDEN", "rejected"],
    ["RATE_LIMITED", "rate-limited"],
    ["THROTTLED", "rate-limited"],
    ["BAD_USER_INPUT", "rejected"],
    ["GRAPHQL_PARSE_FAILED", "rejected"],
    ["INTERNAL_SERVER_ERROR", "outcome-unknown"],
    ["PERSISTED_QUERY_NOT_IN_LIST", "rejected"],
    ["SOMETHING_ELSE", "rejected"],
  ])("%s is %s", async (code, expected) => {
    expect((await failure({ json: withCode({ code }) })).code).toBe(expected);
  });

  test("stands beside the message at GitHub", async () => {
    const errors = [{ type: "RATE_LIMITED", message: "API rate limit exceeded" }];
    expect((await failure({ json: { errors } })).code).toBe("rate-limited");
    expect((await failure({ json: { errors: [{ type: "INSUFFICIENT_SCOPES", message: "No." }] } })).code).toBe(
      "rejected",
    );
  });

  test("names the time to wait, in the error or in a header", async () => {
    const limited = withCode({ code: "RATE_LIMITED", retryAfter: 7 });
    expect((await failure({ json: limited })).retryAfterMs).toBe(7_000);
    expect((await failure({ headers: { "retry-after": "3" }, json: limited })).retryAfterMs).toBe(3_000);
    const until = String(Math.ceil(Date.now() / 1_000) + 100);
    const headers = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": until };
    expect((await failure({ status: 403, headers, type: "text/plain", body: "" })).retryAfterMs).toBeGreaterThan(
      90_000,
    );
  });

  test("names the variable where credentials were refused, and shows no token", async () => {
    await using server = await startCannedServer({ json: withCode({ code: "UNAUTHENTICATED" }, "bad s3cret-token") });
    const block = { endpoint: server.url, operation: "{ a }", auth_env_var: "GH_TOKEN" };
    const thrown = await callOnce(block, null, { env: { GH_TOKEN: "s3cret-token" } }).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: "unauthenticated", remedy: expect.stringContaining("GH_TOKEN") });
    expect((thrown as CcosError).remedy).not.toContain("s3cret");
  });

  test("a mutation that ran in part is not to run again, whatever it met", async () => {
    const errors = [{ message: "slow down", path: ["create", "author"], extensions: { code: "RATE_LIMITED" } }];
    const error = await failure(
      { json: { data: null, errors } },
      {
        operation: "mutation ($name: String) { create(n: $name) { author } }",
      },
    );
    expect(error).toMatchObject({ code: "rejected", details: { executed: true } });
  });
});

describe("persisted queries", () => {
  const hash = createHash("sha256").update(QUERY).digest("hex");
  const notFound = {
    errors: [{ message: "PersistedQueryNotFound", extensions: { code: "PERSISTED_QUERY_NOT_FOUND" } }],
  };
  const json = { data: { hello: "hi" } };

  test("a hash is sent first, and the document where the server does not know it", async () => {
    const known = new Set<string>();
    await using server = await startCannedServer(({ asked }) => {
      if (asked.query !== undefined) known.add(hash);
      return { json: known.has(hash) ? json : notFound };
    });
    const driver = driveHandler(createGraphqlHandler());
    const capability = capabilityOf("graphql", { endpoint: server.url, operation: QUERY, persisted_queries: true });
    const session = await driver.open(capability);
    for (let call = 0; call < 2; call++)
      expect(await driver.call(session, capability, { name: "x" })).toEqual(json.data);
    await driver.close();
    expect(server.requests.map(({ asked }) => asked.query)).toEqual([undefined, QUERY, undefined]);
    const extensions = { persistedQuery: { version: 1, sha256Hash: hash } };
    for (const { asked } of server.requests) expect(asked).toMatchObject({ extensions });
  });

  test("go by GET where that is asked for", async () => {
    const { requests } = await answered({ json }, { persisted_queries: true, method: "GET" });
    expect(requests).toHaveLength(1);
    expect(requests[0]?.method).toBe("GET");
    expect(JSON.parse(String(requests[0]?.asked["extensions"]))).toMatchObject({
      persistedQuery: { sha256Hash: hash },
    });
  });

  test.each([
    ["says so", { json: { errors: [{ message: "PersistedQueryNotSupported" }] } }],
    ["misses the document", { status: 400, json: { errors: [{ message: "Must provide query string." }] } }],
    ["knows nothing of them", { status: 400, type: "text/plain", body: "Bad Request" }],
  ])("a server that %s is asked no more", async (_name, refusal) => {
    await using server = await startCannedServer(({ asked }) => (asked.query === undefined ? refusal : { json }));
    const driver = driveHandler(createGraphqlHandler());
    const capability = capabilityOf("graphql", { endpoint: server.url, operation: QUERY, persisted_queries: true });
    const session = await driver.open(capability);
    for (let call = 0; call < 2; call++)
      expect(await driver.call(session, capability, { name: "x" })).toEqual(json.data);
    await driver.close();
    expect(server.requests.map(({ asked }) => asked.query)).toEqual([undefined, QUERY, QUERY]);
    expect(server.requests.at(-1)?.asked).not.toHaveProperty("extensions");
  });

  test("refused credentials are not tried again with the document", async () => {
    await using server = await startCannedServer({ status: 401, json: { errors: [{ message: "No." }] } });
    const block = { endpoint: server.url, operation: QUERY, persisted_queries: true };
    await expect(callOnce(block, { name: "x" })).rejects.toMatchObject({ code: "unauthenticated" });
    expect(server.requests).toHaveLength(1);
  });
});

describe("the handshake", () => {
  const handshaken = async (answer: CannedAnswer, block: JsonObject = {}): Promise<readonly CannedRequest[]> => {
    await using server = await startCannedServer(answer);
    const driver = driveHandler(createGraphqlHandler());
    try {
      await driver.open(
        capabilityOf("graphql", { endpoint: server.url, operation: QUERY, requires_session: "true", ...block }),
      );
    } finally {
      await driver.close();
    }
    return server.requests;
  };

  test("asks for nothing but a sign of life, where sessions are kept", async () => {
    expect((await handshaken({ json: { data: { __typename: "Query" } } })).map(({ asked }) => asked)).toEqual([
      { query: "{ __typename }" },
    ]);
  });

  test("is not made for the session of one call, nor where it is switched off", async () => {
    expect(await handshaken({}, { requires_session: "false" })).toEqual([]);
    expect(await handshaken({}, { handshake: false })).toEqual([]);
  });

  test("is content with a server that takes only operations that it knows", async () => {
    const errors = [{ message: "Not in the list.", extensions: { code: "PERSISTED_QUERY_NOT_IN_LIST" } }];
    await expect(handshaken({ status: 400, json: { errors } })).resolves.toHaveLength(1);
  });

  test.each([
    [{ status: 401, json: {} }, "unauthenticated"],
    [{ json: { errors: [{ message: "x", extensions: { code: "UNAUTHENTICATED" } }] } }, "unauthenticated"],
    [{ status: 500, type: "text/plain", body: "" }, "unavailable"],
    [{ type: "text/html", body: "<html>" }, "protocol-error"],
    [{ status: 404, type: "text/plain", body: "" }, "protocol-error"],
  ] as const)("fails for %j with %s", async (answer, code) => {
    await expect(handshaken(answer)).rejects.toMatchObject({ code });
  });
});

test("a session outlives a restart of its server", async () => {
  const server = await ScriptedGraphqlServer.start();
  const driver = driveHandler(createGraphqlHandler(), { env: { TOKEN: "token-of-alice" } });
  const operation = "mutation ($text: String!) { echo(text: $text) }";
  const capability = capabilityOf("graphql", { endpoint: server.url, operation, auth_env_var: "TOKEN" });
  const session = await driver.open(capability);
  expect(await driver.call(session, capability, { text: "a" })).toEqual({ echo: "a" });
  await server.stop();
  await expect(driver.call(session, capability, { text: "b" })).rejects.toMatchObject({ code: "unavailable" });
  await server.listen();
  expect(await driver.call(session, capability, { text: "c" })).toEqual({ echo: "c" });
  await driver.close();
  await server.stop();
});

test("what answers say of a limit is passed on: headers, GitHub's field, Shopify's cost", async () => {
  const heard: RateNews[] = [];
  let answer: { readonly json: unknown; readonly headers?: Record<string, string> } = { json: {} };
  await using server = await startCannedServer(() => answer);
  const handler = createGraphqlHandler();
  const driver = driveHandler({
    provider: handler.provider,
    target: (capability, context) => handler.target(capability, context),
    initializeSession: (target, context) => handler.initializeSession(target, context),
    terminateSession: (session, context) => handler.terminateSession(session, context),
    executeWithSession: (session, call, context) =>
      handler.executeWithSession(session, { ...call, limited: (news) => void heard.push(news) }, context),
    close: () => handler.close(),
  });
  const capability = capabilityOf("graphql", { endpoint: server.url, operation: "{ a }" });
  const session = await driver.open(capability);
  const resetAt = new Date(Date.now() + 60_000).toISOString();
  answer = { json: { data: { a: 1, rateLimit: { limit: 5000, cost: 10, remaining: 95, resetAt } } } };
  await driver.call(session, capability);
  const throttleStatus = { maximumAvailable: 1000, currentlyAvailable: 900, restoreRate: 50 };
  answer = { json: { data: { a: 1 }, extensions: { cost: { requestedQueryCost: 100, throttleStatus } } } };
  await driver.call(session, capability);
  answer = { json: { data: { a: 1 } }, headers: { "x-ratelimit-remaining": "7", "x-ratelimit-reset": "30" } };
  await driver.call(session, capability);
  await driver.close();
  expect(heard).toEqual([
    { remaining: 9, resetMs: expect.any(Number) },
    { remaining: 9, resetMs: 2_000 },
    { remaining: 7, resetMs: 30_000 },
  ]);
  expect(heard[0]?.resetMs).toBeGreaterThan(50_000);
});
