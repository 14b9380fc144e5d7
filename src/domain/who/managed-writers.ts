/**
 * managedFields from their bytes. Between two writes of an object they differ in times alone, and those of a thousand objects that the same
 * managers write in nothing else either. So texts are compared with those met lately, all but their times, and what such a text says is
 * found once. What is met for the first time, or is not as API servers write it, is parsed (managed-text.ts).
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';

/** One entry of managedFields. */
export interface ManagedWriter {
  readonly manager: string;
  readonly operation: string;
  readonly status: boolean;
  readonly fields: JsonObject;
}

/** What texts say that differ in times alone; each of `writers` has a time, in their order. */
export interface ManagedForm {
  readonly writers: readonly ManagedWriter[];
  /** As one of them has it; its times are those of the text it was compared with last. */
  readonly bytes: Buffer;
  /** Where the times begin, relative to the text. */
  readonly times: readonly number[];
}

const TIME = Buffer.from(',"time":"');
/** As API servers write one. */
const TIME_TEXT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const TIME_BYTES = 20;
const QUOTE = 0x22;
const HYPHEN = 0x2d;
const DIGIT_ZERO = 0x30;
const COLON = 0x3a;
const LETTER_T = 0x54;
const LETTER_Z = 0x5a;
/** From 0000-03-01. */
const DAYS_TO_1970 = 719_468;
/** A text beyond this is worth no place. */
const BYTES_MAX = 16 * 1024;
/** Their places fit a set of bits. */
const WRITERS_MAX = 30;
const FORMS_MAX = 1_000;
const FORMS_PER_LENGTH = 8;
/** So many texts of one length that are of none of its forms, and others are tried: where every object's differ, reading them all would cost more than it saves. */
const MISSED_MAX = 1_000;

/** By the length of the text. */
const forms = new Map<number, { known: ManagedForm[]; missed: number }>();
let formCount = 0;

/** Undefined where it has to be parsed each time. Throws SyntaxError on text that is not JSON. */
export function managedFormOf(bytes: Buffer, from: number, to: number): ManagedForm | undefined {
  const sameLength = forms.get(to - from);
  if (sameLength !== undefined) {
    for (const form of sameLength.known) if (isOfForm(form, bytes, from)) return form;
    if (sameLength.known.length >= FORMS_PER_LENGTH && ++sameLength.missed < MISSED_MAX) return undefined;
  }
  if (to - from > BYTES_MAX) return undefined;
  const form = readForm(bytes, from, to);
  if (form !== undefined) keep(form);
  return form;
}

/** When each writer of a text of this form wrote, in milliseconds; undefined where a time is written in another way. */
export function managedTimes({ times }: Pick<ManagedForm, 'times'>, bytes: Buffer, from: number): number[] | undefined {
  const all: number[] = [];
  for (const at of times) {
    const timeMs = timeAt(bytes, from + at);
    if (Number.isNaN(timeMs)) return undefined;
    all.push(timeMs);
  }
  return all;
}

/** Which writers of a text of this form wrote last, as bits by their place; undefined where a time is written in another way, or none is. */
export function newestWriters({ times }: Pick<ManagedForm, 'times'>, bytes: Buffer, from: number): number | undefined {
  let newestMs = Number.NEGATIVE_INFINITY;
  let newest = 0;
  for (let i = 0; i < times.length; i++) {
    const timeMs = timeAt(bytes, from + (times[i] as number));
    if (Number.isNaN(timeMs)) return undefined;
    if (timeMs > newestMs) {
      newestMs = timeMs;
      newest = 0;
    }
    if (timeMs === newestMs) newest |= 1 << i;
  }
  return newest === 0 ? undefined : newest;
}

/** Of a time as API servers write one, in milliseconds; NaN for any other text. */
function timeAt(bytes: Buffer, at: number): number {
  const year = 100 * twoDigits(bytes, at) + twoDigits(bytes, at + 2);
  const [month, day] = [twoDigits(bytes, at + 5), twoDigits(bytes, at + 8)];
  const [hour, minute, second] = [twoDigits(bytes, at + 11), twoDigits(bytes, at + 14), twoDigits(bytes, at + 17)];
  const isWritten =
    bytes[at + 4] === HYPHEN &&
    bytes[at + 7] === HYPHEN &&
    bytes[at + 10] === LETTER_T &&
    bytes[at + 13] === COLON &&
    bytes[at + 16] === COLON;
  // Ends of months, leap seconds and years that mean others to Date are for its parser to tell.
  const isUsual = year >= 100 && month >= 1 && month <= 12 && day >= 1 && day <= 28 && hour <= 23 && minute <= 59 && second <= 59;
  if (isWritten && isUsual && bytes[at + 19] === LETTER_Z) {
    return ((daysTo(year, month, day) * 24 + hour) * 60 + minute) * 60_000 + second * 1000;
  }
  const text = bytes.toString('latin1', at, at + TIME_BYTES);
  return TIME_TEXT.test(text) ? Date.parse(text) : Number.NaN;
}

/** Days from 1970-01-01 to a date, years from 1 on (Hinnant, "chrono-compatible low-level date algorithms", 2013); Date.UTC takes longer than all else here. */
function daysTo(year: number, month: number, day: number): number {
  const [y, monthFromMarch] = month > 2 ? [year, month - 3] : [year - 1, month + 9];
  const dayOfYear = Math.floor((153 * monthFromMarch + 2) / 5) + day - 1;
  return 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - DAYS_TO_1970;
}

function twoDigits(bytes: Buffer, at: number): number {
  const [tens, ones] = [(bytes[at] as number) - DIGIT_ZERO, (bytes[at + 1] as number) - DIGIT_ZERO];
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? 10 * tens + ones : Number.NaN;
}

function isOfForm(form: ManagedForm, bytes: Buffer, from: number): boolean {
  // One comparison and not one for each stretch between the times, as what it takes to ask Node is most of it.
  for (const time of form.times) for (let i = time; i < time + TIME_BYTES; i++) form.bytes[i] = bytes[from + i] as number;
  return bytes.compare(form.bytes, 0, form.bytes.length, from, from + form.bytes.length) === 0;
}

function readForm(given: Buffer, from: number, to: number): ManagedForm | undefined {
  const bytes = Buffer.from(given.subarray(from, to));
  const times: number[] = [];
  for (let at = bytes.indexOf(TIME); at >= 0; at = bytes.indexOf(TIME, at + 1)) {
    const begin = at + TIME.length;
    if (bytes[begin + TIME_BYTES] !== QUOTE) return undefined;
    times.push(begin);
  }
  const known = managedTimes({ times }, bytes, 0);
  const parsed = JSON.parse(bytes.toString('utf8')) as Json;
  if (known === undefined || !Array.isArray(parsed) || parsed.length !== known.length || parsed.length > WRITERS_MAX)
    return undefined;
  const isRegular = parsed.every(
    (entry, i) =>
      isJsonObject(entry) &&
      typeof entry.manager === 'string' &&
      typeof entry.time === 'string' &&
      bytes.toString('latin1', times[i], (times[i] as number) + TIME_BYTES) === entry.time,
  );
  return isRegular ? { writers: (parsed as JsonObject[]).map(writerOf), bytes, times } : undefined;
}

function writerOf({ manager, operation, subresource, fieldsV1 }: JsonObject): ManagedWriter {
  return {
    manager: manager as string,
    operation: typeof operation === 'string' ? operation : 'Update',
    status: subresource === 'status',
    fields: isJsonObject(fieldsV1) ? fieldsV1 : {},
  };
}

function keep(form: ManagedForm): void {
  if (formCount >= FORMS_MAX) {
    forms.clear();
    formCount = 0;
  }
  const { length } = form.bytes;
  const sameLength = forms.get(length);
  if (sameLength === undefined) forms.set(length, { known: [form], missed: 0 });
  else if (sameLength.known.length < FORMS_PER_LENGTH) sameLength.known.unshift(form);
  else {
    formCount -= sameLength.known.length;
    forms.set(length, { known: [form], missed: 0 });
  }
  formCount += 1;
}
