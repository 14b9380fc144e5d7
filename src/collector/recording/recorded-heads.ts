/**
 * What a recording holds of each live object, in small: what lists are compared with, so that a relist finds deletions and what was missed, and a
 * recording that is gone on with begins where it ended.
 */
import { createReadStream } from 'node:fs';
import type { Observation } from '../../domain/change.ts';
import { CrowsnestError } from '../../domain/errors.ts';
import { type ObjectRef, objectKey, refOf, resourceKey } from '../../domain/object-ref.ts';
import { compareResourceVersions } from '../../domain/resource-version.ts';
import type { ToldLists } from '../../domain/schema-book.ts';
import type { KnownHead, RecordedHead } from '../watch/list-comparison.ts';
import { LINE_BYTES_MAX } from './playback.ts';
import { BrokenCompressionError, decodedBytes } from './stream-bytes.ts';
import { parseLine } from './stream-format.ts';
import { splitLines } from './stream-lines.ts';

/** Deletions remembered; a relist of long after finds the older ones gone, which is true as well. */
const DELETED_MAX = 10_000;

export class RecordedHeads {
  /** Cluster, group and kind → namespace and name → what is recorded. */
  readonly #kinds = new Map<string, Map<string, KnownHead>>();
  readonly #deleted = new Map<string, RecordedHead>();
  readonly #cursors = new Map<string, string>();
  /** By cluster, group and kind. */
  readonly #lists = new Map<string, ToldLists>();

  /** Takes what the lines of a recording say. A file that is not there, or breaks off, says less; one of which no line is of a recording is refused. */
  async load(file: string, cluster: string): Promise<void> {
    let foreign = false;
    let known = false;
    try {
      for await (const { bytes, number } of splitLines(decodedBytes(createReadStream(file)), LINE_BYTES_MAX)) {
        const parsed =
          bytes === undefined ? undefined : parseLine(bytes.toString('utf8'), number, { cluster, file, observedMs: 0 });
        if (parsed === undefined || 'reject' in parsed) {
          // A crash may have left half of a line, and of a new recording nothing else.
          foreign ||= bytes === undefined || !isPartOf(bytes.toString('utf8', 0, LINE_START.length), LINE_START);
          continue;
        }
        known = true;
        if ('observation' in parsed) this.note(parsed.observation);
        else if ('seenToMs' in parsed) this.noteCursors(parsed.cursors ?? {});
        else if ('lists' in parsed) this.noteLists(parsed.lists);
      }
    } catch (error) {
      if (!(error instanceof BrokenCompressionError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    if (foreign && !known) throw foreignFile(file);
  }

  note({ cluster, type, object }: Observation): void {
    const ref = refOf(cluster, object);
    const key = resourceKey(ref);
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      kind = new Map();
      this.#kinds.set(key, kind);
    }
    const { uid, resourceVersion, generation } = object.metadata;
    const head = { ref, uid, resourceVersion, generation: typeof generation === 'number' ? generation : undefined };
    if (type === 'DELETED') {
      kind.delete(nameKey(ref));
      this.#bury(head);
    } else kind.set(nameKey(ref), head);
  }

  #bury(head: KnownHead): void {
    this.#deleted.set(objectKey(head.ref), { ...head, deleted: true });
    if (this.#deleted.size > DELETED_MAX) for (const oldest of this.#deleted.keys()) return void this.#deleted.delete(oldest);
  }

  noteCursors(cursors: Record<string, string>): void {
    for (const [name, position] of Object.entries(cursors)) this.#cursors.set(name, position);
  }

  noteLists(told: ToldLists): void {
    this.#lists.set(resourceKey(told), told);
  }

  /** What the recording says of the lists of a kind, if anything. */
  lists(cluster: string, group: string, kind: string): ToldLists['lists'] {
    return this.#lists.get(resourceKey({ cluster, group, kind }))?.lists;
  }

  /** A watch that goes on from a position of some moments ago tells again what is recorded, or was followed by something newer. */
  isTold({ cluster, type, object, origin }: Observation): boolean {
    if (origin !== 'watch' || type === 'DELETED') return false;
    const ref = refOf(cluster, object);
    const head = this.#kinds.get(resourceKey(ref))?.get(nameKey(ref));
    if (head?.uid !== object.metadata.uid) return false;
    const order = compareResourceVersions(object.metadata.resourceVersion, head.resourceVersion);
    return order === 'same' || order === 'older';
  }

  heads(cluster: string, group: string, kind: string, namespace?: string): KnownHead[] {
    const heads = [...(this.#kinds.get(resourceKey({ cluster, group, kind }))?.values() ?? [])];
    return namespace === undefined ? heads : heads.filter(({ ref }) => ref.namespace === namespace);
  }

  /** The newest of a name, deleted or not. */
  head(ref: ObjectRef): RecordedHead | undefined {
    const head = this.#kinds.get(resourceKey(ref))?.get(nameKey(ref));
    return head === undefined ? this.#deleted.get(objectKey(ref)) : { ...head, deleted: false };
  }

  cursor(name: string): string | undefined {
    return this.#cursors.get(name);
  }

  cursors(prefix = ''): Record<string, string> {
    return Object.fromEntries([...this.#cursors].filter(([name]) => name.startsWith(prefix)));
  }
}

/** With which every line of a recording begins. */
const LINE_START = '{"type":';

function isPartOf(text: string, whole: string): boolean {
  return text.trim() === '' || whole.startsWith(text);
}

/** A mistyped name must not cost a database, whose end lines of a recording would be. */
function foreignFile(file: string): CrowsnestError {
  return new CrowsnestError({
    code: 'FILE_EXISTS',
    what: 'the file holds something else than a recording and is left as it is',
    where: file,
    todo: 'Give another name',
  });
}

function nameKey({ namespace, name }: ObjectRef): string {
  return `${namespace}/${name}`;
}
