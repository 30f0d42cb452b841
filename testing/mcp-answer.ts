import type { ServerResponse } from "node:http";

import type { McpFault } from "./mcp-dials.ts";

/** One HTTP answer, in all the ways it can go right or wrong. */
export class Answer {
  readonly #response: ServerResponse;
  readonly #id: unknown;

  constructor(response: ServerResponse, id: unknown) {
    this.#response = response;
    this.#id = id;
  }

  header(name: string, value: string): void {
    this.#response.setHeader(name, value);
  }

  onClosed(listener: () => void): void {
    this.#response.once("close", () => {
      if (!this.#response.writableFinished) listener();
    });
  }

  /** A message before the answer, which makes the answer an event stream. Resolves when there is room for the next. */
  async event(message: object): Promise<void> {
    const response = this.#response;
    if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
    if (response.write(`data: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`) || response.closed) return;
    await new Promise<void>((resolve) => {
      response.once("drain", resolve);
      response.once("close", resolve);
    });
  }

  /** An event stream with nothing on it yet. */
  open(): void {
    this.#response.writeHead(200, { "content-type": "text/event-stream" });
    this.#response.write(": open\n\n");
  }

  accepted(): void {
    this.#response.writeHead(202).end();
  }

  result(result: object, mode: "json" | "sse" = "json"): void {
    this.#message({ jsonrpc: "2.0", id: this.#id, result }, mode);
  }

  error(code: number, message: string, data?: unknown): void {
    this.#message({ jsonrpc: "2.0", id: this.#id, error: { code, message, data } }, "json");
  }

  status(fault: McpFault & { kind: "status" }): void {
    const { status, code = -32000, message = `HTTP ${status}`, body, headers = {} } = fault;
    const own = body ?? JSON.stringify({ jsonrpc: "2.0", id: this.#id, error: { code, message } });
    const contentType = body === undefined ? "application/json" : "text/plain";
    this.#response.writeHead(status, { "content-type": contentType, ...headers }).end(own);
  }

  /** Gives true where the fault is the whole answer, so that nothing is executed. */
  fault(fault: McpFault): boolean {
    switch (fault.kind) {
      case "status":
        this.status(fault);
        return true;
      case "rpc-error":
        this.error(fault.code, fault.message, fault.data);
        return true;
      case "hang":
        return true;
      case "cut":
        if (!fault.executed) this.cut();
        return !fault.executed;
      case "raw":
        if (fault.executed !== true) this.raw(fault);
        return fault.executed !== true;
      default:
        return false;
    }
  }

  raw({ body, contentType = "application/json" }: McpFault & { kind: "raw" }): void {
    this.#response
      .writeHead(200, { "content-type": contentType })
      .end(body.replaceAll("$ID", JSON.stringify(this.#id)));
  }

  cut(): void {
    this.#response.socket?.destroy();
  }

  endStream(eventId: string | undefined): void {
    this.#response.writeHead(200, { "content-type": "text/event-stream" });
    this.#response.end(eventId === undefined ? ": nothing\n\n" : `id: ${eventId}\nretry: 10\ndata: \n\n`);
  }

  #message(message: object, mode: "json" | "sse"): void {
    const body = JSON.stringify(message);
    if (this.#response.headersSent) this.#response.end(`event: message\ndata: ${body}\n\n`);
    else if (mode === "json") this.#response.writeHead(200, { "content-type": "application/json" }).end(body);
    else
      this.#response.writeHead(200, { "content-type": "text/event-stream" }).end(`event: message\ndata: ${body}\n\n`);
  }
}
