/**
 * Regular expressions whose cost is bounded, whoever wrote them: those of RE2, as Prometheus has them, matched in time linear in the text.
 * A pattern matches the whole text or nothing.
 */
import { RE2JS, RE2JSException } from 're2js';

/** Says what is wrong in words that follow on "it". */
export class PatternError extends Error {}

/** Throws PatternError for what is not such a pattern, or one whose program would be too large. */
export function compilePattern(source: string): (text: string) => boolean {
  let pattern: RE2JS;
  try {
    pattern = RE2JS.compile(source);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw new PatternError(error.message.replace(/^error parsing regexp: /, ''));
  }
  return (text) => pattern.matches(text);
}
