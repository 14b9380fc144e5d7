/** The pusher against a real Alertmanager: what it shows as active, whom it notifies, when it resolves, and what a restart of either does. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { alertOf, alertsFor } from '../../src/respond/alert.ts';
import { type AlertmanagerPusher, createAlertmanagerPusher } from '../../src/respond/alertmanager.ts';
import type { AlertRecord } from '../../src/store/store.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { finding } from '../respond/judgements.ts';
import { MemoryOutbox } from '../respond/memory-outbox.ts';
import { type ActiveAlert, type Notification, type RealAlertmanager, startAlertmanager } from '../support/real-alertmanager.ts';
import { skipWithout } from '../support/skip-real.ts';
import { until } from '../support/until.ts';

const EXTERNAL_URL = 'https://crowsnest.example.test';
const RESEND_MS = 500;

describe('a real Alertmanager', { skip: skipWithout('alertmanager') }, () => {
  let alertmanager: RealAlertmanager;
  const store = new MemoryOutbox();
  let pusher: AlertmanagerPusher;
  let stopping: AbortController;
  let running: Promise<void>;

  const startPusher = (): void => {
    stopping = new AbortController();
    pusher = createAlertmanagerPusher({
      urls: [alertmanager.url],
      store,
      clock: systemClock,
      logger: createLogger('silent'),
      resendMs: RESEND_MS,
    });
    running = pusher.run(stopping.signal);
  };
  const stopPusher = async (): Promise<void> => {
    stopping.abort();
    await running;
  };
  const context = (holdMs: number): { externalUrl: string; wallNowMs: number; holdMs: number } => ({
    externalUrl: EXTERNAL_URL,
    wallNowMs: systemClock.nowMs(),
    holdMs,
  });
  const open = (name: string, holdMs = 60_000): AlertRecord => {
    const alert = alertOf(finding({ name, id: `finding-${name}`, episode: `episode-${name}` }), context(holdMs));
    store.putAlert(alert);
    pusher.wake();
    return alert;
  };
  const activeOf = async (name: string): Promise<ActiveAlert | undefined> =>
    (await alertmanager.alerts()).find((alert) => alert.labels.name === name && alert.status.state === 'active');
  const notified = (name: string, status: 'firing' | 'resolved'): Notification[] =>
    alertmanager.receiver.notifications.filter((call) =>
      call.alerts.some((alert) => alert.labels.name === name && alert.status === status),
    );

  before(async () => {
    alertmanager = await startAlertmanager({ groupWaitMs: 0, groupIntervalMs: 200 });
    startPusher();
  });
  after(async () => {
    await stopPusher();
    await alertmanager.stop();
  });

  test('an alert is active and its receiver notified, with the labels and the link we gave it', async () => {
    const sent = open('orders');
    const active = await until('it is active', () => activeOf('orders'));
    assert.deepEqual(active.labels, sent.labels);
    assert.deepEqual(active.annotations, sent.annotations);
    assert.equal(active.generatorURL, `${EXTERNAL_URL}/#/findings/finding-orders`);
    assert.equal(Date.parse(active.startsAt), sent.startsMs);
    await until('the receiver is told', () => notified('orders', 'firing').length === 1);
  });

  test('repeats are the same alert: it goes on firing beyond what was announced, and nobody is told twice', async () => {
    open('repeated');
    const first = await until('it is active', () => activeOf('repeated'));
    // Four resends are announced, so after six it would be over if they were not repeated.
    await until('it is repeated', async () => {
      const now = await activeOf('repeated');
      assert(now !== undefined, 'it went away between two repeats');
      assert.equal(now.fingerprint, first.fingerprint);
      return Date.parse(now.endsAt) > Date.parse(first.endsAt) + 6 * RESEND_MS;
    });
    assert.equal(notified('repeated', 'firing').length, 1);
  });

  test('it resolves when its hold is over', async () => {
    open('short', 1_500);
    await until('the receiver is told that it fires', () => notified('short', 'firing').length === 1);
    await until('the receiver is told that it is over', () => notified('short', 'resolved').length === 1);
    assert.equal(await activeOf('short'), undefined);
  });

  test('escalation resolves the old alert and fires the new one', async () => {
    open('escalating');
    await until('it fires', () => notified('escalating', 'firing').length === 1);
    const worse = finding({
      name: 'escalating',
      id: 'finding-worse',
      episode: 'episode-escalating',
      severity: 'critical',
      score: 9,
    });
    for (const alert of alertsFor(worse, [...store.alerts.values()], context(60_000))) store.putAlert(alert);
    pusher.wake();
    await until('the old is over', () => notified('escalating', 'resolved').length === 1);
    const active = await until('the new is active', () => activeOf('escalating'));
    assert.equal(active.labels.severity, 'critical');
    assert.equal(active.annotations.finding_id, 'finding-worse');
  });

  test('a restart of Crowsnest keeps an alert firing without telling anyone again', async () => {
    open('kept');
    const first = await until('it is active', () => activeOf('kept'));
    await stopPusher();
    startPusher();
    await until('it is repeated', async () => {
      const now = await activeOf('kept');
      return now !== undefined && Date.parse(now.endsAt) > Date.parse(first.endsAt);
    });
    assert.equal(notified('kept', 'firing').length, 1);
  });

  test('what opened while Alertmanager was down fires once it is up', async () => {
    await alertmanager.down();
    open('meanwhile');
    await until('the pusher has noticed', () => store.state.get('alertmanager.undelivered')?.includes('[') === true);
    await alertmanager.up();
    await until('it is active', () => activeOf('meanwhile'));
    await until('the receiver is told', () => notified('meanwhile', 'firing').length === 1);
  });

  test('an alert that Alertmanager calls invalid does not take its neighbours along', async () => {
    const odd = alertOf(finding({ name: 'odd', episode: 'episode-odd' }), context(60_000));
    store.putAlert({ ...odd, labels: { ...odd.labels, 'not a label name': 'x' } });
    open('sound');
    await until('the sound one is active', () => activeOf('sound'));
    const rejected = await until('the other is on record', () => pusher.rejections().find((entry) => entry.id === odd.id));
    assert.match(rejected.message, /400/);
    assert.equal(await activeOf('odd'), undefined);
  });
});
