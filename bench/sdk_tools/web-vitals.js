// web-vitals: five metrics, no network log. Listed for scale, it is not what the limits compare with.
import { onCLS, onFCP, onINP, onLCP, onTTFB } from 'web-vitals';

const send = (metric) => navigator.sendBeacon('/vitals', JSON.stringify(metric));
for (const on of [onCLS, onFCP, onINP, onLCP, onTTFB]) on(send);
