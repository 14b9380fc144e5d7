/** The recorded day of scrapes (fixtures/README.md): it reads back to whole pages at the times and in the number that are said of it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type RecordedScrape, recordedScrapes } from '../../bench/scrape-recordings.ts';

const FOLDER = fileURLToPath(new URL('../../fixtures/operators/', import.meta.url));

const RECORDINGS: [operator: string, scrapes: number, starts: number, metric: string][] = [
  ['prometheus-operator', 5_760, 1, 'prometheus_operator_reconcile_operations_total'],
  ['rabbitmq-cluster-operator', 5_734, 2, 'controller_runtime_reconcile_total'],
];

for (const [operator, scrapes, starts, metric] of RECORDINGS) {
  it(`${operator}: ${scrapes} scrapes in a day, ${starts} start(s) of the process`, async () => {
    const began = new Set<number>();
    let [count, highest, last]: [number, number, RecordedScrape | undefined] = [0, 0, undefined];
    for await (const scrape of recordedScrapes(`${FOLDER}day.${operator}.ndjson.zst`, { selection: 'page', late: false })) {
      assert.equal(scrape.tsMs % 15_000, 0);
      assert.ok(last === undefined || scrape.tsMs > last.tsMs);
      for (const sample of scrape.samples) {
        if (sample.metric === 'process_start_time_seconds') began.add(sample.value);
        if (sample.metric === metric) highest = Math.max(highest, sample.value);
      }
      count += 1;
      last = scrape;
    }
    assert.equal(count, scrapes);
    assert.equal(last?.tsMs, Date.parse('2026-11-26T23:59:45Z'));
    assert.equal(began.size, starts);
    assert.ok(last.samples.length > 300, `${last.samples.length} series`);
    assert.ok(highest > 20, `it reconciled ${highest} times`);
  });
}
