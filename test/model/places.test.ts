import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { touch } from '../../src/model/habits/counts.ts';
import { PathBook } from '../../src/model/path-names.ts';
import { ByPlace, KnownPlaces, PLACE, type Placed } from '../../src/model/places.ts';

const CAP = 10;
const make = () => ({ n: 0 });

test('what is found by place is what a look-up by name finds, in the same order, however much gives way', () => {
  const [plain, asked] = [new Map<string, { n: number }>(), new Map<string, { n: number }>()];
  const known = new KnownPlaces<{ n: number }>(CAP);
  for (let i = 0; i < 500; i++) {
    // Few places at first, then more than the map takes.
    const at = (i * i * 7 + i) % (i < 100 ? 4 : 17);
    const [key, field] = [`p${at}`, { [PLACE]: at }];
    if (i % 3 === 0) {
      const found = known.at(asked, field) ?? known.find(asked, field, key);
      assert.equal(found?.n, plain.get(key)?.n);
      continue;
    }
    touch(plain, key, CAP, make).n++;
    const value = known.at(asked, field) ?? known.touch(asked, field, key, make);
    value.n++;
    assert.equal(asked.get(key), value);
  }
  assert.equal(plain.size, CAP);
  assert.deepEqual([...asked], [...plain]);
});

test('a map read from a snapshot is looked up anew', () => {
  const known = new KnownPlaces<{ n: number }>(CAP);
  const field = { [PLACE]: 3 };
  known.touch(new Map(), field, 'p', make);
  const restored = new Map([['p', { n: 7 }]]);
  known.clear();
  assert.deepEqual(known.at(restored, field) ?? known.find(restored, field, 'p'), { n: 7 });
});

test('a field without a place is never found by it', () => {
  const by = new ByPlace<string>();
  const nowhere: Placed[] = [{}, { [PLACE]: -1 }];
  for (const field of nowhere) by.put(field, 'x');
  by.put({ [PLACE]: 2 }, 'two');
  assert.deepEqual(
    [...nowhere, { [PLACE]: 0 }, { [PLACE]: 2 }, { [PLACE]: 9 }].map((field) => by.get(field)),
    [undefined, undefined, undefined, 'two', undefined],
  );
});

test('only a numbered book gives places, one for each kind and path, and no snapshot has them', () => {
  const book = new PathBook({ numbered: true });
  const places = ['A', 'B', 'A'].flatMap((kind) => ['/spec/a', '/spec/b'].map((generic) => book.of(kind, generic).place));
  assert.deepEqual(places, [0, 1, 2, 3, 0, 1]);
  assert.equal(new PathBook().of('A', '/spec/a').place, -1);
  const waiting = deserialize(serialize({ x: 1, [PLACE]: 5 }));
  assert.equal(waiting[PLACE], undefined);
});
