/** Random documents of YAML with secrets in every place where the structure tells of them, written in several styles. */
import { Document, isScalar, Scalar, type ToStringOptions, visit } from 'yaml';
import type { Json, JsonObject } from '../../src/domain/json.ts';
import type { Random } from './random.ts';

export interface WrittenDocument {
  style: string;
  text: string;
  secrets: string[];
}

const PLAIN_NAMES = ['server', 'replicas', 'image', 'labels', 'app.kubernetes.io/name', 'limits', 'a b', 'x-y', '0', 'on'];
const PASSWORD_NAMES = ['password', 'DB_PASSWORD', 'adminPassword', 'spring.datasource.password', 'root-passwd'];

/** A word alone, several of them, with what YAML must quote, of several lines. */
function secret(r: Random): string {
  const word = () => `${r.text('lower', 5)}${r.number(900) + 100}`;
  const forms = [
    word,
    () => `${word()} ${word()}`,
    () => `${word()}: ${word()}`,
    () => `${word()} #${word()}`,
    () => `'${word()}"`,
    () => `- ${word()}`,
    () => `{${word()}, [${word()}`,
    () => `${word()}\n${word()}\n\n  ${word()}`,
    () => `${word()}\\n${word()}`,
  ];
  return r.pick(forms)();
}

function secretPart(r: Random, secrets: string[]): [string, Json] {
  const plant = () => {
    const planted = secret(r);
    secrets.push(planted);
    return planted;
  };
  const shuffled = (members: [string, Json][]): Json => Object.fromEntries(r.number(2) === 0 ? members : members.toReversed());
  const name = r.pick(PASSWORD_NAMES);
  const parts: (() => [string, Json])[] = [
    () => [name, plant()],
    () => ['apiToken', plant()],
    () => ['passwords', [plant(), plant()]],
    () => ['passwords', { alice: plant(), bob: plant() }],
    () => ['passwords', { users: { alice: plant() }, groups: { admins: [plant()] } }],
    () => ['passwords', [{ name: 'alice', value: plant() }]],
    () => ['adminPassword', { value: plant() }],
    () => [
      'env',
      [
        shuffled([
          ['name', name],
          ['value', plant()],
        ]),
        { name: 'LEVEL', value: 'debug' },
      ],
    ],
    () => [
      'set',
      [
        shuffled([
          ['path', '/spec/passwords'],
          ['value', [plant(), plant()]],
        ]),
      ],
    ],
    () => [
      'set',
      [
        shuffled([
          ['name', 'passwords'],
          ['value', { alice: plant() }],
        ]),
      ],
    ],
    () => ['args', ['run', '--db-password', plant(), '--fast']],
    () => ['headers', { Authorization: [`Basic ${r.text('base62', 9)}`], 'X-Api-Key': [plant()] }],
    () => ['stringData', { anything: plant() }],
  ];
  return r.pick(parts)();
}

function harmlessPart(r: Random): [string, Json] {
  const values: (() => Json)[] = [
    () => r.name(),
    () => r.number(10_000),
    () => r.number(2) === 0,
    () => null,
    () => `${r.name()} and ${r.name()}: it's "so" # much`,
    () => `first ${r.name()}\n  second\n\nthird\n`,
    () => [r.name(), { name: r.name(), value: r.name() }, [r.number(9), r.name()], {}] as Json,
    () => ({ secretName: r.name(), passwordSecretRef: { name: r.name(), key: 'password' }, tokenTTL: '10m' }),
    () => [{ name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: r.name(), key: 'password' } } }],
    () => '',
  ];
  return [`${r.pick(PLAIN_NAMES)}`, r.pick(values)()];
}

function randomObject(r: Random, depth: number, secrets: string[] | undefined): JsonObject {
  const members: [string, Json][] = Array.from({ length: 1 + r.number(3) }, () => harmlessPart(r));
  if (secrets !== undefined) members.push(secretPart(r, secrets));
  if (depth > 0) {
    const inner = () => randomObject(r, depth - 1, secrets);
    members.push([`in-${r.text('lower', 3)}`, r.number(2) === 0 ? inner() : [inner(), inner()]]);
  }
  members.sort(() => r.number(3) - 1);
  return Object.fromEntries(members);
}

function writtenStyle(r: Random): ToStringOptions & { name: string; isSpread: boolean } {
  const options: ToStringOptions = {
    indent: 2 + r.number(3),
    indentSeq: r.number(2) === 0,
    defaultStringType: r.pick(['PLAIN', 'PLAIN', 'QUOTE_DOUBLE', 'QUOTE_SINGLE', 'BLOCK_LITERAL', 'BLOCK_FOLDED'] as const),
    defaultKeyType: r.pick(['PLAIN', 'PLAIN', 'QUOTE_DOUBLE', 'QUOTE_SINGLE'] as const),
    collectionStyle: r.pick(['any', 'block', 'flow'] as const),
    lineWidth: r.pick([0, 40, 80]),
    flowCollectionPadding: r.number(2) === 0,
  };
  const isSpread = r.number(3) === 0;
  return { ...options, isSpread, name: JSON.stringify({ ...options, isSpread }) };
}

/** As one writes it: with comments, anchors and tags here and there, each text in a style of its own if `isSpread`. */
function write(value: Json, r: Random): [style: string, text: string] {
  const { name, isSpread, ...style } = writtenStyle(r);
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (key, node) => {
      if (key === 'key') return;
      if (isSpread && typeof node.value === 'string')
        node.type = r.pick([Scalar.PLAIN, Scalar.QUOTE_DOUBLE, Scalar.QUOTE_SINGLE, Scalar.BLOCK_LITERAL, Scalar.BLOCK_FOLDED]);
      if (r.number(12) === 0) node.anchor = `a${r.text('lower', 3)}`;
      if (r.number(20) === 0 && isScalar(node) && typeof node.value === 'string') node.tag = '!!str';
      if (r.number(15) === 0) node.commentBefore = ` ${r.name()}`;
      if (r.number(15) === 0 && style.collectionStyle !== 'flow') node.comment = ` ${r.name()}`;
    },
    Collection: (_, node) => {
      if (r.number(15) === 0) node.commentBefore = ` ${r.name()}`;
      if (isSpread && r.number(4) === 0) node.flow = true;
    },
  });
  return [name, document.toString(style)];
}

/** Of one to three documents, or a block of one within another. */
function written(r: Random, secrets: string[] | undefined): WrittenDocument {
  const texts = Array.from({ length: 1 + (r.number(4) === 0 ? r.number(3) : 0) }, () =>
    write(randomObject(r, r.number(4), secrets), r),
  );
  let text = texts.map(([, each]) => each).join('---\n');
  const styles = texts.map(([style]) => style).join('\n');
  if (r.number(5) === 0) text = `kind: ConfigMap\ndata:\n  conf: |\n${text.replaceAll(/^(?=.)/gm, '    ')}  other: x\n`;
  if (r.number(10) === 0) text = text.replaceAll('\n', '\r\n');
  return { style: styles, text, secrets: secrets ?? [] };
}

export function secretDocument(r: Random): WrittenDocument {
  return readable(() => written(r, []));
}

export function harmlessDocument(r: Random): WrittenDocument {
  return readable(() => written(r, undefined));
}

/** Some texts in quotes the package folds into what it cannot read itself. */
function readable(make: () => WrittenDocument): WrittenDocument {
  for (;;) {
    const document = make();
    if (!document.text.includes('undefined')) return document;
  }
}

/** What of a secret would be worth something: its words. */
export function wordsOf(secrets: readonly string[]): string[] {
  return secrets.flatMap((planted) => planted.match(/[a-z]{5}\d{3}/g) ?? []);
}
