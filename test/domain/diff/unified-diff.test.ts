import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { unifiedDiff } from '../../../src/domain/diff/unified-diff.ts';

const names = { beforeName: 'a', afterName: 'b' };

test('writes hunks as diff -u does', () => {
  const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9', ''].join('\n');
  const after = ['1', '2', '3', '4', 'five', '6', '7', '8', '9', '10', ''].join('\n');
  const expected = ['--- a', '+++ b', '@@ -2,8 +2,9 @@', ' 2', ' 3', ' 4', '-5', '+five', ' 6', ' 7', ' 8', ' 9', '+10', ''];
  assert.equal(unifiedDiff({ before, after, ...names }), expected.join('\n'));
  assert.equal(unifiedDiff({ before, after: before, ...names }), '');
  assert.equal(unifiedDiff({ before: '', after: 'x\n', ...names }), '--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n');
});

const hasPatch = spawnSync('patch', ['--version']).status === 0;

test('patch(1) takes it', { skip: hasPatch ? false : 'no patch(1) here' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'unified-diff-'));
  const lines = fc
    .array(fc.constantFrom('a', 'b', 'c', 'd', ''), { minLength: 1, maxLength: 30 })
    .map((all) => `${all.join('\n')}\n`);
  try {
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const diff = unifiedDiff({ before, after, ...names });
        if (diff === '') return assert.equal(before, after);
        const file = join(folder, 'a');
        writeFileSync(file, before);
        const patched = spawnSync('patch', ['--silent', '--posix', file], { input: diff, encoding: 'utf8' });
        assert.equal(patched.status, 0, `${patched.stdout}${patched.stderr}\n${diff}`);
        assert.equal(readFileSync(file, 'utf8'), after);
      }),
      { numRuns: 60 },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
