import type { Dispatcher } from "undici";

import { Authorizer, type HttpPlace, type OAuthPlan, type SignInRecord, type SignInStore } from "../../http/index.ts";
import { CcosError, isLoopbackHost } from "../../kernel/index.ts";
import type { SessionContext, Target } from "../../session/handler.ts";
import { signInCommand } from "./credential-remedy.ts";
import type { Sending } from "./proof.ts";
import { unionOfScopes, type Challenge } from "./sign-in-plan.ts";
import type { HttpSettings, McpSettings } from "./target.ts";

export interface SessionAuthorizerOptions {
  readonly dispatcher: () => Promise<Dispatcher>;
  readonly store: SignInStore | undefined;
}

/** A target as a session with it is opened: with the token of the hour, where it needs one. */
export interface AuthorizedTarget {
  readonly target: Target;
  readonly expiresAt: number | undefined;
}

/** A token that ends sooner than this, or than a fifth of its life, is not given to a new session. */
const LEAST_LEFT_MS = 31_000;
const MOST_REMEMBERED = 1_000;
const LONGEST_SCOPE = 2_000;

/**
 * Who sessions are opened as: what the capability names, tokens by OAuth 2 for machines, or a person's sign-in, which is
 * renewed here once at a time, over all processes of this user.
 */
export class SessionAuthorizer {
  readonly #options: SessionAuthorizerOptions;
  readonly #machines: Authorizer;
  /** What servers said when they refused calls, by endpoint. */
  readonly #challenges = new Map<string, Challenge>();
  /** What was found out of where machines get tokens, by endpoint. */
  readonly #plans = new Map<string, { readonly manner: string; readonly plan: OAuthPlan }>();
  /** The tokens that sessions were last given, by endpoint: only these can have been refused. */
  readonly #given = new Map<string, string>();

  constructor(options: SessionAuthorizerOptions) {
    this.#options = options;
    this.#machines = new Authorizer({ dispatcher: options.dispatcher });
  }

  /** Remembers what a refusal asked for. */
  heard(target: Target, challenge: Challenge): void {
    // What several calls lacked is asked for together, or each token would lack what the last one had.
    const scope = unionOfScopes(this.#challenges.get(target.endpoint)?.scope, challenge.scope);
    const isBounded = (scope?.length ?? 0) <= LONGEST_SCOPE;
    remember(this.#challenges, target.endpoint, isBounded ? { ...challenge, scope } : challenge);
  }

  challengeOf(target: Target): Challenge | undefined {
    return this.#challenges.get(target.endpoint);
  }

  async open(target: Target, context: SessionContext): Promise<AuthorizedTarget> {
    const settings = target.settings as McpSettings;
    if (settings.kind !== "http") return { target, expiresAt: undefined };
    const { place } = settings;
    if (place?.credential.oauth !== undefined) {
      const { headers, expiresAt } = await this.#machines.open(
        await this.#machinePlace(place, target, context),
        context,
      );
      return { target: withHeaders(target, settings, headers), expiresAt };
    }
    const kept = settings.signIn?.record;
    if (kept === undefined) return { target, expiresAt: undefined };
    const record = await this.#current(kept, target, context);
    for (const secret of [record.accessToken, record.refreshToken]) if (secret !== undefined) context.addSecret(secret);
    remember(this.#given, target.endpoint, record.accessToken);
    const { proofKey } = record.details;
    const scheme = proofKey === undefined ? "Bearer" : "DPoP";
    const headers = { ...settings.headers, authorization: `${scheme} ${record.accessToken}` };
    const authorized = withHeaders(target, settings, headers, await sendingFor(record));
    return { target: authorized, expiresAt: record.expiresAt };
  }

  /** Gets a fresh token after one was refused. False where only a person can help. */
  async renew(target: Target, context: SessionContext): Promise<boolean> {
    const settings = target.settings as McpSettings;
    if (settings.kind !== "http") return false;
    const { place } = settings;
    if (place?.credential.oauth !== undefined) {
      this.#plans.delete(target.endpoint);
      return this.#machines.renew(await this.#machinePlace(place, target, context), context);
    }
    const store = this.#options.store;
    const kept = settings.signIn?.record;
    if (kept === undefined || store === undefined) return false;
    const refused = this.#given.get(target.endpoint);
    const wanted = this.challengeOf(target);
    const isStepUp = wanted?.error === "insufficient_scope";
    return store.locked(target.endpoint, context.clock, async () => {
      const record = store.read(target.endpoint);
      if (record === undefined || record.id !== kept.id) return false;
      // Somebody was quicker: what was refused is no longer what is kept.
      if (refused !== undefined && record.accessToken !== refused) return true;
      // More than was granted is granted by the person, and by no renewal (RFC 6749, section 6).
      if (record.refreshToken === undefined || isStepUp) return false;
      const { isIssuer, refresh } = await import("./refresh.ts");
      const dispatcher = await this.#options.dispatcher();
      // A server may have moved to another issuer, whose tokens only a new sign-in gets.
      if (!(await isIssuer(record, settings, wanted, dispatcher, context))) return false;
      await store.write(await refresh(record, target, dispatcher, context));
      return true;
    });
  }

  /** The sign-in with a token that will last for a while. */
  async #current(kept: SignInRecord, target: Target, context: SessionContext): Promise<SignInRecord> {
    const store = this.#options.store as SignInStore;
    const latest = (): SignInRecord => {
      const record = store.read(target.endpoint);
      if (record?.id === kept.id) return record;
      throw new CcosError(
        "unauthenticated",
        `The sign-in for ${target.endpoint} was ended, or replaced by another one.`,
        {
          remedy: "Call again, or sign in with ccos auth.",
        },
      );
    };
    const first = latest();
    if (lasts(first, context.clock.now())) return first;
    if (first.refreshToken === undefined) return unlessEnded(first, target, context);
    return store.locked(target.endpoint, context.clock, async () => {
      const record = latest();
      if (lasts(record, context.clock.now()) || record.refreshToken === undefined) return record;
      const { refresh } = await import("./refresh.ts");
      const fresh = await refresh(record, target, await this.#options.dispatcher(), context);
      await store.write(fresh);
      return fresh;
    });
  }

  /** The place with a token endpoint: declared, or the one that the server points to. With what a refusal asked for. */
  async #machinePlace(place: HttpPlace, target: Target, context: SessionContext): Promise<HttpPlace> {
    const plan = place.credential.oauth;
    if (plan === undefined) return place;
    const scope = unionOfScopes(plan.scope, this.challengeOf(target)?.scope);
    const known = { ...plan, scope, manner: `${plan.manner} ${scope ?? ""}` };
    const oauth =
      plan.tokenUrl !== undefined || plan.issuer !== undefined
        ? known
        : await this.#discovered(known, place, target, context);
    return { ...place, credential: { ...place.credential, oauth } };
  }

  async #discovered(known: OAuthPlan, place: HttpPlace, target: Target, context: SessionContext): Promise<OAuthPlan> {
    const found = this.#plans.get(target.endpoint);
    if (found?.manner === known.manner) return found.plan;
    const { discoverPlan } = await import("./refresh.ts");
    const dispatcher = await this.#options.dispatcher();
    const plan = await discoverPlan(known, place.url, this.challengeOf(target), dispatcher, context);
    remember(this.#plans, target.endpoint, { manner: known.manner, plan });
    return plan;
  }
}

/** A token that cannot be renewed is used for as long as it lives. */
function unlessEnded(record: SignInRecord, target: Target, { clock }: SessionContext): SignInRecord {
  if (record.expiresAt === undefined || record.expiresAt > clock.now()) return record;
  throw new CcosError("unauthenticated", `The sign-in for ${target.endpoint} has ended, and cannot be renewed.`, {
    remedy: `Sign in anew: ${signInCommand(target)}`,
  });
}

/** A token that is not worth beginning with is renewed first. */
function lasts({ expiresAt, obtainedAt }: SignInRecord, now: number): boolean {
  return expiresAt === undefined || expiresAt - now > Math.min(LEAST_LEFT_MS, (expiresAt - obtainedAt) / 5);
}

function withHeaders(
  target: Target,
  settings: HttpSettings,
  headers: Readonly<Record<string, string>>,
  sending?: Sending,
): Target {
  return { ...target, settings: { ...settings, headers, sending } satisfies HttpSettings };
}

async function sendingFor({ accessToken, details }: SignInRecord): Promise<Sending | undefined> {
  const { proofKey } = details;
  if (proofKey === undefined) return undefined;
  const { readProofKey, sendingWithProof } = await import("./proof.ts");
  return sendingWithProof(await readProofKey(proofKey as never), accessToken);
}

/** Whether a secret for one address may go to another one that was only found out: within the origin, or on this machine. */
export function isSameKeeper(declared: URL, found: URL): boolean {
  return declared.origin === found.origin || (isLoopbackHost(declared.hostname) && isLoopbackHost(found.hostname));
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MOST_REMEMBERED && oldest !== undefined) map.delete(oldest);
}
