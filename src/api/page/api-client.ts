/** The one door to the API, with the token from this tab's session. */
import { parseJson } from '../../domain/json.ts';
import type { Problem } from './types.ts';

const TOKEN_KEY = 'crowsnest-token';

export function storedToken(): string {
  return sessionStorage.getItem(TOKEN_KEY) ?? '';
}

export function storeToken(token: string): void {
  if (token === '') sessionStorage.removeItem(TOKEN_KEY);
  else sessionStorage.setItem(TOKEN_KEY, token);
}

export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** What to show of a question that failed. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** GET with parameters; undefined ones are left out. Throws ApiError with status 0 when there is no answer. */
export async function apiGet<T>(
  path: string,
  parameters: Record<string, string | undefined> = {},
  signal?: AbortSignal,
): Promise<T> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) search.append(name, value);
  return ask<T>(search.size === 0 ? path : `${path}?${search}`, { signal: signal ?? null });
}

/** POST of a JSON body. */
export function apiPost<T>(path: string, body: object, signal?: AbortSignal): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  return ask<T>(path, { method: 'POST', headers, body: JSON.stringify(body), signal: signal ?? null });
}

async function ask<T>(url: string, how: RequestInit): Promise<T> {
  const token = storedToken();
  const headers = { ...how.headers, ...(token === '' ? {} : { authorization: `Bearer ${token}` }) };
  let response: Response;
  try {
    response = await fetch(url, { ...how, headers });
  } catch (error) {
    if (how.signal?.aborted) throw error;
    throw new ApiError(0, 'Crowsnest does not answer');
  }
  if (response.ok) return parseJson(await response.text()) as T;
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  throw new ApiError(response.status, problem.detail ?? `The API answered ${response.status}`);
}
