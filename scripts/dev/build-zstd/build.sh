#!/usr/bin/env bash
# Builds Zstandard as WebAssembly from Debian's source and puts it, with its checksums, under
# supabase/functions/_shared/vendor/zstd. Needs Debian with: clang-16 lld-16 wasi-libc libclang-rt-16-dev-wasm32 dpkg-dev node.
# Takes about a minute.
#
#   scripts/dev/build-zstd/build.sh [directory for the build]
set -euo pipefail

# clang runs a wasm-opt that it finds beside it, and Debian's does not know what clang writes
if command -v wasm-opt > /dev/null; then
  echo "wasm-opt is installed (package binaryen); build where it is not" >&2
  exit 1
fi
here=$(cd "$(dirname "$0")" && pwd)
vendor=$(cd "$here/../../../supabase/functions/_shared/vendor" && pwd)/zstd
work=${1:-$(mktemp -d)}
suite=trixie
mkdir -p "$work" "$vendor" && cd "$work"

# 1. the source, through apt's own signature check, without touching the system's list of sources
if ! compgen -G 'libzstd-*/lib/zstd.h' > /dev/null; then
  mkdir -p apt/lists/partial
  mirror=$(apt-get update --print-uris | sed -n "s|^'\(.*/debian\)/dists/.*|\1|p" | head -n 1)
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" > apt/sources.list
  options=(-o "Dir::Etc::SourceList=$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$work/apt/lists")
  apt-get "${options[@]}" update
  apt-get "${options[@]}" source --download-only libzstd
  dpkg-source -x libzstd_*.dsc
fi
cd libzstd-*/

# 2. the variants of the compressing loops stay functions of their own. Eight in one, as the compiler would have it, V8
#    spends 30 ms in each isolate on optimizing them all, though one is used, and runs slow code meanwhile.
sed -i -E 's/static size_t (ZSTD_compressBlock_(fast|doubleFast)_##)/FORCE_NOINLINE size_t \1/' lib/compress/zstd_{fast,double_fast}.c
grep -q 'FORCE_NOINLINE size_t ZSTD_compressBlock_fast_##' lib/compress/zstd_fast.c
grep -q 'FORCE_NOINLINE size_t ZSTD_compressBlock_doubleFast_##' lib/compress/zstd_double_fast.c

# 3. -Os: V8 compiles it in less time, and the result is as fast as -O3. The strategies above level 4 are left out: the
#    archive's level is 1, and each strategy is code that every cold start would read. SIMD copies 16 bytes at a
#    time, and the module is smaller.
without=()
for strategy in GREEDY LAZY LAZY2 BTLAZY2 BTOPT BTULTRA; do
  without+=("-DZSTD_EXCLUDE_${strategy}_BLOCK_COMPRESSOR")
done
exported=()
for name in malloc free ZSTD_isError ZSTD_compressBound ZSTD_createCCtx ZSTD_compressCCtx ZSTD_createDCtx ZSTD_decompressDCtx; do
  exported+=("-Wl,--export=$name")
done
clang-16 --target=wasm32-wasi -msimd128 -mexec-model=reactor -Os -DNDEBUG -DZSTD_LEGACY_SUPPORT=0 -DZSTD_DISABLE_ASM \
  -DZSTD_STRIP_ERROR_STRINGS "${without[@]}" \
  lib/common/{debug,entropy_common,error_private,fse_decompress,xxhash,zstd_common}.c \
  $(compgen -G 'lib/compress/*.c' | grep -v zstdmt) lib/decompress/*.c \
  "${exported[@]}" -Wl,--strip-all -o "$work/zstd.wasm"

# 4. embed and record
cp LICENSE "$vendor/LICENSE"
node "$here/embed.mjs" "$work/zstd.wasm" "$vendor/zstd-wasm.ts"
cd "$vendor" && sha256sum zstd-wasm.ts > CHECKSUMS
(cd "$work" && sha256sum zstd.wasm) >> "$vendor/CHECKSUMS"
cat "$vendor/CHECKSUMS"
