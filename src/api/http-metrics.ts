import { Counter, Histogram, type Registry } from 'prom-client';
import type { Route } from './route.ts';

/** Requests by route and status class. Routes come from the table, so the number of series has a bound. */
export class HttpMetrics {
  private readonly requests: Counter<'route' | 'code'>;
  private readonly seconds: Histogram<'route'>;

  constructor(registry: Registry, routes: readonly Route[]) {
    this.requests = new Counter({
      name: 'crowsnest_http_requests_total',
      help: 'Requests answered by the API, by route and status class',
      labelNames: ['route', 'code'],
      registers: [registry],
    });
    this.seconds = new Histogram({
      name: 'crowsnest_http_request_duration_seconds',
      help: 'Time from the first byte of a request to the last of its answer',
      labelNames: ['route'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers: [registry],
    });
    for (const route of [...routes.map((each) => each.path), 'other']) {
      for (const code of ['2xx', '4xx', '5xx']) this.requests.inc({ route, code }, 0);
      this.seconds.zero({ route });
    }
  }

  observe(route: string, status: number, seconds: number): void {
    this.requests.inc({ route, code: `${Math.floor(status / 100)}xx` });
    this.seconds.observe({ route }, seconds);
  }
}
