/** Holds the drawing of the code true: who may import whom, where the outside world may be touched, and that tests stay switched on. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ERROR_CODES } from '../src/domain/errors.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What the files of a folder may import beside their own folder: values, and further folders of which only types. */
const FOLDERS: Record<string, { values: string[]; types?: string[] }> = {
  domain: { values: [] },
  model: { values: ['domain'] },
  telemetry: { values: ['domain'] },
  // The clock's default: when a credential ends is told in wall time.
  kube: { values: ['domain', 'telemetry', 'yaml.ts'] },
  store: { values: ['domain'], types: ['telemetry'] },
  collector: { values: ['domain', 'kube', 'telemetry'], types: ['store'] },
  respond: { values: ['domain', 'kube', 'telemetry'], types: ['store'] },
  // Of respond also the values of pure files, see below.
  pipeline: { values: ['domain', 'model'], types: ['collector', 'store', 'respond', 'telemetry'] },
  api: { values: ['domain', 'telemetry', 'yaml.ts'], types: ['store', 'model', 'respond', 'collector', 'pipeline'] },
  // Runs in the browser, so it is a folder of its own: what it imports is sent there.
  'api/page': { values: ['domain'], types: ['api'] },
  demo: { values: ['domain', 'collector'] },
  commands: {
    values: [
      'domain',
      // `crowsnest db` acts on a file without an app around it.
      'store',
      'kube',
      'collector',
      'pipeline',
      'api',
      'telemetry',
      'demo',
      'app.ts',
      'options.ts',
      'secrets.ts',
      'stop-stack.ts',
    ],
    types: ['model', 'respond'],
  },
  'main.ts': { values: ['domain', 'configuration', 'commands', 'app.ts', 'options.ts'] },
  configuration: { values: ['domain', 'yaml.ts'] },
  // Reads the database and computes: an app of its own, in a thread.
  'neural-thread.ts': { values: ['model', 'pipeline', 'store'] },
  'options.ts': { values: ['domain', 'configuration'] },
  'secrets.ts': { values: ['domain'] },
  'yaml.ts': { values: [] },
  'stop-stack.ts': { values: ['domain'], types: ['telemetry'] },
  'app.ts': {
    values: [
      ...['domain', 'kube', 'collector', 'store', 'model', 'respond', 'pipeline', 'api', 'telemetry'],
      ...['options.ts', 'secrets.ts', 'stop-stack.ts'],
    ],
  },
};

/** Where each package may be imported. A package that is not here is a decision still to be taken. */
const PACKAGES: Record<string, string[]> = {
  '@kubernetes/client-node': ['kube'],
  'better-sqlite3': ['store'],
  '@tensorflow/tfjs-core': ['model'],
  '@tensorflow/tfjs-backend-wasm': ['model'],
  '@tensorflow/tfjs-node': ['model'],
  express: ['api'],
  'express-rate-limit': ['api'],
  helmet: ['api'],
  preact: ['api/page'],
  htm: ['api/page'],
  uplot: ['api/page'],
  // Ways through a SOCKS proxy; client-node brings it.
  socks: ['kube'],
  undici: ['respond', 'collector', 'kube'],
  pino: ['telemetry'],
  'prom-client': ['telemetry', 'kube', 'store', 'collector', 'respond', 'pipeline', 'api', 'app.ts'],
  zod: ['api', 'options.ts', 'configuration'],
  // kube: one field of a kubeconfig that client-node does not know; api: documents within strings, and states as people read them.
  yaml: ['configuration', 'kube', 'api', 'yaml.ts'],
  commander: ['main.ts'],
  'cli-progress': ['commands'],
  '@nats-io/jetstream': ['collector'],
  '@nats-io/transport-node': ['collector'],
  '@peculiar/x509': ['collector'],
  cloudevents: ['collector', 'api'],
  protobufjs: ['collector'],
  // Pure: patterns of label matchers in time linear in the text.
  re2js: ['domain'],
};

/** Folders that compute and touch nothing: of Node only what has no side effect. */
const PURE_FOLDERS = ['domain', 'model'];
const PURE_BUILTINS = ['node:assert/strict', 'node:buffer', 'node:crypto', 'node:v8', 'node:zlib'];

/** Text that may stand in some files only. */
const TOUCHES = [
  { what: 'the environment', pattern: /\bprocess\s*\.\s*env\b/, allowed: /^(main|options)\.ts$/ },
  { what: 'the wall clock', pattern: /\bDate\s*\.\s*now\b|\bnew Date\(\)/, allowed: /^telemetry\/|^api\/page\// },
  { what: 'the end of the process', pattern: /\bprocess\s*\.\s*exit\b/, allowed: /^main\.ts$/ },
];

interface Import {
  file: string;
  /** Folder of the importing file, as in FOLDERS. */
  from: string;
  specifier: string;
  typeOnly: boolean;
  /** Path under src of what is imported; undefined for packages and builtins. */
  target: string | undefined;
  reExport: boolean;
}

const sources = new Map(filesUnder('src').map((file) => [file.slice('src/'.length), readText(file)]));
const imports = [...sources].flatMap(([file, text]) => importsOf(file, text));

test('each folder imports only what the table allows', () => {
  assert.ok(imports.length > 100, `only ${imports.length} imports found: the reader of imports is broken`);
  assert.deepEqual(imports.map(complaint).filter(Boolean), []);
});

test('the check of imports notices what it is there for', () => {
  const verdict = (file: string, line: string) => importsOf(file, `${line}\n`).map(complaint)[0];
  assert.match(verdict('domain/a.ts', "import type { Store } from '../store/store.ts';") ?? '', /domain may not import store/);
  assert.match(verdict('model/a.ts', "import {\n  openSqliteStore,\n} from '../store/sqlite-store.ts';") ?? '', /model may not/);
  assert.match(verdict('api/a.ts', "import { type Store, x } from '../store/store.ts';") ?? '', /only types/);
  assert.equal(verdict('api/a.ts', "import { type Store } from '../store/store.ts';"), undefined);
  assert.match(verdict('api/a.ts', "const db = await import('better-sqlite3');") ?? '', /better-sqlite3 belongs to store/);
  const required = "const { X } = createRequire(import.meta.url)('protobufjs/light.js');";
  assert.match(verdict('api/a.ts', required) ?? '', /protobufjs belongs to collector/);
  assert.match(verdict('api/a.ts', "return require('left-pad');") ?? '', /not in the table/);
  assert.match(verdict('app.ts', "import '@kubernetes/client-node';") ?? '', /belongs to kube/);
  assert.match(verdict('model/a.ts', "import { readFileSync } from 'node:fs';") ?? '', /touches nothing/);
  assert.match(verdict('kube/a.ts', "import x from 'left-pad';") ?? '', /not in the table/);
  assert.match(verdict('api/routes/a.ts', "import { x } from '../page/app.ts';") ?? '', /api may not import api\/page/);
  assert.match(verdict('domain/a.ts', "export * from './b.ts';") ?? '', /re-export/);
});

test('no value import runs in a circle', () => {
  const edges = new Map<string, string[]>();
  for (const { file, target, typeOnly } of imports) {
    if (target !== undefined && !typeOnly) edges.set(file, [...(edges.get(file) ?? []), target]);
  }
  const done = new Set<string>();
  const walk = (file: string, trail: string[]): string[] | undefined => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of edges.get(file) ?? []) {
      const circle = walk(next, [...trail, file]);
      if (circle !== undefined) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of edges.keys()) assert.equal(walk(file, [])?.join(' → '), undefined);
});

test('TensorFlow.js is loaded in the neural thread only', () => {
  const reached = (entry: string): string[] => {
    const seen = new Set<string>();
    const packages = new Set<string>();
    const walk = (file: string) => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const each of imports) {
        if (each.file !== file || each.typeOnly) continue;
        if (each.target === undefined) packages.add(each.specifier);
        else walk(each.target);
      }
    };
    walk(entry);
    return [...packages].filter((name) => name.startsWith('@tensorflow/'));
  };
  assert.ok(reached('neural-thread.ts').length > 0, 'the reader of imports follows nothing');
  // Commands are imported when they are asked for, which the reader of imports follows like any other import.
  for (const entry of ['main.ts', 'app.ts', 'commands/serve.ts']) assert.deepEqual(reached(entry), [], entry);
});

for (const { what, pattern, allowed } of TOUCHES) {
  test(`${what} is touched in one place`, () => {
    const found = [...sources].filter(([file, text]) => !allowed.test(file) && pattern.test(withoutComments(text)));
    assert.deepEqual(
      found.map(([file]) => file),
      [],
    );
    assert.ok(
      [...sources].some(([file, text]) => allowed.test(file) && pattern.test(withoutComments(text))) || what.includes('end'),
      'the pattern finds nothing even where it may',
    );
  });
}

test('files are named in kebab-case after what they hold', () => {
  for (const file of sources.keys()) {
    for (const part of file.split('/')) assert.match(part, /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*$/, file);
    assert.doesNotMatch(file, /(^|\/)(index|utils?|helpers?|common|misc|lib)(\.ts|\/)/, file);
  }
});

test('exports have names', () => {
  const found = [...sources].filter(([, text]) => /^export default/m.test(withoutComments(text)));
  assert.deepEqual(
    found.map(([file]) => file),
    [],
  );
});

test('every error code has one row in docs/errors.md, and every row a code', () => {
  const rows = [...readText('docs/errors.md').matchAll(/^\| `?([A-Z][A-Z_]+)`? \|(.+)\|(.+)\|$/gm)];
  const documented = rows.map((row) => row[1]!);
  assert.deepEqual([...documented].sort(), [...ERROR_CODES].sort());
  for (const [, code, meaning, todo] of rows) {
    assert.ok(meaning!.trim().length > 10 && todo!.trim().length > 2, `${code}: say what it means and what to do`);
  }
});

test('every error code is in use', () => {
  const all = [...sources].filter(([file]) => file !== 'domain/errors.ts').map(([, text]) => text);
  assert.deepEqual(
    ERROR_CODES.filter((code) => !all.some((text) => text.includes(`'${code}'`))),
    [],
  );
});

test('no test is singled out, and none is skipped without saying why', () => {
  const singled = /\b(?:test|describe|it|suite)\.only\b|\bonly: true\b/;
  const silent = /\b(?:test|describe|it|suite)\.(?:skip|todo)\b|\b(?:skip|todo): true\b|\.(?:skip|todo)\(\s*\)/;
  const tests = filesUnder('test').map((file) => ({ file, text: withoutComments(readText(file)) }));
  const found = tests.filter(({ text }) => singled.test(text) || silent.test(text));
  assert.deepEqual(
    found.map(({ file }) => file),
    [],
  );
  // In two pieces, so that this file does not find itself.
  assert.match(`${'describe'}.only(`, singled);
  assert.match(`t.${'skip'}()`, silent);
  assert.doesNotMatch("t.skip('no kubectl here')", silent);
});

/** What is wrong with an import, or undefined. */
function complaint({ file, from, specifier, typeOnly, target, reExport }: Import): string | undefined {
  if (reExport) return `${file}: no re-export (${specifier}): one import names one file`;
  if (specifier.startsWith('node:')) {
    const pure = PURE_BUILTINS.includes(specifier) || typeOnly || !PURE_FOLDERS.includes(from);
    return pure ? undefined : `${file}: ${from} touches nothing outside, but imports ${specifier}`;
  }
  if (target === undefined) {
    const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
    const homes = PACKAGES[name];
    if (homes === undefined) return `${file}: ${name} is not in the table of packages in test/tidy.test.ts`;
    const typeOfApi = typeOnly && from === 'api/page' && homes.includes('api');
    return homes.includes(from) || typeOfApi ? undefined : `${file}: ${name} belongs to ${homes.join(', ')}`;
  }
  const to = folderOf(target);
  if (to === from) return undefined;
  const row = FOLDERS[from];
  if (row === undefined) return `${file}: ${from} has no row in the table of test/tidy.test.ts`;
  if (row.values.includes(to)) return undefined;
  if (from === 'pipeline' && to === 'respond' && isPure(target)) return undefined;
  if (row.types?.includes(to) !== true) return `${file}: ${from} may not import ${to} (${specifier})`;
  return typeOnly ? undefined : `${file}: ${from} may import only types of ${to} (${specifier})`;
}

/** Computes and decides only: no package, nothing of Node with a side effect, and nothing that is not pure itself. */
function isPure(file: string): boolean {
  return imports
    .filter((each) => each.file === file && !each.typeOnly)
    .every(
      ({ specifier, target }) =>
        PURE_BUILTINS.includes(specifier) || (target !== undefined && (folderOf(target) === 'domain' || isPure(target))),
    );
}

function importsOf(file: string, text: string): Import[] {
  const statement =
    /^(?<verb>import|export)\s+(?<clause>(?:type\s+)?[\w\s{},*$]*?)\s*from\s*'(?<from>[^']+)'|^import\s+'(?<bare>[^']+)'|\b(?:import|require|createRequire\([^()]*\))\('(?<dynamic>[^']+)'\)/gm;
  return [...text.matchAll(statement)].map(({ groups }) => {
    const specifier = (groups!.from ?? groups!.bare ?? groups!.dynamic)!;
    const relative = specifier.startsWith('.');
    return {
      file,
      from: folderOf(file),
      specifier,
      typeOnly: isTypeOnly(groups!.clause),
      target: relative
        ? normalize(join(dirname(file), specifier))
            .split(sep)
            .join('/')
        : undefined,
      reExport: groups!.verb === 'export',
    };
  });
}

function isTypeOnly(clause: string | undefined): boolean {
  if (clause === undefined) return false;
  if (/^type\s/.test(clause)) return true;
  const names = /^\{([^}]*)\}$/
    .exec(clause.trim())?.[1]
    ?.split(',')
    .filter((name) => name.trim() !== '');
  return names?.every((name) => /^\s*type\s/.test(name)) ?? false;
}

function folderOf(file: string): string {
  return file.startsWith('api/page/') ? 'api/page' : (file.split('/')[0] ?? '');
}

/** Enough for our own formatted sources: comments stand on lines of their own or after a blank. */
function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/ .*$/gm, '');
}

function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length).split(sep).join('/'));
}

function readText(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}
