import { api, basket, go, make, notice, pause, post, price, saveBasket, track } from './shop.js';

const STEPS = { '/checkout': 'address', '/checkout/payment': 'payment', '/checkout/thank-you': 'thank-you' };
const $ = (id) => document.getElementById(id);
let delivery = 0;
let goods = 0;
let attempt = 1;

const showTotal = () => {
  $('total').textContent = price(goods + delivery);
};

function show() {
  const step = STEPS[location.pathname];
  for (const name of Object.values(STEPS)) $(name).hidden = name !== step;
  for (const item of $('steps').children) {
    item.classList.toggle('here', item.dataset.step === step);
  }
  track('checkout_step', { step });
}

async function lines() {
  const products = await Promise.all(
    Object.entries(basket()).map(async ([id, count]) => ({
      ...(await api(`/api/products/${id}`)),
      count,
    })),
  );
  if (!products.length) $('lines').append(make('li', {}, 'Nothing in it yet.'));
  for (const { name, image, count, price: each } of products) {
    goods += each * count;
    $('lines').append(
      make('li', {}, make('img', { src: image, width: 56, height: 56, alt: '' }),
        make('span', {}, count > 1 ? `${count} × ${name}` : name), price(each * count)),
    );
  }
  showTotal();
}

/** Each courier answers when it can: one line of JSON after the other. */
async function shipping() {
  const response = await fetch('/api/shipping');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const place = $('shipping');
  let waiting = '';
  for (let first = true; ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    waiting += value;
    const whole = waiting.split('\n');
    waiting = whole.pop();
    for (const line of whole) {
      const offer = JSON.parse(line);
      if (first) place.replaceChildren();
      const radio = make('input', { type: 'radio', name: 'shipping', value: offer.id, checked: first });
      if (first) delivery = offer.price;
      first = false;
      radio.addEventListener('change', () => {
        delivery = offer.price;
        showTotal();
      });
      place.append(
        make('label', {}, radio, make('span', {}, `${offer.name}, ${offer.when}`), price(offer.price)),
      );
      showTotal();
    }
  }
}

/** The service closes the connection without a word; paying goes on without it. */
async function risk() {
  try {
    await api('/api/risk');
  } catch {
    $('risk').textContent = 'The card check is away; your bank may ask you for a code.';
  }
}

$('postcode').addEventListener('input', ({ target }) => {
  const place = (window.LumenPlaces || []).find(([code]) => code.startsWith(target.value));
  if (target.value.length >= 4 && place) $('town').value = place[1];
});

$('voucher').addEventListener('submit', async (event) => {
  event.preventDefault();
  try {
    await post('/api/vouchers', { code: $('voucher-code').value });
  } catch (error) {
    $('voucher-answer').textContent = `${error.message} (${error.status})`;
  }
});

$('address').addEventListener('submit', (event) => {
  event.preventDefault();
  go('/checkout/payment');
  show();
});

$('payment').addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = $('pay');
  button.disabled = true;
  $('failure').hidden = true;
  performance.mark('payment-start');
  try {
    await post(`/api/payments?attempt=${Math.min(attempt, 2)}`, { amount: goods + delivery });
  } catch (error) {
    attempt += 1;
    $('failure').textContent = `${error.message} Nothing was charged. Please try again.`;
    $('failure').hidden = false;
    track('payment_failed', { status: error.status, attempt: attempt - 1 });
    return;
  } finally {
    button.disabled = false;
    performance.measure('payment', 'payment-start');
  }
  const { number } = await post('/api/orders', { amount: goods + delivery });
  track('order_placed', { number, amount: (goods + delivery) / 100, attempts: attempt });
  $('order').textContent = number;
  saveBasket({});
  go('/checkout/thank-you');
  show();
  notice('Your order has been placed.');
  for (let asked = 0; asked < 3; asked += 1) {
    const { state } = await api(`/api/orders/${number}`);
    $('order-status').textContent = `It is ${state}.`;
    await pause(400);
  }
});

addEventListener('popstate', show);
show();
lines();
shipping();
risk();
