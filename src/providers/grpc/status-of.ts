import type { ServiceError } from "@grpc/grpc-js";

import type { Connection } from "./connect.ts";
import { StatusError } from "./status-error.ts";

/**
 * What the transport throws, with what is known of how far the call came. Words of the peer are told from those of our
 * own end by its headers: an answer that consists of trailers alone has its content type among them
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
 */
export function statusOf(
  error: unknown,
  { answered, connection }: { readonly answered: boolean; readonly connection: Connection },
): unknown {
  if (!isServiceError(error)) return error;
  const { code, details, metadata } = error;
  return new StatusError({
    code,
    details,
    metadata,
    answered: answered || (metadata?.get("content-type").length ?? 0) > 0,
    ended: connection.ended !== undefined,
  });
}

function isServiceError(error: unknown): error is ServiceError {
  const { code, details } = (typeof error === "object" && error !== null ? error : {}) as Partial<ServiceError>;
  return typeof code === "number" && typeof details === "string";
}
