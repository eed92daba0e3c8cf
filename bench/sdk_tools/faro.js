// Grafana Faro with all its web instrumentations, resources included.
import { getWebInstrumentations, initializeFaro } from '@grafana/faro-web-sdk';

initializeFaro({
  url: location.origin + '/collect',
  app: { name: 'bench', version: '1.0.0' },
  trackResources: true,
  instrumentations: [...getWebInstrumentations()],
});
