import { StringDecoder } from "node:string_decoder";

import { EventQueue, parseJson, type DataEvent } from "../../kernel/index.ts";
import { BrokenBody, readEvents, TooLarge, type HttpResponse } from "../../http/index.ts";
import { writeBookmark } from "./bookmark.ts";
import { eventData, RECORD_SEPARATOR } from "./map-value.ts";

const MOST_WAITING = 65_536;

/**
 * An answer that is a stream itself, event by event (`text/event-stream`) or line by line. While what came has not been taken the
 * server has to wait. Leaving it closes the connection.
 */
export function streamBody(
  response: HttpResponse,
  kind: "events" | "json-lines",
  limit: number,
  signal: AbortSignal,
): AsyncIterable<DataEvent> {
  if (!/^(?:identity)?$/i.test(response.header("content-encoding") ?? "")) {
    const error = new BrokenBody("is a stream that is compressed, although that was not asked for");
    response.destroy(error);
    throw error;
  }
  const queue = new EventQueue<DataEvent>({
    what: "The stream of the answer",
    // One piece from the connection may hold many short ones before it can be paused.
    limit: MOST_WAITING,
    highWater: 256,
    onDrain: () => response.resume(),
    onLeave: () => response.destroy(new Error("Nobody reads on.")),
  });
  const reading = kind === "events" ? pushEvents(response, queue, limit) : pushLines(response, queue, limit);
  reading.then(
    () => queue.end(),
    (error: unknown) => queue.fail(signal.aborted ? signal.reason : error),
  );
  return queue;
}

function pushEvents(response: HttpResponse, queue: EventQueue<DataEvent>, limit: number): Promise<void> {
  return readEvents(response, {
    limit,
    onEvent({ data, id }) {
      const cursor = id === undefined ? undefined : writeBookmark({ place: undefined, taken: 0, page: 1, event: id });
      const event: DataEvent = { type: "data", value: eventData(data), ...(cursor !== undefined && { cursor }) };
      if (!queue.push(event, data.length)) response.pause();
      return queue.closed;
    },
  });
}

async function pushLines(response: HttpResponse, queue: EventQueue<DataEvent>, limit: number): Promise<void> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const push = (line: string): void => {
    if (line.trim() === "") return;
    try {
      if (!queue.push({ type: "data", value: parseJson(line) }, line.length)) response.pause();
    } catch (error) {
      throw new BrokenBody("has a line that is no JSON", error);
    }
  };
  await response.read((chunk) => {
    const lines = (rest + decoder.write(chunk)).replaceAll(RECORD_SEPARATOR, "\n").split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > limit) throw new TooLarge(limit);
    for (const line of lines) push(line);
  });
  push(rest + decoder.end());
}
