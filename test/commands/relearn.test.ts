/** The program on a record that its model has yet to go through: the API answers meanwhile, a kill costs nothing, findings are the same. */
import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { live, shortStream } from '../support/judged-record.ts';
import { until, untilDone } from '../support/until.ts';
import { get, listening, start, TOKEN, temporaryFolder } from './run-crowsnest.ts';

const CLUSTERS = ['north', 'south', 'east'];
const folder = temporaryFolder();
const file = join(folder, 'record.db');

interface Stats {
  changes: number;
  behind?: { phase: string; done: number; all: number };
}

describe('serve, with a model that has yet to go through the record', () => {
  let recorded = 0;
  let lastMs = 0;

  before(() => {
    const recorder = live(file);
    const batches = shortStream(11);
    for (const cluster of CLUSTERS) {
      for (const batch of batches) {
        const moved = {
          ...batch,
          observations: batch.observations.map((one) => ({ ...one, cluster })),
          scrapes: batch.scrapes?.map((scrape) => ({ ...scrape, cluster })),
        };
        lastMs = Math.max(lastMs, ...batch.observations.map(({ observedMs }) => observedMs));
        recorded += recorder.ingest.record(moved).changes.length;
      }
    }
    recorder.end();
    copyFileSync(file, join(folder, 'undisturbed.db'));
    const judged = live(join(folder, 'undisturbed.db'));
    judged.analysis.catchUp();
    judged.end();
    const unreachable = {
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'c' },
      clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:9' } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      users: [{ name: 'u', user: {} }],
    };
    writeFileSync(join(folder, 'kubeconfig'), JSON.stringify(unreachable));
  });

  const serve = () => start(['serve', '--kubeconfig', join(folder, 'kubeconfig'), '--db', file, '--port', '0']);
  // Once it is up to date, time goes on to the present, and silences since the end of the stream become known.
  const toldBy = (store: ReturnType<typeof openSqliteStore>) => {
    const found: string[] = [];
    for (let next: string | undefined; ; ) {
      const page = store.findings({ limit: 500, toMs: lastMs, ...(next === undefined ? {} : { continue: next }) });
      found.push(...page.items.map((finding) => JSON.stringify([finding.id, finding.score, finding.decision])));
      next = page.continue;
      if (next === undefined) return found.sort();
    }
  };

  it('answers at once, says how far it is, and when killed in the middle goes on where it was', async () => {
    const first = serve();
    const url = await listening(first);
    const stats = await get<Stats>(url, '/v1/stats');
    assert.equal(stats.changes, recorded);
    assert.equal(stats.behind?.phase, 'judging');
    assert.equal(stats.behind.all, recorded);
    const ready = await fetch(`${url}/readyz?verbose=true`);
    assert.match(await ready.text(), /judges what was recorded: \d+ of \d+ changes/);
    const metrics = await (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } })).text();
    assert.match(metrics, /crowsnest_model_behind_changes\{phase="judging"\} [1-9]/);
    const reached = await until('it went through a part', async () => {
      const { behind } = await get<Stats>(url, '/v1/stats');
      return behind !== undefined && behind.done > recorded / 10 && behind.done;
    });
    assert.ok(reached < recorded, 'and not through all of it');
    await first.end('SIGKILL');

    const second = serve();
    const again = await listening(second);
    await untilDone('it is up to date', async () => (await get<Stats>(again, '/v1/stats')).behind);
    await second.end();
    const [one, other] = [openSqliteStore({ file }), openSqliteStore({ file: join(folder, 'undisturbed.db') })];
    assert.ok(toldBy(other).length > 50);
    assert.deepEqual(toldBy(one), toldBy(other));
    one.close();
    other.close();
  });
});
