import {
  api, basket, busy, card, go, make, notice, post, saveBasket, track,
} from './shop.js';

const id = document.querySelector('[data-product]').dataset.product;
const panel = document.getElementById('panel');
const tabs = document.getElementById('tabs');

/** Each place that shows the stock asks for it by itself: the same call again and again. */
async function stock() {
  for (const place of document.querySelectorAll('[data-stock]')) {
    const { left } = await api(`/api/products/${id}/stock`);
    place.textContent = `${left} in stock`;
  }
  const { left } = await api(`/api/products/${id}/stock`);
  document.getElementById('add').disabled = left === 0;
}

async function delivery() {
  const { day } = await api(`/api/products/${id}/delivery`);
  document.getElementById('delivery').textContent = day;
}

async function related() {
  const { products } = await api(`/api/products/${id}/related`);
  const list = document.getElementById('related');
  list.replaceChildren(...products.map(card));
  list.ariaBusy = 'false';
}

const fill = {
  async description() {
    const { blurb, care } = await api(`/api/products/${id}`);
    panel.replaceChildren(make('p', {}, blurb), make('p', {}, care));
  },
  async reviews() {
    panel.replaceChildren(make('p', { className: 'hint' }, 'Reading the reviews …'));
    const { reviews } = await api(`/api/products/${id}/reviews`);
    panel.replaceChildren(
      ...reviews.map(({ by, stars, text }) =>
        make('div', { className: 'review' }, make('b', {}, '★'.repeat(stars)), ` ${by}: ${text}`),
      ),
    );
  },
  async delivery() {
    panel.replaceChildren(make('p', {}, 'We deliver by bike in town and by parcel elsewhere.'));
    // Nobody catches what this throws while the notes are being moved elsewhere.
    const { notes } = await api('/api/notes/delivery');
    panel.append(make('p', {}, notes));
  },
};

function show(tab) {
  panel.dataset.tab = tab;
  for (const link of tabs.children) link.classList.toggle('here', link.dataset.tab === tab);
  return fill[tab]();
}

const tabOf = (path) => path.split('/')[3] || 'description';

tabs.addEventListener('click', (event) => {
  const link = event.target.closest('a');
  if (!link) return;
  event.preventDefault();
  // Still under way when the route changes: it belongs to the view that is left.
  post('/api/views', { product: id, tab: panel.dataset.tab });
  go(link.pathname);
  track('tab_opened', { product: id, tab: link.dataset.tab });
  show(link.dataset.tab);
});
addEventListener('popstate', () => show(tabOf(location.pathname)));

document.getElementById('add').addEventListener('click', async ({ target }) => {
  target.disabled = true;
  const lines = basket();
  lines[id] = (lines[id] || 0) + 1;
  await post('/api/basket/items', { product: id });
  saveBasket(lines);
  target.disabled = false;
  track('added_to_basket', { product: id, count: lines[id] });
  notice('It is in your basket.');
});

/** Works out the light in the room in one go: a click that takes long to show anything. */
document.getElementById('preview').addEventListener('click', () => {
  performance.mark('preview-start');
  busy(540);
  const canvas = document.getElementById('room');
  const paint = canvas.getContext('2d');
  const light = paint.createRadialGradient(200, 80, 8, 200, 90, 210);
  light.addColorStop(0, '#fff3cf');
  light.addColorStop(0.45, '#e6c79c');
  light.addColorStop(1, '#5b4636');
  paint.fillStyle = light;
  paint.fillRect(0, 0, 400, 140);
  paint.fillStyle = '#8a5a2b';
  paint.fillRect(0, 140, 400, 40);
  paint.fillStyle = '#3d2f28';
  paint.fillRect(150, 22, 100, 100);
  paint.drawImage(document.getElementById('picture'), 156, 28, 88, 88);
  canvas.hidden = false;
  performance.measure('room-preview', 'preview-start');
  track('room_previewed', { product: id });
});

/** The wish list is switched off by its flag, and this was never told. */
document.getElementById('compare').addEventListener('click', () => {
  window.LumenFlags.wishList.items.push(id);
});

track('product_viewed', { product: id });
stock();
delivery();
related();
show(tabOf(location.pathname));
