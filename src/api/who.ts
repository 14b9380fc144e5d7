/** Who made a change and where its object is kept, as known now: what the store's amendments and the marks of GitOps tools add up to. */
import type { z } from 'zod';
import type { Actor, Change } from '../domain/change.ts';
import type { Finding } from '../domain/finding.ts';
import type { KubeObject } from '../domain/object-ref.ts';
import { appliedRevision, gitopsOrigin, isWrittenBy } from '../domain/who/gitops-origin.ts';
import type { AsyncStore } from '../store/async-store.ts';
import { examplesOf } from './examples.ts';
import type * as schemas from './schemas/changes.ts';
import { type findingView, isoTime } from './views.ts';

type Evidence = z.input<typeof schemas.Evidence>;
type Gitops = z.input<typeof schemas.GitopsOrigin>;

/** For one change: the claims behind its actor, and its GitOps origin. */
export async function changeExtras(
  store: AsyncStore,
  change: Change,
): Promise<{ evidence: Evidence[]; gitops: Gitops | undefined }> {
  const known = await store.attribution(change.seq);
  const evidence = (known?.evidence ?? []).map(({ source, id, atMs, match, user }) => {
    return { source, id, time: isoTime(atMs), match, user };
  });
  return { evidence, gitops: await gitopsOf(store, { ...change, state: change.state }) };
}

/** What is known of a finding now and not part of what was stored of it. */
export async function knownOf(store: AsyncStore, finding: Finding): Promise<Parameters<typeof findingView>[1]> {
  return { ...(await findingActor(store, finding)), examples: await examplesOf(store, finding) };
}

/** For one finding: its actor as known now. The finding as stored, and what was decided on it, stay as they were. */
export async function findingActor(store: AsyncStore, finding: Finding): Promise<{ actor: Actor; candidates?: Actor[] }> {
  if (finding.subject.type !== 'change') return { actor: finding.actor };
  const known = await store.attribution(finding.subject.seq);
  return known === undefined ? { actor: finding.actor } : { actor: known.actor, candidates: known.candidates };
}

export async function findingGitops(store: AsyncStore, finding: Finding): Promise<Gitops | undefined> {
  if (finding.subject.type !== 'change') return undefined;
  const change = await store.change(finding.subject.seq);
  return change === undefined ? undefined : gitopsOf(store, change);
}

async function gitopsOf(
  store: AsyncStore,
  change: Pick<Change, 'ref' | 'observedMs' | 'actor'> & { state: KubeObject },
): Promise<Gitops | undefined> {
  const origin = gitopsOrigin(change.state);
  if (origin === undefined) return undefined;
  const { tool, applier } = origin;
  const revision = tool === 'helm' ? origin.revision : ((await revisionAt(store, change, applier)) ?? origin.revision);
  const name = applier.namespace === undefined ? applier.name : `${applier.namespace}/${applier.name}`;
  return { tool, source: `${applier.kind} ${name}`, revision, byTool: isWrittenBy(tool, change.actor) };
}

/** The applier's own status at the time of the change, where its kind is watched. */
async function revisionAt(
  store: AsyncStore,
  change: Pick<Change, 'ref' | 'observedMs'>,
  applier: { group: string; kind: string; namespace: string | undefined; name: string },
): Promise<string | undefined> {
  const { cluster } = change.ref;
  const { namespace, ...named } = applier;
  const within = namespace === undefined ? {} : { namespace };
  const page = await store.objects({ cluster, ...named, ...within, includeDeleted: true, limit: 1 });
  const [found] = page.items;
  const state = found === undefined ? undefined : await store.stateAt(found.ref, { atMs: change.observedMs });
  return state === undefined ? undefined : appliedRevision(state);
}
