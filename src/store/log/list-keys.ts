/**
 * By which keys the items of lists were told apart when changes were recorded: what the schema of a kind said, from one change on until it said
 * something else. A diff is worked out from states when it is asked for, and has to name items as the one that was judged did.
 */
import type Database from 'better-sqlite3';
import { formatListKeys, parseListKeys } from '../../domain/list-keys-text.ts';
import type { ListKeys } from '../../domain/schema-tree.ts';
import type { Containment } from '../containment.ts';
import { compress, decompress } from '../pack/block-codec.ts';
import { corruptRecord } from '../store-errors.ts';

/** From a change on. */
interface Told {
  fromSeq: number;
  lists: ListKeys | undefined;
}

interface Row {
  resourceId: number;
  fromSeq: number;
  data: Buffer | null;
}

const COMPRESSION_LEVEL = 9;

export class ListKeyTable {
  readonly #containment: Containment;
  readonly #all: Database.Statement<[], Row>;
  readonly #add: Database.Statement<[number, number, Buffer | null]>;
  /** By resource, oldest first. There are few: a row for each schema that a kind has had. */
  #told: Map<number, Told[]> | undefined;
  /** By their text, so that the same keys are the same object whenever they were told. */
  readonly #byText = new Map<string, ListKeys>();
  /** By resource: what the last change was given, which is seldom another object than before it. */
  #given = new Map<number, ListKeys | undefined>();

  constructor(db: Database.Database, containment: Containment) {
    this.#containment = containment;
    this.#all = db.prepare<[], Row>(
      'SELECT resource_id AS resourceId, from_seq AS fromSeq, data FROM list_keys ORDER BY from_seq, id',
    );
    this.#add = db.prepare<[number, number, Buffer | null]>(
      'INSERT INTO list_keys (resource_id, from_seq, data) VALUES (?, ?, ?)',
    );
  }

  forget(): void {
    this.#told = undefined;
    this.#given = new Map();
  }

  /** To be told of every change that is appended. Within a transaction. */
  appended(resourceId: number, seq: number, lists: ListKeys | undefined): void {
    const given = this.#given.get(resourceId);
    // What was never given in this process may have been in an earlier one.
    if (given === lists && (given !== undefined || this.#given.has(resourceId))) return;
    this.#containment.write('list_keys', () => this.#note(resourceId, seq, lists), undefined);
    this.#given.set(resourceId, lists);
  }

  #note(resourceId: number, seq: number, lists: ListKeys | undefined): void {
    this.#told ??= this.#read();
    const told = this.#told.get(resourceId) ?? [];
    const text = lists && formatListKeys(lists);
    const known = text === undefined ? undefined : this.#known(text, lists as ListKeys);
    if (known === told.at(-1)?.lists) return;
    this.#add.run(resourceId, seq, text === undefined ? null : compress(Buffer.from(text), COMPRESSION_LEVEL));
    this.#told.set(resourceId, [...told, { fromSeq: seq, lists: known }]);
  }

  /** By which keys the diff of a change names items; the same object for all changes that name them by the same. */
  at(resourceId: number, seq: number): ListKeys | undefined {
    this.#told ??= this.#containment.read('list_keys', () => this.#read(), new Map<number, Told[]>());
    return this.#told.get(resourceId)?.findLast(({ fromSeq }) => fromSeq <= seq)?.lists;
  }

  #read(): Map<number, Told[]> {
    const told = new Map<number, Told[]>();
    for (const { resourceId, fromSeq, data } of this.#all.all()) {
      const where = `list_keys of resource ${resourceId} from change ${fromSeq}`;
      const all = told.get(resourceId) ?? [];
      all.push({ fromSeq, lists: data === null ? undefined : this.#decoded(data, where) });
      told.set(resourceId, all);
    }
    return told;
  }

  /** Where it is damaged, items are named as if there were no schema. */
  #decoded(data: Buffer, where: string): ListKeys | undefined {
    try {
      const { text, lists } = decodeListKeys(data, where);
      return this.#known(text, lists);
    } catch (error) {
      this.#containment.tell(where, error);
      return undefined;
    }
  }

  #known(text: string, lists: ListKeys): ListKeys {
    const known = this.#byText.get(text) ?? lists;
    this.#byText.set(text, known);
    return known;
  }
}

/** Throws STORE_CORRUPT. */
export function decodeListKeys(data: Buffer, where: string): { text: string; lists: ListKeys } {
  try {
    const text = decompress(data).toString('utf8');
    const lists = parseListKeys(JSON.parse(text));
    if (lists !== undefined) return { text, lists };
    throw new Error('there are none in it');
  } catch (error) {
    throw corruptRecord('the merge keys of a kind do not decode', where, error);
  }
}
