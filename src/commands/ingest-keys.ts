import { type IngestKey, IngestKeyring } from '../api/ingest-keys.ts';
import { signingSecret } from '../api/webhook-signature.ts';
import type { Clock } from '../domain/clock.ts';
import { CrowsnestError } from '../domain/errors.ts';
import type { Options } from '../options.ts';
import { readSecretFile } from '../secrets.ts';
import type { Logger } from '../telemetry/logger.ts';

const REREAD_MS = 10_000;
const SECRET_LENGTH_MIN = 16;

/**
 * The keys of the configuration with the secrets of their files. Files are read again while running, so that a rotated key needs no restart; one that
 * cannot be read any more leaves the keys as they were.
 */
export function openKeyring(
  configured: Options['ingestKeys'],
  { cluster, apiToken, clock, logger }: { cluster: string; apiToken: string; clock: Clock; logger: Logger },
): () => IngestKeyring {
  const read = () =>
    new IngestKeyring(
      checked(
        configured.map((each) => readKey(each, cluster)),
        apiToken,
      ),
    );
  let keyring = read();
  let readMs = clock.nowMs();
  return () => {
    if (clock.nowMs() - readMs < REREAD_MS) return keyring;
    readMs = clock.nowMs();
    try {
      keyring = read();
    } catch (error) {
      if (!(error instanceof CrowsnestError)) throw error;
      logger.warn({ code: error.code, where: error.where }, `ingest keys stay as they were: ${error.what}`);
    }
    return keyring;
  };
}

function readKey(each: Options['ingestKeys'][number], cluster: string): IngestKey {
  const where = `ingestKeys ${each.name}`;
  const secretOf = (file: string) => {
    const secret = readSecretFile(file, where);
    if (secret.length >= SECRET_LENGTH_MIN) return secret;
    const what = `the ingest key is shorter than ${SECRET_LENGTH_MIN} characters`;
    const todo = 'Use a longer one, e.g. the output of openssl rand -hex 24.';
    throw new CrowsnestError({ code: 'CONFIG_BAD_VALUE', what, where: `${where} ${file}`, todo });
  };
  const signing = (file: string) => {
    const secret = signingSecret(secretOf(file));
    if (secret !== undefined) return secret;
    const what = 'the secret that begins with whsec_ is not Base64 of 16 bytes or more';
    const todo = 'Copy it whole from where it was handed out.';
    throw new CrowsnestError({ code: 'CONFIG_BAD_VALUE', what, where: `${where} ${file}`, todo });
  };
  return {
    name: each.name,
    cluster: each.cluster ?? cluster,
    kinds: each.kinds,
    secret: each.keyFile === undefined ? undefined : secretOf(each.keyFile),
    hmacSecret: each.hmacFile === undefined ? undefined : signing(each.hmacFile),
    cidrs: each.cidrs,
    certificate: each.clientCertificate,
  };
}

/** One secret, one right: a key that were also the API's token could read, and of two keys with one secret nobody could say which was used. */
function checked(keys: IngestKey[], apiToken: string): IngestKey[] {
  const seen = new Map<string, string>([[apiToken, 'the token of the API']]);
  const names = new Set<string>();
  const owners = new Map<string, string>();
  for (const { name, secret, certificate, hmacSecret } of keys) {
    const alone =
      secret === undefined && hmacSecret === undefined ? JSON.stringify([certificate?.commonName, certificate?.san]) : '';
    const twin = alone === '' ? undefined : owners.get(alone);
    owners.set(alone, name);
    const taken = secret === undefined ? undefined : seen.get(secret);
    const what =
      taken !== undefined
        ? `the key ${name} has the same secret as ${taken}`
        : names.has(name)
          ? `there are two keys ${name}`
          : twin !== undefined
            ? `the key ${name} is for the same certificate as ${twin}`
            : undefined;
    if (what !== undefined) {
      throw new CrowsnestError({
        code: 'CONFIG_BAD_VALUE',
        what,
        where: 'ingestKeys',
        todo: 'Give each key a secret and a name of its own.',
      });
    }
    names.add(name);
    if (secret !== undefined) seen.set(secret, `the key ${name}`);
  }
  return keys;
}
