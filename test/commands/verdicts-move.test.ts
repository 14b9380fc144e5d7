import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { Finding } from '../../src/domain/finding.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import type { Verdict } from '../../src/domain/verdict.ts';
import { createFeedback } from '../../src/pipeline/feedback.ts';
import { type Life, live, shortStream } from '../support/judged-record.ts';
import { crowsnest, temporaryFolder } from './run-crowsnest.ts';

const NOW_MS = Date.parse('2026-06-01T00:00:00Z');
const SECRET = 'AKIAIOSFODNN7EXAMPLE';

describe('what people said, in a database that moves', () => {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);
  /** Exports hold no scrapes. */
  const batches = shortStream(11).map((batch) => ({ ...batch, scrapes: [] }));
  const plain: Finding[] = [];
  const told: Finding[] = [];
  let given: Verdict[] = [];

  const feedbackOf = ({ store, analysis }: Life) => {
    let ids = store.verdicts().length;
    const hash = keyedHash(Buffer.from('k'));
    return createFeedback({ hash, store, analysis, clock: { nowMs: () => NOW_MS }, newId: () => `v${++ids}` });
  };

  /** A privileged container is called wrong and all else of that object expected, which is taken back in the last tenth. */
  function play(life: Life, seen: Finding[], says: boolean): void {
    let said = 0;
    for (const [i, batch] of batches.entries()) {
      life.analysis.analyze(life.ingest.record(batch).changes);
      const fact = seen.find(({ detector, decision }) => detector === 'fact' && decision.verdict === 'page');
      if (!says || fact === undefined) continue;
      if (said === 0) {
        life.analysis.advance(batch.observations.at(-1)?.observedMs ?? 0);
        const { kind, name = '' } = fact.subject.ref;
        const scope = { cluster: fact.cluster, kind, name };
        feedbackOf(life).give(fact.id, { verdict: 'wrong', by: 'ann', why: `the key ${SECRET} was in it` });
        feedbackOf(life).give(fact.id, { verdict: 'expected', by: 'bob', scope });
        said = 1;
      } else if (said === 1 && i > batches.length * 0.9) {
        feedbackOf(life).withdraw('v2', 'ann');
        said = 2;
      }
    }
  }

  before(async () => {
    const quiet = live(':memory:', plain);
    play(quiet, plain, false);
    quiet.end();
    const life = live(at('live.db'), told);
    play(life, told, true);
    given = life.store.verdicts();
    life.end();
    const { code, err } = await crowsnest(['db', 'export', at('all.ndjson'), '--db', at('live.db')]);
    assert.equal(code, 0, err);
    assert.match(err, /changes exported, 3 words of people on findings/);
  });

  it('made a difference', () => {
    assert.equal(given.length, 2);
    assert.notDeepEqual(
      told.map(({ decision }) => decision),
      plain.map(({ decision }) => decision),
    );
  });

  it('is there after export and import, and judged anew the findings are those of the live run', async () => {
    const copy = at('copy.db');
    const { code, out, err } = await crowsnest(['db', 'import', at('all.ndjson'), '--db', copy]);
    assert.equal(code, 0, err);
    assert.match(out, /; 3 words of people on findings taken over/);
    const seen: Finding[] = [];
    const life = live(copy, seen);
    life.analysis.catchUp();
    assert.deepEqual(life.store.verdicts(), given.map(withoutScrapes));
    assert.deepEqual(seen, told);
    life.end();
    const again = await crowsnest(['db', 'import', at('all.ndjson'), '--db', copy]);
    assert.match(again.out, /^0 changes imported.*0 lines were no changes\n$/);
  });

  it('weighs in a replay of the export as it did live', async () => {
    const found = async (name: string, ...source: string[]) => {
      const { code, err } = await crowsnest(['backtest', ...source, '--findings', at(name), '--log-level', 'error']);
      assert.equal(code, 0, err);
      return readFileSync(at(name), 'utf8').split('\n');
    };
    const replayed = await found('replayed.ndjson', at('all.ndjson'));
    assert.deepEqual(replayed, await found('anew.ndjson', '--db', at('live.db')));
    writeFileSync(
      at('unsaid.ndjson'),
      linesOf((line) => !line.startsWith('{"type":"VERDICT"')),
    );
    assert.notDeepEqual(await found('unsaid-findings.ndjson', at('unsaid.ndjson')), replayed);
  });

  it('holds no secret that somebody wrote down', () => {
    assert.match(readFileSync(at('all.ndjson'), 'utf8'), /the key masked:[0-9a-f]{16} was in it/);
  });

  it('is refused by its line where it is none, and masked on its way in', async () => {
    const verdict = (edit: (said: Record<string, unknown>) => void) => {
      const line = JSON.parse(linesOf((one) => one.startsWith('{"type":"VERDICT"')).split('\n')[0] ?? '');
      edit(line.verdict);
      return JSON.stringify(line);
    };
    const lines = [
      verdict((said) => void Object.assign(said, { scope: { kind: 'Kafka', team: 'x' } })),
      verdict((said) => void Object.assign(said, { by: 'two\nlines' })),
      verdict((said) => void Object.assign(said, { verdict: 'splendid' })),
      verdict((said) => void Object.assign(said, { why: `again ${SECRET}` })),
    ];
    writeFileSync(at('bad.ndjson'), `${lines.join('\n')}\n`);
    const { code, out, err } = await crowsnest(['db', 'import', at('bad.ndjson'), '--db', at('bad.db')]);
    assert.equal(code, 1);
    assert.match(out, /3 lines were no changes; 1 words of people/);
    assert.match(err, /STREAM_BAD_LINE: verdict\.scope has a member that is none of detector, .*bad\.ndjson:1/);
    assert.match(err, /STREAM_BAD_LINE: verdict\.by must be 1 to 1000 printable characters .*bad\.ndjson:2/);
    assert.match(err, /STREAM_BAD_LINE: verdict\.verdict must be one of expected, wrong .*bad\.ndjson:3/);
    const life = live(at('bad.db'));
    assert.match(life.store.verdicts()[0]?.why ?? '', /^again masked:/);
    life.end();
  });

  it('goes with a part of the record where it is said of that', async () => {
    const part = async (filter: string) => (await crowsnest(['db', 'export', '--db', at('live.db'), '--filter', filter])).out;
    const { kind = '' } = JSON.parse(linesOf((line) => line.startsWith('{"type":"VERDICT"')).split('\n')[0] ?? '').verdict.change;
    assert.match(await part(`kind:${kind}`), /"type":"VERDICT"/);
    assert.doesNotMatch(await part(`-kind:${kind}`), /"type":"VERDICT"/);
  });

  function linesOf(which: (line: string) => boolean): string {
    return readFileSync(at('all.ndjson'), 'utf8').split('\n').filter(which).join('\n');
  }
});

function withoutScrapes({ place, withdrawn, ...verdict }: Verdict): Verdict {
  const moved = <T extends Verdict['place']>(there: T) => ({ ...there, position: 0 });
  return {
    ...verdict,
    place: moved(place),
    ...(withdrawn === undefined ? {} : { withdrawn: { ...withdrawn, place: moved(withdrawn.place) } }),
  };
}
