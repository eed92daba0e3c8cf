/** The way out: one batch after the other, retried until the server has it, and the last by beacon. */
import { options, prerendering, safe } from './core.ts';
import { drain } from './observe.ts';
import { touch } from './pageviews.ts';
import { build, drop, queue, sortByRank } from './queue.ts';

const retries: string[] = [];
let current: string | undefined;
let failures = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
/** So many entries are about a batch, and what a page that goes could still hand over. */
export const FULL = 96;

/** The next batch to send: one that failed before, or a new one. */
const next = (limit?: number): string | undefined => retries.shift() || build(limit);

/** Sends a batch, and keeps it where that failed. `hurry` where the page may not live on. */
const post = async (batch: string, hurry?: boolean): Promise<void> => {
  let body: BodyInit = batch;
  let status;
  let wait = 0;
  try {
    // Smaller ones are not worth compressing.
    if (!hurry && batch.length > 1500) {
      body = await new Response(
        new Response(batch).body!.pipeThrough(new CompressionStream('gzip')),
      ).arrayBuffer();
    }
    // No header says so, as that would cost a preflight at another origin: JSON begins otherwise.
  } catch {
    // Not in this browser, or not on this page.
  }
  try {
    // Keepalive costs more, and has a budget; what is under way when the page goes, a beacon repeats.
    const response = await fetch(options.endpoint, {
      method: 'POST',
      body,
      keepalive: hurry!,
    });
    status = response.status;
    // Seconds or a date; an hour at most.
    const asked = response.headers.get('Retry-After')!;
    wait = Math.min((asked as never) * 1e3 || Date.parse(asked) - Date.now() || 0, 36e5);
  } catch {
    // No network, no server, or no budget.
  }
  // Undefined where there was no answer.
  if (/^u|429|50[2-7]/.test(status as never)) {
    retries.push(batch);
    clearTimeout(timer);
    // Doubling up to a minute, half of it by chance.
    timer = setTimeout(pump, Math.max(wait, Math.min(3e4, 250 * 2 ** ++failures) * (1 + Math.random())));
  } else {
    failures = 0;
    if ((status as never) >= 400) drop(batch);
  }
};

/** Sends what waits, batch after batch, until at most `rest` entries are left or the server fails. */
export const pump = safe(async (rest: number = 0): Promise<void> => {
  if (!options) return;
  drain();
  // Until there is a batch, the timer has time, and so has a retry.
  if (rest && (failures || !queue[rest])) return;
  timer = clearTimeout(timer) as undefined;
  if (prerendering()) return;
  if (current) return schedule();
  touch();
  const last = queue.at(-1);
  do {
    current = next();
    if (current) await post(current);
  } while (options && current && !failures && (retries[0] || (queue.includes(last!) && queue[rest])));
  current = '';
  // The newest may have gone before older ones of another pageview.
  if (options && queue[0]) schedule();
});

/** Sends when the page is idle. */
export const whenIdle = (rest?: number): unknown =>
  (window.requestIdleCallback || setTimeout)(() => pump(rest), { timeout: 2e3 } as never);

/** Sends in a while. */
export const schedule = (): void => {
  timer ||= setTimeout(whenIdle, options.flushInterval ?? 2e3);
};

/** The page may not come back: hands everything over. `final`, the event, where it is going for sure. */
export const leave = (final?: Event): void => {
  // While the server is away and the page is not, waiting loses less than sending to nobody.
  if (prerendering() || (failures && !final)) return;
  drain(final);
  sortByRank();
  // What is under way may end with the page; should it not, its batchId keeps it from counting twice.
  if (final && current) retries.unshift(current);
  // Keepalive requests and beacons of a page share 64 KiB; small pieces fill it well.
  for (
    let batch;
    (batch = next(12e3)) &&
    (final ? navigator.sendBeacon(options.endpoint, batch) || !retries.push(batch) : post(batch, true));
  );
};
