import { createProgress, type Progress } from '../src/commands/progress.ts';

/** Progress of a long bench on stderr, so that its result stays the last line of stdout. */
export function benchProgress(label: string, unit: string): Progress {
  const note = (text: string) => void process.stderr.write(text);
  const signal = new AbortController().signal;
  const isInteractive = process.stderr.isTTY === true;
  return createProgress({ out: note, note, isInteractive, version: '', token: undefined, signal }, label, unit);
}
