import { PassThrough, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from "node:zlib";

import { TooLarge } from "./http-response.ts";

/**
 * What was compressed (RFC 9110, section 8.4.1; RFC 7932; RFC 8878), or undefined for an encoding that is unknown.
 * Rejects with `TooLarge` as soon as it has become more than `limit` bytes.
 */
export async function decompress(encoding: string, bytes: Buffer, limit: number): Promise<Buffer | undefined> {
  const decoder = decoderFor(encoding, bytes);
  if (decoder === undefined) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  const source = new PassThrough();
  source.end(bytes);
  await pipeline(source, decoder, async (decoded: AsyncIterable<Buffer>) => {
    for await (const chunk of decoded) {
      size += chunk.length;
      if (size > limit) throw new TooLarge(limit);
      chunks.push(chunk);
    }
  });
  return Buffer.concat(chunks, size);
}

function decoderFor(encoding: string, bytes: Buffer): Transform | undefined {
  switch (encoding) {
    case "gzip":
    case "x-gzip":
      return createGunzip();
    case "deflate":
      // Servers send both forms; the first byte of the declared one (RFC 1950) names its method.
      return ((bytes[0] ?? 0) & 0x0f) === 8 ? createInflate() : createInflateRaw();
    case "br":
      return createBrotliDecompress();
    case "zstd":
      return createZstdDecompress();
    default:
      return undefined;
  }
}
