import { api, busy, card, make, post, track } from './shop.js';

const started = performance.now();

/** Comes in above what is already there, and moves it down: a layout shift. */
async function promotion() {
  const { title, text } = await api('/api/promotion');
  document
    .getElementById('promotion')
    .append(make('div', { className: 'promotion' }, make('b', {}, title), make('span', {}, text)));
}

/** Slow, because the service behind it is. */
async function recommendations() {
  const { products } = await api('/api/recommendations');
  const list = document.getElementById('recommendations');
  list.replaceChildren(...products.map(card));
  list.ariaBusy = 'false';
  performance.measure('recommendations-visible', { start: started });
}

function newsletter() {
  const form = document.getElementById('newsletter');
  const answer = document.getElementById('newsletter-answer');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      await post('/api/newsletter', { email: form.elements.email.value });
      answer.textContent = 'The next letter is yours.';
    } catch (error) {
      answer.textContent = `Sorry: ${error.message}`;
    }
  });
}

track('home_viewed', { flags: Object.keys(window.LumenFlags).length });
document
  .getElementById('hero')
  .addEventListener('load', () => performance.mark('hero-loaded'), { once: true });
promotion();
recommendations();
newsletter();
// Sorting all the phrases at once is what makes the page deaf for a moment: a long task.
addEventListener('load', () =>
  setTimeout(() => {
    performance.mark('index-start');
    busy(160);
    performance.measure('build-search-index', 'index-start');
  }),
);
