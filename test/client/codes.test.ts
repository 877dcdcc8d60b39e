import { expect, test } from 'vitest'
import { finalCode, isRefreshable } from '../../src/client/codes.js'
import { codes, type Code } from '../../src/errors.js'

const names = Object.keys(codes) as Code[]

test.each(names)('The browser client does about %s what the table of codes says', async (code) => {
  const { status, client } = codes[code]
  const answer = Response.json({ code }, { status })
  expect(isRefreshable(code)).toBe(client === 'refresh')
  // The table is too long to be sent to browsers, so the client knows patterns of it.
  expect(Boolean(await finalCode(answer))).toBe(client === 'log in')
})
