/** The way out: one batch after the other, retried until the server has it, and the last by beacon. */
import { core, now, safe } from './core.ts';
import { build, drop, queue, type Batch } from './queue.ts';

/** Below this many characters a batch is not worth compressing. */
const GZIP_FROM = 1500;
/** Keepalive requests and beacons of a page share 64 KiB; pieces small enough to fill it well. */
const BEACON_LIMIT = 15e3;
/** As many entries as make about one batch: they do not wait for the interval. */
const HURRY = 100;

const retries: Batch[] = [];
let current: Batch | undefined;
let failures = 0;
let timer = 0;
let pumping = false;
let wake: (() => void) | undefined;

const headers = (): Record<string, string> => ({ 'Content-Type': 'text/plain;charset=UTF-8' });

export const address = (query = ''): string => {
  const { endpoint, key } = core._options;
  const parts = [query, key && 'key=' + encodeURIComponent(key)].filter(Boolean).join('&');
  return parts ? endpoint + (endpoint.includes('?') ? '&' : '?') + parts : endpoint;
};

export function client(): object {
  const { connection, deviceMemory, hardwareConcurrency } = navigator as Navigator & {
    deviceMemory?: number;
    connection?: { effectiveType: string; rtt: number; downlink: number; saveData: boolean };
  };
  return {
    sdk: 'perftui/' + VERSION,
    viewport: [innerWidth, innerHeight],
    connection: connection && {
      effectiveType: connection.effectiveType,
      rtt: connection.rtt,
      downlink: connection.downlink,
      saveData: connection.saveData,
    },
    deviceMemory,
    hardwareConcurrency,
  };
}

/** How long to wait after `count` failures, in milliseconds: doubling, half of it by chance. */
export const backoff = (count: number, random: number): number =>
  Math.min(6e4, 500 * 2 ** count) * (0.5 + random / 2);

/** What `Retry-After` asks for, in milliseconds: seconds or a date; 0 where it is absent. */
export const retryAfter = (value: string | null, time: number): number =>
  Math.max(0, +value! * 1e3 || Date.parse(value!) - time || 0);

async function gzip(text: string): Promise<ArrayBuffer | undefined> {
  try {
    return await new Response(
      new Blob([text]).stream().pipeThrough(new CompressionStream('gzip')),
    ).arrayBuffer();
  } catch {
    return undefined;
  }
}

/** Sends one batch; what comes back is how long to wait before the next, in milliseconds. */
async function post(batch: Batch, hurry?: boolean): Promise<number> {
  let wait = 0;
  let status = 0;
  try {
    const small = !hurry && batch._body.length > GZIP_FROM && (await gzip(batch._body));
    // The page left while this was compressed, and a beacon has it.
    if (batch._safe) return 0;
    const near = new URL(core._options.endpoint, location.href).origin == location.origin;
    // A batch that failed goes without keepalive: the 64 KiB may be what it failed for.
    batch._safe = !failures;
    const response = await fetch(address(small && !near ? 'encoding=gzip' : ''), {
      method: 'POST',
      body: small || batch._body,
      headers: small && near ? { ...headers(), 'Content-Encoding': 'gzip' } : headers(),
      keepalive: batch._safe,
      credentials: 'omit',
    });
    status = response.status;
    wait = retryAfter(response.headers.get('Retry-After'), Date.now());
  } catch {
    // No network, no server, or no budget: status stays 0.
  }
  batch._safe = false;
  if (!status || [429, 502, 503, 504, 507].includes(status)) {
    if (core._alive) retries.push(batch);
    return Math.max(wait, backoff(++failures, Math.random()));
  }
  failures = 0;
  if (status > 399) for (const type in batch._counts) drop(type, batch._counts[type]);
  return 0;
}

/** Sends batch after batch until nothing is left. */
export async function pump(): Promise<void> {
  clearTimeout(timer);
  timer = 0;
  const document_ = document as Document & { prerendering?: boolean };
  if (pumping || document_.prerendering) return;
  pumping = true;
  while (core._alive && (current = retries.shift() || build(client()))) {
    const wait = await post(current);
    if (wait) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, wait);
      });
    }
  }
  current = undefined;
  pumping = false;
}

export const resume = (): void => wake?.();

/** Sends in a while, when the page is idle; at once where a batch is full. */
export function schedule(): void {
  const idle = window.requestIdleCallback || setTimeout;
  const run = (): unknown => idle(safe(pump), { timeout: 1e3 } as never);
  if (queue.length == HURRY) run();
  timer ||= window.setTimeout(run, core._options.flushInterval ?? 2e3);
}

/** The page may not come back: hands everything over. `final` where it is surely going. */
export function leave(final: boolean): void {
  if (!core._alive || (document as Document & { prerendering?: boolean }).prerendering) return;
  // While the server is away and the page is not, waiting loses less than a beacon to nobody.
  if (failures && !final) return;
  queue.sort((a, b) => b._rank - a._rank);
  let batch: Batch | undefined;
  const unsent = current && !current._safe ? [current] : [];
  while ((batch = unsent.pop() || retries.shift() || build(client(), BEACON_LIMIT))) {
    const blob = new Blob([batch._body], { type: 'text/plain;charset=UTF-8' });
    batch._safe = true;
    if (!navigator.sendBeacon(address(), blob)) {
      batch._safe = false;
      if (batch != current) retries.push(batch);
      break;
    }
  }
}

export const clearQueue = (): void => {
  queue.length = retries.length = 0;
};

void now;
