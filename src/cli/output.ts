import { styleText } from "node:util";
import { createRedactor, stringifyJson, stripControls, type Redactor } from "../kernel/index.ts";

/** A stream as this program uses it: `process.stdout`, or a text collected by a test. */
export interface Sink {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
  /** Waits until there is room for more; false where nobody reads it any more. Default: there always is. */
  room?(signal: AbortSignal): Promise<boolean>;
}

export type Style = Parameters<typeof styleText>[0];

export interface Output {
  /**
   * A value on stdout, with a line end. Only secrets known by their value are blanked: data is not guessed at.
   * `decorate` colours the text where stdout takes colours.
   */
  value(text: string, decorate?: (text: string) => string): void;
  /** Waits until stdout has room for more; false where nobody reads it any more. Rejects with the signal. */
  room(signal: AbortSignal): Promise<boolean>;
  /** A report as JSON on stdout. Everything secret in it is blanked, by its shape too. */
  data(report: unknown): void;
  /** A table or other text for people on stdout. */
  text(text: string): void;
  /** A line on stderr; not printed with `--quiet`. */
  note(text: string): void;
  /** A line on stderr that `--quiet` does not silence. */
  problem(text: string): void;
  /** What a program printed, as it is but for secrets that are known, on stderr; values alone go to stdout. */
  printed(text: string): void;
  /** Styled where stderr is a terminal and colour is wanted. */
  style(style: Style, text: string): string;
  /** The same for stdout. */
  styleValue(style: Style, text: string): string;
  /** Secrets of this redactor too are blanked from now on. */
  guard(redactor: Redactor): void;
  readonly quiet: boolean;
  /** Stdout is a terminal: JSON is laid out for reading. */
  readonly terminal: boolean;
  /** Stdout takes colours. */
  readonly coloured: boolean;
}

export interface OutputOptions {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly quiet?: boolean | undefined;
  /** False never colours; otherwise the terminal and NO_COLOR decide. */
  readonly color?: boolean | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function createOutput(options: OutputOptions): Output {
  const { stdout, stderr, env } = options;
  let redactor: Redactor = createRedactor();
  const coloured = (sink: Sink): boolean => {
    if (options.color === false || (env["NO_COLOR"] ?? "") !== "") return false;
    if ((env["FORCE_COLOR"] ?? "") !== "") return env["FORCE_COLOR"] !== "0";
    return sink.isTTY === true && env["TERM"] !== "dumb";
  };
  const colours = { out: coloured(stdout), err: coloured(stderr) };
  const paint = (on: boolean, style: Style, text: string): string =>
    on ? styleText(style, text, { validateStream: false }) : text;
  // Our own styling is applied by the caller to text that was cleaned before, so only plain text is cleaned here.
  const line = (text: string): string => `${redactor.redact(text)}\n`;

  const terminal = stdout.isTTY === true;
  const safe = (text: string): string => (terminal ? stripControls(text) : text);

  return {
    quiet: options.quiet === true,
    terminal,
    coloured: colours.out,
    value(text, decorate) {
      const clean = safe(redactor.redactKnown(text));
      stdout.write(`${decorate === undefined || !colours.out ? clean : decorate(clean)}\n`);
    },
    room: async (signal) => (await stdout.room?.(signal)) ?? true,
    data: (report) =>
      void stdout.write(`${safe(stringifyJson(redactor.redactValue(report), terminal ? 2 : undefined))}\n`),
    text: (text) => void stdout.write(line(text)),
    note: (text) => void (options.quiet === true || stderr.write(line(text))),
    problem: (text) => void stderr.write(line(text)),
    printed: (text) =>
      void stderr.write(stderr.isTTY === true ? stripControls(redactor.redactKnown(text)) : redactor.redactKnown(text)),
    style: (style, text) => paint(colours.err, style, stripControls(text)),
    styleValue: (style, text) => paint(colours.out, style, stripControls(text)),
    guard(other) {
      redactor = other;
    },
  };
}
