/** Takes a verdict that a stream tells of, which another run was given: it stands behind what is recorded here by now, and once, however often it is told. */

import type { Finding } from '../domain/finding.ts';
import { type KeyedHash, mask } from '../domain/masking/redact.ts';
import { type Place, STANDING_MAX, type ToldVerdict, type Verdict } from '../domain/verdict.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Analysis } from './analyze.ts';

export type VerdictStore = Pick<Store, 'verdicts' | 'putVerdict' | 'history' | 'changes' | 'finding'>;

export interface TakenVerdict {
  /** `full` where as many as may stand do so already. */
  outcome: 'taken' | 'known' | 'full';
  verdict?: Verdict;
}

/** `seq` is of the change that it stands behind, the newest unless given; `position` is that of the last scrape that was judged. */
export function takeToldVerdict(
  told: ToldVerdict,
  {
    store,
    hash,
    seq = newestSeq(store),
    position = 0,
  }: { store: VerdictStore; hash: KeyedHash; seq?: number; position?: number },
): TakenVerdict {
  const all = store.verdicts();
  const known = all.find(({ id }) => id === told.id);
  if (known !== undefined && (known.withdrawn !== undefined || told.withdrawn === undefined)) return { outcome: 'known' };
  const place: Place = { seq, position, ...clockOf(told) };
  const withdrawn = told.withdrawn === undefined ? {} : { withdrawn: { ...told.withdrawn, place } };
  if (known === undefined && told.withdrawn === undefined && standing(all, told.givenMs) >= STANDING_MAX)
    return { outcome: 'full' };
  const verdict = { ...(known ?? verdictOf(told, place, store, hash)), ...withdrawn };
  store.putVerdict(verdict);
  return { outcome: 'taken', verdict };
}

function newestSeq(store: VerdictStore): number {
  return store.changes({ limit: 1 }).items[0]?.seq ?? 0;
}

function verdictOf(told: ToldVerdict, place: Place, store: VerdictStore, hash: KeyedHash): Verdict {
  const { clockMs: _, change: __, withdrawn: ___, why, ...rest } = told;
  const change = changeOf(told, store);
  return {
    ...rest,
    ...(why === undefined ? {} : { why: mask({ why }, hash).why }),
    place,
    ...(change === undefined ? {} : { change }),
  };
}

/** By what another database knows of it, or by the finding, whose name is the same wherever it is found. */
function changeOf({ change, findingId }: ToldVerdict, store: VerdictStore): Verdict['change'] {
  if (change === undefined) {
    const finding = store.finding(findingId);
    return finding?.subject.type === 'change' ? { seq: finding.subject.seq, ms: finding.tsMs } : undefined;
  }
  const { ref, uid, resourceVersion, type } = change;
  for (const one of store.history(ref)) {
    if (one.uid !== uid || one.resourceVersion !== resourceVersion || one.type !== type) continue;
    return { seq: one.seq, ms: one.observedMs };
  }
  return undefined;
}

function clockOf({ clockMs }: ToldVerdict): { clockMs?: number } {
  return clockMs === undefined ? {} : { clockMs };
}

function standing(all: readonly Verdict[], nowMs: number): number {
  return all.filter(({ withdrawn, expiresMs }) => withdrawn === undefined && expiresMs > nowMs).length;
}

export interface ToldListener {
  store: VerdictStore;
  analysis: Pick<Analysis, 'advance' | 'store' | 'hear' | 'place'>;
  hash: KeyedHash;
  logger: Pick<Logger, 'warn'>;
}

/** For the verdicts of a stream that is being played: gives what pages by the time that had passed when one was given. */
export function createToldListener({ store, analysis, hash, logger }: ToldListener): (told: ToldVerdict) => Finding[] {
  // Outlives a failed write: what was stored before it pages all the same.
  let paged: Finding[] = [];
  return (told) => {
    if (told.clockMs !== undefined) paged.push(...analysis.advance(told.clockMs));
    paged.push(...analysis.store());
    const { outcome, verdict } = takeToldVerdict(told, { store, hash, position: analysis.place().position });
    if (verdict !== undefined) analysis.hear(verdict);
    if (outcome === 'full') logger.warn({ verdict: told.id }, `there are ${STANDING_MAX} verdicts already; this one is left out`);
    const due = paged;
    paged = [];
    return due;
  };
}
