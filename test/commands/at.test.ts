/** What `at` prints can be handed to kubectl; the same values under a real kubectl in test/e2e/manifest.real.ts. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { ObjectState } from '../../src/api/answers.ts';
import { TRAPS } from '../support/yaml-traps.ts';
import { crowsnest, recorded, start, temporaryFolder } from './run-crowsnest.ts';

const kafka = (name: string, spec: object, more: object = {}) =>
  JSON.stringify({
    ...{ type: 'ADDED', ts: '2026-01-05T08:00:00Z', cluster: 'prod' },
    object: {
      apiVersion: 'kafka.strimzi.io/v1',
      kind: 'Kafka',
      metadata: { name, namespace: 'streaming', uid: `uid-${name}`, resourceVersion: '1' },
      spec,
      ...more,
    },
  });
const { none: _, ...traps } = TRAPS;

it('at prints YAML that no kubectl reads as other values, and no mask as a value', async () => {
  const file = join(temporaryFolder(), 'recording.ndjson');
  writeFileSync(
    file,
    `${kafka('a', { values: traps })}\n${kafka('b', { password: 'hunter2-hunter2' }, { status: { ready: true } })}\n`,
  );
  const url = await recorded(start(['replay', file, '--port', '0']), 2);
  const { code, out, err } = await crowsnest(['at', '2026-01-06', '--server', url]);
  assert.equal(code, 0, err);
  const [first = '', second = ''] = out.split(/^---\n/m).slice(1);
  for (const version of ['1.1', '1.2'] as const) {
    const [document] = parseAllDocuments(first, { version, logLevel: 'silent' }) as { toJS(): object }[];
    assert.deepEqual(document?.toJS(), {
      apiVersion: 'kafka.strimzi.io/v1',
      kind: 'Kafka',
      metadata: { name: 'a', namespace: 'streaming' },
      spec: { values: traps },
    });
  }
  assert.match(second, /^# Kafka streaming\/b of prod as change 2 left it, .*\n# Left out: .*\/status\n# 1 masked, /);
  assert.match(second, /^ {2}password: @MASKED$/m);
  assert.doesNotMatch(out, /masked:|hunter2/);
  const whole = await crowsnest(['at', '2026-01-06', '--server', url, '--json']);
  const [, { state, manifest }] = whole.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ObjectState) as [object, ObjectState];
  assert.match(JSON.stringify(state.spec), /^\{"password":"masked:[0-9a-f]{16}"\}$/);
  assert.deepEqual([state.status, manifest], [{ ready: true }, undefined]);
});
