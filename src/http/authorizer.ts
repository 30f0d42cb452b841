import { createHash } from "node:crypto";

import type { Dispatcher } from "undici";

import { fail, untilAborted } from "../kernel/index.ts";
import type { SessionContext } from "../session/handler.ts";
import type { OAuthPlan } from "./oauth-plan.ts";
import type { HttpPlace } from "./place.ts";

/** An access token and what came with it. */
export interface Tokens {
  readonly accessToken: string;
  /** On the wall clock; undefined where the issuer did not say. */
  readonly expiresAt: number | undefined;
  /** What the next token is asked for with, where the issuer gave one. Works once where it rotates them. */
  readonly refreshToken: string | undefined;
}

/** What a session is opened with. */
export interface Authorization {
  /** Everything that goes with each request: the headers of the place, and the token where one was fetched. */
  readonly headers: Readonly<Record<string, string>>;
  /** Goes into `Opened.expiresAt`, so that the pool opens the next session before the token has ended. */
  readonly expiresAt: number | undefined;
}

export interface AuthorizerOptions {
  /** The connections of the handler. */
  readonly dispatcher: () => Promise<Dispatcher>;
}

interface Held {
  tokens: Tokens | undefined;
  obtainedAt: number;
  running: Fetching | undefined;
}

/** A request for tokens, and how many wait for it. */
interface Fetching {
  readonly tokens: Promise<Tokens>;
  readonly controller: AbortController;
  waiting: number;
}

/** A token that ends sooner than this, or than a fifth of its life, is not given to a new session. */
const LEAST_LEFT_MS = 31_000;
const MOST_HELD = 1_000;

/**
 * Fetches and keeps the access tokens of a handler's sessions, for places whose `:auth` is OAuth 2; one object a handler.
 * A token is fetched when a session opens, kept in memory by a fingerprint of what it was obtained with, shared by the
 * sessions of one identity, and renewed once at a time, so that a rotating refresh token is never used twice.
 *
 * In a handler: `const { headers, expiresAt } = await authorizer.open(place, context)` in `initializeSession`, and
 * `renewCredentials: (target, context) => authorizer.renew(placeOf(target), context)`.
 */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #held = new Map<string, Held>();

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /**
   * The headers for a new session. Registers every secret of the place and of its tokens with the context.
   * Throws `unauthenticated` where the issuer refuses, or a variable that it needs is not set.
   */
  async open(
    place: Pick<HttpPlace, "headers" | "credential" | "secrets">,
    context: SessionContext,
  ): Promise<Authorization> {
    for (const secret of place.secrets) context.addSecret(secret);
    const { oauth } = place.credential;
    if (oauth === undefined) return { headers: place.headers, expiresAt: undefined };
    const held = this.#of(oauth);
    const now = context.clock.now();
    const tokens = isGood(held, now) ? (held.tokens as Tokens) : await this.#fetch(held, oauth, context);
    context.addSecret(tokens.accessToken);
    return {
      headers: { ...place.headers, authorization: `Bearer ${tokens.accessToken}` },
      expiresAt: tokens.expiresAt,
    };
  }

  /** Gets a fresh token after one was refused. False where the place has none to renew. */
  async renew(place: Pick<HttpPlace, "credential">, context: SessionContext): Promise<boolean> {
    const { oauth } = place.credential;
    if (oauth === undefined) return false;
    await this.#fetch(this.#of(oauth), oauth, context);
    return true;
  }

  #of(plan: OAuthPlan): Held {
    const key = fingerprint(plan);
    let held = this.#held.get(key);
    if (held === undefined) held = { tokens: undefined, obtainedAt: 0, running: undefined };
    else this.#held.delete(key);
    this.#held.set(key, held);
    // The least recently used go; a refresh token that was rotated since is lost with them, so there is room for many.
    for (const [oldest, { running }] of this.#held) {
      if (this.#held.size <= MOST_HELD) break;
      if (running === undefined) this.#held.delete(oldest);
    }
    return held;
  }

  /**
   * One at a time for each: whoever comes meanwhile gets the same token. It is given up when nobody waits any more,
   * unless that could lose a refresh token that has been rotated by it.
   */
  async #fetch(held: Held, plan: OAuthPlan, context: SessionContext): Promise<Tokens> {
    const fetching = (held.running ??= this.#begin(held, plan, context));
    fetching.waiting++;
    try {
      return await untilAborted(fetching.tokens, context.signal);
    } finally {
      if (--fetching.waiting === 0 && plan.grant === "client_credentials") {
        if (held.running === fetching) held.running = undefined;
        fetching.controller.abort();
      }
    }
  }

  #begin(held: Held, plan: OAuthPlan, context: SessionContext): Fetching {
    const controller = new AbortController();
    const tokens = this.#fetchAnew(held, plan, context, controller.signal);
    const fetching: Fetching = { tokens, controller, waiting: 0 };
    const end = (): void => {
      if (held.running === fetching) held.running = undefined;
    };
    tokens.then(end, end);
    return fetching;
  }

  async #fetchAnew(held: Held, plan: OAuthPlan, context: SessionContext, signal: AbortSignal): Promise<Tokens> {
    if (plan.missing !== undefined) {
      fail("unauthenticated", `No token can be fetched from ${plan.origin}: the variable ${plan.missing} is not set.`, {
        remedy: `Set ${plan.missing}.`,
      });
    }
    const { requestTokens } = await import("./token-endpoint.ts");
    const obtainedAt = context.clock.now();
    const refreshToken = held.tokens?.refreshToken ?? plan.refreshToken;
    const tokens = await requestTokens(
      { ...plan, refreshToken },
      {
        dispatcher: await this.#options.dispatcher(),
        clock: context.clock,
        signal,
        addSecret: (secret) => context.addSecret(secret),
      },
    );
    // An issuer that does not rotate gives no new one: the old one stays good.
    held.tokens = { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken };
    held.obtainedAt = obtainedAt;
    return held.tokens;
  }
}

/** When a token ends that lives for so many seconds (RFC 6749, section 5.1); one that lives for none says nothing of its end. */
export function endOf(seconds: number | undefined, obtainedAt: number): number | undefined {
  return seconds === undefined || !(seconds > 0) ? undefined : obtainedAt + seconds * 1000;
}

function isGood({ tokens, obtainedAt }: Held, now: number): boolean {
  if (tokens === undefined) return false;
  if (tokens.expiresAt === undefined) return true;
  const left = tokens.expiresAt - now;
  return left > Math.min(LEAST_LEFT_MS, (tokens.expiresAt - obtainedAt) / 5);
}

function fingerprint(plan: OAuthPlan): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([plan.origin, plan.manner, plan.credentials]));
  return hash.digest("base64url");
}
