import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { styleText } from "node:util";
import { createEnvironment } from "../environment.ts";
import { isJsonObject, stringifyJson, toCcosError, type JsonValue } from "../kernel/index.ts";
import { brokenPromises, contradictions } from "./check-story.ts";
import { startEmbeddedServer, type EmbeddedServer } from "./embedded-server.ts";
import { packageRoot } from "./package-root.ts";
import { listenToStory, type CallStory, type SessionStory, type StoryCounts } from "./story.ts";
import { renderTable } from "./table.ts";

export interface DemoOptions {
  /** Takes one line of the story at a time, without its end. */
  readonly write: (line: string) => void;
  /** Default false. */
  readonly color?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DemoResult extends StoryCounts {
  /** Everything went as promised, and the server saw what the events told. */
  readonly ok: boolean;
  /** What did not; empty when `ok`. */
  readonly problems: readonly string[];
}

/** The tour makes 13 calls; the server forgets its session after this many. */
const FORGET_AFTER_CALL = 8;
const SERVER_VARIABLE = "CCOS_DEMO_SERVER_URL";

/**
 * Runs `examples/tour.rtfs` against an MCP server inside this process, lets that server forget its
 * sessions half-way, and tells what happened. Needs no network and no configuration, and leaves nothing open.
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const tell = narrator(options);
  const root = packageRoot();
  const server = await startEmbeddedServer();
  try {
    tell.heading("A server");
    tell.line(`An MCP server listens at ${server.url}. It has 130 issues and knows no session yet.`);
    return await tour(root, server, tell, options.signal);
  } finally {
    await server.close();
  }
}

async function tour(
  root: string,
  server: EmbeddedServer,
  tell: Narrator,
  signal: AbortSignal | undefined,
): Promise<DemoResult> {
  const source = await readFile(join(root, "examples", "tour.rtfs"), "utf8");
  const env = await createEnvironment({
    capabilities: [join(root, "capabilities", "demo")],
    config: {},
    cwd: root,
    env: { [SERVER_VARIABLE]: server.url },
  });
  using story = listenToStory(env, (call) => {
    tell.call(call);
    if (call.number === FORGET_AFTER_CALL) {
      server.forgetSessions();
      tell.aside("The server forgets its sessions now, as a restart would.");
    }
  });
  let failure: string | undefined;
  try {
    tell.heading("A program");
    tell.line("examples/tour.rtfs calls the tools by name and never mentions a session:");
    const value = await env.run(source, { file: "examples/tour.rtfs", signal });
    tell.heading("Its value");
    tell.value(value);
  } catch (thrown) {
    const error = toCcosError(thrown);
    failure = `The tour failed: ${error.message}${error.remedy === undefined ? "" : ` ${error.remedy}`}`;
  } finally {
    await env.close();
  }
  const counts = story.counts();
  const problems = [
    ...(failure === undefined ? [] : [failure]),
    ...brokenPromises(counts),
    ...contradictions(counts, story.sessions(), server.stats()),
  ];
  tell.heading("What happened");
  tell.counts(counts);
  tell.heading("The sessions");
  tell.sessions(story.sessions());
  for (const problem of problems) tell.problem(problem);
  if (problems.length === 0) tell.line("The server counted the same handshakes, calls and closings.");
  return { ...counts, ok: problems.length === 0, problems };
}

type Narrator = ReturnType<typeof narrator>;

/** Everything the demo says to people, and how it looks. */
function narrator({ write, color = false }: DemoOptions) {
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    color ? styleText(format, text, { validateStream: false }) : text;
  const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
  return {
    line: (text: string): void => write(`  ${text}`),
    heading(text: string): void {
      write("");
      write(style("bold", text));
    },
    aside: (text: string): void => write(style("yellow", `      ${text}`)),
    problem: (text: string): void => write(style("red", `  ${text}`)),
    call({ number, capabilityId, ok, notes }: CallStory): void {
      const mark = ok ? style("green", "✓") : style("red", "✗");
      const [first = "", ...further] = notes;
      write(`  ${String(number).padStart(2)} ${mark} ${capabilityId.padEnd(22)} ${style("dim", first)}`);
      if (further.length > 0) write(`${" ".repeat(30)}${style("dim", further.join(": "))}`);
    },
    value(value: JsonValue): void {
      if (!isJsonObject(value)) return write(`  ${stringifyJson(value)}`);
      const width = Object.keys(value).reduce((widest, key) => Math.max(widest, key.length), 0);
      for (const [key, item] of Object.entries(value)) write(`  ${key.padEnd(width)}  ${stringifyJson(item)}`);
    },
    counts(counts: StoryCounts): void {
      write(`  ${plural(counts.firstHandshakes, "first handshake")}`);
      write(`  ${plural(counts.reuses, "reuse")}`);
      write(`  ${plural(counts.losses, "loss", "losses")}`);
      write(`  ${plural(counts.replacements, "replacement")}`);
      write(`  ${plural(counts.failedCalls, "failed call")} of ${counts.calls}`);
    },
    sessions(sessions: readonly SessionStory[]): void {
      const rows = sessions.map((session) => [
        session.id,
        `before call ${session.openedAfterCall + 1}`,
        String(session.executions),
        session.end === "lost" ? "forgotten by the server" : session.end === "closed" ? "closed by us" : "left open",
        session.replaces ?? "",
      ]);
      const columns = [
        { title: "session" },
        { title: "opened" },
        { title: "calls", align: "right" as const },
        { title: "end" },
        { title: "in place of" },
      ];
      for (const row of renderTable(columns, rows, color)) write(`  ${row}`);
      write("");
    },
  };
}
