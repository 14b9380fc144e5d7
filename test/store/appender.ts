/** A process that appends until it is killed: `node appender.ts FILE`. Prints the cursor after each commit. Seals and merges all the while. */
import { writeSync } from 'node:fs';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { newChange, state } from './new-changes.ts';

const store = openSqliteStore({ file: process.argv[2] as string, changesPerSpan: 16, spansPerMerge: 3, changesPerLargeSpan: 96 });
const states = new Map<string, KubeObject>();
for (const { ref, state: known } of [...store.heads('test', 'kafka.strimzi.io', 'Kafka')].map((head) => store.head(head.ref)!)) {
  states.set(ref.name, known);
}
for (let n = Number(store.cursor('w') ?? 0); ; ) {
  const changes = Array.from({ length: 5 }, () => {
    n += 1;
    const name = `k${n % 7}`;
    const object = state(name, String(n), { n, text: `revision ${n}` });
    const before = states.get(name);
    states.set(name, object);
    return newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, { before });
  });
  store.append({ changes, cursors: { w: String(n) }, scrapes: [scrapeAt(n)] });
  store.maintain();
  writeSync(1, `${n}\n`);
}

function scrapeAt(n: number) {
  return { cluster: 'test', target: 't', tsMs: n, samples: [{ metric: 'n', labels: {}, value: n }] };
}
