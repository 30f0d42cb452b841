import type { CCOSEnvironment } from "../../environment.ts";
import { oneLine } from "../../kernel/index.ts";
import { EXIT, type Command, type CommandContext } from "../command-context.ts";
import { openBrowser } from "../open-browser.ts";
import { withEnvironment } from "../open-environment.ts";
import { UsageError } from "../usage-error.ts";

export interface AuthArguments {
  /** A capability, or the URL of an MCP server. */
  readonly id: string;
  readonly scope?: string | undefined;
  readonly device?: boolean | undefined;
  readonly port?: number | undefined;
  /** False: the address is only shown. */
  readonly browser?: boolean | undefined;
  readonly timeout?: number | undefined;
  readonly logout?: boolean | undefined;
  readonly status?: boolean | undefined;
}

type State = NonNullable<Awaited<ReturnType<CCOSEnvironment["signIns"]["state"]>>>;

/** Signs a person in where the calls of a capability go, signs them out, or tells whether they are. */
export const authCommand: Command<AuthArguments> = async (args, context) => {
  if (args.logout === true && args.status === true) throw new UsageError("Use --logout or --status, and not both.");
  context.watchSignals();
  return withEnvironment(context, async (env) => {
    const id = await capabilityFor(args.id, env);
    if (args.logout === true) return logout(id, env, context);
    if (args.status === true) return status(id, env, context);
    return login(id, args, env, context);
  });
};

/** A server that nothing was imported from yet is signed in to by its address. */
async function capabilityFor(idOrUrl: string, env: CCOSEnvironment): Promise<string> {
  if (!/^https?:\/\//i.test(idOrUrl) || !URL.canParse(idOrUrl)) return idOrUrl;
  const block = `{:server_url ${JSON.stringify(idOrUrl)} :tool_name "none" :requires_session "auto"}`;
  const [id = ""] = await env.capabilities.load(
    `(capability "auth.${crypto.randomUUID()}" :description "A server to sign in to" :metadata {:mcp ${block}} :input-schema :any :effects [:network])`,
  );
  return id;
}

async function login(id: string, args: AuthArguments, env: CCOSEnvironment, context: CommandContext): Promise<number> {
  const { output } = context;
  const state = await env.signIns.signIn(
    id,
    {
      scope: args.scope,
      device: args.device,
      port: args.port,
      waitMs: args.timeout,
      visit: (url, code) => visit(url, code, args, context),
    },
    { signal: context.signal },
  );
  if (context.options.json === true) output.data(shown(state));
  else
    output.note(
      `Signed in for ${output.style([], state.endpoint)} at ${output.style([], state.issuer)}${until(state)}.`,
    );
  return EXIT.done;
}

async function visit(url: URL, code: string | undefined, args: AuthArguments, context: CommandContext): Promise<void> {
  const { output } = context;
  // Where a code is typed in, people do so on a device of their choice.
  const opened = args.browser !== false && code === undefined && (await openBrowser(url, context.env));
  // Never held back by --quiet: without it nobody can go on.
  output.problem(opened ? "A browser is opening. If it does not, go on at" : "Go on at");
  // As it is: nothing in it is a secret, and an address with something blanked leads nowhere.
  output.printed(`  ${output.style([], url.href)}\n`);
  if (code !== undefined) output.problem(`and type in the code ${output.style("bold", oneLine(code, 40))}`);
}

async function logout(id: string, env: CCOSEnvironment, context: CommandContext): Promise<number> {
  const was = await env.signIns.signOut(id);
  if (context.options.json === true) context.output.data({ signedOut: was });
  else context.output.note(was ? "Signed out." : "Nobody was signed in.");
  return EXIT.done;
}

/** Fails where nobody is signed in, so that scripts can ask. */
async function status(id: string, env: CCOSEnvironment, context: CommandContext): Promise<number> {
  const { output } = context;
  const state = await env.signIns.state(id);
  if (context.options.json === true) output.data(state === undefined ? null : shown(state));
  else if (state === undefined) output.text("Nobody is signed in.");
  else {
    const scope = state.scope === undefined ? "" : `, for ${oneLine(state.scope)}`;
    output.text(output.styleValue([], `Signed in for ${state.endpoint} at ${state.issuer}${scope}${until(state)}.`));
  }
  return state === undefined ? EXIT.failed : EXIT.done;
}

function until({ expiresAt, renewable }: State): string {
  if (renewable) return ", renewed by itself";
  return expiresAt === undefined ? "" : `, until ${new Date(expiresAt).toISOString()}`;
}

function shown({ endpoint, issuer, scope, signedInAt, expiresAt, renewable }: State): object {
  const at = (instant: number | undefined): string | null =>
    instant === undefined ? null : new Date(instant).toISOString();
  return { endpoint, issuer, scope: scope ?? null, signedInAt: at(signedInAt), expiresAt: at(expiresAt), renewable };
}
