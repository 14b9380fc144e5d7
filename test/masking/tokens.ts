/** Tokens of every well-known shape, made up at run time from pieces, so that no scanner takes this file for a leak. */
import { generateKeyPairSync } from 'node:crypto';
import type { Random } from './random.ts';

const b64 = (value: string | Buffer) => Buffer.from(value).toString('base64');
const b64url = (value: string) => Buffer.from(value).toString('base64url');

export const TOKENS: Record<string, (r: Random) => string> = {
  'AWS access key id': (r) => ['AK', 'IA', r.text('upper36', 16)].join(''),
  'AWS temporary key id': (r) => ['AS', 'IA', r.text('upper36', 16)].join(''),
  'GitHub token': (r) => ['gh', r.pick(['p', 'o', 'u', 's', 'r']), '_', r.text('base62', 36)].join(''),
  'GitHub fine-grained token': (r) => ['github', '_pat_', r.text('base62', 22), '_', r.text('base62', 59)].join(''),
  'GitLab token': (r) => ['gl', 'pat-', r.text('base64url', 20)].join(''),
  'GitLab runner token': (r) => ['gl', 'rt-', r.text('base64url', 20)].join(''),
  'Slack bot token': (r) => ['xox', 'b-', r.text('digits', 12), '-', r.text('digits', 12), '-', r.text('base62', 24)].join(''),
  'Slack app token': (r) => ['xa', 'pp-1-A', r.text('upper36', 10), '-', r.text('digits', 13), '-', r.text('hex', 64)].join(''),
  'Slack webhook': (r) =>
    ['https://hooks.', 'slack.com/services/T', r.text('upper36', 8), '/B', r.text('upper36', 8), '/', r.text('base62', 24)].join(
      '',
    ),
  'Discord webhook': (r) =>
    ['https://discord', '.com/api/webhooks/', r.text('digits', 18), '/', r.text('base64url', 68)].join(''),
  'Teams webhook': (r) =>
    [
      'https://x.webhook.',
      'office.com/webhookb2/',
      r.text('hex', 32),
      '@',
      r.text('hex', 32),
      '/IncomingWebhook/',
      r.text('hex', 32),
    ].join(''),
  'Telegram bot token': (r) => [r.text('digits', 10), ':A', 'A', r.text('base64url', 33).replaceAll('-', 'x')].join(''),
  'OpenAI key': (r) => ['sk', '-', r.text('base62', 48)].join(''),
  'Anthropic key': (r) => ['sk-', 'ant-api03-', r.text('base64url', 90), 'AA'].join(''),
  'Stripe key': (r) => ['sk', '_live_', r.text('base62', 24)].join(''),
  'Google API key': (r) => ['AI', 'za', r.text('base64url', 35)].join(''),
  'Google OAuth token': (r) => ['ya', '29.', r.text('base64url', 60)].join(''),
  'Google client secret': (r) => ['GOC', 'SPX-', r.text('base64url', 28)].join(''),
  'npm token': (r) => ['np', 'm_', r.text('base62', 36)].join(''),
  'PyPI token': (r) => ['py', 'pi-AgEIcHlwaS5vcmc', r.text('base64url', 60)].join(''),
  'Docker token': (r) => ['dckr', '_pat_', r.text('base64url', 27)].join(''),
  'Hugging Face token': (r) => ['h', 'f_', r.text('base62', 34)].join(''),
  'Grafana token': (r) => ['gl', 'sa_', r.text('base62', 32), '_', r.text('hex', 8)].join(''),
  'Vault token': (r) => ['hv', 's.', r.text('base64url', 90)].join(''),
  'SendGrid key': (r) => ['S', 'G.', r.text('base64url', 22), '.', r.text('base64url', 43)].join(''),
  'Mailgun key': (r) => ['ke', 'y-', r.text('hex', 32)].join(''),
  'Twilio key': (r) => ['S', 'K', r.text('hex', 32)].join(''),
  'DigitalOcean token': (r) => ['do', 'p_v1_', r.text('hex', 64)].join(''),
  'Databricks token': (r) => ['da', 'pi', r.text('hex', 32)].join(''),
  'Shopify token': (r) => ['shp', 'at_', r.text('hex', 32)].join(''),
  'Atlassian token': (r) => ['ATA', 'TT3', r.text('base64url', 60), '=', r.text('upper36', 8)].join(''),
  'Linear key': (r) => ['lin', '_api_', r.text('base62', 40)].join(''),
  'Tailscale key': (r) => ['ts', 'key-auth-', r.text('base62', 12), '-', r.text('base62', 32)].join(''),
  'age key': (r) => ['AGE-SECRET', '-KEY-1', r.text('upper36', 58)].join(''),
  'NATS seed': (r) => ['S', 'U', r.text('base32', 56)].join(''),
  JWT: (r) =>
    [
      b64url(JSON.stringify({ alg: 'HS256', typ: 'JWT' })),
      b64url(JSON.stringify({ sub: r.name(), iat: r.number(2e9) })),
      r.text('base64url', 43),
    ].join('.'),
  'bcrypt hash': (r) => ['$2', 'y$10$', r.text('base62', 53)].join(''),
  'Apache MD5 hash': (r) => ['$ap', 'r1$', r.text('base62', 8), '$', r.text('base62', 22)].join(''),
  'crypt SHA-512 hash': (r) => ['$', '6$', r.text('base62', 16), '$', r.text('base62', 86)].join(''),
  'htpasswd SHA-1': (r) => ['{S', 'HA}', b64(r.bytes(20))].join(''),
  'argon2 hash': (r) => ['$argon', '2id$v=19$m=65536,t=3,p=4$', r.text('base62', 22), '$', r.text('base62', 43)].join(''),
};

/** Not known by their shape, only by being random: most are found, not all. */
export const RANDOM_TOKENS: Record<string, (r: Random) => string> = {
  'AWS secret access key': (r) => r.text('base62', 40),
  'base64 of 32 bytes': (r) => b64(r.bytes(32)),
  'base64url of 32 bytes': (r) => r.bytes(32).toString('base64url'),
  'base62 of 24': (r) => r.text('base62', 24),
  'base62 of 32': (r) => r.text('base62', 32),
  'base36 of 32': (r) => r.text('base36', 32),
  'base36 of 40': (r) => r.text('base36', 40),
};

/** `[shown, never to be seen]` */
export const URLS: Record<string, (r: Random) => [string, string]> = {
  'PostgreSQL URL': (r) => withSecret(r, (s) => `postgres://app:${s}@db.${r.name()}.svc:5432/app?sslmode=require`),
  'Redis URL without a user': (r) => withSecret(r, (s) => `redis://:${s}@redis.${r.name()}.svc:6379/0`),
  'AMQP URL': (r) => withSecret(r, (s) => `amqps://${r.name()}:${s}@mq.example.test/vhost`),
  'MongoDB URL with two hosts': (r) => withSecret(r, (s) => `mongodb+srv://root:${s}@a.example.test,b.example.test/db`),
  'basic auth URL': (r) => withSecret(r, (s) => `https://bot:${s}@git.example.test/team/repo.git`),
  'URL with a token for a user': (r) => {
    const token = r.text('base62', 30);
    return [`https://${token}@git.example.test/team/repo.git`, token];
  },
  'MySQL DSN': (r) => withSecret(r, (s) => `app:${s}@tcp(mysql.example.test:3306)/shop?parseTime=true`),
  'Oracle DSN': (r) => withSecret(r, (s) => `jdbc:oracle:thin:scott/${s}@db.example.test:1521:orcl`),
  'JDBC URL': (r) => withSecret(r, (s) => `jdbc:postgresql://db.example.test/app?user=app&password=${s}`),
  'ADO connection string': (r) => withSecret(r, (s) => `Server=tcp:db.example.test,1433;User ID=app;Password=${s};Encrypt=true;`),
  'Azure storage string': (r) => {
    const key = b64(r.bytes(64));
    return [`DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=${key};EndpointSuffix=core.windows.net`, key];
  },
  'Azure SAS URL': (r) => {
    const signature = encodeURIComponent(b64(r.bytes(32)));
    return [`https://shop.blob.core.windows.net/c/b?sv=2024-01-01&se=2027-01-01&sig=${signature}`, signature];
  },
  'Kafka JAAS': (r) =>
    withSecret(r, (s) => `org.apache.kafka.common.security.plain.PlainLoginModule required username="app" password="${s}";`),
};

function withSecret(r: Random, put: (secret: string) => string): [string, string] {
  const secret = `${r.text('lower', 4)}${r.number(90) + 10}${r.text('base62', 6)}`;
  return [put(secret), secret];
}

export function privateKeyPem(type: 'pkcs8' | 'sec1' = 'pkcs8'): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type, format: 'pem' }).toString();
}

export function privateKeyDer(): string {
  return b64(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'der' }));
}
