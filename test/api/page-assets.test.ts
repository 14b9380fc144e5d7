/** What the browser loads is complete, is JavaScript, and is nothing else. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { openPageAssets } from '../../src/api/page-assets.ts';

const assets = openPageAssets();
const { importMapHash } = assets;
const files = await assets.files();
const text = (path: string) => files.get(path)?.body.toString('utf8') ?? '';
const importMap = JSON.parse(/<script type="importmap">(.*?)<\/script>/s.exec(text('/'))?.[1] ?? '{}') as {
  imports: Record<string, string>;
};

/** Every module reachable from the start module, by the URL the browser would ask for. */
function reachable(start: string): Set<string> {
  const seen = new Set<string>();
  const visit = (path: string) => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const [, specifier = ''] of text(path).matchAll(/^\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]/gm)) {
      visit(importMap.imports[specifier] ?? new URL(specifier, `http://x${path}`).pathname);
    }
  };
  visit(start);
  return seen;
}

describe('the page files', () => {
  it('hold every module the page imports, and no module it does not', () => {
    const loaded = reachable('/assets/src/api/page/main.ts');
    for (const path of loaded) assert.ok(files.has(path), `${path} is imported but not served`);
    const served = [...files.keys()].filter((path) => path.startsWith('/assets/src/'));
    assert.deepEqual(
      served.filter((path) => !loaded.has(path)),
      [],
    );
    assert.ok(loaded.size > 20);
  });

  it('are those that are known before they are read', () => {
    assert.deepEqual([...assets.paths].sort(), [...files.keys()].sort());
  });

  it('leave no page module out', () => {
    const modules = readdirSync(new URL('../../src/api/page/', import.meta.url)).filter((name) => name.endsWith('.ts'));
    const missing = modules.filter((name) => name !== 'types.ts' && !files.has(`/assets/src/api/page/${name}`));
    assert.deepEqual(missing, []);
  });

  it('are named by the index, whose one inline script is the hashed import map', () => {
    for (const [, path = ''] of text('/').matchAll(/(?:href|src)="([^"]+)"/g)) assert.ok(files.has(path), path);
    assert.equal([...text('/').matchAll(/<script(?![^>]*\bsrc=)/g)].length, 1);
    assert.match(importMapHash, /^'sha256-[\w+/]{43}='$/);
    for (const path of Object.values(importMap.imports)) assert.ok(files.has(path), path);
  });

  it('have no types left in them and never make markup of text', () => {
    for (const [path, { body }] of files) {
      if (!path.startsWith('/assets/src/')) continue;
      assert.ok(!/^(?:export )?(?:interface|type) \w+/m.test(body.toString()), path);
      assert.ok(!/innerHTML|insertAdjacentHTML|document\.write|\beval\(/.test(body.toString()), path);
    }
  });
});
