import { afterEach, describe, expect, it } from "vitest";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { startEmbeddedServer, type EmbeddedServer, type EmbeddedServerOptions } from "./embedded-server.ts";

const running: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one.close();
});

async function start(options?: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const server = await startEmbeddedServer(options);
  running.push(server);
  return server;
}

async function connect(
  server: EmbeddedServer,
  token?: string,
): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
  const transport = new StreamableHTTPClientTransport(new URL(server.url), {
    requestInit: token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
  });
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  running.push(client);
  return { client, transport };
}

async function callText(client: Client, name: string, args: Record<string, unknown> = {}): Promise<string> {
  const result = await client.callTool({ name, arguments: args });
  const block = result.content[0];
  if (block?.type !== "text") throw new Error("no text in the answer");
  return block.text;
}

const REPO = { owner: "acme", repo: "ccos" };

describe("the embedded server", () => {
  it("offers its tools with schemas and annotations", async () => {
    const { client } = await connect(await start());
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toEqual(["get_me", "list_issues", "create_issue", "issue_write", "count"]);
    for (const tool of tools) {
      expect(tool.inputSchema.type).toBe("object");
      expect(tool.annotations?.readOnlyHint).toBe(tool.name === "get_me" || tool.name === "list_issues");
    }
  });

  it("lists 130 issues page by page, each exactly once", async () => {
    const { client } = await connect(await start());
    const numbers: number[] = [];
    let after: string | undefined;
    let pages = 0;
    do {
      const page = JSON.parse(
        await callText(client, "list_issues", { ...REPO, perPage: 50, ...(after && { after }) }),
      ) as {
        issues: { number: number }[];
        totalCount: number;
        pageInfo: { hasNextPage: boolean; endCursor: string };
      };
      expect(page.totalCount).toBe(130);
      numbers.push(...page.issues.map((issue) => issue.number));
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : undefined;
      pages++;
    } while (after !== undefined);
    expect(pages).toBe(3);
    expect(numbers).toEqual(Array.from({ length: 130 }, (_, i) => 130 - i));
  });

  it("filters by state and label, orders, and trims to the fields asked for", async () => {
    const { client } = await connect(await start());
    const open = JSON.parse(await callText(client, "list_issues", { ...REPO, state: "OPEN" })) as {
      totalCount: number;
    };
    const closed = JSON.parse(await callText(client, "list_issues", { ...REPO, state: "CLOSED" })) as {
      totalCount: number;
    };
    expect(open.totalCount + closed.totalCount).toBe(130);
    const top = JSON.parse(
      await callText(client, "list_issues", {
        ...REPO,
        labels: ["bug"],
        orderBy: "COMMENTS",
        direction: "DESC",
        fields: ["comments", "labels"],
        perPage: 100,
      }),
    ) as { issues: { comments: number; labels: string[] }[] };
    expect(Object.keys(top.issues[0] ?? {})).toEqual(["comments", "labels"]);
    const comments = top.issues.map((issue) => issue.comments);
    expect(comments).toEqual(comments.toSorted((a, b) => b - a));
    expect(top.issues.every((issue) => issue.labels.includes("bug"))).toBe(true);
  });

  it("quotes the value it expected when only the case is wrong, and refuses other bad arguments", async () => {
    const { client } = await connect(await start());
    const wrongCase = await client.callTool({ name: "list_issues", arguments: { ...REPO, state: "open" } });
    expect(wrongCase.isError).toBe(true);
    expect(JSON.stringify(wrongCase.content)).toContain("Expected OPEN, got open");
    for (const args of [
      { ...REPO, state: "x" },
      { owner: "acme" },
      { ...REPO, perPage: 0 },
      { ...REPO, after: "nonsense" },
    ]) {
      expect((await client.callTool({ name: "list_issues", arguments: args })).isError).toBe(true);
    }
    expect((await client.callTool({ name: "no_such_tool", arguments: {} })).isError).toBe(true);
  });

  it("creates and updates an issue that later lists show", async () => {
    const { client } = await connect(await start({ issues: 3 }));
    expect(JSON.parse(await callText(client, "create_issue", { ...REPO, title: "New" }))).toMatchObject({ number: 4 });
    await callText(client, "issue_write", { ...REPO, method: "create", title: "Newer" });
    await callText(client, "issue_write", { ...REPO, method: "update", issue_number: 4, state: "closed" });
    const list = JSON.parse(await callText(client, "list_issues", REPO)) as {
      issues: { number: number; state: string }[];
    };
    expect(list.issues.map((issue) => [issue.number, issue.state]).slice(0, 2)).toEqual([
      [5, "OPEN"],
      [4, "CLOSED"],
    ]);
  });

  it("keeps a counter per session, and counts what each session was used for", async () => {
    const server = await start();
    const one = await connect(server);
    const two = await connect(server);
    expect(await callText(one.client, "count")).toBe('{"count":1}');
    expect(await callText(one.client, "count")).toBe('{"count":2}');
    expect(await callText(two.client, "count")).toBe('{"count":1}');
    expect(server.stats()).toMatchObject({ initializes: 2, calls: 3, callsBySession: [2, 1], open: 2, refused: 0 });
  });

  it("answers 404 with -32001 for a session it forgot, without executing the call", async () => {
    const server = await start();
    const { client } = await connect(server);
    await callText(client, "count");
    server.forgetSessions();
    await expect(client.callTool({ name: "count", arguments: {} })).rejects.toMatchObject({ status: 404 });
    expect(server.stats()).toMatchObject({ calls: 1, forgotten: 1, refused: 1, open: 0 });
    const response = await post(server, { "mcp-session-id": "unheard-of" });
    expect(await response.json()).toMatchObject({ error: { code: -32001 } });
  });

  it("answers 400 to a request without a session id", async () => {
    const server = await start();
    expect((await post(server, {})).status).toBe(400);
    expect((await fetch(server.url)).status).toBe(400);
  });

  it("forgets by itself after every so many calls, and still answers the call that filled the measure", async () => {
    const server = await start({ forgetAfter: 2 });
    const { client } = await connect(server);
    await callText(client, "count");
    expect(await callText(client, "count")).toBe('{"count":2}');
    await expect(client.callTool({ name: "count", arguments: {} })).rejects.toMatchObject({ status: 404 });
  });

  it("ends a session on DELETE", async () => {
    const server = await start();
    const { transport } = await connect(server);
    await transport.terminateSession();
    expect(server.stats()).toMatchObject({ deletes: 1, open: 0 });
  });

  it("asks for a token when it has accounts, and never lets one user use another's session", async () => {
    const server = await start({ accounts: { "token-of-ada": "ada", "token-of-bob": "bob" } });
    await expect(connect(server)).rejects.toMatchObject({ status: 401 });
    const ada = await connect(server, "token-of-ada");
    expect(await callText(ada.client, "get_me")).toContain('"login":"ada"');
    const stolen = await post(server, {
      authorization: "Bearer token-of-bob",
      "mcp-session-id": ada.transport.sessionId ?? "",
    });
    expect(stolen.status).toBe(403);
    expect(server.stats().foreign).toBe(1);
  });

  it("refuses a request that came by another host name", async () => {
    const server = await start();
    expect((await post(server, { origin: "https://evil.example" })).status).toBe(403);
  });

  it("frees its port when it closes, with clients still connected", async () => {
    const server = await startEmbeddedServer();
    const { client } = await connect(server);
    await callText(client, "count");
    await server.close();
    await expect(fetch(server.url)).rejects.toThrow();
    const again = await start({ port: Number(new URL(server.url).port) });
    expect(again.url).toBe(server.url);
  });
});

function post(server: EmbeddedServer, headers: Record<string, string>): Promise<Response> {
  return fetch(server.url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
  });
}
