// Builds dist/: the script-tag file, its lazily loaded second file, the ES modules and their types.
// `--check` builds beside it and exits 1 where dist/ is not what the source makes.
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { minify } from 'terser';

const root = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const OUTPUTS = {
  'perftui.js': 'src/script.ts',
  'perftui-detail.js': 'src/detail-script.ts',
  'perftui.mjs': 'src/index.ts',
  'perftui-detail.mjs': 'src/detail.ts',
};

async function bundle(name, entryPoint) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entryPoint],
    bundle: true,
    write: false,
    minify: true,
    format: name.endsWith('.mjs') ? 'esm' : 'iife',
    // Names that start with one underscore are ours alone.
    mangleProps: /^_[a-z]/,
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    // Modules are strict by themselves; no need to say so in the built file.
    tsconfigRaw: {},
    define: { VERSION: JSON.stringify(version) },
    logLevel: 'warning',
  });
  // A second minifier folds what is used once into its place: 3 % of the size as served. Not at the
  // top level of the script, where names would become global ones. It writes 1 and 0 for true and
  // false, so nothing may be compared with those.
  const { code } = await minify(outputFiles[0].text, {
    ecma: 2022,
    module: name.endsWith('.mjs'),
    compress: { passes: 5, unsafe: true, unsafe_arrows: true, pure_getters: true, keep_fargs: false, booleans_as_integers: true, unsafe_comps: true },
  });
  if (name.endsWith('.mjs')) return code + '\n';
  // A block holds its names as a function does, where `let` declares them all, and is shorter.
  const block = code.replace(/^\(\(\)=>\{var ([^]*)\}\)\(\);$/, '{let $1}');
  if (block == code) throw new Error(`${name} is no function of one list of names`);
  return block + '\n';
}

/** The public types as one file: `src/api.ts` holds nothing else, and `src/index.ts` adds `init`. */
function declarations() {
  const outdir = mkdtempSync(join(tmpdir(), 'perftui-types-'));
  execFileSync(
    process.execPath,
    [
      ...[join(root, 'node_modules/typescript/bin/tsc'), '--project', root, '--noEmit', 'false'],
      ...['--declaration', '--emitDeclarationOnly', '--rootDir', join(root, 'src'), '--outDir', outdir],
    ],
    { stdio: 'inherit' },
  );
  const own = (name) =>
    readFileSync(join(outdir, name), 'utf8').replace(/^(import|export) .* from '.*';\n/gm, '');
  const main = own('api.d.ts') + own('index.d.ts').replace(/^\/\*\*.*\*\/\n/, '');
  const detail = "import type { PluginHost } from './perftui.mjs';\n" + own('detail.d.ts');
  rmSync(outdir, { recursive: true });
  return { 'perftui.d.mts': main, 'perftui-detail.d.mts': detail };
}

async function built() {
  const files = declarations();
  for (const [name, entryPoint] of Object.entries(OUTPUTS)) files[name] = await bundle(name, entryPoint);
  return files;
}

const dist = join(root, 'dist');
const files = await built();
if (process.argv.includes('--check')) {
  const read = (name) => {
    try {
      return readFileSync(join(dist, name), 'utf8');
    } catch {
      return undefined;
    }
  };
  const names = new Set([...Object.keys(files), ...readdirSync(dist)]);
  const differing = [...names].filter((name) => files[name] !== read(name));
  if (differing.length) {
    console.error(`sdk/dist is not what the source builds: ${differing.join(', ')}`);
    console.error('Run `make sdk` and commit the result.');
    process.exit(1);
  }
  console.log('sdk/dist is what the source builds.');
} else {
  mkdirSync(dist, { recursive: true });
  for (const [name, text] of Object.entries(files).sort()) {
    writeFileSync(join(dist, name), text);
    const bytes = Buffer.from(text);
    console.log(`${name}: ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzip -9`);
  }
}
