// Installed only for a measurement: the repository type-checks without it.
declare module "nbb" {
  export function loadString(code: string): Promise<unknown>;
}
