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

export default function detail(host: PluginHost): void {
  const { options } = host;
  const limit = +(options.detailBodyLimit || 0);
  // To ask for what is no name throws.
  const wanted = `${options.detailHeaders ?? ''}`.split(/[\s,]+/).filter((name) => /^[\w-]+$/.test(name));
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
    interface Call {
      method: string;
      url: string;
      headers: Headers;
      startTime?: number;
      body?: unknown;
      error?: string;
    }
    /** The request that an object is at; a page may use one object for many. */
    const calls = new WeakMap<XMLHttpRequest, Call>();
    const ended = ({ type, target }: Event): void =>
      quietly(() => {
        const request = target as XMLHttpRequest;
        const call = calls.get(request)!;
        // What ended it is told before its end is.
        if (type != 'loadend') call.error = type;
        else {
          add(call.url, {
            startTime: call.startTime,
            duration: performance.now() - call.startTime!,
            method: call.method.toUpperCase(),
            responseStatus: request.status,
            statusText: request.statusText,
            requestHeaders: pick((name) => call.headers.get(name)),
            responseHeaders: pick((name) => request.getResponseHeader(name)),
            requestBody: cut(call.body),
            responseBody: /^(text)?$/.test(request.responseType) ? cut(request.responseText) : undefined,
            error: call.error,
          });
        }
      });
    XMLHttpRequest.prototype.open = function (this: XMLHttpRequest, ...args: unknown[]) {
      quietly(() => {
        // Mostly before the page's own listeners, as it may open the same object again there.
        for (const type of calls.has(this) ? [] : ['error', 'abort', 'timeout', 'loadend']) {
          this.addEventListener(type, ended);
        }
        calls.set(this, { method: '' + args[0], url: absolute(args[1]), headers: new Headers() });
      });
      return open.apply(this, args as never);
    };
    XMLHttpRequest.prototype.setRequestHeader = function (name: string, value: string) {
      quietly(() => calls.get(this)?.headers.append(name, value));
      return setRequestHeader.call(this, name, value);
    };
    XMLHttpRequest.prototype.send = function (body?: XMLHttpRequestBodyInit | Document | null) {
      quietly(() => Object.assign(calls.get(this)!, { startTime: performance.now(), body }));
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
