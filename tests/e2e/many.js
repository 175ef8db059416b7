// A repository of many small packages, each with a file of its own, and branches that rebuild all and break some.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const env = { ...process.env, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_AUTHOR_NAME: 'demo',
	GIT_AUTHOR_EMAIL: 'demo@localhost', GIT_COMMITTER_NAME: 'demo', GIT_COMMITTER_EMAIL: 'demo@localhost' };

const package_of = (name, script) => `package:\n\npackage {\n  name = "${name}";\n  script = "${script}";\n}\n`;

// The position is where "name" stands, as in nixpkgs.
const top_level = salt => `let
  package = attrs@{ name, script }:
    let at = builtins.unsafeGetAttrPos "name" attrs; in
    derivation {
      inherit name;
      system = builtins.currentSystem;
      builder = "/bin/sh";
      args = [ "-c" script ];
      common = import ./common.nix;
      salt = "${salt}";
    } // { meta.position = "\${at.file}:\${toString at.line}"; };
  name_of = file: builtins.substring 0 (builtins.stringLength file - 4) file;
in builtins.listToAttrs (map (file: {
  name = name_of file;
  value = import (./pkgs + "/\${file}") package;
}) (builtins.attrNames (builtins.readDir ./pkgs)))
`;

export const name_of = n => `p${String(n).padStart(4, '0')}`;

// Makes it in `dir`, which does not exist yet: main with `packages` packages, and of each of `branches` the branch NAME, where all
// are rebuilt, or those in `only`, and the first `broken` fail. Nothing of it was ever built.
export function make_many(dir, { packages, branches })
{
	const git = (...args) => execFileSync('git', ['-C', dir, ...args], { encoding: 'utf8', env });
	const write = (name, text) => {
		fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
		fs.writeFileSync(path.join(dir, name), text);
	};
	const commit = message => {
		git('add', '-A');
		git('commit', '-q', '-m', message);
	};
	fs.mkdirSync(dir);
	git('init', '-q', '--initial-branch=main');
	git('config', 'gc.auto', '0');
	write('.ekaci/config.json', '{ "jobs": { "many": { "file": "/default.nix" } } }\n');
	write('default.nix', top_level(`${process.pid}-${Date.now()}`));
	write('common.nix', '"main"\n');
	for (let n = 0; n < packages; n++)
		write(`pkgs/${name_of(n)}.nix`, package_of(name_of(n), 'echo > $out'));
	commit('many packages');
	for (const { name, broken = 0, only = [] } of branches) {
		git('checkout', '-q', '-b', name, 'main');
		if (only.length === 0)
			write('common.nix', `"${name}"\n`);
		for (const n of only)
			write(`pkgs/${name_of(n)}.nix`, package_of(name_of(n), `echo ${name} > $out`));
		for (let n = 0; n < broken; n++)
			write(`pkgs/${name_of(n)}.nix`, package_of(name_of(n), 'echo no; exit 1'));
		commit(`${name}: change`);
	}
	git('checkout', '-q', 'main');
	return dir;
}
