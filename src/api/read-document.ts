/** Reads the document that a string of a custom resource holds: values of a chart, a dashboard, a manifest. */
import { isJsonObject, type Json, parseJson } from '../domain/json.ts';
import { yaml } from '../yaml.ts';

/** Longer text is shown as text: to parse it would hold up everything else. */
const LENGTH_MAX = 256 * 1024;
/** How often anchors may be used in one document, so that a few lines cannot grow to gigabytes. */
const ALIASES_MAX = 100;

/** JSON, or YAML of one or several documents, that holds more than a scalar; undefined for any other text. */
export function readDocument(text: string): { format: 'json' | 'yaml'; value: Json } | undefined {
  if (text.length > LENGTH_MAX) return undefined;
  const value = /^\s*[{[]/.test(text) ? readJson(text) : undefined;
  if (value !== undefined) return { format: 'json', value };
  // A line with a key or an item, which prose hardly ever has all through; what has none is not worth the parser's time.
  if (!/^[ \t]*(- |[\w"'./-]+:(\s|$))/m.test(text) || !text.includes('\n')) return undefined;
  const read = readYaml(text);
  return read === undefined ? undefined : { format: 'yaml', value: read };
}

function readJson(text: string): Json | undefined {
  try {
    return containerOf(parseJson(text));
  } catch {
    return undefined;
  }
}

function readYaml(text: string): Json | undefined {
  try {
    const documents = yaml().parseAllDocuments(text, { uniqueKeys: true, logLevel: 'silent', intAsBigInt: true });
    if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return undefined;
    const values = documents.map((document) => document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown);
    // What YAML has and JSON has not (dates, NaN, sets) becomes what JSON makes of it.
    const plain = parseJson(JSON.stringify(values)) as Json[];
    return containerOf(plain.length === 1 ? (plain[0] as Json) : plain);
  } catch {
    return undefined;
  }
}

function containerOf(value: Json): Json | undefined {
  return Array.isArray(value) || isJsonObject(value) ? value : undefined;
}
