import { getOwn, isJsonObject, toCcosError, type CcosError, type JsonObject } from "../kernel/index.ts";
import type { ExplainedSettings, PolicySettings } from "../policies/policy-settings.ts";
import type { SettingLayer } from "../policies/settings.ts";
import type { Caller } from "../capability/call.ts";
import type { Manifest, ProviderBlock } from "../capability/manifest.ts";
import type { TargetExplanation, VariableUse } from "./explain-target.ts";
import { declaredEndpoint } from "./declared-endpoint.ts";
import type { SessionCapability, SessionHandler, Target, TargetContext } from "./handler.ts";
import { fingerprintIdentity, sessionKey } from "./session-key.ts";
import { SettingsResolver, type SettingsOfTarget } from "./resolve-settings.ts";
import type { ResolvedSessionPolicy } from "./session-policy.ts";

/** Everything that decides which session may serve a call. */
export interface ResolvedTarget {
  readonly provider: string;
  readonly capability: SessionCapability;
  readonly target: Target;
  readonly identity: string;
  readonly resolvedPolicy: ResolvedSessionPolicy;
  readonly policySettings: PolicySettings;
  /** What the settings were resolved from; for a call that brings some of its own. */
  readonly layers: readonly SettingLayer[];
  readonly key: string;
  /** Provider and endpoint. */
  readonly peer: string;
  /** Provider, endpoint and identity. */
  readonly tenant: string;
  /** Every call gets a session of its own. */
  readonly ephemeral: boolean;
}

export interface TargetResolverOptions {
  /** Makes the only view of the environment a handler gets, for one capability and caller. */
  readonly targetContext: (capability: SessionCapability, caller: Caller | undefined) => TargetContext;
  /** A variable as it is now; to notice that an answer has become stale. */
  readonly readVariable: (name: string) => string | undefined;
  /** The settings of the configuration that hold for every endpoint. */
  readonly configuration: JsonObject;
  /** Told the key of a target that a capability has left for another: a secret or an address was changed. */
  readonly superseded: (key: string) => void;
  /** Keys the fingerprints of identities. */
  readonly fingerprintKey: Uint8Array;
}

interface CachedTarget {
  readonly resolved: ResolvedTarget;
  readonly variables: readonly (readonly [name: string, value: string | undefined])[];
  stale: boolean;
}

/**
 * Asks handlers for targets, and remembers the answers for as long as every variable they read has the
 * same value: a secret that was rotated shows at the very next call.
 */
export class TargetResolver {
  readonly #options: TargetResolverOptions;
  // By manifest, then by what distinguishes callers; a manifest that is dropped takes its answers along.
  readonly #cache = new WeakMap<Manifest, Map<string, CachedTarget>>();

  readonly #settings: SettingsResolver;

  constructor(options: TargetResolverOptions) {
    this.#options = options;
    this.#settings = new SettingsResolver(options.configuration);
  }

  resolve(
    handler: SessionHandler,
    manifest: Manifest,
    block: ProviderBlock,
    caller: Caller | undefined,
  ): ResolvedTarget {
    // A caller's own credentials are secrets of that caller: nothing of them is remembered here.
    const cacheable = caller?.credentials === undefined;
    const slot = caller?.id ?? "";
    if (cacheable) {
      const known = this.#cache.get(manifest)?.get(slot);
      if (
        known !== undefined &&
        !known.stale &&
        known.variables.every(([name, value]) => this.#options.readVariable(name) === value)
      ) {
        return known.resolved;
      }
    }
    const read = new Map<string, string | undefined>();
    const resolved = this.#ask(handler, manifest, block, caller, (name) =>
      read.set(name, this.#options.readVariable(name)),
    );
    const variables = [...read];
    if (cacheable) {
      let slots = this.#cache.get(manifest);
      if (slots === undefined || slots.size >= MOST_CALLERS) this.#cache.set(manifest, (slots = new Map()));
      const earlier = slots.get(slot)?.resolved;
      slots.set(slot, { resolved, variables, stale: false });
      if (earlier !== undefined && earlier.key !== resolved.key) this.#options.superseded(earlier.key);
    }
    return resolved;
  }

  /** The settings for where a file says that its calls go; for people, and for what is decided before a call. */
  settingsOf(manifest: Manifest, block: ProviderBlock): SettingsOfTarget {
    const endpoint = declaredEndpoint(manifest);
    return this.#settings.of(manifest, endpoint, () => this.#endpointSettings(manifest, block, endpoint));
  }

  /** The same with the source of each value. */
  explainSettings(manifest: Manifest, block: ProviderBlock): ExplainedSettings {
    return this.#settings.explain(manifest, this.#endpointSettings(manifest, block, declaredEndpoint(manifest)));
  }

  #endpointSettings(manifest: Manifest, block: ProviderBlock, endpoint: string): JsonObject {
    if (endpoint === "") return {};
    return this.#options.targetContext(asCapability(manifest, block), undefined).endpointSettings(endpoint);
  }

  /** Has the next call of a manifest ask again. */
  forget(manifest: Manifest): void {
    // What was answered is kept, so that it shows when the next answer is another.
    for (const known of this.#cache.get(manifest)?.values() ?? []) known.stale = true;
  }

  /** The answer, or why there is none, and the variables it depends on. Nothing of it is remembered. */
  explain(
    handler: SessionHandler,
    manifest: Manifest,
    block: ProviderBlock,
    caller: Caller | undefined,
  ): TargetExplanation {
    const variables = new Map<string, VariableUse>();
    const isSet = (name: string): boolean =>
      (this.#options.readVariable(name) ?? "") !== "" || Boolean(caller?.credentials?.[name]);
    const explained = (found: ResolvedTarget | undefined, error: CcosError | undefined): TargetExplanation => ({
      provider: block.provider,
      variables: [...variables.values()],
      target: found?.target,
      key: found?.key,
      error,
    });
    try {
      const found = this.#ask(handler, manifest, block, caller, (name, secret) => {
        const known = variables.get(name);
        variables.set(name, { name, set: isSet(name), secret: secret || known?.secret === true });
      });
      return explained(found, undefined);
    } catch (error) {
      return explained(undefined, toCcosError(error));
    }
  }

  #ask(
    handler: SessionHandler,
    manifest: Manifest,
    block: ProviderBlock,
    caller: Caller | undefined,
    reads: (name: string, secret: boolean) => void,
  ): ResolvedTarget {
    const capability = asCapability(manifest, block);
    const context = this.#options.targetContext(capability, caller);
    const target = handler.target(capability, {
      variable: (name) => (reads(name, false), context.variable(name)),
      secret: (name, use) => (reads(name, true), context.secret(name, use)),
      authorizeEndpoint: (origin, variable) => context.authorizeEndpoint(origin, variable),
      authorizeCommand: (command) => context.authorizeCommand(command),
      endpointSettings: (endpoint) => ({ ...this.#options.configuration, ...context.endpointSettings(endpoint) }),
    });
    const settings = this.#settings.of(manifest, target.endpoint, () => context.endpointSettings(target.endpoint));
    const { session: resolvedPolicy } = settings;
    const identity = fingerprintIdentity(this.#options.fingerprintKey, target.credentials);
    const ephemeral = block.requiresSession === "false";
    const key = sessionKey({
      provider: handler.provider,
      target,
      identity,
      scope: resolvedPolicy.policy.scope,
      capabilityId: manifest.id,
      callerId: caller?.id,
      ephemeral,
    });
    const peer = `${handler.provider} ${target.endpoint}`;
    const tenant = `${identity} ${peer}`;
    return {
      provider: handler.provider,
      capability,
      target,
      identity,
      resolvedPolicy,
      policySettings: settings.policies,
      layers: settings.layers,
      key,
      peer,
      tenant,
      ephemeral,
    };
  }
}

function asCapability(manifest: Manifest, block: ProviderBlock): SessionCapability {
  const own = getOwn(manifest.metadata, block.provider);
  return {
    id: manifest.id,
    metadata: manifest.flatMetadata,
    block: isJsonObject(own) ? own : {},
    idempotent: manifest.idempotent,
    trusted: manifest.origin.trusted,
    file: manifest.origin.file,
  };
}

/** Callers remembered per capability; beyond that the answers are simply asked for again. */
const MOST_CALLERS = 1_000;
