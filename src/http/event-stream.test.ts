import type { Dispatcher } from "undici";
import { beforeEach, describe, expect, test } from "vitest";

import { readEvents } from "./event-stream.ts";
import { HttpResponse, TooLarge } from "./http-response.ts";

let response: HttpResponse;
beforeEach(() => {
  const controller = { pause() {}, resume() {}, abort() {} } as unknown as Dispatcher.DispatchController;
  response = new HttpResponse(200, {}, controller);
});

const arrives = (text: string): void => response.arrived(Buffer.from(text));

describe("reading server-sent events", () => {
  test("gives each event, and ends with the stream", async () => {
    const events: string[] = [];
    const reading = readEvents(response, { limit: 1000, onEvent: (event) => void events.push(event.data) });
    arrives("data: one\n\ndata: tw");
    arrives("o\n\n");
    response.ended();
    await reading;
    expect(events).toEqual(["one", "two"]);
  });

  test("passes over comments, however many there are", async () => {
    const events: string[] = [];
    const reading = readEvents(response, { limit: 100, onEvent: (event) => void events.push(event.data) });
    for (let sent = 0; sent < 100; sent++) arrives(": still there\n\n");
    arrives("data: at last\n\n");
    response.ended();
    await reading;
    expect(events).toEqual(["at last"]);
  });

  test.each([
    ["in one line that does not end", "x"],
    ["in many lines", "data: xxxxxxxx\n"],
    ["in lines with comments between them", "data: xxxxxxxx\n: hi\n"],
  ])("refuses an event beyond the limit %s", async (_how, piece) => {
    const reading = readEvents(response, { limit: 1000, onEvent: () => {} });
    arrives("data: ");
    for (let sent = 0; sent < 2000; sent++) arrives(piece);
    await expect(reading).rejects.toBeInstanceOf(TooLarge);
  });
});
