import type { Engine, Migration, TableNames } from './types.js'

/**
 * Users, sessions and events. Text that compares byte for byte on every engine: Postgres by the "C" collation, MySQL by
 * VARBINARY (`utf8mb4_bin` ignores trailing spaces), SQLite by default. Times are epoch milliseconds: no time zone
 * of a process or a database can shift them.
 */
export const sessionsMigration: Migration = {
  name: '0001_sessions',
  up: (engine, tables) => statements[engine](tables),
  down: (_, { users, sessions, events }) => [events, sessions, users].map((table) => `drop table if exists ${table}`),
}

const statements: Readonly<Record<Engine, (tables: TableNames) => readonly string[]>> = {
  postgres: ({ users, sessions, events, index }) => [
    `create table if not exists ${users} (
  user_id text collate "C" primary key,
  token_version bigint not null,
  suspended_until bigint,
  dead_since bigint
)`,
    `create index if not exists ${index('users_dead_since')} on ${users} (dead_since) where dead_since is not null`,
    `create table if not exists ${sessions} (
  user_id text collate "C" not null,
  sid text collate "C" not null,
  token_version bigint not null,
  jti text collate "C" not null,
  audience text not null,
  created_at bigint not null,
  authenticated_at bigint not null,
  amr text,
  acr text,
  last_seen_at bigint not null,
  idle_lifetime bigint not null,
  idle_expires_at bigint not null,
  expires_at bigint not null,
  device_name text,
  device_kind text not null,
  user_agent text,
  ip text,
  primary key (user_id, sid)
)`,
    `create index if not exists ${index('sessions_standing')} on ${sessions} (user_id, token_version, idle_expires_at)`,
    `create index if not exists ${index('sessions_idle_expires_at')} on ${sessions} (idle_expires_at)`,
    `create table if not exists ${events} (
  seq bigint generated always as identity primary key,
  event_id text collate "C" not null unique,
  type text not null,
  user_id text collate "C" not null,
  sid text collate "C",
  token_version bigint,
  reason text not null,
  actor text,
  at bigint not null
)`,
    `create index if not exists ${index('events_user')} on ${events} (user_id, seq)`,
  ],

  mysql: ({ users, sessions, events, index }) => [
    `create table if not exists ${users} (
  user_id varbinary(255) not null primary key,
  token_version bigint not null,
  suspended_until bigint,
  dead_since bigint,
  index ${index('users_dead_since')} (dead_since)
) engine = InnoDB`,
    `create table if not exists ${sessions} (
  user_id varbinary(255) not null,
  sid varbinary(64) not null,
  token_version bigint not null,
  jti varbinary(64) not null,
  audience blob not null,
  created_at bigint not null,
  authenticated_at bigint not null,
  amr blob,
  acr blob,
  last_seen_at bigint not null,
  idle_lifetime bigint not null,
  idle_expires_at bigint not null,
  expires_at bigint not null,
  device_name blob,
  device_kind varbinary(16) not null,
  user_agent blob,
  ip blob,
  primary key (user_id, sid),
  index ${index('sessions_standing')} (user_id, token_version, idle_expires_at),
  index ${index('sessions_idle_expires_at')} (idle_expires_at)
) engine = InnoDB`,
    `create table if not exists ${events} (
  seq bigint not null auto_increment primary key,
  event_id varbinary(64) not null,
  type varbinary(64) not null,
  user_id varbinary(255) not null,
  sid varbinary(64),
  token_version bigint,
  reason blob not null,
  actor blob,
  at bigint not null,
  unique index ${index('events_event_id')} (event_id),
  index ${index('events_user')} (user_id, seq)
) engine = InnoDB`,
  ],

  sqlite: ({ users, sessions, events, index }) => [
    `create table if not exists ${users} (
  user_id text not null primary key,
  token_version integer not null,
  suspended_until integer,
  dead_since integer
) strict, without rowid`,
    `create index if not exists ${index('users_dead_since')} on ${users} (dead_since) where dead_since is not null`,
    `create table if not exists ${sessions} (
  user_id text not null,
  sid text not null,
  token_version integer not null,
  jti text not null,
  audience text not null,
  created_at integer not null,
  authenticated_at integer not null,
  amr text,
  acr text,
  last_seen_at integer not null,
  idle_lifetime integer not null,
  idle_expires_at integer not null,
  expires_at integer not null,
  device_name text,
  device_kind text not null,
  user_agent text,
  ip text,
  primary key (user_id, sid)
) strict, without rowid`,
    `create index if not exists ${index('sessions_standing')} on ${sessions} (user_id, token_version, idle_expires_at)`,
    `create index if not exists ${index('sessions_idle_expires_at')} on ${sessions} (idle_expires_at)`,
    `create table if not exists ${events} (
  seq integer primary key autoincrement,
  event_id text not null unique,
  type text not null,
  user_id text not null,
  sid text,
  token_version integer,
  reason text not null,
  actor text,
  at integer not null
) strict`,
    `create index if not exists ${index('events_user')} on ${events} (user_id, seq)`,
  ],
}
