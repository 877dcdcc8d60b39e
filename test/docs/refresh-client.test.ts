import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { codes } from '../../src/index.js'
import { code, expired, keep, me, openClientStage, refresh } from './client-stage.js'
import type { Scripted } from './scripted-proxy.js'

const stage = openClientStage()

describe('the client of docs/refresh.md, when a refresh is answered', () => {
  test.each([
    ['503 with a code', code(503, 'store_behind')],
    ['502 of a proxy', { status: 502, body: '<html>' }],
    ['200 that is no pair', { status: 200, body: '<html>' }],
    ['cut connection', 'cut'],
  ] satisfies [string, Scripted][])('with a %s, keeps its token and shows it again', async (_, answer) => {
    const pairs = keep(stage.phone)
    stage.proxy.answer(me, expired)
    stage.proxy.answer(refresh, ...Array<Scripted>(4).fill(answer))
    expect((await stage.ask(pairs)).status).toBe(200)
    expect(stage.refreshes()).toEqual(Array(5).fill(JSON.stringify({ refreshToken: stage.phone.refreshToken })))
    expect(stage.waits).toEqual([1, 2, 3, 4])
  })

  test('not within ten seconds, gives that one up and asks again', async () => {
    const patience = vi.spyOn(AbortSignal, 'timeout').mockImplementationOnce(() => {
      const controller = new AbortController()
      void delay(50).then(() => controller.abort())
      return controller.signal
    })
    stage.proxy.answer(me, expired)
    stage.proxy.answer(refresh, 'hang')
    expect((await stage.ask(keep(stage.phone))).status).toBe(200)
    expect(stage.refreshes()).toHaveLength(2)
    expect(patience.mock.calls).toEqual([[10_000], [10_000]])
  })

  test.each([
    ['7', 7],
    ['0', 0],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 1],
    ['soon', 1],
    ['-1', 1],
    ['86400', 1],
  ])('with a Retry-After of %s, waits for %d seconds', async (value, seconds) => {
    stage.proxy.answer(me, expired)
    stage.proxy.answer(refresh, { status: 503, body: '{}', headers: { 'retry-after': value } })
    expect((await stage.ask(keep(stage.phone))).status).toBe(200)
    expect(stage.waits).toEqual([seconds])
  })

  test.each([
    ['503 with a code', code(503, 'store_unavailable')],
    ['502 of a proxy', { status: 502, body: '<html>' }],
    ['cut connection', 'cut'],
  ] satisfies [string, Scripted][])('with a %s the fifth time, tells the user and keeps its pair', async (_, last) => {
    const pairs = keep(stage.phone)
    stage.proxy.answer(me, expired)
    stage.proxy.answer(refresh, ...Array<Scripted>(4).fill(code(503, 'store_behind')), last)
    await expect(stage.ask(pairs)).rejects.toThrow('no refresh: try again later')
    expect([pairs.stored, stage.refreshes().length]).toEqual([stage.phone, 5])
    expect(await stage.demo.call(me, stage.phone.accessToken)).toBe('200')
  })

  test.each(['store_behind', 'key_unavailable'])('with %s five times, logs out if it can and in', async (name) => {
    for (const logout of [[], ['cut' as const]]) {
      const pairs = keep(await stage.demo.logIn('phone'))
      const { accessToken } = pairs.stored!
      stage.proxy.answer(me, expired)
      stage.proxy.answer(refresh, ...Array<Scripted>(5).fill(code(503, name)))
      stage.proxy.answer('POST /auth/logout', ...logout)
      await expect(stage.ask(pairs)).rejects.toBeInstanceOf(stage.LoginNeeded)
      expect(pairs.stored).toBeNull()
      expect(await stage.demo.call(me, accessToken)).toBe(logout.length > 0 ? '200' : '401 session_ended')
    }
  })

  test.each([
    ['400', code(400, 'invalid_request')],
    ['404', { status: 404, body: '<html>' }],
    ['429', { status: 429, body: '' }],
    ["401 of the app's own", code(401, 'wrong_password')],
    ['401 of a proxy', { status: 401, body: '<html>' }],
  ] satisfies [string, Scripted][])('with a %s, reports that at once and keeps its pair', async (name, answer) => {
    const pairs = keep(stage.phone)
    stage.proxy.answer(me, expired)
    stage.proxy.answer(refresh, answer)
    await expect(stage.ask(pairs)).rejects.toThrow(`no refresh: ${name.slice(0, 3)}`)
    expect([pairs.stored, stage.refreshes().length]).toEqual([stage.phone, 1])
  })
})

const all401 = Object.keys(codes).filter((name) => codes[name as keyof typeof codes].status === 401)
/** What says nothing of the pair that the client has. */
const others = ['insufficient_user_authentication', 'token_missing', 'invalid_client']
const refusals = all401.filter((name) => !others.includes(name))
const isRefreshed = (name: string): boolean => ['token_expired', 'token_invalid'].includes(name)

describe('the client of docs/refresh.md acts on every 401 of rollcall', () => {
  test.each(refusals)('%s of a request', async (name) => {
    const pairs = keep(stage.phone)
    stage.proxy.answer(me, code(401, name))
    if (isRefreshed(name)) expect((await stage.ask(pairs)).status).toBe(200)
    else await expect(stage.ask(pairs)).rejects.toBeInstanceOf(stage.LoginNeeded)
    expect([pairs.stored !== null, stage.refreshes().length]).toEqual(isRefreshed(name) ? [true, 1] : [false, 0])
  })

  test.each(refusals.filter((name) => !isRefreshed(name)))('%s of a refresh', async (name) => {
    const pairs = keep(stage.phone)
    stage.proxy.answer(me, expired)
    stage.proxy.answer(refresh, code(401, name))
    await expect(stage.ask(pairs)).rejects.toBeInstanceOf(stage.LoginNeeded)
    expect([pairs.stored, stage.refreshes().length]).toEqual([null, 1])
  })

  test.each(others)('%s of a request is handed out', async (name) => {
    expect(all401).toContain(name)
    const pairs = keep(stage.phone)
    stage.proxy.answer(me, code(401, name))
    expect((await stage.ask(pairs)).status).toBe(401)
    expect([pairs.stored, stage.refreshes()]).toEqual([stage.phone, []])
  })

  test('token_invalid that stays is a login, token_expired that stays is handed out', async () => {
    const pairs = keep(stage.phone)
    stage.proxy.answer(me, ...Array<Scripted>(3).fill(expired))
    expect((await stage.ask(pairs)).status).toBe(401)
    expect(pairs.stored).not.toBeNull()
    stage.proxy.answer(me, ...Array<Scripted>(3).fill(code(401, 'token_invalid')))
    await expect(stage.ask(pairs)).rejects.toBeInstanceOf(stage.LoginNeeded)
    expect(pairs.stored).toBeNull()
  })

  test.each([null, undefined])('token_expired is a login when the refresh token is %s', async (refreshToken) => {
    const { accessToken } = stage.phone
    const pairs = keep(refreshToken === undefined ? { accessToken } : { accessToken, refreshToken })
    stage.proxy.answer(me, expired)
    await expect(stage.ask(pairs)).rejects.toBeInstanceOf(stage.LoginNeeded)
    expect([pairs.stored, stage.refreshes()]).toEqual([null, []])
    await expect(stage.ask(pairs)).rejects.toBeInstanceOf(stage.LoginNeeded)
  })

  test.each([
    ["401 of the app's own", code(401, 'wrong_password')],
    ['401 of a proxy', { status: 401, body: '<html>' }],
    ['403', code(403, 'session_ended')],
    ['503', code(503, 'store_unavailable')],
  ] satisfies [string, Scripted][])('and hands a %s to whoever asked', async (_, answer) => {
    const pairs = keep(stage.phone)
    stage.proxy.answer(me, answer)
    const response = await stage.ask(pairs)
    expect({ status: response.status, body: await response.text() }).toEqual(answer)
    expect([pairs.stored, stage.refreshes()]).toEqual([stage.phone, []])
  })
})
