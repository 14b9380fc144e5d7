/** history, diff, blame, at and changes, asked of a running service as a person would. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { until } from '../support/until.ts';
import { crowsnest, get, line, recorded, start, temporaryFolder } from './run-crowsnest.ts';

const folder = temporaryFolder();
const recording = join(folder, 'recording.ndjson');
writeFileSync(
  recording,
  `${[1, 2, 3].map((revision) => line(revision)).join('\n')}\n${line(1, { name: 'billing', replicas: 7, tsMs: Date.UTC(2026, 0, 5, 9) })}\n`,
);
const OBJECT = 'Kafka/streaming/orders';
let url: string;

before(async () => {
  const running = start(['replay', recording, '--port', '0']);
  url = await recorded(running, 4);
  await until('they are judged', async () => (await get<{ items: unknown[] }>(url, '/v1/findings?limit=1')).items.length > 0);
});

const ask = async (...args: string[]) => {
  const { code, out, err } = await crowsnest([...args, '--server', url]);
  assert.equal(code, 0, err);
  return out;
};

describe('asking a running service', { concurrency: 2 }, () => {
  it('history lists the changes of an object, newest first', async () => {
    assert.deepEqual((await ask('history', OBJECT)).trimEnd().split('\n'), [
      '3  2026-01-05T08:03:00.000Z  MODIFIED  ann  /spec/kafka/replicas',
      '2  2026-01-05T08:02:00.000Z  MODIFIED  ann  /spec/kafka/replicas',
      '1  2026-01-05T08:01:00.000Z  ADDED  ann',
    ]);
    assert.equal((await ask('history', OBJECT, '--json', '--limit', '2')).trimEnd().split('\n').length, 2);
  });

  it('diff shows what changed between two revisions', async () => {
    const newest = await ask('diff', OBJECT);
    assert.match(newest, /^--- change 2\n\+\+\+ change 3\n@@ .*\n[\s\S]*\n- {4}replicas: 2\n\+ {4}replicas: 3\n$/);
    assert.match(await ask('diff', OBJECT, '--revisions', '1..3'), /- {4}replicas: 1\n\+ {4}replicas: 3/);
    assert.match(await ask('diff', OBJECT, '--revisions', '2'), /- {4}replicas: 1\n\+ {4}replicas: 2/);
    const byTime = await ask('diff', OBJECT, '--revisions', '2026-01-05T08:01:30Z..', '--json');
    const { from, to, changes } = JSON.parse(byTime) as { from: number; to: number; changes: { pointer: string }[] };
    assert.deepEqual([from, to, changes.map(({ pointer }) => pointer)], [1, 3, ['/spec/kafka/replicas']]);
  });

  it('blame says who set each field, and when', async () => {
    assert.deepEqual((await ask('blame', OBJECT)).trimEnd().split('\n'), [
      '1  2026-01-05T08:01:00.000Z  ann  /apiVersion: "kafka.strimzi.io/v1"',
      '3  2026-01-05T08:03:00.000Z  ann  /spec/kafka/replicas: 3',
    ]);
    assert.match(await ask('blame', OBJECT, '--revision', '2'), /^2 .*replicas: 2$/m);
  });

  it('model explain says what is usual for an object, a kind and an actor, as the API does', async () => {
    const words = await ask('model', 'explain', OBJECT);
    assert.match(words, /^Kafka\.kafka\.strimzi\.io\/streaming\/orders in \S+\n/);
    assert.match(words, /\nChanged by ann \(100 %\) on 3 occasions, mostly spec\.kafka\.replicas \(100 %\) in 2 edits\.\n/);
    assert.match(words, /\nWho changes it, of 3 \(few yet\)\n {2}3 {2}ann\n[\s\S]*\nStill learning: /);
    assert.match(await ask('model', 'explain', 'kind:Kafka'), /^Kind Kafka\.kafka\.strimzi\.io in/);
    assert.match(await ask('model', 'explain', 'actor:ann'), /^Actor ann in \S+\nChanges Kafka\.kafka\.strimzi\.io \(100 %\)/);
    const { of, habits } = JSON.parse(await ask('model', 'explain', OBJECT, '--json')) as Record<string, unknown>;
    assert.deepEqual(of, {
      ...{ type: 'object', group: 'kafka.strimzi.io', kind: 'Kafka', namespace: 'streaming', name: 'orders' },
    });
    assert.ok(Array.isArray(habits));
  });

  it('model explain names what it knows where it was asked for something else', async () => {
    const refused = async (subject: string) => {
      const { code, err } = await crowsnest(['model', 'explain', subject, '--server', url]);
      assert.notEqual(code, 0);
      return err;
    };
    assert.match(await refused('actor:an'), /NOT_FOUND: The model has learnt nothing about an actor an; it knows ann/);
    assert.match(await refused('kind:kaf'), /NOT_FOUND: .*a kind kaf; it knows Kafka\.kafka\.strimzi\.io/);
    assert.match(await refused('Kafka/streaming/nothing'), /NOT_FOUND: no Kafka\/streaming\/nothing is recorded/);
    assert.match(await refused('actor:'), /CONFIG_BAD_VALUE: "actor:" names nothing.*actor:NAME/);
    assert.match(await refused('orders'), /CONFIG_BAD_VALUE: "orders" names no object/);
  });

  it('verdict says what it would do, is given, listed and taken back', async () => {
    const listed = JSON.parse(await ask('verdict', 'list', '--json').then((text) => text || '[]')) as unknown[];
    assert.deepEqual(listed, []);
    const { items } = (await (
      await fetch(`${url}/v1/findings?limit=1`, { headers: { authorization: 'Bearer a-token-for-tests' } })
    ).json()) as { items: { id: string }[] };
    const id = items[0]?.id ?? '';
    assert.match(
      await ask('verdict', 'expected', id, '--preview', '--by', 'ann'),
      /^not stored: \S+ {2}expected {2}cluster=\S+ .* by ann {2}until \d{4}-\d{2}-\d{2}\nIn the last 30 days it speaks of \d+ findings; \d+ paged, \d+ of them would not have\.\n/,
    );
    const given = await ask('verdict', 'wrong', id, '--scope', 'kind', '--why', 'it hurt', '--by', 'ann');
    const [, verdict = ''] = /^stored: (\S+) {2}wrong /.exec(given) ?? [];
    assert.match(
      await ask('verdict', 'list'),
      new RegExp(`^${verdict} {2}wrong .* by ann {2}until \\S+ {2}no effect yet {2}it hurt\n$`),
    );
    assert.match(await ask('verdict', 'undo', verdict, '--by', 'bob'), /taken back by bob/);
    const again = await crowsnest(['verdict', 'undo', verdict, '--by', 'ann', '--server', url]);
    assert.match(again.out, /taken back by bob/);
    assert.match(again.err, /nothing changed: bob took it back already, at 20/);
    const { code, err } = await crowsnest(['verdict', 'wrong', 'nothing', '--server', url]);
    assert.equal(code, 1);
    assert.match(err, /NOT_FOUND: No finding nothing is stored/);
  });

  it('review says that nothing waits before a day was drawn', async () => {
    const { code, out, err } = await crowsnest(['review', '--server', url]);
    assert.deepEqual([code, out], [0, ''], err);
    assert.match(err, /nothing waits for review/);
    assert.deepEqual(JSON.parse(await ask('review', '--json', '--limit', '5000')), { items: [], estimates: [], metadata: {} });
  });

  it('at prints all objects as they were, as YAML', async () => {
    const then = await ask('at', '2026-01-05T08:02:30Z');
    assert.match(
      then,
      /^---\n# Kafka streaming\/orders of \S+ as change 2 left it, .*\n(# .*\n)*apiVersion: kafka.strimzi.io\/v1\nkind: Kafka\n/,
    );
    assert.match(then, /replicas: 2\n$/);
    const later = await ask('at', '2026-01-06', '--kind', 'Kafka', '--namespace', 'streaming', '--json');
    assert.deepEqual(
      later
        .trimEnd()
        .split('\n')
        .map((text) => (JSON.parse(text) as { ref: { name: string } }).ref.name),
      ['orders', 'billing'],
    );
    assert.equal(await ask('at', '2026-01-06', '--namespace', 'elsewhere'), '');
  });

  it('changes finds by a filter', async () => {
    assert.equal(
      await ask('changes', 'path:spec.kafka.replicas value>2'),
      '3  2026-01-05T08:03:00.000Z  MODIFIED  ann  Kafka streaming/orders  /spec/kafka/replicas\n',
    );
    assert.equal((await ask('changes', 'type:ADDED')).trimEnd().split('\n').length, 2);
  });

  const empty: [string, string[], RegExp][] = [
    ['no object was there', ['at', '2020-01-01'], /no such object was there at 2020-01-01T00:00:00\.000Z/],
    ['no change fits', ['changes', 'kind:Nothing'], /no recorded change fits/],
  ];
  for (const [what, args, message] of empty) {
    it(`says beside an empty answer that ${what}`, async () => {
      const { code, out, err } = await crowsnest([...args, '--server', url]);
      assert.equal(code, 0);
      assert.equal(out, '');
      assert.match(err, message);
    });
  }

  const refused: [string, string[], number, RegExp][] = [
    ['a filter that cannot be read', ['changes', 'kind'], 2, /REQUEST_INVALID: .*column 5: expected : after kind/],
    ['an object that is none', ['history', 'orders'], 2, /CONFIG_BAD_VALUE: "orders" names no object/],
    ['an object nobody recorded', ['blame', 'Kafka/streaming/nobody'], 1, /NOT_FOUND: no Kafka\/streaming\/nobody is recorded/],
    [
      'a kind in another case',
      ['history', 'kafka/streaming/orders'],
      1,
      /NOT_FOUND: no kafka\/streaming\/orders is recorded.*Recorded of that name: Kafka\/streaming\/orders\. Case counts/,
    ],
    [
      'a revision of another object',
      ['diff', OBJECT, '--revisions', '4'],
      2,
      /REQUEST_INVALID: .*4 is not a change of this object/,
    ],
    ['a day that does not exist', ['at', '2026-02-31'], 2, /CONFIG_BAD_VALUE: "2026-02-31" is no time/],
    ['a time with something behind it', ['at', '2026-01-05junk'], 2, /CONFIG_BAD_VALUE: "2026-01-05junk" is no time/],
    ['a time with no zone', ['at', '2026-01-05T08:00'], 2, /CONFIG_BAD_VALUE/],
    ['a time that is none', ['at', 'yesterday'], 2, /CONFIG_BAD_VALUE: "yesterday" is no time/],
  ];
  for (const [name, args, expected, message] of refused) {
    it(`refuses ${name}`, async () => {
      const { code, out, err } = await crowsnest([...args, '--server', url]);
      assert.match(err, message);
      assert.equal(code, expected);
      assert.equal(out, '');
    });
  }

  it('says when nobody answers', async () => {
    const { code, err } = await crowsnest(['history', OBJECT, '--server', 'http://127.0.0.1:1']);
    assert.equal(code, 1);
    assert.match(err, /SERVER_UNREACHABLE: crowsnest does not answer: .*\(http:\/\/127\.0\.0\.1:1\)/);
  });

  it('says how to give the token where one is asked for and none is given', async () => {
    const { code, err } = await crowsnest(['history', OBJECT, '--server', url], { environment: { CROWSNEST_TOKEN: undefined } });
    assert.notEqual(code, 0);
    assert.match(err, /UNAUTHENTICATED: crowsnest asks for its token.*CROWSNEST_TOKEN.*--token-file/s);
  });
});
