import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, zstdDecompress } from "node:zlib";
import { addressOf, createDispatcher, send, TooLarge, withoutMark, type HttpResponse } from "../http/index.ts";
import { CcosError, createRedactor, fail, isCcosError, isLoopbackHost, oneLine } from "../kernel/index.ts";
import type { ImportOptions } from "./declaration.ts";
import type { SourceRules, SourceText } from "./read-source.ts";
import { readToken } from "./token.ts";

export interface FetchRules extends SourceRules {
  readonly options: ImportOptions;
  readonly signal: AbortSignal;
  /** The part of the signal that is a lack of time. */
  readonly deadline: AbortSignal;
  /** Most bytes, after decompression. */
  readonly longest: number;
}

/** Redirects to other origins that are followed; within one origin, sending follows a few of its own. */
const MOST_REDIRECTS = 5;
const DECODERS: Readonly<Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
};

/**
 * What is at an address. The token is sent only where the origin that a person named asks for one: descriptions are mostly
 * public, and often stand elsewhere than what they describe. It goes to no other origin, wherever that one redirects.
 */
export async function fetchSource(url: URL, rules: FetchRules): Promise<SourceText> {
  let token: string | undefined;
  const dispatcher = await createDispatcher();
  try {
    let at = url;
    for (let hop = 0; ; hop++) {
      const headers: Record<string, string> = { accept: rules.accept, "user-agent": "ccos" };
      if (token !== undefined && at.origin === url.origin) headers["authorization"] = `Bearer ${token.trim()}`;
      const response = await send(dispatcher, addressOf(at), { method: "GET", headers, signal: rules.signal });
      if (
        response.status === 401 &&
        at.origin === url.origin &&
        rules.options.authEnv !== undefined &&
        token === undefined
      ) {
        await response.discard();
        token = readToken(rules.options, shown(url), url);
        continue;
      }
      const next = redirection(response, at);
      if (next === undefined) return { text: await textOf(response, at, rules), url: at, shown: shown(at) };
      if (hop >= MOST_REDIRECTS || next.origin === at.origin) {
        fail("protocol-error", `${shown(url)} redirects without end.`, {
          remedy: "Give the address it is meant to lead to.",
        });
      }
      at = next;
    }
  } catch (error) {
    throw explained(error, url, rules);
  } finally {
    await dispatcher.destroy();
  }
}

/** Where an answer leads to; undefined where it is the answer. */
function redirection(response: HttpResponse, from: URL): URL | undefined {
  const location = response.header("location");
  if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined) return undefined;
  const to = URL.parse(location, from.href);
  if (to === null || !["http:", "https:"].includes(to.protocol) || to.username !== "" || to.password !== "") {
    return fail("protocol-error", `${shown(from)} redirects to what is no http(s) address.`);
  }
  if (from.protocol === "https:" && to.protocol === "http:") {
    fail(
      "permission-denied",
      `${shown(from)} redirects to ${shown(to)}, which is not encrypted; that is not followed.`,
    );
  }
  // Another machine must not make this one ask its own services.
  if (isLoopbackHost(to.hostname) && !isLoopbackHost(from.hostname)) {
    fail("permission-denied", `${shown(from)} redirects to this machine; that is not followed.`);
  }
  to.hash = "";
  return to;
}

async function textOf(response: HttpResponse, url: URL, { longest, noun, options }: FetchRules): Promise<string> {
  const { status } = response;
  if (status !== 200) {
    await response.discard();
    const answer = `${shown(url)} answered ${status} instead of a ${noun}.`;
    if (status === 401 || status === 403) {
      const { authEnv } = options;
      fail("unauthenticated", answer, {
        remedy:
          authEnv === undefined
            ? "Put a token into a variable and name that with --auth-env."
            : `Check the token in ${authEnv}.`,
      });
    }
    const code = status === 404 || status === 410 ? "not-found" : status >= 500 ? "unavailable" : "rejected";
    return fail(code, answer, { remedy: "Check the address." });
  }
  let bytes = await response.bytes(longest);
  for (const coding of (response.header("content-encoding") ?? "").toLowerCase().split(",").toReversed()) {
    const name = coding.trim();
    if (name === "" || name === "identity") continue;
    const decode = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined;
    if (decode === undefined)
      return fail("protocol-error", `${shown(url)} is encoded as ${oneLine(name, 40)}, which nobody asked for.`);
    bytes = await decode(bytes, { maxOutputLength: longest });
  }
  return withoutMark(bytes.toString("utf8"));
}

function explained(error: unknown, url: URL, { deadline, longest, options }: FetchRules): unknown {
  if (options.signal?.aborted === true)
    return isCcosError(options.signal.reason)
      ? options.signal.reason
      : new CcosError("canceled", "The import was canceled.", { cause: error });
  if (deadline.aborted) {
    return new CcosError("deadline-exceeded", `${shown(url)} did not answer within ${options.timeout ?? 30_000} ms.`, {
      remedy: "Give it more with --timeout, or import from a file.",
      cause: error,
    });
  }
  if (isCcosError(error)) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof TooLarge || code === "ERR_BUFFER_TOO_LARGE") {
    return new CcosError("invalid-argument", `What is at ${shown(url)} has more than ${longest} bytes.`, {
      cause: error,
    });
  }
  if (code?.startsWith("Z_") === true || code?.startsWith("ERR__ERROR_") === true) {
    return new CcosError("protocol-error", `What is at ${shown(url)} is damaged: ${code}.`, { cause: error });
  }
  return new CcosError("unavailable", `${shown(url)} cannot be reached: ${oneLine(code ?? message, 200)}.`, {
    remedy: "Check the address and the network.",
    cause: error,
  });
}

function shown(url: URL): string {
  return oneLine(createRedactor().redact(url.href), 300);
}
