/**
 * Where an object is kept outside the cluster, by the marks that its tool leaves on it: Flux by labels, Argo CD by its tracking id or
 * label, Helm by annotations. Anyone may write such a mark, so it says who keeps the object and not who made a change.
 */
import type { Actor, Change, GitopsTool } from '../change.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { type KubeObject, type KubeOutline, parseApiVersion } from '../object-ref.ts';

export interface GitopsOrigin {
  tool: GitopsTool;
  /** The object that applies this one. A Helm release is none: it is a Secret, which is never read. */
  applier: { group: string; kind: string; namespace: string | undefined; name: string };
  /** What the object itself tells: the chart and its version. */
  revision: string | undefined;
}

/** Asked of every change, so that the names of labels are put together once. */
const FLUX = [
  { prefix: 'helm.toolkit.fluxcd.io', kind: 'HelmRelease' },
  { prefix: 'kustomize.toolkit.fluxcd.io', kind: 'Kustomization' },
].map((tool) => ({ ...tool, nameLabel: `${tool.prefix}/name`, namespaceLabel: `${tool.prefix}/namespace` }));
const ARGO_GROUP = 'argoproj.io';

/** What the names of all marks have in them, and how a name may be written so that it cannot be told without parsing it. */
const MARK = /toolkit\.fluxcd\.io|argocd\.argoproj\.io|meta\.helm\.sh|\\/;

/** Whether the JSON text of labels or annotations may hold a mark; false is certain. */
export function mayHoldMark(text: string): boolean {
  return MARK.test(text);
}

/** The tool that keeps an object, as of a change of it. */
export function keeperOf(change: Pick<Change, 'keeper' | 'state'>): GitopsTool | undefined {
  return change.keeper === undefined ? gitopsOrigin(change.state)?.tool : change.keeper();
}

/** The surest mark wins: Flux's and Argo CD's own before Helm's, which both leave where they render charts. */
export function gitopsOrigin(object: KubeOutline): GitopsOrigin | undefined {
  const { labels, annotations } = object.metadata;
  for (const { prefix, kind, nameLabel, namespaceLabel } of FLUX) {
    const name = textOf(member(labels, nameLabel));
    const namespace = name === undefined ? undefined : textOf(member(labels, namespaceLabel));
    if (name !== undefined && namespace !== undefined)
      return {
        tool: 'flux',
        applier: { group: prefix, kind, namespace, name },
        revision: kind === 'HelmRelease' ? chartOf(labels) : undefined,
      };
  }
  const application =
    argoApplication(object, textOf(member(annotations, 'argocd.argoproj.io/tracking-id'))) ??
    textOf(member(labels, 'argocd.argoproj.io/instance'));
  if (application !== undefined) {
    // An application outside Argo CD's own namespace is written as namespace_name, and names hold no underscore.
    const [first, second] = application.split('_', 2) as [string, string | undefined];
    const applier = {
      group: ARGO_GROUP,
      kind: 'Application',
      namespace: second === undefined ? undefined : first,
      name: second ?? first,
    };
    return { tool: 'argocd', applier, revision: undefined };
  }
  const release = textOf(member(annotations, 'meta.helm.sh/release-name'));
  if (release === undefined) return undefined;
  const namespace = textOf(member(annotations, 'meta.helm.sh/release-namespace'));
  return { tool: 'helm', applier: { group: '', kind: 'Release', namespace, name: release }, revision: chartOf(labels) };
}

/** What an applier was applying, from its own status. */
export function appliedRevision(applier: KubeObject): string | undefined {
  const status = isJsonObject(applier.status) ? applier.status : {};
  if (parseApiVersion(applier.apiVersion).group !== ARGO_GROUP)
    return textOf(status.lastAttemptedRevision) ?? textOf(status.lastAppliedRevision);
  return textOf(member(member(status.operationState, 'syncResult'), 'revision')) ?? textOf(member(status.sync, 'revision'));
}

const WRITERS: Record<GitopsTool, RegExp> = {
  flux: /(?:^|[:/])(?:kustomize|helm)-controller$/,
  argocd: /(?:^|[:/])argocd-(?:application-)?controller$/,
  helm: /^helm$/i,
};

/** Whether the tool itself wrote; otherwise somebody else wrote what the tool may put back. */
export function isWrittenBy(tool: GitopsTool, actor: Actor): boolean {
  return [actor.name, actor.fieldManager].some((name) => name !== undefined && WRITERS[tool].test(name));
}

/** `application:group/Kind:namespace/name`, and of this object: a copy of an object carries the id of the original along. */
function argoApplication(object: KubeOutline, trackingId: string | undefined): string | undefined {
  const [application, groupKind, namespaceName] = trackingId?.split(':') ?? [];
  if (application === undefined || application === '' || groupKind === undefined || namespaceName === undefined) return undefined;
  const { group } = parseApiVersion(object.apiVersion);
  const isThis = groupKind === `${group}/${object.kind}` && namespaceName.split('/').at(-1) === object.metadata.name;
  return isThis ? application : undefined;
}

function chartOf(labels: Json | undefined): string | undefined {
  return textOf(member(labels, 'helm.sh/chart'));
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function member(value: Json | undefined, key: string): Json | undefined {
  return isJsonObject(value) ? (value as JsonObject)[key] : undefined;
}
