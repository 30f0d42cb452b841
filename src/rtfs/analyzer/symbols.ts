import { didYouMean } from "../../kernel/index.ts";
import { vm, type Frame, type Node } from "../evaluator/machine.ts";
import { raise } from "../evaluator/raise.ts";
import type { Form, FormOf } from "../forms.ts";
import { builtinNames, findBuiltin } from "../library/index.ts";
import type { Value } from "../values.ts";
import { syntaxError, type Scope } from "./scope.ts";

/** The value of a name: lexical scope, then globals, the library, the host's context. */
export function analyzeSymbol(form: FormOf<"symbol">, scope: Scope): Node {
  if (form.name === ":") {
    throw syntaxError(form, "A colon by itself announces a type, and no type can stand here.", "a form");
  }
  return nodeOfName(form.name, scope, form);
}

export function nodeOfName(name: string, scope: Scope, form: Form): Node {
  const found = scope.find(name);
  if (found === undefined) return globalNode(name, scope, form);
  const read = slotNode(found.binding.slot, found.hops);
  if (!found.binding.late) return read;
  const outside = outsideNode(name, scope, found.scope, form);
  return (frame) => {
    const value = read(frame) as Value | undefined;
    return value === undefined ? outside(frame) : value;
  };
}

/** What a name means beyond a scope that binds it late, read from within. */
function outsideNode(name: string, from: Scope, binder: Scope, form: Form): Node {
  if (binder.outer === undefined) return globalNode(name, from, form);
  const node = nodeOfName(name, binder.outer, form);
  let hops = 0;
  for (let fn = from.fn; fn !== binder.outer.fn && fn.outer !== undefined; fn = fn.outer) hops++;
  if (hops === 0) return node;
  return (frame) => {
    let target = frame;
    for (let hop = 0; hop < hops; hop++) target = target[0] as Frame;
    return node(target);
  };
}

/** Reads a slot of a frame so many frames further out. */
function slotNode(slot: number, hops: number): Node {
  switch (hops) {
    case 0:
      return (frame) => frame[slot] as Value;
    case 1:
      return (frame) => (frame[0] as Frame)[slot] as Value;
    case 2:
      return (frame) => ((frame[0] as Frame)[0] as Frame)[slot] as Value;
    default:
      return (frame) => {
        let target = frame;
        for (let hop = 0; hop < hops; hop++) target = target[0] as Frame;
        return target[slot] as Value;
      };
  }
}

function globalNode(written: string, scope: Scope, form: Form): Node {
  const { names } = scope.unit;
  const name = scope.globalName(written);
  const index = names.index(name);
  const builtin = findBuiltin(name);
  if (builtin !== undefined) {
    return (frame) => {
      const value = frame[1][index];
      return value === undefined ? builtin : value;
    };
  }
  return (frame) => {
    const value = frame[1][index];
    if (value !== undefined) return value;
    const fromHost = vm.run?.settings.host?.context?.(name);
    if (fromHost !== undefined) return fromHost;
    return raiseUndefined(name, names.defined, form);
  };
}

function raiseUndefined(name: string, defined: Iterable<string>, form: Form): never {
  const hint = didYouMean(name, [...defined, ...builtinNames()]);
  return raise("UndefinedSymbol", `Undefined symbol: ${name}${hint === "" ? "" : `. ${hint}`}`, form);
}
