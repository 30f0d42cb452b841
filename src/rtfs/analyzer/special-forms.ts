import type { Node } from "../evaluator/machine.ts";
import type { FormOf } from "../forms.ts";
import { analyzeContextGet, isContextGet } from "./context.ts";
import {
  analyzeAnd,
  analyzeCond,
  analyzeDo,
  analyzeIf,
  analyzeOr,
  analyzeQuote,
  analyzeThreadFirst,
  analyzeThreadLast,
  analyzeWhen,
} from "./control.ts";
import { analyzeCapability, analyzePlan, analyzeResource } from "./data-forms.ts";
import { analyzeDef, analyzeDefn, analyzeDefstruct, analyzeDeftype } from "./definitions.ts";
import { analyzeFn } from "./functions.ts";
import { analyzeLet } from "./let.ts";
import { analyzeDotimes, analyzeFor } from "./loops.ts";
import { analyzeDefmacro } from "./macros.ts";
import { analyzeMatch } from "./match.ts";
import { analyzeResourceRef } from "./context.ts";
import { analyzeModule, refuseImport } from "./modules.ts";
import type { Scope } from "./scope.ts";
import { analyzeStep, analyzeStepIf, analyzeStepLoop, analyzeStepParallel, isStepForm } from "./steps.ts";
import { analyzeTry } from "./try.ts";

type Analyzer = (form: FormOf<"list">, scope: Scope) => Node;

interface SpecialForm {
  readonly analyze: Analyzer;
  /** How it is written, for help. */
  readonly usage: string;
  readonly doc: string;
  /** A program may give the name a meaning of its own. */
  readonly soft?: boolean;
  /** Of several meanings of the head, whether this form has the special one. */
  readonly applies?: (form: FormOf<"list">) => boolean;
}

const FORMS: Readonly<Record<string, SpecialForm>> = {
  let: {
    analyze: analyzeLet,
    usage: "(let [pattern value …] body…)",
    doc: "Binds names, one after the other, for the body.",
  },
  if: {
    analyze: analyzeIf,
    usage: "(if condition then else?)",
    doc: "Evaluates one of two forms. Only nil and false are not true.",
  },
  do: { analyze: analyzeDo, usage: "(do form…)", doc: "Evaluates forms in order; the value is that of the last." },
  fn: { analyze: analyzeFn, usage: "(fn [parameter…] body…)", doc: "A function." },
  λ: { analyze: analyzeFn, usage: "(λ [parameter…] body…)", doc: "The same as fn." },
  def: {
    analyze: analyzeDef,
    usage: "(def name value)",
    doc: "Binds a name: globally at the top level, else in the scope around it.",
  },
  defn: {
    analyze: analyzeDefn,
    usage: "(defn name [parameter…] body…)",
    doc: "Defines a function that can call itself.",
  },
  defmacro: {
    analyze: analyzeDefmacro,
    usage: "(defmacro name [parameter…] template)",
    doc: "Defines a form that stands for another.",
  },
  defstruct: {
    analyze: analyzeDefstruct,
    usage: "(defstruct Name :field Type…)",
    doc: "Defines a function that checks a map's fields.",
  },
  deftype: { analyze: analyzeDeftype, usage: "(deftype Name type)", doc: "Names a type, for people." },
  match: {
    analyze: analyzeMatch,
    usage: "(match value pattern body… )",
    doc: "Evaluates the body of the first pattern that fits.",
  },
  try: {
    analyze: analyzeTry,
    usage: "(try body… (catch e body…) (finally body…))",
    doc: "Catches what the body raises.",
  },
  for: {
    analyze: analyzeFor,
    usage: "(for [x coll…] body…)",
    doc: "A vector of the body's values for every combination of items.",
  },
  dotimes: {
    analyze: analyzeDotimes,
    usage: "(dotimes [i n] body…)",
    doc: "Evaluates the body for i from 0 to n - 1.",
  },
  quote: { analyze: analyzeQuote, usage: "(quote form)", doc: "The form as data." },
  "resource:ref": {
    analyze: analyzeResourceRef,
    usage: '(resource:ref "name")',
    doc: "A value of the host's context, as @name.",
  },
  get: {
    analyze: analyzeContextGet,
    usage: "(get name)",
    doc: "With one keyword or symbol: the value of that name in scope or in the host's context, else nil.",
    soft: true,
    applies: isContextGet,
  },
  step: {
    analyze: analyzeStep,
    usage: '(step "name" body…)',
    doc: "Evaluates the body and tells the host when it starts, completes or fails.",
    applies: isStepForm,
  },
  "step-if": {
    analyze: analyzeStepIf,
    usage: "(step-if condition then else?)",
    doc: "Like if, told to the host; empty values count as false.",
  },
  "step-loop": {
    analyze: analyzeStepLoop,
    usage: "(step-loop condition body)",
    doc: "Evaluates the body while the condition holds, at most 10000 times.",
  },
  "step-parallel": {
    analyze: analyzeStepParallel,
    usage: "(step-parallel form…)",
    doc: "A vector of the values of all branches.",
  },
  plan: { analyze: analyzePlan, usage: '(plan "name" :key value…)', doc: "A plan, as data." },
  capability: {
    analyze: analyzeCapability,
    usage: '(capability "id" :key value…)',
    doc: "A capability's manifest, as data.",
  },
  resource: { analyze: analyzeResource, usage: "(resource name (property :key value)…)", doc: "A resource, as data." },
  module: {
    analyze: analyzeModule,
    usage: "(module name (:exports [name…]) definition…)",
    doc: "Definitions that others use as name/definition.",
  },
  import: {
    analyze: refuseImport,
    usage: "(import name :as alias) or (import name :only [name…])",
    doc: "Within a module: makes another one's definitions known.",
  },
  cond: {
    analyze: analyzeCond,
    usage: "(cond condition form… :else form)",
    doc: "The form of the first condition that is true, else nil.",
    soft: true,
  },
  when: {
    analyze: analyzeWhen,
    usage: "(when condition form…)",
    doc: "The forms, where the condition is true, else nil.",
    soft: true,
  },
  and: {
    analyze: analyzeAnd,
    usage: "(and form…)",
    doc: "The first value that is not true, else the last.",
    soft: true,
  },
  or: { analyze: analyzeOr, usage: "(or form…)", doc: "The first value that is true, else the last.", soft: true },
  "->": {
    analyze: analyzeThreadFirst,
    usage: "(-> value form…)",
    doc: "Threads a value through calls as their first argument.",
    soft: true,
  },
  "->>": {
    analyze: analyzeThreadLast,
    usage: "(->> value form…)",
    doc: "Threads a value through calls as their last argument.",
    soft: true,
  },
};

const BY_NAME: ReadonlyMap<string, SpecialForm> = new Map(Object.entries(FORMS));

/** The rule for a list with this head; undefined where it is an ordinary call. */
export function findSpecialForm(name: string, form: FormOf<"list">, scope: Scope): Analyzer | undefined {
  const special = BY_NAME.get(name);
  if (special === undefined) return undefined;
  if (special.applies?.(form) === false) return undefined;
  if (special.soft === true && isRedefined(name, scope)) return undefined;
  return special.analyze;
}

function isRedefined(name: string, scope: Scope): boolean {
  return scope.find(name) !== undefined || scope.unit.names.defined.has(name) || scope.unit.names.macros.has(name);
}

export function isSpecialForm(name: string): boolean {
  return BY_NAME.has(name);
}

/** What help tells of the special forms. */
export function specialForms(): { readonly name: string; readonly usage: string; readonly doc: string }[] {
  return [...BY_NAME].map(([name, { usage, doc }]) => ({ name, usage, doc }));
}
