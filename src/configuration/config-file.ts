/** The YAML file of options: its values, and the line of each for what is wrong with it. */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import type { Node } from 'yaml';
import { CrowsnestError } from '../domain/errors.ts';
import { yaml } from '../yaml.ts';
import { unknownKey } from './option-names.ts';

export interface ConfigFile {
  path: string;
  values: Record<string, unknown>;
  /** Line of what a path of keys and places leads to, or the nearest to it. */
  lineOf(path: readonly PropertyKey[]): number;
}

/** Throws CONFIG_UNREADABLE, CONFIG_BAD_VALUE, and CONFIG_UNKNOWN_KEY for a key that is none of `keys`. */
export function readConfigFile(path: string, keys: readonly string[]): ConfigFile {
  const { isMap, isScalar, LineCounter, parseDocument } = yaml();
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new CrowsnestError({
      code: 'CONFIG_UNREADABLE',
      what: 'the configuration file cannot be read',
      where: path,
      todo: 'Check the path and its permissions.',
      cause,
    });
  }
  // Decoded loosely, a broken name would match nothing without a word.
  if (!isUtf8(bytes)) {
    const what = 'the configuration file is not valid UTF-8';
    throw new CrowsnestError({ code: 'CONFIG_BAD_VALUE', what, where: path, todo: 'Save it as UTF-8.' });
  }
  const lines = new LineCounter();
  const document = parseDocument(bytes.toString('utf8'), { lineCounter: lines, uniqueKeys: true });
  const problem = document.errors[0];
  if (problem !== undefined) {
    const line = lines.linePos(problem.pos[0]).line;
    throw new CrowsnestError({
      code: 'CONFIG_BAD_VALUE',
      what: `not valid YAML: ${problem.message.split('\n')[0]}`,
      where: `${path}:${line}`,
      todo: 'Correct the line.',
    });
  }
  if (document.contents !== null && !isMap(document.contents)) {
    throw new CrowsnestError({
      code: 'CONFIG_BAD_VALUE',
      what: 'the file must hold a mapping of option names to values',
      where: `${path}:1`,
      todo: 'Write `key: value` lines.',
    });
  }
  for (const pair of document.contents?.items ?? []) {
    const key = isScalar(pair.key) ? String(pair.key.value) : '';
    const offset = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
    if (!keys.includes(key)) throw unknownKey(key, `${path}:${offset === undefined ? 1 : lines.linePos(offset).line}`, keys);
  }
  return {
    path,
    values: (document.toJS() ?? {}) as Record<string, unknown>,
    lineOf: (inside) => lines.linePos(offsetOf(document.contents, inside)).line,
  };
}

/** Where in the text a path leads to; as far as it can be followed. */
function offsetOf(root: Node | null, path: readonly PropertyKey[]): number {
  const { isMap, isNode, isScalar, isSeq } = yaml();
  let offset = 0;
  let node: unknown = root;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (isNode(pair?.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair?.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      if (isNode(node)) offset = node.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}
