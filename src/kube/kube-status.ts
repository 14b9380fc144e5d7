import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { KubeStatusError } from './kube-client.ts';

/** What a Kubernetes `Status` object says, whether it came as an HTTP body or inside a watch stream. */
export interface StatusFacts {
  code: number;
  reason: string;
  message: string;
  retryAfterSeconds?: number;
  /** The server knows nothing as new as the resourceVersion asked for: its storage went back in time, or the cursor is foreign. */
  resourceVersionTooLarge: boolean;
}

/** Reads a Status leniently: `fallbackCode` stands in where there is no code, and a message is cut at 500 characters. */
export function readStatus(value: unknown, fallbackCode: number): StatusFacts {
  const status: JsonObject = isJsonObject(value) ? value : {};
  const details: JsonObject = isJsonObject(status.details) ? status.details : {};
  const causes = Array.isArray(details.causes) ? details.causes : [];
  const message = typeof status.message === 'string' ? status.message.slice(0, 500) : '';
  const facts: StatusFacts = {
    code: typeof status.code === 'number' ? status.code : fallbackCode,
    reason: typeof status.reason === 'string' ? status.reason : '',
    message,
    resourceVersionTooLarge:
      causes.some((cause) => isJsonObject(cause) && cause.reason === 'ResourceVersionTooLarge') ||
      message.includes('Too large resource version'),
  };
  if (typeof details.retryAfterSeconds === 'number') facts.retryAfterSeconds = details.retryAfterSeconds;
  return facts;
}

/** Reads the Status of an HTTP answer from its body text; the Retry-After header counts where the body has no number. */
export function statusOfAnswer(
  httpStatus: number,
  headers: Record<string, string | string[] | undefined>,
  body: string,
): StatusFacts {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    // A proxy in between answers in HTML or plain text; its first line is the best message there is.
    parsed = { message: body.split('\n', 1)[0]?.slice(0, 200) ?? '' };
  }
  const facts = readStatus(parsed, httpStatus);
  facts.code = httpStatus;
  const retryAfter = retryAfterSecondsOf(headers['retry-after']);
  if (facts.retryAfterSeconds === undefined && retryAfter !== undefined) facts.retryAfterSeconds = retryAfter;
  return facts;
}

export function statusError(facts: StatusFacts): KubeStatusError {
  const message = facts.message === '' ? `the API server answered ${facts.code} ${facts.reason}`.trimEnd() : facts.message;
  const fields = { status: facts.code, reason: facts.reason, message };
  return new KubeStatusError(
    facts.retryAfterSeconds === undefined ? fields : { ...fields, retryAfterSeconds: facts.retryAfterSeconds },
  );
}

/** Only the seconds form: API servers send no dates. */
function retryAfterSecondsOf(header: string | string[] | undefined): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined || !/^\d{1,6}$/.test(text.trim())) return undefined;
  return Number(text);
}
