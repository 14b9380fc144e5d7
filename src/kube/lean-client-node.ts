/**
 * Leaves out what client-node's KubeConfig imports and the credentials process never calls: the generated API types and two HTTP clients, its own and
 * Node's, which an import of `node:http` loads for the sake of three names (see telemetry/node-http.ts).
 * The import then costs 23 MB and 0.1 s of CPU instead of 77 MB and 0.55 s. Import this before anything that imports client-node.
 * The version of client-node is pinned; should a newer one call what is left out, test/kube/credentials.test.ts fails.
 */
import { registerHooks } from 'node:module';
import { http } from '../telemetry/node-http.ts';

const IMPORTER = /@kubernetes\/client-node\/dist\/config\.js$/;
/** What stands in: the names that are imported, which throw when used. */
const STUBS: Record<string, string> = {
  './gen/index.js': stub(['createConfiguration', 'ServerConfiguration']),
  undici: stub(['Agent', 'ProxyAgent']),
};
const IMPORTER_OF_HTTP = /\/(client-node\/dist\/config|agent-base\/dist\/\w+)\.js$/;
const NAMES_OF_HTTP = Object.keys(http).filter((name) => !['WebSocket', 'CloseEvent', 'MessageEvent'].includes(name));
const HTTP = moduleOf(
  `const http = process.getBuiltinModule('node:http'); export default http; export const { ${NAMES_OF_HTTP} } = http;`,
);

registerHooks({
  resolve(specifier, context, nextResolve) {
    const url = standInFor(specifier, context.parentURL ?? '');
    return url === undefined ? nextResolve(specifier, context) : { url, shortCircuit: true };
  },
});

function standInFor(specifier: string, importer: string): string | undefined {
  if (/^(node:)?http$/.test(specifier)) return IMPORTER_OF_HTTP.test(importer) ? HTTP : undefined;
  return IMPORTER.test(importer) ? STUBS[specifier] : undefined;
}

function stub(names: string[]): string {
  const lines = names.map((name) => `export function ${name}() { throw new Error('${name} is left out of this process'); }`);
  return moduleOf(lines.join('\n'));
}

function moduleOf(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`;
}
