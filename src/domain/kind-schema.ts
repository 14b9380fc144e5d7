/**
 * What a kind's own schema tells us about the values of its objects: which of them are secrets, and by which members the items of a list
 * are told apart. Read from the OpenAPI document of its group and version (or from a CRD, whose `openAPIV3Schema` is the same language) and
 * reduced to the places that say something, which for most kinds are few.
 */
import { isJsonObject, type Json, type JsonObject } from './json.ts';
import type { ListKeys, SchemaTree } from './schema-tree.ts';

export interface KindSchema {
  /** Undefined where no value is declared a secret. */
  secrets: SchemaTree<true> | undefined;
  /** The x-kubernetes-list-map-keys. Undefined where no list has them. */
  mergeKeys: ListKeys | undefined;
}

/** Deeper than any real schema; those that contain themselves end here or where they come back to themselves. */
const DEPTH_MAX = 64;
const REF = '#/components/schemas/';

/** `schema` describes the whole object; `components` are those of its OpenAPI document. */
export function readKindSchema(schema: JsonObject, components: JsonObject = {}): KindSchema {
  return {
    secrets: treeOf(schema, components, tellsSecret, []),
    mergeKeys: treeOf(schema, components, ({ schema: list }) => mergeKeysOf(list), []),
  };
}

interface Place {
  schema: JsonObject;
  /** Its name within the object that holds it, which has these members. */
  name?: string;
  siblings?: JsonObject;
}

function treeOf<T>(
  given: JsonObject,
  components: JsonObject,
  tell: (place: Place) => T | undefined,
  within: readonly JsonObject[],
  place: Pick<Place, 'name' | 'siblings'> = {},
): SchemaTree<T> | undefined {
  const schema = resolved(given, components);
  if (within.length >= DEPTH_MAX || within.includes(schema)) return undefined;
  const told = tell({ ...place, schema });
  const inner = [...within, schema];
  const members = new Map<string, SchemaTree<T>>();
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  for (const [name, member] of Object.entries(properties)) {
    const tree = isJsonObject(member) ? treeOf(member, components, tell, inner, { name, siblings: properties }) : undefined;
    if (tree !== undefined) members.set(name, tree);
  }
  const part = (of: Json | undefined) => (isJsonObject(of) ? treeOf(of, components, tell, inner) : undefined);
  const others = part(schema.additionalProperties);
  const items = part(schema.items);
  if (told === undefined && members.size === 0 && others === undefined && items === undefined) return undefined;
  return { ...(told === undefined ? {} : { told }), members, ...(others && { others }), ...(items && { items }) };
}

/** `$ref`, also where it stands in an `allOf` of one, which is how a default is put beside it. */
function resolved(schema: JsonObject, components: JsonObject): JsonObject {
  const [only, ...more] = Array.isArray(schema.allOf) ? schema.allOf : [];
  const from = typeof schema.$ref === 'string' ? schema : more.length === 0 && isJsonObject(only) ? only : undefined;
  if (from === undefined || typeof from.$ref !== 'string' || !from.$ref.startsWith(REF)) return schema;
  const target = components[from.$ref.slice(REF.length)];
  return isJsonObject(target) ? target : schema;
}

function mergeKeysOf(schema: JsonObject): readonly string[] | undefined {
  const keys = schema['x-kubernetes-list-map-keys'];
  return Array.isArray(keys) && keys.length > 0 && keys.every((key) => typeof key === 'string') ? keys : undefined;
}

const SECRET_HINT = /^x-(?:[a-z]+-)*(?:sensitive|secret|password)$/;
const PASSWORD_DESCRIPTOR = 'urn:alm:descriptor:com.tectonic.ui:password';

function tellsSecret(place: Place): true | undefined {
  const { schema } = place;
  if (schema.format === 'password' || schema.writeOnly === true) return true;
  for (const [name, value] of Object.entries(schema)) if (value === true && SECRET_HINT.test(name)) return true;
  const descriptors = schema['x-descriptors'];
  if (Array.isArray(descriptors) && descriptors.includes(PASSWORD_DESCRIPTOR)) return true;
  return isInlineSecret(place) ? true : undefined;
}

const REFERENCE_SUFFIXES = ['SecretRef', 'SecretKeyRef', 'SecretKeySelector', 'FromSecret', 'SecretName', 'Secret'];
/** Kept in a Secret for company's sake, and no secret. */
const NO_SECRET = /(?:user|username|login|host|hostname|port|email|url|uri|endpoint|region|database|name|id)$/i;
const INLINE_VALUES = new Set(['value', 'inline', 'literal', 'plaintext', 'plainText', 'raw']);

/** A text that may be given by reference to a Secret instead: `token` beside `tokenSecretRef`, `value` beside nothing but `secretKeyRef`. */
function isInlineSecret({ schema, name, siblings }: Place): boolean {
  if (name === undefined || siblings === undefined || schema.type !== 'string') return false;
  if (!NO_SECRET.test(name) && REFERENCE_SUFFIXES.some((suffix) => Object.hasOwn(siblings, `${name}${suffix}`))) return true;
  if (!INLINE_VALUES.has(name)) return false;
  const { valueFrom } = siblings;
  const from = isJsonObject(valueFrom) && isJsonObject(valueFrom.properties) ? Object.keys(valueFrom.properties) : [];
  const sources = [...Object.keys(siblings), ...from];
  // What may as well come from a ConfigMap, or has a name of its own as an env entry has, need not be a secret.
  const mayBePlain =
    sources.some((source) => /configmap|fieldref/i.test(source)) || ['name', 'key'].some((key) => key in siblings);
  return !mayBePlain && sources.some((source) => /^(?:secretKeyRef|secretRef|fromSecret)$/.test(source));
}
