import { appendFile, chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { stripControls, type Redactor } from "../../kernel/index.ts";

const MOST_LINES = 1_000;
const LONGEST_LINE = 10_000;

/** The file of a user's history: below `XDG_STATE_HOME`, else `~/.local/state`. */
export function historyFile(env: Readonly<Record<string, string | undefined>>): string {
  const state = env["XDG_STATE_HOME"] ?? "";
  return join(state === "" ? join(env["HOME"] ?? homedir(), ".local", "state") : state, "ccos", "repl-history");
}

/**
 * The lines typed, kept for the next time in a file that only its owner reads. What the redactor knows as a
 * secret is not kept. A file that cannot be used is no reason to fail: then the history is of this time only.
 */
export class History {
  readonly #file: string;
  #earlier: string[] = [];
  #added: string[] = [];
  #usable = true;

  constructor(file: string) {
    this.#file = file;
  }

  /** The lines of earlier times, newest first. */
  async load(): Promise<string[]> {
    const text = await readFile(this.#file, "utf8").catch(() => "");
    this.#earlier = text
      .split("\n")
      .map(stripControls)
      .filter((line) => line !== "" && line.length <= LONGEST_LINE)
      .slice(-MOST_LINES);
    return this.#earlier.toReversed();
  }

  async add(lines: readonly string[], redactor: Redactor | undefined): Promise<void> {
    const kept = lines.filter((line) => line.trim() !== "" && line.length <= LONGEST_LINE && !isSecret(line, redactor));
    if (kept.length === 0) return;
    this.#added.push(...kept);
    await this.#use(() => appendFile(this.#file, kept.map((line) => `${line}\n`).join(""), { mode: 0o600 }));
  }

  /** Shortens the file, and takes out what has become known as a secret since it was typed. */
  async close(redactor: Redactor | undefined): Promise<void> {
    if (this.#added.length === 0) return;
    const all = [...this.#earlier, ...this.#added];
    const kept = all.filter((line) => !isSecret(line, redactor)).slice(-MOST_LINES);
    if (kept.length === all.length) return;
    await this.#use(() => writeFile(this.#file, kept.map((line) => `${line}\n`).join(""), { mode: 0o600 }));
  }

  async #use(write: () => Promise<void>): Promise<void> {
    if (!this.#usable) return;
    try {
      await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
      await write();
      // A file that was there before keeps the permissions it had, whatever is asked for when it is written.
      await chmod(this.#file, 0o600);
    } catch {
      this.#usable = false;
    }
  }
}

function isSecret(line: string, redactor: Redactor | undefined): boolean {
  return redactor !== undefined && redactor.redactKnown(line) !== line;
}
