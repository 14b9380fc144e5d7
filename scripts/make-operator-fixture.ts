/**
 * Makes fixtures/operators/ of what scripts/record-operators.ts left in a folder: `node scripts/make-operator-fixture.ts FOLDER`.
 *
 * The recording goes in whole, with the Kubernetes Events of recorded objects where the time of the watch that told them puts them. Claims of the
 * audit log go into a stream of their own, at the API server's times: all that led to a recorded change, and deletions. What was done in the hour
 * goes into a third file.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { entryTime, formatEntry, parseLine, type StreamEntry } from '../src/collector/recording/stream-format.ts';
import { formatSide, type SideEntry } from '../src/collector/recording/stream-side.ts';
import { readKubeEvent } from '../src/collector/watch/read-kube-event.ts';
import { addAuditEvent } from '../src/collector/who/audit-event.ts';
import { maskKubeEvent } from '../src/domain/kube-event.ts';
import { keyedHash } from '../src/domain/masking/masking-key.ts';
import type { KubeObject } from '../src/domain/object-ref.ts';
import type { Claim, ParsedClaims } from '../src/domain/who/claim.ts';
import { kindOf } from '../test/operators/manifests.ts';
import type { Done } from '../test/operators/play-work.ts';
import { USERS } from '../test/operators/rig.ts';

const CLUSTER = 'operators';
const GROUPS = ['rabbitmq.com', 'monitoring.coreos.com'];

interface Truth {
  from: string;
  to: string;
  fights: { from: string; to: string }[];
  done: Done[];
}

const [source] = process.argv.slice(2);
if (source === undefined) throw new Error('usage: make-operator-fixture.ts FOLDER');
const folder = new URL('../fixtures/operators/', import.meta.url);
const truth: Truth = JSON.parse(readText('truth.json'));
const fromMs = Date.parse(truth.from);
const toMs = Date.parse(truth.to);

type Entry = StreamEntry | SideEntry;
const recorded = linesOf(zstdDecompressSync(readFileSync(join(source, 'recording.ndjson.zst'))).toString()).flatMap(readEntry);
// A recorder that was allowed to read Events wrote them itself.
const entries = recorded.some((entry) => 'kubeEvent' in entry) ? [...recorded] : [...recorded, ...events()];
// Stable, so that what came in one moment stays as it came.
entries.sort((a, b) => entryTime(a) - entryTime(b));
if (!recorded.some((entry) => 'head' in entry)) entries.unshift({ head: { atMs: fromMs, clusters: [CLUSTER], timeZone: 'UTC' } });
if (!recorded.some((entry) => 'seenToMs' in entry)) entries.push({ seenToMs: toMs });

mkdirSync(folder, { recursive: true });
const sizes = [write('hour.ndjson.zst', entries), write('hour.claims.ndjson.zst', claims())];
// One step a line, so that a person can read it.
const { done, ...about } = truth;
const writers = writersByVersion();
const steps = done.map((step) => `  ${JSON.stringify(withoutRevision(truly(step)))}`).join(',\n');
writeFileSync(
  new URL('hour.truth.json', folder),
  `${JSON.stringify(about, null, 1).slice(0, -2)},\n "done": [\n${steps}\n ]\n}\n`,
);
process.stdout.write(`${sizes.join('\n')}\n${done.length} steps\n`);

function write(name: string, lines: Entry[]): string {
  const text = `${lines.map((entry) => ('observation' in entry || 'scrape' in entry ? formatEntry(entry) : formatSide(entry))).join('\n')}\n`;
  const params = {
    [constants.ZSTD_c_compressionLevel]: 19,
    [constants.ZSTD_c_windowLog]: 25,
    [constants.ZSTD_c_enableLongDistanceMatching]: 1,
    [constants.ZSTD_c_checksumFlag]: 1,
  };
  const packed = zstdCompressSync(text, { params });
  writeFileSync(new URL(name, folder), packed);
  return `${name}: ${lines.length} lines, ${text.length} bytes, ${packed.length} packed`;
}

/**
 * The first recording was made before lines told how a change became known. Its recorder began with lists, and told of what was there before it in
 * no other way; everything after came by watches.
 */
function readEntry(line: string): Entry[] {
  const parsed = parseLine(line, 1, { cluster: CLUSTER, file: 'recording', observedMs: 0 });
  if ('reject' in parsed) throw new Error(parsed.reject.what);
  if ('bookmark' in parsed) return [];
  if ('observation' in parsed && parsed.observation.origin === 'replay') {
    const { type, object } = parsed.observation;
    const wasThere = type === 'ADDED' && Date.parse(String(object.metadata.creationTimestamp)) < fromMs;
    return [{ observation: { ...parsed.observation, origin: wasThere ? 'list' : 'watch' } }];
  }
  return [parsed];
}

function claims(): Entry[] {
  const seenMs = new Map<string, number>();
  for (const entry of recorded) {
    if ('observation' in entry) seenMs.set(entry.observation.object.metadata.resourceVersion, entry.observation.observedMs);
  }
  return auditClaims().filter(({ claim, atMs }) => {
    // A write that changed nothing is answered with the version that an earlier one led to.
    const seen = seenMs.get(claim.resourceVersion ?? '') ?? Number.NEGATIVE_INFINITY;
    return atMs >= fromMs && atMs <= toMs && (claim.verb === 'delete' || seen >= claim.atMs - 1_000);
  });
}

function auditClaims(): { claim: Claim; atMs: number }[] {
  return linesOf(readText('audit.log')).flatMap((line) => {
    const event = JSON.parse(line);
    const parsed: ParsedClaims = { claims: [], rejects: [], rejectsUnlisted: 0, skipped: 0 };
    addAuditEvent(parsed, event, CLUSTER, 'audit.log');
    if (parsed.rejects.length > 0) throw new Error(parsed.rejects[0]!.what);
    return parsed.claims.map((claim) => {
      const target = { ...claim.target, kind: kindOf(claim.target.resource) };
      return { claim: { ...claim, target }, atMs: Date.parse(event.stageTimestamp) };
    });
  });
}

/** The Events of the core API, as events.k8s.io shows them; of an object the last telling of each counts, as in a store. */
function events(): Entry[] {
  const hash = keyedHash(Buffer.from('only for texts that look like secrets, of which there are none'));
  return linesOf(readText('events.ndjson')).flatMap((line): Entry[] => {
    const { ts, type, object } = JSON.parse(line);
    const atMs = Date.parse(ts);
    const group = String(object.involvedObject.apiVersion ?? '').split('/')[0]!;
    if (type === 'DELETED' || atMs < fromMs || atMs > toMs || !GROUPS.includes(group)) return [];
    const { involvedObject, message, source: component, count, firstTimestamp, lastTimestamp } = object;
    const told = {
      ...object,
      regarding: involvedObject,
      note: message,
      deprecatedSource: component,
      deprecatedCount: count,
      deprecatedFirstTimestamp: firstTimestamp,
      deprecatedLastTimestamp: lastTimestamp,
    } as KubeObject;
    const kubeEvent = readKubeEvent(told, CLUSTER, atMs);
    return kubeEvent === undefined ? [] : [{ kubeEvent: maskKubeEvent(kubeEvent, hash), atMs }];
  });
}

/** Who led to a resourceVersion: the first, by the audit log, to be answered with it. */
function writersByVersion(): Map<string, string> {
  const first = new Map<string, { atMs: number; user: string }>();
  for (const { claim } of auditClaims()) {
    const { resourceVersion, atMs, user } = claim;
    const known = first.get(resourceVersion ?? '');
    if (resourceVersion !== undefined && (known === undefined || atMs < known.atMs))
      first.set(resourceVersion, { atMs, user: user.name });
  }
  return new Map([...first].map(([version, { user }]) => [version, user]));
}

/** A write that changed nothing is answered with the version that somebody else's led to, perhaps a moment before. */
function truly(step: Done): Done {
  const { resourceVersion, who } = step;
  if (resourceVersion === undefined || who === 'cluster' || writers.get(resourceVersion) === USERS[who].name) return step;
  const { resourceVersion: _, ...rest } = step;
  return rest;
}

/** The same hash forty times over says nothing and costs more than the rest of the line. */
function withoutRevision({ why, ...step }: Done): Omit<Done, 'why'> & { why?: string } {
  const short = why?.replace(/,? ?at main@sha1:[0-9a-f]+$/, '').replace(/^nothing new$/, '');
  return short === undefined || short === '' ? step : { ...step, why: short };
}

function readText(name: string): string {
  return readFileSync(join(source!, name), 'utf8');
}

function linesOf(content: string): string[] {
  return content.split('\n').filter((line) => line !== '');
}
