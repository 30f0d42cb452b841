import { styleText } from "node:util";
import { isJsonObject, stringifyJson, type JsonValue } from "../kernel/index.ts";
import type { DemoService } from "./service.ts";
import type { CallStory, SessionStory, StoryCounts } from "./story.ts";
import { renderTable } from "./table.ts";

export interface NarratorOptions {
  /** Takes one line at a time, without its end. */
  readonly write: (line: string) => void;
  /** Default false. */
  readonly color?: boolean | undefined;
}

export type Narrator = ReturnType<typeof createNarrator>;

/** Everything the demo says to people, and how it looks. */
export function createNarrator({ write, color = false }: NarratorOptions) {
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    color ? styleText(format, text, { validateStream: false }) : text;
  const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
  const widest = (texts: Iterable<string>): number => Math.max(0, ...[...texts].map((text) => text.length));
  return {
    line: (text: string): void => write(`  ${text}`),
    heading(text: string): void {
      write("");
      write(style("bold", text));
    },
    aside: (text: string): void => write(style("yellow", `      ${text}`)),
    problem: (text: string): void => write(style("red", `  ${text}`)),
    services(services: readonly DemoService[]): void {
      const width = widest(services.map(({ url }) => url));
      for (const { url, about } of services) write(`  ${url.padEnd(width)}  ${style("dim", about)}`);
    },
    call({ number, capabilityId, ok, notes }: CallStory): void {
      const mark = ok ? style("green", "✓") : style("red", "✗");
      const [first = "", ...further] = notes;
      write(`  ${String(number).padStart(2)} ${mark} ${capabilityId.padEnd(28)} ${style("dim", first)}`);
      if (further.length > 0) write(`${" ".repeat(36)}${style("dim", further.join(": "))}`);
    },
    value(value: JsonValue): void {
      if (!isJsonObject(value)) return write(`  ${stringifyJson(value)}`);
      const width = widest(Object.keys(value));
      for (const [key, item] of Object.entries(value)) {
        // A list of maps is read line by line.
        const rows = Array.isArray(item) && item.some(isJsonObject) ? item : [item];
        for (const [index, row] of rows.entries())
          write(`  ${(index === 0 ? key : "").padEnd(width)}  ${stringifyJson(row)}`);
      }
    },
    counts(providers: ReadonlyMap<string, StoryCounts>): void {
      const width = widest(providers.keys());
      for (const [provider, counts] of providers) {
        const said = [
          plural(counts.firstHandshakes, "first handshake"),
          plural(counts.reuses, "reuse"),
          plural(counts.losses, "loss", "losses"),
          plural(counts.replacements, "replacement"),
          `${plural(counts.failedCalls, "failed call")} of ${counts.calls}`,
        ];
        write(`  ${provider.padEnd(width)}  ${said.join(", ")}`);
      }
    },
    sessions(sessions: readonly SessionStory[]): void {
      const rows = sessions.map((session) => [
        session.provider,
        session.id,
        `before call ${session.openedAfterCall + 1}`,
        String(session.executions),
        session.end === "lost" ? "lost by the service" : session.end === "closed" ? "closed by us" : "left open",
        session.replaces ?? "",
      ]);
      const columns = [
        { title: "provider" },
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
