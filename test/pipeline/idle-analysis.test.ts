import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../../src/domain/finding.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { createModel } from '../../src/model/ensemble.ts';
import { createAnalysis } from '../../src/pipeline/analyze.ts';
import { createIdleAnalysis } from '../../src/pipeline/idle-analysis.ts';
import { createIngest } from '../../src/pipeline/ingest.ts';
import { createPolicy } from '../../src/respond/policy.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { kafka, observed } from '../support/objects.ts';

const START = Date.parse('2026-01-05T08:00:00Z');

test('what is recorded with the model off is judged once it is on again', () => {
  const store = openMemoryStore();
  const ingest = createIngest({ store, hash: keyedHash(Buffer.from('k')) });
  const idle = createIdleAnalysis(createModel({}));
  const specs: JsonObject[] = [
    { replicas: 3 },
    { replicas: 3, template: { pod: { securityContext: { privileged: true }, hostNetwork: true } } },
  ];
  for (const [i, spec] of specs.entries()) {
    const observation = observed(i === 0 ? 'ADDED' : 'MODIFIED', kafka('k', String(i + 1), spec), START + i * 60_000);
    assert.deepEqual(idle.analyze(ingest.record({ observations: [observation] }).changes), []);
  }
  idle.advance(START + 3_600_000);
  idle.saveSnapshot();
  assert.equal(store.counts().changes, 2);
  assert.equal(store.counts().findings, 0);

  const seen: Finding[] = [];
  const analysis = createAnalysis({
    store,
    createModel: (snapshot) => createModel({}, snapshot),
    createPolicy: (saved) => createPolicy({ pagesPerWeek: 5 }, saved),
    consequences: () => ({ alerts: [], effects: [] }),
    onFinding: (finding) => seen.push(finding),
  });
  const paged = analysis.catchUp();
  assert.equal(paged.length, 1);
  assert.ok(seen.some((finding) => finding.subject.type === 'change' && finding.subject.resourceVersion === '2'));
});
