/** Parsing of query and path parameters: every mistake is named, unknown parameters included. */
import { z } from 'zod';
import { type ParameterError, RequestError } from './problem.ts';

export const LIMIT_DEFAULT = 100;
export const LIMIT_MAX = 1000;

/** A time parameter: RFC 3339 with any offset in, milliseconds out. */
export const timeParameter = z.iso
  .datetime({ offset: true, error: 'must be an RFC 3339 time such as 2026-08-21T09:30:00Z' })
  .transform((text) => Date.parse(text));

/** A whole number from `min` to `max`, in plain digits: what JavaScript would also read as one (`1e2`, `0x10`, ` 7`) is refused with `message`. */
export function wholeNumberParameter(min: number, max: number, message: string) {
  return z.preprocess(plainNumber(/^\d{1,15}$/), z.number(message).int(message).min(min, message).max(max, message));
}

/** A number from `min` to `max` in plain decimals, or `message`. */
export function decimalParameter(min: number, max: number, message: string) {
  return z.preprocess(plainNumber(/^-?\d{1,15}(\.\d{1,15})?$/), z.number(message).min(min, message).max(max, message));
}

function plainNumber(pattern: RegExp): (raw: unknown) => unknown {
  return (raw) => (typeof raw === 'string' && pattern.test(raw) ? Number(raw) : raw);
}

const limitMessage = `must be a whole number from 1 to ${LIMIT_MAX}`;
export const pageParameters = {
  limit: wholeNumberParameter(1, LIMIT_MAX, limitMessage)
    .optional()
    .describe(`At most this many; default ${LIMIT_DEFAULT}. As NDJSON: bounds the whole export, which has no bound by default`),
  continue: z.string().min(1, 'must not be empty').optional().describe('Opaque cursor from metadata.continue of the page before'),
};

export const textParameter = z.string().max(1000, 'is longer than 1000 characters');

export const seqParameter = wholeNumberParameter(1, Number.MAX_SAFE_INTEGER, 'must be a change number, 1 or more');

/** One revision of an object: by the number of its change, or the state at a time. */
export const revisionParameter = z
  .string()
  .max(100)
  .transform((text, context): { seq: number } | { atMs: number } => {
    if (/^[1-9]\d{0,14}$/.test(text)) return { seq: Number(text) };
    const time = timeParameter.safeParse(text);
    if (time.success) return { atMs: time.data };
    context.addIssue({ code: 'custom', message: 'must be a change number or an RFC 3339 time such as 2026-08-21T09:30:00Z' });
    return z.NEVER;
  });

/** A yes-or-no parameter: `?verbose`, `?verbose=true` and `?verbose=1` are all yes. */
export const flagParameter = z
  .enum(['', 'true', '1', 'false', '0'], 'must be true or false')
  .transform((text) => text !== 'false' && text !== '0');

type Place = 'query' | 'path' | 'header' | 'body';

/** Parses raw parameters or throws a RequestError that names each one that is wrong. */
export function parseParameters<S extends z.ZodType>(schema: S, raw: unknown, place: Place): z.output<S> {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new RequestError(parsed.error.issues.flatMap((issue) => parameterErrors(issue, raw, place)));
}

function parameterErrors(issue: z.core.$ZodIssue, raw: unknown, place: Place): ParameterError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => ({ in: place, name, detail: 'is not a parameter of this resource' }));
  }
  const name = String(issue.path[0] ?? '');
  const value = (raw as Record<string, unknown>)[name];
  if (Array.isArray(value)) return [{ in: place, name, detail: 'is given more than once' }];
  if (value === undefined) return [{ in: place, name, detail: 'is required' }];
  if (issue.code === 'invalid_value') return [{ in: place, name, detail: `must be one of ${issue.values.join(', ')}` }];
  return [{ in: place, name, detail: issue.message }];
}
