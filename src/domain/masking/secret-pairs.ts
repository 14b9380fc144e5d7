/**
 * Secrets that stand in a longer text beside what names them, found line by line, whatever the text is: `password: hunter2` in YAML or JSON
 * that is cut off, `TOKEN=…` in a script, `--api-key …` in a command, an entry's `value:` below its `name:`. Goes through the text once, from
 * pair to pair. What only the structure of the text tells is found by secret-structure.ts.
 */
import { readFlow } from './flow-reader.ts';
import { isEntryValue, isSecretName, NameSays, nameSays } from './secret-names.ts';
import type { Span, Structure } from './secret-structure.ts';
import type { Place } from './text-part.ts';

/** What stands in place of the secret; the same text where it is none after all. */
export type Replace = (secret: string, says: number) => string;

/** A name and what divides it from its value. */
const PAIR = /(?<![\w.-])([\w.-]{1,120})(\\*["']?\]?[ \t]{0,8}(?::|=)[=>]?[ \t]{0,8})/g;
const VALUE = /\\*"((?:[^"\\\n]|\\[^"\n])*)|'((?:[^'\n]|'')*)|((?:\$?\$?\{+[^{}\n]*\}+|\{+|[^\s"',;&)}\]{])+)/y;
const REST_OF_LINE = /[^\n]*/y;
/** Anchors and tags of YAML. */
const ANCHOR = /(?:(?:&[\w.-]{1,64}|!!?[\w.-]{0,64})[ \t]{1,8}){1,2}/y;
/** `<name>db.password</name> <value>…</value>`, as Hadoop writes its settings. */
const NAMED_ELEMENT = /(<name>([\w.:-]{1,200})<\/name>\s{0,100}<value>)([^<>]{3,500})(?=<\/value>)/g;
const ELEMENT = /<([\w.:-]{1,64})(?:[ \t\n][^<>]{0,200})?>(?:<!\[CDATA\[)?([^<>\]]{1,500})(?=(?:\]\]>)?<\/\1>)/g;
const SCHEME = /(?:basic|bearer|token|digest|apikey)[ \t]+/iy;
const BLOCK = /[|>][+-]?\d?[ \t]*(?:#[^\n]*)?\n/y;
const EMPTY = /(?:#[^\n]*)?\n/y;
const SECRET_MANIFEST = /^[ \t-]*kind:[ \t]*["']?Secret["']?[ \t]*$/m;
/** Telling in a text only. */
const TELLING_IN_TEXT = /(?:^|[^a-z])(?:authorization|sig|x-amz-signature)$/i;
const TELLS_IN_STRUCTURE = NameSays.allWithin | NameSays.login | NameSays.header;
const WORDS_OF_PROSE = /^[A-Za-z]+[.,:]?$/;
const NO_VALUE =
  /^(?:true|false|null|nil|none|undefined|yes|no|required|optional|invalid|missing|string|\*+|x+|\.+|<[^>]{0,200}>?|\||>)$/i;
/** How far a value may be from the name of its entry. */
const ENTRY_DISTANCE = 300;
/** Of the name of an entry no more than this is read. */
const NAME_MAX = 300;
/** Of a list on its lines no more than this is read. */
const LIST_LENGTH_MAX = 10_000;

export interface Pairs {
  /** In the order of the text; `says` are bits of NameSays. */
  secrets: (Span & { says: number })[];
  /** Whether a name told of one, also where nothing was found behind it. */
  tells: boolean;
}

/** What lies in a secret of the structure, or where the structure leaves nothing to be found, is not found again. */
export function findPairs(text: string, { edits, settled }: Structure): Pairs {
  const pairs: Pairs = { secrets: [], tells: false };
  let entry: { name: string; end: number } | undefined;
  /** Within the data of a Secret's manifest, lines that are indented deeper than this. */
  let dataIndent = -1;
  const isManifest = SECRET_MANIFEST.test(text);
  pairs.tells = isManifest;
  const within = [new Within(edits), new Within(settled)] as const;
  PAIR.lastIndex = 0;
  for (let match = PAIR.exec(text); match !== null; match = PAIR.exec(text)) {
    const [, name = '', divider = ''] = match;
    const anchor = divider.includes(':') ? sticky(ANCHOR, text, PAIR.lastIndex) : undefined;
    const at = PAIR.lastIndex + (anchor?.[0].length ?? 0) + (isDefault(text, match.index, PAIR.lastIndex) ? 1 : 0);
    const indent = indentOf(text, match.index);
    if (indent >= 0 && indent <= dataIndent) dataIndent = -1;
    const isBlock = indent >= 0 && divider.includes(':');
    if (isManifest && isBlock && (name === 'data' || name === 'stringData') && sticky(EMPTY, text, at) !== undefined) {
      dataIndent = indent;
      continue;
    }
    const isEntry =
      entry !== undefined &&
      match.index - entry.end < ENTRY_DISTANCE &&
      isEntryValue(name) &&
      tellsInText(withoutIndex(entry.name));
    if (name === 'name' || name === 'key' || name === 'path') {
      entry = entryAt(text, at);
      pairs.tells ||= entry !== undefined && tellsInText(withoutIndex(entry.name));
    }
    const says = nameSays(name);
    if ((says & TELLS_IN_STRUCTURE) !== 0) pairs.tells = true;
    const isPassword = isEntry || dataIndent >= 0 || (says & NameSays.password) !== 0;
    if (!isPassword && !tellsInText(name)) continue;
    pairs.tells = true;
    // arn:aws:secretsmanager:…:secret:name
    if (divider === ':' && text[match.index - 1] === ':') continue;
    const meant = isPassword ? says | NameSays.password : says;
    const list = text[at] === '[' ? listAt(text, at) : undefined;
    const found =
      list ?? (isBlock ? (blockAt(text, at, indent) ?? valueAt(text, at, divider, true)) : valueAt(text, at, divider, false));
    if (found === undefined) continue;
    const edit = within[0].at(found.start);
    if (edit !== undefined) PAIR.lastIndex = Math.max(edit.end, at);
    if (edit !== undefined || within[1].at(found.start) !== undefined) continue;
    const secrets = list?.items ?? [found];
    const told = secrets.filter((secret) => isValue(text, secret, divider, isPassword));
    for (const { start, end } of told) pairs.secrets.push({ start, end: within[0].at(end - 1)?.end ?? end, says: meant });
    if (told.length > 0) PAIR.lastIndex = Math.max(found.end, at);
  }
  return pairs;
}

/** Spans that are asked for places further and further on. */
class Within {
  readonly #spans: readonly Span[];
  #next = 0;

  constructor(spans: readonly Span[]) {
    this.#spans = spans;
  }

  at(place: number): Span | undefined {
    while ((this.#spans[this.#next]?.end ?? Number.POSITIVE_INFINITY) <= place) this.#next++;
    const span = this.#spans[this.#next];
    return span !== undefined && span.start <= place ? span : undefined;
  }
}

/** `${PASSWORD:-…}` */
function isDefault(text: string, nameAt: number, at: number): boolean {
  return text[at] === '-' && text[nameAt - 1] === '{' && text[nameAt - 2] === '$';
}

/** The path of a JSON patch that adds to a list: `/spec/passwords/-`. */
export function withoutIndex(path: string): string {
  return path.startsWith('/') ? path.replace(/\/(?:-|\d{1,9})$/, '') : path;
}

function tellsInText(name: string): boolean {
  return isSecretName(name) || TELLING_IN_TEXT.test(name);
}

/** `<password>…</password>` */
export function maskElements(text: string, replace: Replace): string {
  const settings = text.replace(NAMED_ELEMENT, (all, before: string, name: string, value: string) =>
    isSecretName(name) && !NO_VALUE.test(value.trim()) ? `${before}${replace(value, nameSays(name))}` : all,
  );
  return settings.replace(ELEMENT, (all, name: string, value: string) =>
    isSecretName(name) && value.trim().length > 2 && !NO_VALUE.test(value.trim())
      ? `${all.slice(0, -value.length)}${replace(value, nameSays(name))}`
      : all,
  );
}

interface Value extends Span {
  quoted: boolean;
}

/** `[a, "b"]`, also in JSON that is cut off; undefined where it is another thing that begins so. */
function listAt(text: string, at: number): (Value & { items: Value[] }) | undefined {
  const isJson = text[at + 1] === '"';
  const to = Math.min(text.length, at + LIST_LENGTH_MAX);
  const { part, end, isBroken } = readFlow(text, at, { to, isJson, anchors: new Map(), rest: [] });
  if (isBroken || !(text[end - 1] === ']' || (isJson && end === text.length))) return undefined;
  const items: Value[] = [];
  textsOf(part.place, items);
  return { start: at, end, quoted: true, items };
}

function textsOf({ start, end, items, members }: Place, texts: Value[]): void {
  if (items === undefined && members === undefined) texts.push({ start, end, quoted: true });
  for (const item of items ?? members?.values() ?? []) textsOf(item, texts);
}

function valueAt(text: string, at: number, divider: string, ofLine: boolean): Value | undefined {
  const scheme = divider.includes(':') ? sticky(SCHEME, text, at) : undefined;
  const start = at + (scheme?.[0].length ?? 0);
  const value = sticky(VALUE, text, start);
  if (value === undefined) return undefined;
  const [all, double, single, word] = value;
  if (word === undefined) {
    const inner = double ?? single ?? '';
    return { start: start + all.length - inner.length, end: start + all.length, quoted: true };
  }
  const line = ofLine && text.includes('\n') ? (sticky(REST_OF_LINE, text, start)?.[0] ?? word) : word;
  return { start, end: start + withoutComment(line).length, quoted: false };
}

/** Nor the blanks before it, or at the end. A run of blanks is looked at once, from its first one. */
function withoutComment(line: string): string {
  const end = line.search(/(?<![ \t])[ \t]+#/);
  return (end < 0 ? line : line.slice(0, end)).trimEnd();
}

/** `|` and `>`, and the items of a list, with the lines below that are indented deeper than their key. */
function blockAt(text: string, at: number, indent: number): Value | undefined {
  const head = sticky(BLOCK, text, at) ?? sticky(EMPTY, text, at);
  if (head === undefined) return undefined;
  let start = at + head[0].length;
  const isList =
    head[0].trimStart().startsWith('|') || head[0].trimStart().startsWith('>') ? undefined : /[ \t]*- +(?![^\n]*:(?:[ \t]|$))/my;
  let end = start;
  while (end < text.length) {
    const next = text.indexOf('\n', end);
    const lineEnd = next < 0 ? text.length : next;
    const line = text.slice(end, lineEnd);
    const isBlank = line.trim() === '';
    const lineIndent = line.length - line.trimStart().length;
    if (
      !isBlank &&
      (isList === undefined ? lineIndent <= indent : lineIndent < indent || sticky(isList, text, end) === undefined)
    )
      break;
    end = next < 0 ? text.length : next + 1;
  }
  while (end > start && /\s/.test(text[end - 1] as string)) end--;
  while (start < end && /[ \t]/.test(text[start] as string)) start++;
  if (isList !== undefined && text.startsWith('- ', start)) start += 2;
  return end > start ? { start, end, quoted: true } : undefined;
}

function isValue(text: string, { start, end, quoted }: Value, divider: string, isPassword: boolean): boolean {
  const value = text.slice(start, end);
  if (value.length < (isPassword ? 3 : 6) || NO_VALUE.test(value)) return false;
  // "invalid token: expected …" goes on after the word, as sentences do.
  const goesOn = /^[ \t]+[\w"'(]/.test(text.slice(end, end + 8));
  return quoted || !divider.includes(': ') || !goesOn || !WORDS_OF_PROSE.test(value);
}

function entryAt(text: string, at: number): { name: string; end: number } | undefined {
  // Pairs may stand within a value, so it is looked at again for each of them.
  const value = sticky(VALUE, text.slice(at, at + NAME_MAX), 0);
  if (value === undefined) return undefined;
  return { name: value[1] ?? value[2] ?? value[3] ?? '', end: at + value[0].length };
}

/** Of the line, where nothing but blanks and dashes stands before; else -1. */
function indentOf(text: string, at: number): number {
  let i = at - 1;
  while (i >= 0 && at - i < 200 && (text[i] === ' ' || text[i] === '-' || text[i] === '"' || text[i] === "'")) i--;
  return i < 0 || text[i] === '\n' ? at - i - 1 : -1;
}

function sticky(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

const FLAG = /(?<![^\s"'=])(--?[A-Za-z][\w.-]{0,119})([ \t]+)(["']?)([^\s"'-][^\s"']*)/g;
const LOGIN_FLAG = /(?<=(?:^|\s)(?:-u|--user|--proxy-user)[ =]["']?[^\s:"']{1,100}:)[^\s"']{3,}/g;
/** `-a` and `-p` are short for other things elsewhere; the flags of sshpass come before the command that it runs. */
const SHORT_FLAG = new RegExp(
  `(${[
    '\\b(?:mysql(?:dump|admin|import|check|show)?|mariadb)\\b[^\\n|;&]{0,200}? -p',
    '\\bredis-cli\\b[^\\n|;&]{0,200}? -a[ \\t]{1,3}',
    '\\bsshpass(?:[ \\t]{1,3}-(?:[eiv]|[fdP][ \\t]{0,3}[^\\s-]\\S{0,60})){0,4}[ \\t]{1,3}-p[ \\t]{0,3}',
  ].join('|')})(?:"([^"\\n]{3,300})|'([^'\\n]{3,300})|([^\\s"'-][^\\s"']{2,}))`,
  'g',
);
/** Lines of a redis.conf. */
const REDIS_LINE =
  /(^[ \t]{0,40}(?:requirepass|masterauth|sentinel[ \t]{1,8}auth-pass[ \t]{1,8}\S{1,100})[ \t]{1,40}["']?)([^\s"']{3,300})/gim;
const REDIS_SETTING = /requirepass|masterauth|auth-pass/i;
/** Looks back only from where a word stands: from each blank of many it would go through all those before it. */
const NETRC = /(?=\S)(?<=\blogin[ \t]+\S{1,100}\s+password[ \t]+)\S+/g;

/** `--password hunter2`, `curl -u bob:hunter2`. */
export function maskFlags(text: string, replace: Replace): string {
  const flagged = text.replace(FLAG, (all, flag: string, blanks: string, quote: string, value: string) =>
    isSecretName(flag) && !NO_VALUE.test(value) ? `${flag}${blanks}${quote}${replace(value, nameSays(flag))}` : all,
  );
  const password = (secret: string) => replace(secret, NameSays.password);
  // `-u` is short for other things elsewhere.
  const login = text.includes('curl') ? flagged.replace(LOGIN_FLAG, password) : flagged;
  return login.replace(SHORT_FLAG, (all, before: string, double?: string, single?: string, bare?: string) => {
    const secret = double ?? single ?? bare ?? '';
    return `${before}${all.slice(before.length, all.length - secret.length)}${password(secret)}`;
  });
}

export function maskNetrc(text: string, replace: Replace): string {
  return text.replace(NETRC, (secret) => replace(secret, NameSays.password));
}

/** `requirepass …` in a redis.conf. */
export function maskRedis(text: string, replace: Replace): string {
  if (!REDIS_SETTING.test(text)) return text;
  return text.replace(REDIS_LINE, (_, before: string, secret: string) => `${before}${replace(secret, NameSays.password)}`);
}
