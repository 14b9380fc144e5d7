import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { RecordedHeads } from '../../src/collector/recording/recorded-heads.ts';
import { type FakeApiServer, startFakeApiServer } from '../support/fake-api-server.ts';
import { until } from '../support/until.ts';
import { crowsnest, type Running, start, temporaryFolder } from './run-crowsnest.ts';

const WIDGET = { group: 'test.dev', version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true };
const folder = temporaryFolder();
const kubeconfig = join(folder, 'kubeconfig');

let east: FakeApiServer;
let west: FakeApiServer;
before(async () => {
  [east, west] = [await startFakeApiServer({ kinds: [WIDGET] }), await startFakeApiServer({ kinds: [WIDGET] })];
  const one = (name: string, server: string) => ({
    clusters: [{ name, cluster: { server } }],
    contexts: [{ name, context: { cluster: name, user: 'u' } }],
  });
  const [a, b] = [one('east', east.url), one('west', west.url)];
  const both = { clusters: [...a.clusters, ...b.clusters], contexts: [...a.contexts, ...b.contexts] };
  writeFileSync(
    kubeconfig,
    JSON.stringify({ apiVersion: 'v1', kind: 'Config', 'current-context': 'east', users: [{ name: 'u', user: {} }], ...both }),
  );
});
after(async () => {
  await east.close();
  await west.close();
});

function widget(name: string, size: number) {
  return {
    apiVersion: 'test.dev/v1',
    kind: 'Widget',
    metadata: { name, namespace: 'a' },
    spec: { size, password: 'hunter2-hunter2' },
  };
}

function record(file: string, ...args: string[]): Running {
  return start(['record', file, '--kubeconfig', kubeconfig, '--log-level', 'warn', ...args]);
}

/** A write of a Widget as an API server logs it. */
function auditLine(id: number): string {
  const moment = new Date().toISOString();
  return `${JSON.stringify({
    ...{ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'Metadata', auditID: `id-${id}`, stage: 'ResponseComplete' },
    ...{ requestURI: '/apis/test.dev/v1/namespaces/a/widgets/w', verb: 'update', user: { username: 'alice' } },
    objectRef: { apiGroup: 'test.dev', apiVersion: 'v1', resource: 'widgets', namespace: 'a', name: 'w' },
    ...{ responseStatus: { code: 200 }, requestReceivedTimestamp: moment, stageTimestamp: moment },
  })}\n`;
}

interface Line {
  type: string;
  cluster?: string;
  origin?: string;
  timeZone?: string;
  clusters?: string[];
  cursors?: Record<string, string>;
  object?: { metadata: { name: string; resourceVersion: string }; spec?: { size: number; password: string } };
}

function linesOf(file: string): Line[] {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

const story = (lines: Line[]) =>
  lines.flatMap(({ type, cluster, origin, object }) =>
    object === undefined ? [] : [`${cluster} ${origin} ${type} ${object.metadata.name} ${object.spec?.size ?? ''}`.trim()],
  );

describe('record', () => {
  it('leaves a file alone that is no recording: a database, notes, an archive; half a line of a recording is one', async () => {
    const others: [string, Buffer | string][] = [
      ['crowsnest.db', readFileSync(new URL('../../package.json', import.meta.url))],
      ['notes.txt', 'bring milk\nno end'],
      ['archive.gz', gzipSync('somebody else needs this\n')],
      ['binary', Buffer.from([0, 255, 10, 123, 10])],
    ];
    for (const [name, content] of others) {
      const file = join(folder, name);
      writeFileSync(file, content);
      const { code, err } = await crowsnest(['record', file, '--kubeconfig', kubeconfig, '--log-level', 'warn']);
      assert.equal(code, 1, name);
      assert.match(err, /FILE_EXISTS: the file holds something else than a recording and is left as it is/);
      assert.deepEqual(readFileSync(file), Buffer.from(content), name);
      assert.ok(!existsSync(`${file}.key`));
    }
    const broken = join(folder, 'broken.ndjson');
    writeFileSync(broken, '{"type":"RECORDING","ts":"2026-');
    await new RecordedHeads().load(broken, 'here');
  });

  it('writes what two clusters tell into one recording, and goes on with it: what happened meanwhile is found', async () => {
    const file = join(folder, 'both.ndjson');
    east.apply(widget('old', 1));
    const args = ['--context', 'east', '--context', 'west', '--time-zone', 'Europe/Berlin'];
    const first = record(file, ...args);
    await until('the first list is written', () => story(linesOf(file)).length === 1);
    west.apply(widget('new', 2));
    await until('a change of the other cluster is written', () => story(linesOf(file)).length === 2);
    const { code, out, err } = await first.end();
    assert.equal(code, 0, err);
    assert.equal(JSON.parse(out).observations, 2);

    east.apply(widget('old', 7));
    west.remove({ kind: 'Widget', namespace: 'a', name: 'new' });
    const second = record(file, ...args);
    await until('what came meanwhile is written', () => story(linesOf(file)).length >= 4);
    assert.equal((await second.end()).code, 0);

    const lines = linesOf(file);
    assert.deepEqual(lines[0]?.clusters, ['east', 'west']);
    assert.equal(lines[0]?.timeZone, 'Europe/Berlin');
    assert.deepEqual(story(lines).slice(0, 2), ['east list ADDED old 1', 'west watch ADDED new 2']);
    assert.deepEqual(story(lines).slice(2).sort(), ['east watch MODIFIED old 7', 'west watch DELETED new 2']);
    assert.equal(lines.filter(({ type }) => type === 'RECORDING').length, 2);
    assert.equal(lines.at(-1)?.type, 'TIME');
    const secrets = new Set(lines.flatMap(({ object }) => object?.spec?.password ?? []));
    assert.equal(secrets.size, 1, 'a secret that did not change does not seem to have, across the two runs');
    assert.match([...secrets][0]!, /^masked:/);

    const replayed = await crowsnest(['replay', file, '--once', '--json']);
    assert.equal(JSON.parse(replayed.out).changes, 4, replayed.err);
    assert.equal(JSON.parse(replayed.out).rejects, 0);
  });

  it('reads the audit log of each cluster as told of that cluster', async () => {
    const file = join(folder, 'audited.ndjson');
    const logs = { east: join(folder, 'east.log'), west: join(folder, 'west.log') };
    for (const path of Object.values(logs)) writeFileSync(path, '');
    const contexts = ['--context', 'east', '--context', 'west'];
    const running = record(file, ...contexts, '--audit-log', logs.east, '--audit-log', `west=${logs.west}`);
    const told = (cluster: string) => linesOf(file).filter(({ type, cluster: of }) => type === 'CLAIM' && of === cluster).length;
    let written = 0;
    for (const [cluster, path] of Object.entries(logs))
      await until(`a claim of ${cluster}`, () => {
        // As a log does, it grows: what was there before a follower came is not told.
        appendFileSync(path, auditLine(++written));
        return told(cluster) > 0;
      });
    const [east, west] = [told('east'), told('west')];
    assert.equal((await running.end()).code, 0);
    assert.ok(east > 0 && west > 0, `${east} of east, ${west} of west`);

    const misnamed = await crowsnest(['record', file, '--kubeconfig', kubeconfig, ...contexts, '--audit-log', 'wset=audit.log']);
    assert.equal(misnamed.code, 2);
    assert.match(
      misnamed.err,
      /CONFIG_BAD_VALUE: no watched cluster is called "wset"; there is east, west \(--audit-log wset=audit.log\)/,
    );
  });

  it('ends when the recording cannot be written any more, and says why', async () => {
    const { code, err } = await record('/dev/full').ended;
    assert.equal(code, 1, err);
    assert.match(err, /STREAM_UNWRITABLE: .*ENOSPC.*\/dev\/full/);
  });
});
