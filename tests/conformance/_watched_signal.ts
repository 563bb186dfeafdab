/**
 * AbortSignals that tell who still listens to them.
 *
 * @module
 */

/** A signal that tells how many listen to it. */
export function watchedSignal(): { signal: AbortSignal; listeners(): number } {
  const { signal } = new AbortController();
  const listening = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (type: string, ...rest: [EventListener]) => {
    listening.add(rest[0]);
    add(type, ...rest);
  };
  signal.removeEventListener = (type: string, ...rest: [EventListener]) => {
    listening.delete(rest[0]);
    remove(type, ...rest);
  };
  return { signal, listeners: () => listening.size };
}
