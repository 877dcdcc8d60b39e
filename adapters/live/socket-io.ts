import type { Namespace, Server, Socket } from 'socket.io'
import type { Auth } from '../../src/http/guard.js'
import { headOf } from '../../src/http/node.js'
import {
  createConnections,
  type ConnectionEnd,
  type LiveConnection,
  type LiveOptions,
} from '../../src/live/connections.js'
import type { Sessions } from '../../src/sessions.js'

export type { LiveOptions } from '../../src/live/connections.js'

export interface SocketIoAuth<Claims> {
  /**
   * Checks every handshake, and ends the sockets with their session: of a server's main namespace and of those that are made
   * afterwards, or of one namespace alone. The token comes as `auth: { token }` of the client, as `Authorization`, or as
   * cookie; never from the address. Who is refused gets a `connect_error` whose `data` is `{ code, status }`.
   * @throws TypeError for a server whose `connectionStateRecovery` lets sockets in past every check
   */
  protect(server: Server | Namespace): void
  /** Who a socket is from. @throws TypeError for one that was not admitted here */
  of(socket: Socket): Auth<Claims>
  /** Takes a newer access token of the same session, which the app was given over the socket. @throws RollcallError */
  renew(socket: Socket, accessToken: string): Promise<Auth<Claims>>
  /** Ends all sockets, before the server stops. */
  close(): void
}

/**
 * Socket.IO connections that end with their session: the client is sent `ended`, `{ code, reason }`, and disconnected.
 * @example
 * const auth = socketIoAuth(sessions, { from: 'either' })
 * auth.protect(io)
 * io.on('connection', (socket) => socket.emit('hello', auth.of(socket).userId))
 * @throws TypeError for an option that is unknown or of a wrong type
 */
export function socketIoAuth<Claims>(sessions: Sessions<Claims>, options?: LiveOptions): SocketIoAuth<Claims> {
  const connections = createConnections(sessions, options)
  const members = new WeakMap<Socket, LiveConnection<Claims>>()

  function open(socket: Socket, auth: Auth<Claims>): void {
    const member: LiveConnection<Claims> = {
      auth,
      end(why: ConnectionEnd) {
        socket.emit('ended', why)
        socket.disconnect(true)
      },
    }
    members.set(socket, member)
  }

  /** Answers why not. */
  async function admit(socket: Socket): Promise<Error | undefined> {
    const { token } = socket.handshake.auth as { token?: unknown }
    const head = headOf(socket.request, socket.request.url ?? '/')
    try {
      open(socket, await connections.admit(head, typeof token === 'string' ? token : null))
      return undefined
    } catch (error) {
      return describe(connections.answerError(error))
    }
  }

  function protectNamespace(namespace: Namespace): void {
    namespace.use(async (socket, next) => next(await admit(socket)))
    namespace.on('connection', (socket: Socket) => {
      const member = members.get(socket)
      // A listener of the app that was there before may have sent it away.
      if (member === undefined || !socket.connected) return void socket.disconnect(true)
      socket.once('disconnect', () => connections.release(member))
      return connections.bind(member)
    })
  }

  function memberOf(socket: Socket): LiveConnection<Claims> {
    const member = members.get(socket)
    if (member === undefined) throw new TypeError('this socket was not admitted here')
    return member
  }

  return {
    protect(server) {
      const isServer = 'of' in server
      checkRecovery(isServer ? server : server.server)
      protectNamespace(isServer ? server.sockets : server)
      if (isServer) server.on('new_namespace', protectNamespace)
    },
    of: (socket) => memberOf(socket).auth,
    renew: async (socket, accessToken) => connections.renew(memberOf(socket), accessToken),
    close: () => connections.close(),
  }
}

/** By default, a socket that comes back passes no middleware, and what was said meanwhile is sent to it at once. */
function checkRecovery({ _opts: { connectionStateRecovery: recovery } }: Server): void {
  if (recovery !== undefined && recovery.skipMiddlewares !== false)
    throw new TypeError('connectionStateRecovery needs skipMiddlewares: false, or sockets come back past every check')
}

/** What the client is given as `connect_error`. */
async function describe(response: Response): Promise<Error> {
  const { code } = (await response.json()) as { code: string }
  return Object.assign(new Error(code), { data: { code, status: response.status } })
}
