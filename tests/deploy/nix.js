// deploy/nix and deploy/flake.nix without nixpkgs, which is not to be had everywhere: with stand-ins for what they ask of it,
// the package is built by the machine's own compiler, and the service is held against deploy/ekaci.service.

import { execFileSync, spawnSync } from 'node:child_process';
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
	ok(fs.existsSync(path.join(out, 'lib/ekaci/nixcost.so')));
	const commands = nix(program, ['help', '--names']).split('\n'), pages = fs.readdirSync(path.join(out, 'share/man/man1')).sort();
	equal(pages, ['ekaci.1', ...commands.map(name => `ekaci-${name}.1`)].sort(), 'a manual page for every command');
	for (const file of ['bash-completion/completions/ekaci', 'zsh/site-functions/_ekaci', 'fish/vendor_completions.d/ekaci.fish'])
		ok(fs.statSync(path.join(out, 'share', file)).size > 1000, file);
	match(fs.readFileSync(path.join(out, 'wrapped'), 'utf8'), /bin\/ekaci --prefix PATH : .*git.*bubblewrap/);
});

test('the package has an input for each library that the Makefile links with', () => {
	const inputs = evaluate(`builtins.attrNames (builtins.functionArgs (import ${top}/deploy/nix/package.nix))`);
	const names = { libcurl: 'curl', libcrypto: 'openssl', sqlite3: 'sqlite', libzstd: 'zstd' };
	const libs = fs.readFileSync(path.join(top, 'Makefile'), 'utf8').match(/^LIBS = (.*)$/m)[1].split(' ');
	for (const lib of libs) {
		const name = names[lib] || [lib, lib.replace(/^lib/, '')].find(n => inputs.includes(n));
		ok(inputs.includes(name) || inputs.includes(lib), `${lib} has no input`);
	}
});

// NixOS' own module system where nixpkgs is to be had (its types and merging are then part of what is tested), else stand-ins for the
// few functions of its library; either way the options of NixOS that the module sets take anything.
const found = spawnSync('nix-instantiate', ['--find-file', 'nixpkgs'], { encoding: 'utf8' });
const nixpkgs = process.env.EKACI_NIXPKGS || (found.status === 0 ? found.stdout.trim() : '');
const stand_in = `rec {
  mkEnableOption = text: text; mkOption = o: o; literalExpression = text: text; mkIf = c: v: if c then v else { }; mkDefault = v: v;
  filterAttrs = f: set: builtins.listToAttrs (builtins.concatMap (name: if f name set.\${name} then [ { inherit name; value = set.\${name}; } ] else [ ]) (builtins.attrNames set));
  last = list: builtins.elemAt list (builtins.length list - 1);
  hasPrefix = p: s: builtins.substring 0 (builtins.stringLength p) s == p;
  removeSuffix = e: s: let n = builtins.stringLength s - builtins.stringLength e; in if builtins.substring n (-1) s == e then builtins.substring 0 n s else s;
  splitString = by: s: builtins.filter builtins.isString (builtins.split (builtins.replaceStrings [ "." "{" ] [ "[.]" "[{]" ] by) s);
  types = { package = 1; str = 1; bool = 1; ints = { unsigned = 1; positive = 1; }; listOf = t: t; nullOr = t: t; enum = t: t; either = a: b: a; strMatching = r: r; submodule = m: m; };
}`;
const pkgs = 'rec { formats.toml = { }: { type = anything; generate = name: value: builtins.toJSON value; }; nix-eval-jobs = drv "nej"; callPackage = f: a: drv "ekaci"; ' +
	'drv = name: derivation { inherit name; system = "x86_64-linux"; builder = "/bin/sh"; }; }';
const given = `{ enable = true; url = "https://ci.example.org"; appId = "1"; privateKeyFile = "/k"; webhookSecretFile = "/s"; }`;
// config of a machine with these words for services.ekaci besides.
const config = more => nixpkgs
	? `let lib = import ${nixpkgs}/lib; any = lib.mkOption { type = lib.types.anything; default = { }; }; anything = with lib.types; attrsOf (attrsOf (oneOf [ bool int str (listOf str) ]));
	  in (lib.evalModules { modules = [ ${top}/deploy/nix/module.nix { _file = "given"; config.services.ekaci = ${more}; } { config._module.args.pkgs = ${pkgs}; config.services.ekaci = ${given};
	    options = { assertions = lib.mkOption { type = lib.types.anything; }; environment = any; users = any; systemd = any; services.nginx = any; services.caddy = any; nix.settings = any; nix.package = any; }; } ]; }).config`
	: `let anything = 1; lib = ${stand_in}; over = ${more}; merge = a: b: a // builtins.mapAttrs (k: v: (a.\${k} or { }) // v) b;
	  module = settings: import ${top}/deploy/nix/module.nix { inherit lib; pkgs = ${pkgs}; config.nix.package = "nix";
	    config.services.ekaci = { package = (${pkgs}).drv "ekaci"; evaluators = [ ]; reverseProxy = null; socket = false; } // ${given} // over // { inherit settings; }; };
	  defaults = { web.listen = "127.0.0.1:3030"; build.builders = null; };
	  in (module (merge defaults (merge (module defaults).config.services.ekaci.settings (over.settings or { })))).config`;
if (!nixpkgs)
	process.stdout.write('# SKIP what NixOS\' own module system says of types: there is no <nixpkgs> here, nor EKACI_NIXPKGS with its lib/\n');

test('the service is deploy/ekaci.service, word for word where NixOS has nothing of its own', () => {
	const { systemd, environment } = evaluate(`let c = ${config('{ }')}; in { inherit (c) systemd; environment = c.environment.etc; }`);
	const ours = systemd.services.ekaci.serviceConfig;
	const unit = {};
	for (const line of fs.readFileSync(path.join(top, 'deploy/ekaci.service'), 'utf8').split('\n')) {
		const [, key, value] = line.match(/^([A-Za-z]+)=(.*)$/) || [];
		if (key && !['Description', 'Documentation', 'After', 'Wants', 'WantedBy', 'ListenStream', 'Environment', 'ConditionPathExists'].includes(key))
			unit[key] = unit[key] ? `${unit[key]} ${value}` : value;
	}
	const text = v => Array.isArray(v) ? v.join(' ') : String(v);
	equal(Object.keys(ours).sort(), Object.keys(unit).sort());
	for (const key of Object.keys(unit).filter(k => !['ExecStart', 'LoadCredential'].includes(k)))
		equal(text(ours[key]), unit[key], key);
	equal(text(ours.LoadCredential), 'private-key:/k webhook-secret:/s');
	match(ours.ExecStart, /^\/nix\/store\/\S+-ekaci\/bin\/ekaci serve --config \/etc\/ekaci\/ekaci\.toml$/);
	equal((systemd.sockets.ekaci || {}).listenStreams, undefined);
	const settings = JSON.parse(environment['ekaci/ekaci.toml'].source);
	equal([settings.web.url, settings.github.app_id, settings.github.private_key_file], ['https://ci.example.org', '1', '$private-key']);
	ok(!JSON.stringify(settings).includes('null'));
});

test('what the module writes into ekaci.toml, and has options for, are keys that ekaci knows', () => {
	const example = fs.readFileSync(path.join(top, 'deploy/ekaci.toml.example'), 'utf8');
	const written = evaluate(`builtins.fromJSON (${config('{ }')}).environment.etc."ekaci/ekaci.toml".source`);
	const options = evaluate(`let anything = 1; lib = ${stand_in}; in builtins.mapAttrs (_: builtins.mapAttrs (_: o: o.type)) (import ${top}/deploy/nix/module.nix {
	  inherit lib; pkgs = ${pkgs}; config = { }; }).options.services.ekaci.settings.type.options`);
	ok(Object.keys(options).length > 4);
	for (const set of [written, options])
		for (const [section, keys] of Object.entries(set))
			for (const [key, type] of Object.entries(keys)) {
				const part = example.slice(example.indexOf(`\n[${section}]\n`) + 1).split(/^\[/m)[1];
				const line = part.match(new RegExp(`^#? ?${key} = (.*)$`, 'm'));
				ok(line, `${section}.${key}`);
				// Each word of a choice is in the example's text or its default.
				for (const word of Array.isArray(type) ? type : [])
					match(part, new RegExp(`"${word}"`), `${section}.${key}`);
			}
});

test('nginx and Caddy get what deploy/nginx.conf and deploy/Caddyfile say, for the address of the bot, and nobody unasked', () => {
	const c = proxy => evaluate(`let c = ${config(`{ ${proxy ? `reverseProxy = "${proxy}";` : ''} socket = true; settings.web.listen = "127.0.0.1:4040"; settings.build.builders = "@/etc/nix/machines"; }`)};
	  in { nginx = c.services.nginx; caddy = c.services.caddy; nix = c.nix.settings; sockets = c.systemd.sockets; inherit (c) assertions; }`);
	const none = c('');
	equal([none.nginx, none.caddy], [{}, {}]);
	equal(none.nix, { 'trusted-users': ['ekaci'] });
	equal(none.sockets.ekaci.listenStreams, ['127.0.0.1:4040']);
	equal(none.assertions.map(a => a.assertion), [true, true]);
	for (const [name, file, from] of [['nginx', 'nginx.conf', 'privkey.pem;\n'], ['caddy', 'Caddyfile', '\nci.example.org {\n']]) {
		const is = c(name)[name];
		equal(Object.keys(is.virtualHosts), ['ci.example.org']);
		const text = is.virtualHosts['ci.example.org'].extraConfig;
		const whole = fs.readFileSync(path.join(top, 'deploy', file), 'utf8').replaceAll('127.0.0.1:3030', '127.0.0.1:4040');
		equal(text, whole.slice(whole.indexOf(from) + from.length, whole.lastIndexOf('}')));
		match(text, /\/metrics[^]*404|404[^]*\/metrics/);
		equal((text.match(/\{/g) || []).length, (text.match(/\}/g) || []).length);
	}
});

const typed = nixpkgs ? '' : ' # SKIP there is no nixpkgs here';
test(`a wrong value is an error that names the option${typed}`, () => {
	if (typed)
		return;
	for (const [words, why] of [['url = "ci.example.org";', /services\.ekaci\.url/], ['settings.trust.forks = "all";', /settings\.trust\.forks/],
		['settings.build.slots = 0;', /settings\.build\.slots/], ['reverseProxy = "apache";', /reverseProxy/], ['privateKeyFile = "key.pem";', /privateKeyFile/]]) {
		const bad = spawnSync('nix-instantiate', ['--eval', '--strict', '--json', '--expr', `let c = ${config(`{ ${words} }`)}; in [ c.environment.etc c.services.nginx c.systemd ]`], { env, encoding: 'utf8' });
		equal(bad.status, 1);
		match(bad.stderr, why);
	}
	const said = evaluate(`(${config('{ privateKeyFile = (import ' + nixpkgs + '/lib).mkForce "/nix/store/k"; }')}).assertions`);
	equal(said.map(a => a.assertion), [false, true]);
});

test('the flake offers the package for each system, and the module', () => {
	const names = evaluate(`let f = import ${top}/deploy/flake.nix; o = f.outputs { self = { }; nixpkgs = {
	  lib.genAttrs = names: g: builtins.listToAttrs (map (name: { inherit name; value = g name; }) names);
	  legacyPackages = builtins.listToAttrs (map (name: { inherit name; value = { callPackage = p: a: builtins.functionArgs (import p); testers.runNixOSTest = toString; }; })
	    [ "x86_64-linux" "aarch64-linux" ]);
	}; }; in { systems = builtins.attrNames o.packages; inputs = o.packages.x86_64-linux.default; module = toString o.nixosModules.default; vm = o.checks.x86_64-linux.vm; }`);
	equal(names.systems, ['aarch64-linux', 'x86_64-linux']);
	ok('tomlplusplus' in names.inputs);
	ok(fs.existsSync(names.module));
	// The machine itself is tried where there is nixpkgs and KVM: nix build '...?dir=deploy#checks.x86_64-linux.vm'.
	equal(spawnSync('nix-instantiate', ['--parse', names.vm]).status, 0);
});

await run({ limit_ms: 300000, before_end: async () => fs.rmSync(folder, { recursive: true, force: true }) });
