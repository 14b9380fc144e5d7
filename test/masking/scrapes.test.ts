/** Secrets in labels of metrics: anybody who writes a controller may put what they like there, and it names a series for good. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import type { Scrape } from '../../src/domain/series/series.ts';
import { createIngest } from '../../src/pipeline/ingest.ts';
import { createMaskingBook } from '../../src/pipeline/masking-book.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { createRandom } from './random.ts';
import { TOKENS, URLS } from './tokens.ts';

const hash = keyedHash(Buffer.alloc(32, 7));

function setUp() {
  const store = openSqliteStore({ file: ':memory:' });
  const masking = createMaskingBook({ store });
  return { ingest: createIngest({ store, hash, masking }), masking };
}

const scrapeOf = (labels: Record<string, string>[]): Scrape => ({
  ...{ cluster: 'test', target: 'http://10.0.0.1:8080/metrics', tsMs: 5 },
  samples: labels.map((each, i) => ({ metric: 'calls_total', labels: each, value: i })),
});

test('tokens, and passwords in addresses, never get past', () => {
  const { ingest, masking } = setUp();
  const r = createRandom(20_261_128);
  const planted = [
    ...Object.values(TOKENS)
      .map((make) => make(r))
      .map((token) => [token, token] as const),
    ...Object.values(URLS).map((make) => make(r)),
  ];
  const scrape = scrapeOf(planted.map(([shown]) => ({ url: shown, result: 'ok' })));
  // The second time it is known.
  for (const text of [ingest.masked(scrape), ingest.masked(scrape)].map((each) => JSON.stringify(each)))
    assert.deepEqual(
      planted.filter(([, secret]) => text.includes(JSON.stringify(secret).slice(1, -1))),
      [],
    );
  const places = masking.places();
  assert.ok(places.length >= 3, JSON.stringify(places));
  assert.ok(places.every(({ cluster, kind, path }) => cluster === 'test' && kind === 'Metric' && path === '/calls_total/url'));
  assert.ok(!planted.some(([, secret]) => JSON.stringify(places).includes(secret)));
});

test('series stay apart by the keyed hash, and the same one stays the same', () => {
  const { ingest } = setUp();
  const r = createRandom(3);
  const make = TOKENS['GitHub token'] as (typeof TOKENS)[string];
  const [one, two] = [make(r), make(r)];
  const { samples } = ingest.masked(scrapeOf([{ token: one }, { token: two }, { token: one }, { other: one }]));
  const [first, second, again, other] = samples.map(({ labels }) => labels.token ?? labels.other);
  assert.match(String(first), /^masked:[0-9a-f]{16}$/);
  assert.notEqual(first, second);
  assert.deepEqual([again, other], [first, first]);
});

test('a label that speaks of a password is masked whatever it looks like', () => {
  const { samples } = setUp().ingest.masked(scrapeOf([{ db_password: 'plain' }]));
  assert.match(String(samples[0]?.labels.db_password), /^masked:/);
});

test('what usually stands in labels stays as it is', () => {
  const { ingest, masking } = setUp();
  const scrape = scrapeOf([
    { controller: 'kafka', name: 'kafka-7d9f8b6c5d', result: 'success', le: '+Inf', code: '200' },
    { secret: 'orders-db', token: 'refresh', key: 'orders/kafka', credential: 'none', auth: 'oidc' },
    { pod: 'strimzi-cluster-operator-7d9f8b6c5d-x2x9z', instance: '10.0.0.1:8080', url: 'https://api.example.test/v1/things' },
    { uid: '0b9c5f0e-8f2c-4a7e-9a0d-6a1d1a4f8c11', container_id: `containerd://${'0123456789abcdef'.repeat(4)}` },
    { image: `registry.example.test/app@sha256:${'0123456789abcdef'.repeat(4)}`, version: 'v1.30.2+k3s1', goversion: 'go1.25.1' },
    { id: 'kWq8ZtR4yLm2Xc7Vb9Na', revision: 'main@sha1:4b825dc642cb6eb9a060e54bf8d69288fbee4904' },
  ]);
  assert.equal(ingest.masked(scrape), scrape);
  assert.deepEqual(masking.places(), []);
});
