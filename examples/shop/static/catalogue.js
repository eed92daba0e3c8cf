import { api, card, go, make, track } from './shop.js';

const shelf = document.getElementById('shelf');
const pages = document.getElementById('pages');

const numberOf = (path) => Number(/\/page\/(\d+)$/.exec(path)?.[1] ?? 1);

async function show(number) {
  for (const link of pages.children) {
    link.classList.toggle('here', numberOf(link.pathname) === number);
  }
  shelf.replaceChildren(
    ...Array.from({ length: 6 }, () => make('li', { className: 'card empty' })),
  );
  const { products } = await api(`/api/products?page=${number}`);
  shelf.replaceChildren(...products.map(card));
  track('shelf_viewed', { page: number, products: products.length });
}

pages.addEventListener('click', (event) => {
  const link = event.target.closest('a');
  if (!link) return;
  event.preventDefault();
  go(link.pathname);
  show(numberOf(link.pathname));
});
addEventListener('popstate', () => show(numberOf(location.pathname)));
