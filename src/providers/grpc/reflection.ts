import { clone, create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, type FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";

import { abortError, fail } from "../../kernel/index.ts";
import type { Connection } from "./connect.ts";
import { reflectionMessage } from "./known-types.ts";
import { isWellKnownFile, normaliseDescriptors } from "./normalise-descriptors.ts";
import { BrokenAnswer, StatusError } from "./status-error.ts";
import { statusOf } from "./status-of.ts";

/** https://github.com/grpc/grpc/blob/master/doc/server-reflection.md: the newer one first. */
const VERSIONS = ["v1", "v1alpha"] as const;

const MOST_FILES = 10_000;
const MOST_BYTES = 64 * 1024 * 1024;
const NOT_FOUND = 5;

type Question =
  | { readonly file_by_filename: string }
  | { readonly file_containing_symbol: string }
  | { readonly list_services: string };

interface Answer {
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Uint8Array[] };
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly errorResponse?: { readonly errorCode: number; readonly errorMessage: string };
}

/** What a server says of itself. */
export interface Reflection {
  /** Which version it answered. */
  readonly version: string;
  /** Names of its services, those of reflection itself left out. */
  services(): Promise<string[]>;
  /** Every file that the description of a service (or message) needs. */
  describe(symbols: readonly string[]): Promise<FileDescriptorProto[]>;
}

/** Runs `use` on a stream of questions to a server, and ends the stream. Rejects with a `StatusError` where the server has no reflection. */
export async function reflect<T>(
  connection: Connection,
  signal: AbortSignal,
  use: (reflection: Reflection) => Promise<T>,
): Promise<T> {
  let refused: unknown;
  for (const version of VERSIONS) {
    const stream = new Questions(connection, signal, version);
    try {
      return await use(new Asking(stream, version));
    } catch (error) {
      if (!(error instanceof StatusError) || error.status.code !== grpc.status.UNIMPLEMENTED) throw error;
      refused ??= error;
    } finally {
      stream.close();
    }
  }
  throw refused;
}

class Asking implements Reflection {
  readonly version: string;
  readonly #stream: Questions;

  constructor(stream: Questions, version: string) {
    this.#stream = stream;
    this.version = version;
  }

  async services(): Promise<string[]> {
    const answer = await this.#stream.ask({ list_services: "*" });
    if (answer.listServicesResponse === undefined) throw refusal(answer, "its services");
    return answer.listServicesResponse.service
      .map(({ name }) => name)
      .filter((name) => !/^grpc\.reflection\.v1(?:alpha)?\.ServerReflection$/.test(name));
  }

  async describe(symbols: readonly string[]): Promise<FileDescriptorProto[]> {
    const files = new Map<string, FileDescriptorProto>();
    const asked = new Set<string>();
    let bytes = 0;
    const add = (answer: Answer, what: string): void => {
      if (answer.fileDescriptorResponse === undefined) throw refusal(answer, what);
      for (const encoded of answer.fileDescriptorResponse.fileDescriptorProto) {
        bytes += encoded.length;
        const file = decode(encoded);
        if (!files.has(file.name)) files.set(file.name, file);
      }
      if (files.size > MOST_FILES || bytes > MOST_BYTES)
        throw new BrokenAnswer("What the server says of itself has no end.");
    };
    for (const symbol of symbols) add(await this.#stream.ask({ file_containing_symbol: symbol }), symbol);
    // Some servers send what a file depends on along, others wait to be asked.
    for (const file of files.values()) {
      for (const name of file.dependency) {
        if (files.has(name) || isWellKnownFile(name) || asked.has(name)) continue;
        asked.add(name);
        const answer = await this.#stream.ask({ file_by_filename: name });
        // What is imported for its options alone may be unknown, and is not needed.
        if (answer.errorResponse?.errorCode !== NOT_FOUND) add(answer, name);
      }
    }
    // And some say of no file what it depends on.
    for (let round = 0; round < 10; round++) {
      const copies = [...files.values()].map((file) => clone(FileDescriptorProtoSchema, file));
      const missing = normaliseDescriptors(copies).missing.filter(({ name }) => !asked.has(name));
      if (missing.length === 0) break;
      for (const { name } of missing) {
        if (asked.has(name)) continue;
        asked.add(name);
        const answer = await this.#stream.ask({ file_containing_symbol: name });
        if (answer.fileDescriptorResponse !== undefined) add(answer, name);
      }
    }
    return [...files.values()];
  }
}

function decode(encoded: Uint8Array): FileDescriptorProto {
  try {
    return fromBinary(FileDescriptorProtoSchema, encoded);
  } catch (error) {
    throw new BrokenAnswer("What the server says of its files cannot be read.", { cause: error });
  }
}

function refusal({ errorResponse }: Answer, what: string): Error {
  if (errorResponse === undefined) return new BrokenAnswer("The server answered another question than it was asked.");
  return new StatusError({
    code: errorResponse.errorCode,
    details: `The server does not describe ${what}: ${errorResponse.errorMessage}`,
    metadata: undefined,
    answered: true,
    ended: false,
  });
}

/** One stream of questions, each answered before the next one is asked. */
class Questions {
  readonly #call: grpc.ClientDuplexStream<Buffer, Buffer>;
  readonly #answers: AsyncIterator<Buffer>;
  readonly #connection: Connection;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.#call.cancel();
  #answered = false;

  constructor(connection: Connection, signal: AbortSignal, version: string) {
    const same = (bytes: Buffer): Buffer => bytes;
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    this.#connection = connection;
    this.#signal = signal;
    this.#call = connection.client.makeBidiStreamRequest(path, same, same, connection.metadata.clone());
    this.#call.on("metadata", () => (this.#answered = true));
    // Heard here too, so that a stream that is closed while nobody reads it harms nobody.
    this.#call.on("error", () => {});
    this.#answers = this.#call[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    connection.calls.add(this.#call);
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  async ask(question: Question): Promise<Answer> {
    const { Request, Response } = {
      Request: reflectionMessage("ServerReflectionRequest"),
      Response: reflectionMessage("ServerReflectionResponse"),
    };
    if (this.#signal.aborted) throw abortError(this.#signal);
    const [[field, value] = ["", ""]] = Object.entries(question) as [string, string][];
    const localName = field.replace(/_(.)/g, (_match, letter: string) => letter.toUpperCase());
    const bytes = toBinary(Request, create(Request, { [localName]: value }));
    let next: IteratorResult<Buffer>;
    try {
      this.#call.write(Buffer.from(bytes));
      next = await this.#answers.next();
    } catch (error) {
      if (this.#signal.aborted) throw abortError(this.#signal);
      throw statusOf(error, { answered: this.#answered, connection: this.#connection });
    }
    if (next.done === true)
      fail("protocol-error", "The server ended its description of itself before it was complete.");
    try {
      return fromBinary(Response, next.value) as unknown as Answer;
    } catch (error) {
      throw new BrokenAnswer("What the server says of itself cannot be read.", { cause: error });
    }
  }

  close(): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#connection.calls.delete(this.#call);
    this.#call.cancel();
  }
}
