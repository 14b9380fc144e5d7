/**
 * Reads an object's JSON text without building it: who it is, and a fingerprint of each of its sections, so that an update is compared
 * with the state before it by the few sections that moved and only those are parsed.
 *
 * A section is a member of a top-level object (`/spec/replicas`, `/status/conditions`, `/metadata/labels`), or a top-level member that is
 * no object. What names a revision (resourceVersion, generation, managedFields) is no section. Anything out of the ordinary (an escaped
 * key, a member twice, brackets that do not match) gives no scan: the caller parses the whole.
 *
 * The scan follows brackets and strings only. That text between them is valid JSON is known once it was parsed; a section that is never
 * parsed has the fingerprint of one that was.
 */
import { randomBytes } from 'node:crypto';

/** One section's place in every object that has it; the same path is the same instance. */
export interface Section {
  /** Small and dense, from 0. */
  readonly id: number;
  readonly top: string;
  /** Undefined for a top-level member that is no object. */
  readonly key: string | undefined;
}

/** What a text says, as far as it can be told without parsing it. Offsets are into `bytes`. */
export interface ScannedObject {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number | undefined;
  /** [start, end) of the value of metadata.managedFields; both 0 where there is none. */
  readonly managedStart: number;
  readonly managedEnd: number;
  /** In the order of the text. */
  readonly sections: readonly Section[];
  /** Per section: where its value begins and ends. */
  readonly places: readonly number[];
  /** Per section: a fingerprint of its value's text. */
  readonly prints: number[];
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/** Beyond this many different sections no new one gets an id; objects that have one are compared as a whole. */
const SECTIONS_MAX = 100_000;
const DEPTH_MAX = 10_000;
/** The longest name that Kubernetes gives to anything; what is longer is not kept for the life of the process. */
const KEY_BYTES_MAX = 317;

/**
 * Fingerprints are sums of products with secret numbers, modulo a prime, in two lanes: for any two texts of one length, chosen however
 * cleverly without knowing those numbers, the chance of one fingerprint is 1 in PRIME² (multilinear hashing; Carter and Wegman, 1979,
 * Lemire and Kaser, 2014). New for each process, and never shown.
 */
const PRIME = 67_108_859;
/** A product with it, rounded down, may be one off the quotient: a remainder is then one PRIME off, which the last reduction puts right. */
const PER_PRIME = 1 / PRIME;
/** Bytes to a term, so that a product and a few more of them are whole in a double. */
const TERM_BYTES = 3;
const TERMS = 4_096;
const TERMS_PER_STEP = 4;
const keysA = secretNumbers();
const keysB = secretNumbers();

function secretNumbers(): Float64Array {
  const random = randomBytes((TERMS + TERMS_PER_STEP) * 6);
  return Float64Array.from({ length: TERMS + TERMS_PER_STEP }, (_, i) => random.readUIntLE(i * 6, 6) % PRIME);
}

interface Known extends Section {
  readonly text: Buffer;
}

/** Per top-level member name: its own section, and those of its members, by a hash of the member's name. */
interface TopMember {
  readonly name: string;
  readonly text: Buffer;
  own: Section | undefined;
  readonly members: Map<number, Known>;
}

const tops = new Map<number, TopMember>();
let sectionCount = 0;
/** Objects left to the whole comparison because no further name was taken. */
let refused = 0;

/** How far the bound on names is used, and how often it was in the way. */
export function sectionNames(): { known: number; refused: number } {
  return { known: sectionCount, refused };
}

function isFull(): boolean {
  if (sectionCount < SECTIONS_MAX && tops.size < SECTIONS_MAX) return false;
  refused += 1;
  return true;
}

/** The end of the last value skipped, and hash of the last key; module state, because a scan returns several numbers many times over. */
let keyHash = 0;

/**
 * Scans the object whose `{` is at `start`; undefined where it has to be parsed to be understood.
 * Costs about 1.5 ns a byte and allocates no text but the identity.
 */
export function scanObject(bytes: Buffer, start: number): ScannedObject | undefined {
  if (bytes[start] !== OPEN_OBJECT) return undefined;
  count = 0;
  topCount = 0;
  const scan = new Scan(bytes, start);
  if (!scan.object()) return undefined;
  scan.keep();
  return scan;
}

/** The text of a section; undefined where the object has none of this name. */
export function sectionText({ bytes, sections, places }: ScannedObject, top: string, key: string): string | undefined {
  for (let i = 0; i < sections.length; i++) {
    const section = sections[i] as Section;
    if (section.key === key && section.top === top)
      return bytes.toString('utf8', places[2 * i] as number, places[2 * i + 1] as number);
  }
  return undefined;
}

const NONE: never[] = [];
/** An object of more sections is compared as a whole. */
const SECTIONS_PER_OBJECT_MAX = 512;
const SHAPES_MAX = 64;

// The scan under way: one at a time, and many a second.
let count = 0;
let topCount = 0;
const topsMet: TopMember[] = [];
const sections: Section[] = [];
const places: number[] = [];
const prints: number[] = [];
/** Lists of sections met lately; objects of one kind share a few. */
let shapes: (readonly Section[])[] = [];

/** The sections of the scan under way, the same array for objects of one shape. */
function shapeOfScan(): readonly Section[] {
  const known = shapes.findIndex(isShapeOfScan);
  if (known > 0) {
    // What was met last is likely to be met next.
    const shape = shapes[known] as readonly Section[];
    shapes[known] = shapes[known - 1] as readonly Section[];
    shapes[known - 1] = shape;
    return shape;
  }
  if (known === 0) return shapes[0] as readonly Section[];
  const fresh = sections.slice(0, count);
  if (shapes.length >= SHAPES_MAX) shapes = shapes.slice(0, SHAPES_MAX / 2);
  shapes.unshift(fresh);
  return fresh;
}

function isShapeOfScan(shape: readonly Section[]): boolean {
  if (shape.length !== count) return false;
  for (let i = 0; i < count; i++) if (shape[i] !== sections[i]) return false;
  return true;
}

class Scan implements ScannedObject {
  readonly bytes: Buffer;
  readonly start: number;
  end = 0;
  apiVersion = '';
  kind = '';
  name = '';
  namespace = '';
  uid = '';
  resourceVersion = '';
  generation: number | undefined = undefined;
  managedStart = 0;
  managedEnd = 0;
  sections: readonly Section[] = NONE;
  places: readonly number[] = NONE;
  prints: number[] = NONE;

  constructor(bytes: Buffer, start: number) {
    this.bytes = bytes;
    this.start = start;
  }

  /** True when the object was understood and names itself. */
  object(): boolean {
    const { bytes } = this;
    let at = this.start + 1;
    if (bytes[at] === CLOSE_OBJECT) return false;
    for (;;) {
      const keyEnd = endOfKey(bytes, at);
      if (keyEnd < 0) return false;
      const top = topMember(bytes, at + 1, keyEnd, keyHash);
      const value = keyEnd + 2;
      if (top === undefined) return false;
      for (let i = 0; i < topCount; i++) if (topsMet[i] === top) return false;
      topsMet[topCount++] = top;
      const end = bytes[value] === OPEN_OBJECT ? this.#members(top, value) : this.#whole(top, value);
      if (end < 0) return false;
      if (bytes[end] === COMMA) at = end + 1;
      else if (bytes[end] === CLOSE_OBJECT) {
        this.end = end + 1;
        if (Number.isNaN(this.generation)) return false;
        return this.name !== '' && this.uid !== '' && this.resourceVersion !== '' && this.kind !== '' && this.apiVersion !== '';
      } else return false;
    }
  }

  /** A top-level member that is no object. */
  #whole(top: TopMember, value: number): number {
    const end = endOfValue(this.bytes, value);
    if (end < 0) return -1;
    if (top.own === undefined) {
      if (isFull()) return -1;
      top.own = { id: sectionCount++, top: top.name, key: undefined };
    }
    if (top.name === 'kind') this.kind = textAt(this.bytes, value, end);
    else if (top.name === 'apiVersion') this.apiVersion = textAt(this.bytes, value, end);
    return this.#section(top.own, value, end) ? end : -1;
  }

  #members(top: TopMember, open: number): number {
    const { bytes } = this;
    let at = open + 1;
    // An empty object is a leaf of its own in a diff; it is rare enough to be left to the whole comparison.
    if (bytes[at] === CLOSE_OBJECT) return -1;
    const isMetadata = top.name === 'metadata';
    for (;;) {
      const keyEnd = endOfKey(bytes, at);
      if (keyEnd < 0) return -1;
      const section = memberOf(top, bytes, at + 1, keyEnd, keyHash);
      if (section === undefined) return -1;
      const value = keyEnd + 2;
      const end = endOfValue(bytes, value);
      if (end < 0) return -1;
      if (!(isMetadata && this.#identity(section.key as string, value, end)) && !this.#section(section, value, end)) return -1;
      if (bytes[end] === COMMA) at = end + 1;
      else return bytes[end] === CLOSE_OBJECT ? end + 1 : -1;
    }
  }

  /** Takes up what names the object and its revision; true for what is no section. */
  #identity(key: string, value: number, end: number): boolean {
    switch (key) {
      case 'managedFields':
        this.managedStart = value;
        this.managedEnd = end;
        return true;
      case 'resourceVersion':
        this.resourceVersion = textAt(this.bytes, value, end);
        return true;
      case 'generation':
        this.generation = wholeNumberAt(this.bytes, value, end);
        return true;
      case 'uid':
        this.uid = textAt(this.bytes, value, end);
        return false;
      case 'name':
        this.name = textAt(this.bytes, value, end);
        return false;
      case 'namespace':
        this.namespace = textAt(this.bytes, value, end);
        return false;
      default:
        return false;
    }
  }

  #section(section: Section, value: number, end: number): boolean {
    if (count === SECTIONS_PER_OBJECT_MAX) return false;
    // A member twice: which of them counts is for a parser to say.
    for (let i = 0; i < count; i++) if (sections[i] === section) return false;
    sections[count] = section;
    places[2 * count] = value;
    places[2 * count + 1] = end;
    prints[count] = fingerprint(this.bytes, value, end);
    count += 1;
    return true;
  }

  /** Takes what was found out of the arrays that all scans share. */
  keep(): void {
    this.sections = shapeOfScan();
    this.places = places.slice(0, 2 * count);
    this.prints = prints.slice(0, count);
  }
}

/** The bytes of a string value as text; '' for what is no string or has escapes, which no identity has. */
function textAt(bytes: Buffer, value: number, end: number): string {
  if (bytes[value] !== QUOTE) return '';
  const text = bytes.toString('utf8', value + 1, end - 1);
  return text.includes('\\') ? '' : text;
}

/** NaN for anything else. */
function wholeNumberAt(bytes: Buffer, value: number, end: number): number {
  const text = bytes.toString('latin1', value, end);
  return /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN;
}

/** `at` is at the opening quote of a key; returns where its closing quote is, with `:` behind it, and leaves its hash in `keyHash`. */
function endOfKey(bytes: Buffer, at: number): number {
  if (bytes[at] !== QUOTE) return -1;
  let hash = 0;
  const { length } = bytes;
  for (let i = at + 1; i < length; i++) {
    const byte = bytes[i] as number;
    if (byte === QUOTE) {
      keyHash = hash;
      return bytes[i + 1] === COLON ? i : -1;
    }
    if (byte === BACKSLASH || i - at > KEY_BYTES_MAX) return -1;
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  return -1;
}

/** Where the value beginning at `at` ends; -1 where it does not. */
export function endOfValue(bytes: Buffer, at: number): number {
  const first = bytes[at] as number;
  if (first === QUOTE) return endOfString(bytes, at + 1);
  const { length } = bytes;
  if (first !== OPEN_OBJECT && first !== OPEN_LIST) {
    for (let i = at; i < length; i++) {
      const byte = bytes[i] as number;
      if (byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_LIST) return i === at ? -1 : i;
      // A number or a word has none of these: there are blanks between, and what looks like its end may be the end of something else.
      if (byte <= 0x20 || byte === QUOTE || byte === COLON || byte === OPEN_OBJECT || byte === OPEN_LIST) return -1;
    }
    return -1;
  }
  let depth = 0;
  for (let i = at; i < length; i++) {
    const byte = bytes[i] as number;
    if (byte === QUOTE) {
      // Inlined: this is where nearly all bytes go by.
      for (i++; ; i++) {
        if (i >= length) return -1;
        const inner = bytes[i] as number;
        if (inner === QUOTE) break;
        if (inner === BACKSLASH) i++;
      }
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (++depth > DEPTH_MAX) return -1;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      if (--depth === 0) return i + 1;
    }
  }
  return -1;
}

function endOfString(bytes: Buffer, from: number): number {
  const { length } = bytes;
  for (let i = from; i < length; i++) {
    const byte = bytes[i] as number;
    if (byte === QUOTE) return i + 1;
    if (byte === BACKSLASH) i++;
  }
  return -1;
}

let viewed: ArrayBufferLike | undefined;
let view: DataView = new DataView(new ArrayBuffer(0));

/** 52 bits of a stretch of bytes and its length. */
function fingerprint(bytes: Buffer, from: number, to: number): number {
  // Lines of one chunk share its memory, so one view serves them all.
  if (bytes.buffer !== viewed) {
    viewed = bytes.buffer;
    view = new DataView(viewed);
  }
  const end = bytes.byteOffset + to;
  let at = bytes.byteOffset + from;
  let a = (to - from) % PRIME;
  let b = a;
  let term = 0;
  // Whole steps read one byte beyond their last term, hence the strict bound.
  for (; at + TERM_BYTES * TERMS_PER_STEP < end; at += TERM_BYTES * TERMS_PER_STEP, term += TERMS_PER_STEP) {
    if (term === TERMS) {
      // What came so far is the first term of a new sum.
      a = remainder(remainder(a) * (keysA[0] as number));
      b = remainder(remainder(b) * (keysB[0] as number));
      term = TERMS_PER_STEP;
    }
    const w = view.getUint32(at, true) & 0xffffff;
    const x = view.getUint32(at + 3, true) & 0xffffff;
    const y = view.getUint32(at + 6, true) & 0xffffff;
    const z = view.getUint32(at + 9, true) & 0xffffff;
    const t = term;
    const p =
      w * (keysA[t] as number) + x * (keysA[t + 1] as number) + y * (keysA[t + 2] as number) + z * (keysA[t + 3] as number);
    const q =
      w * (keysB[t] as number) + x * (keysB[t + 1] as number) + y * (keysB[t + 2] as number) + z * (keysB[t + 3] as number);
    // Each step is reduced by itself, so that no step waits for the one before; the remainders of all terms there are fit a double many times.
    a += p - Math.floor(p * PER_PRIME) * PRIME;
    b += q - Math.floor(q * PER_PRIME) * PRIME;
  }
  // At most four terms are left, for which a full sum has keys of its own.
  for (let i = term; at < end; at += TERM_BYTES, i++) {
    let word = 0;
    for (let k = Math.min(end, at + TERM_BYTES) - 1; k >= at; k--) word = (word << 8) | view.getUint8(k);
    a += word * (keysA[i] as number);
    b += word * (keysB[i] as number);
  }
  return remainder(a) * PRIME + remainder(b);
}

/** What % gives, without the call that V8 makes for % of doubles. */
function remainder(sum: number): number {
  const rest = sum - Math.floor(sum * PER_PRIME) * PRIME;
  if (rest < 0) return rest + PRIME;
  return rest < PRIME ? rest : rest - PRIME;
}

function topMember(bytes: Buffer, from: number, to: number, hash: number): TopMember | undefined {
  const known = tops.get(hash);
  if (known !== undefined) return equals(known.text, bytes, from, to) ? known : undefined;
  if (isFull()) return undefined;
  const text = Buffer.from(bytes.subarray(from, to));
  if (isInherited(text)) return undefined;
  const top: TopMember = { name: text.toString('utf8'), text, own: undefined, members: new Map() };
  tops.set(hash, top);
  return top;
}

function memberOf(top: TopMember, bytes: Buffer, from: number, to: number, hash: number): Section | undefined {
  const known = top.members.get(hash);
  // Two names of one hash: the second is left to the whole comparison.
  if (known !== undefined) return equals(known.text, bytes, from, to) ? known : undefined;
  if (isFull()) return undefined;
  const text = Buffer.from(bytes.subarray(from, to));
  if (isInherited(text)) return undefined;
  const section: Known = { id: sectionCount++, top: top.name, key: text.toString('utf8'), text };
  top.members.set(hash, section);
  return section;
}

/** A name that means something else to an object of this language than to JSON; nothing is built by it. */
function isInherited(text: Buffer): boolean {
  return text.toString('utf8') in Object.prototype;
}

function equals(text: Buffer, bytes: Buffer, from: number, to: number): boolean {
  if (to - from !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (text[i] !== bytes[from + i]) return false;
  return true;
}
