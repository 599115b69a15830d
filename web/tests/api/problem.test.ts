import { describe, expect, it } from 'vitest'

import { unwrap } from '@/api/client'
import { Problem } from '@/api/problem'
import { describeProblem } from '@/shared/problems'

const refused = { code: 'work_order_not_found', message: '没有找到这张工单', facts: {}, request_id: 'ab12' }
const t = (key: string) => key

describe('a refusal', () => {
  it('keeps the hub’s sentence, code and request id', async () => {
    const answer = Promise.resolve({ error: refused, response: new Response(null, { status: 404 }) })
    const problem = await unwrap(answer).catch((error: unknown) => error as Problem)
    expect(problem).toMatchObject({ code: 'work_order_not_found', requestId: 'ab12', status: 404, isPassing: false })
    expect(describeProblem(problem, t)).toBe('没有找到这张工单')
  })

  it('is told from a network that is down', async () => {
    const problem = await unwrap(Promise.reject(new TypeError('fetch failed'))).catch((error: unknown) => error)
    expect(problem).toMatchObject({ code: 'network', isPassing: true })
    expect(describeProblem(problem, t)).toBe('shared.problem.network')
  })

  it('of a proxy that answers with a page of its own still has a sentence', () => {
    const problem = Problem.ofResponse('<html>502</html>', new Response(null, { status: 502 }))
    expect(problem.isPassing).toBe(true)
    expect(describeProblem(problem, t)).toBe('shared.problem.unreachable')
  })

  it('is not made of an answer without a body', async () => {
    const answer = Promise.resolve({ data: undefined, response: new Response(null, { status: 204 }) })
    await expect(unwrap(answer)).resolves.toBeUndefined()
  })
})
