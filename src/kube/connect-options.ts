/** Which cluster is meant, and how it is reached. */
export interface ConnectOptions {
  /** A kubeconfig file. Without it: $KUBECONFIG, then ~/.kube/config, then the service account of the pod. */
  kubeconfig?: string;
  /** A context of the kubeconfig; default is its current one. */
  context?: string;
  /** Use the pod's service account and nothing else. */
  inCluster?: boolean;
  /** What this cluster is called in all that Crowsnest records; default is the name in the kubeconfig. */
  cluster?: string;
}
