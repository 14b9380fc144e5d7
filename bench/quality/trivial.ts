/** The simplest detectors there are, and chance, as yardsticks: each judges every change by one number. */
import type { Change } from '../../src/domain/change.ts';
import type { Found } from './score.ts';

export const TRIVIAL = { 'new value': newValue, rare: rareKind, count: countPerHour, chance } as const;

const HOUR_MS = 3_600_000;

/** Fields of the change whose value was not seen before in that field of that kind. */
function newValue(changes: readonly Change[]): Found[] {
  const seen = new Set<string>();
  return changes.map((change) => {
    let fresh = 0;
    for (const { generic, new: value } of change.diff) {
      const key = `${change.ref.kind}\u0000${generic}\u0000${JSON.stringify(value)}`;
      if (!seen.has(key)) fresh++;
      seen.add(key);
    }
    return found(change, fresh);
  });
}

/** How seldom this actor did this sort of thing to this kind so far. */
function rareKind(changes: readonly Change[]): Found[] {
  const counts = new Map<string, number>();
  return changes.map((change) => {
    const key = `${change.actor.name}\u0000${change.ref.kind}\u0000${change.type}`;
    const before = counts.get(key) ?? 0;
    counts.set(key, before + 1);
    return found(change, 1 / (1 + before));
  });
}

/** Changes by this actor within the last hour. */
function countPerHour(changes: readonly Change[]): Found[] {
  const recent = new Map<string, number[]>();
  return changes.map((change) => {
    const times = (recent.get(change.actor.name) ?? []).filter((atMs) => change.observedMs - atMs <= HOUR_MS);
    times.push(change.observedMs);
    recent.set(change.actor.name, times);
    return found(change, times.length);
  });
}

function chance(changes: readonly Change[]): Found[] {
  let state = 1;
  return changes.map((change) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return found(change, state / 2 ** 32);
  });
}

function found({ resourceVersion, observedMs: atMs }: Change, score: number): Found {
  return { score, atMs, resourceVersion };
}
