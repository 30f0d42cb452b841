import {
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isUnionType,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLOutputType,
  type GraphQLSchema,
} from "graphql";

export interface SelectionOptions {
  /** Levels of objects: 1 takes the leaves of the result, 2 those of the objects in it too. 1 to 10. */
  readonly depth: number;
  /** Most fields in all. Default 400. */
  readonly mostFields?: number | undefined;
}

const MOST_FIELDS = 400;
/** Types of a union, or of an interface that is the result itself, that get a part of their own. */
const MOST_PARTS = 20;
/** Pages in pages count as no level, so something else has to end them. */
const MOST_NESTING = 24;
/** A list that is read page by page is chosen by whoever knows how much of it is wanted. */
const PAGING: ReadonlySet<string> = new Set(["first", "last", "limit", "take", "perPage", "pageSize"]);

/**
 * What is selected of a composite type. The same tree says how the selection is written and which type its value has.
 */
export interface Selection {
  readonly type: GraphQLCompositeType;
  readonly fields: SelectedField[];
  /** Of an abstract type: the parts for single types of it. */
  readonly parts: Selection[];
}

export interface SelectedField {
  readonly field: GraphQLField<unknown, unknown>;
  /** Undefined for a leaf. */
  readonly selection: Selection | undefined;
}

interface Job {
  readonly selection: Selection;
  readonly depth: number;
  /** The names of the fields that lead here. */
  readonly path: readonly string[];
  /** It is the result itself, or the items of a page of results. */
  readonly isResult: boolean;
}

/**
 * A selection of a type, by depth: all leaves, and of objects their leaves, level by level. Left out are fields that need
 * arguments, that are read page by page, or that are deprecated. Pages (`nodes`, `edges`, `pageInfo`) count as no level.
 * Undefined for a leaf, of which nothing is selected.
 */
export function selectByDepth(
  schema: GraphQLSchema,
  type: GraphQLOutputType,
  options: SelectionOptions,
): Selection | undefined {
  const named = getNamedType(type);
  return isCompositeType(named) ? new Choice(schema, options).of(named) : undefined;
}

class Choice {
  readonly #schema: GraphQLSchema;
  readonly #depth: number;
  #fieldsLeft: number;
  /** By path: the shape of what stands there. Parts for several types have to agree where they meet. */
  readonly #shapes = new Map<string, string>();

  constructor(schema: GraphQLSchema, { depth, mostFields = MOST_FIELDS }: SelectionOptions) {
    this.#schema = schema;
    this.#depth = depth;
    this.#fieldsLeft = mostFields;
  }

  of(type: GraphQLCompositeType): Selection {
    const root = emptySelection(type);
    // Level by level, so that what the bound leaves out is what lies deepest.
    let level: Job[] = [{ selection: root, depth: this.#depth, path: [], isResult: true }];
    while (level.length > 0) level = level.flatMap((job) => this.#choose(job));
    prune(root);
    return root;
  }

  /** Chooses the fields of one selection, and says what is to be chosen next. */
  #choose(job: Job): Job[] {
    const { type } = job.selection;
    if (isObjectType(type)) return this.#chooseFields(job);
    const isUnion = isUnionType(type);
    const next = isUnion ? [] : this.#chooseFields(job);
    const possible = this.#schema.getPossibleTypes(type);
    if (!isUnion && (!job.isResult || possible.length > MOST_PARTS)) return next;
    const common = new Set(job.selection.fields.map(({ field }) => field.name));
    for (const each of possible.slice(0, MOST_PARTS)) {
      const part = emptySelection(each);
      next.push(...this.#chooseFields({ ...job, selection: part }, common));
      if (part.fields.length > 0) job.selection.parts.push(part);
    }
    return next;
  }

  #chooseFields(job: Job, without: ReadonlySet<string> = new Set()): Job[] {
    const { selection, depth, path } = job;
    if (isUnionType(selection.type)) return [];
    const fields = selection.type.getFields();
    const isPaged = isPage(selection.type);
    const next: Job[] = [];
    for (const field of Object.values(fields)) {
      if (without.has(field.name) || !isSelectable(field)) continue;
      // The same items twice are of no use.
      if (isPaged && field.name === "edges" && fields["nodes"] !== undefined) continue;
      const named = getNamedType(field.type);
      const innerPath = [...path, field.name];
      const innerDepth = isPaged ? depth : depth - 1;
      if (isCompositeType(named) && (innerDepth < 1 || innerPath.length > MOST_NESTING)) continue;
      if (!this.#takes(innerPath, field.type)) continue;
      if (!isCompositeType(named)) {
        selection.fields.push({ field, selection: undefined });
        continue;
      }
      const inner = emptySelection(named);
      selection.fields.push({ field, selection: inner });
      if (isPaged && field.name === "pageInfo") {
        // A few leaves that have to be there: without them there is no next page.
        this.#chooseFields({ selection: inner, depth: 1, path: innerPath, isResult: false });
        continue;
      }
      next.push({ selection: inner, depth: innerDepth, path: innerPath, isResult: job.isResult && isPaged });
    }
    return next;
  }

  /** Whether there is room for one more field, and it agrees with what other types have at the same place. */
  #takes(path: readonly string[], type: GraphQLOutputType): boolean {
    const place = path.join(".");
    const shape = isCompositeType(getNamedType(type)) ? wrappersOf(type) : String(type);
    if ((this.#shapes.get(place) ?? shape) !== shape || this.#fieldsLeft <= 0) return false;
    this.#shapes.set(place, shape);
    this.#fieldsLeft--;
    return true;
  }
}

/** Takes out the objects of which nothing was chosen: because there was nothing, or no room. */
function prune(selection: Selection): void {
  for (const part of [selection, ...selection.parts]) {
    const kept = part.fields.filter(({ selection: inner }) => {
      if (inner === undefined) return true;
      prune(inner);
      return inner.fields.length > 0 || inner.parts.length > 0;
    });
    part.fields.splice(0, part.fields.length, ...kept);
  }
  const parts = selection.parts.filter(({ fields }) => fields.length > 0);
  selection.parts.splice(0, selection.parts.length, ...parts);
}

function emptySelection(type: GraphQLCompositeType): Selection {
  return { type, fields: [], parts: [] };
}

function isSelectable(field: GraphQLField<unknown, unknown>): boolean {
  if (field.deprecationReason != null || field.args.some(isRequiredArgument)) return false;
  return !isCompositeType(getNamedType(field.type)) || !field.args.some(({ name }) => PAGING.has(name));
}

/** A page of a list, or one entry of it, as https://relay.dev/graphql/connections.htm has them. */
function isPage(type: GraphQLCompositeType): boolean {
  if (!isObjectType(type)) return false;
  const { pageInfo, nodes, edges, node, cursor } = type.getFields();
  const isListed = (field: GraphQLField<unknown, unknown> | undefined): boolean =>
    field !== undefined && isListType(getNullableType(field.type));
  return (
    (pageInfo !== undefined && (isListed(nodes) || isListed(edges))) || (node !== undefined && cursor !== undefined)
  );
}

function wrappersOf(type: GraphQLOutputType): string {
  if (isNonNullType(type)) return `${wrappersOf(type.ofType)}!`;
  return isListType(type) ? `[${wrappersOf(type.ofType)}]` : "";
}

/** The selection as it stands in a document, on one line, with its braces; of an abstract type its `__typename` first. */
export function printSelection(selection: Selection): string {
  const fields = selection.fields.map(({ field, selection: inner }) =>
    inner === undefined ? field.name : `${field.name} ${printSelection(inner)}`,
  );
  const parts = selection.parts.map((part) => `... on ${part.type.name} ${printSelection(part)}`);
  const isPlain = isObjectType(selection.type) && fields.length > 0;
  return `{ ${[...(isPlain ? [] : ["__typename"]), ...fields, ...parts].join(" ")} }`;
}
