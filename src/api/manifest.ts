/**
 * A recorded state as a file for `kubectl apply`: without what the API server keeps for itself, and never with a mask in place of a secret. A
 * value or a name that was masked becomes `@MASKED`, which no YAML parser takes, so that kubectl refuses the file until somebody has put the secret in.
 * In the same way a whole number that may have been rounded, as all beyond 2^53 were before format 18, becomes `@ROUNDED`.
 */
import type { CreateNodeOptions, DocumentOptions, SchemaOptions, ToStringOptions } from 'yaml';
import { escapeSegment, type FieldPath } from '../domain/field-path.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import type { KubeObject, ObjectRef } from '../domain/object-ref.ts';
import { yaml } from '../yaml.ts';

export interface Manifest {
  yaml: string;
  /** JSON pointers to values, and to members by their names, that have to be put in by hand. */
  masked: FieldPath[];
  /** JSON pointers to whole numbers that may have been others before they were recorded, and have to be put right by hand. */
  rounded: FieldPath[];
  /** JSON pointers to what was recorded and is not in the file. */
  leftOut: FieldPath[];
}

/** Kept by the API server or by controllers. An owner is named by its uid: where that is gone, the object would be removed with it. */
const LEFT_OUT: ReadonlySet<FieldPath> = new Set([
  '/status',
  '/metadata/creationTimestamp',
  '/metadata/deletionGracePeriodSeconds',
  '/metadata/deletionTimestamp',
  '/metadata/generation',
  '/metadata/managedFields',
  '/metadata/ownerReferences',
  '/metadata/resourceVersion',
  '/metadata/selfLink',
  '/metadata/uid',
  '/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration',
]);
const MASK = /masked:[0-9a-f]{16}/;
/** What the API server takes for a whole number goes up to 2^63, a double tells apart those up to 2^53; beyond both they are floats to either. */
const WHOLE_MAX = 2 ** 63;

export interface ManifestOf {
  ref: ObjectRef;
  seq: number;
  metadataOnly: boolean;
  /** It was recorded when whole numbers beyond 2^53 were rounded. */
  mayBeRounded: boolean;
}

export function manifestOf(state: KubeObject, of: ManifestOf): Manifest {
  const found: Found = { masked: [], rounded: [], leftOut: [] };
  const body = yaml().stringify(forApply(state, '', { ...found, mayBeRounded: of.mayBeRounded }), YAML_OPTIONS);
  const { masked, rounded, leftOut } = found;
  const { cluster, kind, namespace, name } = of.ref;
  const lines = [
    `${kind} ${namespace === '' ? name : `${namespace}/${name}`} of ${cluster} as change ${of.seq} left it, from the record of Crowsnest`,
    ...(leftOut.length === 0 ? [] : [`Left out: ${leftOut.join(' ')}`]),
    ...(masked.length === 0
      ? []
      : [
          `${masked.length} masked, as secrets are never recorded: put each in for its @MASKED; kubectl refuses the file till then`,
        ]),
    ...(rounded.length === 0
      ? []
      : [`${rounded.length} beyond 2^53, which may be rounded: put the true number in for each @ROUNDED, or take that word out`]),
    ...(of.metadataOnly ? ['Only the metadata of this kind is recorded: applied, it would take everything else away'] : []),
  ];
  const guard = of.metadataOnly ? '@METADATA-ONLY\n' : '';
  return {
    yaml: `${lines.map((line) => `# ${line.replace(ODD, '?').replaceAll('\n', '?')}\n`).join('')}${guard}${body}`,
    ...found,
  };
}

type Found = Omit<Manifest, 'yaml'>;

function forApply(value: Json, path: FieldPath, found: Found & { mayBeRounded: boolean }): unknown {
  const { masked, rounded, leftOut } = found;
  if (found.mayBeRounded && typeof value === 'number' && isBeyondDouble(value)) {
    rounded.push(path);
    return new Rounded(value);
  }
  if (typeof value === 'string') {
    if (!MASK.test(value)) return value;
    masked.push(path);
    return new Masked();
  }
  if (Array.isArray(value)) return value.map((item, i) => forApply(item, `${path}/${i}`, found));
  if (!isJsonObject(value)) return value;
  const kept = new Map<string | Masked, unknown>();
  for (const key of Object.keys(value).sort(byReading(path))) {
    const member = `${path}/${escapeSegment(key)}`;
    if (LEFT_OUT.has(member)) leftOut.push(member);
    else if (MASK.test(key)) {
      masked.push(member);
      kept.set(new Masked(), forApply((value as JsonObject)[key] as Json, member, found));
    } else kept.set(key, forApply((value as JsonObject)[key] as Json, member, found));
  }
  return kept;
}

const FIRST = ['apiVersion', 'kind', 'metadata', 'spec'];

/** A rebuilt state has its members in no particular order; people expect a manifest to begin as all do. */
function byReading(path: FieldPath): (a: string, b: string) => number {
  const rank = (key: string) => (path === '' && FIRST.includes(key) ? FIRST.indexOf(key) : FIRST.length);
  return (a, b) => rank(a) - rank(b) || (a < b ? -1 : 1);
}

/** A value, or the name of a member: one of its own for each, as two names of a map must not become one. */
class Masked {}

class Rounded {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

function isBeyondDouble(value: number): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) <= WHOLE_MAX;
}

/** Characters that some parser takes for the end of a line, or that nobody sees. */
const ODD = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
/** Numbers, dates and the like, or a merge of maps, to one version of YAML or another. */
const LIKE_MORE_THAN_TEXT = /^(?:[-+.\d]|<<$|=$)/;
/** Tags of YAML 1.1 that JSON has no value for; a Map is a map and keeps its order. */
const BEYOND_JSON = /:(?:omap|set|pairs|binary|timestamp|merge)$/;

/** kubectl reads YAML 1.1, where `on` is true and `1_0` is ten; what is text to JSON stays text. */
const YAML_OPTIONS: CreateNodeOptions & DocumentOptions & SchemaOptions & ToStringOptions = {
  version: '1.1',
  lineWidth: 0,
  aliasDuplicateObjects: false,
  customTags: (tags) => [
    {
      tag: 'tag:crowsnest,masked',
      default: true,
      identify: (value) => value instanceof Masked,
      resolve: () => new Masked(),
      stringify: () => '@MASKED',
    },
    {
      tag: 'tag:crowsnest,rounded',
      default: true,
      identify: (value) => value instanceof Rounded,
      resolve: () => new Rounded(Number.NaN),
      stringify: ({ value }) => `@ROUNDED ${(value as Rounded).value}`,
    },
    {
      tag: 'tag:yaml.org,2002:str',
      default: true,
      identify: (value) => typeof value === 'string' && (LIKE_MORE_THAN_TEXT.test(value) || value.search(ODD) >= 0),
      resolve: (text: string) => text,
      stringify: ({ value }) => JSON.stringify(value).replace(ODD, escaped),
    },
    ...tags.filter((tag) => typeof tag === 'string' || !BEYOND_JSON.test(tag.tag)),
  ],
};

function escaped(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16);
  return code.length > 4 ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`;
}
