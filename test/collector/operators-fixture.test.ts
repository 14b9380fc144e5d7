/** The recorded hour of two real operators (fixtures/README.md) through the pipeline: what it holds is what was done. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import type { App } from '../../src/app.ts';
import type { Change } from '../../src/domain/change.ts';
import { seriesId } from '../../src/domain/series/series.ts';
import { TwoWriters } from '../../src/model/detectors/two-writers.ts';
import { temporaryFolder } from '../commands/run-crowsnest.ts';
import { eventsOf, groupOf } from '../contract/check-detector.ts';
import { optionsOf, playedApp } from '../support/beside-a-recorder.ts';

const FOLDER = fileURLToPath(new URL('../../fixtures/operators/', import.meta.url));
const OPERATOR_OF: Record<string, string> = {
  RabbitmqCluster: 'rabbitmq-cluster-operator',
  Prometheus: 'PrometheusOperator',
  PrometheusAgent: 'PrometheusOperator',
  Alertmanager: 'PrometheusOperator',
  ServiceMonitor: 'PrometheusOperator',
};
const ACCOUNTS = 'system:serviceaccount:operators:';
const USERS: Record<string, string> = {
  gitops: 'system:serviceaccount:flux-system:kustomize-controller',
  autoscaler: 'system:serviceaccount:autoscaling:shard-autoscaler',
  ci: 'system:serviceaccount:ci:preview-bot',
  alice: 'alice',
  bob: 'bob',
};

interface Truth {
  from: string;
  to: string;
  operators: Record<string, { version: string; target: string }>;
  fights: {
    name: string;
    object: { kind: string; name: string };
    path: string;
    managers: [string, string];
    from: string;
    to: string;
  }[];
  done: { at: string; who: string; manager: string; did: string; status?: number; resourceVersion?: string; fight?: string }[];
}

const truth: Truth = JSON.parse(readFileSync(join(FOLDER, 'hour.truth.json'), 'utf8'));
const linesOf = (name: string) =>
  zstdDecompressSync(readFileSync(join(FOLDER, name)))
    .toString()
    .split('\n')
    .slice(0, -1);
const timeOf = (line: string) => (JSON.parse(line) as { ts: string }).ts;

describe('the recorded hour of two real operators', () => {
  let app: App;
  let changes: readonly Change[];
  const folder = temporaryFolder();
  const who = (change: Change) => app.store.attribution(change.seq)?.actor ?? change.actor;

  before(async () => {
    const lines = [...linesOf('hour.ndjson.zst'), ...linesOf('hour.claims.ndjson.zst')];
    const merged = lines.map((line) => ({ line, ts: timeOf(line) }));
    merged.sort((a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0));
    const file = join(folder, 'hour.ndjson');
    writeFileSync(file, merged.map(({ line }) => `${line}\n`).join(''));
    app = await playedApp(file, optionsOf({}));
    changes = app.store.changesAfter(0, 100_000);
  });
  after(() => app.stop());

  it('is an hour long, played without a reject, and small', () => {
    assert.ok(Date.parse(truth.to) - Date.parse(truth.from) >= 3_600_000, `${truth.from} to ${truth.to}`);
    assert.equal(app.pipeline.counts.rejects, 0);
    assert.ok(changes.length > 1_500, `${changes.length} changes`);
    const ofTheHour = readdirSync(FOLDER).filter((name) => name.startsWith('hour.'));
    const bytes = ofTheHour.reduce((sum, name) => sum + statSync(join(FOLDER, name)).size, 0);
    assert.ok(bytes < 2_000_000, `${bytes} bytes`);
  });

  it('holds what the operators wrote: status, by their own managers and, as audit tells, their own accounts', () => {
    for (const [kind, manager] of Object.entries(OPERATOR_OF)) {
      const status = changes.filter(
        ({ ref, diff, type }) =>
          ref.kind === kind && type === 'MODIFIED' && diff.length > 0 && diff.every(({ path }) => path.startsWith('/status/')),
      );
      const own = status.filter(({ actor }) => actor.name === manager);
      assert.ok(own.length >= 10, `${own.length} of ${status.length} status changes of ${kind} are by ${manager}`);
      assert.ok(
        own.length / status.length > 0.95,
        `${own.length} of ${status.length} status changes of ${kind} are by ${manager}`,
      );
    }
  });

  it('holds every write that was done, by whom it was', () => {
    const byVersion = new Map(changes.map((change) => [change.resourceVersion, change]));
    const written = truth.done.filter(
      ({ at, status, resourceVersion }) =>
        at > truth.from && status !== undefined && status < 300 && resourceVersion !== undefined,
    );
    assert.ok(written.length > 150, `${written.length} writes`);
    assert.deepEqual(
      written.filter(({ resourceVersion }) => !byVersion.has(resourceVersion!)),
      [],
    );
    const wrong = written.filter(
      ({ who: worker, resourceVersion }) => who(byVersion.get(resourceVersion!)!).name !== USERS[worker],
    );
    assert.deepEqual(wrong, []);
  });

  it('shows two writers fighting over one field, turn by turn', () => {
    const [{ object, path, managers, from, to }] = truth.fights as [Truth['fights'][number]];
    const turns = changes.filter(
      ({ ref, diff, observedMs }) =>
        ref.kind === object.kind &&
        ref.name === object.name &&
        observedMs >= Date.parse(from) &&
        observedMs < Date.parse(to) + 20_000 &&
        diff.some((field) => field.path === path),
    );
    assert.ok(turns.length >= 40, `${turns.length} turns`);
    for (const [i, turn] of turns.entries()) {
      const [first, second] = managers;
      assert.equal(turn.actor.name, i % 2 === 0 ? second : first, `turn ${i} by managedFields`);
      assert.equal(who(turn).name, i % 2 === 0 ? USERS.autoscaler : USERS.gitops, `turn ${i} by audit`);
    }
    const others = changes.filter(
      ({ ref, diff, observedMs, origin }) =>
        ref.name === object.name &&
        origin !== 'list' &&
        observedMs < Date.parse(from) &&
        diff.some((field) => field.path === path),
    );
    assert.deepEqual(others, [], 'before the fight nobody touched the field');
  });

  it('has its fights told within a minute, each as one of two writers', () => {
    const detector = new TwoWriters();
    const told = eventsOf(changes.map((change) => ({ ...change, actor: who(change) }))).flatMap((event) => {
      const evidence = event.fields.length === 0 ? undefined : detector.score(event, groupOf(event));
      const sentence = evidence?.explain().sentence;
      detector.learn(event);
      return sentence === undefined ? [] : [{ name: event.ref.name, atMs: event.atMs, sentence }];
    });
    for (const { object, from, name } of truth.fights) {
      const first = told.find((one) => one.name === object.name && one.atMs >= Date.parse(from));
      assert.ok(first !== undefined && first.atMs < Date.parse(from) + 60_000, `${name}: ${first?.sentence}`);
    }
    const found = app.store.findings({ name: 'edge', limit: 1_000 }).items.filter(({ detector: by }) => by === 'two-writers');
    assert.ok(found.length > 0, 'the whole model says so too');
    assert.match(found.at(-1)!.summary, /shard-autoscaler and kustomize-controller undo each other's writes of spec\.shards/);
  });

  it('shows a person fighting an operator: what she takes away it puts back', () => {
    const fight = truth.fights.find(({ name }) => name === 'finalizer')!;
    const turns = changes.filter(
      ({ ref, diff, observedMs }) =>
        ref.name === fight.object.name &&
        observedMs >= Date.parse(fight.from) &&
        observedMs < Date.parse(fight.to) + 20_000 &&
        diff.some(({ path }) => path.startsWith(fight.path)),
    );
    assert.ok(turns.length >= 20, `${turns.length} turns`);
    for (const [i, turn] of turns.entries()) {
      const op = turn.diff.find(({ path }) => path.startsWith(fight.path))?.op;
      assert.equal(op, i % 2 === 0 ? 'remove' : 'add', `turn ${i}`);
      assert.equal(who(turn).name, i % 2 === 0 ? 'alice' : `${ACCOUNTS}rabbitmq-cluster-operator`, `turn ${i}`);
    }
  });

  it('holds scrapes of both, with what they reconciled and what waited; a restart begins counters anew', () => {
    const page: string[] = linesOf('hour.ndjson.zst').filter((line) => line.startsWith('{"type":"METRICS"'));
    const scrapes = page.map(
      (line) => JSON.parse(line) as { target: string; samples: [string, Record<string, string>, number][] },
    );
    const valuesOf = (operator: string, metric: string, labels: Record<string, string>) => {
      const wanted = seriesId(metric, labels);
      return scrapes
        .filter(({ target }) => target === truth.operators[operator]!.target)
        .flatMap(({ samples }) =>
          samples.flatMap(([name, { instance: _, ...own }, value]) => (seriesId(name, own) === wanted ? [value] : [])),
        );
    };
    const rabbit = valuesOf('rabbitmq-cluster-operator', 'controller_runtime_reconcile_total', {
      controller: 'rabbitmqcluster',
      result: 'success',
    });
    const queue = valuesOf('rabbitmq-cluster-operator', 'workqueue_adds_total', {
      controller: 'rabbitmqcluster',
      name: 'rabbitmqcluster',
    });
    const prometheus = valuesOf('prometheus-operator', 'prometheus_operator_reconcile_operations_total', {
      controller: 'prometheus',
    });
    const waiting = valuesOf('prometheus-operator', 'prometheus_operator_workqueue_adds_total', {
      controller: 'prometheus',
      name: 'prometheus',
    });
    const resets = (values: number[]) => values.filter((value, i) => i > 0 && value < values[i - 1]!).length;
    for (const values of [rabbit, queue, prometheus, waiting]) {
      assert.ok(values.length > 110, `${values.length} values`);
      assert.ok(new Set(values).size > 10, 'they move');
    }
    assert.deepEqual([resets(rabbit), resets(prometheus)], [1, 0]);
  });

  it('ties each controller that did something to the kind it acts on', () => {
    const ties = Object.fromEntries(app.controllers.views().map(({ controller, kinds }) => [controller, kinds[0]?.kind]));
    const expected = { rabbitmqcluster: 'RabbitmqCluster', prometheus: 'Prometheus', 'prometheus-agent': 'PrometheusAgent' };
    for (const [controller, kind] of Object.entries({ ...expected, alertmanager: 'Alertmanager' })) {
      assert.equal(ties[controller], kind, controller);
    }
  });

  it('names no machine, no path and no address but loopback, and no secret', () => {
    const text = [...linesOf('hour.ndjson.zst'), ...linesOf('hour.claims.ndjson.zst'), JSON.stringify(truth)].join('\n');
    const addresses = new Set(text.match(/\b(?:\d{1,3}\.){3}\d{1,3}\b/g));
    const strange = [...addresses].filter((address) => !/^(127\.0\.0\.1|10\.(0|244)\.\d+\.\d+)$/.test(address));
    assert.deepEqual(strange, []);
    assert.doesNotMatch(text, /\/(?:tmp|root|home|work|Users)\/|\bvm_|-token\b/);
  });
});
