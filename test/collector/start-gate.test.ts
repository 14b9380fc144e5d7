import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createStartGate } from '../../src/collector/watch/start-gate.ts';

/** A clock whose sleeps end when told. */
function handClock() {
  const sleepers: (() => void)[] = [];
  const clock = {
    nowMs: () => 0,
    sleep: (_ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        sleepers.push(resolve);
        signal?.addEventListener('abort', () => reject(signal.reason));
      }),
  };
  return { clock, sleepers };
}

describe('start gate', () => {
  const signal = new AbortController().signal;
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('lets so many in, and the next when one leaves', async () => {
    const gate = createStartGate({ places: 2, leaseMs: 1_000, clock: handClock().clock });
    const [leave] = await Promise.all([gate.enter(signal), gate.enter(signal)]);
    let third = false;
    void gate.enter(signal).then(() => {
      third = true;
    });
    await settled();
    assert.equal(third, false);
    leave();
    leave();
    await settled();
    assert.equal(third, true);
    let fourth = false;
    void gate.enter(signal).then(() => {
      fourth = true;
    });
    await settled();
    assert.equal(fourth, false, 'leaving twice frees one place');
  });

  it('takes the place back from one that holds it too long', async () => {
    const { clock, sleepers } = handClock();
    const gate = createStartGate({ places: 1, leaseMs: 1_000, clock });
    await gate.enter(signal);
    const second = gate.enter(signal);
    sleepers[0]?.();
    await second;
  });

  it('lets go of one that gives up waiting', async () => {
    const gate = createStartGate({ places: 1, leaseMs: 1_000, clock: handClock().clock });
    const leave = await gate.enter(signal);
    const impatient = new AbortController();
    const waiting = gate.enter(impatient.signal);
    impatient.abort(new Error('no more'));
    await assert.rejects(waiting, /no more/);
    const next = gate.enter(signal);
    leave();
    await next;
  });

  it('tells how many wait', async () => {
    let waiting = 0;
    const onWaiting = (more: number) => {
      waiting += more;
    };
    const gate = createStartGate({ places: 1, leaseMs: 1_000, clock: handClock().clock, onWaiting });
    const leave = await gate.enter(signal);
    const stop = new AbortController();
    const second = gate.enter(signal);
    const third = gate.enter(stop.signal).catch(() => undefined);
    assert.equal(waiting, 2);
    stop.abort(new Error('stopped'));
    await third;
    leave();
    await second;
    assert.equal(waiting, 0);
  });
});
