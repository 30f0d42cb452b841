/** A way to call MCP tools, set up as its own documentation shows and with its defaults. */
export interface Contender {
  readonly name: string;
  /** The packages whose versions stand in the tables. */
  readonly packages: readonly string[];
  /** Connects, where its interface asks for that before the first call. The token stands in `BENCH_TOKEN`. */
  open(url: string): Promise<Client>;
}

export interface Client {
  /** Calls a tool and gives the text it answered with. Rejects where the call failed. */
  call(tool: Tool, input: ToolInput): Promise<string>;
  close(): Promise<void>;
}

/** `store` says nothing of itself; `read` has the read-only hint, and is declared idempotent where that can be declared. */
export type Tool = "store" | "read";

export interface ToolInput {
  readonly key: string;
}

/** The token as it is now. */
export function token(): string {
  return process.env["BENCH_TOKEN"] ?? "";
}

/** The text of a tool's result; a result that says it is an error is thrown. */
export function textOf(result: unknown): string {
  const { content, isError } = result as { content?: { text?: string }[]; isError?: boolean };
  const text = content?.[0]?.text ?? "";
  if (isError === true) throw new Error(`The tool failed: ${text}`);
  return text;
}
