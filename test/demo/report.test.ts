import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newPlanted } from '../../src/demo/anomalies/plot.ts';
import type { AnomalyClass, LookAlike, Planted } from '../../src/demo/planted.ts';
import { isHit, renderReport, reportOf } from '../../src/demo/report.ts';
import type { Finding, FindingSubject } from '../../src/domain/finding.ts';
import type { ObjectRef } from '../../src/domain/object-ref.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const T = Date.UTC(2026, 4, 26, 10);
const ref: ObjectRef = { cluster: 'c', group: 'g', version: 'v1', kind: 'Kafka', namespace: 'streaming', name: 'orders' };

function planted(anomalyClass: AnomalyClass, fields: Partial<Planted> = {}): Planted {
  const base = { ref, tsMs: T, endMs: T, dueMs: T + HOUR, description: 'what', detectHint: 'how' };
  return { ...newPlanted(anomalyClass, anomalyClass), ...base, ...fields };
}

let ids = 0;
function finding(subject: FindingSubject, fields: Partial<Finding> = {}): Finding {
  ids += 1;
  const actor = { name: 'user:ada', source: 'stream' as const, confidence: 1 };
  return {
    id: `f${ids}`,
    cluster: 'c',
    tsMs: T,
    subject,
    actor,
    score: 5,
    onceIn: 100_000,
    detector: 'new-value',
    reasons: [],
    mature: true,
    deterministic: false,
    severity: 'warning',
    summary: 'something odd',
    decision: { verdict: 'page', why: 'over the alert level' },
    episode: `e${ids}`,
    ...fields,
  };
}

function change(resourceVersion: string, fields: Partial<Finding> = {}): Finding {
  return finding({ type: 'change', seq: 1, resourceVersion, changeType: 'MODIFIED', ref, uid: 'u' }, fields);
}

function changeOf(object: ObjectRef, fields: Partial<Finding>): Finding {
  return finding({ type: 'change', seq: 1, resourceVersion: '1', changeType: 'MODIFIED', ref: object, uid: 'v' }, fields);
}

function series(controller: string, tsMs = T): Finding {
  return finding({ type: 'series', ref, controller, metric: 'm' }, { tsMs });
}

function silence(name: Partial<ObjectRef>, fields: { actor?: string; tsMs?: number } = {}): Finding {
  const { actor, tsMs = T + HOUR } = fields;
  return finding({ type: 'silence', ref: { cluster: 'c', kind: 'KafkaUser', ...name }, ...(actor && { actor }) }, { tsMs });
}

describe('a hit', () => {
  const edit = planted('odd-value', { events: [{ resourceVersion: '7', tsMs: T }], actor: 'user:ada', aftermath: ['8'] });
  const burst = planted('mass-delete', { ...edit, class: 'mass-delete', actorEpisode: true, endMs: T + MINUTE });
  const loop = planted('burst', { ...edit, class: 'burst', objectEpisode: true, endMs: T + 9 * MINUTE });
  const other = { ...ref, name: 'payments' };
  const trouble = planted('reconcile-errors', { controller: 'kafka', dueMs: T + 3 * HOUR });
  const users = ['a', 'b'].map((name) => ({ ...ref, kind: 'KafkaUser', name }));
  const job = planted('silence', { silent: users, actor: 'sa:job', dueMs: T + 36 * HOUR });
  const backup = planted('silence', { silent: [ref], dueMs: T + 36 * HOUR });
  const stranger = { name: 'user:ben', source: 'stream' as const, confidence: 1 };

  const cases: [string, boolean, Finding, Planted][] = [
    ['is a page on the event', true, change('7'), edit],
    ['is a page within the hour', true, change('7', { tsMs: T + HOUR }), edit],
    ['is none later', false, change('7', { tsMs: T + HOUR + 1 }), edit],
    ['is none on another event', false, change('9'), edit],
    ['is none on another event of the same person for a single edit', false, change('9', { tsMs: T + MINUTE }), edit],
    ['is a page on the same writer during an incident of many events', true, change('9', { tsMs: T + 2 * MINUTE }), burst],
    ['is none on another writer then', false, change('9', { tsMs: T + 2 * MINUTE, actor: stranger }), burst],
    ['is none on the writer well after it', false, change('9', { tsMs: T + 10 * MINUTE }), burst],
    ['is none on what follows from it', false, change('8'), burst],
    ['is a page on the controller of a looping object', true, change('8', { tsMs: T + 3 * MINUTE, actor: stranger }), loop],
    ['is none on that object well after it', false, change('8', { tsMs: T + HOUR }), loop],
    ['is none on another object during a loop', false, changeOf(other, { tsMs: T + MINUTE }), loop],
    ['is a page on the controller in trouble', true, series('kafka', T + HOUR), trouble],
    ['is none on another controller', false, series('bucket', T + HOUR), trouble],
    ['is none on the controller before', false, series('kafka', T - 1), trouble],
    ['is none on the controller once it is long over', false, series('kafka', T + 3 * HOUR + 1), trouble],
    ['is none on an edit for a controller in trouble', false, change('7'), trouble],
    ['is a page on a silent object', true, silence({ namespace: 'streaming', name: 'a' }), job],
    [
      'is a page on a silent object by whatever writer',
      true,
      silence({ kind: 'Kafka', name: 'orders' }, { actor: 'manager' }),
      backup,
    ],
    ['is a page on the silent writer', true, silence({}, { actor: 'sa:job' }), job],
    ['is a page on the kind that fell silent', true, silence({ namespace: 'streaming' }), job],
    ['is none on a kind of which one object fell silent', false, silence({ kind: 'Kafka' }), backup],
    ['is none on another silent object', false, silence({ name: 'c' }), job],
    ['is none on another silent writer', false, silence({}, { actor: 'sa:other' }), job],
    ['is none on the object in another namespace', false, silence({ namespace: 'web', name: 'a' }), job],
    ['is none before the silence', false, silence({ name: 'a' }, { tsMs: T }), job],
    ['is none after it was due', false, silence({ name: 'a' }, { tsMs: T + 37 * HOUR }), job],
    ['is none on a silence where an edit was planted', false, silence({ name: 'a' }), edit],
  ];
  for (const [name, expected, found, plantedOne] of cases) it(name, () => assert.equal(isHit(found, plantedOne), expected));
});

describe('the report', () => {
  const first = planted('odd-value', { events: [{ resourceVersion: '7', tsMs: T }], aftermath: ['8'] });
  const second = planted('burst', { events: [{ resourceVersion: '20', tsMs: T }], shakenController: 'kafka' });
  const lookAlike: LookAlike = {
    id: 'l',
    class: 'friday-release',
    description: 'as always',
    tsMs: T,
    endMs: T + HOUR,
    events: [{ resourceVersion: '30', tsMs: T }],
    aftermath: [],
  };
  const scenario = { planted: [first, second], lookAlikes: [lookAlike] };

  it('counts nothing found when nothing was alerted', () => {
    const report = reportOf({ scenario, changes: 12, pages: [] });
    assert.deepEqual(
      { ...report, missed: report.missed.map((one) => one.planted) },
      {
        ...{ changes: 12, planted: 2, found: 0, false: 0, findings: [] },
        missed: ['odd-value', 'burst'],
      },
    );
  });

  it('counts episodes, not findings, and an episode with a hit is true as a whole', () => {
    const pages = [
      change('99', { episode: 'x', tsMs: T + 1 }),
      change('7', { episode: 'x', score: 9 }),
      change('98', { episode: 'y' }),
    ];
    const report = reportOf({ scenario, changes: 1, pages });
    assert.deepEqual([report.found, report.false, report.findings.length], [1, 1, 2]);
    const found = report.findings.find(({ verdict }) => verdict === 'planted')!;
    assert.deepEqual([found.planted, found.score, found.object], ['odd-value', 9, 'Kafka streaming/orders']);
  });

  it('counts several alerts on one anomaly once', () => {
    const report = reportOf({ scenario, changes: 1, pages: [change('7'), change('7')] });
    assert.deepEqual([report.found, report.false, report.findings.length], [1, 0, 2]);
  });

  it('counts what follows from an anomaly neither way', () => {
    const report = reportOf({ scenario, changes: 1, pages: [change('8'), series('kafka', T + MINUTE)] });
    assert.deepEqual([report.found, report.false], [0, 0]);
    assert.deepEqual(
      report.findings.map(({ verdict }) => verdict),
      ['aftermath', 'aftermath'],
    );
  });

  it('names the look-alike that was taken for an anomaly', () => {
    const report = reportOf({ scenario, changes: 1, pages: [change('30')] });
    assert.equal(report.false, 1);
    assert.equal(report.findings[0]!.lookAlike, 'friday-release');
  });

  it('names a controller where metrics were alerted', () => {
    const report = reportOf({ scenario, changes: 1, pages: [series('bucket')] });
    assert.equal(report.findings[0]!.object, 'controller bucket');
  });

  it('is JSON with the promised members', () => {
    const report = JSON.parse(JSON.stringify(reportOf({ scenario, changes: 5, pages: [change('7')] })));
    assert.deepEqual(Object.keys(report), ['changes', 'planted', 'found', 'false', 'findings', 'missed']);
  });

  it('reads well: alerts, misses with a hint, the tally and where to look', () => {
    const report = reportOf({ scenario, changes: 12_345, pages: [change('7'), change('30', { tsMs: T + HOUR })] });
    const text = renderReport(report, { pageUrl: 'http://127.0.0.1:8080/' });
    assert.match(text, /^12,345 changes in four weeks; 2 alerts:/);
    assert.match(text, /05-26 10:00 {2}found {6}odd-value +Kafka streaming\/orders\n +something odd/);
    assert.match(text, /05-26 11:00 {2}FALSE {6}\(friday-release\)/);
    assert.match(text, /Missed:\n\n {2}05-26 10:00 {2}burst +what\n +could be seen by this: how/);
    assert.match(text, /Found 1 of the 2 planted anomalies, with 1 false alert\.\nLook at them: http:\/\/127\.0\.0\.1:8080\/\n$/);
    assert.doesNotMatch(renderReport(report), /Look at them/);
  });
});
