import type { Manifest, ProviderBlock } from "../capability/manifest.ts";
import { CcosError, redactError, toCcosError } from "../kernel/index.ts";
import type { SessionContext, SignInDialog, SignIns, SignInState, Target } from "./handler.ts";
import type { HandlerShelf } from "./handler-shelf.ts";
import { sessionContext, type PoolSurroundings } from "./pool-surroundings.ts";
import type { TargetResolver } from "./resolve-target.ts";

/** Signing people in where capabilities are called. Each throws `unimplemented` where the provider signs nobody in. */
export interface SignInDesk {
  /** Takes a person through signing in where calls of this capability go, and keeps what that gives for later sessions. */
  signIn(
    id: string,
    dialog: SignInDialog,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<SignInState>;
  /** Forgets it. False where there was nothing. */
  signOut(id: string): Promise<boolean>;
  /** What is kept; undefined for nothing. */
  state(id: string): Promise<SignInState | undefined>;
}

export type UseOfSignIns<T> = (signIns: SignIns, target: Target, context: SessionContext) => Promise<T>;

interface Parts {
  readonly around: PoolSurroundings;
  readonly handlers: HandlerShelf;
  readonly targets: TargetResolver;
  readonly signal: AbortSignal;
}

export function createSignInDesk(
  manager: {
    withSignIns<T>(manifest: Manifest, signal: AbortSignal | undefined, use: UseOfSignIns<T>): Promise<T>;
  },
  find: (id: string) => Manifest,
): SignInDesk {
  return {
    signIn: async (id, dialog, { signal } = {}) =>
      manager.withSignIns(find(id), signal, (signIns, target, context) => signIns.signIn(target, context, dialog)),
    signOut: async (id) =>
      manager.withSignIns(find(id), undefined, (signIns, target, context) => signIns.signOut(target, context)),
    state: async (id) => manager.withSignIns(find(id), undefined, (signIns, target) => signIns.state(target)),
  };
}

/** Finds who signs in for a capability, and where; whatever comes of it, its next call asks anew who it is. */
export async function useSignIns<T>(
  { around, handlers, targets, signal }: Parts,
  manifest: Manifest,
  block: ProviderBlock,
  use: UseOfSignIns<T>,
): Promise<T> {
  try {
    const handler = await handlers.get(block.provider, manifest.id);
    const { signIns } = handler;
    if (signIns === undefined) {
      throw new CcosError("unimplemented", `The provider "${block.provider}" of "${manifest.id}" signs nobody in.`, {
        remedy: "Name a variable that holds the credential with :auth_env_var, or with :auth {…}.",
      });
    }
    targets.forget(manifest);
    const { target } = targets.resolve(handler, manifest, block, undefined);
    return await use(
      signIns,
      target,
      sessionContext(around, signal, () => {}),
    );
  } catch (error) {
    throw redactError(toCcosError(error), around.redactor);
  } finally {
    targets.forget(manifest);
  }
}
