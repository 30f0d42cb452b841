import { describe, expect, test } from "vitest";

import { targetOf } from "../../../test/websocket/fake-socket.ts";
import { capabilityOf } from "../../../testing/index.ts";
import type { CcosError, JsonObject } from "../../kernel/index.ts";
import type { Target } from "../../session/handler.ts";
import { readTarget, type WebSocketSettings } from "./target.ts";

const settingsOf = (block: JsonObject, env?: Record<string, string>): WebSocketSettings =>
  targetOf(block, env).settings as WebSocketSettings;

function refusalOf(block: JsonObject): CcosError {
  try {
    targetOf(block);
  } catch (error) {
    return error as CcosError;
  }
  throw new Error("It was taken.");
}

describe("a block", () => {
  test("is JSON-RPC where nothing else is said, with everything at its default", () => {
    const target = targetOf({ method: "add" });
    expect(target).toMatchObject({ endpoint: "ws://127.0.0.1:1/", operation: "add", credentials: {} });
    expect(target.settings).toMatchObject({
      subprotocols: [],
      wire: {
        format: "json",
        correlation: { kind: "json-rpc", idType: "number" },
        hello: undefined,
        login: undefined,
        heartbeat: { intervalMs: 30_000, timeoutMs: 10_000, request: undefined },
        compression: false,
        maxResponseBytes: 32 * 1024 * 1024,
        maxSendBufferBytes: 4 * 1024 * 1024,
        closeTimeoutMs: 2000,
      },
      operation: {
        name: "add",
        answer: "first",
        reading: { resultPath: ["result"], errorPath: ["error"], codePath: ["code"], messagePath: ["message"] },
        subscription: undefined,
      },
    });
  });

  test("takes the older spellings of its keys, and hyphens", () => {
    const block = {
      server_url: "wss://line.example/",
      "result-path": "a.b",
      method: "m",
      correlate: { "id-path": "n" },
    };
    const target = readTarget(capabilityOf("websocket", block), contextOf({}));
    expect(target.endpoint).toBe("wss://line.example/");
    expect((target.settings as WebSocketSettings).operation.reading.resultPath).toEqual(["a", "b"]);
  });

  test("without a method or a message sends its input", () => {
    expect(settingsOf({ correlate: "in-order" }).operation.request).toEqual({ kind: "input" });
  });

  test.each<[string, JsonObject, RegExp]>([
    ["no method for JSON-RPC", {}, /:method of "websocket.test" is missing/],
    ["a message where JSON-RPC makes it", { message: {} }, /stands where JSON-RPC makes the message/],
    ["a message beside a method", { correlate: { id_path: "id" }, method: "m", message: {} }, /stands beside :method/],
    ["an unknown correlation", { correlate: "luck" }, /:correlate .* is none of the possible values/],
    ["an unknown key inside", { method: "m", subscribe: { event: {} } }, /unknown key "event"/],
    ["ids in frames that are no JSON", { method: "m", format: "text" }, /is not JSON, and answers are told apart/],
    ["no number", { method: "m", close_timeout_ms: "soon" }, /:close_timeout_ms .* is no possible number/],
    ["a path that is none", { method: "m", result_path: "a..b" }, /:result_path .* is no path/],
    ["a match that is none", { method: "m", ignore: 7 }, /:ignore .* tells no messages apart/],
    ["a place that nothing fills", { method: "m", params: ["{$tokn}"] }, /a place \{\$tokn\}, which nothing fills/],
    ["a code without a meaning", { method: "m", error_codes: { "7": "bad luck" } }, /gives "7" no possible meaning/],
    [
      "no answer where order tells answers",
      { correlate: "in-order", answer: "none" },
      /answers are told by their order/,
    ],
    ["an answer where nothing tells it", { correlate: "none", answer: "first" }, /nothing tells an answer/],
    ["events that cannot be told from answers", { correlate: "in-order", subscribe: {} }, /:events .* is missing/],
    [
      "a subscription that is never named",
      { method: "m", subscribe: { events: { on: "{$subscription}" } } },
      /:id_path .* is missing/,
    ],
    [
      "a name where no answer comes first",
      { method: "m", answer: "last", subscribe: { id_path: "a" } },
      /no answer comes first/,
    ],
    [
      "a cursor that no message takes",
      { method: "m", subscribe: { cursor_path: "n" } },
      /no message says where to go on/,
    ],
    [
      "a message that takes a cursor that is nowhere",
      { method: "m", params: ["{$cursor}"], subscribe: {} },
      /:cursor_path .* is missing/,
    ],
    [
      "a request without an id that is to be canceled",
      { correlate: "none", cancel: { message: {} } },
      /requests have no id/,
    ],
    ["a login that says nothing", { method: "m", login: {} }, /:login :message .* is missing/],
    [
      "a login whose answer nothing tells",
      { correlate: "none", login: { message: {} } },
      /nothing else tells the answer/,
    ],
    [
      "a login with and without an answer",
      { method: "m", login: { method: "l", answer: "none", ok: {} } },
      /an answer is declared/,
    ],
    ["a reply to nothing", { method: "m", replies: [{ message: {} }] }, /:replies :match .* is missing/],
    ["a subprotocol that is none", { method: "m", subprotocols: ["a b"] }, /:subprotocols .* has a name twice/],
    ["an address that is none", { method: "m", url: "https://line.example/" }, /no ws or wss URL/],
    ["an address with credentials", { method: "m", url: "wss://me:secret@line.example/" }, /contains credentials/],
  ])("with %s is refused, and says what to do", (_name, block, message) => {
    const error = refusalOf(block);
    expect(error.code).toBe("invalid-argument");
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain("secret");
    expect(error.remedy).toBeDefined();
  });
});

describe("what tells sessions apart", () => {
  const shape = (block: JsonObject, env?: Record<string, string>): Target["shape"] => targetOf(block, env).shape;

  test("is the conversation, and not what one capability does in it", () => {
    const login = { method: "login", params: { token: "{$token}" } };
    expect(shape({ method: "a", login, result_path: "x" })).toEqual(
      shape({ method: "b", params: ["{$input}"], login, subscribe: {}, error_codes: { "1": "rejected" } }),
    );
  });

  test.each<[string, JsonObject]>([
    ["the login", { login: { method: "login" } }],
    ["the correlation", { correlate: { id_path: "n" } }],
    ["the subprotocols", { subprotocols: ["v1"] }],
    ["a header", { headers: { "x-tenant": "a" } }],
    ["the heartbeat", { heartbeat: false }],
    ["a limit", { max_response_bytes: 2048 }],
  ])("is %s", (_name, more) => expect(shape({ method: "a", ...more })).not.toEqual(shape({ method: "a" })));
});

describe("a token", () => {
  const env = { LINE_TOKEN: "secret-of-the-line" };

  test("goes into a header where nothing else is said", () => {
    const { place } = settingsOf({ method: "m", auth_env_var: "LINE_TOKEN" }, env);
    expect(place.headers).toMatchObject({ authorization: "Bearer secret-of-the-line" });
  });

  test("that stands in a message goes into no header as well", () => {
    const login = { method: "login", params: { token: "{$token}" } };
    const target = targetOf({ method: "m", auth_env_var: "LINE_TOKEN", login }, env);
    const { place } = target.settings as WebSocketSettings;
    expect(Object.keys(place.headers)).toEqual([]);
    expect(target.credentials).toEqual({ token: "secret-of-the-line" });
    expect(JSON.stringify([target.shape, target.endpoint, target.operation])).not.toContain("secret");
  });

  test("may stand among the subprotocols, in the query or in a cookie", () => {
    const auth = (more: JsonObject): WebSocketSettings =>
      settingsOf({ method: "m", auth: { env_var: "LINE_TOKEN", ...more } }, env);
    expect(auth({ type: "subprotocol", prefix: "bearer.", encoding: "base64url" })).toMatchObject({
      tokenProtocol: { prefix: "bearer.", encoding: "base64url" },
      place: { headers: {} },
    });
    expect(auth({ type: "api-key", location: "query", name: "key" }).place.query).toEqual({
      key: "secret-of-the-line",
    });
    expect(auth({ type: "api-key", location: "cookie", name: "sid" }).place.headers).toEqual({
      cookie: "sid=secret-of-the-line",
    });
  });

  test("is asked for the origin that it goes to", () => {
    const asked: string[] = [];
    const block = { url: "wss://line.example/x", method: "m", auth_env_var: "LINE_TOKEN" };
    readTarget(
      capabilityOf("websocket", block),
      contextOf(env, (origin) => asked.push(origin)),
    );
    expect(asked).toEqual(["wss://line.example"]);
  });

  test("that stands in the file travels encrypted, or stays", () => {
    const error = refusalOf({ url: "ws://line.example/", method: "m", auth_token: "literal-secret" });
    expect(error.code).toBe("permission-denied");
    expect(error.remedy).toBe("Use a wss URL.");
  });
});

function contextOf(
  env: Record<string, string>,
  asked: (origin: string) => void = () => {},
): Parameters<typeof readTarget>[1] {
  return {
    variable: (name) => env[name],
    secret(name, { origin }) {
      asked(origin);
      return env[name];
    },
    authorizeEndpoint() {},
    authorizeCommand() {},
    endpointSettings: () => ({}),
  };
}
