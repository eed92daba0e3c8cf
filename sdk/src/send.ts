/** The way out: one batch after the other, retried until the server has it, and the last by beacon. */
import { options, prerendering } from './core.ts';
import { touch } from './pageviews.ts';
import { build, drop, queue, sortByRank } from './queue.ts';

const retries: string[] = [];
let current: string | undefined;
let failures = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** The next batch to send: one that failed before, or a new one. */
const next = (limit?: number): string | undefined => retries.shift() || build(limit);

/** How long to wait after `count` failures, in milliseconds: doubling, half of it by chance. */
export const backoff = (count: number, random: number): number =>
  Math.min(6e4, 500 * 2 ** count) * (0.5 + random / 2);

/**
 * What `Retry-After` asks for, in milliseconds: seconds or a date, an hour at most; 0 where it is
 * absent.
 */
export const retryAfter = (value: string | null, time: number): number =>
  Math.min(+value! * 1e3 || Date.parse(value!) - time || 0, 36e5);

/** Sends a batch, and keeps it where that failed. `hurry` where the page may not live on. */
const post = async (batch: string, hurry?: boolean): Promise<void> => {
  let body: BodyInit = batch;
  let url = options.endpoint;
  let status = 0;
  let wait = 0;
  try {
    // Smaller ones are not worth compressing.
    if (!hurry && batch.length > 1500 && window.CompressionStream) {
      body = await new Response(
        new Response(batch).body!.pipeThrough(new CompressionStream('gzip')),
      ).arrayBuffer();
      // A header would cost a preflight at another origin.
      url += (url.includes('?') ? '&' : '?') + 'encoding=gzip';
    }
    // What failed goes again without keepalive: its 64 KiB may be what it failed for.
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'text/plain' },
      keepalive: !failures,
    });
    status = response.status;
    wait = retryAfter(response.headers.get('Retry-After'), Date.now());
  } catch {
    // No network, no server, or no budget.
  }
  if (/^0|429|50[2347]/.test(status as never)) {
    retries.push(batch);
    clearTimeout(timer);
    timer = setTimeout(pump, Math.max(wait, backoff(++failures, Math.random())));
  } else {
    failures = 0;
    if (status > 399) drop(batch);
  }
};

/** Sends what waits, batch after batch, until nothing of it is left or the server fails. */
export const pump = async (): Promise<void> => {
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
};

/** Sends in a while, when the page is idle; at once where a batch is full. */
export const schedule = (): void => {
  const run = (): unknown =>
    (window.requestIdleCallback || setTimeout)(pump, { timeout: 1e3 } as never);
  // As many as make about one batch do not wait.
  if (queue.length == 100 && !failures) run();
  timer ||= setTimeout(run, options.flushInterval ?? 2e3);
};

/** The page may not come back: hands everything over. `final` where it is going for sure. */
export const leave = (final?: boolean): void => {
  // While the server is away and the page is not, waiting loses less than sending to nobody.
  if (prerendering() || (failures && !final)) return;
  sortByRank();
  // What is under way may end with the page; should it not, its batchId keeps it from counting twice.
  if (final && current) retries.unshift(current);
  const send = (batch: string): unknown =>
    final
      ? navigator.sendBeacon(options.endpoint, batch) || !retries.push(batch)
      : post(batch, true);
  // Keepalive requests and beacons of a page share 64 KiB; small pieces fill it well.
  for (let batch; (batch = next(12e3)) && send(batch); );
};
