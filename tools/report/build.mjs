// The empty page, in one file: src/page.html with the style, the bundled script and the licences of what is in it.
// Usage: node build.mjs OUT.html
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const read = (...path) => readFileSync(join(here, ...path), 'utf8');
const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');

const bundle = async (file, more) => {
  const result = await build({
    entryPoints: [join(here, 'src', file)],
    bundle: true,
    minify: true,
    write: false,
    charset: 'utf8',
    logLevel: 'error',
    ...more,
  });
  return result.outputFiles[0].text;
};
const script = await bundle('main.ts', {
  format: 'iife',
  target: 'es2020',
  define: { 'process.env.NODE_ENV': '"production"' },
  legalComments: 'none',
});
const style = await bundle('page.css', {});
const licences = [
  ['Apache ECharts', 'echarts/NOTICE'],
  ['Apache ECharts: licence', 'echarts/LICENSE'],
  ['ZRender', 'zrender/LICENSE'],
  ['tslib', 'tslib/LICENSE.txt'],
]
  .map(([name, path]) => `${name}\n\n${read('node_modules', path).trim()}`)
  .join('\n\n――――――――\n\n');

const parts = {
  STYLE: style.trim(),
  SCRIPT: script.trim().replace(/<\/(script)/gi, '<\\/$1'),
  LICENCES: escape(licences),
};
const page = read('src', 'page.html').replace(/@(STYLE|SCRIPT|LICENCES)@/g, (_, name) => parts[name]);
const out = process.argv[2];
writeFileSync(`${out}.partial`, page);
renameSync(`${out}.partial`, out);
