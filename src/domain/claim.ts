/**
 * A statement about who wrote an object, from a source other than the object itself, to be joined with the change it speaks of. It may
 * come before the change (admission), after it (audit), twice, or for a write that never happened (admission sees attempts).
 */
export type ClaimSource = 'admission' | 'audit' | 'pushed';

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
    name: string;
    uid?: string;
    subresource?: string;
  };
  verb: 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';
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
