/**
 * What a list shows beside what the watch has recorded, once the watch has passed the list's resourceVersion: all that the list shows must
 * be recorded by then, at least as new. Reads nothing but what it is given, and lets others work in between: what is recorded meanwhile is
 * newer than the list, which says nothing against it.
 */
import { setImmediate as others } from 'node:timers/promises';
import { compareResourceVersions } from '../../domain/resource-version.ts';
import { type KnownHead, keyOf } from './list-comparison.ts';

/** An object of the list; only what is compared. */
export interface Listed {
  namespace: string;
  name: string;
  uid: string;
  resourceVersion: string;
  /** Set while comparing. */
  met?: boolean;
}

/** An object of which the watch seems not to have told all. Both sides where both have it. */
export interface Suspect {
  namespace: string;
  name: string;
  listed: Listed | undefined;
  recorded: KnownHead | undefined;
}

export interface Comparison {
  suspects: Suspect[];
  /** Recorded at a newer resourceVersion than the list shows, which it should have known: the storage may have been set back. */
  ahead: KnownHead[];
}

const HEADS_AT_ONCE = 1_000;

/** `listedAt` is the list's own resourceVersion. Bounded in memory by what differs. */
export async function compareWithRecord(
  listed: ReadonlyMap<string, Listed>,
  recorded: Iterable<KnownHead>,
  listedAt: string,
): Promise<Comparison> {
  const comparison: Comparison = { suspects: [], ahead: [] };
  for (const shown of listed.values()) shown.met = false;
  let heads = 0;
  for (const head of recorded) {
    heads += 1;
    if (heads % HEADS_AT_ONCE === 0) await others();
    const shown = listed.get(keyOf(head.ref.namespace, head.ref.name));
    if (shown !== undefined) shown.met = true;
    if (shown?.uid === head.uid && shown.resourceVersion === head.resourceVersion) continue;
    // What happened after the list says nothing about it.
    if (compareResourceVersions(head.resourceVersion, listedAt) === 'newer') continue;
    const order = shown === undefined ? 'newer' : compareResourceVersions(shown.resourceVersion, head.resourceVersion);
    if (order === 'older') comparison.ahead.push(head);
    else comparison.suspects.push({ namespace: head.ref.namespace, name: head.ref.name, listed: shown, recorded: head });
  }
  for (const shown of listed.values()) {
    const { namespace, name, met } = shown;
    if (met !== true) comparison.suspects.push({ namespace, name, listed: shown, recorded: undefined });
  }
  return comparison;
}
