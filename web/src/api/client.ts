import createClient, { type Middleware } from 'openapi-fetch'

import { Problem } from './problem'
import type { paths } from './schema'

/** What a request needs to know of the session, handed in by `main.ts` so that the client knows no store. */
export interface RequestContext {
  token(): string | null
  language(): string
  /** Called once a request with a token was answered 401. */
  onUnauthenticated(): void
}

let context: RequestContext = { token: () => null, language: () => 'zh-CN', onUnauthenticated: () => undefined }

export function useRequestContext(given: RequestContext): void {
  context = given
}

const identify: Middleware = {
  onRequest({ request }) {
    const token = context.token()
    if (token) request.headers.set('Authorization', `Bearer ${token}`)
    request.headers.set('Accept-Language', context.language())
    return request
  },
  onResponse({ request, response }) {
    if (response.status === 401 && request.headers.has('Authorization')) context.onUnauthenticated()
    return response
  },
}

export const api = createClient<paths>({ baseUrl: globalThis.location?.origin ?? '' })
api.use(identify)

/**
 * The data of an answer, or a Problem thrown: `await unwrap(api.GET('/api/v1/alarms'))`.
 */
export async function unwrap<T>(
  answer: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<NonNullable<T>> {
  let settled
  try {
    settled = await answer
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw Problem.ofNetwork()
  }
  const { data, error, response } = settled
  if (!response.ok) throw Problem.ofResponse(error, response)
  return data as NonNullable<T>
}

/** Fetches a file with the session's token and hands it to the browser (a link could not carry the token). */
export async function fetchBlob(path: string): Promise<Blob> {
  const headers = new Headers({ 'Accept-Language': context.language() })
  const token = context.token()
  if (token) headers.set('Authorization', `Bearer ${token}`)
  const response = await fetch(path, { headers }).catch(() => {
    throw Problem.ofNetwork()
  })
  if (response.status === 401) context.onUnauthenticated()
  if (!response.ok) throw Problem.ofResponse(await response.json().catch(() => null), response)
  return response.blob()
}
