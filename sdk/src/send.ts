/** The way out: one batch after the other, retried until the server has it, and the last by beacon. */
import { compact } from './compact.ts';
import { options, prerendering, safe } from './core.ts';
import { touch } from './pageviews.ts';
import { build, clearQueue, drop, queue, sortByRank, type Batch } from './queue.ts';

/** Below this many characters a batch is not worth compressing. */
const GZIP_FROM = 1500;
/** Keepalive requests and beacons of a page share 64 KiB; pieces small enough to fill it well. */
const LEAVE_LIMIT = 12e3;
/** As many entries as make about one batch: they do not wait for the interval. */
const HURRY = 100;

let retries: Batch[] = [];
let current: Batch | undefined;
let failures = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** The next batch to send: one that failed before, or a new one. */
function next(limit?: number): Batch | undefined {
  const { connection, deviceMemory, hardwareConcurrency } = navigator as Navigator & {
    deviceMemory?: number;
    connection?: object;
  };
  return (
    retries.shift() ||
    build(
      {
        sdk: 'perftui/' + VERSION,
        viewport: [innerWidth, innerHeight],
        connection: compact(connection),
        deviceMemory,
        hardwareConcurrency,
      },
      limit,
    )
  );
}

/** How long to wait after `count` failures, in milliseconds: doubling, half of it by chance. */
export const backoff = (count: number, random: number): number =>
  Math.min(6e4, 500 * 2 ** count) * (0.5 + random / 2);

/** What `Retry-After` asks for, in milliseconds: seconds or a date; 0 where it is absent. */
export const retryAfter = (value: string | null, time: number): number =>
  +value! * 1e3 || Date.parse(value!) - time || 0;

/** Sends a batch, and keeps it where that failed. `hurry` where the page may not live on. */
async function post(batch: Batch, hurry?: boolean): Promise<void> {
  let body: BodyInit = batch._body;
  let url = options.endpoint;
  let status = 0;
  let wait = 0;
  try {
    if (!hurry && body.length > GZIP_FROM && window.CompressionStream) {
      body = await new Response(
        new Response(body).body!.pipeThrough(new CompressionStream('gzip')),
      ).arrayBuffer();
      // A header would cost a preflight at another origin.
      url += (url.includes('?') ? '&' : '?') + 'encoding=gzip';
    }
    // What failed goes again without keepalive: its 64 KiB may be what it failed for.
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'text/plain;charset=UTF-8' },
      keepalive: !failures,
    });
    status = response.status;
    wait = retryAfter(response.headers.get('Retry-After'), Date.now());
  } catch {
    // No network, no server, or no budget.
  }
  if (!status || /429|50[2347]/.test(status as never)) {
    retries.push(batch);
    clearTimeout(timer);
    timer = setTimeout(pump, Math.max(wait, backoff(++failures, Math.random())));
  } else {
    failures = 0;
    if (status > 399) drop(batch._counts);
  }
}

/** Sends what waits, batch after batch, until nothing of it is left or the server fails. */
export async function pump(): Promise<void> {
  clearTimeout(timer);
  timer = undefined;
  if (!options || prerendering()) return;
  if (current) return schedule();
  touch();
  const last = queue.at(-1);
  do {
    current = next();
    if (current) await post(current);
  } while (options && current && !failures && (retries[0] || queue.includes(last!)));
  current = undefined;
  // The newest may have gone before older ones of another pageview.
  if (options && queue[0]) schedule();
}

/** Sends in a while, when the page is idle; at once where a batch is full. */
export function schedule(): void {
  const run = (): unknown =>
    (window.requestIdleCallback || setTimeout)(safe(pump), { timeout: 1e3 } as never);
  if (queue.length == HURRY && !failures) run();
  timer ||= setTimeout(run, options.flushInterval ?? 2e3);
}

/** The page may not come back: hands everything over. `final` where it is going for sure. */
export function leave(final?: boolean): void {
  // While the server is away and the page is not, waiting loses less than sending to nobody.
  if (prerendering() || (failures && !final)) return;
  sortByRank();
  // What is under way may end with the page; should it not, its batchId keeps it from counting twice.
  if (final && current) retries.unshift(current);
  for (let batch; (batch = next(LEAVE_LIMIT)); ) {
    if (!final) void post(batch, true);
    else if (!navigator.sendBeacon(options.endpoint, batch._body)) {
      retries.push(batch);
      return;
    }
  }
}

export function clear(): void {
  clearQueue();
  retries = [];
}
