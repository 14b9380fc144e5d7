/**
 * A statement about who wrote an object, from a source other than the object itself, to be joined with the change it speaks of. It may
 * come before the change (admission), after it (audit), twice, or for a write that never happened (admission sees attempts).
 */
export type ClaimSource = 'admission' | 'audit' | 'pushed';

export const CLAIM_VERBS = ['create', 'update', 'patch', 'delete', 'deletecollection'] as const;
export type ClaimVerb = (typeof CLAIM_VERBS)[number];

export interface Claim {
  cluster: string;
  source: ClaimSource;
  /** Stable within its source (an AdmissionReview's request.uid, an auditID, a CloudEvent's source and id): told twice, it is one claim. */
  id: string;
  /** What was written. Audit names the resource (plural) and not always the uid; admission names kind and resource. */
  target: {
    group: string;
    resource: string;
    kind?: string;
    namespace: string;
    /** Empty for `deletecollection`, which speaks of every object of the collection that went. */
    name: string;
    uid?: string;
    subresource?: string;
  };
  verb: ClaimVerb;
  /** The resourceVersion that the write led to, where the source knows it: the exact join with a change. */
  resourceVersion?: string;
  /** Hash of the resulting object without bookkeeping, where the source has the object but not its resourceVersion. */
  contentHash?: string;
  /** When the API server received the write, milliseconds since the epoch, by its clock. */
  atMs: number;
  user: WrittenBy;
}

/** The identity behind a write, as authenticated by the API server unless the source is 'pushed'. */
export interface WrittenBy {
  /** The effective user: with impersonation the impersonated one. */
  name: string;
  groups?: string[];
  /** The authenticated user behind an impersonation. */
  impersonatedBy?: string;
  /** Chosen by the client. */
  userAgent?: string;
  /** Of these all but the last can be forged by the client. */
  sourceIPs?: string[];
  fieldManager?: string;
}

/** What a parser of claims made of its input: what cannot be used is said, what says nothing about a write is counted. */
export interface ParsedClaims {
  claims: Claim[];
  rejects: { where: string; what: string }[];
  /** Not usable either, beyond those that are listed. */
  rejectsUnlisted: number;
  /** Well-formed, but no write that led to a state: reads, refused requests, dry runs, earlier stages. */
  skipped: number;
}

const NAME_MAX = 256;
const USER_AGENT_MAX = 256;
const LIST_MAX = 32;
const SOURCE_IPS_MAX = 8;
const ITEM_MAX = 128;

/** An identity from untyped parts, cut to lengths that a client cannot blow up. Undefined without a name. */
export function writtenBy(parts: { [K in keyof WrittenBy]?: unknown }): WrittenBy | undefined {
  const name = cut(parts.name, NAME_MAX);
  if (name === undefined) return undefined;
  const user: WrittenBy = { name };
  const groups = cutList(parts.groups, LIST_MAX);
  if (groups !== undefined) user.groups = groups;
  const impersonatedBy = cut(parts.impersonatedBy, NAME_MAX);
  if (impersonatedBy !== undefined) user.impersonatedBy = impersonatedBy;
  const userAgent = cut(parts.userAgent, USER_AGENT_MAX);
  if (userAgent !== undefined) user.userAgent = userAgent;
  // The last address is the one the API server saw itself, so the others go first.
  const sourceIPs = cutList(Array.isArray(parts.sourceIPs) ? parts.sourceIPs.slice(-SOURCE_IPS_MAX) : undefined, SOURCE_IPS_MAX);
  if (sourceIPs !== undefined) user.sourceIPs = sourceIPs;
  const fieldManager = cut(parts.fieldManager, ITEM_MAX);
  if (fieldManager !== undefined) user.fieldManager = fieldManager;
  return user;
}

function cut(value: unknown, charactersMax: number): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, charactersMax) : undefined;
}

function cutList(value: unknown, itemsMax: number): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items = value.flatMap((item) => cut(item, ITEM_MAX) ?? []).slice(0, itemsMax);
  return items.length === 0 ? undefined : items;
}
