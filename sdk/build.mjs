// Builds dist/: the script-tag file, its lazily loaded second file, and the ES modules.
// `--check` builds beside it and exits 1 where dist/ is not what the source makes.
import { build } from 'esbuild';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const banner = { js: `/*! perftui/${version} MIT */` };

const common = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  // Names that start with one underscore are ours alone.
  mangleProps: /^_[a-z]/,
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'none',
  // Modules are strict by themselves; no need to say so in the built file.
  tsconfigRaw: {},
  define: { VERSION: JSON.stringify(version) },
  banner,
  logLevel: 'warning',
};

async function buildInto(outdir) {
  await build({
    ...common,
    format: 'iife',
    entryPoints: { perftui: 'src/script.ts', 'perftui-detail': 'src/detail-script.ts' },
    outdir,
  });
  await build({
    ...common,
    format: 'esm',
    entryPoints: { perftui: 'src/index.ts', 'perftui-detail': 'src/detail.ts' },
    outExtension: { '.js': '.mjs' },
    outdir,
  });
}

if (process.argv.includes('--check')) {
  const outdir = mkdtempSync(join(tmpdir(), 'perftui-sdk-'));
  await buildInto(outdir);
  const names = new Set([...readdirSync(outdir), ...readdirSync(join(root, 'dist'))]);
  const read = (folder, name) => {
    try {
      return readFileSync(join(folder, name), 'utf8');
    } catch {
      return null;
    }
  };
  const differing = [...names].filter((name) => read(outdir, name) !== read(join(root, 'dist'), name));
  rmSync(outdir, { recursive: true });
  if (differing.length) {
    console.error(`sdk/dist is not what the source builds: ${differing.join(', ')}`);
    console.error('Run `npm run build` in sdk/ and commit the result.');
    process.exit(1);
  }
  console.log('sdk/dist is what the source builds.');
} else {
  await buildInto(join(root, 'dist'));
  for (const name of readdirSync(join(root, 'dist')).sort()) {
    const bytes = readFileSync(join(root, 'dist', name));
    console.log(`${name}: ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzip -9`);
  }
}
