/** A store on a file system of 64 MB that is filled to the last byte, again and again, at every place a write can come to. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isCrowsnestError } from '../../src/domain/errors.ts';
import { canonicalJson } from '../../src/domain/json.ts';
import { checkDatabase } from '../../src/store/file/check.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { mountSmallDisk, skipSmallDisk } from '../support/small-disk.ts';
import { newChange, state } from './new-changes.ts';

const MB = 1024 * 1024;
const ROUNDS = 12;

describe('a disk of 64 MB filled to the last byte', { skip: skipSmallDisk() }, () => {
  for (const synchronous of ['normal', 'full'] as const)
    it(`loses nothing acknowledged and recovers without a restart (synchronous ${synchronous})`, async () => {
      const disk = mountSmallDisk(64 * MB);
      try {
        const file = join(disk.path, 'crowsnest.db');
        const store = openSqliteStore({ file, synchronous, changesPerSpan: 32, spansPerMerge: 3, changesPerLargeSpan: 96 });
        let acknowledged = 0;
        let refused = 0;
        const append = (bytes: number): boolean => {
          const n = acknowledged + 1;
          const object = state(`k${n % 9}`, String(n), { n, text: randomText(n, bytes) });
          const before = n > 9 ? state(`k${n % 9}`, String(n - 9), {}) : undefined;
          try {
            store.append({
              changes: [newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, { before })],
              cursors: { w: String(n) },
            });
            acknowledged = n;
            return true;
          } catch (error) {
            assert.ok(isCrowsnestError(error, 'STORE_FULL'), String(error));
            refused += 1;
            return false;
          }
        };
        for (let round = 0; round < ROUNDS; round++) {
          for (let i = 0; i < 40; i++) append(500 + 3_000 * (round % 3));
          disk.fill();
          assert.equal(disk.left(), 0);
          // What the log has room for already still goes in; sealing and head rows come to their own places.
          for (let i = 0; i < 4_000 && append(2_000 + round); i++) maintainWhatever(store);
          assert.equal(store.readOnly, true, 'the disk was not full enough');
          assert.equal(store.probeWrite(), false);
          assert.equal(Number(store.cursor('w')), acknowledged);
          assert.equal(
            canonicalJson(store.change(acknowledged)?.state.spec ?? null).includes(`"n":${acknowledged},`),
            true,
            'readable while full',
          );
          disk.free();
          assert.equal(store.probeWrite(), true);
          assert.equal(store.readOnly, false);
          assert.ok(append(100), 'writing goes on without a restart');
          store.maintain();
        }
        assert.ok(refused >= ROUNDS);
        const seqs = store.changesAfter(0, 1e6).map(({ state: { spec } }) => (spec as { n: number }).n);
        assert.deepEqual(
          seqs,
          Array.from({ length: acknowledged }, (_, i) => i + 1),
        );
        store.close();
        assert.deepEqual((await checkDatabase({ file })).problems, []);
      } finally {
        disk.unmount();
      }
    });
});

function maintainWhatever(store: { maintain(): void }): void {
  try {
    store.maintain();
  } catch (error) {
    assert.ok(isCrowsnestError(error, 'STORE_FULL'), String(error));
  }
}

/** Text that does not compress, from a seed. */
function randomText(seed: number, bytes: number): string {
  let x = seed * 2654435761;
  let text = '';
  while (text.length < bytes) {
    x = (Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    text += x.toString(36);
  }
  return text.slice(0, bytes);
}
