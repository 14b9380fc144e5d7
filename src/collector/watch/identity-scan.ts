/** What could be told of an object from its first bytes. */
export interface Identity {
  /** The type of a watch event, if it is one. */
  type?: string;
  name?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
}

const TEXT_BYTES_MAX = 512;

/**
 * Names an object of which only the beginning is at hand, or which cannot be parsed: walks the JSON as far as it goes and picks up
 * `metadata.name` and its neighbours (`object.metadata…` in a watch event). API servers write metadata before spec and status, so the
 * first megabytes nearly always have it.
 */
export function scanIdentity(bytes: Buffer): Identity {
  const identity: Identity = {};
  /** The member names on the way to the current byte; undefined for a list. */
  const path: (string | undefined)[] = [];
  let key: string | undefined;
  let expectsKey = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x22) {
      const end = endOfString(bytes, at + 1);
      if (end < 0) break;
      const text = end - at <= TEXT_BYTES_MAX ? bytes.toString('utf8', at + 1, end) : undefined;
      if (expectsKey) key = text;
      else if (text !== undefined && key !== undefined) note(identity, path, key, text);
      at = end;
    } else if (byte === 0x7b || byte === 0x5b) {
      path.push(key);
      expectsKey = byte === 0x7b;
      key = undefined;
    } else if (byte === 0x7d || byte === 0x5d) {
      path.pop();
      key = undefined;
      expectsKey = false;
    } else if (byte === 0x3a) expectsKey = false;
    // After a comma a member follows in an object; in a list a string taken for a key does no harm, since no list is on our paths.
    else if (byte === 0x2c) expectsKey = true;
  }
  return identity;
}

/** `path` begins with undefined, for the outermost object. */
function note(identity: Identity, path: (string | undefined)[], key: string, text: string): void {
  if (path.length === 1 && key === 'type') identity.type = text;
  const inMetadata =
    (path.length === 2 && path[1] === 'metadata') || (path.length === 3 && path[1] === 'object' && path[2] === 'metadata');
  if (!inMetadata) return;
  if (key === 'name') identity.name = text;
  else if (key === 'namespace') identity.namespace = text;
  else if (key === 'uid') identity.uid = text;
  else if (key === 'resourceVersion') identity.resourceVersion = text;
}

function endOfString(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x5c) at++;
    else if (byte === 0x22) return at;
  }
  return -1;
}
