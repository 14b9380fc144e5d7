import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createStoreAlarm } from '../../src/respond/store-alarm.ts';
import type { AlertRecord } from '../../src/store/store.ts';

/** An alarm whose store is full in the seconds that `isFull` names, watched for so long; who was woken when, and what was active then. */
async function watched(isFull: (second: number) => boolean, seconds: number, wrongBy: (second: number) => number = () => 0) {
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
  const clock = {
    nowMs: () => nowMs + passed + 1_000 * wrongBy(passed / 1_000),
    sleep: async (ms: number) => {
      passed += ms;
      store.readOnly = isFull(passed / 1_000);
      if (passed >= seconds * 1_000) stopping.abort();
    },
  };
  const active = (keepMs = 60_000) => alarm.outbox.alertsActive(clock.nowMs(), keepMs);
  const wake = () => void wakened.push({ at: passed, alerts: active() });
  const alarm = createStoreAlarm({ store, clock: clock as never, externalUrl: () => 'http://x/', wake });
  assert.deepEqual(active(), [own]);
  await alarm.run(stopping.signal);
  return { alarm, active, own, written, nowMs, wakened, times: wakened.map(({ at }) => at / 1_000) };
}

it('fires while nothing can be written, resolves by itself, and is never written', async () => {
  const { alarm, active, own, written, nowMs, wakened, times } = await watched((second) => second >= 2 && second < 20, 40);
  assert.deepEqual(times, [12, 35]);
  const [fired, resolved] = wakened.map(({ alerts }) => alerts[1]) as [AlertRecord, AlertRecord];
  assert.equal(fired.labels.alertname, 'CrowsnestStoreReadOnly');
  assert.equal(fired.startsMs, nowMs + 2_000);
  assert.ok(fired.endsMs > nowMs + 60_000);
  assert.equal(resolved.id, fired.id);
  assert.equal(resolved.endsMs, nowMs + 35_000);
  assert.deepEqual(active(1_000), [own], 'forgotten after it was told often enough');
  alarm.outbox.putAlert(resolved);
  alarm.outbox.putAlert(own);
  assert.deepEqual(written, [own]);
});

it('says nothing of a cap under which room is made time and again', async () => {
  assert.deepEqual((await watched((second) => second % 10 < 4, 1_200)).times, []);
});

it('fires where writes are refused most of the time, and holds until they no longer are', async () => {
  const flapping = await watched((second) => second >= 10 && second < 1_000 && second % 10 !== 0, 1_400);
  assert.deepEqual(flapping.times, [176, 1_149]);
  const [fired] = flapping.wakened.map(({ alerts }) => alerts[1]) as [AlertRecord, AlertRecord];
  assert.equal(fired.startsMs, flapping.nowMs + 11_000);
  assert.match(fired.annotations.summary ?? '', /only now and then/);
  const longer = await watched((second) => second >= 2 && second < 300 && second % 12 !== 0, 700);
  assert.deepEqual(longer.times, [23, 452]);
  assert.match(longer.wakened[0]?.alerts[1]?.annotations.summary ?? '', /cannot write/);
});

it('does not come and go where refusals of some seconds do', async () => {
  // Of each minute a quarter: fired, over, and fired again, it is not over before there was none for five minutes.
  const { times } = await watched((second) => second < 900 && second % 60 >= 10 && second % 60 < 25, 1_500);
  assert.deepEqual(times, [20, 40, 80, 1_165]);
});

it('is over soon after a disk that was full for long', async () => {
  assert.deepEqual((await watched((second) => second >= 2 && second < 2_000, 2_100)).times, [12, 2_015]);
});

it('fires in time where the clock is set back meanwhile', async () => {
  const { times } = await watched(
    (second) => second >= 2,
    60,
    (second) => (second >= 7 ? -3_600 : 0),
  );
  assert.deepEqual(times, [17]);
});

it('stays over where the clock is set back after it was, and begins no later than it ends', async () => {
  // Full for 90 s, over and told so; an hour is taken off the clock later.
  const { times, active, wakened } = await watched(
    (second) => second >= 10 && second < 100,
    300,
    (second) => (second >= 200 ? -3_600 : 0),
  );
  assert.deepEqual(times, [20, 115]);
  assert.ok(wakened.every(({ alerts }) => alerts.every(({ startsMs = 0, endsMs = 0 }) => startsMs <= endsMs)));
  assert.deepEqual(active(60_000).length, 1, 'told of as over for no longer than it was before');
});

it('says so where refusals now and then become a disk that stays full', async () => {
  const { wakened } = await watched((second) => second >= 10 && (second >= 400 || second % 10 !== 0), 600);
  assert.match(wakened.at(0)?.alerts[1]?.annotations.summary ?? '', /only now and then/);
  assert.match(wakened.at(-1)?.alerts[1]?.annotations.summary ?? '', /cannot write/);
});
