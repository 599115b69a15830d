import type { components } from './schema'

type ProblemBody = components['schemas']['Problem']

/**
 * A refusal or failure, always with a sentence a person can act on.
 *
 * `code` is stable (`work_order_not_found`, or `network` when the hub did not answer); `message` is already in the
 * reader's language when the hub spoke, and empty when it could not: screens then use their own text for the code.
 */
export class Problem extends Error {
  readonly code: string
  readonly facts: Readonly<Record<string, unknown>>
  readonly requestId: string | null
  readonly status: number

  constructor(options: {
    code: string
    message?: string
    facts?: Record<string, unknown>
    requestId?: string | null
    status: number
  }) {
    super(options.message ?? '')
    this.name = 'Problem'
    this.code = options.code
    this.facts = options.facts ?? {}
    this.requestId = options.requestId ?? null
    this.status = options.status
  }

  static ofNetwork(): Problem {
    return new Problem({ code: 'network', status: 0 })
  }

  /** Reads the hub's body; a proxy's page instead of it still becomes a Problem. */
  static ofResponse(body: unknown, response: Response): Problem {
    if (isProblemBody(body)) {
      return new Problem({
        code: body.code,
        message: body.message,
        facts: body.facts ?? {},
        requestId: body.request_id,
        status: response.status,
      })
    }
    return new Problem({
      code: response.status >= 500 ? 'unreachable' : 'unknown',
      requestId: response.headers.get('x-request-id'),
      status: response.status,
    })
  }

  /** Whether asking again may help: the hub was away or failed, rather than said no. */
  get isPassing(): boolean {
    return this.status === 0 || this.status >= 500 || this.status === 429
  }
}

function isProblemBody(body: unknown): body is ProblemBody {
  return typeof body === 'object' && body !== null && 'code' in body && 'message' in body && 'request_id' in body
}
