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
import { ScanMachine, Sort } from './scan-machine.ts';

/** One section's place in every object that has it; the same path is the same instance. */
export interface Section {
  /** Small and dense, from 0. */
  readonly id: number;
  readonly top: string;
  /** Undefined for a top-level member that is no object. */
  readonly key: string | undefined;
  /** As `top` stands in JSON, with a colon. */
  readonly topMember: string;
  /** The same of `key`, made once it is asked for: most sections never move. */
  keyMember: string | undefined;
}

const BLANK = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const DIGIT_ZERO = 0x30;
const DIGITS_MAX = 16;

/** Beyond this many different sections no new one gets an id; objects that have one are compared as a whole. */
const SECTIONS_MAX = 100_000;
/** An object of more sections is compared as a whole. */
export const SECTIONS_PER_OBJECT_MAX = 512;
const SHAPES_MAX = 256;
/**
 * What the machine that is kept has room for, which is more than etcd takes; a longer text gets one for itself. Of its memory only that is there
 * which a text has reached, and one for each text would be there until the next great collection: 100 MB of them at a time.
 */
const ROOM_BYTES = 2 * 1024 * 1024;
const NONE = -1;
const KEY_START = 0x811c9dc5 | 0;
const KEY_FACTOR = 0x01000193;

interface TopMember {
  own: Section | undefined;
  readonly text: string;
  readonly members: Map<string, Section>;
}

/** What is known of objects by their members' names alone. Of entries the numbers, NONE where there is none. */
interface Shape {
  readonly print: number;
  readonly sections: readonly Section[];
  /** The entry of each section. */
  readonly entries: readonly number[];
  /** To be copied: of the right length and kind, which is cheaper than letting one grow. */
  readonly places: readonly number[];
  readonly prints: readonly number[];
  readonly apiVersion: FixedText;
  readonly kind: FixedText;
  readonly identity: IdentityPlaces;
  readonly resourceVersion: number;
  readonly generation: number;
  readonly managed: number;
}

/** Which sections say who an object is, NONE where there is none. */
interface IdentityPlaces {
  readonly nameAt: number;
  readonly namespaceAt: number;
  readonly uidAt: number;
}

/** A text that is nearly always the same, by its fingerprint. */
interface FixedText {
  readonly entry: number;
  print: number;
  text: string;
}

const tops = new Map<string, TopMember>();
let sectionCount = 0;
/** Objects left to the whole comparison because no further name was taken. */
let refused = 0;
/** Those met lately, by the fingerprint of their names. */
const shapes = new Map<number, Shape>();
let lastShape: Shape | undefined;
let shared: ScanMachine | undefined;

/** How far the bound on names is used, and how often it was in the way. */
export function sectionNames(): { known: number; refused: number } {
  return { known: sectionCount, refused };
}

function isFull(): boolean {
  if (sectionCount < SECTIONS_MAX && tops.size < SECTIONS_MAX) return false;
  refused += 1;
  return true;
}

/**
 * Scans the object whose `{` is at `start`; undefined where it has to be parsed to be understood.
 * Costs about 0.7 ns a byte and allocates no text but the identity.
 */
export function scanObject(bytes: Buffer, start: number): ScannedObject | undefined {
  if (bytes[start] !== OPEN_OBJECT) return undefined;
  const machine = machineFor(bytes.length - start);
  const count = machine.scan(bytes, start);
  if (count < 0) return undefined;
  const print = machine.shape;
  if (lastShape?.print !== print) {
    const shape = shapes.get(print) ?? learnShape(machine, bytes, count);
    if (shape === undefined) return undefined;
    lastShape = shape;
  }
  const scan = new ScannedObject(bytes, start, { machine, shape: lastShape });
  return Number.isNaN(scan.generation) || scan.isNameless ? undefined : scan;
}

function machineFor(length: number): ScanMachine {
  if (length > ROOM_BYTES) return new ScanMachine(length);
  shared ??= new ScanMachine(ROOM_BYTES);
  return shared;
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

/** What a text says, as far as it can be told without parsing it. Offsets are into `bytes`. */
export class ScannedObject {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly apiVersion: string;
  readonly kind: string;
  readonly identity: IdentityPlaces;
  readonly resourceVersion: string;
  readonly generation: number | undefined;
  /** [start, end) of the value of metadata.managedFields; both 0 where there is none. */
  readonly managedStart: number;
  readonly managedEnd: number;
  /** All from `start` to the end of `bytes` is ASCII. */
  readonly isAscii: boolean;
  /** In the order of the text. */
  readonly sections: readonly Section[];
  /** Per section: where its value begins and ends. */
  readonly places: readonly number[];
  /** Per section: a fingerprint of its value's text. */
  readonly prints: number[];

  constructor(bytes: Buffer, start: number, { machine, shape }: { machine: ScanMachine; shape: Shape }) {
    const { sections, entries, generation, managed } = shape;
    const places = shape.places.slice();
    const prints = shape.prints.slice();
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as number;
      places[2 * i] = machine.from(entry);
      places[2 * i + 1] = machine.to(entry);
      prints[i] = machine.print(entry);
    }
    this.bytes = bytes;
    this.start = start;
    this.end = machine.end;
    this.isAscii = machine.isAscii;
    this.apiVersion = fixedText(shape.apiVersion, machine, bytes);
    this.kind = fixedText(shape.kind, machine, bytes);
    this.identity = shape.identity;
    this.resourceVersion = textOf(shape.resourceVersion, machine, bytes);
    this.generation = generation === NONE ? undefined : wholeNumberAt(bytes, machine.from(generation), machine.to(generation));
    this.managedStart = managed === NONE ? 0 : machine.from(managed);
    this.managedEnd = managed === NONE ? 0 : machine.to(managed);
    this.sections = sections;
    this.places = places;
    this.prints = prints;
  }

  // Made when asked for: an update of an object that is known is told by their fingerprints.

  get name(): string {
    return this.#textAt(this.identity.nameAt);
  }

  get namespace(): string {
    return this.#textAt(this.identity.namespaceAt);
  }

  get uid(): string {
    return this.#textAt(this.identity.uidAt);
  }

  /** `textKey` of the uid. */
  get uidKey(): number {
    if (!this.isAscii) return textKey(this.uid);
    const { bytes, places } = this;
    const { uidAt } = this.identity;
    const to = (places[2 * uidAt + 1] as number) - 1;
    let key = KEY_START;
    for (let i = (places[2 * uidAt] as number) + 1; i < to; i++) key = Math.imul(key ^ (bytes[i] as number), KEY_FACTOR);
    return key;
  }

  get isNameless(): boolean {
    const { nameAt, uidAt } = this.identity;
    return (
      !this.#isText(nameAt) || !this.#isText(uidAt) || this.resourceVersion === '' || this.kind === '' || this.apiVersion === ''
    );
  }

  #isText(section: number): boolean {
    return section !== NONE && isText(this.bytes, this.places[2 * section] as number, this.places[2 * section + 1] as number);
  }

  #textAt(section: number): string {
    if (section === NONE) return '';
    return textAt(this.bytes, this.places[2 * section] as number, this.places[2 * section + 1] as number, this.isAscii);
  }
}

/**
 * A number that texts are found by, of 32 bits; another text may have it too (FNV-1a; Fowler, Noll and Vo, RFC 9923, of the text's characters). With the key
 * of what comes before it is that of both.
 */
export function textKey(text: string, before = KEY_START): number {
  let key = before;
  for (let i = 0; i < text.length; i++) key = Math.imul(key ^ text.charCodeAt(i), KEY_FACTOR);
  return key;
}

function fixedText(fixed: FixedText, machine: ScanMachine, bytes: Buffer): string {
  if (fixed.entry === NONE) return '';
  const print = machine.print(fixed.entry);
  if (print !== fixed.print) {
    fixed.text = textOf(fixed.entry, machine, bytes);
    fixed.print = print;
  }
  return fixed.text;
}

function textOf(entry: number, machine: ScanMachine, bytes: Buffer): string {
  return entry === NONE ? '' : textAt(bytes, machine.from(entry), machine.to(entry), machine.isAscii);
}

/** The bytes of a string value as text; '' for what is no string, no JSON or has escapes, which no identity has. */
function textAt(bytes: Buffer, from: number, to: number, isAscii: boolean): string {
  return isText(bytes, from, to) ? bytes.toString(isAscii ? 'latin1' : 'utf8', from + 1, to - 1) : '';
}

/** Whether that text has a character. */
function isText(bytes: Buffer, from: number, to: number): boolean {
  if (bytes[from] !== QUOTE) return false;
  for (let i = from + 1; i < to - 1; i++) if (bytes[i] === BACKSLASH || (bytes[i] as number) < BLANK) return false;
  return to - from > 2;
}

/** NaN for anything else. */
function wholeNumberAt(bytes: Buffer, from: number, to: number): number {
  const first = (bytes[from] as number) - DIGIT_ZERO;
  if (to - from > DIGITS_MAX || (first === 0 && to - from > 1)) return Number.NaN;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = (bytes[i] as number) - DIGIT_ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Undefined where the object is to be compared as a whole. */
function learnShape(machine: ScanMachine, bytes: Buffer, count: number): Shape | undefined {
  const sections: Section[] = [];
  const entries: number[] = [];
  const met = new Set<string>();
  const metadata = new Map<string, number>();
  const whole = new Map<string, number>();
  const identity = { nameAt: NONE, namespaceAt: NONE, uidAt: NONE };
  let top: TopMember | undefined;
  let topName = '';
  for (let entry = 0; entry < count; entry++) {
    const name = bytes.toString('utf8', machine.nameFrom(entry), machine.nameTo(entry));
    if (!isJsonName(name)) return undefined;
    const sort = machine.sort(entry);
    if (sort !== Sort.member) {
      // A member twice: which of them counts is for a parser to say.
      if (met.has(name)) return undefined;
      met.add(name);
      top = topMember(name);
      topName = name;
    }
    if (top === undefined) return undefined;
    if (sort === Sort.object) continue;
    if (sort === Sort.whole) whole.set(name, entry);
    else if (topName === 'metadata') {
      if (metadata.has(name)) return undefined;
      metadata.set(name, entry);
      if (name === 'managedFields' || name === 'resourceVersion' || name === 'generation') continue;
      if (name === 'name') identity.nameAt = sections.length;
      if (name === 'namespace') identity.namespaceAt = sections.length;
      if (name === 'uid') identity.uidAt = sections.length;
    }
    const section = sort === Sort.whole ? ownSection(top, topName) : memberSection(top, topName, name);
    if (section === undefined || sections.includes(section) || sections.length === SECTIONS_PER_OBJECT_MAX) return undefined;
    sections.push(section);
    entries.push(entry);
  }
  const of = (name: string) => metadata.get(name) ?? NONE;
  const fixed = (name: string) => ({ entry: whole.get(name) ?? NONE, print: Number.NaN, text: '' });
  const shape: Shape = {
    ...{ print: machine.shape, sections, entries, apiVersion: fixed('apiVersion'), kind: fixed('kind') },
    ...{ places: entries.flatMap(() => [0, 0]), prints: entries.map(() => 0.5) },
    ...{ identity, resourceVersion: of('resourceVersion'), generation: of('generation'), managed: of('managedFields') },
  };
  if (shapes.size >= SHAPES_MAX) for (const oldest of [...shapes.keys()].slice(0, SHAPES_MAX / 2)) shapes.delete(oldest);
  shapes.set(shape.print, shape);
  return shape;
}

function topMember(name: string): TopMember | undefined {
  const known = tops.get(name);
  if (known !== undefined) return known;
  if (isInherited(name) || isFull()) return undefined;
  const top: TopMember = { own: undefined, text: memberText(name), members: new Map() };
  tops.set(name, top);
  return top;
}

function ownSection(top: TopMember, name: string): Section | undefined {
  if (top.own === undefined) {
    if (isFull()) return undefined;
    top.own = { id: sectionCount++, top: name, key: undefined, topMember: top.text, keyMember: undefined };
  }
  return top.own;
}

function memberSection(top: TopMember, topName: string, name: string): Section | undefined {
  const known = top.members.get(name);
  if (known !== undefined) return known;
  if (isInherited(name) || isFull()) return undefined;
  const section: Section = { id: sectionCount++, top: topName, key: name, topMember: top.text, keyMember: undefined };
  top.members.set(name, section);
  return section;
}

/** A member's name as it stands in JSON, with a colon. */
export function memberText(name: string): string {
  return `${JSON.stringify(name)}:`;
}

/** What is below a blank must not stand in a string. */
function isJsonName(name: string): boolean {
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) < BLANK) return false;
  return true;
}

/** A name that means something else to an object of this language than to JSON; nothing is built by it. */
function isInherited(name: string): boolean {
  return name in Object.prototype;
}
