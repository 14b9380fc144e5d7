import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Actor, Change, ChangeType } from '../../src/domain/change.ts';
import { FilterError, parseChangeFilter } from '../../src/domain/change-filter.ts';
import { compileChangeFilter, pathOf } from '../../src/domain/change-match.ts';
import type { FieldDiff } from '../../src/domain/diff/field-diff.ts';
import { genericPath } from '../../src/domain/field-path.ts';
import type { Json } from '../../src/domain/json.ts';

const NOW = Date.parse('2026-10-08T12:00:00Z');
const alice: Actor = { name: 'alice@example.org', source: 'audit', confidence: 1 };
const compile = (text: string) => compileChangeFilter(parseChangeFilter(text, NOW));

function field(path: string, old: Json | undefined, now: Json | undefined): FieldDiff {
  const op = old === undefined ? 'add' : now === undefined ? 'remove' : 'set';
  return {
    op,
    path,
    generic: genericPath(path),
    ...(old === undefined ? {} : { old }),
    ...(now === undefined ? {} : { new: now }),
  };
}

/** Whether a change fits as a whole: row, fields and score. */
function fits(text: string, diff: FieldDiff[], more: Partial<Change> & { score?: number } = {}): boolean {
  const filter = compile(text);
  const type: ChangeType = more.type ?? 'MODIFIED';
  const ref = { cluster: 'c', group: 'kafka.strimzi.io', version: 'v1', kind: 'Kafka', namespace: 'streaming', name: 'orders' };
  const paths = type === 'MODIFIED' ? [...new Set(diff.map(({ generic }) => generic))] : [];
  const row = {
    ref,
    uid: 'u',
    type,
    origin: 'watch' as const,
    observedMs: NOW - 1_000,
    actor: alice,
    own: false,
    ...more,
    paths,
  };
  return filter.fitsRow(row) && (filter.fitsFields?.(type, diff) ?? true) && (filter.fitsScore?.(more.score ?? 0) ?? true);
}

const scaled = [field('/spec/replicas', 3, 5), field('/status/conditions/[type=Ready]/status', 'True', 'False')];

test('what fits and what does not', () => {
  const cases: [string, boolean][] = [
    ['', true],
    ['kind:Kafka ns:streaming name:orders', true],
    ['kind:kafka', false],
    ['kind:Topic,Kafka', true],
    ['-kind:Kafka', false],
    ['actor:alice*', true],
    ['actor:"alice*"', false],
    ['who:*example* source:audit', true],
    ['path:spec.replicas', true],
    ['path:/spec/replicas', true],
    ['path:spec.repl', false],
    ['path:spec.*', true],
    ['path:status.conditions[*].status', true],
    ['path:status.conditions[type=Ready].status', true],
    ['path:status.conditions[type=Synced].status', false],
    ['path:spec.replicas value>3', true],
    ['path:spec.replicas value>5', false],
    ['path:spec.replicas value>=5 old<5', true],
    ['value:True', false],
    ['old:True value:False', true],
    ['path:spec.replicas value:False', false],
    ['-path:status.*', false],
    ['-path:metadata.*', true],
    ['-value:False', false],
    ['-value:True', true],
    ['after:1h before:2026-10-09', true],
    ['before:1h', false],
    ['-before:1h', true],
    ['hour:11', true],
    ['hour:22-5', false],
    ['hour:23-11', true],
    ['score>=2', false],
    ['score<2', true],
    ['own:false type:MODIFIED origin:watch', true],
    ['-type:MODIFIED', false],
  ];
  for (const [text, expected] of cases) assert.equal(fits(text, scaled), expected, text);
  assert.equal(fits('score>=2 -score>3', scaled, { score: 2.5 }), true);
  assert.equal(fits('score>=2 -score>3', scaled, { score: 3.5 }), false);
});

test('fields of a created object count only where the filter asks for creations', () => {
  const created = [field('/spec/image', undefined, 'evil.io/a:1')];
  assert.equal(fits('value:evil.io/*', created, { type: 'ADDED' }), false);
  assert.equal(fits('value:evil.io/* type:ADDED,MODIFIED', created, { type: 'ADDED' }), true);
  assert.equal(fits('path:spec.image type:ADDED', created, { type: 'ADDED' }), true);
  assert.equal(fits('-path:spec.image type:ADDED', created, { type: 'ADDED' }), false);
  assert.equal(compile('path:spec.image type:ADDED').bounds.path, undefined);
});

test('an index gets what it can answer, and only that', () => {
  const { bounds, scoreMin } = compile(
    'kind:Kafka ns:a,b -name:x actor:al* path:spec.l[name=a].port after:2026-10-01 after:2026-10-02 before:2026-10-03 score>2',
  );
  assert.deepEqual(bounds, {
    kind: 'Kafka',
    path: '/spec/l/[*]/port',
    fromMs: Date.parse('2026-10-02T00:00:00Z'),
    toMs: Date.parse('2026-10-03T00:00:00Z') - 1,
  });
  assert.equal(scoreMin, 2);
});

test('a mistake is told with its column and what was expected', () => {
  const cases: [string, RegExp][] = [
    ['kind', /^column 5: expected : after kind$/],
    ['kind:', /^column 6: expected a value after kind: a kind$/],
    ['Kafka', /^column 1: expected one of the keys cluster, .*, not Kafka$/],
    ['ns:a  colour:red', /^column 7: expected one of the keys .* not colour$/],
    ['name>3', /^column 5: expected : after name, which does not compare$/],
    ['value', /^column 6: expected : or a comparison after value$/],
    ['value>many', /^column 7: expected a number after value$/],
    ['value>1,2', /^column 7: expected one number after >, not a list$/],
    ['score:x', /^column 7: expected a number after score$/],
    ['type:GONE', /^column 6: expected one of ADDED, MODIFIED, DELETED after type$/],
    ['after:yesterday', /^column 7: expected one time: 2026-10-01/],
    ['after:2026-13-01', /^column 7: expected one time/],
    ['hour:24', /^column 6: expected an hour from 0 to 23/],
    ['actor:"alice', /^column 7: expected a closing quote/],
    ['actor:"a"b', /^column 10: expected a blank or a comma/],
    ['-text:a', /^column 1: expected no minus before text$/],
    ['text:--', /^column 6: expected at least one word/],
    ['path:[', /^column 6: expected a path such as spec.replicas .* each \[ with its \]; .* written with slashes: \/spec\//],
    ['path:spec.l[name=a]b].port', /^column 6: expected .* slashes: \/spec\/listeners\/\[name=a\]b\]\/port$/],
    ['kind:a path:spec.l[name=tls', /^column 13: expected a path/],
    ['path:spec.l]', /^column 6: expected a path/],
    ['path:spec.l[].port', /^column 6: expected a path/],
    ['path:spec,.', /^column 6: expected a path/],
    ['name:a,', /^column 8: expected a value after name/],
    ['- kind:a', /^column 2: expected a key and a value such as kind:Kafka$/],
    [`kind:a path:${'a*'.repeat(400)}`, /^column 8: expected 64 stars \(\*\) in a filter at most$/],
    [`${'name:a*b,c* '.repeat(40)}`, /^column 385: expected 64 stars/],
    ['constructor:a', /^column 1: expected one of the keys/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => parseChangeFilter(text, NOW),
      (error) => error instanceof FilterError && message.test(error.message),
      `${text}: ${tryParse(text)}`,
    );
  }
});

function tryParse(text: string): string {
  try {
    return JSON.stringify(parseChangeFilter(text, NOW));
  } catch (error) {
    return String(error);
  }
}

test('any text is either a filter or a FilterError within it', () => {
  const piece = fc.oneof(
    fc.constantFrom('kind:', 'a', '"', '\\', ',', ' ', '-', 'value>', '3', '*', ':', 'after:', '1d'),
    fc.string(),
  );
  fc.assert(
    fc.property(
      fc.array(piece).map((pieces) => pieces.join('')),
      (text) => {
        try {
          for (const { column } of parseChangeFilter(text, NOW)) assert.ok(column >= 1 && column <= text.length);
        } catch (error) {
          assert.ok(error instanceof FilterError, String(error));
          assert.ok(error.column >= 1 && error.column <= text.length + 1);
        }
      },
    ),
  );
});

test('a quoted value is taken as it is', () => {
  const awkward = fc.string({ minLength: 1 });
  fc.assert(
    fc.property(awkward, (text) => {
      const quoted = `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
      assert.deepEqual(parseChangeFilter(`value:${quoted}`, NOW)[0]?.values, [{ text, quoted: true }]);
      assert.equal(fits(`value:${quoted}`, [field('/a', 'other', text)]), true);
    }),
  );
});

test('wildcards match as the table of all ways says', () => {
  const text = fc.stringMatching(/^[ab]{0,8}$/);
  const pattern = fc.stringMatching(/^[ab*]{1,6}$/).filter((one) => one.includes('*'));
  fc.assert(
    fc.property(pattern, text, (wild, value) => {
      const expected = new RegExp(`^${wild.replaceAll('*', '.*')}$`).test(value);
      assert.equal(fits(`value:${wild}`, [field('/a', 'old', value)]), expected, `${wild} on ${value}`);
    }),
    { numRuns: 2_000 },
  );
});

test('a star in the brackets of an item stands for text of its key', () => {
  const port = (key: string) => [field(`/spec/listeners/[name=${key}]/port`, 1, 2)];
  const cases: [string, FieldDiff[], boolean][] = [
    ['path:spec.listeners[name=l*].port', port('l2'), true],
    ['path:spec.listeners[name=l*].port', port('l'), true],
    ['path:spec.listeners[name=l*].port', port('l.a~1b]c'), true],
    ['path:spec.listeners[name=l*].port', port('tls'), false],
    ['-path:spec.listeners[name=l*].port', port('l2'), false],
    ['-path:spec.listeners[name=l*].port', port('tls'), true],
    ['path:spec.listeners[name=*s].port,spec.replicas', port('tls'), true],
    ['path:spec.listeners[name=*s].port,spec.replicas', [field('/spec/replicas', 1, 2)], true],
    ['path:spec.listeners[name=*s].port,spec.replicas', port('l2'), false],
    ['path:spec.*[*=l*].p*', port('l2'), true],
    ['path:spec.*[*=l*].p*', port('tls'), false],
    ['path:/spec/listeners/[name=l*]/port', port('l2'), true],
    ['path:"spec.listeners[name=l*].port"', port('l2'), false],
    ['path:"spec.listeners[name=l*].port"', port('l*'), true],
    ['path:spec.listeners[name=l*].port', [field('/spec/listeners/[name=l1]/bindings/[name=b]/port', 1, 2)], false],
    ['path:spec.listeners[*].bindings[name=b].port', [field('/spec/listeners/[name=l1]/bindings/[name=b]/port', 1, 2)], true],
    ['path:spec.listeners[*].bindings[name=b].port', [field('/spec/listeners/[name=l1]/bindings/[name=c]/port', 1, 2)], false],
    ['path:spec.listeners[*].port', port('tls'), true],
  ];
  for (const [text, diff, expected] of cases)
    assert.equal(fits(text, diff), expected, `${text} on ${diff.map(({ path }) => path)}`);
  assert.equal(compile('path:spec.l[name=a*].port').bounds.path, '/spec/l/[*]/port');
  assert.equal(compile('path:spec.l*[name=a*].port').bounds.path, undefined);
});

test('stars in and out of brackets match as the table of all ways says', () => {
  const path = fc.stringMatching(/^(\/[ab]{0,3}|\/\[[ab]{1,3}\]){1,4}$/);
  const pattern = fc.stringMatching(/^(\/[ab*]{0,3}|\/\[[ab*]{2,3}\]){1,3}\/\[b[ab*]{1,2}\]$/);
  fc.assert(
    fc.property(pattern, path, (wild, exact) => {
      const source = (path: string, item: string) =>
        path
          .split('/')
          .map((segment) => (segment.startsWith('[') ? segment.replaceAll('*', item) : segment.replaceAll('*', '.*')))
          .map((segment) => segment.replace(/^\[(.*)\]$/, '\\[$1\\]'))
          .join('/');
      const isOfItem = new RegExp(`^${source(wild, '[^/]*')}$`).test(exact);
      // Outside of brackets a star reaches into no key: to it, as without an item's key in the pattern, an item is [*].
      const isOfAny = new RegExp(`^${source(genericPath(wild), '\\*')}$`).test(genericPath(exact));
      assert.equal(fits(`path:${wild}`, [field(exact, 1, 2)]), isOfItem && isOfAny, `${wild} on ${exact}`);
    }),
    { numRuns: 5_000 },
  );
});

test('paths are written with dots or as pointers', () => {
  assert.equal(pathOf('spec.l[*].port'), '/spec/l/[*]/port');
  assert.equal(pathOf('spec.l[name=a.b].x'), '/spec/l/[name=a.b]/x');
  assert.equal(parseChangeFilter('path:/spec/a[ path:spec.l[name=a[1],l[*],*', NOW).length, 2);
  const odd = [field('/spec/l/[name=a]b]/port', 1, 2)];
  assert.equal(fits('path:/spec/l/[name=a]b]/port', odd), true);
  assert.equal(fits('path:/spec/l/[name=a]c]/port', odd), false);
  assert.equal(pathOf('/metadata/annotations/a.b~1c'), '/metadata/annotations/a.b~1c');
});

test('an item by several keys is one alternative, with stars in any of them', () => {
  const moved = [field('/spec/ports/[containerPort=53,protocol=UDP]/hostPort', 1, 2)];
  for (const [text, expected] of [
    ['path:spec.ports[containerPort=53,protocol=UDP].hostPort', true],
    ['path:spec.ports[containerPort=53,protocol=TCP].hostPort', false],
    ['path:spec.ports[containerPort=53,protocol=TCP].hostPort,spec.ports[containerPort=53,protocol=UDP].hostPort', true],
    ['path:spec.ports[containerPort=53,*].hostPort', true],
    ['path:spec.ports[*protocol=UDP].hostPort', true],
    ['path:spec.ports[containerPort=*,protocol=TCP].hostPort', false],
    ['path:spec.ports[*].hostPort', true],
    ['path:"/spec/ports/[containerPort=53,protocol=UDP]/hostPort"', true],
    ['path:/spec/ports/[containerPort=53,protocol=UDP]/hostPort value:2', true],
    ['-path:spec.ports[containerPort=53,protocol=UDP].hostPort', false],
  ] as const)
    assert.equal(fits(text, moved), expected, text);
  const { path } = compile('path:spec.ports[containerPort=53,protocol=UDP].hostPort').bounds;
  assert.equal(path, '/spec/ports/[*]/hostPort', 'what the index answers');
});
