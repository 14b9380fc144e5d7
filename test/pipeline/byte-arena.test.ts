import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ByteArena, roomFor, type Slot } from '../../src/pipeline/byte-arena.ts';

describe('ByteArena', () => {
  it('gives room enough, and no more than an eighth too much beyond small records', () => {
    for (const bytes of [0, 1, 63, 64, 65, 511, 1_000, 1_025, 70_000, 1_048_576, 3_000_001]) {
      const room = roomFor(bytes);
      assert.ok(room >= bytes && room <= Math.max(bytes + 64, bytes * 1.126), `${bytes} in ${room}`);
      assert.equal(room % 8, 0);
    }
  });

  it('never gives two holders the same bytes, whatever is taken and given back', () => {
    const step = fc.record({ bytes: fc.integer({ min: 0, max: 200_000 }), gives: fc.boolean(), which: fc.nat() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const arena = new ByteArena();
        const held: { slot: Slot; mark: number }[] = [];
        let mark = 0;
        for (const { bytes, gives, which } of steps) {
          const given = gives ? held.splice(which % Math.max(held.length, 1), 1)[0] : undefined;
          if (given !== undefined) arena.give(given.slot);
          const slot = arena.take(bytes);
          mark = (mark + 1) % 256;
          slot.page.bytes.fill(mark, slot.at, slot.at + slot.room);
          held.push({ slot, mark });
        }
        for (const { slot, mark } of held)
          for (const byte of slot.page.bytes.subarray(slot.at, slot.at + slot.room)) assert.equal(byte, mark);
      }),
    );
  });

  it('takes no more pages while as much is given back as is taken', () => {
    const arena = new ByteArena();
    const slots = Array.from({ length: 5_000 }, () => arena.take(1_000));
    const { bytes } = arena;
    for (let i = 0; i < 50_000; i++) {
      arena.give(slots[i % slots.length] as Slot);
      slots[i % slots.length] = arena.take(970 + (i % 30));
    }
    assert.ok(arena.bytes <= bytes * 1.05, `${bytes} became ${arena.bytes}`);
    for (let i = 0; i < 5; i++) arena.give(arena.take(5_000_000));
    assert.ok(arena.bytes <= bytes * 1.05, 'a large record leaves nothing behind');
  });
});
