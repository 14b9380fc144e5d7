/**
 * Secrets planted in objects of a real cluster, in every place and wrapping that the corpus knows, are in nothing that the program leaves: database
 * and its log, recording, log, alerts, findings, answers of the API. What is no secret is, or the search would show nothing.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Json } from '../../src/domain/json.ts';
import { plantedSecrets } from '../masking/positives.ts';
import { createRandom } from '../masking/random.ts';
import type { CrowsnestProcess } from '../support/crowsnest-process.ts';
import { type FirstLight, GROUP, startFirstLight } from '../support/first-light.ts';
import { skipWithout } from '../support/skip-real.ts';
import { until } from '../support/until.ts';

const MAIN = fileURLToPath(new URL('../../src/crowsnest.js', import.meta.url));
const READABLE = 'canary-that-anybody-may-read';
/** Nothing but the schema of its field says that it is one. */
const OPAQUE = 'a few plain words';
const EACH = 12;

const corpora = [1, 2].map((seed) => plantedSecrets(createRandom(seed)));
const secrets = [OPAQUE, `${OPAQUE} more`, ...corpora.flatMap((planted) => planted.flatMap((one) => one.secrets))].filter(
  (secret) => secret !== '',
);

/** Objects with a dozen each. */
function specs(planted: (typeof corpora)[number], more: Record<string, Json>): Record<string, Json>[] {
  const found: Record<string, Json>[] = [];
  for (let from = 0; from < planted.length; from += EACH) {
    const part = planted.slice(from, from + EACH).map(({ value }, i): [string, Json] => [`case${i}`, value]);
    found.push({ ...more, readable: READABLE, planted: Object.fromEntries(part) });
  }
  return found;
}

describe('planted secrets', { skip: skipWithout('kube-apiserver', 'kubectl') }, () => {
  let light: FirstLight;
  let crowsnest: CrowsnestProcess;
  let recorder: ChildProcess;
  let sink: Server;
  const alerts: string[] = [];
  let recording = '';

  before(async () => {
    light = await startFirstLight();
    const field = { opaque: { type: 'string', format: 'password' } };
    const path = '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties';
    const patch = JSON.stringify([{ op: 'add', path, value: field }]);
    await light.server.kubectl(['patch', 'crd', `engines.${GROUP}`, '--type=json', '-p', patch]);
    sink = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        alerts.push(body);
        response.end('{}');
      });
    }).listen(0, '127.0.0.1');
    await once(sink, 'listening');
    const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;
    crowsnest = await light.serve([
      '--alertmanager',
      url,
      '--log-level',
      'debug',
      '--db',
      join(light.server.folder, 'planted.db'),
    ]);
    recording = join(light.server.folder, 'planted.ndjson');
    const kubeconfig = light.server.kubeconfig('crowsnest');
    recorder = spawn(process.execPath, [MAIN, 'record', recording, '--kubeconfig', kubeconfig, '--cluster', 'real'], {
      stdio: 'ignore',
    });
    await light.watched(crowsnest);
  });
  after(async () => {
    recorder?.kill('SIGKILL');
    sink?.close();
    await light?.stop();
  });

  it('are in nothing that is kept, sent, shown or logged', { timeout: 300_000 }, async () => {
    const [first, second] = corpora.map((planted, i) =>
      specs(planted, { replicas: 3, opaque: i === 0 ? OPAQUE : `${OPAQUE} more` }),
    );
    for (const [i, spec] of (first as Record<string, Json>[]).entries()) await light.create(`engine-${i}`, spec);
    let last = '';
    for (const [i, spec] of (second as Record<string, Json>[]).entries())
      last = await light.patch(`engine-${i}`, { ...spec, replicas: 0 }, 'planter');
    await until('all is recorded', async () => {
      const { items } = await crowsnest.get<{ items: { resourceVersion: string }[] }>('/v1/changes?kind=Engine&limit=1000');
      return items.some(({ resourceVersion }) => resourceVersion === last);
    });
    await until(
      'the recording has it too',
      () => existsSync(recording) && readFileSync(recording).includes(`"resourceVersion":"${last}"`),
    );
    await until('alerts are sent', () => alerts.length > 0);

    const left = await everything();
    for (const [what, bytes] of left) {
      const seen: string[] = [];
      for (const secret of secrets) {
        if (bytes.includes(secret) || bytes.includes(base64(secret))) seen.push(secret);
        // The search takes seconds, in which connections that the server closes must be seen to be closed.
        await setImmediate();
      }
      assert.deepEqual(seen, [], `${what} holds ${seen.length} of them`);
    }
    // What is stored is compressed, so what is read back counts as well.
    for (const what of ['states', 'recording']) assert.ok(left.get(what)?.includes(READABLE), `${what} has what may be read`);
    assert.ok((left.get('planted.db')?.length ?? 0) + (left.get('planted.db-wal')?.length ?? 0) > 100_000);
  });

  it('are listed by place and reason', async () => {
    await until('places are listed', async () => {
      const { items } = await crowsnest.get<{ items: { path: string; reason: string; count: number }[] }>(
        '/v1/masked?kind=Engine',
      );
      const opaque = items.find(({ path }) => path === '/spec/opaque');
      return opaque?.reason === 'schema' && opaque.count > 0 && new Set(items.map(({ reason }) => reason)).size > 8;
    });
    assert.match(await crowsnest.metrics(), /crowsnest_masked_values_total\{reason="token"\} [1-9]/);
  });

  async function everything(): Promise<Map<string, Buffer>> {
    const left = new Map<string, Buffer>();
    for (const file of readdirSync(light.server.folder).filter((name) => name.startsWith('planted')))
      left.set(file, readFileSync(join(light.server.folder, file)));
    left.set('recording', readFileSync(recording));
    left.set('log', Buffer.from(crowsnest.log()));
    left.set('alerts', Buffer.from(alerts.join('\n')));
    const get = (path: string) => crowsnest.get<{ items: { seq: number; id: string }[] }>(path);
    const changes = await get('/v1/changes?kind=Engine&limit=1000');
    const states: string[] = [JSON.stringify(changes)];
    for (const { seq } of changes.items) states.push(JSON.stringify(await crowsnest.get(`/v1/changes/${seq}?states=both`)));
    left.set('states', Buffer.from(states.join('\n')));
    const findings = await get('/v1/findings?limit=1000');
    const told: string[] = [JSON.stringify(findings), JSON.stringify(await get('/v1/masked')), await crowsnest.metrics()];
    for (const { id } of findings.items) told.push(JSON.stringify(await crowsnest.get(`/v1/findings/${id}`)));
    left.set('findings, places, metrics', Buffer.from(told.join('\n')));
    return left;
  }
});

function base64(secret: string): string {
  // The last letters depend on what follows.
  return Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -2);
}
