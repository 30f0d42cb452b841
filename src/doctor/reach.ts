import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { CcosError, untilAborted, type Clock } from "../kernel/index.ts";
import type { Check } from "./check.ts";

export interface ReachOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** For each step, in milliseconds. */
  readonly timeoutMs: number;
}

const PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443, "ws:": 80, "wss:": 443, "grpcs:": 443 };
const ENCRYPTED: ReadonlySet<string> = new Set(["https:", "wss:", "grpcs:"]);
const DAY_MS = 86_400_000;
const SOON_DAYS = 14;

/** Whether an endpoint is an address of the network, and not a command. */
export function isAddress(endpoint: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(endpoint) && URL.canParse(endpoint) && new URL(endpoint).hostname !== "";
}

/**
 * Whether an endpoint can be reached, step by step: the name, the port, the encryption. A step that fails is the
 * last. Nothing of the protocol is spoken and nothing secret is sent.
 */
export async function checkReach(endpoint: string, options: ReachOptions): Promise<Check[]> {
  const url = new URL(endpoint);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? PORTS[url.protocol] : Number(url.port);
  const checks: Check[] = [];
  if (isIP(host) === 0) {
    const found = await step(
      "dns",
      options,
      () => resolveName(host),
      () => `Check the host name ${host}, and that this machine can look names up.`,
    );
    checks.push(found);
    if (found.status === "problem") return checks;
  }
  if (port === undefined) {
    return [
      ...checks,
      {
        name: "tcp",
        status: "skipped",
        message: `The address names no port, and ${url.protocol} has none of its own.`,
      },
    ];
  }
  const reached = await step(
    "tcp",
    options,
    (signal) => connectPort(host, port, signal),
    (code) => portRemedy(code, host, port),
  );
  checks.push(reached);
  if (reached.status !== "problem" && ENCRYPTED.has(url.protocol)) {
    checks.push(
      await step(
        "tls",
        options,
        (signal) => secure(host, port, options.clock, signal),
        (code) => certificateRemedy(code, host),
      ),
    );
  }
  return checks;
}

type Found = string | { readonly note: string; readonly remedy: string };

async function step(
  name: string,
  { clock, signal, timeoutMs }: ReachOptions,
  work: (signal: AbortSignal) => Promise<Found>,
  remedy: (code: string) => string,
): Promise<Check> {
  const startedAt = clock.monotonic();
  const patience = new AbortController();
  const late = new CcosError("deadline-exceeded", `No answer within ${timeoutMs} ms.`);
  const timer = clock.setTimer(timeoutMs, () => patience.abort(late));
  const either = AbortSignal.any([signal, patience.signal]);
  const durationMs = (): number => Math.round(clock.monotonic() - startedAt);
  try {
    const found = await untilAborted(work(either), either);
    if (typeof found === "string") return { name, status: "ok", message: found, durationMs: durationMs() };
    return { name, status: "note", message: found.note, remedy: found.remedy, durationMs: durationMs() };
  } catch (error) {
    if (signal.aborted) throw error;
    const { code = "" } = error as { code?: string };
    const message = error === late ? late.message : reasonOf(error);
    return { name, status: "problem", message, remedy: remedy(code), durationMs: durationMs() };
  } finally {
    timer.cancel();
  }
}

async function resolveName(host: string): Promise<string> {
  const addresses = await lookup(host, { all: true });
  return `${host} is ${addresses
    .slice(0, 3)
    .map(({ address }) => address)
    .join(", ")}${addresses.length > 3 ? " and others" : ""}.`;
}

function connectPort(host: string, port: number, signal: AbortSignal): Promise<string> {
  return opened(connect({ host, port }), "connect", signal, () => `${host} takes connections on port ${port}.`);
}

function secure(host: string, port: number, clock: Clock, signal: AbortSignal): Promise<Found> {
  const socket = connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }) });
  return opened(socket, "secureConnect", signal, (secured) => {
    const { valid_to: validTo } = secured.getPeerCertificate();
    const daysLeft = Math.floor((Date.parse(validTo) - clock.now()) / DAY_MS);
    const protocol = secured.getProtocol() ?? "TLS";
    if (!(daysLeft < SOON_DAYS)) return `${protocol}, and the certificate is valid until ${validTo}.`;
    return {
      note: `${protocol}, and the certificate ends in ${daysLeft} days.`,
      remedy: `Whoever runs ${host} has to renew it.`,
    };
  });
}

function opened<S extends Socket | TLSSocket, T>(
  socket: S,
  event: string,
  signal: AbortSignal,
  say: (socket: S) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => void socket.destroy();
    signal.addEventListener("abort", end, { once: true });
    socket.once("close", () => signal.removeEventListener("abort", end));
    socket.on("error", reject);
    socket.once(event, () => {
      resolve(say(socket));
      end();
    });
  });
}

/** What a system said, also where it tried several addresses and every one failed. */
function reasonOf(error: unknown): string {
  const { message, code, errors } = error as { message?: string; code?: string; errors?: readonly Error[] };
  const text = message === undefined || message === "" ? errors?.[0]?.message : message;
  return `${text ?? code ?? "It failed"}${text !== undefined && code !== undefined && !text.includes(code) ? ` (${code})` : ""}.`;
}

function portRemedy(code: string, host: string, port: number): string {
  if (code === "ECONNREFUSED")
    return `Nothing listens on port ${port} of ${host}: start the server, or correct the address.`;
  return `Check the address, and that no firewall stands between this machine and ${host}:${port}.`;
}

function certificateRemedy(code: string, host: string): string {
  if (code === "CERT_HAS_EXPIRED") return `The certificate of ${host} has expired; whoever runs it has to renew it.`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `The certificate is of another host than ${host}: correct the address.`;
  if (/SELF_SIGNED|UNABLE_TO/.test(code))
    return "Nobody this machine trusts has signed the certificate; NODE_EXTRA_CA_CERTS names a file of further authorities.";
  return "What answers there may speak no TLS: check the scheme and the port of the address.";
}
