/** What came out of a cluster, or out of a file from somewhere, must not steer the terminal of who looks at it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { crowsnest, line, recorded, start, temporaryFolder } from './run-crowsnest.ts';

const folder = temporaryFolder();
const EVIL = 'mia\u009b31m\u001b]0;owned\u0007\u202e';
const STEERS = /(?!\n)[\p{Cc}\p{Cf}]/u;
const recording = join(folder, 'evil.ndjson');
const fact = {
  ...JSON.parse(line(2, { actor: EVIL })),
  object: { ...JSON.parse(line(2)).object, spec: { privileged: true, note: EVIL } },
};
writeFileSync(recording, `${line(1)}\n${JSON.stringify(fact)}\n${JSON.stringify({ type: EVIL })}\n`);

test('a replay and a backtest tell of evil names in letters', async () => {
  for (const command of [
    ['replay', recording, '--once'],
    ['backtest', recording],
  ]) {
    const { out } = await crowsnest(command);
    assert.match(out, /rejected .*\\u\{9b\}31m/);
    assert.match(out, /^ {2}\S+ {2}mia\\u\{9b\}31m\\u\{1b\}\]0;owned\\u\{7\}\\u\{202e\} changed Kafka/m);
    assert.doesNotMatch(out, STEERS);
  }
});

test('an import says what is wrong with a line in letters', async () => {
  const { err } = await crowsnest(['db', 'import', recording, '--db', join(folder, 'into.db')]);
  assert.match(err, /STREAM_BAD_LINE: .*\\u\{9b\}31m/);
  assert.doesNotMatch(err, STEERS);
});

test('a state at a time is printed in letters', async () => {
  const url = await recorded(start(['replay', recording, '--port', '0']), 2);
  const { out } = await crowsnest(['at', '2026-01-06', '--server', url]);
  assert.match(out, /note: "mia\\u009b31m/);
  assert.doesNotMatch(out, STEERS);
});
