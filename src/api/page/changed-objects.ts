/** Changes of many objects brought together by object: what happened to each between two times. Pure. */
import { isReport, toldPaths } from './change-words.ts';
import type { Actor, ChangeSummary, ObjectRef } from './types.ts';

export interface ChangedObject {
  key: string;
  ref: ObjectRef;
  /** Newest first. */
  changes: ChangeSummary[];
  what: 'created' | 'changed' | 'deleted' | 'deleted and created anew' | 'created and deleted again' | 'reported on';
  /** Each once, the one with the most changes first; who only reported is left out where somebody did more. */
  actors: Actor[];
  paths: string[];
  /** There is a state before the first change to compare with. */
  wasThere: boolean;
}

/** `changes` newest first; the object changed last comes first. */
export function changedObjects(changes: readonly ChangeSummary[]): ChangedObject[] {
  const byObject = new Map<string, ChangeSummary[]>();
  for (const change of changes) {
    const { cluster, group, kind, namespace, name } = change.ref;
    const key = JSON.stringify([cluster, group, kind, namespace, name]);
    const known = byObject.get(key);
    if (known === undefined) byObject.set(key, [change]);
    else known.push(change);
  }
  return [...byObject].map(([key, own]) => {
    const [newest, oldest] = [own[0] as ChangeSummary, own.at(-1) as ChangeSummary];
    return {
      ...{
        key,
        ref: newest.ref,
        changes: own,
        what: whatHappened(own),
        actors: actorsOf(own.every(isReport) ? own : own.filter((change) => !isReport(change))),
      },
      paths: [...new Set(own.flatMap(toldPaths))].sort(),
      wasThere: oldest.type !== 'ADDED',
    };
  });
}

function whatHappened(changes: readonly ChangeSummary[]): ChangedObject['what'] {
  const [newest, oldest] = [changes[0] as ChangeSummary, changes.at(-1) as ChangeSummary];
  const isNew = oldest.type === 'ADDED';
  if (newest.type === 'DELETED') return isNew ? 'created and deleted again' : 'deleted';
  if (isNew) return 'created';
  if (changes.some(({ type }) => type === 'ADDED')) return 'deleted and created anew';
  return changes.every(isReport) ? 'reported on' : 'changed';
}

function actorsOf(changes: readonly ChangeSummary[]): Actor[] {
  const counts = new Map<string, { actor: Actor; count: number }>();
  for (const { actor } of changes) {
    const known = counts.get(actor.name);
    if (known === undefined) counts.set(actor.name, { actor, count: 1 });
    else {
      known.count += 1;
      if (actor.confidence > known.actor.confidence) known.actor = actor;
    }
  }
  return [...counts.values()].sort((a, b) => b.count - a.count).map(({ actor }) => actor);
}
