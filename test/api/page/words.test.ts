import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandsFor, curlCommand, objectPath, shellWord } from '../../../src/api/page/kubectl.ts';
import {
  actorWords,
  age,
  bytes,
  clockTime,
  effectWords,
  localInput,
  namePieces,
  odds,
  roundNumber,
  rowSentence,
  scopeWords,
  shortText,
  valueText,
  visible,
} from '../../../src/api/page/words.ts';

describe('words', () => {
  it('names a service account by its own name, with its namespace beside', () => {
    assert.deepEqual(actorWords('system:serviceaccount:flux-system:kustomize-controller'), {
      name: 'kustomize-controller',
      from: 'flux-system',
    });
    assert.deepEqual(actorWords('user:alice'), { name: 'user:alice', from: undefined });
  });

  it('begins a row with a capital, but leaves names as they are: root is not Root', () => {
    const row = (sentence: string, actor: string, changeType = 'MODIFIED') =>
      rowSentence({ subject: { type: 'change', changeType }, actor: { name: actor }, reasons: [{ sentence }] } as never);
    assert.equal(row('nobody did this before', 'root'), 'Nobody did this before');
    assert.equal(row('root has never changed Kafka objects before', 'root'), 'root has never changed Kafka objects before');
    assert.equal(row('root has never done so', 'root', 'ADDED'), 'Created. root has never done so');
    assert.equal(row('spec.replicas went from 1 to 3', 'root'), 'spec.replicas went from 1 to 3');
  });

  it('rounds as one would say it', () => {
    assert.deepEqual([1, 251, 1585, 63_096, 2_000_000, 1e12].map(roundNumber), [
      '1',
      '251',
      '1,600',
      '63,000',
      '2 million',
      '1 trillion',
    ]);
    assert.deepEqual([63_096, 1e12, 3e24].map(odds), ['63,000', '1 trillion', 'over 1 trillion']);
    assert.deepEqual([512, 2048, 3_400_000].map(bytes), ['512 B', '2.00 kB', '3.24 MB']);
  });

  it('is relative under a day and a date beyond, with the year only where it differs', () => {
    const now = Date.parse('2026-08-21T12:00:00Z');
    const at = (ms: number) => age(new Date(now - ms).toISOString(), now);
    assert.deepEqual([10_000, 300_000, 7_200_000].map(at), ['just now', '5 min ago', '2 h ago']);
    assert.match(at(3 * 86_400_000), /^18 Aug \d\d:\d\d$/);
    assert.match(at(400 * 86_400_000), /^17 Jul 2025 \d\d:\d\d$/);
  });

  it('breaks names between words only, losing nothing', () => {
    assert.deepEqual(namePieces('chat-eu/west.1'), ['chat-', 'eu/', 'west.', '1']);
    for (const name of ['', '--a', 'a__b..c', '/x/']) assert.equal(namePieces(name).join(''), name);
  });

  it('shows characters that hide or reorder text', () => {
    assert.equal(visible('a\u202eb\u200bc\u0000\u2028'), 'a\\u202eb\\u200bc\\u0000\\u2028');
    assert.equal(visible('grüße 日本 \t\n'), 'grüße 日本 \t\n');
    assert.deepEqual([undefined, '', 'x', 3, null, { a: 1 }].map(valueText), ['nothing', '""', 'x', '3', 'null', '{"a":1}']);
  });
});

describe('commands to copy', () => {
  const ref = {
    cluster: 'c',
    group: 'kafka.strimzi.io',
    version: 'v1beta2',
    kind: 'Kafka',
    namespace: 'streaming',
    name: 'orders',
  };
  const texts = (change: Partial<typeof ref>) => commandsFor({ ...ref, ...change }, []).map((command) => command.text);

  it('name the resource in full, by its plural where that is known', () => {
    assert.equal(texts({})[1], 'kubectl describe -n streaming kafka.v1beta2.kafka.strimzi.io orders');
    const known = [{ group: ref.group, kind: 'Kafka', plural: 'kafkas' }] as never;
    assert.equal(commandsFor(ref, known)[1]?.text, 'kubectl describe -n streaming kafkas.v1beta2.kafka.strimzi.io orders');
    assert.equal(texts({ namespace: '', group: '', version: 'v1', kind: 'Node' })[1], 'kubectl describe node orders');
  });

  it('cannot be turned into another command by a name', () => {
    for (const name of ['$(touch x)', "a'; rm -rf / #", 'a\nb', '`id`', 'a b']) {
      for (const text of texts({ name }))
        assert.ok(
          text.includes(shellWord(name)) || text.includes(shellWord(`involvedObject.kind=Kafka,involvedObject.name=${name}`)),
        );
    }
    assert.equal(shellWord("it's"), `'it'\\''s'`);
    assert.equal(shellWord(''), "''");
    assert.match(texts({ name: '--kubeconfig=x' })[1] as string, / -- '?--kubeconfig=x'?$/);
    assert.equal(curlCommand('http://h', '/v1/$x'), `curl -H "Authorization: Bearer $CROWSNEST_TOKEN" 'http://h/v1/$x'`);
  });

  it('address objects as the API does', () => {
    assert.equal(objectPath({ ...ref, group: '', namespace: '', name: 'a/b' }), '/v1/objects/c/_/Kafka/_/a%2Fb');
  });
});

describe('verdicts in words', () => {
  it('say how far they reach', () => {
    const scope = { cluster: 'prod', detector: 'new-value', kind: 'Kafka', namespace: 'streaming' };
    assert.equal(scopeWords({ ...scope, name: 'orders' }), 'new value on Kafka orders');
    assert.equal(scopeWords({ ...scope, actor: 'user:ann' }), 'new value on all Kafka objects in streaming by user:ann');
    assert.equal(
      scopeWords({ cluster: 'prod', kind: 'Kafka', path: '/spec/users/[*]/quota' }),
      'anything on all Kafka objects, field spec.users[*].quota',
    );
    assert.equal(scopeWords({ cluster: 'prod' }), 'anything on all objects');
  });

  it('say what they would have done', () => {
    const preview = { findings: 12, pages: 3, muted: 2, raised: 0, neverMuted: 1, examples: [], complete: true };
    assert.equal(
      effectWords('expected', preview),
      'In the last 30 days it speaks of 12 findings, of which 3 alerted. 2 alerts would not have come. 1 more are never muted: critical facts, rules, once in a million.',
    );
    assert.equal(
      effectWords('wrong', { ...preview, findings: 1, pages: 0, raised: 1, neverMuted: 0, complete: false }),
      'In the last 30 days it speaks of at least 1 finding, none of which alerted. 1 more would have alerted.',
    );
  });
});

describe('moments that are compared', () => {
  const now = new Date(2026, 7, 21, 16, 30).getTime();
  const at = (...parts: [number, number, number, number, number, number]) => new Date(...parts).toISOString();

  it('are told to the second, with the day and the year where they are others', () => {
    assert.equal(clockTime(at(2026, 7, 21, 9, 5, 7), now), '09:05:07');
    assert.equal(clockTime(at(2026, 7, 20, 23, 59, 59), now), '20 Aug 23:59:59');
    assert.equal(clockTime(at(2025, 11, 31, 0, 0, 0), now), '31 Dec 2025 00:00:00');
  });

  it('go into an input of local time and back', () => {
    for (const time of ['2026-01-05T08:00:01.000Z', '2026-07-05T23:30:00.000Z'])
      assert.equal(new Date(localInput(time)).toISOString(), time);
  });

  it('and values are cut to a line', () => {
    assert.equal(shortText('a\n  b'), 'a b');
    assert.equal(shortText('x'.repeat(200)).length, 91);
    assert.equal(shortText(undefined), 'nothing');
  });
});
