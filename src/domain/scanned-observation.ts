/** A watch event whose text was scanned but not parsed: most updates are told apart from the state before them without ever being parsed. */

import type { ChangeOrigin, ChangeType, Observation } from './change.ts';
import { parseJson } from './json.ts';
import type { KubeObject } from './object-ref.ts';
import { parseManaged } from './scan/managed-text.ts';
import type { ScannedObject } from './scan/object-scan.ts';
import type { Managed } from './who/attribution.ts';

export interface ObservationFields {
  cluster: string;
  type: ChangeType;
  observedMs: number;
  origin: ChangeOrigin;
}

export class ScannedObservation implements Observation {
  readonly cluster: string;
  readonly type: ChangeType;
  readonly observedMs: number;
  readonly origin: ChangeOrigin;
  readonly scanned: ScannedObject;
  #object: KubeObject | undefined;

  /** `object` is given where the text was parsed all the same. */
  constructor({ cluster, type, observedMs, origin }: ObservationFields, scanned: ScannedObject, object?: KubeObject) {
    this.cluster = cluster;
    this.type = type;
    this.observedMs = observedMs;
    this.origin = origin;
    this.scanned = scanned;
    this.#object = object;
  }

  /** The whole object, parsed when first asked for. Throws SyntaxError on text that is not JSON. */
  get object(): KubeObject {
    this.#object ??= parseScanned(this.scanned);
    return this.#object;
  }
}

/** Throws SyntaxError on text that is not JSON. */
export function parseScanned({ bytes, start, end }: ScannedObject): KubeObject {
  return parseJson(bytes.toString('utf8', start, end)) as unknown as KubeObject;
}

/** Who an object is and who wrote it, without the rest of it. Throws SyntaxError. */
export function managedOf({ bytes, apiVersion, kind, name, managedStart, managedEnd }: ScannedObject): Managed {
  if (managedEnd === 0) return { apiVersion, kind, metadata: { name } };
  const managedFields = parseManaged(bytes.toString('utf8', managedStart, managedEnd));
  return { apiVersion, kind, metadata: { name, managedFields } };
}
