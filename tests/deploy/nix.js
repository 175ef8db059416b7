// deploy/nix and deploy/flake.nix without nixpkgs, which is not to be had everywhere: with stand-ins for what they ask of it,
// the package is built by the machine's own compiler, and the service is held against deploy/ekaci.service.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { equal, match, ok, program, run, test } from '../e2e/lib.js';

const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-deploy-'));
const env = { ...process.env, NIX_CONFIG: 'build-users-group =\nsandbox = false\nsubstituters =\n' };
const nix = (program, args, options = {}) => execFileSync(program, args, { env, encoding: 'utf8', maxBuffer: 1 << 24,
	stdio: ['ignore', 'pipe', 'pipe'], ...options }).trim();
const evaluate = expr => JSON.parse(nix('nix-instantiate', ['--eval', '--strict', '--json', '--expr', expr]));

// mkDerivation with a configure-less stdenv's phases, run by the tools on PATH; dependencies are nothing.
const stdenv = `
  lib = { makeBinPath = list: builtins.concatStringsSep ":" list; platforms.linux = [ ]; licenses.mit = { }; };
  names = builtins.attrNames (builtins.functionArgs (import ${top}/deploy/nix/package.nix));
  nothing = builtins.listToAttrs (map (name: { inherit name; value = "/no/\${name}/bin"; }) names);
  mkDerivation = a: derivation {
    inherit (a) postInstall src; name = "\${a.pname}-\${a.version}"; system = builtins.currentSystem; builder = "/bin/sh";
    flags = toString a.installFlags; PATH = "${process.env.PATH}";
    args = [ "-euc" ''
      wrapProgram() { echo "$@" > $out/wrapped; }
      cp -r $src source && chmod -R u+w source && cd source
      make -j2 OPT=-O0 >&2
      eval make install $(echo "$flags" | sed "s/\\\$(out)/\\\$out/") >&2
      eval "$postInstall"
    '' ];
  };`;

test('the package builds and installs where it says, and the program works from there', () => {
	const out = nix('nix-build', ['--no-out-link', '--expr',
		`let ${stdenv} in import ${top}/deploy/nix/package.nix (nothing // { inherit lib; stdenv = { inherit mkDerivation; }; })`]);
	match(nix(path.join(out, 'bin/ekaci'), ['help']), /ekaci diff/);
	ok(fs.existsSync(path.join(out, 'lib/ekaci/nixlines.so')));
	const commands = nix(program, ['help', '--names']).split('\n'), pages = fs.readdirSync(path.join(out, 'share/man/man1')).sort();
	equal(pages, ['ekaci.1', ...commands.map(name => `ekaci-${name}.1`)].sort(), 'a manual page for every command');
	for (const file of ['bash-completion/completions/ekaci', 'zsh/site-functions/_ekaci', 'fish/vendor_completions.d/ekaci.fish'])
		ok(fs.statSync(path.join(out, 'share', file)).size > 1000, file);
	match(fs.readFileSync(path.join(out, 'wrapped'), 'utf8'), /bin\/ekaci --prefix PATH : .*git.*bubblewrap/);
});

// Options are checked by NixOS; here the values are as given.
const lib = `{
  mkEnableOption = text: text; mkOption = o: o; literalExpression = text: text; mkIf = c: v: if c then v else { }; mkDefault = v: v;
  types = { package = 1; str = 1; listOf = t: t; };
}`;
const module = `import ${top}/deploy/nix/module.nix {
  lib = ${lib};
  pkgs = { formats.toml = { }: { type = 1; generate = name: value: "/nix/store/x-\${name}"; }; nix-eval-jobs = "nej"; coreutils = "/cu"; callPackage = f: a: "p"; };
  config.nix.package = "nix";
  config.services.ekaci = { enable = true; url = "https://ci.example.org"; appId = "1"; privateKeyFile = "/k"; webhookSecretFile = "/s";
    package = "/pkg"; evaluators = [ "nej" ]; settings = { }; };
}`;

test('the service is deploy/ekaci.service, word for word where NixOS has nothing of its own', () => {
	const { systemd, services, environment } = evaluate(`(${module}).config`);
	const ours = systemd.services.ekaci.serviceConfig;
	const unit = {};
	for (const line of fs.readFileSync(path.join(top, 'deploy/ekaci.service'), 'utf8').split('\n')) {
		const [, key, value] = line.match(/^([A-Za-z]+)=(.*)$/) || [];
		if (key && !['Description', 'Documentation', 'After', 'Wants', 'WantedBy', 'ListenStream', 'Environment'].includes(key))
			unit[key] = unit[key] ? `${unit[key]} ${value}` : value;
	}
	const text = v => Array.isArray(v) ? v.join(' ') : String(v);
	equal(Object.keys(ours).sort(), Object.keys(unit).sort());
	for (const key of Object.keys(unit).filter(k => !['ExecStart', 'ExecReload', 'LoadCredential'].includes(k)))
		equal(text(ours[key]), unit[key], key);
	equal(text(ours.LoadCredential), 'private-key:/k webhook-secret:/s');
	equal(ours.ExecStart, unit.ExecStart.replace('/usr/local', '/pkg'));
	match(ours.ExecReload, /\/bin\/kill -HUP \$MAINPID$/);
	equal(environment.etc['ekaci/ekaci.toml'].source, '/nix/store/x-ekaci.toml');
	// What it writes into ekaci.toml are keys that ekaci knows.
	const example = fs.readFileSync(path.join(top, 'deploy/ekaci.toml.example'), 'utf8');
	for (const [section, keys] of Object.entries(services.ekaci.settings))
		for (const key of Object.keys(keys))
			match(example.slice(example.indexOf(`[${section}]`)), new RegExp(`^#? ?${key} = `, 'm'), `${section}.${key}`);
});

test('the flake offers the package for each system, and the module', () => {
	const names = evaluate(`let f = import ${top}/deploy/flake.nix; o = f.outputs { self = { }; nixpkgs = {
	  lib.genAttrs = names: g: builtins.listToAttrs (map (name: { inherit name; value = g name; }) names);
	  legacyPackages = builtins.listToAttrs (map (name: { inherit name; value.callPackage = p: a: builtins.functionArgs (import p); })
	    [ "x86_64-linux" "aarch64-linux" ]);
	}; }; in { systems = builtins.attrNames o.packages; inputs = o.packages.x86_64-linux.default; module = toString o.nixosModules.default; }`);
	equal(names.systems, ['aarch64-linux', 'x86_64-linux']);
	ok('tomlplusplus' in names.inputs);
	ok(fs.existsSync(names.module));
});

await run({ limit_ms: 300000, before_end: async () => fs.rmSync(folder, { recursive: true, force: true }) });
