import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StandingRecord } from '../src/ports/store.js'
import { decideStanding } from '../src/standing.js'
import type { AccessTokenClaims } from '../src/tokens/access-token.js'

const now = 1_000_000
const claims: AccessTokenClaims = {
  userId: 'alice',
  sid: 'sid',
  jti: 'jti',
  tokenVersion: 3,
  audience: ['api'],
  notBefore: 0,
  expiresAt: now + 10_000,
  custom: {},
}
const record: StandingRecord = {
  userId: 'alice',
  sid: 'sid',
  jti: 'jti',
  tokenVersion: 3,
  audience: ['api', 'admin'],
  createdAt: 0,
  authenticatedAt: 0,
  amr: null,
  acr: null,
  lastSeenAt: 0,
  idleLifetime: 1,
  idleExpiresAt: now + 1,
  expiresAt: now + 1,
  rotation: null,
  user: { tokenVersion: 3, suspendedUntil: null },
}
const policy = { grace: 30, clockTolerance: 5 }
const rotation = { generation: 1, rotatedAt: now, usedAt: null, previousJti: 'previous' }
const decide = (token: Partial<AccessTokenClaims>, row: Partial<StandingRecord> | null, accepted = ['api']): string => {
  const standing = decideStanding(
    { ...claims, ...token },
    row && { ...record, ...row },
    { ...policy, audience: accepted },
    now,
  )
  return standing.stands ? 'stands' : standing.code
}

describe('a session', () => {
  const cases: [string, Partial<AccessTokenClaims>, Partial<StandingRecord> | null, string][] = [
    ['stands when everything agrees', {}, {}, 'stands'],
    [
      'stands for a token of a version before its row (kept by a logout of the others)',
      { tokenVersion: 2 },
      {},
      'stands',
    ],
    ['has ended without a row', {}, null, 'session_ended'],
    ['has ended when its version is below the user’s', {}, { tokenVersion: 2 }, 'session_ended'],
    ['has ended when its version is above the user’s', {}, { tokenVersion: 4 }, 'session_ended'],
    ['has ended for a token of a version above its row', { tokenVersion: 4 }, {}, 'session_ended'],
    ['has ended for another jti', { jti: 'JTI' }, {}, 'session_ended'],
    ['has ended when the row is of another user', {}, { userId: 'Alice' }, 'session_ended'],
    ['has ended when the row is of another sid', {}, { sid: 'SID' }, 'session_ended'],
    ['asks for a refresh when another token took the place of this one', { jti: 'JTI' }, { rotation }, 'token_expired'],
    ['stands for the token before, within grace', { jti: 'previous' }, { rotation }, 'stands'],
    [
      'stands for the token before, to the last millisecond of grace and clock tolerance',
      { jti: 'previous' },
      { rotation: { ...rotation, rotatedAt: now - 34 } },
      'stands',
    ],
    [
      'asks for a refresh for the token before, at the end of grace and clock tolerance',
      { jti: 'previous' },
      { rotation: { ...rotation, rotatedAt: now - 35 } },
      'token_expired',
    ],
    [
      'asks for a refresh for the token before when the number of its rotation is none',
      { jti: 'previous' },
      { rotation: { ...rotation, rotatedAt: Number.NaN } },
      'token_expired',
    ],
    [
      'has ended for the token before, within grace, as for any other',
      { jti: 'previous' },
      { rotation, tokenVersion: 2 },
      'session_ended',
    ],
    [
      'asks for a refresh for a version above its row’s, as a failover leaves it, where there are refresh tokens',
      { tokenVersion: 4 },
      { rotation },
      'token_expired',
    ],
    ['is expired at its idle expiry', {}, { idleExpiresAt: now }, 'session_expired'],
    ['is expired at its absolute expiry', {}, { expiresAt: now }, 'session_expired'],
    ['is suspended with its user', {}, { user: { tokenVersion: 3, suspendedUntil: now + 1 } }, 'user_suspended'],
    ['stands when the suspension is over', {}, { user: { tokenVersion: 3, suspendedUntil: now } }, 'stands'],
    ['refuses a token for an audience it was not created for', {}, { audience: ['admin'] }, 'token_invalid'],
    ['refuses numbers that are none: version', {}, { tokenVersion: Number.NaN }, 'session_ended'],
    ['refuses numbers that are none: idle expiry', {}, { idleExpiresAt: Number.NaN }, 'session_expired'],
    ['refuses numbers that are none: expiry', {}, { expiresAt: Number.NaN }, 'session_expired'],
    [
      'refuses numbers that are none: suspension',
      {},
      { user: { tokenVersion: 3, suspendedUntil: Number.NaN } },
      'user_suspended',
    ],
    ['refuses numbers that are none: claim', { tokenVersion: Number.NaN }, {}, 'session_ended'],
  ]
  test.each(cases)('%s', (_, token, row, expected) => {
    expect(decide(token, row)).toBe(expected)
  })

  test('tells of nothing but its end once it has ended', () => {
    const everything = { tokenVersion: 2, idleExpiresAt: now, user: { tokenVersion: 3, suspendedUntil: now + 1 } }
    expect(decide({}, everything)).toBe('session_ended')
  })

  test('stands in no case that the rule, written out in another way, does not allow', () => {
    const small = fc.integer({ min: 0, max: 2 })
    const word = fc.constantFrom('a', 'b')
    const property = fc.property(
      fc.record({ userId: word, sid: word, jti: word, tokenVersion: small, audience: fc.subarray(['x', 'y']) }),
      fc.record({
        userId: word,
        sid: word,
        jti: word,
        tokenVersion: small,
        audience: fc.subarray(['x', 'y']),
        idle: small,
        end: small,
      }),
      fc.record({ tokenVersion: small, suspendedUntil: fc.option(small) }),
      fc.subarray(['x', 'y']),
      (token, { idle, end, ...row }, user, accepted) => {
        const standing = decideStanding(
          { ...claims, ...token },
          { ...record, ...row, idleExpiresAt: idle, expiresAt: end, user },
          { ...policy, audience: accepted },
          1,
        )
        const rule = [
          token.userId === row.userId,
          token.sid === row.sid,
          token.jti === row.jti,
          row.tokenVersion === user.tokenVersion,
          token.tokenVersion <= row.tokenVersion,
          ['x', 'y'].some((one) => [token.audience, row.audience, accepted].every((list) => list.includes(one))),
          user.suspendedUntil === null || user.suspendedUntil <= 1,
          idle > 1,
          end > 1,
        ]
        return standing.stands === rule.every(Boolean)
      },
    )
    fc.assert(property, { numRuns: 20_000 })
  })
})
