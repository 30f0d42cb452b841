import { describe, expect, it } from "vitest";
import { createRedactor, type CcosError } from "../kernel/index.ts";
import { createSecrets, type CapabilitySecrets, type SecretsFor, type SecretsOptions } from "./secrets.ts";

const env = { ACME_TOKEN: "tok-of-the-environment", EMPTY: "", AWS_SECRET_ACCESS_KEY: "aws-key-of-the-user" };

function secretsFor(who: Partial<SecretsFor> = {}, options: Partial<SecretsOptions> = {}): CapabilitySecrets {
  return createSecrets({ env, redactor: createRedactor(), ...options }).forCapability({
    capabilityId: "acme.get",
    trusted: true,
    ...who,
  });
}

function refusal(action: () => unknown): CcosError {
  try {
    action();
  } catch (error) {
    const refused = error as CcosError;
    expect(refused.code).toBe("permission-denied");
    expect(refused.remedy).toBeTruthy();
    for (const value of Object.values(env)) if (value) expect(JSON.stringify(refused)).not.toContain(value);
    return refused;
  }
  return expect.fail("it was allowed");
}

describe("a secret of a trusted capability", () => {
  it("goes where the capability points, and is hidden from then on", () => {
    const redactor = createRedactor();
    expect(secretsFor({}, { redactor }).secret("ACME_TOKEN", { origin: "https://api.acme.com" })).toBe(env.ACME_TOKEN);
    expect(redactor.redact(`Authorization: ${env.ACME_TOKEN}`)).not.toContain(env.ACME_TOKEN);
  });

  it("is hidden without the line end it was read with, too", () => {
    const redactor = createRedactor();
    secretsFor({}, { redactor, env: { T: "from-a-file\n" } }).secret("T", { origin: "https://a.b" });
    expect(redactor.redact("Bearer: from-a-file")).toBe("Bearer: [redacted]");
  });

  it("is undefined where the variable is not set or empty, and inherited names are not variables", () => {
    const secrets = secretsFor();
    for (const name of ["MISSING", "EMPTY", "toString", "__proto__"]) {
      expect(secrets.secret(name, { origin: "https://api.acme.com" })).toBeUndefined();
      expect(secrets.variable(name)).toBeUndefined();
    }
  });

  it("is read anew each time, so that a rotated one is seen", () => {
    const live: Record<string, string> = { ROTATED: "first-secret" };
    const secrets = secretsFor({}, { env: live });
    expect(secrets.secret("ROTATED", { origin: "https://a.b" })).toBe("first-secret");
    live["ROTATED"] = "second-secret";
    expect(secrets.secret("ROTATED", { origin: "https://a.b" })).toBe("second-secret");
  });

  it("goes only to the origins the configuration binds it to, in any spelling", () => {
    const secrets = secretsFor({}, { bindings: { ACME_TOKEN: ["https://API.acme.com:443/"] } });
    expect(secrets.secret("ACME_TOKEN", { origin: "https://api.acme.com" })).toBe(env.ACME_TOKEN);
    const error = refusal(() => secrets.secret("ACME_TOKEN", { origin: "https://other.example" }));
    expect(error.message).toContain("ACME_TOKEN");
    expect(error.message).toContain("https://other.example");
    expect(error.remedy).toContain("credentials.ACME_TOKEN");
    refusal(() => secrets.secret("ACME_TOKEN", { origin: "http://127.0.0.1:1" }));
  });

  it("goes nowhere when it is bound to nothing", () => {
    refusal(() => secretsFor({}, { bindings: { ACME_TOKEN: [] } }).secret("ACME_TOKEN", { origin: "https://a.b" }));
  });

  it.each(["http://api.acme.com", "ws://10.0.0.1", "grpc://acme.example:50051"])(
    "does not travel in the clear to %s",
    (origin) => {
      const bindings = { ACME_TOKEN: [origin] };
      expect(refusal(() => secretsFor({}, { bindings }).secret("ACME_TOKEN", { origin })).message).toMatch(
        /unencrypted/,
      );
    },
  );

  it.each(["http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000", "command:"])(
    "may travel to %s",
    (origin) => {
      expect(secretsFor().secret("ACME_TOKEN", { origin })).toBe(env.ACME_TOKEN);
    },
  );

  it("travels by an unknown protocol only where the configuration says so", () => {
    const origin = "line://acme.com:7000";
    refusal(() => secretsFor().secret("ACME_TOKEN", { origin }));
    expect(secretsFor({}, { bindings: { ACME_TOKEN: [origin] } }).secret("ACME_TOKEN", { origin })).toBe(
      env.ACME_TOKEN,
    );
  });
});

describe("a fallback that no capability names", () => {
  const use = { origin: "https://api.acme.com", fallbackOrigins: ["https://api.acme.com/"] };

  it("goes to its own origins and to those bound to it, and is silently left out elsewhere", () => {
    expect(secretsFor().secret("ACME_TOKEN", use)).toBe(env.ACME_TOKEN);
    const elsewhere = { ...use, origin: "https://other.example" };
    expect(secretsFor().secret("ACME_TOKEN", elsewhere)).toBeUndefined();
    const bindings = { ACME_TOKEN: ["https://other.example"] };
    expect(secretsFor({}, { bindings }).secret("ACME_TOKEN", elsewhere)).toBe(env.ACME_TOKEN);
    expect(secretsFor({}, { bindings }).secret("ACME_TOKEN", use)).toBeUndefined();
  });

  it("is not widened by a configuration that is not trusted, but narrowed", () => {
    const bindings = { ACME_TOKEN: ["https://evil.example"] };
    const secrets = secretsFor({}, { bindings, bindingsTrusted: false });
    expect(secrets.secret("ACME_TOKEN", { ...use, origin: "https://evil.example" })).toBeUndefined();
    expect(secrets.secret("ACME_TOKEN", use)).toBeUndefined();
    refusal(() => secrets.secret("ACME_TOKEN", { origin: "https://api.acme.com" }));
  });

  it("needs trust too, when it is set", () => {
    refusal(() => secretsFor({ trusted: false }).secret("ACME_TOKEN", use));
    expect(secretsFor({ trusted: false }).secret("MISSING", use)).toBeUndefined();
  });
});

describe("an untrusted capability", () => {
  const secrets = secretsFor({ trusted: false, trustPath: "./capabilities" });

  it.each(["https://evil.example", "http://10.0.0.1", "command:"])("sends no variable to %s, set or not", (origin) => {
    for (const name of ["AWS_SECRET_ACCESS_KEY", "MISSING"]) {
      const error = refusal(() => secrets.secret(name, { origin }));
      expect(error.message).toContain(name);
      expect(error.remedy).toBe("If you trust it: ccos trust ./capabilities");
    }
  });

  it("may use loopback", () => {
    expect(secrets.secret("ACME_TOKEN", { origin: "http://127.0.0.1:3000" })).toBe(env.ACME_TOKEN);
    expect(() => secrets.authorizeEndpoint("http://localhost:1", "ACME_URL")).not.toThrow();
  });

  it("starts no command and follows no variable to another machine, whose name is not repeated", () => {
    expect(refusal(() => secrets.authorizeCommand("rm")).message).toContain('"rm"');
    const error = refusal(() =>
      secrets.authorizeEndpoint(`https://${env.AWS_SECRET_ACCESS_KEY}.evil.example`, "AWS_SECRET_ACCESS_KEY"),
    );
    expect(error.message).toContain("AWS_SECRET_ACCESS_KEY");
  });

  it("is held to the same with the caller's own credentials", () => {
    const caller = { id: "ann", credentials: { ACME_TOKEN: "own-token-of-ann" } };
    refusal(() => secretsFor({ trusted: false, caller }).secret("ACME_TOKEN", { origin: "https://evil.example" }));
  });
});

describe("a caller's credentials", () => {
  it("replace the variable, are hidden too, and are no other setting", () => {
    const redactor = createRedactor();
    const caller = { id: "ann", credentials: { ACME_TOKEN: "own-token-of-ann", ACME_URL: "https://evil.example" } };
    const secrets = secretsFor({ caller }, { redactor });
    expect(secrets.secret("ACME_TOKEN", { origin: "https://api.acme.com" })).toBe("own-token-of-ann");
    expect(redactor.redact("own-token-of-ann")).toBe("[redacted]");
    expect(secrets.variable("ACME_URL")).toBeUndefined();
  });
});

it("a trusted capability may start commands and follow variables", () => {
  expect(() => secretsFor().authorizeCommand("server")).not.toThrow();
  expect(() => secretsFor().authorizeEndpoint("https://other.example", "ACME_URL")).not.toThrow();
});

it("gives the settings of the longest prefix, else none", () => {
  const secrets = secretsFor(
    {},
    { endpoints: { "https://a.b/": { timeout_ms: 1 }, "https://a.b/c": { timeout_ms: 2 } } },
  );
  expect(secrets.endpointSettings("https://a.b/c/d")).toEqual({ timeout_ms: 2 });
  expect(secrets.endpointSettings("https://x.y")).toEqual({});
});
