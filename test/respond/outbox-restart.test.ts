/** The pusher on the real store: what was committed with a finding reaches Alertmanager though both went down in between. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { alertsFor } from '../../src/respond/alert.ts';
import { createAlertmanagerPusher } from '../../src/respond/alertmanager.ts';
import { createPolicy } from '../../src/respond/policy.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { until } from '../support/until.ts';
import { FakeAlertmanager } from './fake-alertmanager.ts';
import { judgement } from './judgements.ts';
import { ManualClock } from './manual-clock.ts';

async function withPusher(store: Store, url: string, clock: ManualClock, body: () => Promise<void>): Promise<void> {
  const stopping = new AbortController();
  const pusher = createAlertmanagerPusher({ urls: [url], store, clock, logger: createLogger('silent') });
  const running = pusher.run(stopping.signal);
  try {
    await body();
  } finally {
    stopping.abort();
    await running;
  }
}

test('a finding committed while Alertmanager is down fires after a restart, and its store still knows it is unresolved', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-outbox-'));
  const file = join(folder, 'crowsnest.db');
  const logger = createLogger('silent');
  const clock = new ManualClock();
  const peer = await new FakeAlertmanager().start();
  await peer.stop();
  try {
    const store = openSqliteStore({ file, logger });
    const policy = createPolicy({});
    const found = policy.decide(judgement({}));
    const context = { externalUrl: 'http://nest.test', wallNowMs: clock.nowMs(), holdMs: 60_000 };
    const alerts = alertsFor(found, store.alertsActive(clock.nowMs(), 0), context);
    store.commitAnalysis({ findings: [found], alerts, state: { policy: policy.save() } });
    await withPusher(store, peer.url, clock, () => until('it backs off', () => clock.sleeping === 1).then(() => undefined));
    store.close();

    clock.advance(3_600_000);
    const reopened = openSqliteStore({ file, logger });
    await peer.start();
    await withPusher(reopened, peer.url, clock, () => until('it arrives', () => peer.held.has('orders')).then(() => undefined));
    assert(Date.parse(peer.held.get('orders')!.endsAt) > clock.nowMs());
    assert.deepEqual(
      reopened.alertsActive(clock.nowMs(), 0).map((alert) => alert.findingId),
      [found.id],
    );
    const again = createPolicy({}, reopened.getState('policy')).decide(judgement({ atMs: 1 }));
    assert.deepEqual(again.decision, { verdict: 'record', why: 'joined to an open episode' });
    reopened.close();
  } finally {
    await peer.stop();
    rmSync(folder, { recursive: true });
  }
});
