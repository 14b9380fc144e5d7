/** Verdicts over HTTP: given, seen beforehand, listed, taken back; refused with what is wrong; documented as they are taken. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { createFeedback } from '../../src/pipeline/feedback.ts';
import type { Store } from '../../src/store/store.ts';
import { type SeededApi, startSeededApi, TOKEN } from '../support/seeded-api.ts';
import { SEED_END_MS, seededStore } from '../support/seeded-store.ts';

let api: SeededApi;
let ajv: Ajv2020;
let heard = 0;
let store: Store;
const GIVE = '/v1/findings/f-listener/verdict';

before(async () => {
  store = seededStore().store;
  let ids = 0;
  const feedback = createFeedback({
    hash: keyedHash(Buffer.from('k')),
    store,
    analysis: { hear: () => void heard++, place: () => ({ seq: 9, position: 0 }), levelOf: () => 2.5 },
    clock: { nowMs: () => SEED_END_MS },
    newId: () => `v${++ids}`,
  });
  api = await startSeededApi({ store, feedback });
  const document = (await (await fetch(`${api.url}/openapi.json`)).json()) as object;
  ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'doc', ...document });
});
after(() => api.stop());

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${api.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, answer: (await response.json()) as never, headers: response.headers };
}

function isA(schema: string, value: unknown): void {
  const validate = ajv.compile({ $ref: `doc#/components/schemas/${schema}` });
  assert.ok(validate(value), ajv.errorsText(validate.errors));
}

interface Answer {
  stored: boolean;
  verdict: { id: string; scope: object; expires: string; withdrawn?: object };
  preview: { findings: number };
}

describe('verdicts over HTTP', () => {
  it('are seen beforehand, given, listed and taken back', async () => {
    const said = { verdict: 'expected', by: 'ann', why: 'planned', scope: 'object' };
    const beforehand = await post(GIVE, { ...said, preview: true });
    assert.equal(beforehand.status, 200);
    isA('VerdictAnswer', beforehand.answer);
    assert.equal((beforehand.answer as Answer).stored, false);
    assert.equal(heard, 0);
    const list = async (query = '') =>
      ((await (await api.get(`/v1/verdicts${query}`)).json()) as { items: Answer['verdict'][] }).items;
    assert.deepEqual(await list(), []);

    const given = (await post(GIVE, said)).answer as Answer;
    isA('VerdictAnswer', given);
    assert.equal(given.stored, true);
    assert.equal(heard, 1);
    assert.deepEqual(await list(), [given.verdict]);
    assert.deepEqual(await list('?finding=f-listener'), [given.verdict]);
    assert.deepEqual(await list('?finding=other'), []);
    const { status, answer } = await post(`/v1/verdicts/${given.verdict.id}/withdraw`, { by: 'bob' });
    assert.equal(status, 200);
    isA('WithdrawnVerdict', answer);
    assert.equal((answer as { already: boolean }).already, false);
    const again = (await post(`/v1/verdicts/${given.verdict.id}/withdraw`, { by: 'eve' })).answer;
    assert.equal((again as { already: boolean }).already, true);
    assert.deepEqual((again as Answer['verdict']).withdrawn, (answer as Answer['verdict']).withdrawn);
    assert.deepEqual((answer as Answer['verdict']).withdrawn, { by: 'bob', time: new Date(SEED_END_MS).toISOString() });
    assert.equal(heard, 2);
  });

  it('are listed with what they muted and raised, and when last', async () => {
    const { verdict } = (await post(GIVE, { verdict: 'expected', by: 'ann' })).answer as {
      verdict: { id: string; hits: object };
    };
    assert.deepEqual(verdict.hits, { muted: 0, raised: 0 });
    heard = 2;
    const muted = {
      ...api.findings.route,
      id: 'f-muted',
      decision: { verdict: 'record', why: 'expected', heard: verdict.id } as const,
    };
    store.commitAnalysis({ findings: [muted] });
    const { items } = (await (await api.get('/v1/verdicts')).json()) as { items: (typeof verdict)[] };
    const last = new Date(muted.tsMs).toISOString();
    assert.deepEqual(items[0]?.hits, { muted: 1, raised: 0, last });
    isA('VerdictList', { items, metadata: {} });
  });

  const CASES: [what: string, path: string, body: unknown, status: number, detail: RegExp][] = [
    ['an unknown finding', '/v1/findings/none/verdict', { verdict: 'wrong', by: 'ann' }, 404, /No finding none/],
    ['an unknown verdict', '/v1/verdicts/none/withdraw', { by: 'ann' }, 404, /No verdict none/],
    ['another word', GIVE, { verdict: 'fine', by: 'ann' }, 400, /verdict: must be one of expected, wrong/],
    ['nobody', GIVE, { verdict: 'wrong' }, 400, /body parameter by: is required/],
    ['a name that is no name', GIVE, { verdict: 'wrong', by: 'a\nb' }, 400, /by: must be 1 to 100 printable/],
    ['half a character', GIVE, { verdict: 'wrong', by: 'a\ud83e' }, 400, /holds half a character/],
    ['a scope of nothing', GIVE, { verdict: 'wrong', by: 'ann', scope: 'world' }, 400, /scope: must be one of object, actor/],
    ['a scope elsewhere', GIVE, { verdict: 'wrong', by: 'ann', scope: { cluster: 'x' } }, 400, /does not fit the finding/],
    ['an end before its begin', GIVE, { verdict: 'wrong', by: 'ann', expires: '2020-01-01T00:00:00Z' }, 400, /expire before/],
    ['no time', GIVE, { verdict: 'wrong', by: 'ann', expires: 'soon' }, 400, /expires: must be an RFC 3339 time/],
    ['a member nobody knows', GIVE, { verdict: 'wrong', by: 'ann', extra: 1 }, 400, /extra: is not a parameter/],
    ['no JSON', GIVE, '{', 400, /is not a JSON object\./],
    ['a list', GIVE, [], 400, /is required/],
    ['nothing', GIVE, '', 400, /is required/],
    ['too much', GIVE, { verdict: 'wrong', by: 'ann', why: 'x'.repeat(20_000) }, 400, /is longer than 16384 bytes/],
  ];
  for (const [what, path, body, status, detail] of CASES) {
    it(`refuse ${what}`, async () => {
      const { status: got, answer } = await post(path, body);
      assert.equal(got, status, JSON.stringify(answer));
      isA('Problem', answer);
      assert.match((answer as { detail: string }).detail, detail);
      assert.equal(heard, 2);
    });
  }

  it('need the token, JSON by its media type, and POST', async () => {
    const said = { verdict: 'expected', by: 'ann' };
    assert.equal((await post(GIVE, said, { authorization: 'Bearer wrong-wrong-wrong-wrong' })).status, 401);
    const plain = await post(GIVE, JSON.stringify(said), { 'content-type': 'text/plain' });
    assert.equal(plain.status, 400);
    assert.match((plain.answer as { detail: string }).detail, /content-type: must be application\/json/);
    const got = await api.get(GIVE);
    assert.equal(got.status, 405);
    assert.equal(got.headers.get('allow'), 'POST');
  });
});
