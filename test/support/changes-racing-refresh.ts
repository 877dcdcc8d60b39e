import { expect } from 'vitest'
import type { Refreshed } from '../../src/refresh.js'
import {
  expectAlive,
  expectDead,
  expectGoesOn,
  lastPair,
  logIn,
  orderOf,
  orders,
  refreshFirst,
  type Ground,
  type Login,
  type Race,
} from './refresh-races.js'
import { answerOf } from './simulation.js'

/** A change of the user's that ends the session, whoever comes first. */
function endingRace(
  title: string,
  method: string,
  change: (ground: Ground, login: Login) => Promise<unknown>,
  alsoLogsIn = false,
): Race {
  return {
    title,
    sides: orders,
    async prepare(ground, userId) {
      const login = await logIn(ground, userId)
      const kept = alsoLogsIn ? await logIn(ground, userId) : null
      return {
        login,
        acts: {
          refresh: () => refreshFirst(ground, login),
          change: async () => void (await change(ground, kept ?? login)),
        },
        async judge(log) {
          const [answer] = login.answers
          // A refresh may be told of its own write although the user's change ended it in the same moment.
          if (typeof answer === 'string') expect(answer).toBe('session_ended')
          await expectDead(ground, login)
          if (kept) await expectAlive(ground, kept)
          return orderOf(log, `change: ${method}`)
        },
        judgeLater: async () => {
          await expectDead(ground, login)
          if (kept) await expectGoesOn(ground, kept)
        },
      }
    },
  }
}

const keepsThis: Race = {
  title: 'revokeOthers that keeps this session',
  sides: orders,
  async prepare(ground, userId) {
    const login = await logIn(ground, userId)
    return {
      login,
      acts: {
        refresh: () => refreshFirst(ground, login),
        change: async () => void (await ground.sessions.revokeOthers(userId, login.sid)),
      },
      async judge(log) {
        expect(login.answers).toMatchObject([{ outcome: 'rotated' }])
        await expectAlive(ground, login)
        return orderOf(log, 'change: raiseVersion')
      },
      judgeLater: () => expectGoesOn(ground, login),
    }
  },
}

const suspension: Race = {
  title: 'suspend',
  sides: orders,
  async prepare(ground, userId) {
    const { sessions } = ground
    const login = await logIn(ground, userId)
    return {
      login,
      acts: {
        refresh: () => refreshFirst(ground, login),
        change: () => sessions.suspend(userId),
      },
      async judge(log) {
        const [answer] = login.answers
        if (typeof answer === 'string') expect(answer).toBe('user_suspended')
        for (const { accessToken, refreshToken } of [login.first, lastPair(login)]) {
          expect(await answerOf(sessions.verify(accessToken))).toBe('user_suspended')
          expect(await answerOf(sessions.refresh(refreshToken))).toBe('user_suspended')
        }
        await sessions.reinstate(userId)
        await expectAlive(ground, login)
        return orderOf(log, 'change: suspend')
      },
      judgeLater: () => expectGoesOn(ground, login),
    }
  },
}

const idleLifetime = 60_000

/** In every other schedule the session has expired for both; else only for the node that prunes. */
const pruning: Race = {
  title: 'prune of an expired session',
  sides: ['refresh first', 'prune first', 'expired'],
  atOnce: 1,
  wait: (round) => idleLifetime - (round % 2),
  async prepare(ground, userId) {
    const { sessions, aheadSessions, store, clock } = ground
    const login = await logIn(ground, userId, idleLifetime)
    const key = { userId, sid: login.sid }
    return {
      login,
      acts: {
        refresh: () => refreshFirst(ground, login),
        change: async () => void (await aheadSessions.prune()),
      },
      async judge() {
        const [answer] = login.answers
        if (typeof answer !== 'string') {
          // The refresh was a use, so there is nothing to delete.
          await expectAlive(ground, login)
          return 'refresh first'
        }
        expect(await store.readForRefresh(key, {})).toBeNull()
        await expectDead(ground, login)
        const isExpired = clock.wall() >= +login.first.session.idleExpiresAt
        expect(isExpired ? ['session_expired', 'session_ended'] : ['session_ended']).toContain(answer)
        return isExpired ? 'expired' : 'prune first'
      },
      async judgeLater() {
        if (typeof login.answers[0] === 'string') await expectDead(ground, login)
        else await expectGoesOn(ground, login)
        await sessions.revokeAll(userId)
      },
    }
  },
}

const sameToken: Race = {
  title: 'another refresh of the same token',
  sides: ['refresh first', 'other first'],
  async prepare(ground, userId) {
    const login = await logIn(ground, userId)
    const other: Login = { ...login, answers: [] }
    return {
      login,
      acts: {
        refresh: () => refreshFirst(ground, login),
        other: () => refreshFirst(ground, other),
      },
      async judge() {
        const [one, two] = [login.answers[0] as Refreshed, other.answers[0] as Refreshed]
        expect([one.outcome, two.outcome].toSorted()).toEqual(['redelivered', 'rotated'])
        expect(one.refreshToken).toBe(two.refreshToken)
        const verified = await Promise.all([one, two].map(({ accessToken }) => ground.sessions.verify(accessToken)))
        expect(verified[0]?.jti).toBe(verified[1]?.jti)
        return one.outcome === 'rotated' ? 'refresh first' : 'other first'
      },
      judgeLater: () => expectGoesOn(ground, login),
    }
  },
}

/** The changes that a refresh may meet, on every store. */
export const changes: readonly Race[] = [
  pruning,
  endingRace('revoke', 'remove', ({ sessions }, { userId, sid }) => sessions.revoke(userId, sid)),
  endingRace('revokeAll', 'raiseVersion', ({ sessions }, { userId }) => sessions.revokeAll(userId)),
  endingRace(
    'revokeOthers that keeps another session',
    'raiseVersion',
    ({ sessions }, kept) => sessions.revokeOthers(kept.userId, kept.sid),
    true,
  ),
  keepsThis,
  suspension,
  sameToken,
]
