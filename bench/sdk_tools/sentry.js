// Sentry's browser tracing; every page load is sampled.
import * as Sentry from '@sentry/browser';

Sentry.init({
  dsn: `${location.protocol}//key@${location.host}/1`,
  integrations: [Sentry.browserTracingIntegration()],
  tracesSampleRate: 1,
});
