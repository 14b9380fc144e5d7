/** What the options say of being asked before each write: where, and as what. */
import type { AdmissionAddress } from '../collector/who/admission-configuration.ts';
import { CrowsnestError } from '../domain/errors.ts';
import type { Options } from '../options.ts';

export interface AdmissionSettings {
  listen: { host: string; port: number };
  address: AdmissionAddress;
}

/** Throws CONFIG_BAD_VALUE for a right that no address makes use of, and for clusters that would be answered at the same address. */
export function refuseAdmissionMisfits(options: Options): void {
  const { admission, admissionService, admissionUrl, allow } = options;
  if (admission.length === 0 && admissionService.length + admissionUrl.length === 0 && allow.includes('admission-webhook'))
    throw incomplete('there is no address to be asked at', '--allow admission-webhook', 'Add --admission ADDRESS:PORT.');
  // An address holds no equals sign, a cluster's name may.
  const listens = admission.map((value) => oneSpelling(value.slice(value.lastIndexOf('=') + 1)));
  const twice = listens.find((listen, i) => listens.indexOf(listen) < i);
  if (twice !== undefined)
    throw incomplete(`two clusters would ask at ${twice}`, '--admission', 'Give each cluster a port of its own.');
}

/** `[0:0::1]:09443` is `[::1]:9443`, as a URL writes both; what no URL takes is refused where its own cluster is looked at. */
function oneSpelling(listen: string): string {
  return URL.parse(`http://${listen}`)?.host ?? listen;
}

/** How one cluster asks, from its own options; undefined if it is not to. Throws CONFIG_BAD_VALUE for halves of it. */
export function admissionSettings({ admission, admissionService, admissionUrl, allow }: Options): AdmissionSettings | undefined {
  const [listen, ...others] = admission;
  const reached = [...admissionService, ...admissionUrl];
  if (listen === undefined) {
    if (reached.length === 0) return undefined;
    const where = admissionService.length > 0 ? '--admission-service' : '--admission-url';
    throw incomplete('there is no address to be asked at', where, 'Add --admission ADDRESS:PORT for the same cluster.');
  }
  if (!allow.includes('admission-webhook')) {
    const todo = 'Add --allow admission-webhook and apply what `crowsnest rbac` prints with it.';
    throw incomplete('a webhook has to be registered with the API server', '--admission', todo);
  }
  if (others.length > 0)
    throw incomplete('one cluster asks at one address', '--admission', 'Name the cluster of each: CLUSTER=ADDRESS:PORT.');
  if (reached.length !== 1) {
    const todo = 'Give --admission-service NAMESPACE/NAME or --admission-url https://…, one of them for each cluster.';
    throw incomplete('the API server has to know where to ask', '--admission', todo);
  }
  const colon = listen.lastIndexOf(':');
  const port = Number(listen.slice(colon + 1));
  if (port > 65_535) throw incomplete('the port is above 65535', '--admission', 'Choose another.');
  const [url] = admissionUrl;
  const address = url === undefined ? addressOf(admissionService[0] ?? '') : { url };
  return { listen: { host: listen.slice(0, colon).replace(/^\[|\]$/g, ''), port }, address };
}

function addressOf(service: string): AdmissionAddress {
  const [namespace = '', rest = ''] = service.split('/');
  const [name = '', port = '443'] = rest.split(':');
  return { service: { namespace, name, port: Number(port) } };
}

function incomplete(what: string, where: string, todo: string): CrowsnestError {
  return new CrowsnestError({ code: 'CONFIG_BAD_VALUE', what, where, todo });
}
