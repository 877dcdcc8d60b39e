import { Refusal } from './refusal.js'

const maximumBytes = 16 * 1_024

/**
 * The JSON object in a request's body, of at most 16 KB. Not hono/body-limit: it makes a `new Request` of the Node
 * adapter's own, which fails unless the adapter may replace the global `Request`.
 */
export async function readJson(request: Request): Promise<Readonly<Record<string, unknown>>> {
  return toObject(await readText(request))
}

/** The same for a body that may be absent: then `null`. */
export async function readJsonIfAny(request: Request): Promise<Readonly<Record<string, unknown>> | null> {
  const text = await readText(request)
  return text === '' ? null : toObject(text)
}

function toObject(text: string): Readonly<Record<string, unknown>> {
  const value = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('The body must be a JSON object')
  return value as Record<string, unknown>
}

/** The same for a member that may be absent. */
export function readOptional(name: string, value: unknown, type: 'string'): string | undefined
export function readOptional(
  name: string,
  value: unknown,
  type: 'object',
): Readonly<Record<string, unknown>> | undefined
export function readOptional(name: string, value: unknown, type: string): unknown {
  if (value === undefined) return undefined
  if (typeof value !== type || value === null || Array.isArray(value))
    throw badRequest(`'${name}' must be a JSON ${type}`)
  return value
}

export function readString(name: string, value: unknown): string {
  if (typeof value !== 'string') throw badRequest(`'${name}' must be a JSON string`)
  return value
}

async function readText(request: Request): Promise<string> {
  const tooLarge = new Refusal(413, 'request_too_large', 'The body must not exceed 16 KB')
  if (Number(request.headers.get('content-length')) > maximumBytes) throw tooLarge
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.length
      if (size > maximumBytes) throw tooLarge
      chunks.push(chunk)
    }
  } catch (error) {
    // Whatever else ends the reading is the client's connection.
    throw error === tooLarge ? tooLarge : badRequest('The body was cut off')
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest('The body is not JSON')
  }
}

function badRequest(message: string): Refusal {
  return new Refusal(400, 'invalid_request', message)
}
