// Builds dist/: the script-tag file, its lazily loaded second file, the ES modules and their types.
// `--check` builds beside it and exits 1 where dist/ is not what the source makes. `--letters` looks for
// a minute for a better LETTERS.
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

// In which order names of one letter are given out: twenty bytes of the script as served hang on it, and
// no rule tells which is best for a source.
const LETTERS = 'eastonriplgBmzcYAEDTMfqC_KyuOQRbNkSU$HdjXvFZhGVPLJWxwI';

/** As Terser asks for the nth name. */
const namesOf = (letters) => ({
  get(number) {
    let name = '';
    for (let rest = number + 1; rest > 0; rest = Math.floor(rest / letters.length)) {
      rest--;
      name += letters[rest % letters.length];
    }
    return name;
  },
});

async function bundle(name, entryPoint, letters = LETTERS) {
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
    mangle: { nth_identifier: namesOf(letters) },
    compress: { passes: 5, unsafe: true, unsafe_arrows: true, pure_getters: true, keep_fargs: false, booleans_as_integers: true, unsafe_comps: true },
  });
  if (name.endsWith('.mjs')) return code + '\n';
  // A block holds its names as a function does, where `let` declares them all, and is shorter.
  const block = code.replace(/^\(\(\)=>\{var ([^]*)\}\)\(\);$/, '{let $1}');
  if (block == code) throw new Error(`${name} is no function of one list of names`);
  // V8 then compiles all functions while the file comes in, beside the page's own thread, in place of
  // each when it is first called (Explicit Compile Hints).
  return '//# allFunctionsCalledOnLoad\n' + block + '\n';
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

/** A better order of letters than this one, by chance and for a minute. */
async function betterLetters(letters) {
  const sizeWith = async (order) =>
    gzipSync(Buffer.from(await bundle('perftui.js', OUTPUTS['perftui.js'], order)), { level: 9 }).length;
  let best = letters;
  let size = await sizeWith(best);
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    const order = [...best];
    for (let swaps = 1 + Math.random() * 2; swaps >= 1; swaps--) {
      const [one, other] = [0, 0].map(() => Math.floor(Math.random() * order.length));
      [order[one], order[other]] = [order[other], order[one]];
    }
    const found = await sizeWith(order.join(''));
    if (found <= size) [best, size] = [order.join(''), found];
  }
  return `${size} bytes, gzip -9: ${best}`;
}

const dist = join(root, 'dist');
if (process.argv.includes('--letters')) {
  console.log(await betterLetters(LETTERS));
  process.exit();
}
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
