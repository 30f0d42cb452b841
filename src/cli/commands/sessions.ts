import type { CCOSEnvironment } from "../../environment.ts";
import { CcosError } from "../../kernel/index.ts";
import { EXIT, type Command } from "../command-context.ts";
import { withEnvironment } from "../open-environment.ts";
import { tableLines } from "../table.ts";
import { UsageError } from "../usage-error.ts";

type Info = Awaited<ReturnType<CCOSEnvironment["sessions"]["stored"]>>[number];

export const listSessionsCommand: Command<Record<never, never>> = (_args, context) =>
  withEnvironment(context, async (env) => {
    const { output, options } = context;
    const found = await env.sessions.stored();
    if (options.json === true) {
      output.data(found);
      return EXIT.done;
    }
    if (found.length === 0) {
      output.note("No sessions. Those of a process end with it, unless --store names where they are kept.");
      return EXIT.done;
    }
    const columns = ["ID", "PROVIDER", "ENDPOINT", "IDENTITY", "STATE", "CALLS", "OPENED", "LAST USED"];
    const [head = "", ...lines] = tableLines(
      columns.map((title) => ({ title, widest: 60 })),
      found.map(row),
    );
    output.text(output.styleValue("bold", head));
    for (const line of lines) output.text(line);
    return EXIT.done;
  });

function row({ id, provider, endpoint, identity, state, calls, openedAt, lastUsedAt }: Info): string[] {
  return [id, provider, endpoint, identity, state, String(calls), instant(openedAt), instant(lastUsedAt)];
}

function instant(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}

export interface CloseSessionsArguments {
  readonly id?: string | undefined;
  readonly all?: boolean | undefined;
}

/** Ends sessions at their peers. For that their capabilities have to be loaded: they say how they are reached, and as whom. */
export const closeSessionsCommand: Command<CloseSessionsArguments> = ({ id, all }, context) => {
  if ((id === undefined) === (all !== true))
    throw new UsageError(
      "Name one session, or close them all.",
      "ccos sessions close ID, or ccos sessions close --all",
    );
  return withEnvironment(context, async (env) => {
    const { output, options } = context;
    const closed = id === undefined ? await env.sessions.closeAll() : (await env.sessions.close(id)) ? [id] : [];
    const left = (await env.sessions.stored()).map((info) => info.id);
    if (id !== undefined && closed.length === 0) throw unknown(id, left.includes(id));
    if (options.json === true) {
      output.data({ closed, left });
      return EXIT.done;
    }
    for (const one of closed) output.text(one);
    if (left.length > 0)
      output.note(`${left.length} left: their capabilities are not loaded, or are called as somebody else.`);
    return EXIT.done;
  });
};

function unknown(id: string, isStored: boolean): CcosError {
  const shown = JSON.stringify(id.slice(0, 60));
  return isStored
    ? new CcosError("not-found", `No capability that is loaded has the session ${shown}.`, {
        remedy: "Name its capabilities with --capabilities, and set the variables they are called with.",
      })
    : new CcosError("not-found", `There is no session ${shown}.`, {
        remedy: "ccos sessions list shows those there are.",
      });
}
