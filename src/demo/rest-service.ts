import { randomUUID } from "node:crypto";
import { getRequestListener } from "@hono/node-server";
import { Hono, type Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { startLoopbackServer } from "./loopback-server.ts";
import { SessionLedger, type DemoService } from "./service.ts";

/** A release of the imaginary project. */
export interface Release {
  readonly version: string;
  readonly due: string;
  readonly ready: boolean;
}

const RELEASES: readonly Release[] = Array.from({ length: 7 }, (_, index) => ({
  version: `1.${index}.0`,
  due: `2025-${String(6 + Math.floor(index / 2)).padStart(2, "0")}-${index % 2 === 0 ? "01" : "15"}`,
  ready: index < 3,
}));
const PAGE = 3;
const COOKIE = "sid";

/** The release in which an issue is to be solved: the same one at every start. */
export function releaseOf(issue: number): Release {
  return RELEASES[(issue * 3) % RELEASES.length] as Release;
}

/**
 * A REST service about releases. `POST /login` gives a cookie, `DELETE /login` ends the session, and whoever has none
 * that is known gets 401.
 *
 * @param port default 0: any free one
 */
export async function startRestService({ port = 0 }: { readonly port?: number } = {}): Promise<DemoService> {
  const ledger = new SessionLedger<string>();
  const app = new Hono();
  const sessionOf = (c: Context): string => getCookie(c, COOKIE) ?? "";
  app.post("/login", async (c) => {
    const { user } = await c.req.json<{ user?: unknown }>().catch(() => ({ user: undefined }));
    if (typeof user !== "string" || user === "") return c.json({ message: "user is missing" }, 422);
    const id = randomUUID();
    ledger.open(id);
    setCookie(c, COOKIE, id, { httpOnly: true, sameSite: "Strict", path: "/" });
    return c.json({ welcome: user });
  });
  app.delete("/login", (c) => {
    ledger.close(sessionOf(c));
    deleteCookie(c, COOKIE, { path: "/" });
    return c.body(null, 204);
  });
  app.use("*", async (c, next) => {
    if (!ledger.knows(sessionOf(c))) return c.json({ message: "Log in first." }, 401);
    // The further pages of a list belong to the call that asked for the first one.
    if (c.req.query("after") === undefined) ledger.count(sessionOf(c));
    return next();
  });
  app.get("/issues/:number{[0-9]+}/release", (c) => c.json(releaseOf(Number(c.req.param("number")))));
  app.get("/releases", (c) => {
    const after = c.req.query("after");
    const from = after === undefined ? 0 : RELEASES.findIndex(({ version }) => version === after) + 1;
    const releases = RELEASES.slice(from, from + PAGE);
    const next = from + PAGE < RELEASES.length ? releases.at(-1)?.version : null;
    return c.json({ releases, next });
  });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = await startLoopbackServer((request, response) => void listener(request, response), port);
  return {
    provider: "openapi",
    about: "a REST service with the releases, behind a login",
    url: `http://127.0.0.1:${server.port}`,
    variable: "CCOS_DEMO_REST_URL",
    seen: () => ledger.seen(),
    loseSessions: () => ledger.forgetAll(),
    close: () => server.close(),
  };
}
