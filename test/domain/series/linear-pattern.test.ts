import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compilePattern, PatternError } from '../../../src/domain/series/linear-pattern.ts';

describe('a pattern of a label matcher', () => {
  const cases: [pattern: string, matching: string[], not: string[]][] = [
    ['', [''], ['a']],
    ['kafka', ['kafka'], ['kafka-2', 'my-kafka', '']],
    ['kafka.*', ['kafka', 'kafka-2'], ['my-kafka', 'kafka\n2']],
    ['kafka|topic', ['kafka', 'topic'], ['kafkatopic']],
    ['^a|b$', ['a', 'b'], ['ab']],
    ['(?:a|bc){2,3}', ['aa', 'abc', 'bcbca'], ['a', 'aaaa']],
    ['[^a-c]+', ['xyz', '-'], ['xa', '']],
    ['[]a-]+', [']-a'], ['b']],
    ['\\d+\\.\\d*?', ['1.', '10.25'], ['a.1', '1']],
    ['\\w\\s\\S\\W', ['a b-'], ['ab b']],
    ['(a*)*', ['', 'aaa'], ['b']],
    ['a{2}', ['aa'], ['a', 'aaa']],
    ['a{,2}', ['a{,2}'], ['a']],
    ['100\\$', ['100$'], ['100']],
  ];
  for (const [pattern, matching, not] of cases) {
    it(`${JSON.stringify(pattern)} matches whole texts and nothing else`, () => {
      const matches = compilePattern(pattern);
      for (const text of matching) assert.equal(matches(text), true, text);
      for (const text of not) assert.equal(matches(text), false, text);
    });
  }

  it('means what it means in JavaScript, for any pattern and text', () => {
    const leaf = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '1', '\\.');
    const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
      pattern: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `${a}${b}`),
        fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(?:${a}|${b})`),
        fc
          .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{2}', '{0,2}', '{1,}', '*?'))
          .map(([a, times]) => `(${a})${times}`),
      ),
    }));
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '1', '.', '\n'), maxLength: 8 });
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 1, maxLength: 10 }), (source, texts) => {
        const [ours, theirs] = [compilePattern(source), new RegExp(`^(?:${source})$`)];
        for (const one of texts) assert.equal(ours(one), theirs.test(one), `${source} on ${JSON.stringify(one)}`);
      }),
      { numRuns: 500 },
    );
  });

  it('takes no longer for a pattern that would make a backtracking engine try without end', () => {
    const matches = compilePattern('(a+)+(b|[ab]*)*c');
    assert.equal(matches('a'.repeat(20_000)), false);
    assert.equal(matches(`${'a'.repeat(20_000)}c`), true);
  });

  const bad: [pattern: string, says: RegExp][] = [
    ['a(', /missing closing \)/],
    ['a)', /unexpected \)/],
    ['[a', /missing closing \]/],
    ['a\\', /trailing backslash/],
    ['*a', /missing argument to repetition operator/],
    ['a**', /nested repetition/],
    ['(?=a)', /\(\?=/],
    ['(a)\\1', /invalid escape/],
    ['[b-a]', /invalid character class range/],
    ['a{3,2}', /invalid repeat count/],
    ['a{1001}', /invalid repeat count/],
    ['(a{1000}){1000}', /invalid repeat count/],
    ['((((){1000}){1000}){1000}){1000}', /too large/],
  ];
  for (const [pattern, says] of bad) {
    it(`refuses ${pattern.slice(0, 20)} and says why`, () => {
      assert.throws(
        () => compilePattern(pattern),
        (error: unknown) => error instanceof PatternError && says.test(error.message),
      );
    });
  }
});
