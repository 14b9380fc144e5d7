/** The body of a polled list to objects, by the pointers of its configuration. Pure. */
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { IngestFault } from './ingest-fault.ts';
import { parseStrictJson } from './strict-json.ts';

/** How a list of some service becomes objects of a kind. Pointers are RFC 6901. */
export interface PollMapping {
  apiVersion: string;
  kind: string;
  /** To the list within the answer; '' is the answer itself. */
  items: string;
  /** Within an item: what names it. Several are joined. */
  key: readonly string[];
  /** Within an item: a namespace to file it under. */
  namespace?: string | undefined;
}

export interface PolledItem {
  namespace: string;
  name: string;
  content: JsonObject;
}

export interface PolledList {
  items: PolledItem[];
  faults: IngestFault[];
  /** False when something could not be read: then what is missing may be there all the same. */
  complete: boolean;
}

const NAME_LENGTH_MAX = 253;

export function readPolledList(body: Buffer, mapping: PollMapping): PolledList {
  const json = parseStrictJson(body);
  if ('fault' in json) return { items: [], faults: [json.fault], complete: false };
  const list = at(json.value, mapping.items);
  if (!Array.isArray(list)) {
    const what = `there is no list at ${mapping.items === '' ? 'the root' : mapping.items}`;
    return { items: [], faults: [{ reason: 'object', what }], complete: false };
  }
  const items: PolledItem[] = [];
  const faults: IngestFault[] = [];
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    const read = readItem(item, mapping);
    if (typeof read === 'string') faults.push({ reason: 'object', what: read, index });
    else if (seen.has(keyOf(read)))
      faults.push({ reason: 'identity', what: 'the key of this item is that of an earlier one', index });
    else {
      seen.add(keyOf(read));
      items.push(read);
    }
  }
  return { items, faults, complete: faults.length === 0 };
}

export function keyOf({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}\u0000${name}`;
}

function readItem(item: Json, { key, namespace }: PollMapping): PolledItem | string {
  if (!isJsonObject(item)) return 'the item is not a JSON object';
  const parts = key.map((pointer) => textAt(item, pointer));
  if (parts.some((part) => part === undefined)) return `there is no key at ${key.join(', ')}`;
  // With a single part as it stands; with several such that no two lists of parts are joined to the same.
  const name = parts.length === 1 ? parts[0]! : parts.map((part) => encodeURIComponent(part!)).join('/');
  const filedUnder = namespace === undefined ? '' : textAt(item, namespace);
  if (filedUnder === undefined) return `there is no namespace at ${namespace}`;
  if (name.length > NAME_LENGTH_MAX || filedUnder.length > NAME_LENGTH_MAX)
    return `the key is longer than ${NAME_LENGTH_MAX} characters`;
  return { namespace: filedUnder, name, content: item };
}

function textAt(item: Json, pointer: string): string | undefined {
  const value = at(item, pointer);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' && !value.includes('\u0000') ? value : undefined;
}

/** What an RFC 6901 pointer leads to. */
function at(value: Json, pointer: string): Json | undefined {
  let node: Json | undefined = value;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(node)) node = /^(0|[1-9]\d*)$/.test(name) ? node[Number(name)] : undefined;
    else node = isJsonObject(node) && Object.hasOwn(node, name) ? node[name] : undefined;
  }
  return node;
}
