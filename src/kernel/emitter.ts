/** Calls a listener off. Calling it twice does nothing. */
export type Unsubscribe = () => void;

export type Listener<T> = (event: T) => void;

/** Typed events. A listener that throws disturbs neither the emitter nor the other listeners. */
export interface Emitter<Events extends object> {
  on<K extends keyof Events>(name: K, listener: Listener<Events[K]>): Unsubscribe;
  /** Hears every event, with its name. */
  onAny(listener: <K extends keyof Events>(name: K, event: Events[K]) => void): Unsubscribe;
  emit<K extends keyof Events>(name: K, event: Events[K]): void;
  /** Whether anybody listens: where an event costs something to make and is told at every call. */
  hears(name: keyof Events): boolean;
}

export function createEmitter<Events extends object>(
  onListenerError: (error: unknown) => void = () => {},
): Emitter<Events> {
  const named = new Map<keyof Events, Set<Listener<never>>>();
  const any = new Set<(name: keyof Events, event: never) => void>();
  return {
    on(name, listener) {
      let set = named.get(name);
      if (set === undefined) named.set(name, (set = new Set()));
      set.add(listener);
      return () => void set.delete(listener);
    },
    onAny(listener) {
      any.add(listener);
      return () => void any.delete(listener);
    },
    hears: (name) => any.size > 0 || (named.get(name)?.size ?? 0) > 0,
    emit(name, event) {
      // Copies, because a listener may subscribe or unsubscribe while it hears.
      const set = named.get(name);
      if (set !== undefined && set.size > 0) {
        for (const listener of [...set]) {
          try {
            (listener as Listener<unknown>)(event);
          } catch (error) {
            onListenerError(error);
          }
        }
      }
      if (any.size > 0) {
        for (const listener of [...any]) {
          try {
            (listener as (name: keyof Events, event: unknown) => void)(name, event);
          } catch (error) {
            onListenerError(error);
          }
        }
      }
    },
  };
}
