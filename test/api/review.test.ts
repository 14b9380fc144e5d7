/** What was drawn for review over HTTP: listed, answered by verdicts, counted; wrong parameters are named. */
import assert from 'node:assert/strict';
import { after, before, describe, it, mock } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Registry } from 'prom-client';
import type { Review } from '../../src/api/answers.ts';
import { getReview } from '../../src/api/routes/review.ts';
import { publishReviewMetrics } from '../../src/pipeline/review-metrics.ts';
import { asAsync } from '../../src/store/async-store.ts';
import { crowsnest } from '../commands/run-crowsnest.ts';
import { type SeededApi, startSeededApi, TOKEN } from '../support/seeded-api.ts';

let api: SeededApi;
before(async () => {
  api = await startSeededApi();
});
after(() => api.stop());

const review = async (query = '') => (await (await api.get(`/v1/review${query}`)).json()) as Review;
const ids = ({ items }: Review) => items.map(({ finding }) => finding.id);
const say = async (id: string, verdict: 'expected' | 'wrong') => {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ verdict, by: 'ann' });
  const response = await fetch(`${api.url}/v1/findings/${id}/verdict`, { method: 'POST', headers, body });
  assert.equal(response.status, 200);
};

describe('the review', () => {
  it('lists what was drawn and is still stored, answers with the last word, and estimates by cluster', async () => {
    const first = await review();
    assert.deepEqual(ids(first).sort(), ['f-created', 'f-hostile']);
    assert.ok(first.items.every((item) => item.answer === undefined && item.level === 2.5));
    // One of those drawn went before its day was.
    const gone = first.estimates.map(({ cluster, notPaged }) => [cluster, notPaged.gone]);
    assert.deepEqual(new Map(gone as [string, number | undefined][]).get(api.findings.hostile.cluster), 1);
    const told = await crowsnest(['review', '--server', api.url], { environment: { CROWSNEST_TOKEN: TOKEN } });
    assert.match(told.out, /; 1 drawn went before they could be asked about \(--db-max-bytes\)\.\n/, told.err);
    for (const { notPaged, precision, recall } of first.estimates) {
      assert.equal(notPaged.answered, 0);
      assert.deepEqual([precision, recall], [undefined, undefined]);
    }
    await say('f-created', 'wrong');
    await say('f-created', 'expected');
    await say('f-listener', 'wrong');
    await say('f-hostile', 'expected');
    assert.deepEqual(ids(await review('?answered=false')), []);
    const answered = await review('?answered');
    const created = answered.items.find(({ finding }) => finding.id === 'f-created');
    assert.deepEqual([created?.answer?.verdict, created?.answer?.by], ['expected', 'ann']);
    const { cluster } = api.findings.created;
    const estimate = answered.estimates.find((one) => one.cluster === cluster);
    assert.equal(estimate?.notPaged.wrong, 0);
    const registry = new Registry();
    publishReviewMetrics(api.store, registry);
    const text = await registry.metrics();
    assert.match(text, /crowsnest_review_near_misses\{state="waiting"\} 1\n/);
    assert.match(text, /crowsnest_verdict_effects_total\{effect="muted"\} 0\n/);
    assert.match(text, /crowsnest_review_near_misses\{state="answered"\} 2\n/);
  });

  it('reads none of those it does not list to count which are gone', async () => {
    const read = mock.method(api.store, 'finding');
    try {
      const given = { params: {}, query: { answered: 'true' } };
      const { items, estimates } = (await getReview.handle(given, { store: asAsync(api.store) } as never)) as Review;
      assert.ok(estimates.some(({ notPaged }) => notPaged.gone === 1));
      const ids = read.mock.calls.map(({ arguments: [id] }) => id);
      assert.deepEqual(ids.sort(), items.map(({ finding }) => finding.id).sort());
    } finally {
      read.mock.restore();
    }
  });

  it('is documented as it answers', async () => {
    const document = (await (await fetch(`${api.url}/openapi.json`)).json()) as object;
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'doc', ...document });
    const validate = ajv.compile({ $ref: 'doc#/components/schemas/Review' });
    assert.ok(validate(await review()), ajv.errorsText(validate.errors));
  });

  it('keeps to one cluster and to a number', async () => {
    const { cluster } = api.findings.created;
    const one = await review(`?cluster=${cluster}`);
    assert.ok(one.items.length > 0 && one.items.every((item) => item.cluster === cluster));
    assert.deepEqual(
      one.estimates.map((estimate) => estimate.cluster),
      [cluster],
    );
    assert.deepEqual(await review('?cluster=nowhere'), { items: [], estimates: [], metadata: {} });
    assert.equal((await review('?limit=1')).items.length, 1);
  });

  it('goes on where a page ended, to the last one and no further', async () => {
    const whole = await review();
    assert.deepEqual(whole.metadata, {});
    const seen: string[] = [];
    let query = '?limit=1';
    for (let pages = 0; pages < whole.items.length; pages++) {
      const page = await review(query);
      seen.push(...ids(page));
      assert.equal(page.metadata.continue === undefined, pages === whole.items.length - 1);
      assert.deepEqual(page.estimates, whole.estimates);
      query = `?limit=1&continue=${page.metadata.continue}`;
    }
    assert.deepEqual(seen, ids(whole));
  });

  for (const [query, name] of [
    ['answered=maybe', 'answered'],
    ['limit=0', 'limit'],
    ['verdict=wrong', 'verdict'],
    ['continue=bm90', 'continue'],
  ]) {
    it(`refuses ${query}`, async () => {
      const response = await api.get(`/v1/review?${query}`);
      assert.equal(response.status, 400);
      const { errors, code } = (await response.json()) as { code: string; errors: { name: string }[] };
      assert.equal(code, 'REQUEST_INVALID');
      assert.equal(errors[0]?.name, name);
    });
  }
});
