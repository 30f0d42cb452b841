import { describe, expect, it } from "vitest";
import { parseMcpSource, type McpSource, type McpSourceOptions } from "./mcp-source.ts";

function parse(source: string | URL, options: Partial<McpSourceOptions> = {}): McpSource & { warnings: string[] } {
  const warnings: string[] = [];
  return { ...parseMcpSource(source, { warn: (message) => warnings.push(message), ...options }), warnings };
}

describe("a source of tools", () => {
  it("is an address where it begins like one", () => {
    expect(parse("HTTP://127.0.0.1:3000/mcp#x")).toEqual({
      connection: { server_url: "http://127.0.0.1:3000/mcp" },
      text: "http://127.0.0.1:3000/mcp",
      fallbackName: "127.0.0.1",
      warnings: [],
    });
    expect(parse(new URL("https://a.example/mcp")).connection).toEqual({ server_url: "https://a.example/mcp" });
  });

  it("is a command line otherwise", () => {
    expect(parse("/usr/bin/node.exe 'my server.js' --x")).toMatchObject({
      connection: { command: "/usr/bin/node.exe", args: ["my server.js", "--x"] },
      fallbackName: "node",
    });
    expect(parse("server").connection).toEqual({ command: "server" });
  });

  it("names the variable of the token, and takes no token in its place", () => {
    expect(parse("server", { authEnv: "MY_TOKEN" }).connection).toEqual({
      command: "server",
      auth_env_var: "MY_TOKEN",
    });
    expect(() => parse("server", { authEnv: "ghp-abc def" })).toThrow("not the name of a variable");
  });

  it("keeps plain headers and refuses those that carry secrets", () => {
    const headers = { "X-MCP-Toolsets": "issues" };
    expect(parse("https://a.example/", { headers }).connection).toEqual({ server_url: "https://a.example/", headers });
    for (const name of ["Authorization", "cookie", "X-Api-Key", "x-auth-token"]) {
      expect(() => parse("https://a.example/", { headers: { [name]: "x" } })).toThrow("carries a secret");
    }
  });

  it("refuses credentials in an address, and does not repeat them", () => {
    let message = "";
    try {
      parse("https://user:hunter22@a.example/mcp");
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain("a.example");
    expect(message).not.toContain("hunter22");
  });

  it("warns of what looks like a secret in a query, without showing it", () => {
    const { text, connection, warnings } = parse("https://a.example/mcp?api_key=s3cr3tvalue");
    expect(connection["server_url"]).toContain("s3cr3tvalue");
    expect(warnings).toHaveLength(1);
    expect(text + warnings.join()).not.toContain("s3cr3tvalue");
  });

  it.each(["", "  ", "https://", "'x", "ftp://a.example/mcp", "ws://a.example/mcp"])("refuses %j", (source) => {
    expect(() => parse(source)).toThrow();
  });
});
