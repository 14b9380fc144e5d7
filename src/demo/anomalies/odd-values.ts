/** Anomalies that are one edit by the usual writer at the usual hour, with a value or a combination that is not usual. */
import type { JsonObject } from '../../domain/json.ts';
import type { KubeObject } from '../../domain/object-ref.ts';
import type { Writer } from '../managed-fields.ts';
import { DEPLOYER, nextVersion, RENOVATE, RENOVATED_NAMESPACES } from '../operators/flux.ts';
import { MEMORY_SIZES, RELEASE_BOT, resourcesOf, storageUri } from '../operators/models.ts';
import { member, specOf } from '../operators/settle.ts';
import type { Team } from '../people.ts';
import type { Random } from '../random.ts';
import { describe, laterAtWork, officeTime, type Planter, pipelineTime, takeObject, takePerson, workday } from './plot.ts';

interface OddEdit {
  kind: string;
  namespaces?: readonly string[];
  accept?: (object: KubeObject) => boolean;
  /** A team whose people do such edits, or the pipeline that does. */
  by: Team | Writer;
  what: string;
  hint: string;
  change: (object: KubeObject, random: Random) => void;
}

const inSpec =
  (...path: string[]) =>
  (object: KubeObject) =>
    member(object.spec, ...path);
const runtime = inSpec('runtime');
const chart = inSpec('chart', 'spec');
const image = inSpec('values', 'image');

const ODD_VALUES: readonly OddEdit[] = [
  {
    kind: 'ModelDeployment',
    by: 'ml',
    what: 'runtime image from another registry',
    hint: 'every image so far came from one registry',
    change: (o) => {
      runtime(o).image = 'images.quickpull.example.net/ml/runtime:latest';
    },
  },
  {
    kind: 'InferenceService',
    by: RELEASE_BOT,
    what: 'model fetched from a foreign host',
    hint: 'every model so far came from one bucket',
    change: oddSource,
  },
  {
    kind: 'HelmRelease',
    namespaces: RENOVATED_NAMESPACES,
    by: RENOVATE,
    what: 'chart version thrown back by years',
    hint: 'versions only ever rose',
    change: (o, random) => {
      chart(o).version = `0.${random.int(1, 3)}.${random.int(0, 9)}`;
    },
  },
  {
    kind: 'HelmRelease',
    namespaces: ['web'],
    by: DEPLOYER,
    what: 'a mutable image tag',
    hint: 'tags were versions without exception',
    change: (o, random) => {
      image(o).tag = random.pick(['latest', 'dev', 'main']);
    },
  },
  {
    kind: 'ModelRoute',
    by: 'gateway',
    what: 'token limit a hundred times the usual',
    hint: 'far beyond every limit seen',
    change: (o, random) => {
      member(o.spec, 'rateLimit').tokensPerMinute = random.int(5, 20) * 1_000_000;
    },
  },
  {
    kind: 'KafkaTopic',
    by: 'data',
    what: 'retention of a minute',
    hint: 'far below every retention seen',
    change: (o, random) => {
      member(o.spec, 'config')['retention.ms'] = random.int(30, 90) * 1000;
    },
  },
];

function oddSource(object: KubeObject, random: Random): void {
  const labels = object.metadata.labels as JsonObject;
  labels['model-version'] = nextVersion(String(labels['model-version']), random);
  member(object.spec, 'predictor', 'model').storageUri =
    `https://weights.freehub.example.net/${object.metadata.name}/${labels['model-version']}.bin`;
}

const PRIVILEGES: readonly OddEdit[] = [
  {
    kind: 'ModelDeployment',
    by: 'ml',
    what: 'privileged container',
    hint: 'no other runs privileged',
    change: (o) => {
      member(o.spec, 'securityContext').privileged = true;
    },
  },
  {
    kind: 'ModelDeployment',
    by: 'ml',
    what: "the host's network",
    hint: 'no other uses it',
    change: (o) => {
      specOf(o).hostNetwork = true;
    },
  },
  {
    kind: 'HelmRelease',
    namespaces: ['web'],
    by: 'web',
    what: 'privileged pods',
    hint: 'no other runs privileged',
    change: (o) => {
      member(o.spec, 'values', 'podSecurityContext').privileged = true;
    },
  },
  {
    kind: 'Bucket',
    by: 'platform',
    what: 'readable by everyone',
    hint: 'every bucket is private',
    change: (o) => {
      member(o.spec, 'forProvider').acl = 'public-read';
    },
  },
  {
    kind: 'ModelRoute',
    by: 'gateway',
    what: 'no authentication asked',
    hint: 'every route asks for it',
    change: (o) => {
      member(o.spec, 'auth').required = false;
    },
  },
  { kind: 'KafkaUser', by: 'data', what: 'all rights on all topics', hint: 'rights are on single topics', change: allowAll },
  {
    kind: 'Issuer',
    namespaces: ['web'],
    by: 'platform',
    what: 'TLS verification skipped',
    hint: 'never skipped before',
    accept: ({ metadata }) => metadata.name === 'public-acme',
    change: (o) => {
      member(o.spec, 'acme').skipTLSVerify = true;
    },
  },
];

function allowAll(object: KubeObject): void {
  const acls = member(specOf(object), 'authorization').acls as unknown as JsonObject[];
  acls.push({ host: '*', operations: ['All'], resource: { name: '*', patternType: 'literal', type: 'topic' }, type: 'allow' });
}

const BROKEN_PAIRS: readonly OddEdit[] = [
  {
    kind: 'ModelDeployment',
    by: 'ml',
    what: 'memory limit without the request',
    hint: 'requests and limits always move together',
    change: limitOnly,
  },
  {
    kind: 'InferenceService',
    by: 'ml',
    what: 'memory limit without the request',
    hint: 'requests and limits always move together',
    change: limitOnly,
  },
  {
    kind: 'InferenceService',
    by: RELEASE_BOT,
    what: 'a new model without its version label',
    hint: 'address and label always move together',
    change: modelOnly,
  },
  {
    kind: 'ModelDeployment',
    namespaces: ['ml-serving'],
    by: RELEASE_BOT,
    what: 'a new version with the old source',
    hint: 'version and source always move together',
    change: versionOnly,
  },
  {
    kind: 'ModelRoute',
    by: 'gateway',
    what: 'one weight without the other',
    hint: 'the weights always move together',
    change: weightOnly,
  },
];

function limitOnly(object: KubeObject, random: Random): void {
  const limits = member(resourcesOf(object), 'limits');
  limits.memory = `${random.pick(MEMORY_SIZES.filter((size) => `${size}Gi` !== limits.memory))}Gi`;
}

function modelOnly(object: KubeObject, random: Random): void {
  const version = nextVersion(String((object.metadata.labels as JsonObject)['model-version']), random);
  member(object.spec, 'predictor', 'model').storageUri = storageUri(object.metadata.name, version);
}

function versionOnly(object: KubeObject, random: Random): void {
  const model = member(object.spec, 'model');
  model.version = nextVersion(String(model.version), random);
}

function weightOnly(object: KubeObject, random: Random): void {
  const backends = specOf(object).backends as unknown as { weight: number }[];
  const weights = [5, 10, 20, 30, 50].filter((weight) => weight !== backends[1]!.weight);
  backends[1]!.weight = random.pick(weights);
}

/** Makes the edit, and has the object put right again some working hours later. */
function plantEdit(plot: Parameters<Planter>[0], edits: readonly OddEdit[]): void {
  const { world, random, planted } = plot;
  const edit = random.pick(edits);
  const { id, object } = takeObject(plot, edit.kind, (one) => {
    const inNamespace = edit.namespaces?.includes(String(one.metadata.namespace)) ?? true;
    return inNamespace && (edit.accept?.(one) ?? true);
  });
  const day = workday(random);
  const person = typeof edit.by === 'string' ? takePerson(plot, edit.by, day) : undefined;
  const writer = person?.writer ?? (edit.by as Writer);
  const tsMs = person === undefined ? pipelineTime(day, random) : officeTime(person, day, random);
  describe(plot, {
    object,
    actor: writer.actor,
    tsMs,
    description: `${writer.actor} set ${object.kind} ${object.metadata.name}: ${edit.what}`,
    detectHint: edit.hint,
  });
  let before: KubeObject | undefined;
  world.arrange(planted, tsMs, () => {
    before = structuredClone(world.find(id));
    world.edit(writer, id, (one) => edit.change(one, random));
  });
  const repairer = person ?? random.pick(world.team('ml').filter(({ firstDay }) => firstDay === 0));
  world.sim.at(
    laterAtWork(repairer, tsMs, random),
    () =>
      world.edit(writer, id, (one) => {
        if (before === undefined) return;
        one.spec = structuredClone(before.spec!);
        if (before.metadata.labels !== undefined) one.metadata.labels = structuredClone(before.metadata.labels);
      }),
    { mark: planted, role: 'aftermath' },
  );
}

/** The usual writer sets a value far from all that were seen. */
export const plantOddValue: Planter = (plot) => plantEdit(plot, ODD_VALUES);
/** A switch that guards something is turned. */
export const plantPrivilege: Planter = (plot) => plantEdit(plot, PRIVILEGES);
/** Of two fields that always move together one stays behind. */
export const plantBrokenCoChange: Planter = (plot) => plantEdit(plot, BROKEN_PAIRS);
