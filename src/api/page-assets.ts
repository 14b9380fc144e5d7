/**
 * The page's files: an exact list, so that no URL can name another file. The browser gets the TypeScript modules with their types blanked out
 * and finds preact, htm and uPlot by an import map; there is no bundler and no build. They are read once, when the first of them is asked for, and in
 * a thread: what blanks out types takes as long to load as the rest of the program, and 20 MB.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

export interface Asset {
  body: Buffer;
  type: string;
  etag: string;
}

export interface PageAssets {
  /** The URL paths of all files. */
  paths: readonly string[];
  /** URL path → file. */
  files(): Promise<ReadonlyMap<string, Asset>>;
  /** For script-src: the one inline script, the import map. */
  importMapHash: string;
}

/** Pure parts of the domain that the page shares; their paths under /assets/src mirror src, so relative imports hold. */
const DOMAIN_MODULES = [
  'diff/apply-changes',
  'diff/list-items',
  'diff/named-lists',
  'field-path',
  'json',
  'schema-tree',
  'verdict',
];

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

/** Beside modules: URL path → file, from here or as a package names it. */
const OTHER_FILES: Record<string, { file: string; type: string }> = {
  '/assets/vendor/uplot.css': { file: 'uplot/dist/uPlot.min.css', type: 'text/css; charset=utf-8' },
  '/assets/style.css': { file: './page/style.css', type: 'text/css; charset=utf-8' },
  '/assets/history.css': { file: './page/history.css', type: 'text/css; charset=utf-8' },
  '/assets/icon.svg': { file: './page/icon.svg', type: 'image/svg+xml' },
};
const SCRIPT = 'text/javascript; charset=utf-8';
const IMPORT_MAP = JSON.stringify({ imports: VENDOR });

/** `.ts` in a clone; `.js` where the package was emitted as JavaScript. */
const EXTENSION = extname(import.meta.filename);
const THREAD = new URL(`./page-assets-thread${EXTENSION}`, import.meta.url);

export function openPageAssets(): PageAssets {
  let reading: Promise<ReadonlyMap<string, Asset>> | undefined;
  return {
    paths: ['/', ...modules().keys(), ...Object.values(VENDOR), ...Object.keys(OTHER_FILES)],
    importMapHash: `'sha256-${createHash('sha256').update(IMPORT_MAP).digest('base64')}'`,
    files() {
      reading ??= readInThread().catch((error: unknown) => {
        reading = undefined;
        throw error;
      });
      return reading;
    },
  };
}

/** Takes long; see above. */
export function readPageAssets(): Map<string, Asset> {
  const files = new Map<string, Asset>();
  for (const [path, file] of modules()) files.set(path, moduleAsset(file));
  for (const [specifier, path] of Object.entries(VENDOR))
    files.set(path, asset(read(VENDOR_FILES[specifier] ?? specifier), SCRIPT));
  for (const [path, { file, type }] of Object.entries(OTHER_FILES)) files.set(path, asset(read(file), type));
  const html = read('./page/index.html')
    .toString('utf8')
    .replace(/(<script type="importmap">)[^<]*/, (_, tag) => `${tag}${IMPORT_MAP}`)
    .replace('page/main.ts', `page/main${EXTENSION}`);
  files.set('/', asset(Buffer.from(html), 'text/html; charset=utf-8'));
  return files;
}

function readInThread(): Promise<ReadonlyMap<string, Asset>> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(THREAD, { execArgv: [] });
    thread.once('message', (files: ReadonlyMap<string, Asset>) => {
      // A Buffer comes out of a thread as a plain array of bytes.
      resolve(new Map([...files].map(([path, { body, ...rest }]) => [path, { ...rest, body: Buffer.from(body) }])));
    });
    thread.once('error', reject);
    // After a message this says nothing any more.
    thread.once('exit', (code) => reject(new Error(`the thread that reads the page's files ended with ${code}`)));
  });
}

/** URL path → file of each TypeScript module. */
function modules(): Map<string, string> {
  const names = readdirSync(new URL('./page', import.meta.url)).filter(isModule);
  return new Map([
    ...names.map((name) => [`/assets/src/api/page/${name}`, `./page/${name}`] as const),
    ...DOMAIN_MODULES.map((name) => [`/assets/src/domain/${name}${EXTENSION}`, `../domain/${name}${EXTENSION}`] as const),
  ]);
}

/** types.ts holds nothing that is there at run time. */
function isModule(name: string): boolean {
  return extname(name) === EXTENSION && !/(^types|\.d)\.[jt]s$/.test(name);
}

function read(file: string): Buffer {
  return readFileSync(file.startsWith('.') ? new URL(file, import.meta.url) : fileURLToPath(import.meta.resolve(file)));
}

function moduleAsset(relative: string): Asset {
  const source = read(relative);
  const body = EXTENSION === '.ts' ? Buffer.from(withoutTypes(source.toString('utf8'))) : source;
  return asset(body, SCRIPT);
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
