/** Whatever is sent, it is taken apart into what can be recorded and into reasons; nothing throws. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { INGEST_REASONS } from '../../src/collector/pushed/ingest-fault.ts';
import { readPolledList } from '../../src/collector/pushed/polled-list.ts';
import { type MessageContext, takeApart } from '../../src/collector/pushed/pushed-message.ts';
import { parseStrictJson } from '../../src/collector/pushed/strict-json.ts';
import { readAdmissionReview } from '../../src/collector/who/admission-review.ts';
import { parseAuditEvents } from '../../src/collector/who/audit-event.ts';
import type { Json, JsonObject } from '../../src/domain/json.ts';
import { CLAIM_VERBS } from '../../src/domain/who/claim.ts';
import { admissionReview } from '../support/admission-review.ts';
import { BATCH, binary, knativeEvent, STRUCTURED } from '../support/cloud-events.ts';
import { kafka } from '../support/objects.ts';

const CONTEXT: MessageContext = { cluster: 'prod-eu', nowMs: 1_800_000_000_000, sender: 'test', messageId: 'm' };
const EVENT = JSON.stringify(knativeEvent('e', { time: '2026-11-27T08:00:00Z', authtype: 'user', authid: 'x' }));
const LINE = JSON.stringify({
  type: 'ADDED',
  ts: '2026-11-27T08:00:00Z',
  cluster: 'prod-eu',
  actor: 'x',
  object: kafka('l', '1', {}),
});

function check(headers: Record<string, string>, body: Buffer): void {
  const { told, references, faults } = takeApart({ headers, body }, CONTEXT);
  // A batch may be empty; of everything else something is said.
  const empty = headers['content-type'] === BATCH['content-type'] && /^\s*\[\s*\]\s*$/.test(body.toString());
  assert.equal(told.length + references + faults.length > 0, !empty);
  for (const { reason, what } of faults)
    assert.ok(INGEST_REASONS.includes(reason) && what.length > 0 && what.length < 1000, what);
  for (const { key, brings } of told) {
    assert.match(key, /^[0-9a-f]{32}$/);
    for (const { cluster, origin, actor, observedMs, object } of brings.observations) {
      assert.deepEqual([cluster, origin, actor], ['prod-eu', 'push', undefined]);
      assert.ok(observedMs <= CONTEXT.nowMs && object.metadata.uid !== '');
    }
    for (const { source } of brings.claims ?? []) assert.equal(source, 'pushed');
  }
}

test('a message with bytes changed, cut or put in is taken apart all the same', () => {
  const forms: [Record<string, string>, string][] = [
    [STRUCTURED, EVENT],
    [BATCH, `[${EVENT},${EVENT}]`],
    [binary(knativeEvent('e')).headers, binary(knativeEvent('e')).body],
    [{}, `${LINE}\n${LINE}\n`],
    [{ 'content-type': 'application/json' }, LINE],
  ];
  const edit = fc.record({ at: fc.nat(5000), drop: fc.nat(20), put: fc.uint8Array({ maxLength: 8 }) });
  fc.assert(
    fc.property(fc.constantFrom(...forms), fc.array(edit, { maxLength: 4 }), ([headers, text], edits) => {
      let body = Buffer.from(text);
      for (const { at, drop, put } of edits) {
        const from = at % (body.length + 1);
        body = Buffer.concat([body.subarray(0, from), put, body.subarray(from + drop)]);
      }
      check(headers, body);
    }),
    { numRuns: 3_000 },
  );
});

test('any JSON in any form, with any attributes, is taken apart', () => {
  const value = fc.json({ maxDepth: 4 });
  const media = fc.constantFrom(
    'application/cloudevents+json',
    'application/cloudevents-batch+json',
    'application/json',
    '',
    'x',
  );
  const attributes = fc.dictionary(
    fc.constantFrom('ce-specversion', 'ce-id', 'ce-source', 'ce-type', 'ce-time', 'ce-__proto__'),
    fc.string(),
  );
  fc.assert(
    fc.property(value, media, attributes, (json, mediaType, named) => {
      check({ ...named, 'content-type': mediaType }, Buffer.from(json));
      const parsed = parseStrictJson(Buffer.from(json));
      assert.ok('value' in parsed);
      parseAuditEvents(parsed.value, 'prod-eu');
      readPolledList(Buffer.from(json), { apiVersion: 'v1', kind: 'T', items: '/0', key: ['/id'] });
    }),
    { numRuns: 2_000 },
  );
});

test('an attribute of every event may be anything', () => {
  const names = fc.constantFrom(
    ...[
      'id',
      'source',
      'type',
      'specversion',
      'subject',
      'time',
      'datacontenttype',
      'data',
      'data_base64',
      'kind',
      'authid',
      'x',
    ],
  );
  fc.assert(
    fc.property(names, fc.jsonValue({ maxDepth: 2 }), (name, value) => {
      check(STRUCTURED, Buffer.from(JSON.stringify({ ...knativeEvent('e'), [name]: value })));
    }),
    { numRuns: 2_000 },
  );
});

test('a field of an audit event or an admission review may be anything', () => {
  const list = JSON.parse(readFileSync(new URL('../../fixtures/audit/event-list.json', import.meta.url), 'utf8')) as {
    items: JsonObject[];
  };
  const [event] = list.items.filter(({ stage }) => stage === 'ResponseComplete');
  const request = admissionReview({}).request as JsonObject;
  const fields = fc.constantFrom(...Object.keys({ ...event, ...request }));
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant('constructor')) as fc.Arbitrary<Json>;
  fc.assert(
    fc.property(fields, value, (name, anything) => {
      const audit = parseAuditEvents({ ...event, [name]: anything }, 'prod-eu');
      const reading = readAdmissionReview(admissionReview({ [name]: anything }), 'prod-eu', CONTEXT.nowMs);
      const claims = [...audit.claims, ...(reading.type === 'claim' ? [reading.claim] : [])];
      for (const { verb } of claims) assert.ok(CLAIM_VERBS.includes(verb), String(verb));
      assert.ok(audit.claims.length + audit.rejects.length + audit.skipped > 0);
    }),
    { numRuns: 3_000 },
  );
});
