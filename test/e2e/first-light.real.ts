import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { measureAlertLatency } from '../../bench/alert-latency.ts';
import { killNine } from '../../bench/kill-nine.ts';
import { startFirstLight } from '../support/first-light.ts';
import { startAlertmanager } from '../support/real-alertmanager.ts';
import { skipWithout } from '../support/skip-real.ts';
import { until } from '../support/until.ts';

interface FindingView {
  id: string;
  summary: string;
  detector: string;
  actor: { name: string; confidence: number };
  decision: { verdict: string };
  subject: { ref: { kind: string; name: string } };
}

describe('first light', { skip: skipWithout('kube-apiserver', 'kubectl', 'alertmanager') }, () => {
  test('a wrong change fires at Alertmanager, is a finding in the API, and is marked on the object, once', async () => {
    const alertmanager = await startAlertmanager({ groupWaitMs: 0 });
    const light = await startFirstLight();
    try {
      await light.create('main', { replicas: 3 });
      const crowsnest = await light.serve(['--alertmanager', alertmanager.url, '--allow', 'event', '--allow', 'annotate=Engine']);
      await light.watched(crowsnest);
      // As a person would: kubectl, not our own client.
      await light.server.kubectl([
        'patch',
        'engines.fleet.example.test',
        'main',
        '--type=merge',
        '-p',
        '{"spec":{"replicas":0}}',
      ]);

      const alert = await until('the alert is active', async () => {
        const answer = await fetch(`${alertmanager.url}/api/v2/alerts?filter=${encodeURIComponent('generator="crowsnest"')}`);
        const alerts = (await answer.json()) as {
          labels: Record<string, string>;
          annotations: Record<string, string>;
          status: { state: string };
          generatorURL: string;
        }[];
        return alerts.find((candidate) => candidate.status.state === 'active' && candidate.labels.name === 'main');
      });
      assert.equal(alert.labels.kind, 'Engine');
      assert.equal(alert.labels.group, 'fleet.example.test');
      assert.equal(alert.labels.cluster, 'real');
      assert.match(alert.annotations.reasons ?? '', /scaled to nothing/);

      const { items } = await crowsnest.get<{ items: FindingView[] }>('/v1/findings?kind=Engine');
      const finding = items.find((item) => item.decision.verdict === 'page');
      assert.ok(finding !== undefined);
      assert.equal(finding.subject.ref.name, 'main');
      assert.equal(finding.actor.name, 'kubectl-patch');
      assert.ok(finding.actor.confidence < 1, 'a manager name is a hint, not proof');
      assert.equal(alert.annotations.finding_id, finding.id);
      assert.ok(alert.generatorURL.endsWith(`#/findings/${finding.id}`));

      const marked = await until('the object is annotated', async () => {
        const object = await light.get('main');
        return object.metadata.annotations?.['crowsnest.dev/finding'] === undefined ? undefined : object;
      });
      assert.equal(marked.metadata.annotations?.['crowsnest.dev/finding'], finding.id);
      await until('an Event says so in kubectl describe', async () =>
        (await light.server.kubectl(['describe', 'engines.fleet.example.test', 'main'])).includes('crowsnest.dev'),
      );
    } finally {
      await light.stop();
      await alertmanager.stop();
    }
  });

  test('a flagged hot loop gets one mark, and our own write is recorded but never judged', async () => {
    const light = await startFirstLight();
    try {
      await light.create('main', { replicas: 3 });
      const crowsnest = await light.serve(['--allow', 'event', '--allow', 'annotate=Engine']);
      await light.watched(crowsnest);
      for (let round = 0; round < 40; round++) {
        await light.patch('main', { replicas: 0 }, 'controller-a');
        await light.patch('main', { replicas: 3 }, 'controller-b');
      }
      const last = await light.patch('main', { replicas: 0 }, 'controller-a');
      await until(
        'the object is annotated',
        async () => (await light.get('main')).metadata.annotations?.['crowsnest.dev/finding'],
      );
      await until('all is recorded', async () => {
        const { items } = await crowsnest.get<{ items: { resourceVersion: string }[] }>('/v1/changes?kind=Engine&limit=1000');
        return items.some((item) => item.resourceVersion === last);
      });
      const { items } = await crowsnest.get<{ items: { own: boolean; paths: string[] }[] }>('/v1/changes?kind=Engine&limit=1000');
      assert.equal(items.filter((item) => item.own).length, 1, 'one annotation for the whole loop');
      const events = JSON.parse(await light.server.kubectl(['get', 'events.events.k8s.io', '-o', 'json'])) as {
        items: { reportingController: string }[];
      };
      assert.equal(
        events.items.filter((event) => event.reportingController.startsWith('crowsnest.dev/')).length,
        1,
        'one Event for the whole loop',
      );
    } finally {
      await light.stop();
    }
  });

  test('20 wrong changes are firing and notified within 2 s at p95 (the bench does 200)', async () => {
    const result = await measureAlertLatency({ changes: 20, gapMs: 100 });
    assert.equal(result.firing, 20, JSON.stringify(result));
    assert.equal(result.notified, 20, JSON.stringify(result));
    assert.ok(result.firingMs.p95 < 2_000 && result.notifiedMs.p95 < 2_000, JSON.stringify(result));
  });

  test('3 kills under 100 changes/s lose no resourceVersion and record none twice (the bench does 20)', async () => {
    const result = await killNine({ kills: 3, changesPerSecond: 100, seed: 7 });
    assert.deepEqual({ lost: result.lost, duplicated: result.duplicated }, { lost: 0, duplicated: 0 }, JSON.stringify(result));
    assert.ok(result.changes > 300, JSON.stringify(result));
  });
});
