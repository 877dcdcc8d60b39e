import { expect } from 'vitest'
import type { Knex } from 'knex'
import type { SqlEngineName } from './databases.js'
import {
  answered,
  expectAlive,
  expectGoesOn,
  lastPair,
  logIn,
  refreshFirst,
  type Ground,
  type Login,
  type Race,
} from './refresh-races.js'
import { answerOf } from './simulation.js'
import type { Chance } from './chance.js'
import { barrier, untilNoted } from './turns.js'

/** What makes the write of a user's refresh fail, until it is taken away. */
export interface Fault {
  /** Whether the write waits for the end of the fault, instead of failing at once. */
  readonly holdsLock?: true
  begin(login: Login): Promise<void>
  /** An act of the schedule. */
  end(login: Login, chance: Chance): Promise<void>
}

/** Refreshes of one token while their write fails, and the end of the fault: nothing is burnt, whoever comes first. */
export function faultRace(title: string, fault: Fault, atOnce: number): Race {
  return {
    title,
    sides: ['failed', 'spared'],
    atOnce,
    async prepare(ground, userId, chance) {
      const login = await logIn(ground, userId)
      await fault.begin(login)
      return {
        login,
        acts: {
          refresh: () => refreshFirst(ground, login),
          end: () => fault.end(login, chance),
        },
        lockHolder: fault.holdsLock && 'end',
        async judge() {
          const [answer] = login.answers
          if (typeof answer === 'string') {
            expect(answer).toBe('store_unavailable')
            await expectUntouched(ground, login)
          } else expect(answer).toMatchObject({ outcome: 'rotated' })
          await expectAlive(ground, login)
          return typeof answer === 'string' ? 'failed' : 'spared'
        },
        judgeLater: () => expectGoesOn(ground, login),
      }
    },
  }
}

/** The same token refreshes as if nothing had been. */
async function expectUntouched({ sessions, store }: Ground, login: Login): Promise<void> {
  const { userId, sid, first } = login
  const row = await store.readForRefresh({ userId, sid }, {})
  expect(row?.rotation).toMatchObject({ generation: 0 })
  const retried = await answerOf(sessions.refresh(first.refreshToken))
  expect(retried).toMatchObject({ outcome: 'rotated' })
  login.answers.push(retried)
  expect(lastPair(login)).toBe(retried)
}

const isFaulty = 'exists (select 1 from race_faults where user_id = new.user_id)'
const raising = `create function race_fault() returns trigger language plpgsql as $$
  begin if ${isFaulty} then raise exception 'a fault of the test'; end if; return null; end $$`
const signalling = `create trigger race_fault after update on rollcall_sessions for each row
  begin if ${isFaulty} then signal sqlstate '45000' set message_text = 'a fault of the test'; end if; end`
const afterUpdate = 'after update on rollcall_sessions'

const triggers: Readonly<Record<SqlEngineName, readonly string[]>> = {
  postgres: [raising, `create trigger race_fault ${afterUpdate} for each row execute function race_fault()`],
  mariadb: [signalling],
  mysql: [signalling],
  sqlite: [
    `create trigger race_fault ${afterUpdate} when ${isFaulty} begin select raise(abort, 'a fault of the test'); end`,
  ],
}
const atCommit = [
  raising,
  `create constraint trigger race_fault ${afterUpdate} deferrable initially deferred for each row execute function race_fault()`,
]

export async function createTrigger(engine: SqlEngineName, knex: Knex, when: 'at once' | 'at commit'): Promise<void> {
  await knex.raw('create table race_faults (user_id varchar(255) primary key)')
  for (const sql of when === 'at commit' ? atCommit : triggers[engine]) await knex.raw(sql)
}

export async function dropTrigger(engine: SqlEngineName, knex: Knex): Promise<void> {
  await knex.raw(engine === 'postgres' ? 'drop function race_fault() cascade' : 'drop trigger race_fault')
  await knex.raw('drop table race_faults')
}

/** A trigger that raises, after the row was written, while the user is in a table of its own. */
export function triggerFault(knex: Knex): Fault {
  return {
    begin: async ({ userId }) => void (await knex('race_faults').insert({ user_id: userId })),
    async end({ userId }, chance) {
      for (let turns = chance() * 8; turns > 0; turns -= 1) await barrier()
      await knex('race_faults').where({ user_id: userId }).delete()
    },
  }
}

/** SQLite: a reader whose lock no commit gets past. Nobody else may write meanwhile. */
export function readerFault(knex: Knex): Fault {
  let reader: Knex.Transaction
  return {
    async begin() {
      reader = await knex.transaction()
      await reader.raw('select count(*) from rollcall_users')
    },
    async end(_, chance) {
      for (let turns = chance() * 16; turns > 0; turns -= 1) await barrier()
      await reader.rollback()
    },
  }
}

/**
 * MariaDB and MySQL: the row is locked by another, so that the update waits, and the connection it waits on is killed.
 * The store tries twice more on other connections; one kill too many, and the refresh fails.
 */
export function killFault(knex: Knex): Fault {
  const blockers = new Map<string, Knex.Transaction>()
  return {
    holdsLock: true,
    async begin({ userId, sid }) {
      // Without a gap lock, which would hold up the logins of others.
      const blocker = await knex.transaction({ isolationLevel: 'read committed' })
      await blocker.raw('select 1 from rollcall_sessions where user_id = ? and sid = ? for update', [userId, sid])
      blockers.set(userId, blocker)
    },
    async end({ userId }, chance) {
      const killed: string[] = []
      for (const kills = 1 + Math.floor(chance() * 3); killed.length < kills;) {
        const connection = await untilNoted((log) => nextConnection(log, killed))
        if (connection === null) break
        await barrier()
        await knex.raw(`kill ${Number(connection)}`)
        killed.push(connection)
      }
      await blockers.get(userId)?.rollback()
      blockers.delete(userId)
    },
  }
}

/** How an act notes on which connection it sent its update. */
export const updateOn = 'update on connection '

/** Where the update waits now, `null` once the refresh is over. */
function nextConnection(log: readonly string[], killed: readonly string[]): string | null | undefined {
  if (log.some((entry) => entry.endsWith(answered))) return null
  const connections = log.filter((entry) => entry.includes(updateOn)).map((entry) => entry.split(updateOn)[1]!)
  return connections.find((connection) => !killed.includes(connection))
}
