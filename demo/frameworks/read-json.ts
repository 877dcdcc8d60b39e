import { RollcallError } from 'rollcall'

const maximumBytes = 16 * 1_024

/**
 * What the JSON of at most 16 KB in a request's body says; `undefined` where there is no body. Not hono/body-limit: it
 * makes a `new Request` of the Node adapter's own, which fails unless the adapter may replace the global `Request`.
 * @throws RollcallError `request_too_large`, `unsupported_media_type`, `invalid_request`
 */
export async function readJson(request: Request): Promise<unknown> {
  const text = await readText(request)
  if (text === '') return undefined
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers.get('content-type') ?? ''))
    throw new RollcallError('unsupported_media_type')
  try {
    return JSON.parse(text)
  } catch {
    throw new RollcallError('invalid_request')
  }
}

async function readText({ headers, body }: Request): Promise<string> {
  if (Number(headers.get('content-length')) > maximumBytes) throw new RollcallError('request_too_large')
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of body ?? []) {
      size += chunk.length
      if (size > maximumBytes) throw new RollcallError('request_too_large')
      chunks.push(chunk)
    }
  } catch (error) {
    // Whatever else ends the reading is the client's connection.
    throw error instanceof RollcallError ? error : new RollcallError('invalid_request')
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}
