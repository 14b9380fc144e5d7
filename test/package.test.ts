/** What the repository promises about itself: what it runs on, what it is made of, under which licences, and that it is nobody's machine. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { parseOptions } from '../src/options.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Package {
  name: string;
  version: string;
  license: string;
  engines: Record<string, string>;
  allowScripts: Record<string, boolean>;
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
}
interface LockEntry extends Partial<Omit<Package, 'license'>> {
  resolved?: string;
  integrity?: string;
  link?: boolean;
  inBundle?: boolean;
  license?: string;
}

const manifest: Package = JSON.parse(readText('package.json'));
const lock: { lockfileVersion: number; packages: Record<string, LockEntry> } = JSON.parse(readText('package-lock.json'));
const tracked = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT })
  .toString()
  .split('\0')
  .filter((file) => file !== '' && isFile(file));

/** Licences that ask for no more than a notice. */
const PERMISSIVE = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'PSF-2.0',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);

/** Package → why its stated licence is taken although it is not in the list. */
const LICENCE_EXCEPTIONS: Record<string, string> = {};

test('is Apache-2.0, with the text of the licence', () => {
  assert.equal(manifest.license, 'Apache-2.0');
  assert.match(readText('LICENSE'), /Apache License\s+Version 2\.0/);
});

test('installs with the Node a machine has and runs with the one it brings', () => {
  assert.match(manifest.engines.node ?? '', /^>=\d+/);
  assert.match(manifest.devDependencies.node ?? '', /^26\.\d+\.\d+$/, 'node 26, pinned');
  assert.equal(manifest.allowScripts.node, true, 'the package `node` fetches its binary when it is installed');
  assert.equal(process.versions.node, manifest.devDependencies.node, 'npm scripts run on the pinned Node');
});

test('every direct dependency is pinned to one version, the one of the lock file', () => {
  const root = lock.packages[''];
  assert.ok(root);
  for (const part of ['dependencies', 'devDependencies', 'optionalDependencies'] as const) {
    assert.deepEqual(root[part], manifest[part], `${part} of package-lock.json and package.json`);
    for (const [name, version] of Object.entries(manifest[part])) {
      assert.match(version, /^\d+\.\d+\.\d+$/, name);
      const locked = lock.packages[`node_modules/${name}`];
      if (part !== 'optionalDependencies' || locked !== undefined) assert.equal(locked?.version, version, name);
    }
  }
  assert.equal(root.version, manifest.version);
});

test('the lock file names no host, and every package by its hash', () => {
  assert.equal(lock.lockfileVersion, 3);
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === '') continue;
    assert.doesNotMatch(entry.resolved ?? '', /:\/\//, path);
    assert.ok(entry.integrity !== undefined || entry.inBundle === true, `${path} has no integrity`);
  }
});

test('every package that is installed has a permissive licence', () => {
  const unclear: string[] = [];
  const named = new Set<string>();
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === '') continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const licence = licenceOf(path) ?? entry.license;
    if (licence !== undefined && isPermissive(licence)) continue;
    named.add(name);
    if (LICENCE_EXCEPTIONS[name] === undefined) unclear.push(`${name}: ${licence ?? 'no licence stated'}`);
  }
  assert.deepEqual(unclear, []);
  assert.deepEqual(
    Object.keys(LICENCE_EXCEPTIONS).filter((name) => !named.has(name)),
    [],
    'exceptions nobody needs any more',
  );
});

test('licence expressions are understood', () => {
  for (const good of ['MIT', '(MIT OR GPL-3.0)', 'MIT AND ISC', 'Apache-2.0 OR MIT']) assert.ok(isPermissive(good), good);
  for (const bad of ['GPL-3.0', 'MIT AND GPL-2.0', 'SEE LICENSE IN LICENSE', '', 'AGPL-3.0 OR SSPL-1.0'])
    assert.ok(!isPermissive(bad), bad);
});

test('the README shows the two commands', () => {
  const lines = readText('README.md').split('\n');
  for (const command of ['npm ci && npm run demo', 'npm ci && npm test']) {
    assert.ok(
      lines.some((line) => line.trim() === command),
      command,
    );
  }
});

test('scripts that the README and the guide name exist', () => {
  for (const file of ['README.md', 'CONTRIBUTING.md']) {
    for (const [, script] of readText(file).matchAll(/\bnpm run ([a-z][a-z:-]*)/g)) {
      assert.ok(manifest.scripts[script!] !== undefined, `${file}: npm run ${script}`);
    }
  }
});

test('no file knows the machine it was written on', () => {
  // In pieces, so that this file does not find itself.
  const traces = ['/wo(?:)rk/', '/ro(?:)ot/', '/tmp/pr(?:)ep', '/ho(?:)me/(?!node\\b)[a-z]', '/Us(?:)ers/[a-z]'];
  const pattern = new RegExp(`(?<![\\w.-])(?:${traces.join('|')})`);
  assert.match(`see ${['', 'work', 'main'].join('/')}`, pattern);
  const found = tracked.filter((file) => !/\.(png|db|gz|zst)$/.test(file) && pattern.test(readText(file)));
  assert.deepEqual(found, []);
});

test('nothing that is built or fetched is tracked', () => {
  assert.ok(tracked.length > 50);
  assert.deepEqual(
    tracked.filter((file) => /^(node_modules|\.cache|out|coverage)\/|\.(db|db-wal|db-shm|key|pem)$|^\.npmrc$/.test(file)),
    [],
  );
  const largest = tracked.map((file) => ({ file, bytes: statSync(join(ROOT, file)).size })).sort((a, b) => b.bytes - a.bytes)[0]!;
  assert.ok(largest.bytes < 5_000_000, `${largest.file} has ${largest.bytes} bytes`);
});

test('the program of continuous integration can be run', () => {
  assert.ok((statSync(join(ROOT, '.ci/run')).mode & 0o111) !== 0, '.ci/run is not executable');
});

test('deploy/ ships this version, and a configuration that it takes', () => {
  const kustomization = parse(readText('deploy/kustomization.yaml')) as { images: { name: string; newTag: string }[] };
  assert.deepEqual(kustomization.images, [{ name: 'crowsnest', newTag: manifest.version }]);
  const configFile = join(ROOT, 'deploy', 'config.yaml');
  const options = parseOptions({ command: 'serve', flags: {}, environment: {}, configFile });
  assert.deepEqual(options.allow, [], 'nothing is written to the cluster unless somebody allows it');
});

/** What an installed package says of its licence; undefined when it is not installed here (another platform's binary) or says nothing. */
function licenceOf(path: string): string | undefined {
  let stated: { license?: string | { type?: string }; licenses?: { type?: string }[] };
  try {
    stated = JSON.parse(readText(join(path, 'package.json')));
  } catch {
    return undefined;
  }
  if (typeof stated.license === 'string') return stated.license;
  return stated.license?.type ?? stated.licenses?.map((each) => each.type).join(' OR ');
}

/** An SPDX expression of AND and OR: one permissive choice is enough of an OR, an AND needs all. Nesting does not occur and is refused. */
function isPermissive(expression: string): boolean {
  const bare = expression.trim().replace(/^\((.*)\)$/, '$1');
  return bare.split(' OR ').some((choice) => choice.split(' AND ').every((licence) => PERMISSIVE.has(licence.trim())));
}

function isFile(file: string): boolean {
  return statSync(join(ROOT, file), { throwIfNoEntry: false })?.isFile() === true;
}

function readText(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}
