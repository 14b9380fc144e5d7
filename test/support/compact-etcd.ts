import { connect } from 'node:http2';

/**
 * Has etcd forget the history before a revision, as an API server does every five minutes. etcd speaks gRPC only, and this one call does
 * not warrant a client: a frame with one varint out, and nothing of interest back.
 */
export async function compactEtcd(url: string, revision: number): Promise<void> {
  const session = connect(url);
  session.on('error', () => undefined);
  try {
    const request = session.request({
      ':method': 'POST',
      ':path': '/etcdserverpb.KV/Compact',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    request.end(grpcFrame([0x08, ...varint(revision), 0x10, 1]));
    const status = await new Promise<string>((resolve, reject) => {
      const told = (headers: Record<string, unknown>) => {
        if (headers['grpc-status'] !== undefined) resolve(`${headers['grpc-status']} ${headers['grpc-message'] ?? ''}`.trim());
      };
      request
        .on('response', told)
        .on('trailers', told)
        .on('error', reject)
        .on('end', () => undefined);
      request.once('close', () => reject(new Error('etcd ended without a status')));
      request.resume();
    });
    if (status !== '0') throw new Error(`etcd did not compact to ${revision}: ${status}`);
  } finally {
    session.close();
  }
}

/** One uncompressed message with its length. */
function grpcFrame(message: number[]): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, Buffer.from(message)]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
}
