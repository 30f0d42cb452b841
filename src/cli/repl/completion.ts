import { knownNames } from "../../rtfs/index.ts";
import { COMMANDS } from "./commands.ts";

const MOST = 200;

/** What completion asks for, each when it is needed. */
export interface Completable {
  /** Names that inputs defined. */
  names(): readonly string[];
  /** Ids that begin with a text. */
  capabilityIds(prefix: string): Promise<readonly string[]>;
}

/**
 * What the text before the cursor may be meant to become, and the part of it that is replaced. `before` is
 * what earlier lines hold of the same input.
 */
export async function complete(line: string, before: string, completable: Completable): Promise<[string[], string]> {
  const command = /^\s*(:[a-z]*)$/.exec(line)?.[1];
  if (before === "" && command !== undefined) {
    return [COMMANDS.map(({ name }) => name).filter((name) => name.startsWith(command)), command];
  }
  const text = `${before}\n${line}`;
  const id = /\(\s*call\s+"([^"\\\s]*)$/.exec(text)?.[1];
  if (id !== undefined) return [(await completable.capabilityIds(id)).slice(0, MOST), id];
  const started = /[^\s()[\]{}"'`~^,;@#]+$/.exec(line)?.[0] ?? "";
  if (started === "" || started.startsWith(":") || isWithinString(text)) return [[], started];
  const names = new Set([...completable.names(), ...knownNames(), "nil", "true", "false"]);
  const matches = [...names].filter((name) => name.startsWith(started)).toSorted();
  return [matches.slice(0, MOST), started];
}

/** Whether a text ends within a string or a comment. */
function isWithinString(text: string): boolean {
  const left = text.replace(/"(?:[^"\\]|\\.)*"|;.*\n/gs, (match) => (match.startsWith(";") ? "\n" : ""));
  return /["]|;[^\n]*$/.test(left);
}
