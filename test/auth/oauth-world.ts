import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** How a world behaves; every dial can be turned while it runs. */
export interface WorldDials {
  /** Seconds that an access token lives. Default 3600. */
  livesFor: number;
  /** Whether the person who is asked says yes. Default true. */
  agrees: boolean;
  /** The scope that the tool `admin` needs; other tools need none. */
  adminScope: string;
  /** How long the token endpoint takes, in milliseconds. Default 0. */
  tokenDelayMs: number;
  /** Polls of a device that are answered with `authorization_pending` before the person has typed the code in. Default 1. */
  pendingPolls: number;
  /** The issuer registers clients by itself. Default true. */
  registers: boolean;
  /** The token endpoint answers this status, and no more; 0 for its usual answers. Default 0. */
  tokenStatus: number;
  /** Codes are refused. Default false. */
  refusesCodes: boolean;
  /** Refresh tokens are given. Default true. */
  renews: boolean;
  /** What the server calls itself; undefined: what it is. */
  resource: string | undefined;
}

/**
 * An MCP server that wants people to have signed in, and the issuer that it sends them to, on one port of this machine.
 * Refresh tokens rotate: one that is used twice ends the whole sign-in, as good issuers do it. Every secret begins with
 * `canary`, so that one that gets out is found.
 */
export interface OAuthWorld extends AsyncDisposable {
  readonly url: string;
  readonly issuer: string;
  readonly dials: WorldDials;
  /** Requests of the token endpoint, by grant. */
  readonly grants: string[];
  /** Requests of the issuer, by path. */
  readonly paths: string[];
  readonly revoked: string[];
  /** Refresh tokens that were used a second time. */
  reused: number;
  /** All access tokens end now. */
  expire(): void;
  /** All refresh tokens end now. */
  forget(): void;
  readonly registrations: Record<string, unknown>[];
}

interface Grant {
  readonly challenge: string;
  readonly scope: string;
  readonly redirect: string;
}

export async function startOAuthWorld(dials: Partial<WorldDials> = {}): Promise<OAuthWorld> {
  const codes = new Map<string, Grant>();
  const access = new Map<string, { readonly scope: string; readonly endsAt: number }>();
  const refresh = new Map<string, { used: boolean; readonly scope: string }>();
  const devices = new Map<string, { polls: number; readonly scope: string }>();
  let made = 0;
  const next = (kind: string): string =>
    `canary-${kind}-${++made}-${createHash("sha256").update(`${kind}${made}`).digest("hex").slice(0, 24)}`;

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const world: OAuthWorld = {
    url: `${base}/mcp`,
    issuer: base,
    dials: {
      livesFor: 3600,
      agrees: true,
      adminScope: "admin",
      tokenDelayMs: 0,
      pendingPolls: 1,
      registers: true,
      tokenStatus: 0,
      refusesCodes: false,
      renews: true,
      resource: undefined,
      ...dials,
    },
    grants: [],
    paths: [],
    revoked: [],
    reused: 0,
    registrations: [],
    expire: () => access.clear(),
    forget: () => refresh.clear(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  const give = (scope: string): object => {
    const token = next("access");
    const again = next("refresh");
    access.set(token, { scope, endsAt: Date.now() + world.dials.livesFor * 1000 });
    refresh.set(again, { used: false, scope });
    return { access_token: token, refresh_token: again, token_type: "Bearer", expires_in: world.dials.livesFor, scope };
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const url = new URL(request.url ?? "/", base);
    const json = (status: number, value: object, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(value));
    };
    if (url.pathname === "/mcp") return mcp(request, body, response, json);
    world.paths.push(url.pathname);
    const form = new URLSearchParams(body);
    const resource = world.dials.resource ?? world.url;
    switch (url.pathname) {
      case "/.well-known/oauth-protected-resource/mcp":
        return json(200, { resource, authorization_servers: [base], scopes_supported: ["read"] });
      case "/.well-known/oauth-authorization-server":
        return json(200, {
          issuer: base,
          authorization_endpoint: `${base}/authorize`,
          token_endpoint: `${base}/token`,
          device_authorization_endpoint: `${base}/device`,
          revocation_endpoint: `${base}/revoke`,
          ...(world.dials.registers && { registration_endpoint: `${base}/register` }),
          response_types_supported: ["code"],
          code_challenge_methods_supported: ["S256"],
          token_endpoint_auth_methods_supported: ["none"],
          scopes_supported: ["read", "admin", "offline_access"],
          authorization_response_iss_parameter_supported: true,
        });
      case "/register":
        world.registrations.push(JSON.parse(body) as Record<string, unknown>);
        return json(201, { ...(JSON.parse(body) as object), client_id: `client-${world.registrations.length}` });
      case "/authorize": {
        const query = url.searchParams;
        const back = new URL(query.get("redirect_uri") ?? base);
        back.searchParams.set("state", query.get("state") ?? "");
        back.searchParams.set("iss", base);
        if (world.dials.agrees) {
          const code = next("code");
          codes.set(code, {
            challenge: query.get("code_challenge") ?? "",
            scope: query.get("scope") ?? "",
            redirect: query.get("redirect_uri") ?? "",
          });
          back.searchParams.set("code", code);
        } else back.searchParams.set("error", "access_denied");
        response.writeHead(302, { location: back.href }).end();
        return;
      }
      case "/device": {
        const code = next("device");
        devices.set(code, { polls: 0, scope: form.get("scope") ?? "" });
        return json(200, {
          device_code: code,
          user_code: "ABCD-EFGH",
          verification_uri: `${base}/activate`,
          expires_in: 60,
          interval: 1,
        });
      }
      case "/revoke":
        world.revoked.push(form.get("token") ?? "");
        response.end();
        return;
      case "/token":
        await new Promise((resolve) => setTimeout(resolve, world.dials.tokenDelayMs));
        if (world.dials.tokenStatus === 0) return json(...token(form));
        response.writeHead(world.dials.tokenStatus, { "content-type": "text/html" }).end("<h1>Out of order</h1>");
        return;
    }
    json(404, {});
  }

  function token(form: URLSearchParams): [number, object] {
    const grant = form.get("grant_type") ?? "";
    world.grants.push(grant);
    const refused = (error: string): [number, object] => [400, { error }];
    if (form.get("resource") !== world.url) return refused("invalid_target");
    if (grant === "authorization_code") {
      const known = codes.get(form.get("code") ?? "");
      codes.delete(form.get("code") ?? "");
      const challenge = createHash("sha256")
        .update(form.get("code_verifier") ?? "")
        .digest("base64url");
      const isRight = known?.challenge === challenge && known.redirect === form.get("redirect_uri");
      if (!isRight || world.dials.refusesCodes) return refused("invalid_grant");
      return [200, { ...give(known.scope), ...(!world.dials.renews && { refresh_token: undefined }) }];
    }
    if (grant === "refresh_token") {
      const known = refresh.get(form.get("refresh_token") ?? "");
      if (known === undefined || known.used) {
        if (known !== undefined) {
          world.reused++;
          refresh.clear();
          access.clear();
        }
        return refused("invalid_grant");
      }
      known.used = true;
      return [200, give(known.scope)];
    }
    if (grant === "client_credentials") return [200, { ...give(form.get("scope") ?? ""), refresh_token: undefined }];
    const device = devices.get(form.get("device_code") ?? "");
    if (device === undefined) return refused("unsupported_grant_type");
    if (!world.dials.agrees) return refused("access_denied");
    return device.polls++ < world.dials.pendingPolls ? refused("authorization_pending") : [200, give(device.scope)];
  }

  function mcp(
    request: IncomingMessage,
    body: string,
    response: ServerResponse,
    json: (status: number, value: object, headers?: Record<string, string>) => void,
  ): void {
    const metadata = `resource_metadata="${base}/.well-known/oauth-protected-resource/mcp"`;
    const given = access.get((request.headers.authorization ?? "").replace(/^Bearer /, ""));
    if (given === undefined || given.endsAt <= Date.now())
      return json(
        401,
        { error: "who?" },
        { "www-authenticate": `Bearer error="invalid_token", scope="read", ${metadata}` },
      );
    if (request.method !== "POST") return json(405, {});
    const { id, method, params } = JSON.parse(body) as { id?: number; method: string; params?: { name?: string } };
    if (id === undefined) {
      response.writeHead(202).end();
      return;
    }
    if (method === "initialize") {
      const info = {
        protocolVersion: "2025-11-25",
        capabilities: { tools: {} },
        serverInfo: { name: "w", version: "1" },
      };
      return json(200, { jsonrpc: "2.0", id, result: info }, { "mcp-session-id": next("session") });
    }
    if (method === "server/discover")
      return json(400, { jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } });
    if (method === "tools/list")
      return json(200, { jsonrpc: "2.0", id, result: { tools: [{ name: "read", inputSchema: { type: "object" } }] } });
    if (params?.name === "admin" && !given.scope.split(" ").includes(world.dials.adminScope)) {
      const wanted = `Bearer error="insufficient_scope", scope="${world.dials.adminScope}", ${metadata}`;
      return json(403, { error: "more" }, { "www-authenticate": wanted });
    }
    if (params?.name === "echo-token") {
      const said = {
        jsonrpc: "2.0",
        id,
        error: { code: -32000, message: `you sent ${request.headers.authorization}` },
      };
      return json(200, said);
    }
    return json(200, { jsonrpc: "2.0", id, result: { content: [{ type: "text", text: `scope: ${given.scope}` }] } });
  }

  return world;
}
