import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { startEmbeddedServer, type EmbeddedServer } from "../src/demo/index.ts";
import { createEnvironment, type CCOSEnvironment } from "../src/environment.ts";
import { repository } from "./run-process.ts";

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function environment(folders: string[], env: Record<string, string> = {}): Promise<CCOSEnvironment> {
  const warnings: string[] = [];
  const created = await createEnvironment({
    capabilities: folders.map((folder) => join(repository, "capabilities", folder)),
    config: {},
    env,
    cwd: repository,
    onWarning: (warning) => warnings.push(warning.message),
  });
  open.push(() => created.close());
  expect(warnings).toEqual([]);
  return created;
}

async function embedded(options?: Parameters<typeof startEmbeddedServer>[0]): Promise<EmbeddedServer> {
  const server = await startEmbeddedServer(options);
  open.push(() => server.close());
  return server;
}

const example = (name: string): string => readFileSync(join(repository, "examples", name), "utf8");

describe("capability files", () => {
  test.each(readdirSync(join(repository, "capabilities")))(
    "of capabilities/%s load without a warning, one capability a file",
    async (folder) => {
      const env = await environment([folder]);
      const files = readdirSync(join(repository, "capabilities", folder));
      expect(files.length).toBeGreaterThan(0);
      expect(env.capabilities.list().filter(({ execution }) => execution.kind !== "native")).toHaveLength(files.length);
    },
  );

  test("of GitHub's server name its address, its token variable and their tool", async () => {
    const env = await environment(["github"]);
    const remote = env.capabilities.list().filter((manifest) => manifest.execution.kind === "provider");
    expect(remote.length).toBeGreaterThanOrEqual(14);
    for (const manifest of remote) {
      expect(manifest.flatMetadata).toMatchObject({
        mcp_server_url: "https://api.githubcopilot.com/mcp/",
        mcp_auth_env_var: "MCP_AUTH_TOKEN",
        mcp_requires_session: "auto",
        mcp_tool_name: manifest.id.slice("mcp.github.".length),
      });
    }
  });
});

describe("examples/github.rtfs", () => {
  const accounts = { "token-of-ada": "ada" };

  test("lists what is open, and creates nothing unless asked to", async () => {
    const server = await embedded({ accounts });
    const env = await environment(["github"], { MCP_SERVER_URL: server.url, MCP_AUTH_TOKEN: "token-of-ada" });
    const value = await env.run(example("github.rtfs"), { file: "github.rtfs" });
    expect(value).toMatchObject({ user: "ada", open: 98, created: null });
    expect(server.stats()).toMatchObject({ initializes: 1, calls: 3 });
  });

  test("creates the issue it is asked for, in the repository it is asked for", async () => {
    const server = await embedded({ accounts });
    const env = await environment(["github"], { MCP_SERVER_URL: server.url, MCP_AUTH_TOKEN: "token-of-ada" });
    const value = await env.run(example("github.rtfs"), { input: { owner: "acme", repo: "site", title: "Hello" } });
    expect(value).toMatchObject({
      repository: "acme/site",
      created: { number: 131, title: "Hello", url: "https://github.com/acme/site/issues/131" },
    });
  });

  test("takes the three calls of the guide", async () => {
    const server = await embedded({ accounts });
    const env = await environment(["github"], { MCP_SERVER_URL: server.url, MCP_AUTH_TOKEN: "token-of-ada" });
    const repo = { owner: "acme", repo: "ccos" };
    expect(await env.call("mcp.github.get_me", {})).toMatchObject({ login: "ada" });
    expect(await env.call("mcp.github.list_issues", { ...repo, state: "OPEN" })).toMatchObject({ totalCount: 98 });
    expect(await env.call("mcp.github.create_issue", { ...repo, title: "T", body: "B" })).toMatchObject({
      number: 131,
    });
    expect(server.stats().initializes).toBe(1);
    await expect(env.call("mcp.github.list_issues", { ...repo, state: "open" })).rejects.toMatchObject({
      code: "invalid-argument",
    });
  });
});

describe("examples/metadata.rtfs", () => {
  test("shows what the files declare, nested and flattened, for MCP and OpenAPI", async () => {
    const env = await environment(["examples"]);
    const value = await env.run(example("metadata.rtfs"), { file: "metadata.rtfs" });
    expect(value).toMatchObject({
      mcp: {
        metadata: {
          mcp: { server_url: "https://notes.example.com/mcp", requires_session: "auto" },
          owner: { level: 2 },
        },
        flattened: { mcp_server_url: "https://notes.example.com/mcp", mcp_requires_session: "auto", owner_level: "2" },
      },
      openapi: {
        metadata: { openapi: { method: "GET", query: { current_weather: true } } },
        flattened: {
          openapi_base_url: "https://api.open-meteo.com",
          openapi_method: "GET",
          openapi_query_current_weather: "true",
        },
      },
    });
    expect(env.sessions.list()).toEqual([]);
  });
});
