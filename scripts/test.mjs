// npm test [-- --only STAGE,…]: sets up, builds, then checks everything; ends at the first stage that fails.
// The last line is always `N passed, N failed`: lint and types count one each.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findBrowser } from './browser.mjs';
import { checkNode, ensurePackages, ensurePython, inEnvironment, refuse, root, run, say } from './environment.mjs';

const reports = join(root, '.cache', 'reports');
const node = (file, ...args) => [process.execPath, join(root, 'node_modules', file), ...args];
const report = name => join(reports, name);

/** Commands of each stage, and how many tests its report says passed and failed. */
const STAGES = {
  lint: {
    title: 'linter, with the import table, and formatting',
    commands: () => [
      node('eslint/bin/eslint.js', '--max-warnings', '0', '.'),
      node('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'),
      node('stylelint/bin/stylelint.mjs', 'style/**/*.css', '--allow-empty-input')
    ]
  },
  types: {
    title: 'type check of the sources and of the tests',
    commands: () => ['.', 'test', 'ui-tests'].map(project => node('typescript/bin/tsc', '--noEmit', '-p', project))
  },
  jest: {
    title: 'jest: the core in Node',
    commands: () => [node('jest/bin/jest.js', '--silent', '--json', '--outputFile', report('jest.json'))],
    count: () => {
      const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = readJson('jest.json');
      return { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites };
    }
  },
  pytest: {
    title: 'pytest: the Python package and its wheel',
    commands: () => [[inEnvironment('python'), '-m', 'pytest', '-q', `--junit-xml=${report('pytest.xml')}`]],
    count: countPytest
  },
  galata: {
    title: 'Galata: JupyterLab and Notebook with a real kernel in Chromium',
    commands: () => [node('@playwright/test/cli.js', 'test', '--config', 'ui-tests/playwright.config.mjs')],
    environment: async () => ({
      ORRERY_BROWSER: await findBrowser(),
      PLAYWRIGHT_JSON_OUTPUT_NAME: report('galata.json')
    }),
    count: () => {
      const { expected, flaky, unexpected } = readJson('galata.json').stats;
      return { passed: expected + flaky, failed: unexpected };
    }
  }
};

const readJson = name => JSON.parse(readFileSync(report(name), 'utf8'));

function countPytest() {
  const text = readFileSync(report('pytest.xml'), 'utf8');
  const number = name => Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(text)?.[1] ?? 0);
  const failed = number('failures') + number('errors');
  return { passed: number('tests') - failed - number('skipped'), failed };
}

/** Runs one stage's commands; true when all succeed. */
async function succeeds({ commands, environment }) {
  const env = { ...process.env, ...(await environment?.()) };
  return commands().every(
    ([program, ...args]) => spawnSync(program, args, { cwd: root, env, stdio: 'inherit' }).status === 0
  );
}

/** Tests of a stage; a stage without a report, or one that failed before its first test, counts as one. */
function counted({ count }, success, file) {
  const tests = count && existsSync(file) ? count() : { passed: Number(success), failed: Number(!success) };
  return success || tests.failed > 0 ? tests : { ...tests, failed: 1 };
}

function chosenStages(args) {
  const known = Object.keys(STAGES);
  const named = args[0] === '--only' && args.length === 2 ? args[1].split(',') : args.length ? [''] : known;
  const unknown = named.find(name => !known.includes(name));
  if (unknown !== undefined) {
    refuse(`usage: npm test [-- --only ${known.join(',')}]${unknown ? `; there is no stage '${unknown}'` : ''}`);
  }
  return named;
}

const REPORT_FILES = { jest: 'jest.json', pytest: 'pytest.xml', galata: 'galata.json' };

const chosen = chosenStages(process.argv.slice(2));
checkNode();
ensurePackages();
ensurePython();
run(process.execPath, [join(root, 'scripts', 'build.mjs')], { failure: 'the build failed' });
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });

const total = { passed: 0, failed: 0 };
const lines = [];
for (const name of chosen) {
  say(`${name}: ${STAGES[name].title}`);
  const start = Date.now();
  const success = await succeeds(STAGES[name]);
  const { passed, failed } = counted(STAGES[name], success, report(REPORT_FILES[name] ?? name));
  total.passed += passed;
  total.failed += failed;
  lines.push(`${name}: ${passed} passed, ${failed} failed, ${((Date.now() - start) / 1000).toFixed(0)} s`);
  if (!success) {
    lines.push(`stage '${name}' failed`);
    break;
  }
}
process.stdout.write(`\n${lines.join('\n')}\n${total.passed} passed, ${total.failed} failed\n`);
process.exit(total.failed === 0 ? 0 : 1);
