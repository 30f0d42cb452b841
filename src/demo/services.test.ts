import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { startGraphqlService } from "./graphql-service.ts";
import { estimateOf } from "./grpc-service.ts";
import { releaseOf, startRestService } from "./rest-service.ts";
import type { DemoService } from "./service.ts";
import { closeServices, startServices } from "./services.ts";

const running: DemoService[] = [];
afterEach(() => closeServices(running.splice(0)));

async function start(starting: Promise<DemoService>): Promise<DemoService> {
  const service = await starting;
  running.push(service);
  return service;
}

const graphql = async ({ url }: DemoService, query: string, headers: Record<string, string> = {}): Promise<unknown> => {
  const body = JSON.stringify({ query });
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
  return response.json();
};

test("the GraphQL service knows whoever has logged in, until the logout or until it forgets", async () => {
  const service = await start(startGraphqlService());
  const person = '{ person(login: "ada") { name } }';
  const refusal = { data: { person: null }, errors: [expect.objectContaining({ message: "Log in first." })] };
  expect(await graphql(service, person)).toMatchObject(refusal);
  const login = async (): Promise<Record<string, string>> => {
    const { data } = (await graphql(service, 'mutation { login(name: "x") { token } }')) as {
      data: { login: { token: string } };
    };
    return { authorization: `Bearer ${data.login.token}` };
  };
  const first = await login();
  expect(await graphql(service, person, first)).toEqual({ data: { person: { name: "Ada L." } } });
  service.loseSessions();
  expect(await graphql(service, person, first)).toMatchObject(refusal);
  const second = await login();
  await graphql(service, "{ people { login } }", second);
  expect(await graphql(service, "mutation { logout }", second)).toEqual({ data: { logout: true } });
  expect(service.seen()).toEqual({ opened: 2, callsBySession: [1, 1], forgotten: 1, closed: 1, open: 0 });
});

test("the REST service gives a cookie, pages, and 401 to strangers", async () => {
  const service = await start(startRestService());
  expect((await fetch(`${service.url}/releases`)).status).toBe(401);
  expect((await fetch(`${service.url}/login`, { method: "POST", body: "no json" })).status).toBe(422);
  const login = await fetch(`${service.url}/login`, { method: "POST", body: '{"user":"x"}' });
  const cookie = login.headers.get("set-cookie")?.split(";")[0] ?? "";
  const get = async (path: string): Promise<unknown> =>
    (await fetch(`${service.url}${path}`, { headers: { cookie } })).json();
  expect(await get("/issues/5/release")).toEqual(releaseOf(5));
  const first = (await get("/releases")) as { releases: object[]; next: string };
  expect([first.releases.length, first.next]).toEqual([3, "1.2.0"]);
  expect(await get("/releases?after=1.5.0")).toMatchObject({ releases: [{ version: "1.6.0" }], next: null });
  await fetch(`${service.url}/login`, { method: "DELETE", headers: { cookie } });
  expect(service.seen()).toEqual({ opened: 1, callsBySession: [2], forgotten: 0, closed: 1, open: 0 });
});

test("pages in browsers and names that only resolve to loopback reach none of the services over HTTP", async () => {
  for (const service of [await start(startGraphqlService()), await start(startRestService())]) {
    const { port, pathname } = new URL(service.url);
    expect((await fetch(service.url, { headers: { origin: "http://evil.example" } })).status).toBe(403);
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), "127.0.0.1", () =>
        socket.write(`GET ${pathname} HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n`),
      );
      socket.once("data", (data) => resolve(data.toString()));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  }
});

test("where one service finds no port, the others are closed again", async () => {
  const taken = await start(startRestService());
  const port = Number(new URL(taken.url).port);
  const ports = { mcp: 0, graphql: 0, openapi: port, grpc: 0, websocket: 0 };
  await expect(startServices(ports)).rejects.toMatchObject({ code: "EADDRINUSE" });
});

test("estimates are the same at every start", () => {
  expect([1, 2, 3].map(estimateOf)).toEqual([
    { issue: 1, hours: 6, confidence: "high" },
    { issue: 2, hours: 5, confidence: "high" },
    { issue: 3, hours: 4, confidence: "low" },
  ]);
});
