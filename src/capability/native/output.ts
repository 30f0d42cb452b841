import { stripControls, type Redactor } from "../../kernel/index.ts";
import { displayString, type Value } from "../../rtfs/index.ts";
import type { Manifest } from "../manifest.ts";
import { spreadArguments } from "./arguments.ts";
import { nativeCapability } from "./native.ts";

/** Where programs write to. Each text comes with its line end, if it has one. */
export interface OutputSinks {
  readonly print: (text: string) => void;
  readonly log: (text: string) => void;
}

/**
 * Writes to a stream: a terminal gets no control characters, and nobody a secret that is known. The stream is asked
 * for when there is something to write, as a process that never touches it has one thing less to hold.
 */
export function outputTo(
  streamOf: () => { readonly isTTY?: boolean | undefined; write(text: string): unknown },
  redact: Redactor["redactKnown"],
): OutputSinks {
  const write = (text: string): void => {
    const stream = streamOf();
    const shown = redact(text);
    stream.write(stream.isTTY === true ? stripControls(shown) : shown);
  };
  return { print: write, log: write };
}

export function outputCapabilities({ print, log }: OutputSinks): Manifest[] {
  const text = (args: readonly Value[]): string => spreadArguments(args).map(displayString).join(" ");
  const writer = (write: (text: string) => void, end: string) => (args: readonly Value[]) => {
    write(text(args) + end);
    return null;
  };
  return [
    nativeCapability({
      id: "ccos.io.print",
      description: "Writes values, without a line end.",
      run: writer(print, ""),
    }),
    nativeCapability({ id: "ccos.io.println", description: "Writes values and a line end.", run: writer(print, "\n") }),
    nativeCapability({ id: "ccos.io.log", description: "Writes values to the log.", run: writer(log, "\n") }),
  ];
}
