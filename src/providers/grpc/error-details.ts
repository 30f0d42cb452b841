import { fromBinary, type DescMessage, type Message, type Registry } from "@bufbuild/protobuf";
import type { Metadata } from "@grpc/grpc-js";

import { isJsonObject, oneLine, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { errorMessage } from "./known-types.ts";
import { writeMessage } from "./map-value.ts";

/** What a server says of an error besides its status (https://google.aip.dev/193). */
export interface ErrorDetails {
  /** Each as JSON, with `@type`. Traces of the server's own code are left out. */
  readonly details: readonly JsonObject[];
  /** The wait that it asks for, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** What is wrong with which field, for people. */
  readonly violations: readonly string[];
  readonly help: string | undefined;
}

const NONE: ErrorDetails = { details: [], retryAfterMs: undefined, violations: [], help: undefined };
const MOST_DETAILS = 16;
const MOST_BYTES = 64 * 1024;

/** Reads `grpc-status-details-bin` and `grpc-retry-pushback-ms`; what cannot be read is not there. */
export function readErrorDetails(metadata: Metadata | undefined): ErrorDetails {
  const [bytes] = metadata?.get("grpc-status-details-bin") ?? [];
  const [pushback] = metadata?.get("grpc-retry-pushback-ms") ?? [];
  const asked = typeof pushback === "string" && /^\d{1,9}$/.test(pushback) ? Number(pushback) : undefined;
  if (!Buffer.isBuffer(bytes) || bytes.length > MOST_BYTES) return { ...NONE, retryAfterMs: asked };
  const details = unpack(bytes);
  const of = (type: string): JsonObject[] =>
    details.filter(({ "@type": name }) => typeof name === "string" && name.endsWith(`/google.rpc.${type}`));
  const [retry] = of("RetryInfo");
  const list = (one: JsonObject, key: string): JsonObject[] => {
    const items = one[key];
    return Array.isArray(items) ? items.filter(isJsonObject) : [];
  };
  const violations = [
    ...of("BadRequest").flatMap((one) =>
      list(one, "fieldViolations").map((item) => said(item["field"], item["description"])),
    ),
    ...of("PreconditionFailure").flatMap((one) =>
      list(one, "violations").map((item) => said(item["subject"], item["description"])),
    ),
    ...of("QuotaFailure").flatMap((one) =>
      list(one, "violations").map((item) => said(item["subject"], item["description"])),
    ),
  ];
  const [link] = of("Help").flatMap((one) => list(one, "links"));
  return {
    details,
    retryAfterMs: millisecondsOf(retry?.["retryDelay"]) ?? asked,
    violations,
    help: link === undefined ? undefined : said(link["description"], link["url"]),
  };
}

function said(subject: JsonValue | undefined, text: JsonValue | undefined): string {
  return [subject, text]
    .filter((one) => typeof one === "string" && one !== "")
    .map((one) => oneLine(one as string, 200))
    .join(": ");
}

function millisecondsOf(duration: JsonValue | undefined): number | undefined {
  if (typeof duration !== "string") return undefined;
  const ms = Math.round(Number(duration.replace(/s$/, "")) * 1_000);
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

function unpack(bytes: Buffer): JsonObject[] {
  const status = errorMessage("google.rpc.Status") as DescMessage;
  const registry = { getMessage: errorMessage } as unknown as Registry;
  try {
    const { details } = fromBinary(status, bytes) as Message & { details: { typeUrl: string; value: Uint8Array }[] };
    return details.slice(0, MOST_DETAILS).flatMap((detail) => {
      const desc = errorMessage(detail.typeUrl.slice(detail.typeUrl.lastIndexOf("/") + 1));
      if (desc === undefined) return [];
      try {
        const value = writeMessage(desc, fromBinary(desc, detail.value), { registry, emitDefaults: false });
        return [{ "@type": oneLine(detail.typeUrl, 200), ...(value as JsonObject) }];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}
