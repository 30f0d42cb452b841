import type { CCOSEnvironment, EnvironmentOptions } from "../environment.ts";
import { answersAtTerminal } from "./answer-questions.ts";
import type { CommandContext } from "./command-context.ts";
import type { Output } from "./output.ts";

/** What is named by flag or variable counts as named by the user; the rest is the environment's to find. */
export function environmentOptions({
  options,
  env,
  cwd,
}: Pick<CommandContext, "options" | "env" | "cwd">): EnvironmentOptions {
  const fromVariable = env["CCOS_CAPABILITIES"]
    ?.split(process.platform === "win32" ? ";" : ":")
    .filter((path) => path !== "");
  return {
    capabilities: options.capabilities ?? (fromVariable?.length ? fromVariable : undefined),
    config: options.config ?? named(env["CCOS_CONFIG"]),
    store: options.store ?? named(env["CCOS_STORE"]),
    env,
    cwd,
  };
}

function named(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

/**
 * An environment for a command: its secrets are kept out of the output, its warnings and, with `--verbose`,
 * its story go to stderr. The caller closes it.
 *
 * @param onWarning hears the warnings in place of stderr
 * @param interaction answers what peers ask back; default nobody
 */
export async function openEnvironment(
  context: CommandContext,
  onWarning?: EnvironmentOptions["onWarning"],
  interaction?: EnvironmentOptions["interaction"],
): Promise<CCOSEnvironment> {
  const { createEnvironment } = await import("../environment.ts");
  const { output } = context;
  const warnings = warningsTo(output, context.options.verbose === true);
  const env = await createEnvironment({
    ...environmentOptions(context),
    output: { print: (text) => output.printed(text), log: (text) => output.printed(text) },
    onWarning: onWarning ?? warnings.hear,
    interaction,
  });
  warnings.loaded();
  output.guard(env.redactor);
  if (context.options.verbose === true) {
    const { tellStory } = await import("./verbose-story.ts");
    tellStory(env, output);
  }
  return env;
}

/**
 * Prints warnings. How files are written is the business of `ccos check`: of that, a command that uses them
 * says only that there is something, unless it is asked to tell more.
 */
function warningsTo(
  output: Output,
  verbose: boolean,
): { hear: NonNullable<EnvironmentOptions["onWarning"]>; loaded: () => void } {
  let held = new Map<string, number>();
  let isLoading = true;
  const tell = (text: string): void => output.note(`${output.style("yellow", "warning:")} ${output.style([], text)}`);
  return {
    hear({ message, advice, file }) {
      if (advice === true && !verbose && isLoading) held.set(file ?? "text", (held.get(file ?? "text") ?? 0) + 1);
      else tell(message);
    },
    loaded() {
      isLoading = false;
      const [first, ...others] = held.keys();
      const count = [...held.values()].reduce((sum, each) => sum + each, 0);
      held = new Map();
      if (first === undefined) return;
      const where =
        others.length === 0 ? first : `${first} and ${others.length} more ${others.length === 1 ? "file" : "files"}`;
      tell(`${where}: ${count === 1 ? "a remark" : `${count} remarks`}; ccos check tells what.`);
    },
  };
}

/** The same for the time of one use; drained before the command ends. */
export async function withEnvironment<T>(
  context: CommandContext,
  use: (env: CCOSEnvironment) => Promise<T>,
  onWarning?: EnvironmentOptions["onWarning"],
): Promise<T> {
  const env = await openEnvironment(context, onWarning, answersAtTerminal(context));
  try {
    return await use(env);
  } finally {
    await env.close();
  }
}
