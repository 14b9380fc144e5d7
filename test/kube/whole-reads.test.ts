import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { wholeReads } from '../../src/kube/whole-reads.ts';

test('a reader that was busy gets what gathered in one piece', async () => {
  const stream = new PassThrough({ highWaterMark: 1000 });
  const reads = wholeReads(stream);
  stream.write('a');
  assert.equal(String((await reads.next()).value), 'a');
  for (const text of ['b', 'c', 'd']) stream.write(text);
  assert.equal(String((await reads.next()).value), 'bcd');
  stream.end('e');
  assert.equal(String((await reads.next()).value), 'e');
  assert.equal((await reads.next()).done, true);
});

test('the bound of what gathers stays what it was', async () => {
  let produced = 0;
  const stream = new Readable({
    highWaterMark: 1000,
    read() {
      setImmediate(() => this.push(Buffer.alloc(300)));
      produced += 300;
    },
  });
  let largest = 0;
  for await (const chunk of wholeReads(stream)) {
    largest = Math.max(largest, chunk.length);
    for (let i = 0; i < 20; i++) await turn();
    if (produced > 100_000) break;
  }
  assert.ok(largest >= 1000 && largest <= 1300, `${largest}`);
  assert.equal(stream.destroyed, true);
});

test('an error reaches the reader, also one that was there before', async () => {
  const stream = new PassThrough();
  const reads = wholeReads(stream);
  const waiting = reads.next();
  await turn();
  stream.destroy(new Error('cut'));
  await assert.rejects(waiting, /cut/);
  const dead = new PassThrough();
  dead.on('error', () => {});
  dead.destroy(new Error('before'));
  await turn();
  await assert.rejects(wholeReads(dead).next(), /before/);
});

test('a stream that is destroyed without an error ends', async () => {
  const stream = new PassThrough();
  const reads = wholeReads(stream);
  const waiting = reads.next();
  await turn();
  stream.destroy();
  assert.equal((await waiting).done, true);
});

test('what was put together is given back at once where nobody else has a part of it, and left alone where others may', async () => {
  for (const ownsMemory of [true, false]) {
    const shared = Buffer.allocUnsafeSlow(3000).fill('a');
    const own = Buffer.allocUnsafeSlow(2000).fill('b');
    const waiting = new PassThrough({ highWaterMark: 100_000 });
    for (const piece of [shared.subarray(0, 1000), shared.subarray(1500, 2500), own]) waiting.write(piece);
    const read = (await wholeReads(waiting, { ownsMemory }).next()).value as Buffer;
    assert.equal(String(read), `${'a'.repeat(2000)}${'b'.repeat(2000)}`);
    assert.deepEqual([shared.buffer.detached, own.buffer.detached], [ownsMemory, ownsMemory]);
  }
});
