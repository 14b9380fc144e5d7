import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { escapeSegment, fieldName } from '../../src/domain/field-path.ts';

test('a path reads as its segments: names after dots, list items after nothing', () => {
  const segment = fc.oneof(
    fc.constantFrom('spec', 'app.kubernetes.io/name', 'a~b', '~1', '[name=web]', '[3]', '[host=a/b]', '~', '/', ''),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), (segments) => {
      const path = segments.map((name) => `/${escapeSegment(name)}`).join('');
      const expected = segments.map((name, i) => (i === 0 || name.startsWith('[') ? name : `.${name}`)).join('');
      assert.equal(fieldName(path), expected);
    }),
    { seed: 3, numRuns: 500 },
  );
});

test('an annotation whose name has a slash keeps it', () => {
  assert.equal(fieldName('/metadata/annotations/example.com~1owner'), 'metadata.annotations.example.com/owner');
});
