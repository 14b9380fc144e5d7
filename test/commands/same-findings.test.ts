import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import type { VerdictAnswer } from '../../src/api/answers.ts';
import { readyToPlay } from '../../src/commands/outcome.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { contentHash } from '../../src/domain/content-hash.ts';
import type { Claim } from '../../src/domain/who/claim.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { clientOf } from '../collector/memory-record.ts';
import { type LiveRun, type Outcome, optionsOf, replayOf, startLiveRun } from '../support/beside-a-recorder.ts';
import { type FakeApiServer, type FakeObject, startFakeApiServer } from '../support/fake-api-server.ts';
import { until } from '../support/until.ts';
import { temporaryFolder } from './run-crowsnest.ts';

const HOUR = 3_600_000;
const GROUP = 'fleet.example.test';
const ENGINE = { group: GROUP, version: 'v1', kind: 'Engine', plural: 'engines', namespaced: true };
const VALVE = { group: GROUP, version: 'v1', kind: 'Valve', plural: 'valves', namespaced: true };
/** Nobody has one; a controller has its name. */
const BOILER = { group: GROUP, version: 'v1', kind: 'Boiler', plural: 'boilers', namespaced: true };
const folder = temporaryFolder();
const file = join(folder, 'live.ndjson.zst');

const RULES = `rules:
  - name: engine-stopped
    kind: Engine
    path: /spec/replicas
    op: set
    value: ^0$
`;

/** The hour jumps as the story goes; waiting is done in real time. */
function storyClock(): Clock & { pass(ms: number): void } {
  let now = Date.UTC(2026, 0, 5, 8);
  return {
    nowMs: () => now,
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    pass(ms) {
      now += ms;
    },
  };
}

interface Story {
  api: FakeApiServer;
  clock: ReturnType<typeof storyClock>;
  live: LiveRun;
}

/** Writes, and waits until the live run has recorded it, so that the story is told in one order. */
async function write({ api, live }: Story, object: FakeObject, manager: string): Promise<FakeObject> {
  const changes = live.changes();
  const written = api.apply(object, { manager });
  await until(`${object.kind} ${object.metadata.name} of ${manager} is recorded`, () => live.changes() > changes, 10_000, 1);
  return written;
}

function engine(name: string, spec: Record<string, unknown>): FakeObject {
  return { apiVersion: `${GROUP}/v1`, kind: 'Engine', metadata: { name, namespace: 'yard' }, spec };
}

function valve(name: string, spec: Record<string, unknown>): FakeObject {
  return { apiVersion: `${GROUP}/v1`, kind: 'Valve', metadata: { name, namespace: 'yard' }, spec };
}

function claim(source: 'audit' | 'admission', written: FakeObject, user: string, fields: Partial<Claim>): Claim {
  const target = { group: GROUP, resource: 'engines', kind: 'Engine', namespace: 'yard', name: written.metadata.name };
  return {
    cluster: 'fake',
    source,
    id: `${source} of ${user}`,
    target,
    verb: 'update',
    atMs: 0,
    user: { name: user },
    ...fields,
  };
}

/** Twelve days of a bot, then what nobody has seen before: in each of the ways a live run comes to know of something. */
async function tell(story: Story): Promise<void> {
  const { api, clock, live } = story;
  const spec = { replicas: 3, version: 'v1', password: 'hunter2-hunter2' };
  for (let hour = 1; hour <= 12 * 24; hour++) {
    clock.pass(HOUR);
    await write(story, engine(`e${hour % 3}`, { ...spec, version: `v${hour}` }), 'version-bot');
    if (hour % 8 === 0) await write(story, valve('main', { open: hour % 16 === 0 }), 'valve-controller');
    if (hour % 24 === 0) {
      const samples = ['engine', 'boiler'].map((controller) => ({
        ...{ metric: 'controller_runtime_reconcile_total', labels: { controller }, value: hour },
      }));
      await live.deliver({ observations: [], scrapes: [{ cluster: 'fake', target: 't', tsMs: clock.nowMs(), samples }] });
    }
  }
  clock.pass(10 * 60_000);

  // Found by its user's rule and by the model; audit says later who it was.
  const stopped = await write(
    story,
    engine('e1', { ...spec, replicas: 0, image: 'evil.example/x', privileged: true }),
    'kubectl-edit',
  );
  const told = { atMs: clock.nowMs(), resourceVersion: String(stopped.metadata.resourceVersion) };
  clock.pass(20_000);
  await live.deliver({ observations: [], claims: [claim('audit', stopped, 'alice', told)] });

  // Admission says before the change who is about to make it; its hash is of the unmasked content.
  clock.pass(60_000);
  const next = engine('e2', { ...spec, replicas: 90, password: 'changed-secretly', hostPort: 8080 });
  const held = api.objects.get(ENGINE, 'yard', 'e2');
  const content = {
    ...next,
    metadata: { ...next.metadata, uid: held.metadata.uid, creationTimestamp: held.metadata.creationTimestamp },
  };
  const seen = { atMs: clock.nowMs(), contentHash: contentHash(content as never) };
  await live.deliver({ observations: [], claims: [claim('admission', next, 'mallory', seen)] });
  await write(story, next, 'kubectl-edit');

  // Somebody says that this is as it should be, and takes it back after the next of the sort.
  const onEngine = (name: string) =>
    live.found().find(({ deterministic, subject }) => deterministic && subject.ref.name === name);
  await until('the port is found', () => onEngine('e2') !== undefined);
  const scope = { cluster: 'fake', kind: 'Engine' };
  const said = { verdict: 'expected', by: 'ann', why: 'the new meter; key AKIAIOSFODNN7EXAMPLE', scope };
  const { verdict } = await live.say<VerdictAnswer>(`/v1/findings/${onEngine('e2')?.id}/verdict`, said);

  // An attempt that was refused, and much later somebody else's change of the same content.
  clock.pass(60_000);
  const again = engine('e0', { ...spec, replicas: 70, hostPort: 9090 });
  const before = api.objects.get(ENGINE, 'yard', 'e0');
  const asked = {
    ...again,
    metadata: { ...again.metadata, uid: before.metadata.uid, creationTimestamp: before.metadata.creationTimestamp },
  };
  await live.deliver({
    observations: [],
    claims: [claim('admission', again, 'eve', { atMs: clock.nowMs(), contentHash: contentHash(asked as never) })],
  });
  clock.pass(HOUR);
  await write(story, again, 'kubectl-edit');
  await until('the second port is found', () => onEngine('e0') !== undefined);
  await live.say(`/v1/verdicts/${verdict.id}/withdraw`, { by: 'bob' });
  clock.pass(6 * HOUR);
  await write(story, engine('e1', { ...spec, replicas: 3, hostPort: 7070 }), 'kubectl-edit');

  // While the watch is blind a valve goes and another comes, and history is compacted.
  clock.pass(60_000);
  const changes = live.changes();
  api.faults.down();
  api.remove({ kind: 'Valve', namespace: 'yard', name: 'main' });
  api.apply(valve('spare', { open: true }), { manager: 'kubectl-create' });
  api.compact();
  clock.pass(30 * 60_000);
  api.faults.up();
  await until('what happened in the dark is recorded', () => live.changes() >= changes + 2, 20_000, 5);

  // The bot is not heard of any more: nothing tells of that but time.
  clock.pass(14 * 24 * HOUR);
}

describe('the replay of a recording', () => {
  let live: Outcome;
  let text: string;

  before(async () => {
    const rules = join(folder, 'rules.yaml');
    writeFileSync(rules, RULES);
    const api = await startFakeApiServer({ kinds: [ENGINE, VALVE, BOILER], watchSecondMs: 0 });
    // There before anybody looked: learnt and not judged.
    for (const name of ['e0', 'e1', 'e2']) api.apply(engine(name, { replicas: 3, version: 'v0' }), { manager: 'version-bot' });
    api.apply(engine('stopped', { replicas: 0, privileged: true }), { manager: 'kubectl-edit' });
    const clock = storyClock();
    const options = optionsOf({ timeZone: 'America/New_York', kubeEvents: 'off' }, rules);
    const client = clientOf(api);
    const run = startLiveRun({ client, clock, file, options });
    try {
      await until('the first lists are recorded', () => run.changes() >= 4, 10_000, 2);
      await until('watches are open', () => api.openWatches('engines') === 1 && api.openWatches('valves') === 1);
      await tell({ api, clock, live: run });
      live = await run.finish();
    } finally {
      await run.stop();
      await client.close();
      await api.close();
    }
    text = zstdDecompressSync(readFileSync(file)).toString();
  });

  const replayed = async (lines: string) => {
    const path = join(folder, 'replayed.ndjson');
    writeFileSync(path, lines);
    return replayOf(path, optionsOf({}, join(folder, 'rules.yaml')));
  };

  it('finds what the live run found: the same findings, scores, actors and verdicts', async () => {
    assert.deepEqual(await replayed(text), live);
  });

  it('has something to find in every way', () => {
    const actors = new Set(live.findings.map(({ actor }) => actor.split(' by ')[0]));
    assert.deepEqual(live.controllers.map((tie) => tie.split(/[,.\d]/)[0]?.trim()).sort(), ['boiler: Boiler', 'engine: Engine']);
    assert.ok(live.findings.length > 10, `${live.findings.length} findings`);
    assert.ok(live.findings.some(({ verdict, subject }) => verdict.startsWith('page') && subject.includes('e1')));
    assert.ok(live.findings.some(({ subject }) => subject.startsWith('silence')));
    assert.ok(live.findings.some(({ verdict, subject }) => verdict.includes('as ann said') && subject.includes('e0')));
    assert.ok(actors.has('mallory') && !actors.has('eve'), [...actors].join());
    assert.ok(live.changes.some((change) => / alice by audit /.test(change)));
    assert.ok(live.changes.some((change) => / relist DELETED Valve /.test(change)));
    assert.ok(live.changes.some((change) => / list ADDED Engine yard\/stopped/.test(change)));
    assert.ok(!live.findings.some(({ subject }) => subject.includes('yard/stopped')), 'what was there before is not judged');
  });

  it('holds no secret, nor what one could be guessed by', () => {
    assert.ok(text.includes('masked:'));
    assert.ok(!/hunter2|changed-secretly|AKIAIOSFODNN7EXAMPLE/.test(text));
  });

  it('takes the time zone from the recording, unless told another', async () => {
    assert.equal((await readyToPlay(optionsOf({}), file)).options.timeZone, 'America/New_York');
    assert.equal((await readyToPlay(optionsOf({ timeZone: 'Asia/Tokyo' }), file)).options.timeZone, 'Asia/Tokyo');
  });

  const losses: [what: string, without: (line: string) => string][] = [
    ['origins', (line) => line.replace(/,"origin":"\w+"/, '')],
    ['the passing of time', (line) => (line.startsWith('{"type":"TIME"') ? '' : line)],
    ['the kinds there are', (line) => (line.startsWith('{"type":"KINDS"') ? '' : line)],
    ['what people said', (line) => (line.startsWith('{"type":"VERDICT"') ? '' : line)],
    ['what they took back', (line) => (line.includes('"withdrawn":') ? '' : line)],
    ['claims', (line) => (line.startsWith('{"type":"CLAIM"') ? '' : line)],
    ['the names of managers', (line) => line.replace(/"manager":"[^"]*"/g, '"manager":"x"')],
  ];
  for (const [what, without] of losses) {
    it(`would find something else without ${what}`, async () => {
      const poorer = text.split('\n').map(without).join('\n');
      assert.notEqual(poorer, text);
      assert.notDeepEqual(await replayed(poorer), live);
    });
  }
});
