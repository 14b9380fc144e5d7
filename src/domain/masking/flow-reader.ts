/**
 * Reads lists and maps in brackets: JSON, also where it is cut off or stands in a sentence, and what YAML makes of it. Goes through the text
 * once.
 */
import {
  type Anchors,
  aliased,
  closingQuote,
  listOf,
  mapOf,
  nameOf,
  nothingAt,
  PART_DEPTH_MAX,
  type Part,
  plainPart,
  textPart,
} from './text-part.ts';

export interface FlowOptions {
  /** The text is read up to here, */
  to: number;
  /** and as JSON, in which words stand in quotes. */
  isJson: boolean;
  anchors: Anchors;
  /** Takes what has no place in the part that is given back. */
  rest: Part[];
}

export interface Flow {
  part: Part;
  /** Behind the closing bracket, or where the reader came no further. */
  end: number;
  /** Neither closed nor cut off by the end of the text. */
  isBroken: boolean;
}

const BLANKS = /[ \t\r\n]*/y;
/** Of one line or more. */
const PLAIN = /[^\s,[\]{}"'#&*!|>%@`:][^,[\]{}:#]*(?:(?:(?<=\S)#|:(?![\s,[\]{}]|$))[^,[\]{}:#]*)*/y;
/** Begins a document of YAML, which ends what is open. */
const MARKER = /(?:^|\n)---/;
const JSON_WORD = /-?\d[\d.eE+-]{0,40}|true|false|null/y;
const PROPERTY = /[&!][^\s,[\]{}]{0,200}/y;
const ALIAS = /\*([^\s,[\]{}]{1,200})/y;

/** `at` is where the opening bracket stands. */
export function readFlow(text: string, at: number, options: FlowOptions): Flow {
  const reader = new FlowReader(text, at, options);
  const part = reader.container(0);
  return { part, end: reader.at, isBroken: reader.isBroken };
}

class FlowReader {
  at: number;
  isBroken = false;
  readonly #text: string;
  readonly #options: FlowOptions;

  constructor(text: string, at: number, options: FlowOptions) {
    this.#text = text;
    this.at = at;
    this.#options = options;
  }

  container(depth: number): Part {
    const start = this.at;
    const isList = this.#text[this.at++] === '[';
    const items: Part[] = [];
    const members: [string, Part][] = [];
    while (this.#next() && !this.isBroken) {
      const code = this.#text[this.at];
      if (code === (isList ? ']' : '}')) {
        this.at++;
        break;
      }
      if (code === ',') this.at++;
      else if (isList) items.push(this.#item(depth));
      else this.#member(members, depth);
    }
    return isList ? listOf(items, start, this.at) : mapOf(members, start, this.at, this.#options.rest);
  }

  /** `[a: b]` is a list of a map. */
  #item(depth: number): Part {
    const part = this.#value(depth);
    if (this.#options.isJson || this.isBroken || !this.#next() || this.#text[this.at] !== ':') return part;
    this.at++;
    const value = this.#next() ? this.#value(depth) : nothingAt(this.at);
    return mapOf([[nameOf(String(part.value)), value]], part.place.start, this.at, this.#options.rest);
  }

  #member(members: [string, Part][], depth: number): void {
    const name = this.#value(depth);
    if (this.isBroken || !this.#next() || this.#text[this.at] !== ':') {
      this.isBroken ||= this.#options.isJson && this.at < this.#options.to;
      return;
    }
    this.at++;
    const isEmpty = !this.#next() || this.#text[this.at] === ',' || this.#text[this.at] === '}';
    const written = String(name.value);
    members.push([this.#options.isJson ? written : nameOf(written), isEmpty ? nothingAt(this.at) : this.#value(depth)]);
  }

  #value(depth: number): Part {
    const { isJson, to, anchors } = this.#options;
    const anchor = isJson ? undefined : this.#properties();
    const code = this.#text[this.at];
    let part: Part | undefined;
    if (code === '[' || code === '{') part = depth < PART_DEPTH_MAX ? this.container(depth + 1) : undefined;
    else if (code === '"' || (code === "'" && !isJson)) {
      const end = closingQuote(this.#text, this.at, to);
      part = textPart(this.#text, this.at + 1, end);
      this.at = Math.min(end + 1, to);
    } else if (code === '*' && !isJson) {
      const alias = this.#take(ALIAS);
      part = aliased(anchors, alias.slice(1), this.at);
    } else {
      const start = this.at;
      const word = this.#take(isJson ? JSON_WORD : PLAIN).trimEnd();
      if (word !== '' && !MARKER.test(word)) part = plainPart(this.#text, start, start + word.length);
    }
    if (part === undefined) {
      this.isBroken = this.at < to;
      return nothingAt(this.at);
    }
    if (anchor !== undefined) anchors.set(anchor, part);
    return part;
  }

  /** Anchors and tags; the name of an anchor. */
  #properties(): string | undefined {
    let anchor: string | undefined;
    for (let word = this.#take(PROPERTY); word !== ''; word = this.#take(PROPERTY)) {
      if (word.startsWith('&')) anchor = word.slice(1);
      if (!this.#next()) break;
    }
    return anchor;
  }

  /** Past blanks, lines and comments; false at the end of the text. */
  #next(): boolean {
    const { to, isJson } = this.#options;
    for (;;) {
      this.#take(BLANKS);
      if (isJson || this.#text[this.at] !== '#') break;
      const line = this.#text.indexOf('\n', this.at);
      this.at = line < 0 ? to : Math.min(line, to);
    }
    return this.at < to;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.at = Math.min(this.at + found.length, this.#options.to);
    return found;
  }
}
