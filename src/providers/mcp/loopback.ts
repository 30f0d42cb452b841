import { timingSafeEqual } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { fail, type Clock } from "../../kernel/index.ts";

/** A place on this machine that a browser comes back to (RFC 8252, section 7.3). */
export interface Loopback extends AsyncDisposable {
  readonly redirectUrl: string;
  /** What the browser brought, once it came with this `state`. Rejects after `waitMs`, and when `signal` aborts. */
  callback(state: string, options: { clock: Clock; signal: AbortSignal; waitMs: number }): Promise<URLSearchParams>;
}

const PATH = "/callback";
const PAGE = (said: string): string =>
  `<!doctype html><meta charset="utf-8"><title>ccos</title><p style="font:1.1em sans-serif;margin:3em">${said}</p>`;
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  connection: "close",
} as const;

/** Listens on 127.0.0.1 only, for one answer. Throws `invalid-argument` where the port is taken. */
export async function openLoopback(port: number): Promise<Loopback> {
  const { promise, resolve } = Promise.withResolvers<URLSearchParams>();
  let expected = "";
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    if (request.method !== "GET" || url.pathname !== PATH) {
      response.writeHead(404, HEADERS).end(PAGE("There is nothing here."));
      return;
    }
    // Whoever does not know the state was not sent by us; the one who does may still come.
    if (expected === "" || !isSame(url.searchParams.get("state") ?? "", expected)) {
      response.writeHead(400, HEADERS).end(PAGE("This is no answer to the question that was asked."));
      return;
    }
    const went = url.searchParams.has("error") ? "Signing in did not work." : "That is all.";
    response.writeHead(200, HEADERS).end(PAGE(`${went} You can close this window and go on at the terminal.`));
    resolve(url.searchParams);
  });
  await listen(server, port);
  const { port: bound } = server.address() as AddressInfo;
  return {
    redirectUrl: `http://127.0.0.1:${bound}${PATH}`,
    async callback(state, { clock, signal, waitMs }) {
      expected = state;
      const late = Promise.withResolvers<never>();
      const timer = clock.setTimer(waitMs, () => late.reject(new Error("too late")));
      const onAbort = (): void => late.reject(signal.reason as Error);
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        signal.throwIfAborted();
        return await Promise.race([promise, late.promise]);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        return fail("deadline-exceeded", `Nobody signed in within ${Math.round(waitMs / 1000)} s.`, {
          remedy: "Run it again; --no-browser prints the address, and --device works from another machine.",
          cause: error,
        });
      } finally {
        timer.cancel();
        signal.removeEventListener("abort", onAbort);
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE" && error.code !== "EACCES") reject(error);
      else {
        reject(
          Object.assign(new Error(`Port ${port} on this machine is taken (${error.code}).`), { code: error.code }),
        );
      }
    });
    server.listen(port, "127.0.0.1", resolve);
  });
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
