/** A type of the type language, parsed. (Placeholder: the types helper replaces this.) */
export interface Type {
  readonly kind: string;
}
