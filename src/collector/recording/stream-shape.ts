/** What members of a line must be, and the words for one that is not. */
import { isJsonObject, type Json } from '../../domain/json.ts';
import { parseTime } from './stream-time.ts';

/** As the API takes it. */
const SAID_CHARS_MAX = 1_000;

/** `text0` may be empty; `?` may be missing; `said` is what people write, of one line; a list is of what it may be. */
export type Shape = 'text' | 'text0' | 'text?' | 'said' | 'said?' | 'time' | 'time?' | 'count' | readonly string[];

export function faultOf(value: Json | undefined, shapes: Record<string, Shape>, where: string): string | undefined {
  if (!isJsonObject(value)) return `${where.slice(0, -1)} is missing or not a JSON object`;
  const field = Object.keys(shapes).find((name) => !fits(value[name], shapes[name]!));
  if (field === undefined) return undefined;
  const shape = shapes[field]!;
  return `${where}${field} must be ${typeof shape === 'string' ? WORDS[shape] : `one of ${shape.join(', ')}`}`;
}

const WORDS: Record<Exclude<Shape, readonly string[]>, string> = {
  text: 'a non-empty string',
  text0: 'a string',
  'text?': 'a non-empty string or absent',
  said: `1 to ${SAID_CHARS_MAX} printable characters`,
  'said?': `1 to ${SAID_CHARS_MAX} printable characters, or absent`,
  time: 'an RFC 3339 time',
  'time?': 'an RFC 3339 time or absent',
  count: 'a number from 0',
};

function fits(value: Json | undefined, shape: Shape): boolean {
  switch (shape) {
    case 'text':
      return isText(value);
    case 'text0':
      return value === '' || isText(value);
    case 'text?':
      return value === undefined || isText(value);
    case 'said':
      return isSaid(value);
    case 'said?':
      return value === undefined || isSaid(value);
    case 'time':
      return typeof value === 'string' && parseTime(value) !== undefined;
    case 'time?':
      return value === undefined || (typeof value === 'string' && parseTime(value) !== undefined);
    case 'count':
      return typeof value === 'number' && value >= 0;
    default:
      return shape.includes(value as string);
  }
}

function isSaid(value: Json | undefined): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= SAID_CHARS_MAX && !/\p{Cc}/u.test(value);
}

/** A NUL would let two different names share one object key. */
export function isText(value: Json | undefined): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\u0000');
}

export function isTexts(value: Json): value is Record<string, string> {
  return isJsonObject(value) && Object.values(value).every((text) => typeof text === 'string');
}
