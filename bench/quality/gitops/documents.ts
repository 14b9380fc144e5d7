/** What a YAML file of a GitOps repository holds for a stream of changes: its custom resources, as they would be in a cluster. */
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../../../src/domain/json.ts';

const DOCUMENT_BYTES_MAX = 48_000;
const TEXT_LENGTH_MAX = 3_000;
const TEXT_LENGTH_KEPT = 400;
const MAIL = /[\w.+-]+@([\w-]+\.)+[a-z]{2,}/gi;
/** Tests, and what is made into a document only later. */
const NO_OBJECTS = /(^|\/)(\.git[^/]*|tests?|testdata|fixtures|examples?|templates)\//;
/** Groups of Kubernetes itself that have a dot; what else ends so is a project's own. */
const BUILT_IN = new Set(
  (
    'admissionregistration apiextensions apiregistration authentication authorization certificates coordination discovery events ' +
    'flowcontrol.apiserver internal.apiserver networking node rbac.authorization resource scheduling storage storagemigration'
  )
    .split(' ')
    .map((name) => `${name}.k8s.io`),
);

/** A document without what only a cluster gives it. */
export interface Resource {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string | undefined; labels?: Json; annotations?: Json; finalizers?: Json };
}

/** Whether a file may hold objects at all, by its path. */
export function isManifest(path: string): boolean {
  return /\.ya?ml$/.test(path) && !NO_OBJECTS.test(path);
}

export function isKustomizeFile(path: string): boolean {
  return /^kustomization\.ya?ml$/.test(posix.basename(path));
}

/** The namespace that a Kustomize file gives to what lies beside and below it; undefined where it gives none or cannot be read. */
export function namespaceOf(text: string): string | undefined {
  const namespace = documentsOf(text)?.find(isJsonObject)?.namespace;
  return typeof namespace === 'string' ? namespace : undefined;
}

/** The custom resources of a file, in their order. Undefined where it is no YAML. */
export function resourcesOf(text: string): Resource[] | undefined {
  return documentsOf(text)?.flatMap((document) => {
    if (!isResource(document) || !isCustom(document.apiVersion)) return [];
    const resource = withoutCluster(document);
    return Buffer.byteLength(textOf(resource)) > DOCUMENT_BYTES_MAX ? [] : [resource];
  });
}

function documentsOf(text: string): Json[] | undefined {
  try {
    const documents = [...parseAllDocuments(text, { merge: true, logLevel: 'silent' })];
    if (documents.some(({ errors }) => errors.length > 0)) return undefined;
    // By way of JSON, as YAML has dates and numbers that a cluster never sees.
    return documents.map((document) => JSON.parse(JSON.stringify(document.toJS() ?? null)) as Json);
  } catch {
    // More aliases than the parser takes.
    return undefined;
  }
}

/** What SOPS encrypted is none: only its noise would be seen. */
function isResource(document: unknown): document is Resource {
  if (!isJsonObject(document as Json)) return false;
  const { apiVersion, kind, metadata, sops } = document as JsonObject;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || sops !== undefined) return false;
  return metadata !== undefined && isJsonObject(metadata) && typeof metadata.name === 'string';
}

function isCustom(apiVersion: string): boolean {
  const group = apiVersion.split('/')[0] as string;
  return apiVersion.includes('/') && group.includes('.') && group !== 'kustomize.config.k8s.io' && !BUILT_IN.has(group);
}

function withoutCluster(document: Resource): Resource {
  const { status: _, metadata, ...rest } = document as Resource & { status?: Json };
  const { name, namespace, labels, annotations, finalizers } = metadata;
  const kept = { name, namespace, labels, annotations, finalizers };
  return withoutPeople(JSON.parse(JSON.stringify({ ...rest, metadata: kept })) as Json) as unknown as Resource;
}

/** Addresses of people by their hash, long texts cut. */
function withoutPeople(value: Json): Json {
  if (typeof value === 'string') {
    const text = value.length > TEXT_LENGTH_MAX ? `${value.slice(0, TEXT_LENGTH_KEPT)} sha256:${hashOf(value, 64)}` : value;
    return text.replace(MAIL, (mail) => `u${hashOf(mail, 8)}@mail.example`);
  }
  if (Array.isArray(value)) return value.map(withoutPeople);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withoutPeople(item as Json)]));
}

/** The same text for equal ones. */
export function textOf(resource: object): string {
  return canonicalJson(resource as Json);
}

/** So many hexadecimal digits. */
export function hashOf(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}
