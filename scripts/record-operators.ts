/**
 * Records real operators at work for an hour: `node scripts/record-operators.ts FOLDER [MINUTES] [SEED]`. Leaves in the folder the recording as
 * `crowsnest record` wrote it, the audit log of the API server, the Kubernetes Events as a watch told them, what was done when, and logs.
 * scripts/make-operator-fixture.ts makes the fixture of them.
 */
import { appendFileSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createPlayer } from '../test/operators/play-work.ts';
import type { OperatorRig } from '../test/operators/rig.ts';
import { FIGHTS, planWork } from '../test/operators/work-plan.ts';
import { startOperatorSession } from './operator-session.ts';
import { OPERATOR_NAMES } from './real-operators.ts';

const [folder, minutes = '60', seedText = '4'] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: record-operators.ts FOLDER [MINUTES] [SEED]');
const seed = Number(seedText);
const lengthMs = Number(minutes) * 60_000;

const { rig, report, stopping } = await startOperatorSession(folder, seed);
try {
  const steps = planWork(seed).filter((step) => step.atMs < lengthMs);
  const startMs = Date.now() - steps[0]!.atMs;
  const player = createPlayer(rig, report);
  const played = player.play(steps, startMs, stopping);
  const events = watchEvents(rig, join(folder, 'events.ndjson'));
  await delay(startMs - Date.now());
  report(`begin, seed ${seed}`);
  const recording = rig.record(join(folder, 'recording.ndjson.zst'), ['--scrape-interval', '30s']);
  await played;
  await delay(Math.max(0, startMs + lengthMs - Date.now()), undefined, { signal: stopping }).catch(() => {});
  report('the time is over');
  const counts = await recording.stop();
  writeFileSync(join(folder, 'record.log'), recording.log());
  copyFileSync(rig.auditLog, join(folder, 'audit.log'));
  const truth = {
    seed,
    from: new Date(startMs).toISOString(),
    to: new Date().toISOString(),
    operators: Object.fromEntries(
      OPERATOR_NAMES.map((name) => [name, { version: rig.version(name), target: rig.metricsTarget(name) }]),
    ),
    recorded: JSON.parse(counts),
    fights: FIGHTS.map(({ fromMs, toMs, ...fight }) => ({
      ...fight,
      from: new Date(startMs + fromMs).toISOString(),
      to: new Date(startMs + toMs).toISOString(),
    })),
    done: player.done(),
  };
  writeFileSync(join(folder, 'truth.json'), `${JSON.stringify(truth, null, 1)}\n`);
  report(`end: ${counts.trim()}`);
  events.stop();
} finally {
  await rig.stop();
}

/** Kubernetes Events with the time they were told, one a line. */
function watchEvents(from: OperatorRig, file: string): { stop(): void } {
  const user = from.user('admin', 'event-watch/1');
  let stopped = false;
  const run = async () => {
    for (let version = ''; !stopped; ) {
      try {
        const query = version === '' ? '' : `&resourceVersion=${version}`;
        for await (const line of user.watch(`/api/v1/events?watch=true&timeoutSeconds=1800${query}`)) {
          const { type, object } = JSON.parse(line);
          version = type === 'ERROR' ? '' : object.metadata.resourceVersion;
          if (type !== 'ERROR') appendFileSync(file, `${JSON.stringify({ ts: new Date().toISOString(), type, object })}\n`);
        }
      } catch (error) {
        if (!stopped) report(`events: ${error instanceof Error ? error.message : String(error)}`);
      }
      if (!stopped) await delay(1_000);
    }
  };
  void run();
  return {
    stop() {
      stopped = true;
      user.close();
    },
  };
}
