/**
 * The bars that signalbox sets itself, each as a ratio of two medians of one run.
 *
 * @typedef {object} Bar
 * @property {string} id
 * @property {string} title what the reader of the table sees
 * @property {string} short the same, where there is little room
 * @property {string} workload
 * @property {string} against what the reader sees
 * @property {(runtime: string) => string[]} rivals the ids of the contenders, all of which have to be measured; the best counts
 * @property {"value" | "p50"} [figure] default: `value`
 * @property {"atLeast" | "atMost"} sense
 * @property {Readonly<Record<string, number>>} limit by runtime; "any" for what has none
 * @property {number} [aim] what would please more
 */

const each = (/** @type {number} */ limit) =>
  Object.freeze({ deno: limit, bun: limit, node: limit });

/** @type {readonly Bar[]} */
export const BARS = Object.freeze([
  {
    id: "framed-tcp-message-io",
    short: "FramedTcp 64 B / message-io",
    title: "FramedTcp one-way, 64 B, messages/s",
    workload: "framed-tcp-64",
    against: "message-io 0.19",
    rivals: () => ["message-io"],
    sense: "atLeast",
    limit: each(15),
    aim: 30,
  },
  {
    id: "framed-tcp-protosocket",
    short: "FramedTcp 64 B / protosocket",
    title: "FramedTcp one-way, 64 B, messages/s",
    workload: "framed-tcp-64",
    against: "protosocket, same frames",
    rivals: () => ["protosocket"],
    sense: "atLeast",
    limit: each(1),
    aim: 2,
  },
  {
    id: "framed-tcp-bare",
    short: "FramedTcp 64 B / bare sockets",
    title: "FramedTcp one-way, 64 B, messages/s",
    workload: "framed-tcp-64",
    against: "hand-written loop on the runtime's bare sockets",
    rivals: (runtime) => [`bare-${runtime}`],
    sense: "atLeast",
    limit: each(0.6),
  },
  {
    id: "bulk-bare",
    short: "FramedTcp bulk / bare sockets",
    title: "FramedTcp bulk, 64 KiB messages, bytes/s",
    workload: "bulk",
    against: "the runtime's bare sockets",
    rivals: (runtime) => [`bare-${runtime}`],
    sense: "atLeast",
    limit: each(0.9),
  },
  {
    id: "framed-tcp-echo",
    short: "FramedTcp echo / bare sockets",
    title: "FramedTcp echo, one in flight, p50",
    workload: "framed-tcp-echo",
    against: "the runtime's bare sockets",
    rivals: (runtime) => [`bare-${runtime}`],
    sense: "atMost",
    limit: each(1.1),
  },
  {
    id: "ws-ws",
    short: "Ws 64 B / ws on Node",
    title: "Ws one-way, 64 B, messages/s",
    workload: "ws-64",
    against: "`ws` on Node",
    rivals: () => ["ws-node"],
    sense: "atLeast",
    limit: Object.freeze({ deno: 10, bun: 15, node: 10 }),
  },
  {
    id: "ws-echo",
    short: "Ws echo / ws or own server",
    title: "Ws echo, one in flight, p50",
    workload: "ws-echo",
    against: "the faster of `ws` and the runtime's own server",
    rivals: (runtime) => [
      `ws-${runtime}`,
      // Node has no server of its own.
      ...(runtime === "node" ? [] : [`native-ws-${runtime}`]),
    ],
    sense: "atMost",
    limit: each(1.1),
  },
  {
    id: "udp-bare",
    short: "Udp 64 B / bare sockets",
    title: "Udp 64 B, datagrams/s delivered",
    workload: "udp-64",
    against: "the runtime's bare datagram socket",
    rivals: (runtime) => [`bare-${runtime}`],
    sense: "atLeast",
    limit: each(0.9),
  },
  {
    id: "thousand-bare",
    short: "1,000 connections / bare sockets",
    title: "1,000 connections echoing, messages/s in all",
    workload: "thousand-echo",
    against: "bare sockets of that runtime",
    rivals: (runtime) => [`bare-${runtime}`],
    sense: "atLeast",
    limit: each(0.85),
  },
  {
    id: "timers-fired",
    short: "timers fired / setTimeout",
    title: "one million timers, set and fired",
    workload: "timers-fired",
    against: "the runtime's `setTimeout`",
    rivals: (runtime) => [`runtime-${runtime}`],
    sense: "atLeast",
    limit: each(3),
  },
  {
    id: "timers-cancelled",
    short: "timers cancelled / setTimeout",
    title: "one million timers, set and cancelled",
    workload: "timers-cancelled",
    against: "the runtime's `setTimeout`",
    rivals: (runtime) => [`runtime-${runtime}`],
    sense: "atLeast",
    limit: each(3),
  },
  {
    id: "allocation",
    short: "allocation / view and event",
    title: "allocation a 64 B message, receive side, bytes",
    workload: "allocation",
    against: "one view and one event object",
    rivals: (runtime) => [`view-and-event-${runtime}`],
    sense: "atMost",
    // What a chunk costs is shared by its thousand messages; the counters of a heap are no finer.
    limit: each(1.05),
  },
  {
    id: "size-framed-tcp",
    short: "size of ./framed_tcp / 12 KiB",
    title: "import of the FramedTcp subpath, minified and gzipped, KiB",
    workload: "bundle-size",
    against: "12 KiB",
    rivals: () => [],
    sense: "atMost",
    limit: Object.freeze({ "./framed_tcp": 12 }),
  },
  {
    id: "size-browser",
    short: "size of ./browser / 10 KiB",
    title: "import of the browser entry, minified and gzipped, KiB",
    workload: "bundle-size",
    against: "10 KiB",
    rivals: () => [],
    sense: "atMost",
    limit: Object.freeze({ "./browser": 10 }),
  },
]);

/**
 * @typedef {object} Contender as the results hold it
 * @property {string} id
 * @property {Readonly<Record<string, import("./_statistics.mjs").Summary>>} figures
 *
 * @typedef {object} Verdict
 * @property {string} bar
 * @property {string} workload
 * @property {string} title
 * @property {string} short
 * @property {string} against
 * @property {string} subject the runtime, or the subpath
 * @property {"atLeast" | "atMost"} sense
 * @property {number} limit
 * @property {number | undefined} aim
 * @property {number | undefined} ratio undefined if either side was not measured
 * @property {string | undefined} rival the one that counted
 * @property {"met" | "missed" | "not measured"} verdict
 */

/**
 * Judges what was measured.
 *
 * @param {readonly { id: string, contenders: readonly Contender[] }[]} workloads
 * @param {readonly Bar[]} [bars]
 * @returns {Verdict[]}
 */
export function judge(workloads, bars = BARS) {
  return bars.flatMap((bar) => {
    const contenders = workloads.find(({ id }) =>
      id === bar.workload
    )?.contenders ?? [];
    return Object.entries(bar.limit).map(([subject, limit]) => {
      const { ratio, rival } = compare(bar, subject, contenders);
      return {
        bar: bar.id,
        workload: bar.workload,
        title: bar.title,
        short: bar.short,
        against: bar.against,
        subject,
        sense: bar.sense,
        limit,
        aim: bar.aim,
        ratio,
        rival,
        verdict: ratio === undefined
          ? "not measured"
          : (bar.sense === "atLeast" ? ratio >= limit : ratio <= limit)
          ? "met"
          : "missed",
      };
    });
  });
}

/**
 * @param {Bar} bar
 * @param {string} subject
 * @param {readonly Contender[]} contenders
 * @returns {{ ratio: number | undefined, rival: string | undefined }}
 */
function compare(bar, subject, contenders) {
  const nothing = { ratio: undefined, rival: undefined };
  const figure = (/** @type {string} */ id) =>
    contenders.find((contender) => contender.id === id)
      ?.figures[bar.figure ?? "value"]?.median;
  const rivalIds = bar.rivals(subject);
  if (rivalIds.length === 0) {
    const own = figure(subject);
    // The limit is the figure itself.
    return own === undefined ? nothing : { ratio: own, rival: undefined };
  }
  const own = figure(`signalbox-${subject}`);
  const rivals = rivalIds
    .map((id) => ({ id, value: figure(id) }))
    .filter(({ value }) => value !== undefined)
    .sort((a, b) =>
      bar.sense === "atLeast" ? b.value - a.value : a.value - b.value
    );
  const [best] = rivals;
  // Who was not measured may have been the best.
  const isWhole = rivals.length === rivalIds.length;
  if (own === undefined || best === undefined || !isWhole) return nothing;
  return { ratio: own / best.value, rival: best.id };
}
