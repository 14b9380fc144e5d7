import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { crowsnest, line, temporaryFolder } from './run-crowsnest.ts';

interface Result {
  observations: number;
  changes: number;
  rejects: number;
  ranked: number;
}

const folder = temporaryFolder();
const lines = Array.from({ length: 400 }, (_, i) => line(i + 1, { actor: `ann-${(i * 7919) % 100}` }));
const text = `${lines.join('\n')}\n`;

interface Case {
  what: string;
  bytes: Buffer | string;
  /** Changes there must be; a range for data cut in the middle. */
  changes: number | [number, number];
  rejects: number;
  /** What it says on stderr. */
  says?: RegExp;
  code?: number;
}

const CASES: Case[] = [
  { what: 'an empty file', bytes: '', changes: 0, rejects: 0, says: /the recording is empty: \S*stream/ },
  {
    what: 'a file that ends in the middle of a line',
    bytes: text.slice(0, -40),
    changes: 399,
    rejects: 1,
    says: /STREAM_TRUNCATED.*stream:400.*middle of this line/,
  },
  { what: 'a last line without its line feed', bytes: text.slice(0, -1), changes: 400, rejects: 0 },
  {
    what: 'a gzip cut short',
    bytes: gzipSync(text).subarray(0, -500),
    changes: [1, 399],
    rejects: 1,
    says: /STREAM_TRUNCATED.*stream:\d+/,
  },
  {
    what: 'a zstd cut short',
    bytes: zstdCompressSync(text.repeat(20)).subarray(0, -4),
    changes: [400, 7999],
    rejects: 1,
    says: /STREAM_TRUNCATED.*stream:\d+/,
  },
  {
    what: 'a zstd with a long window',
    bytes: zstdCompressSync(text, {
      params: { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_enableLongDistanceMatching]: 1 },
    }),
    changes: 400,
    rejects: 0,
  },
  {
    what: 'broken lines among good ones, by their numbers',
    bytes: `${line(1)}\n{"type":\n[]\n${line(2)}\n{"type":"MODIFIED","ts":"yesterday"}\n${line(3)}\n`,
    changes: 3,
    rejects: 3,
    says: /stream:2".*stream:3".*stream:5"/s,
  },
  {
    what: 'a byte order mark, Windows line ends and empty lines',
    bytes: `\uFEFF${text.replaceAll('\n', '\r\n\r\n')}`,
    changes: 400,
    rejects: 0,
  },
  {
    what: 'a file of another kind',
    bytes: '# Shopping\n\n- milk\n',
    changes: 0,
    rejects: 2,
    says: /STREAM_UNREADABLE: nothing in it is a change \(\S*stream\)\. Give a file/,
    code: 1,
  },
];

describe('backtest of', { concurrency: 2 }, () => {
  for (const [i, { what, bytes, changes, rejects, says, code = 0 }] of CASES.entries()) {
    it(what, async () => {
      const file = join(folder, `${i}-stream`);
      writeFileSync(file, bytes);
      const ended = await crowsnest(['backtest', file, '--json']);
      assert.equal(ended.code, code, ended.err);
      const result = JSON.parse(ended.out) as Result;
      const [least, most] = typeof changes === 'number' ? [changes, changes] : changes;
      assert.ok(result.changes >= least && result.changes <= most, `${result.changes} changes`);
      assert.equal(result.rejects, rejects, ended.err);
      if (says !== undefined) assert.match(ended.err, says);
      assert.doesNotMatch(ended.err, /INTERNAL|\n\s+at /);
    });
  }

  for (const [what, file, message] of [
    ['a file that is not there', join(folder, 'none'), /STREAM_UNREADABLE: .*does not exist \(\S*none\)\. Check/],
    ['a directory', folder, /STREAM_UNREADABLE: .*EISDIR.*Check/],
  ] as const) {
    it(`${what} ends with 1`, async () => {
      const { code, out, err } = await crowsnest(['backtest', file]);
      assert.equal(code, 1);
      assert.match(err, message);
      assert.equal(out, '');
    });
  }
});

describe('replay', { concurrency: 2 }, () => {
  it('ends with 0 after the result when told --once, with the first numbers of a broken recording in words', async () => {
    const file = join(folder, 'broken.ndjson');
    writeFileSync(file, `${line(1)}\nnonsense\n${line(2)}\n`);
    const { code, out } = await crowsnest(['replay', file, '--once']);
    assert.equal(code, 0);
    assert.match(out, /^2 changes, .*1 rejected/m);
    assert.match(out, /rejected \S*broken\.ndjson:2: the line is not valid JSON/);
  });

  it('says what it passes over of a recording that its database holds already', async () => {
    const file = join(folder, 'twice.ndjson');
    writeFileSync(file, text);
    const args = ['replay', file, '--once', '--json', '--db', join(folder, 'twice.db')];
    const first = await crowsnest(args);
    assert.equal((JSON.parse(first.out) as Result).changes, 400, first.err);
    const second = await crowsnest(args);
    assert.equal((JSON.parse(second.out) as Result).changes, 0);
    assert.match(second.err, /400 of 400 lines were played into this database before/);
  });
});
