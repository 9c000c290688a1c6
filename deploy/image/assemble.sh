#!/usr/bin/env bash
# Makes what the image holds under /app: the built program, its production dependencies, their licences and a bill of materials.
# usage: assemble.sh ROOT   in a clone that has its node_modules. The Dockerfile runs it, and so does a test.
set -euo pipefail
root=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$root"
cp package.json package-lock.json LICENSE "$root"
node_modules/.bin/tsc -p src/tsconfig.json --outDir "$root/dist"
mkdir -p "$root/test/golden" && cp -R test/golden/bucket "$root/test/golden/bucket"
cd "$root"
npm ci --omit=dev --ignore-scripts --no-audit --no-fund --silent
# The program's own build is behind us: the bill is of what is there.
npm pkg delete devDependencies scripts
rm package-lock.json node_modules/.package-lock.json
npm sbom --sbom-format=cyclonedx >sbom.cdx.json
node "$here/licences.ts" node_modules >LICENCES.txt
# What no program reads while it runs.
find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.md' -o -name '*.ts' -o -name '*.flow' -o -name '*.tsbuildinfo' \) -delete
find node_modules -depth -type d \( -name test -o -name tests -o -name docs -o -name example -o -name examples -o -name dist-types -o -name @types -o -name undici-types \) -exec rm -rf {} +
# parquet-wasm brings its code three times, and Node takes one of them.
rm -r node_modules/parquet-wasm/{bundler,esm}
find node_modules -depth -type d -empty -delete
