import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseExposition, parseExpositionLine, type ScrapeSample } from '../../src/collector/reconcile/exposition.ts';

const cases: [what: string, line: string, sample: ScrapeSample][] = [
  ['a bare name', 'workqueue_depth 3', { metric: 'workqueue_depth', labels: {}, value: 3 }],
  ['labels', 'a{x="1",y="2"} 4', { metric: 'a', labels: { x: '1', y: '2' }, value: 4 }],
  ['empty braces', 'a{} 4', { metric: 'a', labels: {}, value: 4 }],
  ['a comma at the end and spaces', ' a { x = "1" , } 4', { metric: 'a', labels: { x: '1' }, value: 4 }],
  ['escapes', 'a{x="q\\"b\\\\n\\nz"} 1', { metric: 'a', labels: { x: 'q"b\\n\nz' }, value: 1 }],
  ['braces and hashes in a value', 'a{x="{} # 7"} 1', { metric: 'a', labels: { x: '{} # 7' }, value: 1 }],
  ['a timestamp', 'a 5 1760000000000', { metric: 'a', labels: {}, value: 5 }],
  [
    'an exemplar',
    'a_bucket{le="0.1"} 8 # {trace_id="abc"} 0.067 1520879607.789',
    { metric: 'a_bucket', labels: { le: '0.1' }, value: 8 },
  ],
  ['exponents', 'a 1.5e+03', { metric: 'a', labels: {}, value: 1500 }],
  ['infinity', 'a{le="+Inf"} +Inf', { metric: 'a', labels: { le: '+Inf' }, value: Number.POSITIVE_INFINITY }],
  ['minus infinity', 'a -Inf', { metric: 'a', labels: {}, value: Number.NEGATIVE_INFINITY }],
  ['not a number', 'a NaN', { metric: 'a', labels: {}, value: Number.NaN }],
  ['a quoted name', '{"my.metric", "a label"="x"} 1', { metric: 'my.metric', labels: { 'a label': 'x' }, value: 1 }],
  ['colons', 'job:a:rate5m 1', { metric: 'job:a:rate5m', labels: {}, value: 1 }],
];

describe('exposition format', () => {
  for (const [what, line, sample] of cases) {
    it(`reads ${what}`, () => assert.deepEqual(parseExpositionLine(line), { type: 'sample', sample }));
  }

  for (const line of ['a', 'a{x="1"}', 'a{x=1} 2', 'a{x="1} 2', 'a{x} 2', 'a twelve', 'a 0x10', '{} 3', '= 4']) {
    it(`takes ${JSON.stringify(line)} for no sample`, () => assert.deepEqual(parseExpositionLine(line), { type: 'bad' }));
  }

  it('reads a page with comments, stops at # EOF and names bad lines by number', () => {
    const page = '# HELP a It "helps" {x}\n# TYPE a counter\n\na_total 1\nbroken\na_created 2\n# EOF\nafter 3\n';
    const bad: number[] = [];
    const samples = parseExposition(page, (line) => bad.push(line));
    assert.deepEqual(
      samples.map((sample) => sample.metric),
      ['a_total', 'a_created'],
    );
    assert.deepEqual(bad, [5]);
  });

  it('keeps a label called __proto__ as a label', () => {
    const [sample] = parseExposition('a{__proto__="x"} 1');
    assert.deepEqual(Object.keys(sample?.labels ?? {}), ['__proto__']);
  });
});
