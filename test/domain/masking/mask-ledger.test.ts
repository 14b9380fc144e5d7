import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MaskLedger } from '../../../src/domain/masking/mask-ledger.ts';

const KAFKA = { cluster: 'prod', group: 'kafka.example.test', kind: 'Kafka' };

test('counts by kind, path and reason, with the first and the last time', () => {
  const ledger = new MaskLedger();
  ledger.count(KAFKA, '/spec/password', 'name', 20);
  ledger.count(KAFKA, '/spec/password', 'name', 10);
  ledger.count(KAFKA, '/spec/password', 'schema', 30);
  assert.deepEqual(ledger.places(), [
    { ...KAFKA, path: '/spec/password', reason: 'name', count: 2, firstMs: 10, lastMs: 20 },
    { ...KAFKA, path: '/spec/password', reason: 'schema', count: 1, firstMs: 30, lastMs: 30 },
  ]);
  assert.deepEqual(new MaskLedger(ledger.places()).places(), ledger.places());
});

test('a kind with too many places is counted on in one, and the others are not pushed out', () => {
  const ledger = new MaskLedger();
  for (let n = 0; n < 1_000; n++) ledger.count(KAFKA, `/spec/passwords/user${n}`, 'name', n);
  ledger.count({ ...KAFKA, kind: 'Other' }, `/spec/${'x'.repeat(1_000)}`, 'name', 1);
  const places = ledger.places();
  const rest = places.find(({ path }) => path === '…');
  assert.equal(rest?.count, 800);
  assert.equal(places.filter(({ kind }) => kind === 'Kafka').length, 201);
  assert.ok((places.find(({ kind }) => kind === 'Other')?.path.length ?? 0) < 400);
  assert.equal(ledger.size, places.length);
});
