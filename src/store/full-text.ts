/**
 * The words of what fields became, by change: an index without the texts themselves, kept only where it is asked for. Only what was recorded while it
 * is on can be found by it.
 */
import type Database from 'better-sqlite3';
import type { FieldDiff } from '../domain/diff/field-diff.ts';
import { CrowsnestError } from '../domain/errors.ts';
import type { WordQuery } from './store.ts';

/** Longer values are indexed by their beginning. */
const LENGTH_MAX = 4_096;

export class FullText {
  readonly #sql;

  constructor(db: Database.Database) {
    // Made here and not by a migration, since a database without it is whole. No texts, no positions, no lengths.
    db.exec(
      "CREATE VIRTUAL TABLE IF NOT EXISTS value_text USING fts5 (words, content = '', contentless_delete = 1, detail = none)",
    );
    this.#sql = {
      add: db.prepare<[number, string]>('INSERT INTO value_text (rowid, words) VALUES (?, ?)'),
      find: db
        .prepare<[string, number, number], number>(
          'SELECT rowid FROM value_text WHERE value_text MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?',
        )
        .pluck(),
      forgetReleased: db.prepare(
        'DELETE FROM value_text WHERE rowid IN (SELECT id FROM value_text_docsize WHERE id NOT IN (SELECT seq FROM change))',
      ),
    };
  }

  add(seq: number, diff: readonly FieldDiff[]): void {
    const texts = diff.flatMap(({ op, new: value }) =>
      op !== 'remove' && typeof value === 'string' && value !== '' ? [value.slice(0, LENGTH_MAX)] : [],
    );
    if (texts.length > 0) this.#sql.add.run(seq, texts.join('\n'));
  }

  /** The newest changes before one that have the words, newest first. */
  find(query: WordQuery, beforeSeq: number, limit: number): number[] {
    const all = query.map((term) => `(${term.map((words) => words.map(quoted).join(' AND ')).join(') OR (')})`);
    try {
      return this.#sql.find.all(all.map((term) => `(${term})`).join(' AND '), beforeSeq, limit);
    } catch (error) {
      // A letter newer than the tokenizer's Unicode parts what is one word to us.
      if (!(error instanceof Error && error.message.includes('phrase'))) throw error;
      const what = 'the index of words does not know all letters of this text';
      throw new CrowsnestError({ code: 'REQUEST_INVALID', what, todo: 'Look for it by value: instead', cause: error });
    }
  }

  forgetReleased(): void {
    this.#sql.forgetReleased.run();
  }
}

/** Words hold letters and digits only, see `wordsOf`; the quotes keep AND, OR and NOT from being taken for operators. */
function quoted(word: string): string {
  return `"${word}"`;
}
