/**
 * The program under test for the scenarios of authorization: a user of ours who calls a tool, signs in when told to
 * (their browser says yes to everything), and calls again. Machines have their grant in `:auth`, as a file would.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createEnvironment } from "../../src/environment.ts";
import { isCcosError, type JsonObject } from "../../src/kernel/index.ts";

const MOST_SIGN_INS = 3;
const TOOL = "conformance.tool";

const url = process.argv.at(-1) ?? "";
const scenario = process.env["MCP_CONFORMANCE_SCENARIO"] ?? "";
const given = JSON.parse(process.env["MCP_CONFORMANCE_CONTEXT"] ?? "{}") as Readonly<Record<string, string>>;

const folder = await mkdtemp(join(tmpdir(), "ccos-conformance-auth-"));
const variables: Record<string, string> = { CCOS_AUTH_DIR: join(folder, "sign-ins"), HOME: folder };
await using env = await createEnvironment({ env: variables, cwd: folder, capabilities: [] });
try {
  const auth = declaredAuth();
  const block = { server_url: url, tool_name: "test-tool", requires_session: "auto", ...(auth && { auth }) };
  await env.capabilities.load(
    `(capability "${TOOL}" :description "Test" :metadata {:mcp ${edn(block)}} :input-schema :any :effects [:network])`,
  );
  for (let signIns = 0; ; signIns++) {
    try {
      console.log(JSON.stringify(await env.call(TOOL, {})));
      break;
    } catch (error) {
      const mayHelp = isCcosError(error) && error.code === "unauthenticated" && signIns < MOST_SIGN_INS;
      console.error(error);
      if (!mayHelp) throw error;
      await env.signIns.signIn(TOOL, { visit, waitMs: 10_000 });
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** A browser: it follows where it is sent, and ends up at the place on this machine that waits for it. */
async function visit(address: URL): Promise<void> {
  const response = await fetch(address);
  await response.text();
}

/** What a file would say for each scenario that needs something said. */
function declaredAuth(): JsonObject | undefined {
  const { client_id: clientId = "", client_secret: secret } = given;
  const machine = { type: "oauth2", client_id: clientId };
  const take = (name: string, value: string | undefined): string => {
    variables[name] = value ?? "";
    return name;
  };
  switch (scenario) {
    case "auth/client-credentials-basic":
      return { ...machine, client_secret_env_var: take("CLIENT_SECRET", secret) };
    case "auth/client-credentials-jwt":
      return {
        ...machine,
        private_key_env_var: take("CLIENT_KEY", given["private_key_pem"]),
        algorithm: given["signing_algorithm"] ?? "ES256",
      };
    case "auth/wif-jwt-bearer":
      return { ...machine, grant: "jwt_bearer", assertion_env_var: take("WORKLOAD_JWT", given["valid_jwt"]) };
    case "auth/enterprise-managed-authorization":
      return {
        ...machine,
        grant: "id_token_exchange",
        client_secret_env_var: take("CLIENT_SECRET", secret),
        id_token_env_var: take("ID_TOKEN", given["idp_id_token"]),
        idp_token_url: given["idp_token_endpoint"] ?? "",
        idp_client_id: given["idp_client_id"] ?? "",
      };
    case "auth/pre-registration":
      return person({
        client_id: clientId,
        client_secret_env_var: take("CLIENT_SECRET", secret),
        issuer: issuerOf(url),
      });
    case "auth/dpop":
    case "auth/dpop-nonce":
      return person({ dpop: true });
    default:
      return person({ client_metadata_url: "https://conformance-test.local/client-metadata.json" });
  }
}

function person(more: JsonObject): JsonObject {
  return { type: "oauth2", grant: "authorization_code", ...more };
}

function issuerOf(_server: string): string {
  return given["issuer"] ?? "";
}

function edn(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `:${key} ${edn(item)}`)
    .join(" ")}}`;
}
