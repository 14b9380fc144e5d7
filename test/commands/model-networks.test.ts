/** crowsnest model versions, train, revert and export, against the API of a seeded store. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runModelExport, runModelRevert, runModelTrain, runModelVersions } from '../../src/commands/model-networks.ts';
import type { Terminal } from '../../src/commands/terminal.ts';
import { isCrowsnestError } from '../../src/domain/errors.ts';
import { unpackWeights } from '../../src/model/neural/weights.ts';
import { type Options, parseOptions } from '../../src/options.ts';
import { type SeededApi, startSeededApi, TOKEN } from '../support/seeded-api.ts';
import { SEEDED_WEIGHTS, seededNeural } from '../support/seeded-neural.ts';

const neural = seededNeural();
const folder = mkdtempSync(join(tmpdir(), 'crowsnest-networks-'));
let api: SeededApi;
before(async () => {
  api = await startSeededApi({ neural: () => neural });
});
after(async () => {
  await api.stop();
  rmSync(folder, { recursive: true });
});

type Run = (options: Options, terminal: Terminal) => Promise<number>;

async function said(
  run: Run,
  flags: Record<string, unknown> = {},
  command: 'model versions' | 'model export' = 'model versions',
) {
  const told = { out: '', note: '' };
  const terminal: Terminal = {
    out: (text) => {
      told.out += text;
    },
    note: (text) => {
      told.note += text;
    },
    isInteractive: false,
    version: '0',
    token: TOKEN,
    signal: new AbortController().signal,
  };
  const options = parseOptions({ command, flags: { server: api.url, ...flags }, environment: {} });
  assert.equal(await run(options, terminal), 0);
  return told;
}

test('versions are listed with their figures, and why the network stays in the shadow', async () => {
  const { out } = await said(runModelVersions);
  assert.match(out, /^\* {4}2 .* 90 .* 4\.2 s {2}wasm {5}25 % {3}50 %$/m);
  assert.match(out, /in the shadow: 2 of 3 trainings/);
  const lines = (await said(runModelVersions, { json: true })).out.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { id: number }).id),
    [1, 2],
  );
});

test('a training is asked for, an older network gone back to, and the newest taken again', async () => {
  await said(runModelTrain);
  const back = await said((options, terminal) => runModelRevert(options, '1', terminal));
  assert.match(back.note, /network 1 is in use/);
  assert.match((await said(runModelVersions)).out, /^\* {4}1 /m);
  assert.match((await said((options, terminal) => runModelRevert(options, '', terminal))).note, /network 2 is in use/);
  assert.deepEqual(neural.asked, ['train', 'use 1', 'use undefined']);
  await assert.rejects(
    said((options, terminal) => runModelRevert(options, '9', terminal)),
    (error) => isCrowsnestError(error, 'NOT_FOUND'),
  );
  await assert.rejects(
    said((options, terminal) => runModelRevert(options, 'last', terminal)),
    (error) => isCrowsnestError(error, 'CONFIG_BAD_VALUE'),
  );
});

test('weights are exported as they are, and over no other file', async () => {
  const out = join(folder, 'one.weights');
  const run: Run = (options, terminal) => runModelExport(options, '1', terminal);
  await said(run, { out }, 'model export');
  assert.deepEqual(unpackWeights(readFileSync(out)), SEEDED_WEIGHTS);
  await assert.rejects(said(run, { out }, 'model export'), (error) => isCrowsnestError(error, 'FILE_EXISTS'));
  const nowhere = join(folder, 'no', 'where');
  await assert.rejects(said(run, { out: nowhere }, 'model export'), (error) => isCrowsnestError(error, 'STREAM_UNWRITABLE'));
});

test('what acts is offered by POST with the token only', async () => {
  const before = neural.asked.length;
  const post = (path: string, headers: Record<string, string>) => fetch(`${api.url}${path}`, { method: 'POST', headers });
  assert.equal((await post('/v1/model/neural/train', {})).status, 401);
  const get = await api.get('/v1/model/neural/train');
  assert.equal(get.status, 405);
  assert.equal(get.headers.get('allow'), 'POST');
  assert.equal((await post('/v1/model/neural/use?version=x', { authorization: `Bearer ${TOKEN}` })).status, 400);
  assert.equal(neural.asked.length, before);
});
