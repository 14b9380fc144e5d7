import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../../src/domain/finding.ts';
import { createModel } from '../../src/model/ensemble.ts';
import type { Model } from '../../src/model/model.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, MONDAY_MS, Stream } from './stream.ts';

type Said = (model: Model, change: { cluster: string; seq: number }, atMs: number) => Model;

/** Four weeks of a bot, an odd edit of which somebody says something, and three days later the like of it. */
function likeOfAnOddEdit(said: Said): Pick<Finding, 'score' | 'reasons'>[] {
  const stream = new Stream();
  let model = createModel();
  const image = (from: string, version: string) => ({ version, image: `${from}/kafka:1` });
  const hours = 24 * 28;
  for (let n = 0; n < hours; n++)
    model.observe(
      stream.change({
        atMs: MONDAY_MS + n * HOUR_MS,
        actor: 'bot',
        name: `k${n % 5}`,
        spec: image('registry.example', `1.${n}`),
      }),
    );
  const atMs = MONDAY_MS + hours * HOUR_MS + MINUTE_MS;
  const odd = stream.change({ atMs, actor: 'mallory', name: 'k1', spec: image('evil.example', '1.9') });
  assert.ok((model.observe(odd)[0]?.score ?? 0) >= 4);
  model = said(model, { cluster: 'test', seq: odd.seq }, atMs);
  model.advance(atMs + 3 * DAY_MS);
  return model.observe(
    stream.change({ atMs: atMs + 3 * DAY_MS + 1, actor: 'mallory', name: 'k2', spec: image('evil.example', '1.9') }),
  );
}

test('what is called wrong is not learnt, whether its visit is over or not, and after a restart in between neither', () => {
  const never = likeOfAnOddEdit((model, change, atMs) => {
    model.advance(atMs + MINUTE_MS);
    assert.equal(model.withhold(change), true);
    return model;
  });
  const learnt = likeOfAnOddEdit((model) => model);
  assert.notDeepEqual(learnt, never);
  const atOnce = likeOfAnOddEdit((model, change) => {
    assert.equal(model.withhold(change), true);
    return model;
  });
  assert.deepEqual(atOnce, never);
  const restored = likeOfAnOddEdit((model, change) => {
    model.withhold(change);
    return createModel({}, model.snapshot());
  });
  assert.deepEqual(restored, never);
});
