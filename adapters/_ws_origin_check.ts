/**
 * The origin check: which web pages may open a WebSocket (RFC 6455, section 10.2).
 *
 * @module
 */

/**
 * Whether a handshake from this origin is let in.
 *
 * @param origins The origins that are, exactly as browsers write them, or a check.
 * @param origin What the client sent; programs that are no browser mostly send none.
 */
export function isOriginAllowed(
  origins: readonly string[] | ((origin: string | undefined) => boolean),
  origin: string | undefined,
): boolean {
  if (typeof origins === "function") return origins(origin);
  return origin !== undefined && origins.includes(origin);
}
