import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { openCookies } from "../../src/http/index.ts";
import { requirePeer } from "../peers/peers.ts";

/** As much of the library as is used here; it comes without types. */
interface Provider {
  callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
  interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>;
  readonly Grant: new (of: object) => Grant;
  readonly AccessToken: { find(token: string): Promise<{ readonly scope?: string } | undefined> };
  on(event: string, listener: (...given: unknown[]) => void): void;
}
interface Grant {
  addOIDCScope(scope: string): void;
  addResourceScope(resource: string, scope: string): void;
  save(): Promise<string>;
}
interface Interaction {
  readonly prompt: {
    readonly name: string;
    readonly details: { missingOIDCScope?: string[]; missingResourceScopes?: Record<string, string[]> };
  };
  readonly params: Readonly<Record<string, string>>;
  readonly session?: { readonly accountId: string };
}

/** A real issuer, and an MCP server that takes its tokens. Whoever is asked is `ann`, and says yes. */
export interface OidcServer extends AsyncDisposable {
  readonly issuer: string;
  readonly url: string;
  /** Names of events of the issuer, such as `grant.success`. */
  readonly events: string[];
  /** Goes where a browser would be sent, and does what the pages ask for. */
  browse(url: URL): Promise<void>;
}

export async function startOidcServer(clients: readonly object[]): Promise<OidcServer> {
  const { Provider: Issuer } = requirePeer("oidc-provider") as {
    Provider: new (issuer: string, configuration: object) => Provider;
  };
  let handle: (request: IncomingMessage, response: ServerResponse) => Promise<void> = () => Promise.resolve();
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `${issuer}/mcp`;
  const provider = new Issuer(issuer, {
    clients,
    scopes: ["openid", "offline_access", "read"],
    cookies: { keys: ["a key of this test alone"] },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    ttl: {
      AccessToken: 600,
      ClientCredentials: 600,
      DeviceCode: 60,
      Grant: 600,
      Interaction: 60,
      RefreshToken: 600,
      Session: 60,
      IdToken: 60,
    },
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      registration: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => url,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: "read", audience: url, accessTokenFormat: "opaque" }),
      },
    },
  });
  const events: string[] = [];
  for (const event of [
    "grant.success",
    "grant.error",
    "grant.revoked",
    "registration_create.success",
    "revocation.success",
  ])
    provider.on(event, () => events.push(event));
  const callback = provider.callback();
  handle = async (request, response) => {
    const path = new URL(request.url ?? "/", issuer).pathname;
    if (path === "/mcp") return answerCall(request, response, provider, issuer);
    if (path === "/.well-known/oauth-protected-resource/mcp")
      return json(response, 200, { resource: url, authorization_servers: [issuer], scopes_supported: ["read"] });
    // The library answers with OpenID's metadata only.
    if (path === "/.well-known/oauth-authorization-server") request.url = "/.well-known/openid-configuration";
    return path.startsWith("/interaction/") ? sayYes(request, response, provider) : callback(request, response);
  };
  return {
    issuer,
    url,
    events,
    browse: (to) => browse(to),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Logs in as `ann`, and then grants everything that is asked for. */
async function sayYes(request: IncomingMessage, response: ServerResponse, provider: Provider): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === "login") return provider.interactionFinished(request, response, { login: { accountId: "ann" } });
  const grant = new provider.Grant({ accountId: session?.accountId, clientId: params["client_id"] });
  grant.addOIDCScope((prompt.details.missingOIDCScope ?? ["openid"]).join(" "));
  for (const [resource, scopes] of Object.entries(prompt.details.missingResourceScopes ?? {}))
    grant.addResourceScope(resource, scopes.join(" "));
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

async function browse(to: URL): Promise<void> {
  const cookies = await openCookies();
  let url = to;
  let init: { method: string; body?: URLSearchParams } = { method: "GET" };
  for (let hop = 0; hop < 20; hop++) {
    const cookie = cookies.header(url);
    const response = await fetch(url, { ...init, redirect: "manual", headers: cookie === undefined ? {} : { cookie } });
    cookies.take(url, { headers: () => response.headers.getSetCookie() });
    const location = response.headers.get("location");
    const page = await response.text();
    init = { method: "GET" };
    if (location !== null) url = new URL(location, url);
    else {
      // A form that asks for a yes: sent as it stands.
      const action = /<form[^>]*action="([^"]+)"/.exec(page)?.[1];
      if (action === undefined) return;
      const body = new URLSearchParams();
      for (const [tag] of page.matchAll(/<input[^>]*>/g)) {
        const name = /name="([^"]+)"/.exec(tag)?.[1];
        if (name !== undefined && name !== "abort") body.set(name, /value="([^"]*)"/.exec(tag)?.[1] ?? "");
      }
      url = new URL(action, url);
      init = { method: "POST", body };
    }
  }
}

async function answerCall(
  request: IncomingMessage,
  response: ServerResponse,
  provider: Provider,
  issuer: string,
): Promise<void> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  const token = await provider.AccessToken.find((request.headers.authorization ?? "").replace(/^Bearer /, ""));
  if (token === undefined) {
    const metadata = `${issuer}/.well-known/oauth-protected-resource/mcp`;
    response.setHeader("www-authenticate", `Bearer resource_metadata="${metadata}"`);
    return json(response, 401, { error: "invalid_token" });
  }
  if (request.method !== "POST") return json(response, 405, {});
  const { id, method } = JSON.parse(body) as { id?: number; method: string };
  if (id === undefined) return void response.writeHead(202).end();
  if (method === "initialize")
    return json(response, 200, {
      jsonrpc: "2.0",
      id,
      result: { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: { name: "o", version: "1" } },
    });
  if (method !== "tools/call")
    return json(response, 200, { jsonrpc: "2.0", id, error: { code: -32601, message: "no" } });
  return json(response, 200, {
    jsonrpc: "2.0",
    id,
    result: { content: [{ type: "text", text: `for ${token.scope}` }] },
  });
}

function json(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}
