/** What follows from the changes or lies beside them: heads, positions, totals, names, findings and samples. */
import type Database from 'better-sqlite3';
import { FindingBlocks } from '../findings/finding-blocks.ts';
import { unpackFinding } from '../findings/findings.ts';
import { unpackVerdict } from '../findings/verdicts.ts';
import { youngFindingsOf } from '../findings/young-findings.ts';
import { decodeListKeys } from '../log/list-keys.ts';
import { recordsOf } from '../log/young-records.ts';
import type { ValueSeal } from '../seal/value-seal.ts';
import { decodeRollups } from '../series/rollup-codec.ts';
import { decodeRun, decodeScrape } from '../series/sample-codec.ts';
import type { CheckArea, CheckReport } from './check-report.ts';
import { arePathSetsWrong } from './rebuild-path-sets.ts';

/** One row for each thing that is wrong: a name of it. */
interface Rule {
  area: CheckArea;
  what: string;
  sql: string;
}

const RULES: Rule[] = [
  {
    area: 'heads',
    what: 'an object has no head, or a head no object',
    sql: `SELECT 'object ' || coalesce(o.id, h.object_id) FROM object o FULL JOIN head h ON h.object_id = o.id
      WHERE o.id IS NULL OR h.object_id IS NULL`,
  },
  {
    area: 'heads',
    what: 'a head speaks of a change that is not there or of another object',
    sql: `SELECT 'object ' || h.object_id FROM head h LEFT JOIN change c ON c.seq = h.seq LEFT JOIN life l ON l.id = c.life_id
      WHERE l.object_id IS NOT h.object_id`,
  },
  {
    area: 'heads',
    what: 'a head does not agree with its change',
    sql: `SELECT 'object ' || h.object_id FROM head h JOIN change c ON c.seq = h.seq
      WHERE h.life_id <> c.life_id OR h.changes <> c.ordinal OR h.deleted <> ((c.flags & 3) = 2) OR h.generation IS NOT c.generation
        OR h.last_ms <> c.observed_ms`,
  },
  {
    area: 'heads',
    what: 'a head is behind the change that all heads are said to hold up to',
    sql: `SELECT 'object ' || l.object_id FROM change c JOIN life l ON l.id = c.life_id JOIN head h ON h.object_id = l.object_id
      WHERE c.seq <= (SELECT cast(value AS INTEGER) FROM small_state WHERE key = 'store/heads-through')
      GROUP BY l.object_id HAVING max(c.seq) > max(h.seq)`,
  },
  {
    area: 'cursors',
    what: 'the position of analysis is ahead of the record',
    sql: `SELECT 'cursor ' || name || ' at ' || position FROM cursor WHERE name = 'analysis.changes'
      AND cast(position AS INTEGER) > (SELECT coalesce(max(seq), 0) FROM change)`,
  },
  {
    area: 'cursors',
    what: 'the position of analysis is ahead of the samples',
    sql: `SELECT 'cursor ' || name || ' at ' || position FROM cursor WHERE name = 'analysis.samples' AND cast(position AS INTEGER) >
      max((SELECT coalesce(max(id), 0) FROM open_scrape), (SELECT coalesce(max(last_scrape), 0) FROM scrape_block),
        (SELECT coalesce(max(through), 0) FROM rollup_progress))`,
  },
  {
    area: 'series',
    what: 'rollups overlap',
    sql: `SELECT 'rollup ' || b.id FROM rollup a JOIN rollup b ON b.tier = a.tier AND b.last_scrape > a.last_scrape
      AND b.first_scrape <= a.last_scrape`,
  },
  {
    area: 'series',
    what: 'rollups are said to cover what is not sealed',
    sql: `SELECT 'tier ' || tier || ' through ' || through FROM rollup_progress
      WHERE through >= (SELECT min(id) FROM open_scrape) OR through > (SELECT coalesce(max(through), 0) FROM rollup_progress WHERE tier = 1)`,
  },
  {
    area: 'cursors',
    what: 'what was derived is ahead of the record',
    sql: `SELECT key || ' at ' || value FROM small_state WHERE key IN ('store/heads-through', 'store/posted-through')
      AND cast(value AS INTEGER) > (SELECT coalesce(max(seq), 0) FROM change)`,
  },
  {
    area: 'cursors',
    what: 'a snapshot of the model is ahead of the record',
    sql: `SELECT 'snapshot ' || name || ' at ' || seq FROM snapshot WHERE seq > (SELECT coalesce(max(seq), 0) FROM change)`,
  },
  { area: 'tallies', what: 'the total of changes is wrong', sql: tally('changes', 'coalesce((SELECT max(seq) FROM change), 0)') },
  {
    area: 'tallies',
    what: 'the changes that are there and those that were let go of are not all that were recorded',
    sql: `SELECT 'changes: ' || there || ' there, ' || gone || ' let go of, ' || newest || ' recorded' FROM (SELECT (SELECT count(*) FROM change) AS there,
      (SELECT coalesce(sum(changes), 0) FROM change_daily) AS gone, (SELECT coalesce(max(seq), 0) FROM change) AS newest)
      WHERE there + gone <> newest`,
  },
  {
    area: 'tallies',
    what: 'the total of objects is less than those that are there',
    // Those that retention let go of stay counted.
    sql: tally('objects', '(SELECT count(*) FROM object)', '<'),
  },
  {
    area: 'tallies',
    what: 'the total of Kubernetes Events is wrong',
    sql: tally('kubeEvents', '(SELECT count(*) FROM kube_event)'),
  },
  { area: 'names', what: 'a life belongs to no object', sql: orphans('life', 'object_id', 'object') },
  { area: 'names', what: 'a life has no version', sql: orphans('life', 'version_id', 'version') },
  { area: 'names', what: 'an object is of no resource', sql: orphans('object', 'resource_id', 'resource') },
  { area: 'names', what: 'an object is in no namespace', sql: orphans('object', 'namespace_id', 'namespace') },
  { area: 'names', what: 'a field path hangs in the air', sql: `${orphans('path', 'parent_id', 'path')} AND t.parent_id <> 0` },
  { area: 'names', what: 'a claim speaks of no actors', sql: orphans('attribution', 'actor_set_id', 'actor_set') },
  { area: 'names', what: 'merge keys are of no resource', sql: orphans('list_keys', 'resource_id', 'resource') },
  {
    area: 'names',
    what: 'candidates of an actor are no JSON',
    sql: `SELECT 'actor_set ' || id FROM actor_set WHERE NOT json_valid(candidates)`,
  },
];

/** Where objects stand. */
export function checkHeads(db: Database.Database, report: CheckReport): void {
  for (const rule of RULES) if (rule.area === 'heads') checkRule(db, report, rule);
}

function checkRule(db: Database.Database, report: CheckReport, { area, what, sql }: Rule): void {
  report.attempt(area, what, () => {
    for (const where of db.prepare<[], string>(sql).pluck().iterate()) report.add(area, what, where, what);
  });
}

export function checkRest(db: Database.Database, report: CheckReport, seal: ValueSeal): void {
  for (const rule of RULES) checkRule(db, report, rule);
  report.attempt('names', 'path_pathset', () => {
    if (arePathSetsWrong(db))
      report.add('names', 'the way from field paths to their sets is not what the sets say', 'path_pathset');
  });
  each(db, report, {
    area: 'revisions',
    sql: 'SELECT last_seq AS id, data FROM young_record',
    name: 'young_record',
    check: (data) => recordsOf(typeof data === 'string' ? data : seal.open(data).toString('utf8')),
  });
  each(db, report, {
    area: 'names',
    sql: 'SELECT id, data FROM list_keys WHERE data IS NOT NULL',
    name: 'list_keys',
    check: (data) => decodeListKeys(data as Buffer, 'list_keys'),
  });
  checkYoung(db, report);
  each(db, report, {
    area: 'findings',
    sql: `SELECT seq AS id, data FROM finding WHERE typeof(data) <> 'integer'`,
    name: 'finding',
    check: (data) => unpackFinding(data, seal),
  });
  const blocks = new FindingBlocks(db, seal);
  each(db, report, {
    area: 'findings',
    sql: `SELECT seq AS id, data FROM finding WHERE typeof(data) = 'integer'`,
    name: 'finding',
    check: (place) => JSON.parse(blocks.text(Number(place))),
  });
  each(db, report, {
    area: 'findings',
    sql: 'SELECT id, data FROM finding_young',
    name: 'finding_young',
    check: (data) => youngFindingsOf(data, seal),
  });
  each(db, report, {
    area: 'findings',
    sql: 'SELECT seq AS id, data FROM verdict',
    name: 'verdict',
    check: (data) => unpackVerdict(data as Buffer, seal),
  });
  each(db, report, {
    area: 'series',
    sql: 'SELECT last_scrape AS id, data FROM scrape_block',
    name: 'scrape_block',
    check: (data) => decodeRun(data as Buffer),
  });
  each(db, report, {
    area: 'series',
    sql: 'SELECT id, data FROM open_scrape',
    name: 'open_scrape',
    check: (data) => decodeScrape(data as Buffer),
  });
  each(db, report, {
    area: 'series',
    sql: 'SELECT id, data FROM rollup',
    name: 'rollup',
    check: (data) => decodeRollups(data as Buffer),
  });
}

/** Young records lie behind the last span, and none of them before. */
function checkYoung(db: Database.Database, report: CheckReport): void {
  const sql = `SELECT 'young_record ' || last_seq FROM young_record
    WHERE last_seq <= (SELECT coalesce(max(last_seq), 0) FROM span) OR last_seq > (SELECT coalesce(max(seq), 0) FROM change)`;
  report.attempt('revisions', 'young_record', () => {
    for (const where of db.prepare<[], string>(sql).pluck().iterate())
      report.add('revisions', 'young records lie where sealed ones or none should be', where);
  });
}

function each(
  db: Database.Database,
  report: CheckReport,
  { area, sql, name, check }: { area: CheckArea; sql: string; name: string; check: (data: Buffer | string) => unknown },
): void {
  report.attempt(area, name, () => {
    for (const { id, data } of db.prepare<[], { id: number; data: Buffer | string }>(sql).iterate())
      report.attempt(area, `${name} ${id}`, () => check(data));
  });
}

function tally(name: string, counted: string, wrong: '<>' | '<' = '<>'): string {
  return `SELECT '${name}: ' || coalesce(sum(total), 0) || ' counted, ' || ${counted} || ' there' FROM tally WHERE name = '${name}'
    HAVING coalesce(sum(total), 0) ${wrong} ${counted}`;
}

function orphans(table: string, column: string, target: string): string {
  return `SELECT '${table} ' || t.rowid FROM ${table} t WHERE NOT EXISTS (SELECT 1 FROM ${target} x WHERE x.id = t.${column})`;
}
