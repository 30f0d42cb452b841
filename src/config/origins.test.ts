import { describe, expect, it } from "vitest";
import { forEndpoint } from "./endpoints.ts";
import { isLoopback, normaliseOrigin, transport } from "./origins.ts";

describe("origins", () => {
  it.each([
    ["HTTPS://API.Acme.com:443/v1?x=1#y", "https://api.acme.com"],
    ["https://api.acme.com:8443", "https://api.acme.com:8443"],
    ["http://localhost:80/", "http://localhost"],
    ["http://127.1:3000/path", "http://127.0.0.1:3000"],
    ["http://[::1]:3000", "http://[::1]:3000"],
    ["line://HOST.example:7000/x", "line://host.example:7000"],
    ["command:", "command:"],
  ])("%s is %s", (address, origin) => {
    expect(normaliseOrigin(address)).toBe(origin);
  });

  it("refuses an address with a user name or password, and does not repeat the password", () => {
    expect(() => normaliseOrigin("https://ann:hunter22@acme.com/")).toThrow(/user name or password/);
    try {
      normaliseOrigin("https://ann:hunter22@acme.com/");
    } catch (error) {
      expect(String(error)).not.toContain("hunter22");
    }
  });

  it.each(["nonsense", "mailto:ann@acme.com", "file:///etc/passwd", ""])("refuses %j, which has no host", (address) => {
    expect(() => normaliseOrigin(address)).toThrowError(expect.objectContaining({ code: "invalid-argument" }));
  });

  it.each([
    ["http://127.0.0.1:3000", true],
    ["http://127.8.9.10", true],
    ["http://localhost", true],
    ["http://[::1]:80", true],
    ["http://localhost.evil.example", false],
    ["http://a.localhost", false],
    ["http://127.0.0.1.evil.example", false],
    ["http://10.0.0.1", false],
    ["https://acme.com", false],
    ["http://0.0.0.0", false],
  ])("loopback: %s %s", (origin, expected) => {
    expect(isLoopback(origin)).toBe(expected);
  });

  it("knows how a secret would travel", () => {
    expect(transport("http://127.0.0.1:1")).toBe("local");
    expect(transport("command:")).toBe("local");
    expect(transport("wss://acme.com")).toBe("encrypted");
    expect(transport("http://acme.com")).toBe("clear");
    expect(transport("line://acme.com:1")).toBe("unknown");
  });
});

describe("settings for an endpoint", () => {
  const entries = {
    "https://api.acme.com": "host",
    "https://api.acme.com/v1": "v1",
    "https://api.acme.com/v1/users/": "users",
    "acme-server --stdio": "command",
  };

  it.each([
    ["https://api.acme.com/", "host"],
    ["https://API.acme.com:443/v1", "v1"],
    ["https://api.acme.com/v1/", "v1"],
    ["https://api.acme.com/v1?x=1", "v1"],
    ["https://api.acme.com/v10", "host"],
    ["https://api.acme.com/v1/users/7", "users"],
    ["https://api.acme.com.evil.example/v1", undefined],
    ["http://api.acme.com/v1", undefined],
    ["acme-server --stdio --fast", "command"],
    ["acme-server --stdiox", undefined],
  ])("the longest prefix of %s is %s", (endpoint, expected) => {
    expect(forEndpoint(entries, endpoint)).toBe(expected);
  });
});
