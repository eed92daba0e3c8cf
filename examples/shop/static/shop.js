// What every page of the shop uses: the API, the basket, the search box, analytics.

const BASKET = 'lumen-basket';

/** JSON from the shop's API. Rejects where the status says so, with `status` on the error. */
export async function api(path, options = {}) {
  const response = await fetch(path, { headers: { Accept: 'application/json' }, ...options });
  const body = await response.json();
  if (!response.ok) throw Object.assign(new Error(body.error), { status: response.status });
  return body;
}

export const post = (path, body) =>
  api(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify(body),
  });

/** An analytics event, for perftui where its script tag is on the page. */
export const track = (name, properties) => window.perftui?.capture?.(name, properties);

/** Keeps the main thread busy for exactly so many milliseconds, as heavy code would. */
export function busy(milliseconds) {
  const end = performance.now() + milliseconds;
  let sum = 0;
  while (performance.now() < end) sum += Math.sqrt(sum + 1);
  return sum;
}

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

export const price = (cents) => `€ ${(cents / 100).toFixed(2)}`;

/** An element with properties and children. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export const card = (product) =>
  make(
    'li',
    { className: 'card' },
    make(
      'a',
      { href: `/products/${product.id}` },
      make('img', { src: product.image, width: 400, height: 400, alt: '' }),
      make('h3', {}, product.name),
      make('p', {}, price(product.price)),
    ),
  );

export function notice(text) {
  const line = make('div', { className: 'notice' }, text);
  document.getElementById('notices').append(line);
  setTimeout(() => line.remove(), 4000);
}

/** Product IDs and how many of each. */
export const basket = () => JSON.parse(localStorage.getItem(BASKET) || '{}');

export function saveBasket(lines) {
  localStorage.setItem(BASKET, JSON.stringify(lines));
  showBasket();
}

export function showBasket() {
  const count = Object.values(basket()).reduce((sum, each) => sum + each, 0);
  document.getElementById('basket-count').textContent = count;
}

/** Moves to another URL of the same document. */
export function go(path) {
  history.pushState({}, '', path);
}

function search() {
  const input = document.getElementById('search');
  const results = document.getElementById('search-results');
  let running;
  input.form.addEventListener('submit', (event) => event.preventDefault());
  input.addEventListener('input', async () => {
    // What was asked before is of no use any more.
    running?.abort();
    const words = input.value.trim();
    if (!words) {
      results.hidden = true;
      return;
    }
    running = new AbortController();
    const start = performance.now();
    try {
      const found = await api(`/api/search?q=${encodeURIComponent(words)}`, {
        signal: running.signal,
      });
      performance.measure('search', { start, detail: { words, found: found.products.length } });
      const other = (window.LumenPhrases || []).find((phrase) => phrase.startsWith(words));
      results.replaceChildren(
        ...found.products.slice(0, 5).map((product) =>
          make('li', {}, make('a', { href: `/products/${product.id}` }, product.name)),
        ),
      );
      if (!found.products.length) {
        results.append(make('li', {}, other ? `Did you mean “${other}”?` : 'Nothing found'));
      }
      results.hidden = false;
      track('search', { words, found: found.products.length });
    } catch (error) {
      if (error.name !== 'AbortError') throw error;
    }
  });
}

showBasket();
search();
api('/api/session').then(({ greeting }) => {
  document.querySelector('.logo').title = greeting;
});
