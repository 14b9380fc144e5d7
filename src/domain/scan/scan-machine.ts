/**
 * The scanner of object-scan.ts, as a program of WebAssembly: of a text in its own memory it tells, for each member of the object and of each object
 * in it, where its name and value lie and a fingerprint of the value. a third of the time that code in JavaScript took (ADR 13).
 *
 * First, for each 64 bytes, which of them are quotes that begin or end a string and which are brackets outside of strings, as bits, sixteen bytes at a time
 * (Langdale and Lemire, 2019). Then the members are gone through: the end of a name or a string is the next quote, that of an object or list is found by counting
 * the brackets of 64 bytes at once. What is between that is not looked at, so that a text is valid JSON where its values are.
 *
 * Fingerprints are sums of products with secret numbers of 64 bits, two words of the text to a product, of which the upper 26 bits are kept, in two lanes: for any
 * two texts, chosen however cleverly without knowing those numbers, the chance of one fingerprint is 1 in 2^52 (multilinear hashing; Carter and
 * Wegman, 1979, Lemire and Kaser, 2014). Beyond 16 KiB what came so far is the first word of a new sum, which adds that chance once more in each lane.
 */
import { randomFillSync } from 'node:crypto';
import {
  type Code,
  F64,
  f64,
  give,
  I32,
  I64,
  i32,
  i64,
  ModuleCode,
  pagesFor,
  repeat,
  V128,
  type Variable,
  v128,
  when,
} from './wasm-code.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
/** Makes a bracket of a list one of an object, and nothing else. */
const EITHER = 0x20;
/** An opening bracket has it, a closing one has not. */
const OPENS = 0x02;

const DEPTH_MAX = 10_000;
/** The longest name that Kubernetes gives to anything; what is longer is not kept for the life of the process. */
const NAME_BYTES_MAX = 317;
const ENTRIES_MAX = 640;

/** An entry: where a member's name and value begin and end, its fingerprint, and what it is. */
const ENTRY_BYTES = 32;
const PRINT_AT = 16;
const SORT_AT = 24;
/** A member of a top-level object; a top-level member that is no object; one that is, with its members behind it. */
export const Sort = { member: 0, whole: 1, object: 2 } as const;

// What lies where in the memory. Sixteen bytes are read and written at once, so each has a little room behind it.
const BLOCK = 64;
const END_AT = 0;
const HIGH_AT = 4;
const SHAPE_AT = 8;
const ENTRIES = BLOCK;
const NAMES = ENTRIES + ENTRIES_MAX * ENTRY_BYTES;
const NAMES_END = NAMES + ENTRIES_MAX * (NAME_BYTES_MAX + 4);
const KEYS = (NAMES_END + 2 * BLOCK) & -BLOCK;
/** A start and a factor for the length for each lane. */
const FIRST_KEYS = KEYS + 32;
const PAIRS_MAX = 2_048;
/** Two numbers a pair of words for each lane. */
const PAIR_KEYS_BYTES = 32;
const KEYS_END = FIRST_KEYS + PAIRS_MAX * PAIR_KEYS_BYTES;
/** What stands before an object in its line. */
const BEFORE_BYTES_MAX = 128;
const TEXT = (KEYS_END + BEFORE_BYTES_MAX + 2 * BLOCK) & -(2 * BLOCK);

const keys = randomFillSync(new Uint8Array(KEYS_END - KEYS));
let compiled: WebAssembly.Module | undefined;

/** One memory with the program that works on it. */
export class ScanMachine {
  /** The longest text. */
  readonly room: number;
  readonly #bytes: Uint8Array;
  readonly #numbers: Int32Array;
  readonly #prints: Float64Array;
  readonly #scan: (length: number) => number;
  #shift = 0;

  constructor(room: number) {
    this.room = room;
    // Two words for each 64 bytes of text, rounded up, and a little behind it.
    const initial = pagesFor(TEXT + room + room / 2 + 8 * BLOCK);
    const memory = new WebAssembly.Memory({ initial });
    compiled ??= new WebAssembly.Module(program());
    const { exports } = new WebAssembly.Instance(compiled, { memory: { memory } });
    this.#scan = exports.scan as (length: number) => number;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#numbers = new Int32Array(memory.buffer);
    this.#prints = new Float64Array(memory.buffer);
    this.#bytes.set(keys, KEYS);
  }

  /** How many entries there are for the object at `start`, of at most `room` bytes to the end of `bytes`; -1 where it has to be parsed to be understood. */
  scan(bytes: Buffer, start: number): number {
    if (start <= BEFORE_BYTES_MAX) this.#bytes.set(bytes, TEXT - start);
    else this.#bytes.set(bytes.subarray(start), TEXT);
    this.#shift = start - TEXT;
    return this.#scan(bytes.length - start);
  }

  // Of the text scanned last, as offsets into what was given:

  get end(): number {
    return (this.#numbers[END_AT / 4] as number) + this.#shift;
  }

  /** No byte from the object on is beyond 0x7f. */
  get isAscii(): boolean {
    return this.#numbers[HIGH_AT / 4] === 0;
  }

  /** A fingerprint of all names in their order. */
  get shape(): number {
    return this.#prints[SHAPE_AT / 8] as number;
  }

  nameFrom(entry: number): number {
    return (this.#numbers[(ENTRIES + entry * ENTRY_BYTES) / 4] as number) + this.#shift;
  }

  nameTo(entry: number): number {
    return (this.#numbers[(ENTRIES + entry * ENTRY_BYTES) / 4 + 1] as number) + this.#shift;
  }

  from(entry: number): number {
    return (this.#numbers[(ENTRIES + entry * ENTRY_BYTES) / 4 + 2] as number) + this.#shift;
  }

  to(entry: number): number {
    return (this.#numbers[(ENTRIES + entry * ENTRY_BYTES) / 4 + 3] as number) + this.#shift;
  }

  print(entry: number): number {
    return this.#prints[(ENTRIES + PRINT_AT + entry * ENTRY_BYTES) / 8] as number;
  }

  sort(entry: number): number {
    return this.#numbers[(ENTRIES + SORT_AT + entry * ENTRY_BYTES) / 4] as number;
  }
}

function program(): Uint8Array<ArrayBuffer> {
  const module = new ModuleCode();
  const fails = give(i32.of(-1));
  /** Behind the text. */
  const end = module.global(I32);
  /** Of each 64 bytes of text: its quotes, opening and closing brackets as bits. To be found half as far from here as the bytes are from 0. */
  const bits = module.global(I32);
  /** Where the next name and the next entry go. */
  const name = module.global(I32);
  const entry = module.global(I32);
  /** 1 where the byte behind the last 64 is escaped. */
  const escaped = module.global(I64);
  const [QUOTES, OPENING, CLOSING] = [0, 8, 16];
  const bitsOf = (at: Code) => i32.add(bits.get, i32.shr(i32.and(at, i32.of(-BLOCK)), i32.of(1)));
  const next = (value: Variable, by: number) => value.set(i32.add(value.get, i32.of(by)));
  const isByte = (at: Code, byte: number, offset = 0) => i32.eq(i32.byte(at, offset), i32.of(byte));
  const isNoByte = (at: Code, byte: number, offset = 0) => i32.ne(i32.byte(at, offset), i32.of(byte));

  /** Which bytes are escaped, by which are backslashes. */
  const escapes = module.function(I64);
  {
    const backslashes = escapes.parameter(I64);
    const found = escapes.local(I64);
    const lowest = escapes.local(I64);
    const left = escapes.local(I64);
    escapes.body = [
      found.set(escaped.get),
      left.set(i64.and(backslashes.get, i64.xor(found.get, i64.of(-1n)))),
      escaped.set(i64.of(0n)),
      when(i32.isZero(i64.isZero(left.get)), [
        repeat(
          [
            lowest.set(i64.and(left.get, i64.sub(i64.of(0n), left.get))),
            escaped.set(i64.or(escaped.get, i64.shr(lowest.get, i64.of(63n)))),
            lowest.set(i64.shl(lowest.get, i64.of(1n))),
            found.set(i64.or(found.get, lowest.get)),
            // The backslash and what it escapes, which may be one too.
            left.set(i64.and(left.get, i64.sub(left.get, i64.of(1n)))),
            left.set(i64.and(left.get, i64.xor(lowest.get, i64.of(-1n)))),
          ],
          i32.isZero(i64.isZero(left.get)),
        ),
      ]),
      found.get,
    ].flat();
  }

  /** Finds the bits of the whole text; 0 where a backslash stands outside of a string, which no JSON has. */
  const find = module.function(I32);
  {
    const at = find.local(I32);
    const quotes = find.local(I64);
    const backslashes = find.local(I64);
    const inside = find.local(I64);
    /** All ones where the 64 bytes before ended within a string. */
    const before = find.local(I64);
    const to = find.local(I32);
    const parts = [V128, V128, V128, V128].map((type) => find.local(type));
    const high = find.local(V128);
    const folded = [V128, V128, V128, V128].map((type) => find.local(type));
    const equal = (part: Variable, byte: number) => v128.eq(part.get, v128.bytes(i32.of(byte)));
    const wide = (of: Code[]) =>
      of
        .map((part, i) => {
          const half = i64.from(v128.bits(part));
          return i === 0 ? half : i64.shl(half, i64.of(BigInt(i * 16)));
        })
        .reduce((all, part) => i64.or(all, part));
    const either = (of: Code[]) => of.reduce((all, part) => v128.or(all, part));
    find.body = [
      at.set(i32.of(TEXT)),
      high.set(v128.zero),
      escaped.set(i64.of(0n)),
      before.set(i64.of(0n)),
      repeat(
        [
          ...parts.map((part, i) => part.set(v128.load(at.get, i * 16))),
          high.set(v128.or(high.get, either(parts.map((part) => part.get)))),
          quotes.set(wide(parts.map((part) => equal(part, QUOTE)))),
          backslashes.set(i64.of(0n)),
          when(i32.or(v128.any(either(parts.map((part) => equal(part, BACKSLASH)))), i32.low(escaped.get)), [
            backslashes.set(wide(parts.map((part) => equal(part, BACKSLASH)))),
            quotes.set(i64.and(quotes.get, i64.xor(escapes.call(backslashes.get), i64.of(-1n)))),
          ]),
          // From each opening quote to before its closing one.
          inside.set(quotes.get),
          ...[1n, 2n, 4n, 8n, 16n, 32n].map((by) => inside.set(i64.xor(inside.get, i64.shl(inside.get, i64.of(by))))),
          inside.set(i64.xor(inside.get, before.get)),
          before.set(i64.sar(inside.get, i64.of(63n))),
          inside.set(i64.xor(inside.get, i64.of(-1n))),
          when(i32.isZero(i64.isZero(i64.and(backslashes.get, inside.get))), [give(i32.of(0))]),
          ...folded.map((part, i) => part.set(v128.or((parts[i] as Variable).get, v128.bytes(i32.of(EITHER))))),
          to.set(bitsOf(at.get)),
          i64.store(to.get, quotes.get, QUOTES),
          i64.store(to.get, i64.and(inside.get, wide(folded.map((part) => equal(part, OPEN_OBJECT)))), OPENING),
          i64.store(to.get, i64.and(inside.get, wide(folded.map((part) => equal(part, CLOSE_OBJECT)))), CLOSING),
          next(at, BLOCK),
        ],
        i32.lt(at.get, end.get),
      ),
      i32.store(i32.of(HIGH_AT), v128.bits(high.get)),
      i32.of(1),
    ].flat();
  }

  /** The first quote from a place on; -1 where there is none. */
  const quote = module.function(I32);
  {
    const at = quote.parameter(I32);
    const left = quote.local(I64);
    quote.body = [
      when(i32.ge(at.get, end.get), [fails]),
      left.set(i64.shr(i64.load(bitsOf(at.get), QUOTES), i64.from(i32.and(at.get, i32.of(BLOCK - 1))))),
      when(i64.isZero(left.get), [
        at.set(i32.and(at.get, i32.of(-BLOCK))),
        repeat(
          [next(at, BLOCK), when(i32.ge(at.get, end.get), [fails]), left.set(i64.load(bitsOf(at.get), QUOTES))],
          i64.isZero(left.get),
        ),
      ]),
      i32.add(at.get, i32.low(i64.ctz(left.get))),
    ].flat();
  }

  /** Behind the object or list that opens at a place; -1 where it does not end. */
  const container = module.function(I32);
  {
    const at = container.parameter(I32);
    const [depth, closed] = [container.local(I32), container.local(I32)];
    const [opening, closing, left] = [container.local(I64), container.local(I64), container.local(I64)];
    const take = (from: Code) => [
      opening.set(i64.and(i64.load(bitsOf(at.get), OPENING), from)),
      closing.set(i64.and(i64.load(bitsOf(at.get), CLOSING), from)),
    ];
    const place = i32.add(at.get, i32.low(i64.ctz(left.get)));
    container.body = [
      ...take(i64.shl(i64.of(-1n), i64.from(i32.and(at.get, i32.of(BLOCK - 1))))),
      at.set(i32.and(at.get, i32.of(-BLOCK))),
      repeat(
        [
          closed.set(i32.low(i64.ones(closing.get))),
          when(
            i32.lt(closed.get, depth.get),
            // It cannot end among these.
            [depth.set(i32.sub(i32.add(depth.get, i32.low(i64.ones(opening.get))), closed.get))],
            [
              left.set(i64.or(opening.get, closing.get)),
              when(i32.isZero(i64.isZero(left.get)), [
                repeat(
                  [
                    when(
                      i32.and(i32.byte(place), i32.of(OPENS)),
                      [next(depth, 1)],
                      [next(depth, -1), when(i32.isZero(depth.get), [give(i32.add(place, i32.of(1)))])],
                    ),
                    left.set(i64.and(left.get, i64.sub(left.get, i64.of(1n)))),
                  ],
                  i32.isZero(i64.isZero(left.get)),
                ),
              ]),
            ],
          ),
          when(i32.gt(depth.get, i32.of(DEPTH_MAX)), [fails]),
          next(at, BLOCK),
          when(i32.ge(at.get, end.get), [fails]),
          ...take(i64.of(-1n)),
        ],
        i32.of(1),
      ),
      i32.of(-1),
    ].flat();
  }

  /** Behind the value at a place; -1 where it does not end. */
  const value = module.function(I32);
  {
    const at = value.parameter(I32);
    const [byte, from] = [value.local(I32), value.local(I32)];
    const isOneOf = (bytes: number[]) => bytes.map((one) => i32.eq(byte.get, i32.of(one))).reduce((all, one) => i32.or(all, one));
    value.body = [
      byte.set(i32.byte(at.get)),
      when(i32.eq(byte.get, i32.of(QUOTE)), [
        at.set(quote.call(i32.add(at.get, i32.of(1)))),
        when(i32.lt(at.get, i32.of(0)), [fails]),
        give(i32.add(at.get, i32.of(1))),
      ]),
      when(i32.eq(i32.or(byte.get, i32.of(EITHER)), i32.of(OPEN_OBJECT)), [give(container.call(at.get))]),
      from.set(at.get),
      repeat(
        [
          byte.set(i32.byte(at.get)),
          when(isOneOf([COMMA, CLOSE_OBJECT, CLOSE_LIST]), [when(i32.eq(at.get, from.get), [fails]), give(at.get)]),
          // A number or a word has none of these: there are blanks between, and what looks like its end may be the end of something else.
          when(i32.or(i32.le(byte.get, i32.of(0x20)), isOneOf([QUOTE, COLON, OPEN_OBJECT, OPEN_LIST])), [fails]),
          next(at, 1),
        ],
        i32.of(1),
      ),
      i32.of(-1),
    ].flat();
  }

  const print = module.function(F64);
  {
    const [at, to] = [print.parameter(I32), print.parameter(I32)];
    const key = print.local(I32);
    const [a, b, low, high] = [print.local(I64), print.local(I64), print.local(I64), print.local(I64)];
    const product = (offset: number) =>
      i64.mul(i64.add(i64.load(key.get, offset), low.get), i64.add(i64.load(key.get, offset + 8), high.get));
    const add = [a.set(i64.add(a.get, product(0))), b.set(i64.add(b.get, product(16))), next(key, PAIR_KEYS_BYTES)];
    const split = [high.set(i64.shr(low.get, i64.of(32n))), low.set(i64.and(low.get, i64.of(0xffff_ffffn)))];
    const left = i64.from(i32.shl(i32.sub(to.get, at.get), i32.of(3)));
    const begin = (offset: number) =>
      i64.add(i64.load(i32.of(KEYS), offset), i64.mul(i64.load(i32.of(KEYS), offset + 8), i64.from(i32.sub(to.get, at.get))));
    const fold = (lane: Variable, offset: number) =>
      lane.set(
        i64.mul(
          i64.add(i64.load(i32.of(FIRST_KEYS), offset), i64.shr(lane.get, i64.of(32n))),
          i64.load(i32.of(FIRST_KEYS), offset + 8),
        ),
      );
    print.body = [
      a.set(begin(0)),
      b.set(begin(16)),
      key.set(i32.of(FIRST_KEYS)),
      when(i32.ge(i32.sub(to.get, at.get), i32.of(8)), [
        repeat(
          [
            when(i32.eq(key.get, i32.of(KEYS_END)), [fold(a, 0), fold(b, 16), key.set(i32.of(FIRST_KEYS + PAIR_KEYS_BYTES))]),
            low.set(i64.load(at.get)),
            ...split,
            ...add,
            next(at, 8),
          ],
          i32.ge(i32.sub(to.get, at.get), i32.of(8)),
        ),
      ]),
      when(i32.lt(at.get, to.get), [
        when(i32.eq(key.get, i32.of(KEYS_END)), [fold(a, 0), fold(b, 16), key.set(i32.of(FIRST_KEYS + PAIR_KEYS_BYTES))]),
        low.set(i64.and(i64.load(at.get), i64.sub(i64.shl(i64.of(1n), left), i64.of(1n)))),
        ...split,
        ...add,
      ]),
      f64.from(i64.or(i64.shl(i64.shr(a.get, i64.of(38n)), i64.of(26n)), i64.shr(b.get, i64.of(38n)))),
    ].flat();
  }

  /** Takes up the name at a place, whose colon lies behind its quote; where that quote is, or -1. */
  const takeName = module.function(I32);
  {
    const at = takeName.parameter(I32);
    const [stop, length, done, found] = [takeName.local(I32), takeName.local(I32), takeName.local(I32), takeName.local(I32)];
    const part = takeName.local(V128);
    const left = i32.sub(length.get, done.get);
    takeName.body = [
      when(isNoByte(at.get, QUOTE), [fails]),
      stop.set(quote.call(i32.add(at.get, i32.of(1)))),
      when(i32.lt(stop.get, i32.of(0)), [fails]),
      when(i32.gt(i32.sub(stop.get, at.get), i32.of(NAME_BYTES_MAX + 1)), [fails]),
      when(isNoByte(stop.get, COLON, 1), [fails]),
      when(i32.ge(entry.get, i32.of(NAMES)), [fails]),
      length.set(i32.sub(i32.add(stop.get, i32.of(2)), at.get)),
      done.set(i32.of(0)),
      repeat(
        [
          part.set(v128.load(i32.add(at.get, done.get))),
          v128.store(i32.add(name.get, done.get), part.get),
          found.set(v128.bits(v128.eq(part.get, v128.bytes(i32.of(BACKSLASH))))),
          // A backslash may be in what comes behind the name.
          when(found.get, [
            when(i32.ge(left, i32.of(16)), [fails]),
            when(i32.and(found.get, i32.sub(i32.shl(i32.of(1), left), i32.of(1))), [fails]),
          ]),
          next(done, 16),
        ],
        i32.lt(done.get, length.get),
      ),
      name.set(i32.add(name.get, length.get)),
      stop.get,
    ].flat();
  }

  const takeEntry = module.function();
  {
    const [nameFrom, nameTo] = [takeEntry.parameter(I32), takeEntry.parameter(I32)];
    const [from, to, sort] = [takeEntry.parameter(I32), takeEntry.parameter(I32), takeEntry.parameter(I32)];
    takeEntry.body = [
      i32.store(entry.get, nameFrom.get, 0),
      i32.store(entry.get, nameTo.get, 4),
      i32.store(entry.get, from.get, 8),
      i32.store(entry.get, to.get, 12),
      f64.store(entry.get, print.call(from.get, to.get), PRINT_AT),
      i32.store(entry.get, sort.get, SORT_AT),
      next(entry, ENTRY_BYTES),
    ].flat();
  }

  /** Takes up the members of the object whose first one is at a place; behind it, or -1. An empty object has none there. */
  const members = module.function(I32);
  {
    const at = members.parameter(I32);
    const [stop, to] = [members.local(I32), members.local(I32)];
    members.body = [
      repeat(
        [
          stop.set(takeName.call(at.get)),
          when(i32.lt(stop.get, i32.of(0)), [fails]),
          to.set(value.call(i32.add(stop.get, i32.of(2)))),
          when(i32.lt(to.get, i32.of(0)), [fails]),
          takeEntry.call(i32.add(at.get, i32.of(1)), stop.get, i32.add(stop.get, i32.of(2)), to.get, i32.of(Sort.member)),
          at.set(i32.add(to.get, i32.of(1))),
        ],
        isByte(to.get, COMMA),
      ),
      when(isNoByte(to.get, CLOSE_OBJECT), [fails]),
      at.get,
    ].flat();
  }

  const scan = module.function(I32);
  {
    const length = scan.parameter(I32);
    const [at, stop, to, from] = [scan.local(I32), scan.local(I32), scan.local(I32), scan.local(I32)];
    const mark = (byte: number) => [i32.storeByte(name.get, i32.of(byte)), next(name, 1)].flat();
    const open = (sort: number, last: Code) => takeEntry.call(i32.add(at.get, i32.of(1)), stop.get, from.get, last, i32.of(sort));
    scan.body = [
      end.set(i32.add(i32.of(TEXT), length.get)),
      // What was there before ends here.
      ...[0, 16, 32, 48].map((offset) => v128.store(end.get, v128.zero, offset)),
      bits.set(i32.sub(i32.and(i32.add(end.get, i32.of(2 * BLOCK)), i32.of(-BLOCK)), i32.of(TEXT / 2))),
      when(i32.isZero(find.call()), [fails]),
      name.set(i32.of(NAMES)),
      entry.set(i32.of(ENTRIES)),
      at.set(i32.of(TEXT + 1)),
      repeat(
        [
          stop.set(takeName.call(at.get)),
          when(i32.lt(stop.get, i32.of(0)), [fails]),
          from.set(i32.add(stop.get, i32.of(2))),
          when(
            isByte(from.get, OPEN_OBJECT),
            [
              mark(OPEN_OBJECT),
              open(Sort.object, from.get),
              to.set(members.call(i32.add(from.get, i32.of(1)))),
              when(i32.lt(to.get, i32.of(0)), [fails]),
              mark(CLOSE_OBJECT),
            ],
            [to.set(value.call(from.get)), when(i32.lt(to.get, i32.of(0)), [fails]), open(Sort.whole, to.get)],
          ),
          at.set(i32.add(to.get, i32.of(1))),
        ],
        isByte(to.get, COMMA),
      ),
      when(isNoByte(to.get, CLOSE_OBJECT), [fails]),
      i32.store(i32.of(END_AT), at.get),
      f64.store(i32.of(SHAPE_AT), print.call(i32.of(NAMES), name.get)),
      i32.shr(i32.sub(entry.get, i32.of(ENTRIES)), i32.of(Math.log2(ENTRY_BYTES))),
    ].flat();
  }
  module.export('scan', scan);
  return module.bytes();
}
