/** A broker that forgets, fails and waits: messages are acknowledged after the commit, and only then. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_INGEST_METRICS } from '../../src/collector/pushed/ingest-metrics.ts';
import type { BrokerMessage, MessageBroker } from '../../src/collector/pushed/message-broker.ts';
import { createMessageSource } from '../../src/collector/pushed/message-source.ts';
import { subjectMatches } from '../../src/collector/pushed/nats-broker.ts';
import type { SourceBatch } from '../../src/collector/source.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { ManualClock } from '../respond/manual-clock.ts';
import { knativeEvent, STRUCTURED } from '../support/cloud-events.ts';
import { until } from '../support/until.ts';

/** Delivers on each connection what is not acknowledged; the connection then stays until it is closed. */
class MemoryBroker implements MessageBroker {
  readonly name = 'memory/test';
  readonly address = 'memory';
  readonly log: string[] = [];
  connections = 0;
  #left: string[];

  constructor(ids: string[]) {
    this.#left = ids;
  }

  async connect() {
    this.connections += 1;
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const left = [...this.#left];
    const message = (id: string): BrokerMessage => ({
      ...{
        id,
        place: `test:${id}`,
        headers: STRUCTURED,
        body: Buffer.from(JSON.stringify(id === 'bad' ? {} : knativeEvent(id))),
      },
      ack: () => this.#done('ack', id),
      discard: () => this.#done('discard', id),
      extend: () => void this.log.push(`extend ${id}`),
    });
    async function* messages() {
      for (const id of left) yield message(id);
      await ended;
    }
    return { messages: messages(), close: async () => end() };
  }

  #done(what: string, id: string): void {
    this.log.push(`${what} ${id}`);
    this.#left = this.#left.filter((each) => each !== id);
  }
}

function run(broker: MessageBroker, sink: (batch: SourceBatch) => Promise<void>) {
  const clock = new ManualClock();
  const stopping = new AbortController();
  const source = createMessageSource({
    ...{ broker, clock, cluster: 'prod-eu', metrics: NO_INGEST_METRICS, random: () => 0, logger: createLogger('silent') },
    store: { delivered: () => new Set<string>() },
  });
  const running = source.run(sink, stopping.signal);
  return {
    clock,
    source,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

test('messages are acknowledged together once they are durable, and what is no message is discarded', async () => {
  const broker = new MemoryBroker(['a', 'bad', 'b']);
  let commit = () => {};
  const batches: SourceBatch[] = [];
  const { clock, stop } = run(broker, (batch) => {
    batches.push(batch);
    return new Promise((resolve) => {
      commit = resolve;
    });
  });
  await until('the batch is being recorded', () => clock.sleeping === 1);
  assert.deepEqual(
    batches[0]?.observations.map(({ object }) => object.metadata.name),
    ['k-a', 'k-b'],
  );
  assert.deepEqual(
    batches[0]?.rejects?.map(({ where }) => where),
    ['test:bad'],
  );
  assert.deepEqual(broker.log, []);
  clock.advance(10_000);
  await until('the broker is asked for patience', () => broker.log.length === 3);
  assert.deepEqual(broker.log.splice(0), ['extend a', 'extend bad', 'extend b']);
  commit();
  await until('all is acknowledged', () => broker.log.length === 3);
  assert.deepEqual(broker.log, ['ack a', 'discard bad', 'ack b']);
  await stop();
});

test('a failed commit acknowledges nothing; after a back-off the messages come again', async () => {
  const broker = new MemoryBroker(['a', 'b']);
  let failures = 0;
  const { clock, stop } = run(broker, async () => {
    failures += 1;
    if (failures <= 3) throw new Error('the disk is gone');
  });
  for (const waitMs of [250, 500, 1000]) {
    await until('it waits', () => clock.sleeping === 1);
    assert.deepEqual(broker.log, []);
    const { connections } = broker;
    clock.advance(waitMs - 1);
    assert.equal(clock.sleeping, 1, 'each time longer');
    clock.advance(1);
    await until('it connects again', () => broker.connections === connections + 1);
  }
  await until('all is acknowledged', () => broker.log.length === 2);
  assert.deepEqual(broker.log, ['ack a', 'ack b']);
  await stop();
});

test('a broker that cannot be reached is tried for ever, at most every half minute', async () => {
  let tries = 0;
  const broker: MessageBroker = { name: 'down', address: 'down', connect: () => Promise.reject(new Error(`no ${++tries}`)) };
  const { clock, source, stop } = run(broker, async () => {});
  for (let i = 1; i <= 20; i++) {
    await until('it waits', () => tries === i && clock.sleeping === 1);
    clock.advance(30_000);
  }
  await until('it goes on', () => tries === 21 && clock.sleeping === 1);
  const spot = source.blindSpot();
  assert.deepEqual([spot?.problem, spot?.what, clock.nowMs() - (spot?.sinceMs ?? 0)], ['source', 'down', 20 * 30_000]);
  assert.match(spot?.reason ?? '', /no 21/);
  assert.deepEqual([source.reach().name, source.reach().state, source.reach().sinceMs], ['down', 'unreachable', spot?.sinceMs]);
  await stop();
});

test('NATS subjects match their filters', () => {
  const cases: [string, string, boolean][] = [
    ['a.b.c', 'a.b.c', true],
    ['a.b.c', 'a.*.c', true],
    ['a.b.c', 'a.>', true],
    ['a.b.c', '>', true],
    ['a', 'a.>', false],
    ['a.b.c', 'a.b', false],
    ['a.b', 'a.b.c', false],
    ['a.b.c', 'a.*', false],
  ];
  for (const [subject, filter, matches] of cases) assert.equal(subjectMatches(subject, filter), matches, `${subject} ${filter}`);
});
