/** The short form of the recorded hour (scripts/record-operators.ts): a real operator at work for about a minute, recorded and replayed. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connectKube } from '../../src/kube/http-kube-client.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { crowsnest } from '../commands/run-crowsnest.ts';
import { type ApiUser, MERGE_PATCH } from '../support/api-user.ts';
import { optionsOf, replayOf, startLiveRun } from '../support/beside-a-recorder.ts';
import { skipWithout } from '../support/skip-real.ts';
import { until } from '../support/until.ts';
import { nameOf, pathOf, rabbitmq } from './manifests.ts';
import { type OperatorRig, startOperatorRig } from './rig.ts';

const OPERATOR = 'rabbitmq-cluster-operator';
const ACCOUNT = 'system:serviceaccount:operators:rabbitmq-cluster-operator';

interface Line {
  type: string;
  object?: {
    metadata: { name: string; resourceVersion: string; managedFields?: { manager: string; subresource?: string }[] };
    status?: { conditions?: { type: string; status: string }[] };
  };
  samples?: [string, Record<string, string>, number][];
  claim?: { resourceVersion?: string; user: { name: string } };
}

const missing = skipWithout('kube-apiserver', 'kube-controller-manager', 'kubectl', OPERATOR);

describe('a real operator at work', { skip: missing }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-operator-test-'));
  let rig: OperatorRig;
  let alice: ApiUser;
  before(async () => {
    rig = await startOperatorRig({
      operators: [OPERATOR],
      startsIn: () => 1_000,
      report: (line) => process.stderr.write(`# ${line}\n`),
    });
    alice = rig.user('alice', 'kubectl/v1.36.3 (stand-in)');
  });
  after(async () => {
    await rig?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const write = async (method: string, path: string, body: unknown, type?: string) => {
    const { status, body: answer } = await alice.call(method, path, body, type);
    assert.ok(status < 300, `${method} ${path}: ${status} ${answer.message}`);
    return answer;
  };
  const create = (name: string) => {
    const manifest = rabbitmq('shop', name, 1);
    return write('POST', `${pathOf({ ...nameOf(manifest), name: undefined })}?fieldManager=kubectl-create`, manifest);
  };
  const edit = (name: string, spec: Record<string, unknown>) =>
    write(
      'PATCH',
      `${pathOf({ kind: 'RabbitmqCluster', namespace: 'shop', name })}?fieldManager=kubectl-edit`,
      { spec },
      MERGE_PATCH,
    );

  test('is recorded with its status changes, its metrics and who wrote, and replays', async () => {
    const file = join(folder, 'recording.ndjson');
    const recording = rig.record(file, ['--scrape-interval', '5s', '--audit-log', rig.auditLog, '--log-level', 'warn']);
    const lines = (): Line[] =>
      existsSync(file)
        ? readFileSync(file, 'utf8')
            .split('\n')
            .slice(0, -1)
            .map((line) => JSON.parse(line))
        : [];
    const found = (what: string, holds: (line: Line) => boolean) =>
      until(`recorded: ${what}; the recorder said ${recording.log()}`, () => lines().some(holds), 60_000, 200);
    await create('orders');
    await found('the operator is done', ({ object }) =>
      ['AllReplicasReady', 'ReconcileSuccess'].every((type) =>
        object?.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True'),
      ),
    );
    const { metadata } = await edit('orders', { delayStartSeconds: 45 });
    await found('a change by hand', ({ object }) => object?.metadata.resourceVersion === metadata.resourceVersion);
    await found(
      'who made it, by audit',
      ({ claim }) => claim?.user.name === 'alice' && claim.resourceVersion === metadata.resourceVersion,
    );
    await found('what the operator wrote, by audit', ({ claim }) => claim?.user.name === ACCOUNT);
    await found(
      'its metrics',
      ({ samples }) =>
        samples?.some(
          ([metric, labels, value]) =>
            metric === 'controller_runtime_reconcile_total' && labels.controller === 'rabbitmqcluster' && value > 0,
        ) ?? false,
    );
    await found('a Kubernetes Event of it', ({ type }) => type === 'EVENT');
    const counts = JSON.parse(await recording.stop());
    assert.equal(counts.rejects, 0);

    const managers = new Set(
      lines().flatMap(({ object }) => object?.metadata.managedFields?.map(({ manager }) => manager) ?? []),
    );
    assert.deepEqual([...managers].sort(), ['kubectl-create', 'kubectl-edit', OPERATOR]);
    const replayed = await crowsnest(['replay', file, '--once', '--json']);
    const result = JSON.parse(replayed.out);
    assert.equal(result.rejects, 0, replayed.err);
    assert.ok(result.changes >= 4 && result.observations === counts.observations, replayed.out);
  });

  test('is judged the same live and in the replay of what was recorded', async () => {
    const rules = join(folder, 'rules.yaml');
    writeFileSync(
      rules,
      'rules:\n  - name: stopped\n    kind: RabbitmqCluster\n    path: /spec/replicas\n    op: set\n    value: ^0$\n',
    );
    const file = join(folder, 'beside.ndjson.zst');
    const client = await connectKube({ kubeconfig: rig.server.kubeconfig('crowsnest'), cluster: 'operators' });
    const options = optionsOf({ metricsTarget: [rig.metricsTarget(OPERATOR)], scrapeInterval: '5s' }, rules);
    const live = startLiveRun({ client, clock: systemClock, file, options });
    try {
      await until('what is there is recorded', () => live.changes() >= 1);
      await create('carts');
      await until('the operator has answered', () => live.changes() >= 4);
      await edit('carts', { replicas: 0, image: 'registry.example.com/other:latest', terminationGracePeriodSeconds: 0 });
      await edit('orders', { rabbitmq: { additionalConfig: 'loopback_users = none\n' } });
      const before = live.changes();
      await until('the operator has answered that too', () => live.changes() > before && live.recorded().scrapes >= 2);
      const outcome = await live.finish();
      assert.ok(
        outcome.findings.some(({ verdict, actor }) => verdict.startsWith('page') && actor.startsWith('kubectl-edit')),
        JSON.stringify(outcome.findings, null, 1),
      );
      assert.deepEqual(await replayOf(file, optionsOf({}, rules)), outcome);
    } finally {
      await live.stop();
      await client.close();
    }
  });
});
