#!/usr/bin/env bash
# Builds pg_dump 17 as WebAssembly from Debian's PostgreSQL source and puts it, with its checksums, under
# supabase/functions/_shared/vendor/pg-dump. Needs Debian with: emscripten (3.1.6 in bookworm), node-acorn, dpkg-dev, bison, flex,
# make, perl, node. Takes about 6 minutes on two cores, most of it in configure.
#
#   scripts/dev/build-pg-dump/build.sh [directory for the build]
set -euo pipefail
# emscripten finds acorn here also when node itself is not Debian's
export NODE_PATH=/usr/share/nodejs

here=$(cd "$(dirname "$0")" && pwd)
vendor=$(cd "$here/../../../supabase/functions/_shared/vendor/pg-dump" && pwd)
work=${1:-$(mktemp -d)}
suite=trixie
mkdir -p "$work" && cd "$work"

# 1. the source, through apt's own signature check, without touching the system's list of sources
if ! compgen -G 'postgresql-17-*/configure' > /dev/null && ! compgen -G 'postgresql-17.*/configure' > /dev/null; then
  mkdir -p apt/lists/partial
  mirror=$(apt-get update --print-uris | sed -n "s|^'\(.*/debian\)/dists/.*|\1|p" | head -n 1)
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" > apt/sources.list
  options=(-o "Dir::Etc::SourceList=$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$work/apt/lists")
  apt-get "${options[@]}" update
  apt-get "${options[@]}" source --download-only postgresql-17
  dpkg-source -x postgresql-17_*.dsc
fi
cd postgresql-17[.-]*/

# 2. configure for a machine without threads, files worth the name, or libraries
[ -f src/include/pg_config.h ] || emconfigure ./configure --host=wasm32-unknown-emscripten \
  --build="$(dpkg-architecture -qDEB_BUILD_GNU_TYPE)" --with-template=linux --without-readline --without-icu \
  --without-zlib --without-openssl --disable-spinlocks --disable-atomics CFLAGS=-Oz

# 3. compile: libpq calls our socket instead of the system's
socket=$(printf -- '-D%s ' {recv,send,connect,socket,poll,getsockopt,getsockname,setsockopt}= | sed -E 's/-D([a-z]+)=/-D\1=holdfast_\1/g')
jobs=${JOBS:-2}
make -s -C src/backend generated-headers AR=emar
make -s -j"$jobs" -C src/port libpgport.a libpgport_shlib.a AR=emar
make -s -j"$jobs" -C src/common libpgcommon.a libpgcommon_shlib.a AR=emar
make -s -j"$jobs" -C src/fe_utils libpgfeutils.a AR=emar
make -s -j"$jobs" -C src/interfaces/libpq all-static-lib AR=emar COPT="$socket"
make -s -j"$jobs" -C src/bin/pg_dump AR=emar pg_dump.o common.o pg_dump_sort.o parallel.o dumputils.o filter.o \
  compress_{gzip,io,lz4,none,zstd}.o pg_backup_{archiver,custom,db,directory,null,tar,utils}.o

# 4. link: asyncify only what may wait for the server (plain format; the others have call paths that are not listed).
#    A function that one place calls is inlined only while it is small. Otherwise main() takes in nearly all of pg_dump, V8
#    begins to optimize its half megabyte of machine code in the background, and a worker call ends, 0.3 s of CPU later,
#    before that does.
cd src/bin/pg_dump
emcc -Oz "$here/socket-shim.c" pg_dump.o common.o pg_dump_sort.o parallel.o dumputils.o filter.o compress_*.o pg_backup_*.o \
  ../../fe_utils/libpgfeutils.a ../../interfaces/libpq/libpq.a ../../common/libpgcommon.a ../../common/libpgcommon_shlib.a \
  ../../port/libpgport.a ../../port/libpgport_shlib.a \
  -sMODULARIZE -sEXPORT_ES6 -sENVIRONMENT=web -sUSE_ES6_IMPORT_META=0 -sINVOKE_RUN=0 -sEXIT_RUNTIME=1 -sFORCE_FILESYSTEM \
  -sINITIAL_MEMORY=16MB -sALLOW_MEMORY_GROWTH -sMAXIMUM_MEMORY=512MB -sTOTAL_STACK=1MB \
  -sERROR_ON_UNDEFINED_SYMBOLS=0 -Wno-undefined -sEXPORTED_FUNCTIONS=_main,_malloc \
  -sEXPORTED_RUNTIME_METHODS=FS,ENV,Asyncify,allocateUTF8,setValue \
  -sASYNCIFY -sASYNCIFY_IMPORTS='["holdfast_wait"]' -sASYNCIFY_IGNORE_INDIRECT -sASYNCIFY_STACK_SIZE=65536 \
  -sASYNCIFY_ADD='["_PrintTocData*","restore_toc_entry","WriteDataChunksForTocEntry"]' \
  -sBINARYEN_EXTRA_PASSES='--one-caller-inline-max-function-size=150' -o "$work/pg-dump.mjs"

# 5. embed and record
cp "$work/pg-dump.mjs" "$vendor/pg-dump.mjs"
cp "$work"/postgresql-17[.-]*/COPYRIGHT "$vendor/LICENSE"
node "$here/embed.mjs" "$work/pg-dump.wasm" "$vendor/pg-dump-wasm.mjs"
cd "$vendor" && sha256sum pg-dump.mjs pg-dump-wasm.mjs > CHECKSUMS
(cd "$work" && sha256sum pg-dump.wasm) >> CHECKSUMS
cat CHECKSUMS
