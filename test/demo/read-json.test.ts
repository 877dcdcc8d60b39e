import { expect, test } from 'vitest'
import { readJson } from '../../demo/frameworks/read-json.js'

test('a body that breaks off is an invalid request', async () => {
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"username":')),
    pull: (controller) => controller.error(new Error('aborted')),
  })
  const request = new Request('http://demo/login', { method: 'POST', body, duplex: 'half' } as RequestInit)
  await expect(readJson(request)).rejects.toMatchObject({ code: 'invalid_request' })
})
