/**
 * A gap while a list makes up for it: what of each object is told apart by the comparison becomes a gap of that object, and at the end
 * all together one of the kind. It outlives a list that fails, since what the first attempt delivered is no difference for the second.
 */
import type { Gap } from '../../domain/gap.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { ResourceKind } from '../../kube/discovery.ts';
import type { Found } from './list-comparison.ts';
import type { Break } from './stream-position.ts';

export interface HistoryGapOptions {
  cluster: string;
  kind: Pick<ResourceKind, 'group' | 'kind'>;
  /** The only namespace that is watched, if so. */
  namespace: string | undefined;
  broken: Break;
}

interface Moved {
  fromVersion: string | undefined;
  /** Generations skipped from there. */
  skipped: number;
  /** And up to there, where it moved more than once. */
  before: number;
}

export class HistoryGap {
  readonly broken: Break;
  readonly kind: HistoryGapOptions['kind'];
  readonly #options: HistoryGapOptions;
  /** By uid. */
  readonly #moved = new Map<string, Moved>();

  constructor(options: HistoryGapOptions) {
    this.#options = options;
    this.broken = options.broken;
    this.kind = options.kind;
  }

  /** The gap that a difference shows; undefined when it shows none. */
  of(found: Found, nowMs: number): Gap | undefined {
    const { type, object, origin, before } = found;
    if (origin !== 'relist') return undefined;
    const { uid, name, namespace, resourceVersion } = object.metadata;
    const place = { namespace: typeof namespace === 'string' ? namespace : '', name };
    const versions: Pick<Gap, 'fromVersion' | 'toVersion'> = {};
    if (before !== undefined) versions.fromVersion = before.resourceVersion;
    if (type !== 'DELETED') versions.toVersion = resourceVersion;
    // Told again only so that its content is compared, or changed while the list went on.
    if (versions.fromVersion === versions.toVersion || (type === 'MODIFIED' && before === undefined)) return undefined;
    const generationsSkipped = type === 'DELETED' ? 0 : skipped(before?.generation ?? 0, generationOf(object));
    this.#count(uid, versions.fromVersion, generationsSkipped);
    return { ...this.#common(nowMs), ...place, ...versions, objects: 1, generationsSkipped };
  }

  /** The gap of the kind, once the list is complete at `toVersion`; undefined where there was nothing to list. */
  ofKind(toVersion: string | undefined, nowMs: number): Gap {
    const { from } = this.broken;
    let generationsSkipped = 0;
    for (const { skipped: last, before } of this.#moved.values()) generationsSkipped += before + last;
    return {
      ...this.#common(nowMs),
      ...{ namespace: this.#options.namespace ?? '', name: '' },
      ...(toVersion === undefined ? {} : { toVersion }),
      ...(from === undefined ? {} : { fromVersion: from.resourceVersion }),
      ...{ objects: this.#moved.size, generationsSkipped },
    };
  }

  /** What could not be delivered is found again, from the same version. */
  #count(uid: string, fromVersion: string | undefined, generations: number): void {
    const known = this.#moved.get(uid);
    let before = known?.before ?? 0;
    if (known !== undefined && known.fromVersion !== fromVersion) before += known.skipped;
    this.#moved.set(uid, { fromVersion, skipped: generations, before });
  }

  #common(nowMs: number): Pick<Gap, 'cluster' | 'group' | 'kind' | 'reason' | 'fromMs' | 'toMs'> {
    const { cluster, kind, broken } = this.#options;
    const fromMs = broken.from?.atMs;
    return {
      ...{ cluster, group: kind.group, kind: kind.kind, reason: broken.reason, toMs: nowMs },
      // The clock may have been set back meanwhile.
      ...(fromMs === undefined ? {} : { fromMs: Math.min(fromMs, nowMs) }),
    };
  }
}

/** Generations between two, of which nobody saw the change of spec; what is no number skips none. */
export function skipped(before: number, after: number | undefined): number {
  return after === undefined ? 0 : Math.max(0, after - before - 1);
}

export function generationOf(object: { metadata: JsonObject }): number | undefined {
  const { generation } = object.metadata;
  return typeof generation === 'number' ? generation : undefined;
}
