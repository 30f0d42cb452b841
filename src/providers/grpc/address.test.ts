import { describe, expect, test } from "vitest";

import { readAddress } from "./address.ts";

const read = (text: string, tls?: boolean) => readAddress(text, tls, "a test", "Correct it.");

describe("the address of a server", () => {
  test.each([
    ["127.0.0.1:50051", "dns:127.0.0.1:50051", "grpc://127.0.0.1:50051"],
    ["localhost:1", "dns:localhost:1", "grpc://localhost:1"],
    ["[::1]:50051", "dns:[::1]:50051", "grpc://[::1]:50051"],
    ["api.example.com", "dns:api.example.com:443", "grpcs://api.example.com:443"],
    ["API.example.com:8443", "dns:api.example.com:8443", "grpcs://api.example.com:8443"],
    ["dns:///api.example.com:443", "dns:api.example.com:443", "grpcs://api.example.com:443"],
    ["dns:api.example.com", "dns:api.example.com:443", "grpcs://api.example.com:443"],
    ["ipv4:10.0.0.1:9", "dns:10.0.0.1:9", "grpcs://10.0.0.1:9"],
    ["ipv6:[2001:db8::1]:9", "dns:[2001:db8::1]:9", "grpcs://[2001:db8::1]:9"],
    ["grpc://example.com", "dns:example.com:80", "grpc://example.com:80"],
    ["grpcs://example.com/", "dns:example.com:443", "grpcs://example.com:443"],
    ["https://example.com:80", "dns:example.com:80", "grpcs://example.com:80"],
    ["http://127.0.0.1:80", "dns:127.0.0.1:80", "grpc://127.0.0.1:80"],
    ["unix:/run/service.sock", "unix:/run/service.sock", "unix:/run/service.sock"],
    ["unix:///run/service.sock", "unix:/run/service.sock", "unix:/run/service.sock"],
  ])("%s", (text, target, endpoint) => {
    expect(read(text)).toMatchObject({ target, endpoint });
  });

  test("without a scheme it is in the clear on this machine alone, unless :tls says so", () => {
    expect(read("127.0.0.1:1").tls).toBe(false);
    expect(read("10.0.0.1:1").tls).toBe(true);
    expect(read("127.0.0.1:1", true).endpoint).toBe("grpcs://127.0.0.1:1");
    expect(read("10.0.0.1:1", false).endpoint).toBe("grpc://10.0.0.1:1");
  });

  test("secrets know its origin; a socket of this machine is loopback", () => {
    expect(read("api.example.com").origin).toBe("grpcs://api.example.com:443");
    expect(read("unix:/a").origin).toBe("grpc://localhost");
  });

  test.each([
    "",
    "a b:1",
    "user:password@example.com:1",
    "grpcs://user:password@example.com",
    "grpcs://example.com/path",
    "example.com:0",
    "example.com:65536",
    "example.com:port",
    "dns://8.8.8.8/example.com",
    "ipv4:10.0.0.1:1,10.0.0.2:1",
    "unix:relative.sock",
    "ftp://example.com",
    "xds:///service",
  ])("%j is none", (text) => {
    expect(() => read(text)).toThrow("The target of a test");
  });

  test("a scheme and :tls may not contradict each other", () => {
    expect(() => read("grpc://example.com", true)).toThrow(":tls contradicts");
  });
});
