/**
 * What only a wrapper sees, for those who ask for it: `request-detail` (method, status text, chosen
 * headers, bodies up to a limit) and `console`. The page's calls behave as before, whatever happens
 * in here.
 */
import type { Entry, PluginHost } from './api.ts';

/** Runs a wrapper's own part; the page never sees it fail. */
const quietly = (run: () => unknown): void => {
  try {
    run();
  } catch {
    // Nothing of ours is worth a broken page.
  }
};

const list = (value: unknown): string[] => (value ? ('' + value).split(/[\s,]+/) : []);

export default function detail(host: PluginHost): void {
  const { options } = host;
  const limit = +(options.detailBodyLimit || 0);
  const wanted = list(options.detailHeaders);
  const cut = (body: unknown): string | undefined =>
    limit && typeof body == 'string' ? body.slice(0, limit) : undefined;
  const pick = (get: (name: string) => string | null): object[] =>
    wanted.flatMap((name) => {
      const value = get(name);
      return value === null ? [] : [{ name, value }];
    });
  // At the time of the call: a route may change meanwhile, from which relative URLs are counted.
  const absolute = (url: unknown): string => new URL(url as string, document.baseURI).href;
  const add = (name: string, entry: object): void =>
    quietly(() => {
      if (!host.own(name)) host.add({ entryType: 'request-detail', ...entry, name } as Entry);
    });
  /** The beginning of a body, of which no more is held in memory than is asked for. */
  const beginning = async (response: Response): Promise<string | undefined> => {
    const reader = response.clone().body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (let part; text.length < limit && !(part = await reader.read()).done; ) text += part.value;
    reader.cancel().catch(() => undefined);
    return cut(text);
  };

  if (options.types.includes('request-detail')) {
    const original = window.fetch;
    window.fetch = function (this: unknown, ...args: Parameters<typeof fetch>) {
      const [input, init] = args;
      const startTime = performance.now();
      let promise = original.apply(this as Window, args);
      quietly(() => {
        const request = input instanceof Request ? input : undefined;
        const url = request ? request.url : absolute(input);
        const headers = new Headers(init?.headers || request?.headers);
        const base = {
          startTime,
          method: (init?.method || request?.method || 'GET').toUpperCase(),
          requestHeaders: pick((name) => headers.get(name)),
          requestBody: cut(init?.body),
        };
        // The page gets what follows from it: a failure that nobody handles is to stay one.
        promise = promise.then(
          (response) => {
            const told = (responseBody?: string): void =>
              add(url, {
                ...base,
                duration: performance.now() - startTime,
                responseStatus: response.status,
                statusText: response.statusText,
                responseHeaders: pick((name) => response.headers.get(name)),
                responseBody,
              });
            // Only text is read, and only where it was asked for; a stream of events may never end.
            if (limit && /json|text\/(?!event-)|xml|urlencoded/.test(response.headers.get('content-type')!)) {
              beginning(response).then(told, () => told());
            } else told();
            return response;
          },
          (error) => {
            add(url, { ...base, duration: performance.now() - startTime, error: '' + error });
            throw error;
          },
        );
      });
      return promise;
    };

    const { open, send, setRequestHeader } = XMLHttpRequest.prototype;
    const calls = new WeakMap<XMLHttpRequest, { method: string; url: string; headers: Headers }>();
    XMLHttpRequest.prototype.open = function (this: XMLHttpRequest, ...args: unknown[]) {
      quietly(() =>
        calls.set(this, { method: '' + args[0], url: absolute(args[1]), headers: new Headers() }),
      );
      return open.apply(this, args as never);
    };
    XMLHttpRequest.prototype.setRequestHeader = function (name: string, value: string) {
      quietly(() => calls.get(this)?.headers.append(name, value));
      return setRequestHeader.call(this, name, value);
    };
    XMLHttpRequest.prototype.send = function (body?: XMLHttpRequestBodyInit | Document | null) {
      const startTime = performance.now();
      let error: string | undefined;
      quietly(() => {
        for (const kind of ['error', 'abort', 'timeout']) {
          this.addEventListener(kind, () => { error = kind; }, { once: true });
        }
        this.addEventListener('loadend', () => {
          const call = calls.get(this);
          if (!call) return;
          const text = /^(text)?$/.test(this.responseType) ? cut(this.responseText) : undefined;
          add(call.url, {
            startTime,
            duration: performance.now() - startTime,
            method: call.method.toUpperCase(),
            responseStatus: this.status,
            statusText: this.statusText,
            requestHeaders: pick((name) => call.headers.get(name)),
            responseHeaders: pick((name) => this.getResponseHeader(name)),
            requestBody: cut(body),
            responseBody: text,
            error,
          });
        }, { once: true });
      });
      return send.call(this, body);
    };
  }

  if (options.types.includes('console')) {
    for (const level of ['debug', 'log', 'info', 'warn', 'error'] as const) {
      const original = console[level];
      console[level] = (...args: unknown[]) => {
        quietly(() =>
          host.add({
            name: level,
            entryType: 'console',
            startTime: performance.now(),
            message: args.map(String).join(' ').slice(0, 1e3),
          }),
        );
        original.apply(console, args);
      };
    }
  }
}
