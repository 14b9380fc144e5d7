/**
 * Admission claims on their way into a recording. A claim of admission is joined with its change by a hash over the unmasked content, which must
 * not reach the disk: a short secret could be guessed from it. So it waits here for the change, and is written before it with the hash of the
 * content as it is written, masked. A claim whose change never comes was an attempt, and says nothing.
 */
import type { Observation } from '../../domain/change.ts';
import { contentHash } from '../../domain/content-hash.ts';
import { type KubeObject, refOf } from '../../domain/object-ref.ts';
import type { Claim } from '../../domain/who/claim.ts';

const WAITING_MAX = 1_000;
/** As long as a live run lets one wait. */
const WAIT_MS = 120_000;

export class RecordedAdmission {
  readonly #waiting = new Map<string, { claim: Claim; sinceMs: number }[]>();
  #count = 0;

  /** True when the claim is kept back for its change. */
  take(claim: Claim, nowMs: number): boolean {
    if (claim.contentHash === undefined) return false;
    const { cluster, target } = claim;
    const key = keyOf(cluster, target.group, target.namespace, target.name);
    const kept = (this.#waiting.get(key) ?? []).filter(({ sinceMs }) => nowMs - sinceMs < WAIT_MS);
    this.#put(key, [...kept, { claim, sinceMs: nowMs }]);
    for (const [oldest, list] of this.#waiting) {
      if (this.#count <= WAITING_MAX) break;
      this.#put(oldest, list.slice(1));
    }
    return true;
  }

  /** The claims that saw this object, ready to be written with it. */
  claimsOn({ cluster, object }: Observation, masked: KubeObject, nowMs: number): Claim[] {
    const ref = refOf(cluster, object);
    const key = keyOf(cluster, ref.group, ref.namespace, ref.name);
    const list = this.#waiting.get(key);
    if (list === undefined) return [];
    const seen = contentHash(object);
    const fits = list.filter(({ claim, sinceMs }) => claim.contentHash === seen && nowMs - sinceMs < WAIT_MS);
    if (fits.length === 0) return [];
    this.#put(
      key,
      list.filter((one) => !fits.includes(one)),
    );
    const written = contentHash(masked);
    return fits.map(({ claim }) => ({ ...claim, contentHash: written }));
  }

  #put(key: string, list: { claim: Claim; sinceMs: number }[]): void {
    this.#count += list.length - (this.#waiting.get(key)?.length ?? 0);
    if (list.length === 0) this.#waiting.delete(key);
    else this.#waiting.set(key, list);
  }
}

function keyOf(...parts: string[]): string {
  return parts.join('\u0000');
}
