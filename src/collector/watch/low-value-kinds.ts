import type { KindPattern } from './kind-selector.ts';

/**
 * Kinds that are left out unless --include names them: bookkeeping that controllers write for each other, by the thousand or by the minute,
 * with nothing a person decided. What they follow from is watched. Reports of scanners are results, not changes, and quote what they found.
 *
 * Not in the list although they are many, because each change of one is an event worth knowing: Karpenter's NodeClaims (a machine bought or given up),
 * cert-manager's Orders and Challenges, Tekton's runs, CiliumNetworkPolicies, Cluster API's Machines.
 */
export const LOW_VALUE_KINDS: readonly KindPattern[] = [
  { pattern: 'providerconfigusages.*', why: 'Crossplane counts references with these: one for each managed resource' },
  { pattern: 'ciliumendpoints.cilium.io', why: 'one for each pod, rewritten with its state' },
  { pattern: 'ciliumendpointslices.cilium.io', why: 'endpoints in slices, rewritten as pods come and go' },
  { pattern: 'ciliumidentities.cilium.io', why: 'one for each set of labels of pods' },
  { pattern: 'ciliumnodes.cilium.io', why: 'IP address management of each node, rewritten as pods come and go' },
  { pattern: 'ipamblocks.crd.projectcalico.org', why: 'IP address management, rewritten as pods come and go' },
  { pattern: 'ipamhandles.crd.projectcalico.org', why: 'IP address management, one for each pod' },
  { pattern: 'blockaffinities.crd.projectcalico.org', why: 'IP address management of each node' },
  { pattern: 'antreaagentinfos.crd.antrea.io', why: 'heartbeats of agents, rewritten every minute' },
  { pattern: 'antreacontrollerinfos.crd.antrea.io', why: 'heartbeats of a controller, rewritten every minute' },
  { pattern: 'policyreports.wgpolicyk8s.io', why: 'results of policy checks, rewritten at each scan' },
  { pattern: 'clusterpolicyreports.wgpolicyk8s.io', why: 'results of policy checks, rewritten at each scan' },
  { pattern: '*reports.openreports.io', why: 'results of policy checks, rewritten at each scan' },
  { pattern: '*.reports.kyverno.io', why: 'Kyverno’s reports in the making, there for seconds' },
  { pattern: '*reports.kyverno.io', why: 'Kyverno’s reports in the making, there for seconds' },
  { pattern: 'updaterequests.kyverno.io', why: 'Kyverno’s queue of work, there for seconds' },
  { pattern: '*reports.aquasecurity.github.io', why: 'Trivy’s results, large, and with the secrets it found' },
  {
    pattern: '*.spdx.softwarecomposition.kubescape.io',
    why: 'Kubescape’s results and profiles, large and rewritten all the time',
  },
  { pattern: '*.status.gatekeeper.sh', why: 'one for each pod of Gatekeeper and each constraint' },
  { pattern: 'verticalpodautoscalercheckpoints.autoscaling.k8s.io', why: 'histograms of usage, rewritten every minute' },
  { pattern: 'nodefeatures.nfd.k8s-sigs.io', why: 'what hardware a node has, rewritten by its agent' },
  { pattern: 'noderesourcetopologies.topology.node.k8s.io', why: 'free resources of each node, rewritten all the time' },
  { pattern: '*.autoscaling.internal.knative.dev', why: 'Knative’s own bookkeeping, rewritten with each request rate' },
  { pattern: 'workflowtaskresults.argoproj.io', why: 'outputs of steps, which the workflow repeats' },
  { pattern: 'workflowtasksets.argoproj.io', why: 'Argo’s queue of work' },
  { pattern: 'downloadrequests.velero.io', why: 'one for each look at a backup, gone within minutes' },
  { pattern: 'serverstatusrequests.velero.io', why: 'one for each question of the command line, gone within minutes' },
];
