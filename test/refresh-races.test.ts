import { test } from 'vitest'
import { memoryStore } from '../src/memory-store.js'
import { createSessions } from '../src/sessions.js'
import { changes } from './support/changes-racing-refresh.js'
import { base } from './support/given.js'
import { openGround, runRace } from './support/refresh-races.js'
import { withBarriers } from './support/turns.js'

const schedules = 1_000
const refreshToken = { secret: 'another secret of thirty-two bytes or more' }

test.each(changes)(
  `a refresh that races $title revives nothing and burns nothing, in ${schedules} schedules on the memory store`,
  async (race) => {
    const store = withBarriers(memoryStore())
    const ground = openGround('memory', store, (clock) =>
      createSessions({
        ...base,
        store,
        refreshToken,
        clock,
        storeTimeout: '60s',
      }),
    )
    await runRace(ground, race, schedules)
  },
  60_000,
)
