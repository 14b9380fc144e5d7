/** Where a finding leads: to its object, and to what else changed there then. Pure. */
import type { NamespacePlace, ObjectPlace } from './route-hash.ts';
import type { Finding, ObjectRef } from './types.ts';

const AROUND_MS = 10 * 60_000;

/** The object the finding names, if it names one whole. */
export function wholeRef({ subject }: Finding): ObjectRef | undefined {
  if (subject.type !== 'silence') return subject.ref;
  const { cluster, kind, group, version, namespace, name } = subject.ref;
  if (group === undefined || name === undefined || name === '') return undefined;
  return { cluster, kind, group, version: version ?? 'v1', namespace: namespace ?? '', name };
}

export function objectPlaceOf(finding: Finding): ObjectPlace | undefined {
  const object = wholeRef(finding);
  if (object === undefined || object.name === '') return undefined;
  const { subject } = finding;
  return { view: 'object', object, tab: 'history', ...(subject.type === 'change' ? { at: String(subject.seq) } : {}) };
}

export function aroundPlaceOf({ subject, time, cluster }: Finding): NamespacePlace | undefined {
  const { namespace } = subject.ref;
  return namespace === undefined ? undefined : aroundPlace(cluster, namespace, time);
}

/** Ten minutes before and after. */
export function aroundPlace(cluster: string, namespace: string, time: string): NamespacePlace {
  const ms = Date.parse(time);
  const [from, to] = [ms - AROUND_MS, ms + AROUND_MS].map((each) => new Date(each).toISOString()) as [string, string];
  return { view: 'namespace', cluster, namespace, from, to };
}
