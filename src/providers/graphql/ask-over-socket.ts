import { abortError, type JsonValue } from "../../kernel/index.ts";
import type { Answer, AskOptions } from "./connect.ts";
import { readResponse } from "./map-value.ts";
import type { GraphqlRequest } from "./request.ts";
import type { GraphqlSocket, RunningOperation } from "./socket.ts";
import { WireError } from "./wire-error.ts";

/** Runs an operation that answers once over a socket. */
export function askOverSocket(socket: GraphqlSocket, request: GraphqlRequest, options: AskOptions): Promise<Answer> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortError(signal));
      return;
    }
    let running: RunningOperation | undefined;
    const onAbort = (): void => end(() => reject(abortError(signal)));
    const end = (settle: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      running?.leave();
      settle();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const answered = (value: JsonValue): void =>
      end(() => {
        try {
          resolve({ response: readResponse(value) });
        } catch (error) {
          reject(error as Error);
        }
      });
    try {
      // The socket writes at once where it is open; where it is not, this throws, and nothing has left.
      if (socket.isOpen) options.sent?.();
      running = socket.run(request, {
        next: answered,
        refused: (errors) => answered({ errors }),
        complete: () =>
          end(() => reject(new WireError({ kind: "broken", text: "The operation ended without an answer." }))),
        failed: (error) => end(() => reject(error)),
      });
    } catch (error) {
      end(() => reject(error as Error));
    }
  });
}
