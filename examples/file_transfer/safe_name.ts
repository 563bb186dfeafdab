/**
 * A name that a stranger sent, made fit to be a file's.
 *
 * @module
 */

/** Names that Windows gives to devices, with any extension. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * The last part of a path, without what would lead out of a folder, hide a file
 * or mean something to a system: slashes of both kinds, control characters,
 * `<>:"|?*`, dots at either end, and devices of Windows.
 *
 * @returns Undefined when nothing is left.
 */
export function safeName(name: string): string | undefined {
  const last = name.split(/[/\\]/).pop() ?? "";
  const clean = last
    .replace(/[\p{C}<>:"|?*]/gu, "_")
    .replace(/^[.\s]+|[.\s]+$/g, "");
  // File systems count bytes: 255 at most, and the name of the partial file is longer.
  const length = new TextEncoder().encode(clean).length;
  return clean === "" || length > 200 || DEVICE.test(clean) ? undefined : clean;
}
