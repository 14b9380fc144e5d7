import { jetstream } from '@nats-io/jetstream';
import { headers as natsHeaders } from '@nats-io/transport-node';
import type { RealNats } from './real-nats.ts';
import { until } from './until.ts';

export interface OutgoingMessage {
  /** Nats-Msg-Id: the server takes the same once within two minutes. */
  id: string | undefined;
  headers: Record<string, string>;
  body: string;
}

const WINDOW = 100;

/**
 * Publishes in order until the server has acknowledged each, whatever happens to it meanwhile: what is in doubt is sent again under its id. Tells how
 * many windows were cut by a lost connection.
 */
export async function publishAll(nats: RealNats, messages: readonly OutgoingMessage[]): Promise<{ interrupted: number }> {
  let interrupted = 0;
  for (let at = 0; at < messages.length; ) {
    const connection = await until('the server takes connections', () => nats.connection().catch(() => undefined), 60_000);
    const client = jetstream(connection, { timeout: 5_000 });
    try {
      for (; at < messages.length; at += WINDOW) {
        const window = messages.slice(at, at + WINDOW);
        await Promise.all(
          window.map(({ id, headers, body }) => {
            const named = natsHeaders();
            for (const [name, value] of Object.entries(headers)) named.set(name, value);
            return client.publish('changes.test', body, { headers: named, ...(id === undefined ? {} : { msgID: id }) });
          }),
        );
      }
    } catch {
      interrupted += 1;
    } finally {
      await connection.close().catch(() => {});
    }
  }
  return { interrupted };
}
