import { beforeEach, describe, expect, test, vi } from 'vitest'
import { code, expired, keep, me, openClientStage, refresh, type Pair } from './client-stage.js'

const stage = openClientStage()

/** Another session's, which stands for whatever was stored since. */
let newer: Pair
beforeEach(async () => {
  newer = await stage.demo.logIn('phone')
})

/** As if the access token that the client has, and grace with it, had been over for long. */
async function expire(): Promise<void> {
  await stage.knex('rollcall_sessions').decrement('rotated_at', 60_000)
  await stage.demo.refresh(stage.phone.refreshToken)
  await stage.knex('rollcall_sessions').decrement('rotated_at', 60_000)
}

describe('the client of docs/refresh.md', () => {
  test('sends the headers it is given', async () => {
    const init = { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: '{"name":"mine"}' }
    const send = stage.createFetch(stage.proxy.url, keep(stage.phone))
    expect((await send(`/auth/sessions/${stage.phone.sid}`, init)).status).toBe(204)
  })

  test('refreshes once for three requests at the same time, stores the pair, and goes on with it', async () => {
    await expire()
    const pairs = keep(stage.phone)
    const send = stage.createFetch(stage.proxy.url, pairs)
    const answers = await Promise.all([send('/api/me'), send('/api/me'), send('/auth/sessions')])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect([pairs.saves, stage.refreshes().length]).toEqual([1, 1])
    expect((await send('/auth/logout', { method: 'POST' })).status).toBe(204)
  })

  test('refreshes once in two tabs over one storage, where there are locks', async () => {
    await expire()
    let last: Promise<unknown> = Promise.resolve()
    const request = (_: string, work: () => Promise<unknown>): Promise<unknown> => (last = last.then(work, work))
    vi.stubGlobal('navigator', { locks: { request } })
    const pairs = keep(stage.phone)
    const answers = await Promise.all([stage.ask(pairs), stage.ask(pairs)])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect([pairs.saves, stage.refreshes().length]).toEqual([1, 1])
  })
})

describe('the client of docs/refresh.md, when another tab stores a pair', () => {
  test('before it refreshes, takes that one and does not refresh', async () => {
    const pairs = keep(stage.phone)
    stage.proxy.answer(me, expired)
    const load = vi.spyOn(pairs, 'load').mockResolvedValueOnce(stage.phone)
    pairs.stored = newer
    expect((await stage.ask(pairs)).status).toBe(200)
    expect([stage.refreshes(), load.mock.calls.length]).toEqual([[], 2])
  })

  test('between its tries, takes that one and tries no more', async () => {
    const pairs = keep(stage.phone)
    stage.proxy.answer(me, expired)
    stage.proxy.answer(refresh, 'cut', code(503, 'store_unavailable'), code(503, 'store_unavailable'))
    stage.onWait = () => {
      if (stage.waits.length === 2) pairs.stored = newer
    }
    expect((await stage.ask(pairs)).status).toBe(200)
    expect(stage.refreshes()).toHaveLength(2)
    expect(stage.proxy.seen.at(-1)?.authorization).toBe(`Bearer ${newer.accessToken}`)
  })

  test('while it waits for its answer, does not store its own over it', async () => {
    const pairs = keep(stage.phone)
    stage.proxy.answer(me, expired)
    stage.proxy.beforeAnswer(refresh, () => void (pairs.stored = newer))
    expect((await stage.ask(pairs)).status).toBe(200)
    expect([pairs.stored, pairs.saves]).toEqual([newer, 0])
    expect(stage.proxy.seen.at(-1)?.authorization).toBe(`Bearer ${newer.accessToken}`)
  })

  test.each(['request', 'refresh'])('before its %s is refused, asks for no login and drops nothing', async (which) => {
    const pairs = keep(stage.phone)
    await stage.demo.call('POST /auth/logout', stage.phone.accessToken)
    if (which === 'refresh') stage.proxy.answer(me, expired)
    stage.proxy.beforeAnswer(which === 'refresh' ? refresh : me, () => void (pairs.stored = newer))
    expect((await stage.ask(pairs)).status).toBe(200)
    expect([pairs.stored, pairs.saves]).toEqual([newer, 0])
  })
})
