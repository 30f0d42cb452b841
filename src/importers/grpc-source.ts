import { stat } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { createRedactor, fail, oneLine, type JsonObject } from "../kernel/index.ts";
import { readAddress, type Address } from "../providers/grpc/index.ts";

/** Where a description comes from: a server that is asked, or what is on the disk. */
export type GrpcSource =
  | { readonly kind: "server"; readonly address: Address; readonly shown: string }
  | { readonly kind: "files"; readonly path: string; readonly shown: string };

const LOCAL = /\.(?:proto|binpb|pb|bin|desc|protoset|fds|json)$/i;

/** Reads a source as people give it: a file or folder that exists, or what has the form of one, else an address. */
export async function parseGrpcSource(given: string | URL, cwd: string): Promise<GrpcSource> {
  const text = String(given).trim();
  if (text === "") {
    fail("invalid-argument", "There is no source to import from.", {
      remedy: "Give host:port of a server with reflection, a .proto file or a folder of them, or a descriptor set.",
    });
  }
  const hasScheme = /^(?:[a-z][a-z0-9+.-]*:\/\/|dns:|ipv[46]:|unix:)/i.test(text);
  const path = resolve(cwd, text);
  const exists =
    !hasScheme &&
    (await stat(path).then(
      () => true,
      () => false,
    ));
  if (exists || (!hasScheme && LOCAL.test(text))) return { kind: "files", path, shown: oneLine(text, 300) };
  return { kind: "server", ...parseTarget(text, "the source") };
}

/** An address of a server, and how it may be shown. */
export function parseTarget(text: string, where: string): { readonly address: Address; readonly shown: string } {
  const remedy = "Give it like 127.0.0.1:50051 or grpcs://api.example.com.";
  const address = readAddress(createRedactor().redact(text) === text ? text : "", undefined, where, remedy);
  return { address, shown: address.endpoint };
}

/** The keys of the provider's block that lead to a server. */
export function connectionOf(address: Address, caFile: string | undefined, cwd: string, out: string): JsonObject {
  const target = address.port === undefined ? address.target : `${address.host}:${address.port}`;
  return {
    target,
    tls: address.tls,
    // Relative, as every path in a capability file is.
    ...(caFile !== undefined && { ca_file: relative(resolve(cwd, out), resolve(cwd, caFile)) || "." }),
  };
}
