import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createStoreAlarm } from '../../src/respond/store-alarm.ts';
import type { AlertRecord } from '../../src/store/store.ts';

it('fires while nothing can be written, resolves by itself, and is never written', async () => {
  const nowMs = 1_000_000;
  let passed = 0;
  const stopping = new AbortController();
  const wakened: { at: number; alerts: AlertRecord[] }[] = [];
  const written: AlertRecord[] = [];
  const own = { id: 'own' } as AlertRecord;
  const store = {
    readOnly: false,
    alertsActive: () => [own],
    putAlert: (alert: AlertRecord) => void written.push(alert),
    getState: () => undefined,
    putState: () => {},
  };
  /** Second 2 to 5 the disk is full. */
  const clock = {
    nowMs: () => nowMs + passed,
    sleep: async (ms: number) => {
      passed += ms;
      store.readOnly = passed >= 2_000 && passed < 5_000;
      if (passed >= 8_000) stopping.abort();
    },
  };
  const active = (keepMs = 60_000) => alarm.outbox.alertsActive(clock.nowMs(), keepMs);
  const wake = () => void wakened.push({ at: passed, alerts: active() });
  const alarm = createStoreAlarm({ store, clock: clock as never, externalUrl: () => 'http://x/', wake });
  assert.deepEqual(active(), [own]);
  await alarm.run(stopping.signal);
  assert.deepEqual(
    wakened.map(({ at }) => at),
    [2_000, 5_000],
  );
  const [fired, resolved] = wakened.map(({ alerts }) => alerts[1]) as [AlertRecord, AlertRecord];
  assert.equal(fired.labels.alertname, 'CrowsnestStoreReadOnly');
  assert.equal(fired.startsMs, nowMs + 2_000);
  assert.ok(fired.endsMs > nowMs + 60_000);
  assert.equal(resolved.id, fired.id);
  assert.equal(resolved.endsMs, nowMs + 5_000);
  assert.deepEqual(active(1_000), [own], 'forgotten after it was told often enough');
  alarm.outbox.putAlert(resolved);
  alarm.outbox.putAlert(own);
  assert.deepEqual(written, [own]);
});
