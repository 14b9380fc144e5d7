/**
 * WebAssembly written down in TypeScript: an expression or statement is the bytes it comes to, with what it works on before the operation, as
 * the machine wants it. Only what our own programs use is here.
 */

export type Code = readonly number[];
export type Type = 0x7f | 0x7e | 0x7c | 0x7b;

export const I32: Type = 0x7f;
export const I64: Type = 0x7e;
export const F64: Type = 0x7c;
export const V128: Type = 0x7b;

const NOTHING = 0x40;
const END = 0x0b;
const SIMD = 0xfd;
const PAGE_BYTES = 65_536;

/** A local or a global. */
export class Variable {
  readonly type: Type;
  readonly #index: number;
  readonly #ops: { get: number; set: number };

  constructor(type: Type, index: number, ops: { get: number; set: number }) {
    this.type = type;
    this.#index = index;
    this.#ops = ops;
  }

  get get(): Code {
    return [this.#ops.get, ...unsigned(this.#index)];
  }

  set(value: Code): Code {
    return [...value, this.#ops.set, ...unsigned(this.#index)];
  }
}

/** A function under way: its parameters first, then its locals. */
export class FunctionCode {
  readonly index: number;
  readonly parameters: Type[] = [];
  readonly locals: Type[] = [];
  readonly result: Type | undefined;
  body: Code = [];

  constructor(index: number, result: Type | undefined) {
    this.index = index;
    this.result = result;
  }

  parameter(type: Type): Variable {
    this.parameters.push(type);
    return local(type, this.parameters.length - 1);
  }

  local(type: Type): Variable {
    this.locals.push(type);
    return local(type, this.parameters.length + this.locals.length - 1);
  }

  call(...values: Code[]): Code {
    return [...values.flat(), 0x10, ...unsigned(this.index)];
  }
}

function local(type: Type, index: number): Variable {
  return new Variable(type, index, { get: 0x20, set: 0x21 });
}

/** A module that imports one memory, as `memory.memory`. */
export class ModuleCode {
  readonly #functions: FunctionCode[] = [];
  readonly #globals: Type[] = [];
  readonly #exports: { name: string; index: number }[] = [];

  function(result?: Type): FunctionCode {
    const code = new FunctionCode(this.#functions.length, result);
    this.#functions.push(code);
    return code;
  }

  /** Begins as 0. */
  global(type: Type): Variable {
    this.#globals.push(type);
    return new Variable(type, this.#globals.length - 1, { get: 0x23, set: 0x24 });
  }

  export(name: string, { index }: FunctionCode): void {
    this.#exports.push({ name, index });
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const types = this.#functions.map(({ parameters, result }) => [
      ...[0x60, ...list(parameters.map((type) => [type]))],
      ...list(result === undefined ? [] : [[result]]),
    ]);
    const globals = this.#globals.map((type) => [type, 1, type === I64 ? 0x42 : 0x41, 0, END]);
    const bodies = this.#functions.map(({ locals, body }) => {
      const code = [...list(locals.map((type) => [1, type])), ...body, END];
      return [...unsigned(code.length), ...code];
    });
    return Uint8Array.from([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, types),
      ...section(2, [[...text('memory'), ...text('memory'), 0x02, 0, 1]]),
      ...section(
        3,
        this.#functions.map((_, i) => unsigned(i)),
      ),
      ...section(6, globals),
      ...section(
        7,
        this.#exports.map(({ name, index }) => [...text(name), 0, ...unsigned(index)]),
      ),
      ...section(10, bodies),
    ]);
  }
}

/** Pages of memory for so many bytes. */
export function pagesFor(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES);
}

function section(id: number, entries: readonly Code[]): Code {
  const code = list(entries);
  return [id, ...unsigned(code.length), ...code];
}

function list(entries: readonly Code[]): Code {
  return [...unsigned(entries.length), ...entries.flat()];
}

function text(value: string): Code {
  return list([...Buffer.from(value)].map((byte) => [byte]));
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left];
    bytes.push((left % 128) + 128);
  }
}

function signed(value: bigint): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left >>= 7n) {
    const low = Number(left & 0x7fn);
    if (left >= -64n && left < 64n) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

const one = (op: number) => (a: Code) => [...a, op];
const two = (op: number) => (a: Code, b: Code) => [...a, ...b, op];
const simd = (op: number) => [SIMD, ...unsigned(op)];
/** An address is a number of the memory; `offset` is added to it. */
const load =
  (op: Code) =>
  (address: Code, offset = 0) => [...address, ...op, 0, ...unsigned(offset)];
const store =
  (op: Code) =>
  (address: Code, value: Code, offset = 0) => [...address, ...value, ...op, 0, ...unsigned(offset)];

export const i32 = {
  of: (value: number) => [0x41, ...signed(BigInt(value))],
  load: load([0x28]),
  byte: load([0x2d]),
  store: store([0x36]),
  storeByte: store([0x3a]),
  add: two(0x6a),
  sub: two(0x6b),
  and: two(0x71),
  or: two(0x72),
  shl: two(0x74),
  shr: two(0x76),
  isZero: one(0x45),
  eq: two(0x46),
  ne: two(0x47),
  lt: two(0x48),
  gt: two(0x4a),
  le: two(0x4c),
  ge: two(0x4e),
  low: one(0xa7),
};

export const i64 = {
  of: (value: bigint) => [0x42, ...signed(value)],
  load: load([0x29]),
  store: store([0x37]),
  from: one(0xad),
  isZero: one(0x50),
  eq: two(0x51),
  ctz: one(0x7a),
  ones: one(0x7b),
  add: two(0x7c),
  sub: two(0x7d),
  mul: two(0x7e),
  and: two(0x83),
  or: two(0x84),
  xor: two(0x85),
  shl: two(0x86),
  /** With the sign. */
  sar: two(0x87),
  shr: two(0x88),
};

export const f64 = { store: store([0x39]), from: one(0xba) };

/** Sixteen bytes at once. */
export const v128 = {
  zero: [...simd(12), ...new Array<number>(16).fill(0)] as Code,
  load: load(simd(0)),
  store: store(simd(11)),
  bytes: (value: Code) => [...value, ...simd(15)],
  eq: (a: Code, b: Code) => [...a, ...b, ...simd(35)],
  or: (a: Code, b: Code) => [...a, ...b, ...simd(80)],
  any: (a: Code) => [...a, ...simd(83)],
  /** The highest bit of each byte. */
  bits: (a: Code) => [...a, ...simd(100)],
};

export function when(condition: Code, then: Code[], otherwise: Code[] = []): Code {
  const rest = otherwise.length === 0 ? [] : [0x05, ...otherwise.flat()];
  return [...condition, 0x04, NOTHING, ...then.flat(), ...rest, END];
}

/** Does what is within, and again as long as the condition holds behind it. */
export function repeat(body: Code[], condition: Code): Code {
  return [0x03, NOTHING, ...body.flat(), ...condition, 0x0d, 0, END];
}

export function give(value: Code): Code {
  return [...value, 0x0f];
}
