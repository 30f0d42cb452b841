import { CcosError } from "../kernel/index.ts";

export interface Interruption {
  readonly signal: AbortSignal;
  /** Starts to listen. Calling it twice does nothing. */
  watch(): void;
  /** 130 or 143 once a signal came. */
  exitCode(): number | undefined;
  stop(): void;
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type Name = keyof typeof EXIT_CODES;

/** What the process is to this file. */
export interface SignalSource {
  on(name: Name, listener: () => void): unknown;
  off(name: Name, listener: () => void): unknown;
  exit(code: number): void;
}

/**
 * Turns SIGINT and SIGTERM into a cancellation: calls end, sessions are closed at their peers, then the
 * process ends with 130 or 143. A second signal ends it at once.
 */
export function createInterruption(source: SignalSource, tell: (text: string) => void): Interruption {
  const controller = new AbortController();
  let code: number | undefined;
  let watching = false;
  const on = (name: Name) => () => {
    if (code !== undefined) return source.exit(EXIT_CODES[name]);
    code = EXIT_CODES[name];
    tell(`${name === "SIGINT" ? "Interrupted" : "Terminated"}; closing sessions. Once more ends at once.`);
    controller.abort(new CcosError("canceled", `Canceled by ${name}.`));
  };
  const listeners = { SIGINT: on("SIGINT"), SIGTERM: on("SIGTERM") };
  return {
    signal: controller.signal,
    watch() {
      if (watching) return;
      watching = true;
      for (const name of Object.keys(listeners) as Name[]) source.on(name, listeners[name]);
    },
    exitCode: () => code,
    stop() {
      for (const name of Object.keys(listeners) as Name[]) source.off(name, listeners[name]);
    },
  };
}
