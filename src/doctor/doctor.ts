import { CcosError, oneLine, type Clock } from "../kernel/index.ts";
import type { Manifest } from "../capability/manifest.ts";
import type { SessionProbe, SignIns, SignInState, Target, TargetExplanation, VariableUse } from "../session/index.ts";
import { hasProblem, problem, type Check } from "./check.ts";
import { checkReach, isAddress } from "./reach.ts";

/** What stands between a capability and its peer, as far as it can be seen without executing anything. */
export interface Diagnosis {
  readonly id: string;
  readonly provider: string | null;
  /** Where it would be called, without credentials. */
  readonly endpoint: string | null;
  /** Nothing was found that calls would fail of. */
  readonly ok: boolean;
  /** In the order they were made; a problem may have kept later ones from being made. */
  readonly checks: readonly Check[];
}

export interface DoctorOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** For each step that waits for somebody, in milliseconds. */
  readonly timeoutMs: number;
  readonly sessions: {
    explainTarget(manifest: Manifest): Promise<TargetExplanation>;
    withSignIns(
      manifest: Manifest,
      signal: AbortSignal | undefined,
      use: (signIns: SignIns, target: Target) => Promise<SignInState | undefined>,
    ): Promise<SignInState | undefined>;
    probeSession(manifest: Manifest, options: { readonly signal: AbortSignal }): Promise<SessionProbe>;
  };
  /** What to trust for this capability to be. */
  readonly trustPath: (id: string) => string;
}

const AT_ONCE = 8;

/** Looks at capabilities without executing any; what several of them share is looked at once. */
export class Doctor {
  readonly #options: DoctorOptions;
  readonly #reached = new Map<string, Promise<Check[]>>();
  readonly #opened = new Map<string, Promise<Check[]>>();

  constructor(options: DoctorOptions) {
    this.#options = options;
  }

  /** Several at a time, in the order given. */
  async examineAll(manifests: readonly Manifest[], named: boolean): Promise<Diagnosis[]> {
    const diagnoses: Diagnosis[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < manifests.length) {
        const at = next++;
        diagnoses[at] = await this.examine(manifests[at] as Manifest, named);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return diagnoses;
  }

  /**
   * @param named the user asked for this one: what is only found in the working directory is not contacted
   * beyond this machine otherwise
   */
  async examine(manifest: Manifest, named: boolean): Promise<Diagnosis> {
    const { execution, origin } = manifest;
    const checks: Check[] = [];
    const give = (endpoint: string | null): Diagnosis => {
      const provider = execution.kind === "provider" ? execution.block.provider : null;
      return { id: manifest.id, provider, endpoint, ok: !hasProblem(checks), checks };
    };
    checks.push(this.#trust(manifest));
    if (execution.kind !== "provider") {
      checks.push(runsHere(manifest));
      return give(null);
    }
    let explained: TargetExplanation;
    try {
      explained = await this.#options.sessions.explainTarget(manifest);
    } catch (error) {
      checks.push(problem("provider", error));
      return give(null);
    }
    const { target, key, error } = explained;
    checks.push(...variableChecks(explained.variables));
    if (target === undefined || key === undefined) {
      checks.push(problem(error?.code === "permission-denied" ? "permission" : "metadata", error));
      return give(null);
    }
    checks.push(...(await this.#signIn(manifest)));
    if (!origin.trusted && !named && !isLocal(target.endpoint)) {
      const message = `It is not trusted, so ${oneLine(target.endpoint)} is not contacted unless it is named.`;
      checks.push({ name: "reach", status: "skipped", message, remedy: `ccos doctor ${manifest.id}` });
      return give(target.endpoint);
    }
    checks.push(...(await this.#reach(target.endpoint)));
    if (hasProblem(checks)) return give(target.endpoint);
    const sendsCredentials = Object.keys(target.credentials).length > 0;
    checks.push(...(await once(this.#opened, key, () => this.#open(manifest, sendsCredentials))));
    return give(target.endpoint);
  }

  #trust({ id, origin }: Manifest): Check {
    if (origin.trusted) return { name: "trust", status: "ok", message: "It was named, or is recorded as trusted." };
    return {
      name: "trust",
      status: "note",
      message:
        "It was only found in the working directory: it may not start a command, nor send a variable beyond this machine.",
      remedy: `Look at it, then: ccos trust ${this.#options.trustPath(id)}`,
    };
  }

  /** A person's sign-in, where one is kept; providers that sign nobody in have nothing to say of it. */
  async #signIn(manifest: Manifest): Promise<Check[]> {
    const { sessions, signal, clock } = this.#options;
    try {
      const state = await sessions.withSignIns(manifest, signal, (signIns, target) => signIns.state(target));
      if (state === undefined) return [];
      const { issuer, renewable, expiresAt = Infinity } = state;
      const message = `Somebody signed in at ${oneLine(issuer)}${renewable ? "; it is renewed by itself" : ""}.`;
      if (renewable || expiresAt > clock.now()) return [{ name: "sign-in", status: "ok", message }];
      return [
        { name: "sign-in", status: "note", message: `${message} It has ended.`, remedy: `ccos auth ${manifest.id}` },
      ];
    } catch {
      return [];
    }
  }

  #reach(endpoint: string): Promise<Check[]> {
    // A command is found out about by starting it, which the handshake does.
    if (!isAddress(endpoint)) return Promise.resolve([]);
    const { protocol, host } = new URL(endpoint);
    return once(this.#reached, `${protocol}//${host}`, () => checkReach(endpoint, this.#options));
  }

  async #open(manifest: Manifest, sendsCredentials: boolean): Promise<Check[]> {
    const { clock, signal, timeoutMs, sessions } = this.#options;
    const startedAt = clock.monotonic();
    const patience = new AbortController();
    const late = new CcosError("deadline-exceeded", `The session was not open within ${timeoutMs} ms.`, {
      remedy: "Give it more time with --timeout, or find out why the peer is slow.",
    });
    const timer = clock.setTimer(timeoutMs, () => patience.abort(late));
    const durationMs = (): number => Math.round(clock.monotonic() - startedAt);
    try {
      const { description, alive } = await sessions.probeSession(manifest, {
        signal: AbortSignal.any([signal, patience.signal]),
      });
      const said =
        description === undefined ? "A session was opened." : `A session was opened with ${oneLine(description)}.`;
      return [
        { name: "handshake", status: "ok", message: said, durationMs: durationMs() },
        credentialCheck(sendsCredentials),
        ...aliveCheck(alive),
      ];
    } catch (error) {
      if (signal.aborted) throw error;
      return [
        problem((error as CcosError).code === "unauthenticated" ? "credential" : "handshake", error, durationMs()),
      ];
    } finally {
      timer.cancel();
    }
  }
}

function runsHere({ execution }: Manifest): Check {
  if (execution.kind === "none") {
    const remedy = "Give it an :implementation, or a provider's block in its :metadata.";
    return {
      name: "implementation",
      status: "problem",
      message: "It has no code and names no provider, so it cannot be called.",
      remedy,
    };
  }
  return { name: "implementation", status: "ok", message: "It runs here; there is nobody to reach." };
}

/** The variables that were looked at, by name; one that is not set may be meant so. */
function variableChecks(variables: readonly VariableUse[]): Check[] {
  return variables.map(({ name, set, secret }) => {
    const what = secret ? "a credential" : "a setting";
    if (set) return { name: "variable", status: "ok", message: `${name} is set (${what}).` };
    return { name: "variable", status: "note", message: `${name} is not set (${what}, looked for).` };
  });
}

function credentialCheck(sent: boolean): Check {
  if (sent) return { name: "credential", status: "ok", message: "It was accepted." };
  return { name: "credential", status: "note", message: "None was sent, and none was asked for so far." };
}

function aliveCheck(alive: boolean | undefined): Check[] {
  if (alive === undefined) return [];
  if (alive) return [{ name: "alive", status: "ok", message: "The peer answers on the session." }];
  const remedy = "The peer opens sessions and does not answer on them: its own log may say why.";
  return [
    {
      name: "alive",
      status: "problem",
      message: "The peer does not answer on the session it has just opened.",
      remedy,
    },
  ];
}

/** On this machine: what is not trusted may go there. */
function isLocal(endpoint: string): boolean {
  return isAddress(endpoint) && /^(?:localhost|\[::1\]|127(?:\.\d{1,3}){3})$/.test(new URL(endpoint).hostname);
}

function once(known: Map<string, Promise<Check[]>>, key: string, look: () => Promise<Check[]>): Promise<Check[]> {
  let checks = known.get(key);
  if (checks === undefined) known.set(key, (checks = look()));
  return checks;
}
