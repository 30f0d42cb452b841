import { join, resolve, sep } from "node:path";
import { setImmediate } from "node:timers/promises";
import {
  createMarketplace,
  loadCapabilities,
  moduleFiles,
  outputTo,
  preludeBindings,
  readCapabilities,
  Security,
  type CallOptions,
  type CallResult,
  type EventStream,
  type CapabilityMarketplace,
  type MarketplaceCallOptions,
  type LoadedCapabilities,
  type Manifest,
  type ReadWarning,
} from "./capability/index.ts";
import {
  anchored,
  createSecrets,
  createTrustStore,
  exists,
  loadConfig,
  loadModule,
  requireExisting,
  signInFolder,
  userFolder,
  type Config,
  type LoadedConfig,
  type TrustStore,
} from "./config/index.ts";
import type { Diagnosis } from "./doctor/index.ts";
import type {
  CapabilityShelf,
  CCOSEnvironment,
  DiagnoseOptions,
  EnvironmentOptions,
  RunOptions,
} from "./environment-contract.ts";
import { BUILT_IN_HANDLERS } from "./built-in-handlers.ts";
import {
  CcosError,
  createEmitter,
  createRedactor,
  startDeadline,
  systemClock,
  systemRandom,
  type Clock,
  type Emitter,
  type JsonObject,
  type JsonValue,
  type Listener,
  type Redactor,
  type RuntimeEvents,
  type Unsubscribe,
} from "./kernel/index.ts";
import { createStandardPolicies, type PolicyShelf } from "./policies/index.ts";
import { evaluate, fromJson, toJson, type Host, type Limits, type Value } from "./rtfs/index.ts";
import { programLimits } from "./program-limits.ts";
import { openStore, type Store } from "./stores/index.ts";
import {
  checkSettings,
  createSignInDesk,
  SessionDirectory,
  SessionPoolManager,
  type CloseOptions,
} from "./session/index.ts";
import { observeRuntime, type Telemetry } from "./telemetry/index.ts";

export type {
  CapabilityShelf,
  CCOSEnvironment,
  DiagnoseOptions,
  EnvironmentOptions,
  RunOptions,
} from "./environment-contract.ts";
export { preludeBindings } from "./capability/index.ts";
export { checkCapabilities, type CheckedFiles } from "./check-capabilities.ts";

const DEFAULT_FOLDER = "capabilities";

/**
 * Wires the rooms together: configuration, secrets, capabilities, sessions, and the handlers that come with
 * the package. Opens no connection.
 *
 * Throws `read-error` for a configuration that is wrong, `not-found` for a named path that does not exist,
 * `unimplemented` for a store that is not there, and `store-error` for one that cannot be opened. A broken capability file is a warning: the others load.
 */
export async function createEnvironment(options: EnvironmentOptions = {}): Promise<CCOSEnvironment> {
  const cwd = resolve(options.cwd ?? process.cwd());
  const env = options.env ?? process.env;
  const events = createEmitter<RuntimeEvents>();
  const { onWarning } = options;
  if (onWarning !== undefined) events.on("warning", onWarning);
  const trust = createTrustStore({ env, cwd });
  const loaded = await loadConfig({ config: options.config, cwd, env, trust });
  for (const message of loaded.warnings) events.emit("warning", { code: "not-trusted", message, file: loaded.file });
  const store = await openStore(options.store ?? loaded.config.store, {
    cwd,
    keys: env["CCOS_STORE_KEY"],
    userFolder: userFolder(env),
    warn: (message) => events.emit("warning", { code: "store-error", message }),
  });
  const environment = new Environment({
    ...options,
    cwd,
    env,
    events,
    loaded,
    sessionStore: store,
    fingerprintKey: await store.fingerprintKey(),
  });
  await environment.loadInitial(options.capabilities, loaded, trust);
  return environment;
}

interface Wiring extends EnvironmentOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly events: Emitter<RuntimeEvents>;
  readonly loaded: LoadedConfig;
  readonly sessionStore: Store;
  readonly fingerprintKey: Uint8Array;
}

class Environment implements CCOSEnvironment {
  readonly redactor: Redactor = createRedactor();
  readonly limits: Limits;
  readonly capabilities: CapabilityShelf;
  readonly sessions: CCOSEnvironment["sessions"];
  readonly policies: PolicyShelf;
  readonly signIns: CCOSEnvironment["signIns"];
  readonly #clock: Clock;
  readonly #cwd: string;
  readonly #config: Config;
  readonly #events: Emitter<RuntimeEvents>;
  readonly #manager: SessionPoolManager;
  readonly #marketplace: CapabilityMarketplace;
  readonly #telemetry: Telemetry;
  readonly #store: Store;
  #closed = false;

  constructor(wiring: Wiring) {
    const { cwd, env, events, loaded } = wiring;
    const { config } = loaded;
    this.#clock = wiring.clock ?? systemClock;
    this.#cwd = cwd;
    this.#config = config;
    this.limits = programLimits(loaded);
    this.#events = events;
    const secrets = createSecrets({
      env,
      bindings: loaded.credentials,
      bindingsTrusted: loaded.trusted,
      endpoints: config.endpoints as Readonly<Record<string, JsonObject>> | undefined,
      redactor: this.redactor,
    });
    const readVariable = (name: string): string | undefined => {
      const value: unknown = env[name];
      // What an object inherits is no variable, and is no text.
      return typeof value === "string" ? value : undefined;
    };
    this.#telemetry = observeRuntime({
      events,
      redactor: this.redactor,
      sessions: () => this.#manager.list(),
      isCapability: (id) => this.#marketplace.get(id) !== undefined,
    });
    const random = wiring.random ?? systemRandom;
    this.#store = wiring.sessionStore;
    const directory = { store: this.#store, clock: this.#clock, events, redactor: this.redactor };
    const policies = createStandardPolicies({ clock: this.#clock, random, events, redactor: this.redactor });
    this.#manager = new SessionPoolManager({
      events,
      redactor: this.redactor,
      tracing: this.#telemetry,
      clock: this.#clock,
      random,
      policies: policies.all,
      interaction: wiring.interaction,
      directory: this.#store.reach === "process" ? undefined : new SessionDirectory(directory),
      readVariable,
      fingerprintKey: wiring.fingerprintKey,
      configuration: config as JsonObject,
      targetContext: ({ id, trusted }, caller) =>
        secrets.forCapability({
          capabilityId: id,
          trusted,
          caller,
          trustPath: trusted ? undefined : this.#trustPath(id),
        }),
    });
    const options = { now: () => this.#clock.now(), signInFolder: signInFolder(env) };
    for (const { provider, traits, load } of BUILT_IN_HANDLERS)
      this.#manager.registerLoader(provider, () => load(options), traits);
    for (const [provider, module] of Object.entries(config.providers ?? {})) {
      const from = loaded.file ?? join(cwd, "package.json");
      this.#manager.registerLoader(provider, () => loaded.confirm().then(() => loadModule(module, from)));
    }
    for (const handler of wiring.handlers ?? []) this.#manager.registerHandler(handler);
    this.#marketplace = createMarketplace({
      delegate: this.#manager,
      events,
      clock: this.#clock,
      redactor: this.redactor,
      defaultTimeoutMs: (manifest) => this.#manager.timeoutMsOf(manifest) ?? config.timeout_ms,
      readVariable,
      loadFile: (path) => this.#load(resolve(cwd, path)),
      output:
        wiring.output ??
        outputTo(
          () => process.stderr,
          (text) => this.redactor.redactKnown(text),
        ),
    });
    this.capabilities = {
      list: (query) => this.#list(query),
      get: (id) => this.#marketplace.get(id),
      load: (pathOrText) => this.#load(pathOrText),
      remove: (id) => this.#marketplace.remove(id),
      settings: (id) => {
        const manifest = this.#marketplace.get(id);
        return manifest === undefined ? undefined : this.#manager.explainSettings(manifest);
      },
    };
    this.policies = policies.shelf;
    this.signIns = createSignInDesk(this.#manager, (id) => this.#marketplace.find(id));
    this.sessions = {
      list: () => this.#manager.list(),
      stored: () => this.#manager.listStored(),
      close: async (id) => (await this.#manager.closeSessions(this.#marketplace.list(), id)).length > 0,
      closeAll: () => this.#manager.closeSessions(this.#marketplace.list()),
      registerHandler: (handler) => this.#manager.registerHandler(handler),
    };
  }

  /** What the caller named, else what the configuration names, else the default folder where there is one. */
  async loadInitial(named: readonly string[] | undefined, loaded: LoadedConfig, trust: TrustStore): Promise<void> {
    const providers = this.#manager;
    const given = named ?? loaded.config.capabilities;
    const paths = anchored(given ?? [DEFAULT_FOLDER], this.#cwd);
    if (given === undefined && !(await exists(paths[0] as string))) return;
    for (const path of paths) await requireExisting(path);
    // A configuration that was only found makes nothing trusted by naming it.
    const isNamed = named !== undefined || (given !== undefined && loaded.named);
    const snapshot = isNamed ? undefined : trust.snapshot();
    const trusted = snapshot === undefined ? true : (file: string, text: string) => snapshot.isTrusted(file, text);
    this.#take(await loadCapabilities(paths, { trusted, providers }));
  }

  async call(id: string, input?: JsonValue, options: CallOptions = {}): Promise<JsonValue> {
    this.#requireOpen();
    return (await this.#marketplace.execute(id, input, this.#secured(options))).value;
  }

  async callDetailed(id: string, input?: JsonValue, options: CallOptions = {}): Promise<CallResult> {
    this.#requireOpen();
    return await this.#marketplace.execute(id, input, this.#secured(options));
  }

  stream(id: string, input?: JsonValue, options: CallOptions = {}): EventStream {
    this.#requireOpen();
    return this.#marketplace.stream(id, input, this.#secured(options));
  }

  #secured(options: CallOptions): MarketplaceCallOptions {
    return { ...options, security: this.#security() };
  }

  async run(source: string, options: RunOptions = {}): Promise<JsonValue> {
    return toJson(await this.evaluate(source, options), {
      maxSize: options.limits?.maxOutputSize ?? this.limits.maxOutputSize,
    });
  }

  async evaluate(source: string, options: RunOptions = {}): Promise<Value> {
    this.#requireOpen();
    const timeoutMs = options.timeoutMs ?? Number.POSITIVE_INFINITY;
    using deadline = startDeadline(this.#clock, timeoutMs, options.signal, "The program");
    const host = this.#createHost({ caller: options.caller, signal: deadline.signal }, () => deadline.remainingMs());
    const bindings = new Map(preludeBindings());
    if (options.input !== undefined) bindings.set("input", fromJson(options.input, { keys: "keywords" }));
    return await evaluate(source, {
      host,
      bindings,
      clock: this.#clock,
      limits: { ...this.limits, ...options.limits },
      signal: deadline.signal,
      file: options.file,
      loadModule: moduleFiles(options.importsBeside, this.#cwd),
    });
  }

  createHost(options: Pick<RunOptions, "signal" | "caller"> = {}): Host {
    this.#requireOpen();
    return this.#createHost(options);
  }

  #createHost({ caller, signal }: Pick<RunOptions, "signal" | "caller">, remainingMs?: () => number): Host {
    return this.#marketplace.createHost({ security: this.#security(), caller, signal, remainingMs });
  }

  async diagnose({ id, timeoutMs = 10_000, signal }: DiagnoseOptions = {}): Promise<Diagnosis[]> {
    this.#requireOpen();
    const manifests = id === undefined ? this.#list(undefined) : [this.#marketplace.find(id)];
    const { Doctor } = await import("./doctor/index.ts");
    const doctor = new Doctor({
      clock: this.#clock,
      signal: signal ?? new AbortController().signal,
      timeoutMs,
      sessions: this.#manager,
      trustPath: (of) => this.#trustPath(of),
    });
    return this.redactor.redactValue(await doctor.examineAll(manifests, id !== undefined));
  }

  on<K extends keyof RuntimeEvents>(event: K, listener: Listener<RuntimeEvents[K]>): Unsubscribe {
    return this.#events.on(event, listener);
  }

  async close(options: CloseOptions = {}): Promise<void> {
    this.#closed = true;
    await this.#manager.close(options);
    await this.#store.close();
    this.#telemetry[Symbol.dispose]();
    // Sockets and processes that were closed are let go of at the end of a turn of the event loop.
    for (let turn = 0; turn < 2; turn++) await setImmediate();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #security(): Security {
    const { level, allow } = this.#config.security ?? {};
    if (level === undefined && allow === undefined) return Security.FULL;
    return new Security({ level: level ?? "controlled", allowedIds: allow });
  }

  /** What to trust for this capability to be: the default folder as a whole, else the file it stands in. */
  #trustPath(id: string): string {
    const file = this.#marketplace.get(id)?.origin.file;
    return file === undefined || resolve(this.#cwd, file).startsWith(join(this.#cwd, DEFAULT_FOLDER) + sep)
      ? DEFAULT_FOLDER
      : file;
  }

  #requireOpen(): void {
    if (!this.#closed) return;
    throw new CcosError("pool-closed", "This environment has been closed.", { remedy: "Create another one." });
  }

  #list(query: string | undefined): Manifest[] {
    const found = this.#marketplace.list(query);
    return query?.includes("ccos.") ? found : found.filter(({ execution }) => execution.kind !== "native");
  }

  async #load(pathOrText: string): Promise<string[]> {
    const isText = /^[\s,]*[;({#^]/.test(pathOrText);
    const path = resolve(this.#cwd, pathOrText);
    if (!isText) await requireExisting(path);
    const providers = this.#manager;
    const { manifests, errors, warnings } = isText
      ? readCapabilities(pathOrText, { trusted: true, providers })
      : await loadCapabilities([path], { trusted: true, providers });
    const [first, ...more] = errors;
    if (first !== undefined)
      throw more.length === 0 ? first : first.with({ details: { more: more.map((error) => error.toJSON()) } });
    for (const warning of warnings) this.#warn(warning, true);
    for (const manifest of manifests) this.#marketplace.register(manifest);
    return manifests.map((manifest) => manifest.id);
  }

  #take({ manifests, errors, warnings }: LoadedCapabilities): void {
    for (const error of errors) this.#warn(error);
    for (const warning of warnings) this.#warn(warning, true);
    for (const manifest of manifests) {
      try {
        this.#marketplace.register(manifest);
        checkSettings(manifest);
      } catch (error) {
        const { code, message } = error as CcosError;
        this.#events.emit("warning", { code, message, file: manifest.origin.file });
      }
    }
  }

  #warn({ code, message, place }: CcosError | ReadWarning, advice?: true): void {
    const at = place === undefined ? "" : `${place.file ?? "text"}:${place.line}:${place.column} `;
    this.#events.emit("warning", { code, message: `${at}${message}`, file: place?.file, advice });
  }
}
