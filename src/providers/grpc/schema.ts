import { fromBinary, toBinary, type DescMessage, type DescMethod, type Registry } from "@bufbuild/protobuf";

import { didYouMean, fail, type JsonValue } from "../../kernel/index.ts";
import { writeMessage } from "./map-value.ts";
import { readMessage } from "./read-value.ts";
import { BrokenAnswer } from "./status-error.ts";

export type MethodKind = DescMethod["methodKind"];

/** How one method is called: everything but the connection. */
export interface MethodPlan {
  /** `/pkg.Service/Method`. */
  readonly path: string;
  readonly kind: MethodKind;
  readonly input: DescMessage;
  readonly output: DescMessage;
  /** Throws `invalid-argument` with the path of what does not fit. */
  encode(value: JsonValue, path?: string): Buffer;
  /** Throws `BrokenAnswer`. */
  decode(bytes: Buffer, emitDefaults: boolean): JsonValue;
}

/** What is known of services: where it came from does not matter any more. */
export class Schema {
  readonly registry: Registry;
  readonly #where: string;
  readonly #plans = new Map<string, MethodPlan>();

  /** @param where what was read, for people: a file, or the server. */
  constructor(registry: Registry, where: string) {
    this.registry = registry;
    this.#where = where;
  }

  /** Throws `invalid-argument` where nothing describes the service or method. */
  plan(service: string, method: string): MethodPlan {
    const key = `${service}/${method}`;
    let plan = this.#plans.get(key);
    if (plan === undefined) this.#plans.set(key, (plan = this.#find(service, method)));
    return plan;
  }

  #find(service: string, name: string): MethodPlan {
    const described = this.registry.getService(service);
    if (described === undefined) {
      const names = [...this.registry].filter((one) => one.kind === "service").map(({ typeName }) => typeName);
      return fail("invalid-argument", `${this.#where} describes no service ${service}.`, {
        remedy:
          didYouMean(service, names) ||
          (names.length === 0 ? "It describes no service." : `It describes ${names.slice(0, 8).join(", ")}.`),
      });
    }
    const method = described.methods.find((one) => one.name === name);
    if (method === undefined) {
      const names = described.methods.map((one) => one.name);
      return fail("invalid-argument", `${service} has no method ${name}, as ${this.#where} describes it.`, {
        remedy: didYouMean(name, names) || `It has ${names.slice(0, 12).join(", ")}.`,
      });
    }
    return planOf(method, this.registry);
  }
}

function planOf(method: DescMethod, registry: Registry): MethodPlan {
  const { input, output } = method;
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    kind: method.methodKind,
    input,
    output,
    encode(value, path = "") {
      const message = readMessage(input, value, registry, path);
      const bytes = toBinary(input, message);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    decode(bytes, emitDefaults) {
      try {
        return writeMessage(output, fromBinary(output, bytes, READ), { registry, emitDefaults });
      } catch (error) {
        throw new BrokenAnswer(`The answer is no ${output.typeName}.`, { cause: error });
      }
    },
  };
}

const READ = { readUnknownFields: false };
