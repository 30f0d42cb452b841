import { afterEach, describe, expect, test } from "vitest";
import { createEnvironment, type CCOSEnvironment } from "../../src/environment.ts";
import type { JsonObject } from "../../src/kernel/index.ts";
import { createGraphqlHandler } from "../../src/providers/graphql/index.ts";
import { capabilityOf, driveHandler } from "../../testing/drive-handler.ts";
import { drivePool } from "../../testing/drive-pool.ts";
import { callOnce, startCannedServer, type CannedServer } from "./canned-server.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

const LOGIN = "mutation ($name: String!, $password: String!) { login(name: $name, password: $password) { token } }";
const VARIABLES = { name: "ann", password: "${SHOP_PASSWORD}" };

/** A service that gives a token for a login, and knows it until it is told to forget. */
async function startLoginService(): Promise<CannedServer & { readonly known: Set<string>; readonly ran: string[] }> {
  const known = new Set<string>();
  const ran: string[] = [];
  let count = 0;
  const server = await startCannedServer(({ asked, headers }) => {
    const { query = "", variables } = asked;
    if (query.includes("login")) {
      const { password } = variables as JsonObject;
      if (password !== "right") return { json: { data: { login: null }, errors: [{ message: "Wrong password." }] } };
      const token = `session-${++count}`;
      known.add(token);
      return { json: { data: { login: { token } } } };
    }
    const token = headers.authorization?.replace("Bearer ", "") ?? "";
    if (!known.has(token))
      return {
        json: {
          data: { me: null },
          errors: [{ message: "Log in.", path: ["me"], extensions: { code: "UNAUTHENTICATED" } }],
        },
      };
    if (query.includes("logout")) known.delete(token);
    ran.push(query);
    return { json: { data: { me: token } } };
  });
  open.push(server);
  return Object.assign(server, { known, ran });
}

describe("a login", () => {
  const block = (url: string, login: JsonObject = {}): JsonObject => ({
    endpoint: url,
    requires_session: "true",
    operation: "mutation { me }",
    result_field: "me",
    login: { operation: LOGIN, variables: VARIABLES, token_path: "login.token", ...login },
  });

  test("gives a token that goes with every request, until the session logs out", async () => {
    const service = await startLoginService();
    const pool = drivePool(createGraphqlHandler(), {
      block: block(service.url, { logout: "mutation { logout }" }),
      env: { SHOP_PASSWORD: "right" },
    });
    for (let call = 0; call < 3; call++) expect((await pool.call({})).value).toBe("session-1");
    expect(service.requests.filter(({ asked }) => asked.query === LOGIN)).toHaveLength(1);
    expect(service.requests[0]?.asked["variables"]).toEqual({ name: "ann", password: "right" });
    await pool.close();
    expect(service.known.size).toBe(0);
  });

  test("that the service has forgotten is made again, and the call runs once, though it is a mutation", async () => {
    const service = await startLoginService();
    const pool = drivePool(createGraphqlHandler(), { block: block(service.url), env: { SHOP_PASSWORD: "right" } });
    expect((await pool.call({})).value).toBe("session-1");
    service.known.clear();
    expect((await pool.call({})).value).toBe("session-2");
    expect(service.ran).toHaveLength(2);
    expect([pool.countOf("sessionLost"), pool.countOf("sessionOpened")]).toEqual([1, 2]);
    await pool.close();
  });

  test("that is refused names the variable, and shows neither it nor the token", async () => {
    const service = await startLoginService();
    const thrown = await callOnce(block(service.url), {}, { env: { SHOP_PASSWORD: "wr0ng-one" } }).catch(
      (error: unknown) => error,
    );
    expect(thrown).toMatchObject({ code: "unauthenticated", remedy: expect.stringContaining("SHOP_PASSWORD") });
    expect(JSON.stringify(thrown)).not.toContain("wr0ng-one");
  });

  test("registers what it was given as a secret", async () => {
    const service = await startLoginService();
    const driver = driveHandler(createGraphqlHandler(), { env: { SHOP_PASSWORD: "right" } });
    await driver.open(capabilityOf("graphql", block(service.url)));
    expect([...driver.secrets]).toEqual(expect.arrayContaining(["right", "session-1"]));
    await driver.close();
  });

  test("without a token where the metadata say, or without a cookie, is a protocol error", async () => {
    const service = await startLoginService();
    const env = { SHOP_PASSWORD: "right" };
    await expect(callOnce(block(service.url, { token_path: "login.nothing" }), {}, { env })).rejects.toMatchObject({
      code: "protocol-error",
      remedy: "Correct :token_path of :login.",
    });
    const withoutPath = { ...block(service.url), login: { operation: LOGIN, variables: VARIABLES } };
    await expect(callOnce(withoutPath, {}, { env })).rejects.toThrow("set no cookie");
  });

  test("keeps cookies that later answers change, and sends them to no other path than they are for", async () => {
    let count = 0;
    const server = await startCannedServer(({ asked }) => ({
      json: { data: { ok: true } },
      headers: {
        "set-cookie":
          asked.query?.includes("login") === true ? "sid=1; Path=/graphql" : `sid=${++count + 1}; Path=/graphql`,
      },
    }));
    open.push(server);
    const driver = driveHandler(createGraphqlHandler());
    const capability = capabilityOf("graphql", {
      endpoint: server.url,
      operation: "{ ok }",
      login: { operation: "mutation { login }" },
    });
    const session = await driver.open(capability);
    await driver.call(session, capability);
    await driver.call(session, capability);
    await driver.close();
    expect(server.requests.map(({ headers }) => headers.cookie)).toEqual([undefined, "sid=1", "sid=2"]);
  });
});

test("a token of OAuth 2 is fetched, renewed when it is refused, and the call runs again", async () => {
  const issuer = await startCannedServer(() => ({
    type: "application/json",
    json: { access_token: `access-${issuer.requests.length}`, token_type: "bearer", expires_in: 3600 },
  }));
  open.push(issuer);
  let accepted = "access-1";
  const server = await startCannedServer(({ headers }) =>
    headers.authorization === `Bearer ${accepted}`
      ? { json: { data: { me: headers.authorization } } }
      : { status: 401, json: { errors: [{ message: "No.", extensions: { code: "UNAUTHENTICATED" } }] } },
  );
  open.push(server);
  const auth = {
    type: "oauth2",
    grant: "client_credentials",
    token_url: issuer.url,
    client_id: "me",
    env_var: "SHOP_SECRET",
  };
  const block = { endpoint: server.url, operation: "mutation { me }", result_field: "me", handshake: false, auth };
  const pool = drivePool(createGraphqlHandler(), { block, env: { SHOP_SECRET: "s3cret" } });
  expect((await pool.call({})).value).toBe("Bearer access-1");
  accepted = "access-2";
  expect((await pool.call({})).value).toBe("Bearer access-2");
  expect(issuer.requests).toHaveLength(2);
  await pool.close();
});

describe("credentials", () => {
  test("go to another origin only where subscriptions of the capability are", async () => {
    const driver = driveHandler(createGraphqlHandler(), {
      env: { TOKEN: "t0ken" },
      onSecret: (name, { origin }) => asked.push([name, origin]),
    });
    const asked: [string, string][] = [];
    const block = { endpoint: "https://a.example/graphql", operation: "{ a }", auth_env_var: "TOKEN" };
    driver.target(capabilityOf("graphql", block));
    driver.target(capabilityOf("graphql", { ...block, subscription_url: "wss://b.example/live" }));
    expect(asked).toEqual([
      ["TOKEN", "https://a.example"],
      ["TOKEN", "https://a.example"],
      ["TOKEN", "https://b.example"],
    ]);
  });

  test("do not travel in the clear with subscriptions", () => {
    const driver = driveHandler(createGraphqlHandler(), { env: { TOKEN: "t0ken" } });
    const block = { endpoint: "https://a.example/graphql", operation: "{ a }", auth_env_var: "TOKEN" };
    expect(() => driver.target(capabilityOf("graphql", { ...block, subscription_url: "ws://b.example/live" }))).toThrow(
      "in the clear",
    );
  });

  test.each([
    [{ subscription_url: "ftp://a.example/" }, ":subscription_url"],
    [{ subscription_url: "wss://u:p@a.example/" }, ":subscription_url"],
    [{ subscription_transport: "carrier pigeon" }, ":subscription_transport"],
    [{ connection_init: "text" }, ":connection_init"],
    [{ login: { variables: {} } }, ":login"],
    [{ login: { operation: "{ a }", token_path: "a..b" } }, ":token_path"],
    [{ login: { operation: "{ a }", logout: "no operation" } }, ":logout"],
    [{ on_error: "explode" }, ":on_error"],
    [{ method: "PUT" }, ":method"],
    [{ transport: "smtp" }, ":transport"],
    [{ introspection: "maybe" }, ":introspection"],
    [{ max_buffered_events: 0 }, ":max_buffered_events"],
    [{ max_response_bytes: 1 }, "max_response_bytes"],
    [{ headers: { Authorization: "Bearer x" } }, "authorization"],
    [{ headers: { Accept: "x" } }, "accept"],
    [{ endpoint: "file:///etc/passwd" }, "no http or https URL"],
  ] as [JsonObject, string][])("and settings that make no sense are refused: %j", (wrong, message) => {
    const driver = driveHandler(createGraphqlHandler());
    const block = { endpoint: "https://a.example/graphql", operation: "{ a }", ...wrong };
    expect(() => driver.target(capabilityOf("graphql", block))).toThrow(message);
  });

  test("that differ, and settings that shape a session, tell sessions apart; those of a call do not", () => {
    const target = (more: JsonObject, env: Record<string, string> = {}): string => {
      const block = { endpoint: "https://a.example/graphql", operation: "{ a }", auth_env_var: "TOKEN", ...more };
      const { endpoint, credentials, shape } = driveHandler(createGraphqlHandler(), { env }).target(
        capabilityOf("graphql", block),
      );
      return JSON.stringify([endpoint, credentials, shape]);
    };
    const plain = target({});
    const same: JsonObject[] = [
      { operation: "mutation { b }" },
      { method: "get" },
      { on_error: "fail" },
      { persisted_queries: true },
      { subscription_transport: "sse" },
    ];
    const other: JsonObject[] = [
      { transport: "ws" },
      { headers: { "x-a": "b" } },
      { connection_init: { a: "b" } },
      { subscription_url: "/other" },
      { handshake: true },
    ];
    for (const more of same) expect(target(more)).toBe(plain);
    for (const more of other) expect(target(more)).not.toBe(plain);
    expect(target({}, { TOKEN: "x" })).not.toBe(plain);
  });
});

describe("an environment", () => {
  async function environmentWith(text: string, env: Record<string, string> = {}): Promise<CCOSEnvironment> {
    const environment = await createEnvironment({ capabilities: [], config: {}, env });
    open.push({ [Symbol.asyncDispose]: () => environment.close() });
    await environment.capabilities.load(text);
    return environment;
  }

  test("retries a query that failed at the server, and not a mutation", async () => {
    let failures = 1;
    const server = await startCannedServer(() =>
      failures-- > 0 ? { status: 502, type: "text/plain", body: "" } : { json: { data: { a: 1 } } },
    );
    open.push(server);
    const declare = (id: string, operation: string): string =>
      `(capability "${id}" :effects [:network] :metadata {:graphql {:endpoint "${server.url}" :operation "${operation}"} :retry {:initial_delay_ms 1}})`;
    const environment = await environmentWith(`${declare("s.read", "{ a }")} ${declare("s.write", "mutation { a }")}`);
    expect(await environment.call("s.read", {})).toEqual({ a: 1 });
    failures = 1;
    await expect(environment.call("s.write", {})).rejects.toMatchObject({ code: "outcome-unknown" });
    expect(server.requests).toHaveLength(3);
  });

  test("runs identical queries at once as one, and asks for a schema once however many need it", async () => {
    const type = {
      kind: "OBJECT",
      name: "Query",
      fields: [{ name: "a", args: [], type: { kind: "SCALAR", name: "Int" } }],
    };
    const schema = { __schema: { queryType: { name: "Query" }, types: [{ kind: "SCALAR", name: "Int" }, type] } };
    const server = await startCannedServer(({ asked }) => ({
      json: { data: asked.query?.includes("__schema") === true ? schema : { a: 1 } },
    }));
    open.push(server);
    const environment = await environmentWith(
      ["a", "b", "c"]
        .map(
          (id) =>
            `(capability "s.${id}" :effects [:network] :metadata {:graphql {:endpoint "${server.url}" :field "a" :requires_session "true"}})`,
        )
        .join(" "),
    );
    const values = await Promise.all(["s.a", "s.b", "s.c", "s.a", "s.a"].map((id) => environment.call(id, {})));
    expect(values).toEqual([1, 1, 1, 1, 1]);
    expect(server.requests.filter(({ asked }) => asked.query?.includes("__schema"))).toHaveLength(1);
  });
});
