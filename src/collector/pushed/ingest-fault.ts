/** Why something pushed to us was not taken. Labels of a metric, so a closed list. */
export const INGEST_REASONS = [
  'key',
  'kind',
  'address',
  'certificate',
  'signature',
  'stale',
  'busy',
  'slow',
  'size',
  'media-type',
  'encoding',
  'json',
  'nesting',
  'event',
  'event-type',
  'object',
  'identity',
  'cluster',
  'line',
  'audit',
  'admission',
] as const;
export type IngestReason = (typeof INGEST_REASONS)[number];

export interface IngestFault {
  reason: IngestReason;
  /** One sentence without a full stop; never a value out of an object, which may be a secret. */
  what: string;
  /** Which event, line or item of the body, from 0; absent when it is the body as a whole. */
  index?: number;
}
