#!/usr/bin/env node
// Every Node since version 12 can read this file, so that an old one gets a sentence and not a syntax error.
var needed = 24
var found = process.versions.node

if (Number(found.split('.')[0]) < needed) {
  console.error(
    [
      'iceberg-processor needs Node ' + needed + ' or later, and this is Node ' + found + ' (' + process.execPath + ').',
      'In a clone, `npm ci` installs the right one for the project alone: use `npm run …`, or `npx node src/bin.js …`.',
      'Elsewhere, install Node ' +
        needed +
        ' from https://nodejs.org/en/download or with a version manager (`nvm install ' +
        needed +
        '`).',
    ].join('\n'),
  )
  process.exitCode = 2
} else {
  import('./main.ts').catch(function (error) {
    console.error(error)
    process.exitCode = 1
  })
}
