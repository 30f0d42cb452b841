import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { fail, isCcosError, isJsonObject, type JsonObject } from "../kernel/index.ts";
import { hasReference } from "./interpolate.ts";
import { readJsonWithPlaces } from "./json-text.ts";
import type { Config } from "./schema.ts";
import type { TrustStore } from "./trust.ts";
import { validateConfig, type ValidateContext } from "./validate.ts";

export const CONFIG_FILE = "ccos.config.json";
const LARGEST_FILE = 4 * 1024 * 1024;

export interface LoadConfigOptions {
  /** The configuration itself, or the path of a file: either is trusted. Default: `ccos.config.json` in `cwd`, if it exists. */
  readonly config?: string | object | undefined;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly trust: Pick<TrustStore, "isTrusted">;
}

export interface LoadedConfig {
  /** What is in force; empty where there is no configuration. Paths in it are absolute. */
  readonly config: Config;
  /** The file it was read from, absolute. */
  readonly file: string | undefined;
  /** Named by the user, recorded as trusted, or absent. */
  readonly trusted: boolean;
  /**
   * Named by the user (or absent), so that what it names counts as named too. A file that was found and is
   * recorded as trusted does not pass that on: the record covers its content and not that of the folders it names.
   */
  readonly named: boolean;
  /**
   * The origins each variable is bound to, also where the file is not trusted: then they narrow where a
   * variable may go and never widen it.
   */
  readonly credentials: Readonly<Record<string, readonly string[]>>;
  /** What the file says and what is not in force because it is not trusted; for people. */
  readonly warnings: readonly string[];
  /**
   * Asked before a module of the configuration is loaded, which may be long after the file was read: throws
   * `permission-denied` where the modules are not those any more that were trusted.
   */
  confirm(): Promise<void>;
}

async function needsNone(): Promise<void> {}

// Each of these could start code, open a connection, or widen what a program or a variable may do. Security that
// only narrows is in force all the same.
const ONLY_WHEN_TRUSTED = ["store", "providers", "security", "credentials"] as const;
// Bindings are read all the same, because they narrow.
const NOT_LOOKED_UP = ["store", "providers"];

/**
 * Finds, reads and checks the configuration.
 *
 * A file that is wrong is a `read-error` that names the file, line, column and key of every mistake.
 * `${VAR}` in a value is replaced by the variable; a variable that is not set is such a mistake too.
 */
export async function loadConfig(options: LoadConfigOptions): Promise<LoadedConfig> {
  const { config, cwd, env } = options;
  if (typeof config === "object") {
    const context = { name: "The configuration:", placeOf: undefined, trusted: true, ignored: [], env };
    const checked = anchor(await validateConfig(config as JsonObject, context), cwd);
    return {
      config: checked,
      file: undefined,
      trusted: true,
      named: true,
      credentials: checked.credentials ?? {},
      warnings: [],
      confirm: needsNone,
    };
  }
  const file = resolve(cwd, config ?? CONFIG_FILE);
  const name = shown(file, cwd);
  const text = await readText(file, name, config !== undefined);
  if (text === undefined)
    return {
      config: {},
      file: undefined,
      trusted: true,
      named: true,
      credentials: {},
      warnings: [],
      confirm: needsNone,
    };

  const placed = readJsonWithPlaces(text, name);
  const { value } = placed;
  if (!isJsonObject(value)) {
    fail("read-error", `${name}:1:1 is no JSON object, and a configuration is one.`, { place: placed.placeOf([]) });
  }
  const named = config !== undefined;
  const trusted = named || (await options.trust.isTrusted(file, text));
  const placeOf: ValidateContext["placeOf"] = (path, which) => placed.placeOf(path, which);
  const checked = anchor(
    await validateConfig(value, { name, placeOf, trusted, ignored: NOT_LOOKED_UP, env }),
    dirname(file),
  );
  const credentials = checked.credentials ?? {};
  if (named) return { config: checked, file, trusted, named, credentials, warnings: [], confirm: needsNone };
  const confirm = async (): Promise<void> => {
    if (await options.trust.isTrusted(file)) return;
    fail(
      "permission-denied",
      `${name}, or a module that it names, has changed since it was read, and is not trusted any more.`,
      {
        remedy: `To trust it as it is now: ccos trust ${name}`,
      },
    );
  };
  if (trusted) {
    if (hasReference(value["providers"])) {
      fail("read-error", `${name} names a module by a variable, and what that leads to is not covered by its trust.`, {
        place: placed.placeOf(["providers"]),
        remedy: `Write the module's path into the file, or name the file with --config.`,
      });
    }
    return { config: checked, file, trusted, named, credentials, warnings: [], confirm };
  }

  const ignored = ONLY_WHEN_TRUSTED.filter(
    (key) => checked[key] !== undefined && !(key === "security" && narrows(checked)),
  );
  const inForce = { ...checked };
  for (const key of ignored) delete inForce[key];
  return {
    config: inForce,
    file,
    trusted,
    named,
    credentials,
    warnings: ignored.map((key) => notInForce(name, key)),
    confirm,
  };
}

function narrows({ security }: Config): boolean {
  return (
    security !== undefined &&
    (security.allow !== undefined || security.level === "pure" || security.level === "controlled")
  );
}

function notInForce(name: string, key: string): string {
  const what =
    key === "credentials" ? "its credentials only narrow where variables may go" : `its ${key} is not in force`;
  return `${name} is not trusted: ${what}. To trust it: ccos trust ${name}`;
}

async function readText(file: string, name: string, wanted: boolean): Promise<string | undefined> {
  try {
    const info = await stat(file);
    // Reading a pipe that was only put there may never end.
    if (!wanted && !info.isFile())
      return fail("read-error", `${name} is no file.`, {
        remedy: "Remove it, or name another configuration with --config.",
      });
    // One byte more than allowed is read, so that a device or a pipe without end is noticed too.
    const bytes = await buffer(createReadStream(file, { end: LARGEST_FILE }));
    if (bytes.length > LARGEST_FILE)
      fail("read-error", `The configuration ${name} has more than ${LARGEST_FILE} bytes.`);
    return bytes.toString("utf8");
  } catch (error) {
    if (isCcosError(error)) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" && !wanted) return undefined;
    return fail("read-error", `The configuration ${name} cannot be read (${code}).`, {
      remedy: "Name a file that exists and that you may read.",
      cause: error,
    });
  }
}

/** Paths in a configuration start where it stands, wherever the program was started. */
function anchor(config: Config, folder: string): Config {
  const absolute = (path: string): string => (isAbsolute(path) ? path : join(folder, path));
  const { capabilities, providers, store } = config;
  return {
    ...config,
    ...(capabilities && { capabilities: capabilities.map(absolute) }),
    ...(providers && {
      // Anything but a relative path is a package's name, or absolute already.
      providers: Object.fromEntries(
        Object.entries(providers).map(([key, path]) => [key, path.startsWith(".") ? absolute(path) : path]),
      ),
    }),
    ...(store?.startsWith("sqlite:") && { store: `sqlite:${absolute(store.slice("sqlite:".length))}` }),
  };
}

function shown(file: string, cwd: string): string {
  const short = relative(cwd, file);
  return short === "" || short.startsWith("..") || isAbsolute(short) ? file : short;
}
