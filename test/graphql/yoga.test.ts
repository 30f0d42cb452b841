import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEnvironment, type CCOSEnvironment } from "../../src/environment.ts";
import type { JsonObject, StreamEvent } from "../../src/kernel/index.ts";
import { createGraphqlHandler } from "../../src/providers/graphql/index.ts";
import { capabilityOf, driveHandler, type HandlerDriver } from "../../testing/drive-handler.ts";
import { createShop } from "./shop-schema.ts";
import { startYoga, type YogaServer } from "./yoga-server.ts";

const shop = createShop();
let server: YogaServer;
let driver: HandlerDriver<unknown>;
beforeAll(async () => {
  server = await startYoga({ schema: shop.schema });
  driver = driveHandler(createGraphqlHandler(), { env: { INIT: "from-init" } });
});
afterAll(async () => {
  await driver.close();
  await server[Symbol.asyncDispose]();
});

async function call(block: JsonObject, input: JsonObject = {}): Promise<unknown> {
  const capability = capabilityOf("graphql", { endpoint: server.url, ...block });
  const session = await driver.open(capability);
  try {
    return await driver.call(session, capability, input);
  } finally {
    await driver.terminate(session);
  }
}

async function events(block: JsonObject, input: JsonObject = {}, most = Infinity): Promise<StreamEvent[]> {
  const capability = capabilityOf("graphql", { endpoint: server.url, ...block });
  const session = await driver.open(capability);
  const taken: StreamEvent[] = [];
  try {
    for await (const event of driver.stream(session, capability, input)) if (taken.push(event) === most) break;
  } finally {
    await driver.terminate(session);
  }
  return taken;
}

describe("a field of the schema", () => {
  test("is asked for with a selection by depth", async () => {
    const customer = { id: "c1", name: "Ann" };
    expect(await call({ field: "order", depth: 2, on_error: "data" }, { id: "o7" })).toMatchObject({
      id: "o7",
      total: 2.5,
      customer,
    });
    expect(await call({ field: "orders", selection: "id" })).toEqual([{ id: "o1" }]);
    expect(await call({ field: "search", depth: 1, on_error: "data" }, { text: "x" })).toMatchObject([
      { __typename: "Order", id: "o1" },
      { __typename: "Customer", name: "Ann" },
    ]);
  });

  test("of a mutation runs once", async () => {
    const before = shop.ran.length;
    const input: JsonObject = { lines: [{ sku: "a" }, { sku: "b", gift: { to: "Bob" } }] };
    expect(await call({ field: "place", kind: "mutation", selection: "id" }, input)).toEqual({ id: "o2" });
    expect(shop.ran.slice(before)).toEqual(["a,b"]);
  });

  test("that the schema does not have is refused before anything is sent, and so is a broken selection", async () => {
    await expect(call({ field: "ordr" })).rejects.toMatchObject({
      code: "invalid-argument",
      remedy: 'Did you mean "order"?',
    });
    await expect(call({ field: "order", selection: "{ id nope }" })).rejects.toThrow('Cannot query field "nope"');
    await expect(call({ field: "order", selection: "{ id" })).rejects.toThrow("cannot be read");
  });
});

describe("variables", () => {
  const block = { operation: "query ($state: State!) { orders(state: $state) { state } }" };

  test("of the schema's own types are checked by it, which is asked for once", async () => {
    const before = server.requests.length;
    const capability = capabilityOf("graphql", { endpoint: server.url, ...block, headers: { "x-once": "1" } });
    const session = await driver.open(capability);
    const bad = driver.call(session, capability, { state: "open" });
    await expect(bad).rejects.toThrow(
      'Value "open" does not exist in "State" enum. Did you mean the enum value "OPEN"?',
    );
    expect(await driver.call(session, capability, { state: "CLOSED" })).toEqual({ orders: [{ state: "CLOSED" }] });
    await driver.terminate(session);
    const asked = server.requests.slice(before).map(({ body }) => /__schema|orders/.exec(body)?.[0]);
    expect(asked).toEqual(["__schema", "orders"]);
  });

  test("of types that every schema has need no schema", async () => {
    const before = server.requests.length;
    expect(
      await call({ operation: "query ($id: ID!) { order(id: $id) { id } }", headers: { "x-none": "1" } }, { id: "o1" }),
    ).toEqual({ order: { id: "o1" } });
    expect(server.requests.slice(before)).toHaveLength(1);
  });

  test('are left to the server with :introspection "never"', async () => {
    await expect(call({ ...block, introspection: "never" }, { state: "open" })).rejects.toMatchObject({
      code: "rejected",
    });
  });

  test('a document is checked too with :introspection "always"', async () => {
    const always = { operation: "{ orders { id, nope } }", introspection: "always" };
    await expect(call(always)).rejects.toThrow(
      'Cannot query field "nope" on type "Order". (line 1, column 16 of the document).',
    );
  });
});

test("partial data are kept with the errors of the fields that have none", async () => {
  const value = await call({ operation: "{ order(id: 1) { id secret } }", result_field: "order" });
  expect(value).toMatchObject({
    data: { id: "1", secret: null },
    errors: [{ message: "Not for you.", path: ["order", "secret"], extensions: { code: "FORBIDDEN" } }],
  });
});

test("everything goes over one socket where that is asked for, and errors mean the same", async () => {
  const ws = { transport: "ws" };
  expect(await call({ ...ws, field: "order", selection: "id" }, { id: "o1" })).toEqual({ id: "o1" });
  await expect(call({ ...ws, operation: "{ nope }" })).rejects.toMatchObject({ code: "rejected" });
  expect(await call({ ...ws, operation: "{ order(id: 1) { id secret } }" })).toHaveProperty("errors");
  expect(server.sockets).toBe(0);
});

describe.each(["ws", "sse"])("a subscription over %s", (transport) => {
  const way = { subscription_transport: transport };

  test("gives its events in order, and ends", async () => {
    const taken = await events({ ...way, field: "count", kind: "subscription" }, { to: 3 });
    expect(taken).toEqual([1, 2, 3].map((value) => ({ type: "data", value })));
  });

  test("that is left ends at the server", async () => {
    expect(await events({ ...way, operation: "subscription { ticks }" }, {}, 3)).toHaveLength(3);
    await expect.poll(() => shop.open.ticks).toBe(0);
  });

  test("that nobody takes from puts the server under back-pressure, or is ended", async () => {
    const capability = capabilityOf("graphql", {
      endpoint: server.url,
      ...way,
      operation: "subscription { ticks }",
      max_buffered_events: 100,
    });
    const session = await driver.open(capability);
    const iterator = driver.stream(session, capability)[Symbol.asyncIterator]();
    await iterator.next();
    let before = -1;
    await expect
      .poll(
        () => {
          const isStill = shop.open.sent === before || shop.open.ticks === 0;
          before = shop.open.sent;
          return isStill;
        },
        { interval: 200, timeout: 8_000 },
      )
      .toBe(true);
    await iterator.return?.();
    await expect.poll(() => shop.open.ticks).toBe(0);
    await driver.terminate(session);
  });

  test("keeps the errors of an event, and goes on", async () => {
    const taken = await events({ ...way, operation: "subscription { broken }", result_field: "broken" });
    expect(taken).toMatchObject([
      { type: "data", value: 1 },
      { type: "data", value: { data: null, errors: [{ path: ["broken"] }] } },
      { type: "data", value: 3 },
    ]);
  });

  test("that the server refuses fails", async () => {
    await expect(events({ ...way, operation: "subscription { nope }" })).rejects.toMatchObject({ code: "rejected" });
  });

  test("is no call that gives a value", async () => {
    await expect(call({ ...way, operation: "subscription { ticks }" })).rejects.toMatchObject({
      code: "invalid-argument",
      remedy: expect.stringContaining("--stream"),
    });
  });
});

test("a server without sockets gives subscriptions over server-sent events, and is asked for a socket once", async () => {
  await using plain = await startYoga({ schema: shop.schema, withoutSockets: true });
  const capability = capabilityOf("graphql", { endpoint: plain.url, field: "count", kind: "subscription" });
  const session = await driver.open(capability);
  for (let time = 0; time < 2; time++) {
    expect(await Array.fromAsync(driver.stream(session, capability, { to: 2 }))).toHaveLength(2);
  }
  await driver.terminate(session);
});

test("subscriptions that begin at once share one socket, which ends with the session", async () => {
  const capability = capabilityOf("graphql", {
    endpoint: server.url,
    operation: "subscription { ticks }",
    subscription_transport: "ws",
  });
  const session = await driver.open(capability);
  const streams = Array.from({ length: 5 }, () => driver.stream(session, capability)[Symbol.asyncIterator]());
  await Promise.all(streams.map((stream) => stream.next()));
  expect(server.sockets).toBe(1);
  for (const stream of streams) await stream.return?.();
  await driver.terminate(session);
  await expect.poll(() => server.sockets).toBe(0);
  await expect.poll(() => shop.open.ticks).toBe(0);
});

test("connection_init carries what it declares, with variables and the session's own authorization filled in", async () => {
  const before = server.inits.length;
  const init = { token: "${INIT}", nested: { auth: "${authorization}", n: 1 }, missing: "${NOT_SET}" };
  await events({
    operation: "subscription { count(to: 1) }",
    subscription_transport: "ws",
    connection_init: init,
    auth_env_var: "INIT",
  });
  expect(server.inits.slice(before)).toEqual([{ token: "from-init", nested: { auth: "Bearer from-init", n: 1 } }]);
});

describe("in an environment", () => {
  let env: CCOSEnvironment;
  beforeAll(async () => {
    env = await createEnvironment({ capabilities: [], config: {}, env: { SHOP: server.url } });
    const block = `:endpoint_override_env "SHOP" :requires_session "true"`;
    await env.capabilities.load(`
      (capability "shop.order" :input-schema [:map [:id :string]] :effects [:network]
        :metadata {:graphql {${block} :operation "query ($id: ID!) { order(id: $id) { id state } }" :result_field "order"}})
      (capability "shop.place" :effects [:network]
        :metadata {:graphql {${block} :field "place" :kind "mutation" :selection "id"}})
      (capability "shop.count" :effects [:network]
        :metadata {:graphql {${block} :field "count" :kind "subscription" :subscription_transport "ws"}})
      (capability "shop.ticks" :effects [:network]
        :metadata {:graphql {${block} :operation "subscription { ticks }"}})`);
  });
  afterAll(() => env.close());

  test("queries, mutations and subscriptions of one service share a session, which survives its socket", async () => {
    const first = await env.callDetailed("shop.order", { id: "o1" });
    expect(first).toMatchObject({ value: { id: "o1", state: "OPEN" }, session: { reused: false } });
    const second = await env.callDetailed("shop.place", { lines: [] });
    expect(second.session).toMatchObject({ id: first.session?.id, reused: true });
    expect(await Array.fromAsync(env.stream("shop.count", { to: 2 }))).toHaveLength(2);
    expect(server.sockets).toBe(1);
    server.closeSockets();
    await expect.poll(() => server.sockets).toBe(0);
    expect(await Array.fromAsync(env.stream("shop.count", { to: 2 }))).toHaveLength(2);
    expect(env.sessions.list().filter(({ provider }) => provider === "graphql")).toHaveLength(1);
  });

  test("leaving a subscription leaves no lease and nothing at the server", async () => {
    for await (const _event of env.stream("shop.ticks", {})) break;
    await expect.poll(() => shop.open.ticks).toBe(0);
    expect(env.sessions.list().reduce((sum, { active }) => sum + active, 0)).toBe(0);
  });

  test("a program folds over a subscription and calls over the same socket meanwhile", async () => {
    const block = `:endpoint_override_env "SHOP" :requires_session "true" :transport "ws"`;
    await env.capabilities.load(`
      (capability "ws.order" :effects [:network]
        :metadata {:graphql {${block} :operation "query ($id: ID!) { order(id: $id) { id } }" :result_field "order"}})
      (capability "ws.ticks" :effects [:network]
        :metadata {:graphql {${block} :operation "subscription { ticks }" :max_buffered_events 2000}})`);
    const program = `(call "ws.ticks" {:initial [] :on-event (fn [seen event]
      (if (= (count seen) 3) {:action :complete}
        (conj seen (:id (call "ws.order" {:id (str "o" (count seen))})))))})`;
    expect(await env.run(program)).toEqual(["o0", "o1", "o2"]);
    await expect.poll(() => shop.open.ticks).toBe(0);
  });

  test("results are values of a program", async () => {
    expect(await env.run('(get (call "shop.order" {:id "o9"}) :state)')).toBe("OPEN");
  });
});
