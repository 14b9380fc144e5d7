/** What is on its way out goes out, whatever became of what stands beside it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import type { AlertRecord, EffectRecord } from '../../../src/store/store.ts';
import { temporaryFolder } from '../../commands/run-crowsnest.ts';
import { refTo } from '../new-changes.ts';

const alert = (id: string): AlertRecord => ({
  ...{ id, labels: { alertname: id }, annotations: {}, generatorURL: 'http://page/' },
  ...{ startsMs: 1_000, endsMs: 9_000, findingId: 'f' },
});
const effect = (id: string): EffectRecord => ({
  ...{ id, type: 'event', ref: refTo('one'), uid: 'u', resourceVersion: '1' },
  ...{ payload: {}, state: 'pending', attempts: 0, nextMs: 1_000 },
});

test('an alert and a mark of which the text is garbled keep none of the others, and are told', () => {
  const file = join(temporaryFolder(), 'outbox.db');
  const whole = openSqliteStore({ file });
  for (const id of ['a', 'b', 'c']) {
    whole.putAlert(alert(id));
    whole.putEffect(effect(id));
  }
  whole.close();
  const db = new Database(file);
  for (const table of ['alert', 'effect']) db.exec(`UPDATE ${table} SET data = replace(data, '{', '[') WHERE id = 'b'`);
  db.close();
  using store = openSqliteStore({ file });
  assert.deepEqual(
    store.alertsActive(5_000, 0).map(({ id }) => id),
    ['a', 'c'],
  );
  assert.deepEqual(
    store.effectsDue(5_000, 10).map(({ id }) => id),
    ['a', 'c'],
  );
  assert.equal(store.alert('b'), undefined);
  assert.deepEqual(store.alert('c'), alert('c'));
  assert.equal(store.losses, 2);
  // Told again it is whole.
  store.putAlert(alert('b'));
  assert.deepEqual(store.alert('b'), alert('b'));
});
