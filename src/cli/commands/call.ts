import { reportOf } from "../../capability/call.ts";
import { stringifyJson, toCcosError, type JsonValue } from "../../kernel/index.ts";
import { readCallInput, type GivenInput } from "../call-input.ts";
import { EXIT, type Command, type CommandContext } from "../command-context.ts";
import { reportError } from "../error-report.ts";
import { exitCodeOf } from "../exit-code.ts";
import { withEnvironment } from "../open-environment.ts";
import { offerTrust } from "../offer-trust.ts";
import { UsageError } from "../usage-error.ts";

export interface CallArguments {
  readonly id: string;
  readonly input: readonly string[];
  readonly timeout?: number | undefined;
  /** Its events, a line each, as they come. */
  readonly stream?: boolean | undefined;
}

export const callCommand: Command<CallArguments> = async (args, context) => {
  context.watchSignals();
  let given: GivenInput | undefined;
  for (;;) {
    const startedAt = performance.now();
    try {
      // Read once: stdin does not come a second time.
      given ??= await readCallInput(args.input, context);
      return await (args.stream === true ? streamOnce : callOnce)(args, given, context);
    } catch (error) {
      // Nothing has been sent by a call that was refused for want of trust, so it may simply be made again.
      if (await offerTrust(error, context)) continue;
      if (context.options.json === true) printFailure(error, performance.now() - startedAt, context);
      reportError(error, context.output, { cwd: context.cwd });
      return exitCodeOf(error);
    }
  }
};

function callOnce({ id, timeout }: CallArguments, given: GivenInput, context: CommandContext): Promise<number> {
  return withEnvironment(context, async (env) => {
    const input = given.typedBy(env.capabilities.get(id)?.inputSchema);
    const outcome = await env.callDetailed(id, input, { signal: context.signal, timeoutMs: timeout });
    const { value, session, attempts, durationMs } = outcome;
    const result =
      context.options.json === true
        ? { ok: true, value, session, attempts, durationMs: Math.round(durationMs) }
        : value;
    context.output.value(stringifyJson(result, context.output.terminal ? 2 : undefined));
    return EXIT.done;
  });
}

/** The next event is taken when stdout has taken the last, so a slow reader slows the peer down. */
function streamOnce({ id, timeout }: CallArguments, given: GivenInput, context: CommandContext): Promise<number> {
  const { output, options } = context;
  return withEnvironment(context, async (env) => {
    const input = given.typedBy(env.capabilities.get(id)?.inputSchema);
    const stream = env.stream(id, input, { signal: context.signal, timeoutMs: timeout });
    let value: JsonValue | undefined;
    for await (const event of stream) {
      output.value(stringifyJson(event));
      if (event.type === "result") value = event.value;
      // Whoever read has had enough: that is an end like any other.
      if (!(await output.room(context.signal))) return EXIT.done;
    }
    if (options.json === true) {
      const { session, attempts, events, durationMs = 0 } = stream.report;
      const result = value === undefined ? {} : { value };
      output.value(
        stringifyJson({ ok: true, ...result, session, attempts, events, durationMs: Math.round(durationMs) }),
      );
    }
    return EXIT.done;
  });
}

function printFailure(thrown: unknown, durationMs: number, { output }: CommandContext): void {
  const error =
    thrown instanceof UsageError
      ? {
          code: "invalid-argument",
          message: thrown.message,
          ...(thrown.remedy !== undefined && { remedy: thrown.remedy }),
          retryable: false,
        }
      : toCcosError(thrown).toJSON();
  output.data({ ok: false, error, ...reportOf(thrown), durationMs: Math.round(durationMs) });
}
