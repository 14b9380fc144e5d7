import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LineSplitter } from '../../src/collector/watch/line-splitter.ts';
import { ListSplitter } from '../../src/collector/watch/list-splitter.ts';

/** `bytes` in chunks that end at the given places. */
function chunksOf(bytes: Buffer, cuts: number[]): Buffer[] {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

function collect(splitter: LineSplitter | ListSplitter, chunks: Buffer[]): { pieces: string[]; oversized: number[] } {
  const pieces: string[] = [];
  const oversized: number[] = [];
  const handler = {
    piece: (bytes: Buffer) => void pieces.push(bytes.toString('utf8')),
    oversized: (prefix: Buffer) => void oversized.push(prefix.length),
  };
  for (const chunk of chunks) {
    // The splitter may not keep views of what it was given.
    const lent = Buffer.from(chunk);
    splitter.push(lent, handler);
    lent.fill(0x21);
  }
  return { pieces, oversized };
}

describe('line splitter', () => {
  it('gives the same lines whatever the chunks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' }).map((line) => line.replaceAll('\n', ' '))),
        fc.array(fc.nat(500)),
        (lines, cuts) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const expected = lines.map((line) => Buffer.from(line).toString('utf8'));
          assert.deepEqual(collect(new LineSplitter(1_000_000), chunksOf(bytes, cuts)).pieces, expected);
        },
      ),
    );
  });

  it('keeps back a line without its end', () => {
    assert.deepEqual(collect(new LineSplitter(100), [Buffer.from('a\nb')]).pieces, ['a']);
  });

  it('drops a line over the limit but for its beginning, and goes on with the next', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100)), (cuts) => {
        const bytes = Buffer.from(`ok\n${'x'.repeat(60)}\nfine\n`);
        assert.deepEqual(collect(new LineSplitter(10), chunksOf(bytes, cuts)), { pieces: ['ok', 'fine'], oversized: [10] });
      }),
    );
  });
});

describe('list splitter', () => {
  const list = (items: unknown[]) => ({
    kind: 'items',
    apiVersion: 'v1',
    metadata: { resourceVersion: '7', items: [{ not: 'these' }], continue: 'a"b\\' },
    items,
    trailer: { items: [1] },
  });

  it('gives the same items and the same envelope whatever the chunks', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue())), fc.array(fc.nat(2_000)), (items, cuts) => {
        const clean = JSON.parse(JSON.stringify(items)) as unknown[];
        const splitter = new ListSplitter(1_000_000);
        const { pieces } = collect(splitter, chunksOf(Buffer.from(JSON.stringify(list(clean))), cuts));
        assert.deepEqual(
          pieces.map((piece) => JSON.parse(piece) as unknown),
          clean,
        );
        assert.deepEqual(splitter.end(), list([]));
      }),
    );
  });

  it('reads a list that is indented', () => {
    const splitter = new ListSplitter(1_000);
    const { pieces } = collect(splitter, [Buffer.from(JSON.stringify(list([{ a: [1, { b: '}' }] }, {}]), null, 2))]);
    assert.deepEqual(
      pieces.map((piece) => JSON.parse(piece) as unknown),
      [{ a: [1, { b: '}' }] }, {}],
    );
  });

  it('drops an item over the limit but for its beginning, whatever the chunks', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(500)), (cuts) => {
        const bytes = Buffer.from(JSON.stringify(list([{ a: 1 }, { b: 'x'.repeat(100) }, { c: 3 }])));
        const splitter = new ListSplitter(20);
        const { pieces, oversized } = collect(splitter, chunksOf(bytes, cuts));
        assert.deepEqual(pieces, ['{"a":1}', '{"c":3}']);
        assert.deepEqual(oversized, [20]);
        assert.deepEqual(splitter.end(), list([]));
      }),
    );
  });

  for (const text of [
    '',
    '{"metadata":{}',
    '{"items":[{"a":1}',
    '{"items":[{"a":1}],"metadata":{"resourceVersion":"',
    '<html>',
    '{"items":null',
  ]) {
    it(`refuses an answer that is ${JSON.stringify(text)}`, () => {
      const splitter = new ListSplitter(100);
      collect(splitter, [Buffer.from(text)]);
      assert.throws(() => splitter.end());
    });
  }

  it('takes a list without items', () => {
    const splitter = new ListSplitter(100);
    assert.deepEqual(collect(splitter, [Buffer.from('{"metadata":{"resourceVersion":"1"},"items":null}')]).pieces, []);
    assert.deepEqual(splitter.end(), { metadata: { resourceVersion: '1' }, items: null });
  });
});
