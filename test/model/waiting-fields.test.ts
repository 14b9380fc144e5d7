import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createModel } from '../../src/model/ensemble.ts';
import { EventBook, eventOf } from '../../src/model/features.ts';
import { PathBook } from '../../src/model/path-names.ts';
import { PLACE } from '../../src/model/places.ts';
import { putAway, takeBack } from '../../src/model/waiting-fields.ts';
import { liveHeapBytes } from '../support/live-heap.ts';
import { MONDAY_MS, ONLY, Stream } from './stream.ts';

const OBJECTS = 500;
const FIELDS = 50;

describe('what waits with its visit to be learnt', () => {
  it('is as it was once it is taken back, whatever its values', () => {
    const book = new EventBook(new PathBook({ numbered: true }));
    const change = new Stream().change({
      atMs: MONDAY_MS,
      actor: 'kustomize-controller',
      origin: 'list',
      spec: {
        image: 'registry.corp.example/app:1.2.3',
        cpu: '500m',
        replicas: 3,
        nothing: null,
        empty: {},
        none: [],
        rounds: [1, 2, 'three'],
        ports: [{ name: 'http', port: 80 }, { port: 81 }],
        long: `${'word '.repeat(100)}end`,
        exact: 'x'.repeat(400),
        // As long when it is shortened as one that was not, since no character is cut in two.
        cut: `https://u:${'a'.repeat(389)}\u{1F600}b@host.example.com/x`,
      },
    });
    const event = eventOf(change, { ...ONLY, known: false }, book);
    assert.equal(event.imported, true);
    const before = event.fields.map((field) => ({ ...field }));
    putAway(event, book.paths);
    assert.deepEqual(event.fields, []);
    takeBack(event);
    assert.deepEqual(event.fields, before);
    assert.deepEqual(
      event.fields.map((field) => field[PLACE]),
      before.map((field) => field[PLACE]),
    );
    takeBack(event);
    assert.equal(event.fields.length, before.length);
  });

  it('is in a snapshot in full', () => {
    const judged = [false, true].map((restarts) => {
      const stream = new Stream();
      let model = createModel();
      for (let i = 0; i < 30; i++) model.observe(listed(stream, i));
      if (restarts) model = createModel({}, model.snapshot());
      for (let i = 30; i < 60; i++) model.observe(listed(stream, i));
      model.advance(MONDAY_MS + 60_000);
      const odd = { atMs: MONDAY_MS + 60_000, actor: 'mallory', name: 'object-3', spec: { f1: 'registry.evil.example/x:9' } };
      return {
        judgements: model.observe(stream.change(odd)),
        baselines: model.baselines({ group: 'kafka.example', kind: 'Kafka' }),
        maturity: model.maturity(),
      };
    });
    assert.deepEqual(judged[1], judged[0]);
  });

  it('takes little memory while a first list goes on', () => {
    const stream = new Stream();
    const changes = Array.from({ length: OBJECTS }, (_, i) => listed(stream, i));
    const model = createModel();
    // The kind's paths are known by then.
    for (const change of changes.slice(0, 50)) model.observe(change);
    const before = liveHeapBytes();
    for (const change of changes.slice(50)) model.observe(change);
    const each = (liveHeapBytes() - before) / (OBJECTS - 50);
    assert.ok(each < 6_000, `${Math.round(each)} bytes for each object of ${FIELDS} fields`);
    assert.equal(model.maturity().changes, OBJECTS);
  });
});

function listed(stream: Stream, i: number) {
  const spec = Object.fromEntries(Array.from({ length: FIELDS }, (_, f) => [`f${f}`, f % 2 === 0 ? i + f : `value-${f}`]));
  return stream.change({ atMs: MONDAY_MS, actor: 'kustomize-controller', name: `object-${i}`, origin: 'list', spec });
}
