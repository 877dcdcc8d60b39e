import { afterEach, expect, test, vi } from 'vitest'
import { createSessions } from '../src/sessions.js'
import { createFakeClock } from './conformance/fake-clock.js'
import { given } from './support/given.js'

const secret = 'r'.repeat(32)

afterEach(() => void vi.restoreAllMocks())

test('all chance in a login and a rotation is of crypto.getRandomValues: 128 bits for an id, 256 for a refresh token (ASVS 7.2.3, 11.5.1)', async () => {
  const drawn: number[] = []
  const draw = crypto.getRandomValues.bind(crypto)
  vi.spyOn(crypto, 'getRandomValues').mockImplementation((bytes) => {
    drawn.push(bytes!.byteLength)
    return draw(bytes)
  })
  const [pseudo, uuid] = [vi.spyOn(Math, 'random'), vi.spyOn(crypto, 'randomUUID')]
  const clock = createFakeClock()
  const sessions = createSessions(given({ clock, refreshToken: { secret } }))
  const { refreshToken } = await sessions.create({ userId: 'a' })
  // sid, jti and the refresh token.
  expect(drawn.splice(0)).toEqual([16, 16, 32])
  clock.advance(60_000)
  await sessions.refresh(refreshToken!)
  // The salt that the next refresh token is derived by, and the jti beside it.
  expect(drawn).toEqual([32, 16])
  expect([pseudo, uuid].flatMap(({ mock }) => mock.calls)).toEqual([])
  await sessions.close()
})

test('the same chance makes the same ids and tokens, so that there is no other source of it', async () => {
  const clock = createFakeClock()
  const pairOf = async (byte: number): Promise<unknown[]> => {
    const random = (count: number): Uint8Array => new Uint8Array(count).fill(byte)
    const sessions = createSessions(given({ clock, random, refreshToken: { secret } }))
    const { session, accessToken, refreshToken } = await sessions.create({ userId: 'a' })
    return [session.sid, accessToken, refreshToken]
  }
  const [one, same, other] = [await pairOf(1), await pairOf(1), await pairOf(2)]
  expect(one).toEqual(same)
  for (const [index, text] of one.entries()) expect(other[index]).not.toBe(text)
})
