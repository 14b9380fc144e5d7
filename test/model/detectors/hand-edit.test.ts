import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandEdit } from '../../../src/model/detectors/hand-edit.ts';
import { eventOf } from '../../../src/model/features.ts';
import { type Edit, MINUTE_MS, MONDAY_MS, ONLY, Stream } from '../stream.ts';

const FLUX = {
  labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps', 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system' },
};

function told(past: Partial<Edit>[], last: Partial<Edit>) {
  const detector = new HandEdit();
  const stream = new Stream();
  const eventFor = (edit: Partial<Edit>, i: number) => {
    const filled = {
      atMs: MONDAY_MS + i * MINUTE_MS,
      actor: 'kustomize-controller',
      spec: { replicas: i },
      metadata: FLUX,
      ...edit,
    };
    return eventOf(stream.change(filled), { ...ONLY, known: true });
  };
  past.forEach((edit, i) => {
    detector.learn(eventFor(edit, i));
  });
  const evidence = detector.score(eventFor(last, past.length));
  return evidence === undefined ? undefined : { surprise: evidence.surprise, sentence: evidence.explain().sentence };
}

const applied = Array.from({ length: 60 }, () => ({}));

test('a hand edit of what Flux keeps is told with how seldom that is', () => {
  const found = told(applied, { actor: 'user:ann' });
  assert.ok(found !== undefined && found.surprise > 3, String(found?.surprise));
  assert.equal(
    found.sentence,
    'user:ann edited by hand what Flux keeps; of 59 past edits of such Kafka objects none came by hand. Flux may put it back.',
  );
});

test('it says less where hand edits are usual', () => {
  const rare = told(applied, { actor: 'user:ann' });
  const often = told(
    applied.map((edit, i) => (i % 2 === 0 ? edit : { actor: 'user:bob' })),
    { actor: 'user:ann' },
  );
  assert.ok(often !== undefined && rare !== undefined && often.surprise < 1 && rare.surprise > 3 * often.surprise);
});

test('it has nothing to say of the tool itself, of machines, of nobody known, and of objects that no tool keeps', () => {
  for (const last of [{}, { actor: 'cluster-autoscaler' }, { actor: 'unknown' }, { actor: 'user:ann', metadata: {} }]) {
    assert.equal(told(applied, last), undefined, JSON.stringify(last));
  }
});
