import type { Clock, Emitter, Interaction, Random, Redactor, RuntimeEvents } from "../kernel/index.ts";
import type { SessionBudget } from "./session-budget.ts";
import type { SessionContext, SessionHandler, Target } from "./handler.ts";
import type { KeptSessions } from "./kept-sessions.ts";
import type { SessionDirectory } from "./session-directory.ts";
import type { SessionPolicy } from "./session-policy.ts";

/** What every pool of a manager shares. */
export interface PoolSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Emitter<RuntimeEvents>;
  readonly redactor: Redactor;
  /** Who answers what peers ask back; absent: nobody. */
  readonly interaction?: Interaction | undefined;
  /** The sessions that outlive this process or are shared with others; absent: none does. */
  readonly directory?: SessionDirectory | undefined;
  /** The next number in the manager's order of openings and calls. */
  nextSequence(): number;
}

export interface PoolOptions extends PoolSurroundings {
  readonly handler: SessionHandler;
  readonly target: Target;
  readonly identity: string;
  readonly policy: SessionPolicy;
  /** Shared with the other pools of the endpoint. */
  readonly budget: SessionBudget;
  /** Shared with every pool. */
  readonly totalBudget: SessionBudget;
  /**
   * Before a session is opened in the place of one whose time has come: credentials that end with it are
   * renewed. Absent where there is nothing to renew.
   */
  readonly renewCredentials?: (() => Promise<boolean>) | undefined;
  /** Its sessions that others can go on with; absent: none. */
  readonly kept?: KeptSessions | undefined;
  /** Every session serves one call and is ended after it. */
  readonly ephemeral: boolean;
}

/** What a handler is given to work with. */
export function sessionContext(
  around: PoolSurroundings,
  signal: AbortSignal,
  lost: (reason: string) => void,
  offerChanged?: (what: string) => void,
): SessionContext {
  return {
    clock: around.clock,
    random: around.random,
    signal,
    lost,
    addSecret: (secret) => around.redactor.add(secret),
    warn: (message) => around.events.emit("warning", { code: "provider", message: around.redactor.redact(message) }),
    interaction: around.interaction,
    offerChanged,
  };
}
