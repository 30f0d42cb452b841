import { describe, expect, onTestFinished, test } from "vitest";
import { createEnvironment, type CCOSEnvironment } from "../../src/environment.ts";
import { startMcpServer, text, type McpServerDials } from "../../testing/mcp-server.ts";

const TOOLS: McpServerDials["tools"] = [
  { name: "long", inputSchema: { type: "object" }, run: () => text("x".repeat(5_000)) },
];

async function open(configure: (origin: string) => object, own = ""): Promise<CCOSEnvironment> {
  const server = await startMcpServer({ tools: TOOLS });
  const config = configure(new URL(server.url).origin);
  const env = await createEnvironment({ env: {}, config, capabilities: [] });
  onTestFinished(async () => {
    await env.close();
    await server.stop();
  });
  await env.capabilities.load(
    `(capability "acme.long" :description "d" :metadata {:mcp {:server_url "${server.url}" :tool_name "long" :requires_session "auto" ${own}}})
     (capability "acme.code" :description "d" :effects [:network] :implementation (fn [in] (string-length (call "acme.long" {}))))
     (capability "other.echo" :description "d" :implementation (fn [in] in))`,
  );
  return env;
}

describe("the size of an answer", () => {
  test("is limited by the configuration, for all endpoints or for some", async () => {
    const everywhere = await open(() => ({ max_response_bytes: 2000 }));
    await expect(everywhere.call("acme.long", {})).rejects.toMatchObject({
      message: expect.stringContaining("more than 2000 bytes"),
    });
    const somewhere = await open((origin) => ({ endpoints: { [origin]: { max_response_bytes: 3000 } } }));
    await expect(somewhere.call("acme.long", {})).rejects.toMatchObject({
      message: expect.stringContaining("more than 3000 bytes"),
    });
  });

  test("is the endpoint's before that of all, and the capability's before both", async () => {
    const endpoint = await open((origin) => ({
      max_response_bytes: 2000,
      endpoints: { [origin]: { max_response_bytes: 90_000 } },
    }));
    expect(await endpoint.call("acme.long", {})).toHaveLength(5_000);
    const capability = await open(
      (origin) => ({ endpoints: { [origin]: { max_response_bytes: 2000 } } }),
      ":max_response_bytes 90000",
    );
    expect(await capability.call("acme.long", {})).toHaveLength(5_000);
  });
});

describe("security in the configuration", () => {
  test("a list allows what it names, to calls and to programs, and nothing else", async () => {
    const env = await open(() => ({ security: { allow: ["acme.*", "ccos.echo"] } }));
    expect(await env.call("acme.long", {})).toHaveLength(5_000);
    expect(await env.run('[(call "ccos.echo" 1) (call "acme.code" {})]')).toEqual([1, 5_000]);
    const refused = { code: "permission-denied", remedy: expect.stringContaining('add "other.echo"') };
    await expect(env.call("other.echo", {})).rejects.toMatchObject(refused);
    await expect(env.run('(call "other.echo" 1)')).rejects.toMatchObject(refused);
  });

  test("the level controlled without a list allows nothing, and pure neither", async () => {
    for (const level of ["controlled", "pure"]) {
      const env = await open(() => ({ security: { level } }));
      expect(await env.run("(+ 1 2)")).toBe(3);
      await expect(env.call("ccos.echo", 1)).rejects.toMatchObject({ code: "permission-denied" });
    }
  });
});
