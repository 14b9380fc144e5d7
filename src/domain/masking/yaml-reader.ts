/**
 * Reads documents of YAML for where their texts stand, so that each can be replaced alone and all around it stays as it is. Strict, as any
 * prose looks like YAML for a while: a document that is none to its end is not read at all. Only its last line may be cut off, and lines that
 * hold nothing but a template are passed over. In one go: the YAML package takes some fifty times as long to tell the places (docs/masking.md).
 */
import { readFlow } from './flow-reader.ts';
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

const BLANKS = /[ \t]*/y;
/** Nothing more on the line but a comment. */
const REST_EMPTY = /[ \t]*(?:(?<=\s)#[^\n]*)?\r?(?=\n|$)/y;
const MARKER = /(?:---|\.\.\.)(?=\s|$)/y;
const DASH = /-(?=\s|$)/y;
const PROPERTY = /[&!][^\s,[\]{}]{0,200}(?=\s|$)[ \t]*/y;
const ALIAS = /\*[^\s,[\]{}]{1,200}/y;
const PLAIN_KEY = /(?:[^\s\-?:,[\]{}#&*!|>'"%@`]|[-?:](?=[^\s#]))(?:[^\n:#]|:(?=\S)){0,200}?(?=[ \t]{0,8}:(?:\s|$))/y;
const COLON = /[ \t]{0,8}:(?=\s|$)/y;
/** To the end of the line, or to a comment. */
const PLAIN = /[^\s,[\]}#&*!|>%@`"'][^\n#]*(?:(?<=\S)#[^\n#]*)*/y;
const PLAIN_MORE = /[^\n#]*(?:(?<=\S)#[^\n#]*)*/y;
const HEADER = /[|>][+-]?\d?[+-]?[ \t]*(?:#[^\n]*)?\r?(?:\n|$)/y;
/** A member within a scalar: then it is none. */
const MEMBER = /:(?:[ \t]|\r?$)/;
const BLANK_LINE = /^\r?\n/;

/** All of them, and what stands in their blocks; empty where a document is none. */
export function readYaml(text: string): Part[] {
  const parts: Part[] = [];
  readRange(text, 0, text.length, { parts, depth: 0 });
  return parts;
}

function readRange(text: string, from: number, to: number, { parts, depth }: { parts: Part[]; depth: number }): void {
  const first = text.slice(from, to).search(/\S/);
  const base = first < 0 ? 0 : from + first - Math.max(from, text.lastIndexOf('\n', from + first) + 1);
  for (let at = from; at < to; ) {
    const reader = new YamlReader(text, at, to, base);
    const part = reader.document();
    at = reader.end;
    if (part === undefined) continue;
    parts.push(part, ...reader.rest);
    if (depth < PART_DEPTH_MAX)
      for (const block of reader.blocks) readRange(text, block.start, block.end, { parts, depth: depth + 1 });
  }
}

class YamlReader {
  readonly rest: Part[] = [];
  /** Texts of several lines, as they stand there. */
  readonly blocks: { start: number; end: number }[] = [];
  /** Where the next document begins. */
  end: number;
  readonly #text: string;
  readonly #to: number;
  readonly #anchors: Anchors = new Map();
  /** How deep all of it is indented: in a block of another document. */
  readonly #base: number;
  #at: number;
  #lineStart: number;
  /** At a `---`, or behind all. */
  #isOver = false;
  #isBroken = false;

  constructor(text: string, from: number, to: number, base: number) {
    this.#text = text;
    this.#at = from;
    this.#lineStart = from;
    this.#to = to;
    this.#base = base;
    this.end = to;
  }

  document(): Part | undefined {
    this.#seek();
    if (this.#isOver && this.#at < this.#to) {
      this.#at += 3;
      this.#isOver = false;
      if (this.#isRestEmpty()) this.#nextLine();
      else this.#isBroken = true;
    }
    const part = this.#isOver || this.#isBroken ? undefined : this.#node(-1, 0);
    if (!this.#isOver && !this.#isBroken) this.#isBroken = true;
    const isSound = !this.#isBroken || this.#isLastLine();
    this.end = this.#nextDocument();
    return isSound && part !== undefined && typeof part.value === 'object' ? part : undefined;
  }

  /** At the first letter of what is a value, which is indented deeper than `parent`. */
  #node(parent: number, depth: number): Part {
    const column = this.#column;
    const anchor = this.#properties();
    if (this.#isRestEmpty()) {
      if (!this.#nextLine() || this.#column <= parent) return nothingAt(this.#at);
      return this.#anchored(anchor, this.#node(parent, depth));
    }
    if (depth > PART_DEPTH_MAX) return this.#break();
    if (this.#matches(DASH)) return this.#anchored(anchor, this.#list(column, depth));
    const name = this.#name();
    return this.#anchored(anchor, name === undefined ? this.#scalar(parent) : this.#map(name, column, depth));
  }

  #list(column: number, depth: number): Part {
    const [start, items] = [this.#at, [] as Part[]];
    let end = start;
    while (!this.#isOver && !this.#isBroken && this.#column === column && this.#matches(DASH)) {
      this.#at++;
      this.#take(BLANKS);
      if (this.#isRestEmpty()) {
        const at = this.#at;
        items.push(this.#nextLine() && this.#column > column ? this.#node(column, depth + 1) : nothingAt(at));
      } else items.push(this.#node(column, depth + 1));
      end = Math.max(end, items.at(-1)?.place.end ?? 0);
    }
    return listOf(items, start, end);
  }

  #map(first: string, column: number, depth: number): Part {
    const [start, members] = [this.#at, [] as [string, Part][]];
    let end = start;
    for (let name: string | undefined = first; name !== undefined; ) {
      this.#take(COLON);
      const part = this.#memberValue(column, depth);
      end = Math.max(end, part.place.end);
      members.push([nameOf(name), part]);
      if (this.#isOver || this.#isBroken || this.#column < column) break;
      if (this.#column > column) this.#isBroken = true;
      else {
        this.#properties();
        name = this.#name();
        if (name === undefined) this.#isBroken = true;
      }
    }
    return mapOf(members, start, end, this.rest);
  }

  #memberValue(column: number, depth: number): Part {
    const at = this.#at;
    this.#take(BLANKS);
    const anchor = this.#properties();
    if (!this.#isRestEmpty()) return this.#anchored(anchor, this.#scalar(column));
    if (!this.#nextLine()) return nothingAt(at);
    if (this.#column > column) return this.#anchored(anchor, this.#node(column, depth + 1));
    if (this.#column === column && this.#matches(DASH)) return this.#anchored(anchor, this.#list(column, depth + 1));
    return nothingAt(at);
  }

  #scalar(parent: number): Part {
    const code = this.#text[this.#at];
    if (code === '"' || code === "'") return this.#quoted(parent);
    if (code === '|' || code === '>') return this.#block(parent);
    if (code === '[' || (code === '{' && this.#text[this.#at + 1] !== '{')) return this.#flow();
    if (code === '*') {
      const part = aliased(this.#anchors, this.#take(ALIAS).slice(1), this.#at);
      return this.#ended(part);
    }
    return this.#plain(parent);
  }

  #quoted(parent: number): Part {
    const start = this.#at + 1;
    const end = closingQuote(this.#text, this.#at, this.#to);
    const part = textPart(this.#text, start, end);
    this.#at = Math.min(end + 1, this.#to);
    for (let line = this.#text.indexOf('\n', start); line >= 0 && line < end; line = this.#text.indexOf('\n', line + 1)) {
      this.#lineStart = line + 1;
      const indent = this.#indentAt(line + 1);
      if (indent <= parent && !BLANK_LINE.test(this.#text.slice(line + 1 + indent, line + 3 + indent))) return this.#break();
    }
    return this.#ended(part);
  }

  #block(parent: number): Part {
    const header = this.#take(HEADER);
    if (header === '') return this.#break();
    const from = this.#at;
    let end = from;
    for (let line = from; line < this.#to; ) {
      const next = this.#text.indexOf('\n', line);
      const lineEnd = next < 0 ? this.#to : Math.min(next, this.#to);
      const indent = this.#indentAt(line);
      const isBlank = this.#text.slice(line + indent, lineEnd).trim() === '';
      if (!isBlank && indent <= parent) break;
      if (!isBlank) end = lineEnd;
      line = lineEnd + 1;
    }
    this.#at = end > from ? end : from - 1;
    const content = this.#text.slice(from, end);
    const part = textPart(this.#text, from + content.length - content.trimStart().length, from + content.trimEnd().length);
    if (end > from) this.blocks.push({ start: from, end });
    this.#nextLine();
    return part;
  }

  #flow(): Part {
    const { part, end, isBroken } = readFlow(this.#text, this.#at, {
      to: this.#to,
      isJson: false,
      anchors: this.#anchors,
      rest: this.rest,
    });
    this.#lineStart = Math.max(this.#lineStart, this.#text.lastIndexOf('\n', end - 1) + 1);
    this.#at = end;
    return isBroken ? this.#break() : this.#ended(part);
  }

  /** Of several lines where those that follow are indented deeper. */
  #plain(parent: number): Part {
    const start = this.#at;
    let end = start;
    let pattern = PLAIN;
    do {
      const from = this.#at;
      const line = this.#take(pattern).trimEnd();
      if (line === '' || MEMBER.test(line) || !this.#isRestEmpty()) return this.#break();
      end = from + line.length;
      pattern = PLAIN_MORE;
    } while (this.#nextLine() && this.#column > parent);
    return plainPart(this.#text, start, end);
  }

  /** Nothing else stands on the line. */
  #ended(part: Part): Part {
    if (!this.#isRestEmpty()) return this.#break();
    this.#nextLine();
    return part;
  }

  #anchored(anchor: string | undefined, part: Part): Part {
    if (anchor !== undefined) this.#anchors.set(anchor, part);
    return part;
  }

  #break(): Part {
    this.#isBroken = true;
    return nothingAt(this.#at);
  }

  /** A name before a colon, which is read; undefined where none stands. */
  #name(): string | undefined {
    const [code, start] = [this.#text[this.#at], this.#at];
    if (code !== '"' && code !== "'") {
      const name = this.#take(PLAIN_KEY);
      return name === '' ? undefined : name;
    }
    const end = closingQuote(this.#text, start, this.#endOf(start));
    this.#at = end + 1;
    if (this.#matches(COLON)) return this.#text.slice(start + 1, end);
    this.#at = start;
    return undefined;
  }

  /** Anchors and tags; the name of an anchor. */
  #properties(): string | undefined {
    let anchor: string | undefined;
    for (let word = this.#take(PROPERTY); word !== ''; word = this.#take(PROPERTY)) {
      if (word.startsWith('&')) anchor = word.trimEnd().slice(1);
    }
    return anchor;
  }

  get #column(): number {
    return this.#at - this.#lineStart;
  }

  /** To the next line that says something; false at the end of the document. */
  #nextLine(): boolean {
    this.#at = this.#lineStart = Math.min(this.#endOf(this.#at) + 1, this.#to);
    return this.#seek();
  }

  /** From the beginning of a line. */
  #seek(): boolean {
    while (this.#at < this.#to) {
      this.#at += this.#indentAt(this.#at);
      const isMarker = this.#column === this.#base && this.#matches(MARKER);
      if (isMarker) break;
      if (!this.#isRestEmpty() && this.#text[this.#at] !== '#' && !this.#isTemplate()) {
        if (this.#text[this.#at] === '\t') this.#isBroken = true;
        return true;
      }
      this.#at = this.#lineStart = Math.min(this.#endOf(this.#at) + 1, this.#to);
    }
    this.#isOver = true;
    return false;
  }

  /** A line of `{{ … }}` alone. */
  #isTemplate(): boolean {
    return this.#text.startsWith('{{', this.#at) && this.#text.slice(this.#at, this.#endOf(this.#at)).trimEnd().endsWith('}}');
  }

  #isRestEmpty(): boolean {
    return this.#at >= this.#to || this.#matches(REST_EMPTY);
  }

  #isLastLine(): boolean {
    return this.#text.slice(this.#endOf(this.#at), this.#to).trim() === '';
  }

  /** The next line of `---`, which begins a document, or the end. */
  #nextDocument(): number {
    if (this.#isOver) return this.#at < this.#to ? this.#lineStart : this.#to;
    for (let at = this.#endOf(this.#at) + 1; at < this.#to; at = this.#endOf(at) + 1) {
      if (this.#indentAt(at) === this.#base && this.#text.startsWith('---', at + this.#base)) return at;
    }
    return this.#to;
  }

  /** Of the line. */
  #endOf(at: number): number {
    const next = this.#text.indexOf('\n', at);
    return next < 0 || next > this.#to ? this.#to : next;
  }

  /** Blanks from here on. */
  #indentAt(at: number): number {
    let end = at;
    while (end < this.#to && this.#text[end] === ' ') end++;
    return end - at;
  }

  #matches(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    return pattern.test(this.#text);
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at = Math.min(this.#at + found.length, this.#to);
    return found;
  }
}
