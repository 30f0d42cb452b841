import { setImmediate } from "node:timers/promises";
import { untilAborted } from "../kernel/index.ts";
import { EXIT } from "./command-context.ts";
import type { Sink } from "./output.ts";

/** Stdout or stderr of this process. */
export function processSink(name: "stdout" | "stderr"): Sink {
  const stream = process[name];
  let isGone = false;
  stream.on("error", (error: NodeJS.ErrnoException) => {
    isGone = true;
    // A reader that went away (`| head`) is no failure of ours.
    if (error.code !== "EPIPE") outputLost(name, error);
  });
  return {
    get isTTY() {
      return stream.isTTY;
    },
    write: (text) => stream.write(text),
    async room(signal) {
      // That a reader is gone is known a turn after the writing.
      await setImmediate();
      if (stream.writableNeedDrain && !isGone) await drained(stream, signal);
      return !isGone;
    },
  };
}

async function drained(stream: NodeJS.WriteStream, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const over = (): void => resolve();
  stream.on("drain", over).on("error", over);
  try {
    await untilAborted(promise, signal);
  } finally {
    stream.off("drain", over).off("error", over);
  }
}

let saidOutputLost = false;

/** A full disk, say: told once and remembered in the exit code; the command goes on and drains. */
function outputLost(name: string, { code, message }: NodeJS.ErrnoException): void {
  if (saidOutputLost) return;
  saidOutputLost = true;
  process.once("exit", () => (process.exitCode ||= EXIT.failed));
  if (name !== "stderr")
    process.stderr.write(`error[output]: What is written to ${name} is lost (${code ?? message}).\n`);
}
