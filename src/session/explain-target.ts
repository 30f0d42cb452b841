import type { CcosError } from "../kernel/index.ts";
import type { Target } from "./handler.ts";

/** A variable that a capability looks at; never its value. */
export interface VariableUse {
  readonly name: string;
  readonly set: boolean;
  /** It is used as a credential. */
  readonly secret: boolean;
}

/** Where, as whom and by what a capability would be called; nothing has been sent to anybody. */
export interface TargetExplanation {
  readonly provider: string;
  /** In the order they were looked at. */
  readonly variables: readonly VariableUse[];
  /** Undefined where there is an error. */
  readonly target: Target | undefined;
  /** Equal for capabilities that would share a session. */
  readonly key: string | undefined;
  readonly error: CcosError | undefined;
}

/** What opening a session as a call would, and asking whether it is alive, has shown. */
export interface SessionProbe {
  /** What the peer said of itself. */
  readonly description: string | undefined;
  /** Undefined where its handler cannot ask. */
  readonly alive: boolean | undefined;
}
