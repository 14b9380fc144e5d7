/**
 * Joins claims about who wrote with the changes they speak of, whichever comes first. A claim that comes after its change amends it; one
 * that comes before waits here, and goes when its time is over: what admission saw need not have been written.
 *
 * What waits is bounded by number and age; the oldest goes first, counted. It is held in memory only: after a crash, changes whose
 * claims were waiting keep what managedFields say, unless the source tells again (audit log files do).
 */

import type { Clock } from '../domain/clock.ts';
import { contentHash } from '../domain/content-hash.ts';
import { isBookkeepingPath } from '../domain/diff/bookkeeping.ts';
import { partOf } from '../domain/field-path.ts';
import type { Json } from '../domain/json.ts';
import { type KeyedHash, mask } from '../domain/masking/redact.ts';
import type { KubeObject, ObjectRef } from '../domain/object-ref.ts';
import type { Claim } from '../domain/who/claim.ts';
import {
  type Attribution,
  type Match,
  matchOf,
  SEEN_AFTER_MS,
  SEEN_BEFORE_MS,
  type Written,
  withClaims,
} from '../domain/who/claim-join.ts';
import type { Amendment, ChangeSummary, NewChange, Store } from '../store/store.ts';

/** What became of a claim. */
export type ClaimOutcome = 'joined' | 'amended' | 'confirmed' | 'duplicate' | 'unwatched' | 'expired' | 'overflow';

export interface ClaimBookOptions {
  store: Pick<Store, 'changes' | 'changesNear' | 'attribution'>;
  clock: Pick<Clock, 'nowMs'>;
  hash: KeyedHash;
  /** The kind of a resource, which audit at level Metadata does not name; false when it is known not to be watched. */
  kindOf?: (cluster: string, group: string, resource: string) => string | false | undefined;
  /** Claims of the admission thread that came by now. Asked before each batch: what it saw comes before the change in the watch. */
  drain?: () => Claim[];
  count?: (source: Claim['source'], outcome: ClaimOutcome, more: number) => void;
  /** Claims that wait. Default 10,000. */
  waitingMax?: number;
  /** How long one waits. Default two minutes: an API server sends audit events within 30 s. */
  waitMs?: number;
}

/** The claims of one batch; nothing of it lasts before `commit`, so that a batch that could not be stored can be tried again. */
export interface ClaimSession {
  /** What became known about changes already stored. */
  readonly amendments: Amendment[];
  /** The changes with what claims say about who made them. `object` gives it as it came, not masked, which may mean parsing it. */
  attribute(changes: NewChange[], object: () => KubeObject): NewChange[];
  commit(): void;
}

export interface ClaimBook {
  readonly waiting: number;
  /** Undefined when there is nothing to do, as in a cluster without such sources. */
  begin(claims: readonly Claim[] | undefined): ClaimSession | undefined;
}

interface Waiting {
  claim: Claim;
  sinceMs: number;
}

/** How long a claim that is joined by time waits for changes of its moment. */
const BY_TIME_MS = SEEN_AFTER_MS + 5_000;
const SEEN_MAX = 20_000;
/** Deletions that one `deletecollection` is joined with when it comes late. */
const COLLECTION_MAX = 500;

export function createClaimBook(options: ClaimBookOptions): ClaimBook {
  return new Book(options);
}

class Book implements ClaimBook {
  readonly #options: ClaimBookOptions;
  /** By name of the object, oldest first; insertion order over all is that of arrival. */
  readonly #byObject = new Map<string, Waiting[]>();
  #waiting = 0;
  /** Ids of claims taken, the oldest forgotten first. */
  readonly #seen = new Set<string>();
  /** Drained, or due for a last try, and not settled yet. */
  #arrived: { claim: Claim; last: boolean }[] = [];

  constructor(options: ClaimBookOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting;
  }

  begin(claims: readonly Claim[] | undefined): ClaimSession | undefined {
    for (const claim of this.#options.drain?.() ?? []) this.#arrived.push({ claim, last: false });
    this.#expire();
    const { length } = this.#arrived;
    if (this.#waiting === 0 && length === 0 && (claims === undefined || claims.length === 0)) return undefined;
    return new Session(this, this.#options, [...this.#arrived, ...(claims ?? []).map((claim) => ({ claim, last: false }))]);
  }

  has(claim: Claim): boolean {
    return this.#seen.has(idOf(claim));
  }

  /** Those on the object of this name, and on the collection it belongs to. */
  of(ref: ObjectRef): Waiting[] {
    const named = this.#byObject.get(nameKey(ref.cluster, ref.group, ref.namespace, ref.name)) ?? [];
    const collection = this.#byObject.get(nameKey(ref.cluster, ref.group, ref.namespace, '')) ?? [];
    return collection.length === 0 ? named : [...named, ...collection];
  }

  settle(taken: readonly Claim[], waiting: readonly Claim[], done: ReadonlySet<Claim>): void {
    this.#arrived = [];
    for (const claim of taken) this.#remember(idOf(claim));
    for (const claim of done) this.#drop(claim);
    const sinceMs = this.#options.clock.nowMs();
    for (const claim of waiting) {
      if (done.has(claim)) continue;
      const key = keyOf(claim);
      const list = this.#byObject.get(key);
      if (list === undefined) this.#byObject.set(key, [{ claim, sinceMs }]);
      else list.push({ claim, sinceMs });
      this.#waiting += 1;
    }
    const { waitingMax = 10_000, count } = this.#options;
    while (this.#waiting > waitingMax) {
      const oldest = this.#oldest();
      if (oldest === undefined) break;
      this.#drop(oldest.claim);
      count?.(oldest.claim.source, 'overflow', 1);
    }
  }

  #expire(): void {
    const { clock, waitMs = 120_000, count } = this.#options;
    for (let oldest = this.#oldest(); oldest !== undefined; oldest = this.#oldest()) {
      const { claim, sinceMs } = oldest;
      const byTime = claim.source !== 'admission' && claim.resourceVersion === undefined;
      if (clock.nowMs() - sinceMs < (byTime ? Math.min(waitMs, BY_TIME_MS) : waitMs)) return;
      this.#drop(claim);
      // By now all changes of its moment are recorded, also those that other claims were nearer to.
      if (byTime && claim.verb !== 'deletecollection') this.#arrived.push({ claim, last: true });
      else count?.(claim.source, 'expired', 1);
    }
  }

  /** Names are kept in the order of their first waiting claim, which `#drop` renews; close enough to the order of arrival. */
  #oldest(): Waiting | undefined {
    const first = this.#byObject.values().next();
    return first.done === true ? undefined : first.value[0];
  }

  #drop(claim: Claim): void {
    const key = keyOf(claim);
    const list = this.#byObject.get(key);
    const place = list?.findIndex((waiting) => waiting.claim === claim) ?? -1;
    if (list === undefined || place < 0) return;
    list.splice(place, 1);
    this.#waiting -= 1;
    if (list.length === 0) this.#byObject.delete(key);
    else if (place === 0) {
      this.#byObject.delete(key);
      this.#byObject.set(key, list);
    }
  }

  #remember(id: string): void {
    this.#seen.add(id);
    if (this.#seen.size > SEEN_MAX) for (const oldest of this.#seen) return void this.#seen.delete(oldest);
  }
}

class Session implements ClaimSession {
  readonly amendments: Amendment[] = [];
  readonly #book: Book;
  readonly #options: ClaimBookOptions;
  readonly #taken: Claim[] = [];
  readonly #waiting: Claim[] = [];
  readonly #done = new Set<Claim>();
  readonly #counts: [Claim['source'], ClaimOutcome][] = [];

  constructor(book: Book, options: ClaimBookOptions, claims: readonly { claim: Claim; last: boolean }[]) {
    this.#book = book;
    this.#options = options;
    const ids = new Set<string>();
    for (const { claim: raw, last } of [...claims].sort((a, b) => a.claim.atMs - b.claim.atMs)) {
      if (last) {
        if (this.#amend(raw, raw.target.kind ?? '') === 0) this.#counts.push([raw.source, 'expired']);
        continue;
      }
      if (book.has(raw) || ids.has(idOf(raw))) {
        this.#counts.push([raw.source, 'duplicate']);
        continue;
      }
      ids.add(idOf(raw));
      const claim = { ...raw, target: { ...raw.target }, user: maskedWriter(raw, options.hash) };
      this.#taken.push(claim);
      this.#take(claim);
    }
  }

  #take(claim: Claim): void {
    const { kindOf } = this.#options;
    const { cluster, target } = claim;
    const watched = kindOf?.(cluster, target.group, target.resource);
    if (watched === false) return void this.#counts.push([claim.source, 'unwatched']);
    const kind = target.kind ?? watched;
    if (kind !== undefined) target.kind = kind;
    // Admission comes before the change and is joined by content, which the record does not have.
    const late = claim.source === 'admission' || kind === undefined ? 0 : this.#amend(claim, kind);
    if (late === 0 || claim.verb === 'deletecollection') this.#waiting.push(claim);
  }

  /** Looks for changes already stored that the claim speaks of. Returns how many. */
  #amend(claim: Claim, kind: string): number {
    const { clock } = this.#options;
    const { atMs } = claim;
    const changes = this.#changesFor(claim, kind);
    const found = changes.flatMap((change) => {
      const match = change.own ? undefined : matchOf(claim, writtenOf(change));
      if (match === undefined || (isUnlikelyCreator(claim, { change, match }) && this.#isClaimed(change.seq, claim))) return [];
      return [{ change, match }];
    });
    const nearest = found.sort((a, b) => Math.abs(a.change.observedMs - atMs) - Math.abs(b.change.observedMs - atMs));
    const chosen = claim.verb === 'deletecollection' ? nearest : nearest.slice(0, 1);
    for (const { change, match } of chosen) {
      const before = this.#attribution(change.seq);
      const attribution = before === undefined ? undefined : withClaims(before, [{ claim, match }]);
      if (attribution === undefined || attribution === before) {
        this.#counts.push([claim.source, 'confirmed']);
        continue;
      }
      this.amendments.push({ seq: change.seq, knownMs: clock.nowMs(), attribution });
      this.#counts.push([claim.source, 'amended']);
    }
    return chosen.length;
  }

  /** As it stands with what this batch adds. */
  #attribution(seq: number): Attribution | undefined {
    return this.amendments.findLast((amendment) => amendment.seq === seq)?.attribution ?? this.#options.store.attribution(seq);
  }

  /** Another claim of this source says who made it. */
  #isClaimed(seq: number, { source, id }: Claim): boolean {
    return this.#attribution(seq)?.evidence.some((one) => one.source === source && one.id !== id) === true;
  }

  #changesFor(claim: Claim, kind: string): ChangeSummary[] {
    const { store } = this.#options;
    const { cluster, target, resourceVersion, atMs } = claim;
    const { group, namespace, name } = target;
    const within = { fromMs: atMs - SEEN_BEFORE_MS, toMs: atMs + SEEN_AFTER_MS };
    if (name === '')
      return store.changes({ cluster, group, kind, namespace, type: 'DELETED', ...within, limit: COLLECTION_MAX }).items;
    const near = resourceVersion === undefined ? within : { resourceVersion };
    return store.changesNear({ cluster, group, version: '', kind, namespace, name }, near);
  }

  attribute(changes: NewChange[], object: () => KubeObject): NewChange[] {
    return changes.map((change) => {
      // The end of a former life is nobody's write.
      if (change.own || change !== changes.at(-1)) return change;
      const waiting = [...this.#book.of(change.ref).map(({ claim }) => claim), ...this.#waitingFor(change.ref)];
      if (waiting.length === 0) return change;
      let hash: string | undefined;
      const written: Written = {
        ...writtenOf({ ...change, paths: change.diff.map((field) => field.path) }),
        marked: change.diff.some((field) => field.op === 'add' && field.path === '/metadata/deletionTimestamp'),
        contentHash: () => (hash ??= contentHashOf(object())),
      };
      const joined = waiting.flatMap((claim) => {
        const fits = !this.#done.has(claim) && isKind(claim, change.ref.kind);
        const match = fits ? matchOf(claim, written) : undefined;
        return match === undefined ? [] : [{ claim, match }];
      });
      return joined.length === 0 ? change : this.#joined(change, nearestInTime(joined, change), waiting);
    });
  }

  #joined(change: NewChange, joined: { claim: Claim; match: Match }[], waiting: readonly Claim[]): NewChange {
    // The same content may have been asked for several times; who asked last before it came made it.
    const admissions = joined.filter(({ claim }) => claim.source === 'admission');
    const admission = admissions.reduce<(typeof joined)[number] | undefined>(
      (last, one) => (last === undefined || one.claim.atMs >= last.claim.atMs ? one : last),
      undefined,
    );
    // What is pushed with its change comes with no other name; the claim is then all there is to know, always and at once.
    const atOnce = joined.filter(({ claim }) => claim.source === 'pushed' && change.origin === 'push');
    const others = joined.filter((one) => one.claim.source !== 'admission' && !atOnce.includes(one));
    for (const { claim } of joined) {
      if (claim.verb !== 'deletecollection') this.#done.add(claim);
      this.#counts.push([claim.source, 'joined']);
    }
    // An object's changes come in order: attempts older than the one that made this change led to nothing.
    if (admission !== undefined)
      for (const claim of waiting)
        if (claim.source === 'admission' && claim.atMs < admission.claim.atMs && claim.target.uid === change.uid)
          this.#done.add(claim);
    const asKnown: Attribution = { actor: change.actor, candidates: change.candidates, evidence: [] };
    const recorded = withClaims(asKnown, admission === undefined ? atOnce : [admission, ...atOnce]);
    // What analysis sees is admission or managedFields, never audit or a push: those mostly come too late for it, and an actor that
    // goes by the one name now and the other name then would have no habits.
    const attribution = withClaims(recorded, others);
    const { actor, candidates } = recorded;
    // In place, as the change may be one whose state is still to be built.
    return Object.assign(change, { actor, candidates, attribution });
  }

  #waitingFor({ cluster, group, namespace, name }: ObjectRef): Claim[] {
    return this.#waiting.filter(
      (claim) =>
        claim.cluster === cluster &&
        claim.target.group === group &&
        claim.target.namespace === namespace &&
        (claim.target.name === name || claim.target.name === ''),
    );
  }

  commit(): void {
    this.#book.settle(this.#taken, this.#waiting, this.#done);
    for (const [source, outcome] of this.#counts) this.#options.count?.(source, outcome, 1);
  }
}

/** Empty, and so like no claim's, for an object too deep to be written down; the admission thread makes no claim of such a one either. */
function contentHashOf(object: KubeObject): string {
  try {
    return contentHash(object);
  } catch {
    return '';
  }
}

/**
 * What a client says of itself may hold a secret, as any text from outside. Names and groups that the API server authenticated are none, and
 * some would look like one: `system:serviceaccount:sealed-secret:controller`.
 */
function maskedWriter({ source, user }: Claim, hash: KeyedHash): Claim['user'] {
  const masked = mask(user as unknown as Json, hash) as unknown as Claim['user'];
  if (source === 'pushed') return masked;
  const { userAgent, fieldManager } = masked;
  return { ...user, ...(userAgent === undefined ? {} : { userAgent }), ...(fieldManager === undefined ? {} : { fieldManager }) };
}

/** An apply may have created, but where the moment alone joins it with an object's first change, whoever asked to create it comes first. */
function isUnlikelyCreator({ verb }: Claim, { change, match }: { change: Pick<ChangeSummary, 'type'>; match: Match }): boolean {
  return match === 'time' && verb !== 'create' && change.type === 'ADDED';
}

/** Of claims that fit by time alone only the nearest: the next may belong to the next change, and is tried once more when its time is over. */
function nearestInTime(joined: { claim: Claim; match: Match }[], change: NewChange): { claim: Claim; match: Match }[] {
  const byTime = joined.filter(({ claim, match }) => match === 'time' && claim.verb !== 'deletecollection');
  const likely = byTime.filter(({ claim, match }) => !isUnlikelyCreator(claim, { change, match }));
  const awayMs = ({ claim }: { claim: Claim }) => Math.abs(claim.atMs - change.observedMs);
  const [nearest] = (likely.length > 0 ? likely : byTime).toSorted((a, b) => awayMs(a) - awayMs(b));
  return joined.filter((one) => !byTime.includes(one) || one === nearest);
}

function writtenOf(change: Pick<ChangeSummary, 'uid' | 'type' | 'resourceVersion' | 'observedMs' | 'paths'>): Written {
  const { uid, type, resourceVersion, observedMs } = change;
  const paths = change.paths.filter((path) => !isBookkeepingPath(path));
  const statusOnly = type === 'MODIFIED' && paths.length > 0 && paths.every((path) => partOf(path) === 'status');
  const marked = type === 'MODIFIED' && paths.includes('/metadata/deletionTimestamp');
  return { uid, type, resourceVersion, observedMs, statusOnly, marked, contentHash: undefined };
}

/** Where discovery does not say which kind a resource is, its name does: plurals are made by the rules that clients guess by. */
function isKind(claim: Claim, kind: string): boolean {
  const { target } = claim;
  if (target.kind !== undefined) return target.kind === kind;
  const word = kind.toLowerCase();
  if (word.endsWith('s') || word.endsWith('x') || word.endsWith('ch') || word.endsWith('sh'))
    return target.resource === `${word}es`;
  return target.resource === `${word}s` || (word.endsWith('y') && target.resource === `${word.slice(0, -1)}ies`);
}

function idOf(claim: Claim): string {
  return `${claim.cluster}\u0000${claim.source}\u0000${claim.id}`;
}

function keyOf({ cluster, target }: Claim): string {
  return nameKey(cluster, target.group, target.namespace, target.name);
}

function nameKey(cluster: string, group: string, namespace: string, name: string): string {
  return `${cluster}\u0000${group}\u0000${namespace}\u0000${name}`;
}
