import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { createServer, type Server } from "node:http";
import { Hono, type Context } from "hono";

import { REJECTION, RETRY_AFTER_MS, type PeerFault } from "../../testing/index.ts";

/** How the server tells who calls: a login that gives a cookie, a token that is always the same, or OAuth. */
export type Manner = "login" | "token" | "oauth";

/** How a server says that it does not know a session. */
export const LOSSES = {
  "401 after the login": { status: 401 },
  "419, as some frameworks say it": { status: 419 },
  "a redirect to the page for logging in": { status: 302, location: "/login" },
} as const satisfies Record<string, { readonly status: number; readonly location?: string }>;

type Env = { Bindings: HttpBindings };

/** A REST service of its own: echoes what it is given, in pages and as events, and goes wrong where it is told to. */
export class RestServer {
  readonly manner: Manner;
  tokens = new Set(["token-of-alice", "token-of-bob"]);
  readonly sessions = new Set<string>();
  readonly accessTokens = new Set<string>();
  loss: keyof typeof LOSSES = "401 after the login";
  fault: PeerFault | undefined;
  faultTimes = Infinity;
  opened = 0;
  renewed = 0;
  canceled = 0;
  sent = 0;
  streams = 0;
  underWay = 0;
  readonly ran = new Map<string, number>();
  /** Keys of `Idempotency-Key`, in the order in which they came. */
  readonly keys: string[] = [];
  #held: (() => void)[] = [];
  #holds = false;
  #port = 0;
  #server: Server | undefined;
  readonly #app = new Hono<Env>();

  static async start(manner: Manner): Promise<RestServer> {
    const server = new RestServer(manner);
    await server.listen();
    return server;
  }

  private constructor(manner: Manner) {
    this.manner = manner;
    const app = this.#app;
    app.post("/login", (c) => this.#login(c));
    app.delete("/login", (c) => {
      this.sessions.delete(sessionOf(c));
      return c.body(null, 204);
    });
    app.get("/login", (c) => c.html("<form>Who are you?</form>"));
    app.post("/token", (c) => this.#token(c));
    app.get("/me", (c) => (this.#knows(c) ? c.json({ ok: true }) : this.#unknown(c)));
    app.post("/echo", (c) => this.#guarded(c, () => this.#echo(c)));
    app.get("/pages", (c) => this.#guarded(c, () => this.#page(c)));
    app.get("/events", (c) => this.#guarded(c, () => this.#events(c)));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }
  get held(): number {
    return this.#held.length;
  }

  async listen(): Promise<void> {
    const listener = getRequestListener((request, env) => this.#app.fetch(request, env as HttpBindings));
    this.#server = createServer((request, response) => {
      this.underWay++;
      response.once("close", () => this.underWay--);
      void listener(request, response);
    });
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    for (const release of this.#held.splice(0)) release();
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async restart(): Promise<void> {
    await this.stop();
    this.forget();
    await this.listen();
  }

  forget(): void {
    this.sessions.clear();
    this.accessTokens.clear();
  }

  hold(): () => void {
    this.#holds = true;
    return () => {
      this.#holds = false;
      for (const release of this.#held.splice(0).reverse()) release();
    };
  }

  async #login(c: Context<Env>): Promise<Response> {
    if (this.fault === "hangs-opening") return this.#never(c);
    const { token } = await c.req.json<{ token: string }>();
    if (!this.tokens.has(token)) return c.json({ error: "wrong password" }, 401);
    const id = randomBytes(16).toString("hex");
    this.opened++;
    this.sessions.add(id);
    return c.json({ welcome: true }, 200, { "set-cookie": `sid=${id}; HttpOnly; Path=/; SameSite=Lax` });
  }

  async #token(c: Context<Env>): Promise<Response> {
    if (this.fault === "hangs-opening") return this.#never(c);
    const [user = "", secret = ""] = Buffer.from(c.req.header("authorization")?.slice(6) ?? "", "base64")
      .toString()
      .split(":");
    if (user !== "reader-7" || !this.tokens.has(secret)) return c.json({ error: "invalid_client" }, 401);
    const token = randomBytes(16).toString("hex");
    this.opened++;
    if (this.opened > 1) this.renewed++;
    this.accessTokens.add(token);
    return c.json({ access_token: token, token_type: "Bearer", expires_in: 3600 });
  }

  #knows(c: Context<Env>): boolean {
    if (this.manner === "login") return this.sessions.has(sessionOf(c));
    const token = c.req.header("authorization")?.replace(/^Bearer /, "") ?? "";
    return this.manner === "token" ? this.tokens.has(token) : this.accessTokens.has(token);
  }

  #unknown(c: Context<Env>): Response {
    if (this.manner !== "login") return c.json({ message: "Bad credentials" }, 401);
    const how: { readonly status: number; readonly location?: string } = LOSSES[this.loss];
    return new Response("Log in first.", {
      status: how.status,
      headers: how.location === undefined ? {} : { location: how.location },
    });
  }

  async #guarded(c: Context<Env>, run: () => Response | Promise<Response>): Promise<Response> {
    if (!this.#knows(c)) return this.#unknown(c);
    return run();
  }

  async #echo(c: Context<Env>): Promise<Response> {
    const key = c.req.header("idempotency-key");
    if (key !== undefined) this.keys.push(key);
    const { text } = await c.req.json<{ text: string }>();
    const { outgoing, incoming } = c.env;
    if (this.#holds) {
      let gone = false;
      outgoing.once("close", () => {
        if (!outgoing.writableFinished) {
          gone = true;
          this.canceled++;
        }
      });
      await new Promise<void>((resolve) => this.#held.push(resolve));
      if (gone) return c.body(null, 499 as 400);
    }
    const fault = this.faultTimes > 0 ? this.fault : undefined;
    if (fault !== undefined) this.faultTimes--;
    if (fault === "hangs-calling") return this.#never(c);
    if (fault === "throttled")
      return c.json({ message: "slow down" }, 429, { "retry-after": String(RETRY_AFTER_MS / 1_000) });
    if (fault === "rejected")
      return c.json({ title: "Unprocessable", detail: REJECTION }, 422, { "content-type": "application/problem+json" });
    this.ran.set(text, (this.ran.get(text) ?? 0) + 1);
    switch (fault) {
      case "cut":
        incoming.socket.destroy();
        return this.#never(c);
      case "malformed":
        return c.body('{"text": ', 200, { "content-type": "application/json" });
      case "oversize":
        return c.json({ text: "x".repeat(1_000_000) });
      default:
        return c.json({ text });
    }
  }

  /** Three pages of two, by a cursor. */
  #page(c: Context<Env>): Response {
    const cursor = Number(c.req.query("cursor") ?? 0);
    const endless = c.req.query("endless") !== undefined;
    const items = endless ? Array.from({ length: 4 }, () => "x".repeat(4_000)) : [cursor * 2, cursor * 2 + 1];
    if (endless) this.sent += items.length;
    return c.json({ items, ...((cursor < 2 || endless) && { next: String(cursor + 1) }) });
  }

  async #events(c: Context<Env>): Promise<Response> {
    const { outgoing } = c.env as { outgoing: ServerResponse };
    this.streams++;
    outgoing.once("close", () => this.streams--);
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    if (c.req.query("endless") === undefined) {
      const after = Number(c.req.header("last-event-id") ?? 0);
      for (let id = after + 1; id <= 3; id++) outgoing.write(`id: ${id}\ndata: {"n":${id}}\n\n`);
      outgoing.end();
    } else void this.#pour(outgoing);
    return ALREADY_SENT;
  }

  async #pour(outgoing: ServerResponse): Promise<void> {
    const event = `data: "${"x".repeat(4_000)}"\n\n`;
    while (!outgoing.destroyed) {
      this.sent++;
      if (!outgoing.write(event))
        await Promise.race([once(outgoing, "drain"), once(outgoing, "close")]).catch(() => {});
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #never(c: Context<Env>): Promise<Response> {
    return new Promise((resolve) => c.env.outgoing.once("close", () => resolve(ALREADY_SENT)));
  }
}

/** https://github.com/honojs/node-server: what was written past it. */
const ALREADY_SENT = new Response(null, { headers: { "x-hono-already-sent": "true" } });

function sessionOf(c: Context<Env>): string {
  return /(?:^|;\s*)sid=([0-9a-f]+)/.exec(c.req.header("cookie") ?? "")?.[1] ?? "";
}
