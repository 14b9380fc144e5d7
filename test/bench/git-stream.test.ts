import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { namespaceOf, resourcesOf } from '../../bench/quality/gitops/documents.ts';
import { streamOfGit } from '../../bench/quality/gitops/git-stream.ts';

const dir = mkdtempSync(join(tmpdir(), 'crowsnest-git-stream-'));
after(() => rmSync(dir, { recursive: true }));

const FIRST_S = Date.UTC(2025, 0, 6, 9) / 1000;
const text = (name: string, size: string) =>
  `apiVersion: example.com/v1\nkind: Queue\nmetadata:\n  name: ${name}\n  labels: {size: ${size}}\nspec:\n  size: ${size}\n`;

interface Made {
  author: string;
  files?: Record<string, string>;
  gone?: string[];
}

/** A bare repository, a commit an hour. */
function repositoryOf(name: string, commits: readonly Made[]): string {
  const folder = join(dir, name);
  const script = commits.map(({ author, files = {}, gone = [] }, i) => {
    const at = `${FIRST_S + 3_600 * i} +0000`;
    const head = `commit refs/heads/main\nauthor ${author} <${author}@example.com> ${at}\ncommitter web <web@example.com> ${at}\ndata 0\n`;
    const written = Object.entries(files).map(
      ([path, body]) => `M 100644 inline ${path}\ndata ${Buffer.byteLength(body)}\n${body}\n`,
    );
    return `${head}${gone.map((path) => `D ${path}\n`).join('')}${written.join('')}\n`;
  });
  execFileSync('git', ['init', '--quiet', '--bare', '--template=', '--initial-branch=main', folder]);
  execFileSync('git', ['--git-dir=.', 'fast-import', '--quiet'], { cwd: folder, input: script.join('') });
  return folder;
}

function streamOf(name: string, commits: readonly Made[]) {
  const out = join(dir, `${name}.jsonl.zst`);
  const counts = streamOfGit({ git: repositoryOf(`${name}.git`, commits), out });
  const lines = zstdDecompressSync(readFileSync(out)).toString('utf8').trimEnd().split('\n');
  return { counts, rows: lines.filter((line) => line !== '').map((line) => JSON.parse(line)) };
}

test('a commit is one row for each custom resource that it adds, alters or removes', () => {
  const { rows, counts } = streamOf('plain', [
    { author: 'ann', files: { 'apps/a.yaml': `${text('a', 's')}---\n${text('b', 's')}` } },
    { author: 'renovate[bot]', files: { 'apps/a.yaml': `${text('a', 'm')}---\n${text('b', 's')}` } },
    { author: 'flux-bot', gone: ['apps/a.yaml'] },
    { author: 'ann', files: { 'apps/a.yaml': text('a', 'm') } },
  ]);
  assert.deepEqual(
    rows.map(({ type, ts, object }) => `${ts} ${type} ${object.metadata.name} ${object.metadata.generation} ${object.spec.size}`),
    [
      '2025-01-06T09:00:00Z ADDED a 1 s',
      '2025-01-06T09:00:00Z ADDED b 1 s',
      '2025-01-06T10:00:00Z MODIFIED a 2 m',
      '2025-01-06T11:00:00Z DELETED a 2 m',
      '2025-01-06T11:00:00Z DELETED b 1 s',
      '2025-01-06T12:00:00Z ADDED a 1 m',
    ],
  );
  assert.deepEqual(counts, { commits: 4, events: { ADDED: 3, MODIFIED: 1, DELETED: 2 }, actors: 3 });
  const actors = rows.map(({ actor }) => actor);
  assert.match(actors[0], /^user:[0-9a-f]{8}$/);
  assert.equal(actors[2], 'bot:renovate');
  assert.match(actors[3], /^bot:[0-9a-f]{6}$/);
  assert.equal(actors[5], actors[0]);
  const versions = rows.map(({ object }) => Number(object.metadata.resourceVersion));
  assert.ok(versions.every((version, i) => i === 0 || version > versions[i - 1]!));
  assert.notEqual(rows[5].object.metadata.uid, rows[0].object.metadata.uid, 'a new life is another identity');
  assert.equal(rows[2].object.metadata.creationTimestamp, '2025-01-06T09:00:00Z');
});

test('a file that moves is no change, and one that is no YAML for once is as it was', () => {
  const { rows } = streamOf('moved', [
    { author: 'ann', files: { 'a.yaml': text('a', 's') } },
    { author: 'ann', gone: ['a.yaml'], files: { 'apps/a.yml': text('a', 's') } },
    { author: 'ann', files: { 'apps/a.yml': 'a: [' } },
    { author: 'ann', files: { 'apps/a.yml': text('a', 'l') } },
  ]);
  assert.deepEqual(
    rows.map(({ type, ts }) => `${ts} ${type}`),
    ['2025-01-06T09:00:00Z ADDED', '2025-01-06T12:00:00Z MODIFIED'],
  );
});

test('an object is in the namespace of the nearest Kustomize file above it, and the same in another folder is another object', () => {
  const { rows } = streamOf('places', [
    {
      author: 'ann',
      files: {
        'apps/kustomization.yaml': 'namespace: media\n',
        'apps/x/a.yaml': text('a', 's'),
        'apps/y/a.yaml': text('a', 'm'),
      },
    },
    { author: 'ann', files: { 'apps/x/kustomization.yaml': 'namespace: other\n' } },
  ]);
  assert.deepEqual(
    rows.map(({ type, object }) => `${type} ${object.metadata.namespace}/${object.metadata.name}`),
    ['ADDED media/a', 'ADDED media.apps-y/a', 'DELETED media/a', 'ADDED other/a'],
  );
});

test('what is built in, encrypted, Kustomize, a test or too large is no object, and mail addresses are hashed', () => {
  const of = (apiVersion: string, more = '') => `apiVersion: ${apiVersion}\nkind: K\nmetadata: {name: n}\n${more}`;
  const none = ['v1', 'apps/v1', 'networking.k8s.io/v1', 'rbac.authorization.k8s.io/v1', 'kustomize.config.k8s.io/v1'];
  for (const apiVersion of none) assert.deepEqual(resourcesOf(of(apiVersion)), [], apiVersion);
  assert.equal(resourcesOf(of('gateway.networking.k8s.io/v1'))?.length, 1);
  assert.deepEqual(resourcesOf(of('example.com/v1', 'sops: {mac: x}\n')), []);
  assert.deepEqual(resourcesOf(of('example.com/v1', `spec: {items: [${'abcdefghij, '.repeat(5_000)}]}\n`)), []);
  const [kept] =
    resourcesOf(of('example.com/v1', `status: {a: 1}\nspec: {mail: ann@example.com, long: ${'x'.repeat(4_000)}}\n`)) ?? [];
  const { spec } = kept as unknown as { spec: { mail: string; long: string } };
  assert.match(spec.mail, /^u[0-9a-f]{8}@mail\.example$/);
  assert.match(spec.long, /^x{400} sha256:[0-9a-f]{64}$/);
  assert.ok(!('status' in (kept as object)));
  assert.equal(resourcesOf('a: b: c'), undefined);
  assert.equal(namespaceOf('resources: []\n'), undefined);
  const { rows } = streamOf('tests', [{ author: 'ann', files: { 'tests/a.yaml': text('a', 's'), 'a.yaml': text('a', 's') } }]);
  assert.equal(rows.length, 1);
});
