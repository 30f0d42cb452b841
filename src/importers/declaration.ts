import type { JsonObject } from "../kernel/index.ts";
import type { Type } from "../rtfs/index.ts";

/** What every import takes, whatever it imports from. */
export interface ImportOptions {
  /** Where the service describes itself: what may stand here is said by each kind of import. */
  readonly source: string | URL;
  /** The folder the files go to; made where it is missing. */
  readonly out: string;
  /** What the ids begin with. Default: the provider's name, `.`, and the service's own name. */
  readonly prefix?: string | undefined;
  /** The variable that holds the token: sent while asking the service, named in the files. */
  readonly authEnv?: string | undefined;
  /** Only operations whose name fits; `*` stands for any run of characters, `?` for one. */
  readonly filter?: string | undefined;
  /** One file for all operations. Default false: one file an operation. */
  readonly single?: boolean | undefined;
  /** Removes the files that an earlier import of the same source wrote for what it offers no longer. Default false. */
  readonly prune?: boolean | undefined;
  /** Time for reading the description, in milliseconds. Default 30,000. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Where the token is read. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where this user's sign-ins are kept, for services that people sign in to. Default: nowhere. */
  readonly signInFolder?: string | undefined;
  /** Where a relative `out`, a relative source and a command start. Default: `process.cwd()`. */
  readonly cwd?: string | undefined;
  /** The wall clock, in milliseconds. Default: the machine's. */
  readonly now?: (() => number) | undefined;
}

/** An operation that could not be imported; the others were. */
export interface NotImported {
  /** What the service calls it, or where it stands if it has no name. One line, without control characters. */
  readonly operation: string;
  /** Where in the description: a file with line and column, or a pointer. Undefined where there is no such place. */
  readonly place: string | undefined;
  readonly reason: string;
}

export interface ImportResult {
  /** Absolute paths of the files that hold the capabilities, whether or not they had to be written. */
  readonly files: readonly string[];
  /** The ids that these files declare, in the order of the service's own list. */
  readonly capabilities: readonly string[];
  readonly warnings: readonly string[];
  readonly notImported: readonly NotImported[];
  /**
   * Absolute paths of files that an earlier import of the same source, with the same prefix, wrote for what it offers
   * no longer. With `prune` they have been removed.
   */
  readonly stale: readonly string[];
}

/** Hears what a person should know of an import that goes on. */
export type Warn = (message: string) => void;

/** What a capability file says of an operation; where it was found and its id are added when it is written. */
export interface Declaration {
  /** A name for people. Default: what the service calls the operation. */
  readonly title?: string | undefined;
  /** Prose of the service; it is cleaned and cut when it is written. */
  readonly description?: string | undefined;
  /** Default `[":network"]`. */
  readonly effects?: readonly string[] | undefined;
  readonly inputSchema?: Type | undefined;
  readonly outputSchema?: Type | undefined;
  /** The provider's block by its name, and blocks of the core such as `session`; without `discovery`. */
  readonly metadata: JsonObject;
}

/** An operation that a service has told of: enough to name it, and to declare it once it has a name. */
export interface ListedOperation {
  /** What the service calls it: this is what a filter must fit, and what people read. */
  readonly name: string;
  /** What follows the prefix in its id. Default: the name alone. */
  readonly idParts?: readonly string[] | undefined;
  /** What it is, where a service offers several kinds of things. */
  readonly kind?: string | undefined;
  /** Where in the description it stands. */
  readonly place?: string | undefined;
  /** Called once. What it throws as a `CcosError` makes the operation one that is not imported. */
  readonly declare: (warn: Warn) => Declaration;
}

/** What one service offers, ready to be written down. */
export interface Listing {
  /** The provider's name: the first part of the ids unless a prefix is given, and the type of a module. */
  readonly provider: string;
  /** The service's name for itself. Empty where it has none; then `fallbackName` stands in the ids. */
  readonly serverName: string;
  readonly fallbackName: string;
  /** Where it was found, for people and for `:discovery`: without secrets. */
  readonly sourceText: string;
  /** `:method` of `:discovery`, such as `mcp_introspection`: it marks the files that a later import may replace. */
  readonly method: string;
  /** What one operation is called in a message, such as "tool". */
  readonly noun: string;
  readonly operations: readonly ListedOperation[];
  /** Which of them are wanted, besides what a filter says. Default: all. */
  readonly isWanted?: ((operation: ListedOperation) => boolean) | undefined;
  /** Whether these are all: only then can it be told what is offered no longer. Default true. */
  readonly isComplete?: boolean | undefined;
  /** What was found broken before it could be listed. */
  readonly notImported?: readonly NotImported[] | undefined;
}
