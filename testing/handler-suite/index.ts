import { bareChecks } from "./bare-checks.ts";
import { Bench, type Check } from "./bench.ts";
import { OPTIONAL } from "./optional-checks.ts";
import { pooledChecks } from "./pooled-checks.ts";
import type { HandlerRig } from "./rig.ts";
import { streamChecks } from "./stream-checks.ts";

export {
  REJECTION,
  RETRY_AFTER_MS,
  type HandlerPeer,
  type HandlerRig,
  type PeerAbility,
  type PeerFault,
  type PeerStream,
} from "./rig.ts";

/** One check of a handler, for any test runner. */
export interface HandlerCheck {
  /** A sentence; unique among the checks of a rig. */
  readonly name: string;
  /** Starts a peer, runs, and closes everything. Rejects with an `AssertionError` or the failure itself. */
  run(): Promise<void>;
}

export interface HandlerCheckOptions {
  /** How long anything may take before it counts as hanging, in milliseconds. Default 8,000. */
  readonly patienceMs?: number;
}

/**
 * Everything that a session handler promises, as checks against a real peer: first the handler by itself,
 * then behind the pool, then the optional members that it has.
 *
 * ```ts
 * for (const { name, run } of handlerChecks(rig)) test(name, run);
 * ```
 *
 * Give each at least 15 seconds; most take a few milliseconds. Checks of a rig may not run at the same time.
 */
export function handlerChecks(rig: HandlerRig, options: HandlerCheckOptions = {}): HandlerCheck[] {
  const { patienceMs = 8_000 } = options;
  const handler = rig.createHandler();
  const applies = ({ member, needs = [] }: Check): boolean =>
    (member === undefined || handler[member] !== undefined) &&
    needs.every((ability) => rig.without?.[ability] === undefined);
  return [...bareChecks(rig), ...pooledChecks(rig), ...OPTIONAL, ...streamChecks(rig)]
    .filter(applies)
    .map(({ name, run }) => ({
      name,
      async run() {
        const bench = new Bench(rig, await rig.startPeer(), patienceMs);
        try {
          await run(bench);
        } catch (error) {
          // What fails while clearing up after that would only hide it.
          await bench.close().catch(() => {});
          throw error;
        }
        await bench.close();
      },
    }));
}
