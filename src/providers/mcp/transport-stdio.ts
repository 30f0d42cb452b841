import { spawn, type ChildProcess } from "node:child_process";

import { oneLine } from "../../kernel/index.ts";
import { ChannelTransport } from "./channel.ts";

export interface StdioTransportOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the few harmless variables that every child gets. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  /** Most bytes of one message. */
  readonly limit: number;
}

/** What a child needs to find programs and its user's files, and nothing that could be a secret. */
const INHERITED =
  process.platform === "win32"
    ? [
        "APPDATA",
        "COMSPEC",
        "HOMEDRIVE",
        "HOMEPATH",
        "LOCALAPPDATA",
        "PATH",
        "PATHEXT",
        "PROGRAMDATA",
        "PROGRAMFILES",
        "SYSTEMDRIVE",
        "SYSTEMROOT",
        "TEMP",
        "USERNAME",
        "USERPROFILE",
        "WINDIR",
      ]
    : ["HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER"];

const STDERR_KEPT = 4096;
/** Of these an error quotes the end. */
const LAST_WORDS = 300;
const GRACE_MS = 2000;

/** Children that are running. A process that ends without closing its sessions takes them along: nobody else would. */
const live = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of live) child.kill("SIGKILL");
});

/** A server as a child process: one JSON message a line on its standard input and output. */
export class StdioTransport extends ChannelTransport {
  readonly #options: StdioTransportOptions;
  #child: ChildProcess | undefined;
  #exited: Promise<void> | undefined;
  #closing = false;
  #line: Buffer[] = [];
  #lineLength = 0;
  #stderr = "";

  constructor(options: StdioTransportOptions) {
    super();
    this.#options = options;
  }

  /** The process id while the child runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Opens it; afterwards it can send. */
  async open(): Promise<void> {
    const { command, args, env, cwd } = this.#options;
    const inherited: Record<string, string> = {};
    for (const name of INHERITED) {
      const value = process.env[name];
      if (value !== undefined && !value.startsWith("()")) inherited[name] = value;
    }
    const child = spawn(command, [...args], {
      env: { ...inherited, ...env },
      cwd,
      stdio: ["pipe", "pipe", "pipe"],
      shell: false,
      windowsHide: true,
    });
    this.#child = child;
    live.add(child);
    const { promise: spawned, resolve, reject } = Promise.withResolvers<void>();
    this.#exited = new Promise((done) => {
      child.once("spawn", resolve);
      child.once("error", (error: NodeJS.ErrnoException) => {
        if (child.pid === undefined) live.delete(child);
        reject(
          this.failed(
            { kind: "spawn", code: error.code ?? "UNKNOWN", text: `${command} could not be started.` },
            error,
          ),
        );
        this.end(`${command} could not be started.`, true);
        done();
      });
      child.once("exit", () => live.delete(child));
      child.once("close", (code, signal) => {
        const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
        const words = oneLine(
          this.#stderr.length > LAST_WORDS ? `…${this.#stderr.slice(-LAST_WORDS)}` : this.#stderr,
          LAST_WORDS + 1,
        );
        this.end(`The server's process ended ${how}${words === "" ? "." : `: ${words}`}`, this.#closing);
        done();
      });
    });
    child.stdin?.on("error", () => {});
    child.stdout?.on("error", () => {});
    child.stdout?.on("data", (chunk: Buffer) => this.#read(chunk));
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString("utf8")).slice(-STDERR_KEPT);
    });
    await spawned;
  }

  override async close(): Promise<void> {
    this.#closing = true;
    const child = this.#child;
    if (child === undefined || child.pid === undefined) {
      this.end("The session was closed.", true);
      return;
    }
    child.stdin?.end();
    // The end of its input asks a server to leave; then it is told, then made to.
    if (!(await this.#gone())) child.kill("SIGTERM");
    if (!(await this.#gone())) child.kill("SIGKILL");
    await this.#gone();
    child.stdout?.destroy();
    child.stderr?.destroy();
    this.end("The session was closed.", true);
  }

  override async terminate(): Promise<void> {
    // Closing its input is how a child is told; `close` does.
  }

  protected override write(text: string): Promise<void> {
    const stdin = this.#child?.stdin;
    if (stdin === undefined || stdin === null || !stdin.writable) {
      return Promise.reject(this.failed({ kind: "closed", text: "The server's process has ended.", sent: false }));
    }
    return new Promise((resolve, reject) => {
      stdin.write(`${text}\n`, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(this.failed({ kind: "closed", text: "The server's process has ended.", sent: true }, error));
      });
    });
  }

  async #gone(): Promise<boolean> {
    const child = this.#child as ChildProcess;
    const over = (): boolean => child.exitCode !== null || child.signalCode !== null;
    if (over()) return true;
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, GRACE_MS);
    });
    const exited = new Promise<void>((resolve) => {
      child.once("exit", () => resolve());
    });
    await Promise.race([this.#exited, exited, grace]);
    clearTimeout(timer);
    return over();
  }

  #read(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.#keep(chunk.subarray(start, end));
      const line = this.#line.length === 1 ? (this.#line[0] as Buffer) : Buffer.concat(this.#line, this.#lineLength);
      this.#line = [];
      this.#lineLength = 0;
      start = end + 1;
      if (line.length > 0 && line.length <= this.#options.limit) this.receive(line.toString("utf8"));
      else if (line.length > this.#options.limit) this.#tooLong();
    }
    this.#keep(chunk.subarray(start));
    if (this.#lineLength > this.#options.limit) this.#tooLong();
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#line.push(part);
    this.#lineLength += part.length;
  }

  /** Nobody can tell whose answer the endless line is, and it may never end: everything under way has failed. */
  #tooLong(): void {
    this.#line = [];
    this.#lineLength = 0;
    this.failAll(this.failed({ kind: "oversize", limit: this.#options.limit }));
    this.end("The server sent a message beyond the limit.", this.#closing);
    this.#child?.kill("SIGKILL");
  }
}
