import type { CCOSEnvironment, EnvironmentOptions } from "../environment.ts";
import type { CommandContext } from "./command-context.ts";

/** What is named by flag or variable counts as named by the user; the rest is the environment's to find. */
export function environmentOptions({ options, env, cwd }: Pick<CommandContext, "options" | "env" | "cwd">): EnvironmentOptions {
  const fromVariable = env["CCOS_CAPABILITIES"]?.split(process.platform === "win32" ? ";" : ":").filter((path) => path !== "");
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
 */
export async function openEnvironment(
  context: CommandContext,
  onWarning?: EnvironmentOptions["onWarning"],
): Promise<CCOSEnvironment> {
  const { createEnvironment } = await import("../environment.ts");
  const { output } = context;
  const env = await createEnvironment({
    ...environmentOptions(context),
    output: { print: (text) => output.printed(text), log: (text) => output.printed(text) },
    onWarning: onWarning ?? (({ message }) => output.note(`${output.style("yellow", "warning:")} ${output.style([], message)}`)),
  });
  output.guard(env.redactor);
  if (context.options.verbose === true) {
    const { tellStory } = await import("./verbose-story.ts");
    tellStory(env, output);
  }
  return env;
}

/** The same for the time of one use; drained before the command ends. */
export async function withEnvironment<T>(
  context: CommandContext,
  use: (env: CCOSEnvironment) => Promise<T>,
  onWarning?: EnvironmentOptions["onWarning"],
): Promise<T> {
  const env = await openEnvironment(context, onWarning);
  try {
    return await use(env);
  } finally {
    await env.close();
  }
}
