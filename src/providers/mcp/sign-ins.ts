import type { Dispatcher } from "undici";

import type { SignInRecord, SignInStore } from "../../http/index.ts";
import { fail } from "../../kernel/index.ts";
import type { SessionContext, SignInDialog, SignIns, SignInState, Target } from "../../session/handler.ts";
import type { SessionAuthorizer } from "./authorization.ts";
import type { HttpSettings, McpSettings } from "./target.ts";

export interface McpSignInsOptions {
  readonly store: SignInStore | undefined;
  readonly authorizer: SessionAuthorizer;
  readonly dispatcher: () => Promise<Dispatcher>;
}

/** People sign in at the issuer that a server names; what that gives is kept for the server's endpoint. */
export class McpSignIns implements SignIns {
  readonly #options: McpSignInsOptions;

  constructor(options: McpSignInsOptions) {
    this.#options = options;
  }

  async signIn(target: Target, context: SessionContext, dialog: SignInDialog): Promise<SignInState> {
    const { settings, store } = this.#placeOf(target);
    const other = target.credentialSource;
    if (settings.place.credential.oauth !== undefined) {
      fail("invalid-argument", `Calls at ${target.endpoint} get their tokens by themselves: :auth says how.`, {
        remedy: "Nobody has to sign in.",
      });
    }
    if (settings.signIn.record === undefined && Object.keys(target.credentials).length > 0) {
      context.warn(
        `Calls at ${target.endpoint} go on using ${other ?? "the credential in the metadata"} as long as it is there.`,
      );
    }
    const { signIn } = await import("./sign-in-flow.ts");
    const record = await signIn({
      target,
      url: new URL(settings.url),
      plan: settings.signIn,
      dialog,
      dispatcher: await this.#options.dispatcher(),
      clock: context.clock,
      signal: context.signal,
      challenge: this.#options.authorizer.challengeOf(target),
      earlier: store.read(target.endpoint),
      addSecret: (secret) => context.addSecret(secret),
    });
    await store.locked(target.endpoint, context.clock, () => store.write(record));
    return stateOf(record);
  }

  async signOut(target: Target, context: SessionContext): Promise<boolean> {
    const { store } = this.#placeOf(target);
    const record = store.read(target.endpoint);
    const was = await store.remove(target.endpoint);
    if (record !== undefined) {
      const { revoke } = await import("./revoke.ts");
      await revoke(record, await this.#options.dispatcher(), context);
    }
    return was;
  }

  async state(target: Target): Promise<SignInState | undefined> {
    const record = this.#placeOf(target).store.read(target.endpoint);
    return record === undefined ? undefined : stateOf(record);
  }

  #placeOf(target: Target): {
    readonly settings: HttpSettings & Required<Pick<HttpSettings, "place" | "signIn">>;
    readonly store: SignInStore;
  } {
    const settings = target.settings as McpSettings;
    const { store } = this.#options;
    if (settings.kind !== "http" || settings.place === undefined || settings.signIn === undefined) {
      fail("invalid-argument", `Nobody signs in at ${target.endpoint}: it is a child process.`, {
        remedy: "Give it its credential in :env.",
      });
    }
    if (store === undefined) fail("unimplemented", "This program keeps no sign-ins.", { remedy: "Use ccos auth." });
    return { settings: settings as never, store };
  }
}

export function stateOf(record: SignInRecord): SignInState {
  const { endpoint, issuer, scope, obtainedAt, expiresAt, refreshToken } = record;
  return { endpoint, issuer, scope, signedInAt: obtainedAt, expiresAt, renewable: refreshToken !== undefined };
}
