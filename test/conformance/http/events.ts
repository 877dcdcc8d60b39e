import { describe, expect, test } from 'vitest'
import { logInByCookie } from './cookies.js'
import { refreshGrace, stageFor, type FrameworkHarness } from './harness.js'
import { openStream, type OpenStream } from './open-stream.js'
import { cookiesFor } from './send.js'

export function describeEvents(harness: FrameworkHarness): void {
  describe('GET events', () => {
    const stage = stageFor(harness, { options: { from: 'either' } })
    const open = (headers: Readonly<Record<string, string>>): Promise<OpenStream> =>
      openStream(`${stage().url}/auth/events`, headers)
    const openFor = ({ accessToken }: { accessToken: string }): Promise<OpenStream> =>
      open({ authorization: `Bearer ${accessToken}` })

    test('tells at once when the session ends, by header and by cookie, and no proxy may hold it back', async () => {
      const pair = await stage().logIn()
      const login = await logInByCookie(stage())
      for (const [stream, session] of [
        [await openFor(pair), pair.session],
        [await open({ cookie: cookiesFor('/auth/events', login.cookies) }), login.json.session],
      ] as const) {
        expect(stream.status).toBe(200)
        expect(stream.headers).toMatchObject({
          'content-type': 'text/event-stream',
          'cache-control': 'no-store, no-transform',
          'x-accel-buffering': 'no',
        })
        expect(await stream.next()).toEqual({
          event: 'standing',
          data: {
            idleExpiresAt: new Date(session.idleExpiresAt).toJSON(),
            sessionExpiresAt: new Date(session.expiresAt).toJSON(),
          },
        })
        stream.leave()
      }
    })

    test('tells of the end, why and by whom, and ends; the others hear that their list has changed', async () => {
      const phone = await stage().logIn()
      const laptop = await stage().logIn({ userId: phone.userId })
      const [onPhone, onLaptop] = [await openFor(phone), await openFor(laptop)]
      for (const stream of [onPhone, onLaptop]) expect((await stream.next())!.event).toBe('standing')
      await stage().send({ route: `DELETE /auth/sessions/${phone.session.sid}`, token: laptop.accessToken })
      expect(await onPhone.next()).toEqual({
        event: 'ended',
        data: { code: 'session_ended', reason: 'logout', actor: laptop.session.sid },
      })
      expect(await onPhone.next()).toBeNull()
      expect(await onLaptop.next()).toEqual({ event: 'devices', data: {} })
      onLaptop.leave()
    })

    test('stays open over a refresh', async () => {
      const { accessToken, refreshToken, userId } = await stage().logIn()
      const stream = await openFor({ accessToken })
      expect((await stream.next())!.event).toBe('standing')
      stage().clock.advance(refreshGrace)
      await stage().sessions.refresh(refreshToken)
      expect((await stream.next())!.event).toBe('standing')
      await stage().sessions.revokeAll(userId)
      expect((await stream.next())!.event).toBe('ended')
    })

    test('tells who comes back to ask for the list again, since something may have been missed', async () => {
      const { accessToken } = await stage().logIn()
      const stream = await open({ authorization: `Bearer ${accessToken}`, 'last-event-id': 'standing' })
      expect([(await stream.next())!.event, (await stream.next())!.event]).toEqual(['standing', 'devices'])
      stream.leave()
    })

    test('is refused where a guard refuses, in JSON', async () => {
      const { accessToken, userId } = await stage().logIn()
      await stage().sessions.revokeAll(userId)
      expect((await stage().send({ route: 'GET /auth/events', token: accessToken })).summary).toBe('401 session_ended')
      expect((await stage().send({ route: 'GET /auth/events' })).summary).toBe('401 token_missing')
      expect((await stage().send({ route: `GET /auth/events?access_token=${accessToken}` })).summary).toBe(
        '401 token_missing',
      )
    })

    test('watches nothing for who is gone, and nothing for a HEAD', async () => {
      const { accessToken: token } = await stage().logIn()
      const before = stage().sessions.status().watched
      const streams = await Promise.all([1, 2, 3].map(() => openFor({ accessToken: token })))
      for (const stream of streams) await stream.next()
      expect(stage().sessions.status().watched).toBe(before + 1)
      for (const stream of streams) stream.leave()
      await expect.poll(() => stage().sessions.status().watched).toBe(before)
      expect((await stage().send({ route: 'HEAD /auth/events', token })).status).toBe(200)
      expect(stage().sessions.status().watched).toBe(before)
    })

    test('keeps twenty streams of a session, and ends the oldest for one more', async () => {
      const pair = await stage().logIn()
      const streams: OpenStream[] = []
      for (let count = 0; count < 21; count += 1) {
        const stream = await openFor(pair)
        await stream.next()
        streams.push(stream)
      }
      expect(await streams[0]!.next()).toEqual({ event: 'closed', data: {} })
      expect(await streams[0]!.next()).toBeNull()
      await stage().sessions.revokeAll(pair.userId)
      const last = await Promise.all(streams.slice(1).map((stream) => stream.next()))
      expect(last.map((event) => event!.event)).toEqual(last.map(() => 'ended'))
    })

    test('ends with the server, which does not wait for it, and says when to come back', async () => {
      const stream = await openFor(await stage().logIn())
      await stream.next()
      const begunAt = performance.now()
      await stage().closeServer()
      // `closeServer` breaks off what is open after a second.
      expect(performance.now() - begunAt).toBeLessThan(900)
      expect(await stream.next()).toEqual({ event: 'closed', data: {} })
      const wait = Number(/retry: (\d+)\n(?!.*retry)/s.exec(stream.text())![1])
      expect(wait >= 2_000 && wait <= 4_000).toBe(true)
      expect(stage().sessions.status().watched).toBe(0)
    })
  })
}
