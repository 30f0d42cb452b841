import { createTrustStore, loadConfig, type Config, type LoadedConfig } from "../../config/index.ts";
import { hasProblem, problem, type Check, type Diagnosis } from "../../doctor/index.ts";
import type { CCOSEnvironment } from "../../environment.ts";
import { CcosError, isCcosError } from "../../kernel/index.ts";
import { EXIT, type Command, type CommandContext } from "../command-context.ts";
import { environmentOptions, withEnvironment } from "../open-environment.ts";
import { version } from "../version.ts";

export interface DoctorArguments {
  readonly id?: string | undefined;
  readonly timeout?: number | undefined;
}

interface Report {
  readonly ok: boolean;
  readonly version: string;
  readonly checks: readonly Check[];
  readonly capabilities: readonly Diagnosis[];
}

/** Looks at everything a call depends on, and executes nothing. Fails where calls would. */
export const doctorCommand: Command<DoctorArguments> = async ({ id, timeout }, context) => {
  context.watchSignals();
  const { check, config } = await readConfig(context);
  const checks: Check[] = [nodeCheck(), check];
  let capabilities: Diagnosis[] = [];
  const warnings: Check[] = [];
  try {
    capabilities = await withEnvironment(
      context,
      async (env) => {
        checks.push(storeCheck(environmentOptions(context).store ?? config.store), loadedCheck(env), ...warnings);
        return env.diagnose({ id, timeoutMs: timeout, signal: context.signal });
      },
      ({ code, message }) => warnings.push(warned(code, message)),
    );
  } catch (error) {
    if (
      context.signal.aborted ||
      (isCcosError(error) && error.code === "not-found" && id !== undefined && error.message.includes(id))
    )
      throw error;
    // A configuration that cannot be read has been told of already.
    if (!hasProblem(checks)) checks.push(...warnings, problem("environment", error));
  }
  const report: Report = {
    ok: !hasProblem(checks) && capabilities.every(({ ok }) => ok),
    version: version(),
    checks,
    capabilities,
  };
  if (context.options.json === true) context.output.data(report);
  else print(report, context);
  return report.ok ? EXIT.done : EXIT.failed;
};

function nodeCheck(): Check {
  return { name: "node", status: "ok", message: `Node ${process.versions.node} (${process.execPath}).` };
}

async function readConfig(context: CommandContext): Promise<{ readonly check: Check; readonly config: Config }> {
  try {
    const { config } = environmentOptions(context);
    const loaded = await loadConfig({ config, cwd: context.cwd, env: context.env, trust: createTrustStore(context) });
    return { check: configCheck(loaded), config: loaded.config };
  } catch (error) {
    return { check: problem("config", error), config: {} };
  }
}

function configCheck({ file, trusted, config, credentials }: LoadedConfig): Check {
  if (file === undefined)
    return { name: "config", status: "ok", message: "There is no configuration; the defaults hold." };
  const settings = describeBindings(config, Object.keys(credentials));
  if (trusted) return { name: "config", status: "ok", message: `${file} is in force${settings}.` };
  return {
    name: "config",
    status: "note",
    message: `${file} was only found in the working directory and is not trusted${settings}.`,
    remedy: `Look at it, then: ccos trust ${file}`,
  };
}

function describeBindings(config: Config, bound: readonly string[]): string {
  const providers = Object.keys(config.providers ?? {});
  const said = [
    ...(bound.length === 0 ? [] : [`it binds ${bound.join(", ")}`]),
    ...(providers.length === 0 ? [] : [`it adds the providers ${providers.join(", ")}`]),
  ];
  return said.length === 0 ? "" : `; ${said.join("; ")}`;
}

function storeCheck(store = "memory"): Check {
  return { name: "store", status: "ok", message: `Sessions are kept in ${store.split(":", 1)[0]}.` };
}

function loadedCheck(env: CCOSEnvironment): Check {
  const count = env.capabilities.list().length;
  if (count > 0)
    return {
      name: "capabilities",
      status: "ok",
      message: `${count} ${count === 1 ? "capability is" : "capabilities are"} loaded.`,
    };
  return {
    name: "capabilities",
    status: "note",
    message: "No capability is loaded.",
    remedy: "Name a folder with --capabilities.",
  };
}

/** What loading had to say: a file that is broken, or a word that is not in force. */
function warned(code: string, message: string): Check {
  const isNote = code === "not-trusted" || code === "unimplemented";
  return isNote
    ? { name: "loading", status: "note", message }
    : problem(
        "loading",
        new CcosError("read-error", message, { remedy: "ccos check shows every mistake with its place." }),
      );
}

const STYLES = { ok: "green", note: "yellow", problem: "red", skipped: "dim" } as const;

function print({ ok, checks, capabilities }: Report, { output }: CommandContext): void {
  const line = ({ name, status, message, remedy, durationMs }: Check): void => {
    const time = durationMs === undefined ? "" : ` (${durationMs} ms)`;
    output.text(
      `  ${output.styleValue(STYLES[status], status.padEnd(8))} ${name.padEnd(14)} ${output.styleValue([], message)}${time}`,
    );
    if (remedy !== undefined && status !== "ok") output.text(`${" ".repeat(26)}${output.styleValue([], remedy)}`);
  };
  output.text(output.styleValue("bold", "ccos"));
  for (const check of checks) line(check);
  const groups = grouped(capabilities);
  for (const { first, count } of groups) {
    const more = count === 1 ? "" : ` and ${count - 1} more`;
    const where =
      first.provider === null ? "" : ` (${first.provider}${first.endpoint === null ? "" : `, ${first.endpoint}`})`;
    output.text(output.styleValue("bold", `${first.id}${more}${where}`));
    for (const check of first.checks) line(check);
  }
  const problems = [...checks, ...groups.flatMap(({ first }) => first.checks)].filter(
    ({ status }) => status === "problem",
  ).length;
  output.note(ok ? "No problem was found." : `${problems} ${problems === 1 ? "problem was" : "problems were"} found.`);
}

/** Capabilities of which the same was found stand together: many are tools of one server. */
function grouped(capabilities: readonly Diagnosis[]): { readonly first: Diagnosis; count: number }[] {
  const groups = new Map<string, { readonly first: Diagnosis; count: number }>();
  for (const one of capabilities) {
    const key = JSON.stringify([one.provider, one.endpoint, one.checks]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { first: one, count: 1 });
    else known.count++;
  }
  return [...groups.values()];
}
