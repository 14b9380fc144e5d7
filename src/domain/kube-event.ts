/**
 * A Kubernetes Event of a recorded object: what a controller says of it, kept beside its changes. Whoever may create Events may say
 * anything in anybody's name, so it is context for people and no proof.
 */

import { type KeyedHash, type MaskOptions, mask } from './masking/redact.ts';
import type { ObjectRef } from './object-ref.ts';

export interface KubeEvent {
  /** The Event's own uid: told again with a higher count it is the same one. */
  uid: string;
  /** The object it is about. */
  ref: ObjectRef;
  /** Empty where the Event does not say. */
  objectUid: string;
  /** Normal or Warning, as a rule. */
  type: string;
  reason: string;
  action: string;
  note: string;
  /** Controller or component that reports it. */
  reportedBy: string;
  firstMs: number;
  lastMs: number;
  /** How often it happened. */
  count: number;
}

/** The API server takes 1,024 bytes for new Events; the core API of old took more. */
const NOTE_LENGTH_MAX = 1_024;
const WORD_LENGTH_MAX = 256;

/** Texts come from whoever may write Events: cut, and masked as an object would be. */
export function maskKubeEvent(event: KubeEvent, hash: KeyedHash, masking?: MaskOptions): KubeEvent {
  const { note, reason, action } = mask({ note: event.note, reason: event.reason, action: event.action }, hash, masking);
  return {
    ...event,
    // Masked first: a secret cut in two would no longer be known for one.
    note: cut(note, NOTE_LENGTH_MAX),
    reason: cut(reason, WORD_LENGTH_MAX),
    action: cut(action, WORD_LENGTH_MAX),
    type: cut(event.type, WORD_LENGTH_MAX),
    reportedBy: cut(event.reportedBy, WORD_LENGTH_MAX),
  };
}

function cut(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`;
}

/** How Events themselves are named where places are listed. */
export function kubeEventKind({ ref }: KubeEvent): { cluster: string; group: string; kind: string } {
  return { cluster: ref.cluster, group: 'events.k8s.io', kind: 'Event' };
}
