/**
 * Regular expressions whose cost is bounded: a match takes time in proportion to the length of the pattern times that of the text, whoever
 * wrote the pattern. The language is what RE2 and Prometheus share with JavaScript and what label matchers need: literals, `.`, classes,
 * \d \w \s and their opposites, groups (capturing or not), alternation, * + ? {n,m}. A pattern matches the whole text or nothing. There is
 * nothing that needs backtracking: no references back, no looking around. Characters are UTF-16 units, as in JavaScript without its u flag.
 *
 * The pattern becomes a list of instructions; all places in it where a match may stand are followed through the text at once (Thompson).
 */
const INSTRUCTIONS_MAX = 2_000;
const REPEAT_MAX = 1_000;
const DEPTH_MAX = 50;

export class PatternError extends Error {}

/** Ranges of character codes, both ends included. */
type Ranges = readonly (readonly [from: number, to: number])[];

type Node =
  | { type: 'chars'; ranges: Ranges }
  | { type: 'sequence'; parts: Node[] }
  | { type: 'either'; parts: Node[] }
  | { type: 'repeat'; part: Node; min: number; max: number };

/** `next` is a place in the list; `chars` takes a character, `fork` goes two ways. The end of the list is a match. */
type Instruction = { ranges: Ranges } | { jump: number } | { fork: readonly [number, number] };

/** Throws PatternError for what is not such a pattern, or a too long one. */
export function compilePattern(source: string): (text: string) => boolean {
  const program: Instruction[] = [];
  emit(new Parser(source).parse(), program);
  return (text) => matches(program, text);
}

const LAST = 0xffff;
const CLASSES: Record<string, Ranges> = {
  d: [[48, 57]],
  w: [
    [48, 57],
    [65, 90],
    [95, 95],
    [97, 122],
  ],
  // As RE2 has it: tab, newline, form feed, carriage return, blank.
  s: [
    [9, 10],
    [12, 13],
    [32, 32],
  ],
};
const ANY: Ranges = opposite([[10, 10]]);
const CONTROLS: Record<string, string> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v' };

class Parser {
  readonly #source: string;
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): Node {
    // Prometheus' habit of anchoring what is anchored already.
    const anchored = this.#source.replace(/^\^/, '').replace(/(?<=(?:^|[^\\])(?:\\\\)*)\$$/, '');
    const parser = anchored === this.#source ? this : new Parser(anchored);
    const node = parser.#either();
    if (parser.#at < anchored.length) throw new PatternError(`there is no group that ) at ${parser.#at + 1} would close`);
    return node;
  }

  #either(): Node {
    if (++this.#depth > DEPTH_MAX) throw new PatternError(`groups are nested deeper than ${DEPTH_MAX}`);
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    this.#depth -= 1;
    return parts.length === 1 ? (parts[0] as Node) : { type: 'either', parts };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek()) {
      parts.push(this.#repeated());
    }
    return { type: 'sequence', parts };
  }

  #repeated(): Node {
    let part = this.#one();
    for (let isRepeated = false; ; isRepeated = true) {
      const times = this.#times();
      if (times === undefined) return part;
      if (isRepeated) throw new PatternError(`a repetition is repeated at ${this.#at}`);
      // How greedy it is makes no difference to whether a whole text matches.
      this.#take('?');
      part = { type: 'repeat', part, ...times };
    }
  }

  #times(): { min: number; max: number } | undefined {
    if (this.#take('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#take('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#take('?')) return { min: 0, max: 1 };
    const counted = /^\{(\d+)(,(\d*))?\}/.exec(this.#source.slice(this.#at, this.#at + 20));
    if (counted === null) return undefined;
    this.#at += counted[0].length;
    const min = Number(counted[1]);
    const max = counted[2] === undefined ? min : counted[3] === '' ? Number.POSITIVE_INFINITY : Number(counted[3]);
    if (max < min) throw new PatternError(`${counted[0]} asks for less than its least`);
    if (min > REPEAT_MAX || (max > REPEAT_MAX && max !== Number.POSITIVE_INFINITY)) {
      throw new PatternError(`${counted[0]} repeats more than ${REPEAT_MAX} times`);
    }
    return { min, max };
  }

  #one(): Node {
    const char = this.#next();
    switch (char) {
      case '(': {
        if (this.#take('?') && !this.#take(':')) throw new PatternError(`only (?: ) is known of the groups that begin with (?`);
        const node = this.#either();
        if (!this.#take(')')) throw new PatternError('a group is not closed');
        return node;
      }
      case '[':
        return { type: 'chars', ranges: this.#charClass() };
      case '.':
        return { type: 'chars', ranges: ANY };
      case '\\':
        return { type: 'chars', ranges: this.#escaped() };
      case '*':
      case '+':
      case '?':
        throw new PatternError(`there is nothing that ${char} at ${this.#at} would repeat`);
      case '^':
      case '$':
        throw new PatternError(`${char} at ${this.#at}: a pattern is anchored at both ends as it is`);
      default:
        return { type: 'chars', ranges: [[char.charCodeAt(0), char.charCodeAt(0)]] };
    }
  }

  #charClass(): Ranges {
    const negated = this.#take('^');
    const ranges: (readonly [number, number])[] = [];
    for (let isFirst = true; isFirst || this.#peek() !== ']'; isFirst = false) {
      const from = this.#classMember();
      const isRange = this.#peek() === '-' && this.#source[this.#at + 1] !== ']' && this.#source[this.#at + 1] !== undefined;
      if (!isRange) {
        ranges.push(...from);
        continue;
      }
      this.#at += 1;
      const [low, high] = [single(from), single(this.#classMember())];
      if (low === undefined || high === undefined || high < low) throw new PatternError(`a range at ${this.#at} has no order`);
      ranges.push([low, high]);
    }
    this.#at += 1;
    return negated ? opposite(ranges) : ranges;
  }

  #classMember(): Ranges {
    const char = this.#next();
    return char === '\\' ? this.#escaped() : [[char.charCodeAt(0), char.charCodeAt(0)]];
  }

  #escaped(): Ranges {
    const char = this.#next();
    const known = CLASSES[char.toLowerCase()];
    if (known !== undefined) return char === char.toLowerCase() ? known : opposite(known);
    const literal = CONTROLS[char] ?? (/[a-z0-9]/i.test(char) ? undefined : char);
    if (literal === undefined) throw new PatternError(`\\${char} is not known`);
    return [[literal.charCodeAt(0), literal.charCodeAt(0)]];
  }

  #peek(): string | undefined {
    return this.#source[this.#at];
  }

  #take(char: string): boolean {
    if (this.#source[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  #next(): string {
    const char = this.#source[this.#at++];
    if (char === undefined) throw new PatternError('the pattern ends in the middle');
    return char;
  }
}

function single(ranges: Ranges): number | undefined {
  const [first, ...more] = ranges;
  return first !== undefined && more.length === 0 && first[0] === first[1] ? first[0] : undefined;
}

function opposite(ranges: Ranges): Ranges {
  const result: (readonly [number, number])[] = [];
  let free = 0;
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (from > free) result.push([free, from - 1]);
    free = Math.max(free, to + 1);
  }
  if (free <= LAST) result.push([free, LAST]);
  return result;
}

function emit(node: Node, program: Instruction[]): void {
  if (program.length > INSTRUCTIONS_MAX) throw new PatternError(`it takes more than ${INSTRUCTIONS_MAX} steps`);
  switch (node.type) {
    case 'chars':
      program.push({ ranges: node.ranges });
      return;
    case 'sequence':
      for (const part of node.parts) emit(part, program);
      return;
    case 'either': {
      const ends: number[] = [];
      const [last, ...others] = node.parts.toReversed() as [Node, ...Node[]];
      for (const part of others.toReversed()) {
        const fork = program.push({ jump: 0 }) - 1;
        emit(part, program);
        ends.push(program.push({ jump: 0 }) - 1);
        program[fork] = { fork: [fork + 1, program.length] };
      }
      emit(last, program);
      for (const end of ends) program[end] = { jump: program.length };
      return;
    }
    case 'repeat': {
      for (let i = 0, length = -1; i < node.min && program.length > length; i++) {
        // What takes no character need not be there a thousand times.
        length = program.length;
        emit(node.part, program);
      }
      if (node.max === Number.POSITIVE_INFINITY) {
        const fork = program.push({ jump: 0 }) - 1;
        emit(node.part, program);
        program.push({ jump: fork });
        program[fork] = { fork: [fork + 1, program.length] };
        return;
      }
      const forks: number[] = [];
      for (let i = node.min; i < node.max; i++) {
        forks.push(program.push({ jump: 0 }) - 1);
        emit(node.part, program);
      }
      for (const fork of forks) program[fork] = { fork: [fork + 1, program.length] };
    }
  }
}

function matches(program: readonly Instruction[], text: string): boolean {
  const seen = new Int32Array(program.length + 1).fill(-1);
  let places: number[] = [];
  let next: number[] = [];
  const stack: number[] = [];
  // Follows what takes no character; each place is visited once for each character of the text.
  const add = (start: number, to: number[], at: number) => {
    stack.push(start);
    for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
      if (seen[place] === at) continue;
      seen[place] = at;
      const instruction = program[place];
      if (instruction === undefined || 'ranges' in instruction) to.push(place);
      else if ('jump' in instruction) stack.push(instruction.jump);
      else stack.push(instruction.fork[1], instruction.fork[0]);
    }
  };
  add(0, places, 0);
  for (let i = 0; i < text.length && places.length > 0; i++) {
    const code = text.charCodeAt(i);
    for (const place of places) {
      const instruction = program[place];
      if (instruction === undefined || !('ranges' in instruction)) continue;
      if (instruction.ranges.some(([from, to]) => code >= from && code <= to)) add(place + 1, next, i + 1);
    }
    [places, next] = [next, places];
    next.length = 0;
  }
  return places.includes(program.length);
}
