import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CrowsnestError } from '../../src/domain/errors.ts';
import type { Finding } from '../../src/domain/finding.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import type { ToldVerdict } from '../../src/domain/verdict.ts';
import { createToldListener } from '../../src/pipeline/told-verdicts.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { openMemoryStore } from '../support/memory-store.ts';

it('what pages by the time that passed with a verdict is told, though there was no room for the verdict at first', () => {
  const store = openMemoryStore();
  const put = store.putVerdict.bind(store);
  let refusals = 0;
  store.putVerdict = (verdict) => {
    if (refusals++ === 0) throw new CrowsnestError({ code: 'STORE_FULL', what: 'full' });
    put(verdict);
  };
  const silence = { id: 'silence' } as Finding;
  const due = [silence];
  const listen = createToldListener({
    store,
    analysis: {
      // As it is with what was stored: told once.
      advance: () => due.splice(0),
      store: () => [],
      hear: () => {},
      place: () => ({ seq: 0, position: 0 }),
    },
    hash: keyedHash(Buffer.from('k')),
    logger: createLogger('silent'),
  });
  const told: ToldVerdict = {
    ...{ id: 'v1', findingId: 'f1', verdict: 'expected', scope: { cluster: 'c' }, by: 'user:jo' },
    ...{ givenMs: 1_000, expiresMs: 9_000, clockMs: 1_000 },
  };
  assert.throws(() => listen(told), { code: 'STORE_FULL' });
  assert.deepEqual(listen(told), [silence]);
  assert.equal(store.verdicts().length, 1);
  assert.deepEqual(listen(told), []);
});
