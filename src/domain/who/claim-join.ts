/**
 * Which change a claim speaks of, and what the claims on one change together say about who made it. Pure; what waits for its change is
 * kept in pipeline/claim-book.ts. The ladder of confidence, also in docs/who.md:
 *
 *   0.98  audit, with the resourceVersion the write led to
 *   0.95  admission: the content the webhook saw is the content that came to be, or the deletion of this very object
 *   0.80  audit, same object and the right moment, nobody else at that moment
 *   0.75  the same with others at that moment, and the client's name is the field manager of the change
 *   0.70  audit, with the resourceVersion, but received after the change was seen: clocks differ, or a write that changed nothing
 *   0.60  pushed, with the resourceVersion
 *   0.50  audit, same object and moment, one of several
 *   0.40  pushed, same object and moment
 *
 * What the API server authenticated comes before what managedFields or a push say, however sure those sound.
 */
import type { Actor } from '../change.ts';
import type { Claim, ClaimSource, WrittenBy } from './claim.ts';

/** How a claim was found to speak of a change. All but `time` are certain of the change; `late` is not of its writer. */
export type Match = 'version' | 'late' | 'content' | 'deletion' | 'time';

/** A claim that was joined with a change. */
export interface Evidence extends Pick<Claim, 'source' | 'id' | 'atMs' | 'user'> {
  source: ClaimSource;
  match: Match;
  user: WrittenBy;
}

export interface Attribution {
  /** The likeliest of `candidates`. */
  actor: Actor;
  /** Likeliest first. */
  candidates: Actor[];
  evidence: Evidence[];
}

/** What joining needs to know of a change. */
export interface Written {
  uid: string;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  resourceVersion: string;
  observedMs: number;
  /** Only status moved. */
  statusOnly: boolean;
  /** The object was marked for deletion by this change. */
  marked: boolean;
  /** Hash of the object as it came, see content-hash; undefined when only the record is at hand. */
  contentHash: (() => string) | undefined;
}

/** A change may be seen this much before or after its claim says it was received: clocks differ, and a watch takes its time. */
export const SEEN_BEFORE_MS = 2_000;
export const SEEN_AFTER_MS = 10_000;

const CONFIDENCE: Record<ClaimSource, Record<Match, number>> = {
  audit: { version: 0.98, late: 0.7, content: 0.95, deletion: 0.95, time: 0.8 },
  admission: { version: 0.98, late: 0.7, content: 0.95, deletion: 0.95, time: 0 },
  pushed: { version: 0.6, late: 0.5, content: 0.6, deletion: 0.6, time: 0.4 },
};
const CONFIDENCE_SHARED = 0.5;
const CONFIDENCE_SHARED_MANAGER = 0.75;
const EVIDENCE_MAX = 16;

/** Whether and how a claim on the object's name speaks of this change; undefined when it does not. */
export function matchOf(claim: Claim, written: Written): Match | undefined {
  if (claim.target.uid !== undefined && claim.target.uid !== written.uid) return undefined;
  if (claim.resourceVersion !== undefined) {
    if (claim.resourceVersion !== written.resourceVersion) return undefined;
    // A write that changed nothing is answered with the version it found, by somebody else's write.
    return claim.atMs <= written.observedMs + SEEN_BEFORE_MS ? 'version' : 'late';
  }
  const deletes = claim.verb === 'delete' || claim.verb === 'deletecollection';
  if (claim.source === 'admission') {
    if (deletes) return written.marked || written.type === 'DELETED' ? 'deletion' : undefined;
    return claim.contentHash !== undefined && claim.contentHash === written.contentHash?.() ? 'content' : undefined;
  }
  const afterMs = written.observedMs - claim.atMs;
  if (afterMs < -SEEN_BEFORE_MS || afterMs > SEEN_AFTER_MS) return undefined;
  if (deletes) return written.marked || written.type === 'DELETED' ? 'time' : undefined;
  if (claim.verb === 'create') return written.type === 'ADDED' ? 'time' : undefined;
  // A patch may be an apply that created. Whoever lets go of the last finalizer is answered with an object that is gone.
  if (written.type === 'ADDED') return claim.verb === 'patch' ? 'time' : undefined;
  if (written.type === 'DELETED' || written.marked) return undefined;
  // A kind without the subresource has its status written with the rest, so only the other way round is told apart.
  return claim.target.subresource === 'status' && !written.statusOnly ? undefined : 'time';
}

/** What is said with these claims added. Returns the same object when they add nothing. */
export function withClaims(before: Attribution, joined: readonly { claim: Claim; match: Match }[]): Attribution {
  let evidence = before.evidence;
  for (const { claim, match } of joined) {
    const { source, id, atMs, user } = claim;
    if (evidence.some((other) => other.source === source && other.id === id)) continue;
    const rival = evidence.find((other) => other.source === source && other.match !== 'time' && match !== 'time');
    // Of two writes that are both said to have led to this version, the first did; the second found it as it wanted it.
    if (rival !== undefined && rival.atMs <= atMs) continue;
    const kept = evidence.filter(
      (other) => other !== rival && !(other.source === source && other.match === 'time' && match !== 'time'),
    );
    if (match === 'time' && evidence.some((other) => other.source === source && other.match !== 'time')) continue;
    if (kept.length < EVIDENCE_MAX) evidence = [...kept, { source, id, atMs, match, user }];
  }
  if (evidence === before.evidence) return before;
  const hints = before.candidates.filter(
    (actor) => actor.source === 'managedFields' || actor.source === 'stream' || actor.source === 'none',
  );
  const managers = new Set(hints.filter((actor) => actor.source === 'managedFields').map((actor) => actor.name));
  const candidates = [...distinct(evidence.map((one) => actorOf(one, evidence, managers))), ...hints].sort(
    (a, b) => tier(b) - tier(a) || b.confidence - a.confidence,
  );
  return { actor: candidates[0] ?? before.actor, candidates, evidence };
}

function actorOf(one: Evidence, all: readonly Evidence[], managers: ReadonlySet<string>): Actor {
  const { source, match, user } = one;
  const actor: Actor = { name: user.name, source, confidence: CONFIDENCE[source][match] };
  if (user.impersonatedBy !== undefined) actor.impersonatedBy = user.impersonatedBy;
  if (user.fieldManager !== undefined) actor.fieldManager = user.fieldManager;
  const shared = match === 'time' && all.some((other) => other.source === source && other.user.name !== user.name);
  if (source === 'audit' && shared)
    actor.confidence = managers.has(managerOf(user) ?? '') ? CONFIDENCE_SHARED_MANAGER : CONFIDENCE_SHARED;
  return actor;
}

/** The field manager that the API server takes when the client names none: the beginning of its user agent. */
function managerOf(user: WrittenBy): string | undefined {
  return user.fieldManager ?? user.userAgent?.split('/', 1)[0];
}

/** One candidate for each name and source: the surest. */
function distinct(actors: Actor[]): Actor[] {
  const best = new Map<string, Actor>();
  for (const actor of actors) {
    const key = `${actor.source}\u0000${actor.name}\u0000${actor.impersonatedBy ?? ''}`;
    const known = best.get(key);
    if (known === undefined || known.confidence < actor.confidence) best.set(key, actor);
  }
  return [...best.values()];
}

function tier(actor: Actor): number {
  if (actor.source === 'stream') return 3;
  return actor.source === 'admission' || actor.source === 'audit' ? 2 : 1;
}
