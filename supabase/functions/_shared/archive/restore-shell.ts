/** The fixed part of restore.sh. What differs from backup to backup are the variables and functions in front of it. */

/** POSIX sh has no pipefail: every stage of a pipe that fails leaves a mark, and nothing is committed before a look at it. */
export const RESTORE_SHELL = String.raw`
usage() {
  cat <<'END'
Usage: sh restore.sh [options] postgres://user@host:port/database

Restores this backup into an empty database. The target may also be given in TARGET_DATABASE_URL, and its password in
PGPASSWORD or ~/.pgpass; a password in the URL is not passed on to other programs' arguments.

  --passphrase-file FILE   passphrase of the private key; without it gpg asks, or its agent knows it
  --force                  go on although the target has tables already, or is an older PostgreSQL than the source
  --skip-missing-managed   leave out rows of platform tables (auth, storage, ...) that the target does not have
  --skip-checksums         do not verify checksums.sha256 first
  --help                   show this and end

Exit status: 0 restored, 1 failed, 2 bad usage or target, 3 restored without what was said to be left out, 5 damaged backup.
END
}

say() { printf '%s\n' "$*"; }
die() {
  status=$1
  shift
  printf 'restore.sh: %s\n' "$*" >&2
  exit "$status"
}

# A password in a command line can be read by every user of the machine.
take_password_out() {
  case $target in postgres://* | postgresql://*) ;; *) return 0 ;; esac
  rest=${'$'}{target#*://}
  authority=${'$'}{rest%%[/?]*}
  case $authority in *:*@*) ;; *) return 0 ;; esac
  userinfo=${'$'}{authority%@*}
  PGPASSWORD=$(printf '%s\n' "${'$'}{userinfo#*:}" | awk '{
    hex = "0123456789abcdef"; out = ""
    while (match($0, /%[0-9A-Fa-f][0-9A-Fa-f]/)) {
      code = tolower(substr($0, RSTART + 1, 2))
      out = out substr($0, 1, RSTART - 1) sprintf("%c", (index(hex, substr(code, 1, 1)) - 1) * 16 + index(hex, substr(code, 2, 1)) - 1)
      $0 = substr($0, RSTART + 3)
    }
    printf "%s", out $0
  }')
  export PGPASSWORD
  target=${'$'}{target%%://*}://${'$'}{userinfo%%:*}@${'$'}{rest#"$userinfo"@}
}

run_psql() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$target" "$@"; }
query() { printf '%s\n' "$SESSION" "$1" | run_psql -f -; }

mark() { : >"$work/failed"; }
no_mark() { [ ! -e "$work/failed" ]; }

decrypt() {
  case $encrypted in
    no) cat -- "$1" ;;
    *)
      if [ -n "$passphrase_file" ]; then
        gpg --batch --quiet --pinentry-mode loopback --passphrase-file "$passphrase_file" --decrypt "$1"
      else
        gpg --batch --quiet --decrypt "$1"
      fi
      ;;
  esac
}

decompress() {
  case $codec in
    zstd) zstd -dcq ;;
    gzip) gzip -dc ;;
    none) cat ;;
  esac
}

# The content of a stored object.
decode() {
  { decrypt "$1" || mark; } | { decompress || mark; }
  no_mark
}

# The content as psql can read it between a COPY statement and the end mark.
rows_of() {
  case $format in
    copy) decode "$1" ;;
    # psql takes a line \. for the end even inside a quoted value; closing and opening the quotes around it says the same.
    csv) decode "$1" | { sed "s/^\\\\\\.\\($cr\\{0,1\\}\\)\$/\"\\\\.\"\\1/" || mark; } ;;
    # One value in COPY's text format, whatever is in it.
    json)
      decode "$1" |
        { sed -e 's/\\/\\\\/g' -e "s/$tab/\\\\t/g" -e "s/$cr/\\\\r/g" -e 's/$/\\n/' || mark; } |
        { tr -d '\n' || mark; }
      printf '\n'
      ;;
  esac
  no_mark
}

section() {
  say "$1"
  {
    printf '%s\n' 'set statement_timeout = 0;' 'set client_min_messages = warning;'
    # transaction_timeout exists from PostgreSQL 17 on; pg_dump 17 sets it whatever the target is.
    decode "$2" | { sed '1,60s/^SET transaction_timeout = 0;$//' || mark; }
    no_mark || exit 1
  } | run_psql -f - >/dev/null || die 1 "$1: failed; see the message above"
  no_mark || die 5 "$2 cannot be read"
}

# load <table> <rows> <before table> <before segment> <after segment> <after table> <path> ...
load() {
  table_number=$((table_number + 1))
  name=$1 rows=$2 before_table=$3 before_segment=$4 after_segment=$5 after_table=$6
  shift 6
  say "[$table_number/$table_count] $name: $rows rows"
  [ "$rows" -gt 0 ] || return 0
  {
    printf '%s\n' "$SESSION" 'begin;' 'set local session_replication_role = replica;' "$before_table"
    for path do
      printf '%s\n' "$before_segment"
      # Without the commit psql rolls back whatever came so far.
      rows_of "$path" || exit 1
      printf '%s\n' '\.' "$after_segment"
    done
    printf '%s\n' "$after_table" 'commit;'
  } | run_psql -f - || die 1 "$name: not restored; see the message above"
  no_mark || die 5 "$name: a segment cannot be read; nothing of this table was restored"
}

# load_managed: as load, for a table of the platform
load_managed() {
  if printf '%s\n' "$missing" | grep -F -x -q -e "$1"; then
    table_number=$((table_number + 1))
    say "[$table_number/$table_count] $1: left out, the target has no such table"
    left_out=yes
    return 0
  fi
  load "$@"
}

check_tools() {
  for tool in psql sed tr awk $tools; do
    command -v "$tool" >/dev/null 2>&1 || die 2 "this needs the program '$tool', which is not installed"
  done
  if command -v sha256sum >/dev/null 2>&1; then sha256='sha256sum'; else sha256='shasum -a 256'; fi
}

check_files() {
  [ -f checksums.sha256 ] || die 5 'checksums.sha256 is missing: this is not the whole folder of the backup'
  listed=$(grep -c . checksums.sha256)
  [ "$listed" -ge "$object_count" ] || die 5 "checksums.sha256 lists $listed objects, the backup has $object_count: it is cut off"
  say "verifying $listed checksums"
  # shellcheck disable=SC2086
  $sha256 -c checksums.sha256 >"$work/checksums" 2>&1 || {
    grep -v ': OK$' "$work/checksums" >&2
    die 5 'the backup is damaged or not complete; nothing was restored'
  }
}

check_key() {
  [ "$encrypted" = yes ] || return 0
  say 'trying the private key'
  decode "$probe" >/dev/null || die 2 "$probe cannot be decrypted: this needs the private key of $recipients"
}

check_target() {
  version=$(query 'show server_version_num;') || die 2 'the target database does not answer'
  if [ $((version / 10000)) -lt $((source_version / 10000)) ] && [ "$force" = no ]; then
    die 2 "the target is PostgreSQL $((version / 10000)), the source was $((source_version / 10000)); --force tries it all the same"
  fi
  query 'begin; set local session_replication_role = replica; rollback;' ||
    die 2 'the role may not set session_replication_role, which keeps triggers and foreign keys quiet; use a superuser, or postgres on Supabase'
  if [ "$has_pre_data" = yes ] && [ "$force" = no ]; then
    found=$(query "$FOREIGN_TABLES_SQL") || die 2 'the target cannot be looked at'
    [ -z "$found" ] || die 2 "the target is not empty; it has, among others:
$found
Use an empty database, or --force."
  fi
  missing=
  [ -n "$MISSING_TABLES_SQL" ] || return 0
  missing=$(query "$MISSING_TABLES_SQL") || die 2 'the target cannot be looked at'
  [ -z "$missing" ] || [ "$skip_missing" = yes ] || die 2 "these tables belong to the platform, the backup has only their rows, and the target does not have them:
$missing
Restore into a Supabase project, or use --skip-missing-managed to leave them out. Foreign keys that refer to them then fail."
}

check_counts() {
  say 'comparing row counts'
  wrong=$({ printf '%s\n' "$SESSION"; count_queries; } | run_psql -f -) || die 1 'the rows cannot be counted'
  [ -z "$wrong" ] || die 1 "restored, but these tables have another number of rows than the backup:
$wrong"
}

target=${'$'}{TARGET_DATABASE_URL:-} force=no skip_missing=no skip_checksums=no passphrase_file=
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --force) force=yes ;;
    --skip-missing-managed) skip_missing=yes ;;
    --skip-checksums) skip_checksums=yes ;;
    --passphrase-file)
      [ $# -gt 1 ] || die 2 '--passphrase-file needs a file'
      shift
      passphrase_file=$1
      ;;
    --passphrase-file=*) passphrase_file=${'$'}{1#*=} ;;
    -*) die 2 "unknown option: $1 (--help shows all)" ;;
    *) target=$1 ;;
  esac
  shift
done
[ -n "$target" ] || { usage >&2; exit 2; }
case $passphrase_file in '' | /*) ;; *) passphrase_file=$PWD/$passphrase_file ;; esac
[ -z "$passphrase_file" ] || [ -r "$passphrase_file" ] || die 2 "the passphrase file cannot be read: $passphrase_file"

CDPATH= cd -- "$(dirname -- "$0")" || die 2 'the folder of this script cannot be entered'
work=$(mktemp -d) || die 2 'no temporary directory can be made'
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
tab=$(printf '\t') cr=$(printf '\r') table_number=0 left_out=no

say "$title"
take_password_out
check_tools
[ "$skip_checksums" = yes ] || check_files
check_key
check_target
restore_all
check_counts
if [ "$left_out" = yes ]; then
  say 'restored, without the tables named above'
  exit 3
fi
say "restored: $total_rows rows in $table_count tables"
`;
