import { readFile } from "node:fs/promises";

import * as grpc from "@grpc/grpc-js";

import { abortError, fail } from "../../kernel/index.ts";
import { StatusError } from "./status-error.ts";
import type { GrpcSettings, TlsSettings } from "./target.ts";

const { READY, TRANSIENT_FAILURE, SHUTDOWN } = grpc.connectivityState;

/** One connection, and the calls on it. */
export interface Connection {
  readonly client: grpc.Client;
  /** What goes with each call. Copied before it is changed. */
  readonly metadata: grpc.Metadata;
  /** Why the connection is no more; undefined while it lives. */
  ended: string | undefined;
  /** Calls under way, to be given up with the session. */
  readonly calls: Set<{ cancel(): void }>;
}

export interface ConnectOptions {
  /** What goes with each call. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Told when the connection ends by itself. */
  readonly lost: (reason: string) => void;
}

/** Opens a connection and waits until it stands. Rejects with a `StatusError` where it cannot be made. */
export async function connect(settings: GrpcSettings, options: ConnectOptions): Promise<Connection> {
  const { signal, lost } = options;
  const credentials = settings.tls === undefined ? grpc.credentials.createInsecure() : await secured(settings.tls);
  if (signal.aborted) throw abortError(signal);
  const client = new grpc.Client(settings.address, credentials, channelOptions(settings));
  const connection: Connection = { client, metadata: metadataOf(options.metadata), ended: undefined, calls: new Set() };
  try {
    await becomesReady(client, signal);
  } catch (error) {
    client.close();
    throw error;
  }
  watch(connection, lost);
  return connection;
}

/** Gives calls up, and the connection. */
export function disconnect(connection: Connection): void {
  connection.ended ??= "The session was closed.";
  for (const call of connection.calls) call.cancel();
  connection.client.close();
}

/** Whether the peer answers is the keep-alive's to find out; whether the connection stands is known. */
export function isConnected(connection: Connection): boolean {
  return connection.ended === undefined && connection.client.getChannel().getConnectivityState(false) === READY;
}

function channelOptions({ authority, maxResponseBytes, keepalive, tls }: GrpcSettings): grpc.ChannelOptions {
  return {
    // A session is a connection of its own, and whoever ends it ends the connection.
    "grpc.use_local_subchannel_pool": 1,
    // The core decides what is run again, and when a session has been idle for too long.
    "grpc.enable_retries": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.client_idle_timeout_ms": 2_147_483_647,
    "grpc.enable_channelz": 0,
    "grpc.max_receive_message_length": maxResponseBytes,
    // What is sent in the clear stays on this machine; a proxy is another one.
    "grpc.enable_http_proxy": tls === undefined ? 0 : 1,
    "grpc.primary_user_agent": "ccos",
    ...(authority !== undefined && {
      "grpc.default_authority": authority,
      ...(tls !== undefined && { "grpc.ssl_target_name_override": authority.replace(/:\d+$/, "") }),
    }),
    ...(keepalive.timeMs > 0 && {
      "grpc.keepalive_time_ms": keepalive.timeMs,
      "grpc.keepalive_timeout_ms": keepalive.timeoutMs,
      "grpc.keepalive_permit_without_calls": keepalive.withoutCalls ? 1 : 0,
    }),
  };
}

async function secured({ caFile, certFile, keyFile }: TlsSettings): Promise<grpc.ChannelCredentials> {
  const read = (file: string | undefined, key: string): Promise<Buffer> | undefined =>
    file === undefined
      ? undefined
      : readFile(file).catch((error: NodeJS.ErrnoException) =>
          fail("invalid-argument", `The ${key} ${file} cannot be read: ${error.code ?? "unknown reason"}.`),
        );
  const [ca, key, cert] = await Promise.all([
    read(caFile, ":ca_file"),
    read(keyFile, ":key_file"),
    read(certFile, ":cert_file"),
  ]);
  try {
    return grpc.credentials.createSsl(ca ?? null, key ?? null, cert ?? null);
  } catch (error) {
    // The library's words may quote what the files hold.
    return fail("invalid-argument", "The certificates of the capability are not in PEM form, or do not fit together.", {
      remedy: "Check :ca_file, :cert_file and :key_file.",
      cause: error,
    });
  }
}

/** What goes with each call, as the transport wants it. */
function metadataOf(declared: ConnectOptions["metadata"]): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(declared)) setMetadata(metadata, name, value);
  return metadata;
}

export function setMetadata(metadata: grpc.Metadata, name: string, value: string): void {
  metadata.set(name, name.endsWith("-bin") ? Buffer.from(value, "base64") : value);
}

function becomesReady(client: grpc.Client, signal: AbortSignal): Promise<void> {
  const channel = client.getChannel();
  return new Promise((resolve, reject) => {
    // A connection on its way does not keep a process alive, and whoever waits for it is to have it.
    const alive = setInterval(() => {}, 60_000);
    const onAbort = (): void => end(() => reject(abortError(signal)));
    const end = (settle: () => void): void => {
      clearInterval(alive);
      signal.removeEventListener("abort", onAbort);
      settle();
    };
    const look = (): void => {
      if (signal.aborted) return;
      const state = channel.getConnectivityState(true);
      if (state === READY) end(resolve);
      else if (state === TRANSIENT_FAILURE) whyNot(client, (error) => end(() => reject(error)));
      else if (state === SHUTDOWN) end(() => reject(new StatusError(notConnected("The connection was closed."))));
      else channel.watchConnectivityState(state, Infinity, look);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    look();
  });
}

/** Only a call is told why there is no connection; this one fails at once, and goes nowhere. */
function whyNot(client: grpc.Client, hear: (error: StatusError) => void): void {
  const same = (bytes: Buffer): Buffer => bytes;
  const deadline = Date.now() + 1_000;
  client.makeUnaryRequest("/", same, same, Buffer.alloc(0), { deadline }, (error) =>
    hear(new StatusError(notConnected(error?.details ?? "The connection cannot be made."))),
  );
}

function notConnected(details: string): StatusError["status"] {
  return { code: grpc.status.UNAVAILABLE, details, metadata: undefined, answered: false, ended: true };
}

function watch(connection: Connection, lost: (reason: string) => void): void {
  const channel = connection.client.getChannel();
  const left = (): void => {
    if (connection.ended !== undefined) return;
    connection.ended = "The connection has ended.";
    lost(connection.ended);
  };
  channel.watchConnectivityState(READY, Infinity, left);
  if (channel.getConnectivityState(false) !== READY) left();
}
