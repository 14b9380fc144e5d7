/**
 * The page's files, read once: an exact list, so that no URL can name another file. The browser gets the TypeScript modules
 * with their types blanked out and finds preact, htm and uPlot by an import map; there is no bundler and no build.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Asset {
  body: Buffer;
  type: string;
  etag: string;
}

export interface PageAssets {
  /** URL path → file. */
  files: ReadonlyMap<string, Asset>;
  /** For script-src: the one inline script, the import map. */
  importMapHash: string;
}

/** Pure parts of the domain that the page shares; their paths under /assets/src mirror src, so relative imports hold. */
const DOMAIN_MODULES = ['diff/apply-changes', 'diff/field-diff', 'field-path', 'json', 'verdict'];

const VENDOR: Record<string, string> = {
  preact: '/assets/vendor/preact.mjs',
  'preact/hooks': '/assets/vendor/preact-hooks.mjs',
  htm: '/assets/vendor/htm.mjs',
  uplot: '/assets/vendor/uplot.mjs',
};
const VENDOR_FILES: Record<string, string> = {
  preact: 'preact',
  'preact/hooks': 'preact/hooks',
  htm: 'htm',
  uplot: 'uplot/dist/uPlot.esm.js',
};

/** `.ts` in a clone; `.js` where the package was emitted as JavaScript. */
const EXTENSION = extname(import.meta.filename);

export function loadPageAssets(): PageAssets {
  const files = new Map<string, Asset>();
  for (const name of readdirSync(new URL('./page', import.meta.url)).filter(isModule))
    files.set(`/assets/src/api/page/${name}`, moduleAsset(`./page/${name}`));
  for (const name of DOMAIN_MODULES)
    files.set(`/assets/src/domain/${name}${EXTENSION}`, moduleAsset(`../domain/${name}${EXTENSION}`));
  for (const [specifier, path] of Object.entries(VENDOR)) {
    const file = fileURLToPath(import.meta.resolve(VENDOR_FILES[specifier] ?? specifier));
    files.set(path, asset(readFileSync(file), 'text/javascript; charset=utf-8'));
  }
  const uplotStyle = fileURLToPath(import.meta.resolve('uplot/dist/uPlot.min.css'));
  files.set('/assets/vendor/uplot.css', asset(readFileSync(uplotStyle), 'text/css; charset=utf-8'));
  files.set('/assets/style.css', asset(read('./page/style.css'), 'text/css; charset=utf-8'));
  files.set('/assets/history.css', asset(read('./page/history.css'), 'text/css; charset=utf-8'));
  files.set('/assets/icon.svg', asset(read('./page/icon.svg'), 'image/svg+xml'));

  const importMap = JSON.stringify({ imports: VENDOR });
  const html = read('./page/index.html')
    .toString('utf8')
    .replace(/(<script type="importmap">)[^<]*/, (_, tag) => `${tag}${importMap}`)
    .replace('page/main.ts', `page/main${EXTENSION}`);
  files.set('/', asset(Buffer.from(html), 'text/html; charset=utf-8'));
  return { files, importMapHash: `'sha256-${createHash('sha256').update(importMap).digest('base64')}'` };
}

/** types.ts holds nothing that is there at run time. */
function isModule(name: string): boolean {
  return extname(name) === EXTENSION && !/(^types|\.d)\.[jt]s$/.test(name);
}

function read(relative: string): Buffer {
  return readFileSync(new URL(relative, import.meta.url));
}

function moduleAsset(relative: string): Asset {
  const source = read(relative);
  const body = EXTENSION === '.ts' ? Buffer.from(withoutTypes(source.toString('utf8'))) : source;
  return asset(body, 'text/javascript; charset=utf-8');
}

/** Node warns once that this function is experimental; that is no news to whoever runs the product, so it is held back here. */
function withoutTypes(source: string): string {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}

function asset(body: Buffer, type: string): Asset {
  return { body, type, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}
