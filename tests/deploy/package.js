// The Debian package: made from this tree with the program that is tested, held against lintian, then installed, upgraded, removed and
// purged by dpkg on a machine that is this one with an overlay over it, which ends with the test. (`make matrix` does so on each release.)

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, ok, program, run, test, top } from '../e2e/lib.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-package-'));
const version = fs.readFileSync(path.join(top, 'VERSION'), 'utf8').trim();
const has = (command, ...args) => spawnSync(command, args).status === 0;
const built = path.dirname(fs.realpathSync(program));
const no_package = !has('sh', '-c', 'command -v dh && command -v dpkg-buildpackage && command -v po2debconf && command -v dh_installsysusers')
	? ' # SKIP what makes Debian packages is not installed: deploy/dependencies.sh deploy'
	: path.basename(built) !== 'release' ? ' # SKIP a program with sanitizers is not packed' : '';
const sh = (script, options = {}) => spawnSync('sh', ['-euc', script], { encoding: 'utf8', maxBuffer: 1 << 26, ...options });
const deb = path.join(dir, 'package.deb'), before = path.join(dir, 'before.deb');

test('the package has the version of VERSION, and needs to be built what deploy/dependencies.sh says', () => {
	const read = name => fs.readFileSync(path.join(top, 'deploy/debian', name), 'utf8');
	equal(read('changelog').match(/^ekaci \((.*?)\)/)[1], version);
	const words = what => spawnSync(path.join(top, 'deploy/dependencies.sh'), ['list', what], { encoding: 'utf8' }).stdout.trim().split(' ');
	// build-essential is not named in a package.
	const needed = words('build').filter(n => !words('run').includes(n) && !['gcc', 'g++', 'make', 'libc6-dev'].includes(n));
	const named = read('control').match(/^Build-Depends: ([^]*?)^\S/m)[1].split(',').map(n => n.trim().split(' ')[0]);
	equal(named.filter(n => !/^(debhelper-compat|dh-sequence-.*|po-debconf)$/.test(n)).sort(), needed.sort());
	const runs = read('control').match(/^Depends: ([^]*?)^Recommends: (.*)/m);
	equal([...runs[1].split(','), ...runs[2].split(',')].map(n => n.trim()).filter(n => !/^\$|nix-setup|^$/.test(n)).sort(), words('run').sort());
});

test(`it is made, and lintian finds neither error nor warning${no_package}`, () => {
	if (no_package)
		return;
	const made = sh(`git ls-files -co --exclude-standard -z | tar --null --ignore-failed-read -T - -c | (mkdir ${dir}/ekaci && tar -C ${dir}/ekaci -x)
		cd ${dir}/ekaci && mv deploy/debian debian && env -u MAKEFLAGS -u MAKELEVEL EKACI_BUILT=${built} dpkg-buildpackage -b -us -uc 2>&1
		cp ../ekaci_${version}_*.deb ${deb}`, { cwd: top });
	equal(made.status, 0, (made.stdout + made.stderr).slice(-3000));
	if (!has('lintian', '--version'))
		return process.stdout.write('# SKIP lintian is not installed: deploy/dependencies.sh deploy\n');
	const told = sh(`lintian --allow-root --no-tag-display-limit --show-overrides ../ekaci_*.changes`, { cwd: `${dir}/ekaci` });
	// What is overridden is explained beside it. An override that nothing needs is found, too.
	const lines = told.stdout.split('\n').filter(l => /^[EWO]: /.test(l));
	equal(lines, ['O: ekaci: no-debconf-config']);
	match(fs.readFileSync(path.join(top, 'deploy/debian/ekaci.lintian-overrides'), 'utf8'), /^# .{40}[^]*no-debconf-config/);
});

test(`what it brings is what make install brings, at Debian's places, and no settings${no_package}`, () => {
	if (no_package)
		return;
	const list = sh(`dpkg-deb -c ${deb} | awk '{ print $1, $2, $6 }'`).stdout.trim().split('\n').map(l => l.split(' '));
	const files = list.map(l => l[2].slice(1).replace(/^\/usr\/lib\/systemd/, '/lib/systemd'));
	for (const name of ['/usr/bin/ekaci', '/usr/lib/ekaci/nixlines.so', '/usr/lib/ekaci/nixcost.so', '/lib/systemd/system/ekaci.service', '/lib/systemd/system/ekaci.socket',
		'/usr/lib/sysusers.d/ekaci.conf', '/usr/lib/tmpfiles.d/ekaci.conf', '/etc/ekaci/', '/usr/share/bash-completion/completions/ekaci',
		'/usr/share/zsh/vendor-completions/_ekaci', '/usr/share/fish/vendor_completions.d/ekaci.fish', '/usr/share/doc/ekaci/operating.md',
		'/usr/share/doc/ekaci/ekaci.toml.example', '/usr/share/doc/ekaci/copyright',
		...['nginx.conf', 'Caddyfile', 'nix.conf', 'machines', 'grafana.json', 'alerts.yml'].map(n => `/usr/share/doc/ekaci/examples/${n}`)])
		ok(files.includes(name), `${name} is not in it`);
	const commands = spawnSync(program, ['help', '--names'], { encoding: 'utf8' }).stdout.trim().split('\n');
	equal(files.filter(f => /man1\/./.test(f)).sort(), ['ekaci', ...commands.map(c => `ekaci-${c}`)].map(c => `/usr/share/man/man1/${c}.1.gz`).sort());
	equal(list.filter(l => l[1] !== 'root/root' || /^-..s|^-.....s|w..$/.test(l[0])), [], 'nobody but root may write, nothing is setuid');
	equal(files.filter(f => f.startsWith('/etc/ekaci/.')), []);
	const fields = sh(`dpkg-deb -f ${deb}`).stdout;
	match(fields, /^Depends: .*systemd-sysusers.*libgit2-/m);
	const unit = sh(`dpkg-deb --fsys-tarfile ${deb} | tar -xO --wildcards '*/ekaci.service'`).stdout;
	match(unit, /^ExecStart=\/usr\/bin\/ekaci serve /m);
	ok(!/\/usr\/local\/(bin\/ekaci|share)/.test(unit));
	match(fs.readFileSync(path.join(top, 'deploy/ekaci.service'), 'utf8'), /^ExecStart=\/usr\/local\/bin\/ekaci serve /m);
});

// A machine that is this one as it stands on its disk, and whatever is changed is in memory and ends with it. Nothing of what runs here
// is seen there, systemd least of all. Each word of `steps` is a piece of sh; what they print comes back by name.
const no_machine = no_package || (process.getuid() !== 0 || !has('unshare', '--mount', '--pid', '--fork', 'sh', '-c',
	'mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w /mnt/m && mount -t overlay o -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/m')
	? ' # SKIP not root, or no overlay can be mounted here' : !has('systemd-sysusers', '--version') ? ' # SKIP systemd is not installed: deploy/dependencies.sh deploy' : '');

function machine(steps)
{
	const script = Object.entries(steps).map(([name, body]) => `echo; echo "##${name}"; (${body}) 2>&1; echo "##code $?"\n`).join('');
	fs.writeFileSync(path.join(dir, 'steps'), script);
	const r = sh(`cd ${dir}; mkdir -p m; exec unshare --mount --propagation private sh -euc '
		mount -t tmpfs t m; mkdir m/u m/w m/m; cp steps m/u/; cp *.deb m/u/ 2>/dev/null || true; [ ! -d installed ] || cp -a installed m/u/installed
		mount -t overlay o -o lowerdir=/,upperdir=m/u,workdir=m/w m/m
		mkdir -p m/m/tmp; mount -t tmpfs -o mode=1777 t m/m/tmp
		exec ${top}/tests/matrix/enter ${dir}/m/m sh /steps'`, { timeout: 200000 });
	const said = {};
	for (const [, name, text, code] of r.stdout.matchAll(/^##(\S+)\n([^]*?)^##code (\d+)$/gm))
		said[name] = { text, code: Number(code) };
	equal(Object.keys(said), Object.keys(steps), r.stdout + r.stderr);
	return said;
}
const install = 'DEBIAN_FRONTEND=noninteractive dpkg -i';
const purge = answer => `echo "ekaci ekaci/purge-state boolean ${answer}" | debconf-set-selections; DEBIAN_FRONTEND=noninteractive dpkg --purge ekaci`;
const there = 'for f in /usr/bin/ekaci /etc/ekaci/ekaci.toml /var/lib/ekaci/ekaci.db /usr/share/ekaci-before; do [ ! -e $f ] || echo $f; done';
const settle = `printf '[github]\\napp_id = "1"\\nprivate_key_file = "$private-key"\\nwebhook_secret_file = "$webhook-secret"\\n[web]\\nlisten = "127.0.0.1:0"\\n' >/etc/ekaci/ekaci.toml`;

test(`installed, it has its user, its state, its unit and its pages, and does not fail for want of settings${no_machine}`, () => {
	if (no_machine)
		return;
	const said = machine({
		first: `${install} /package.deb`,
		version: 'ekaci --version',
		user: 'getent passwd ekaci | cut -d: -f 1,6,7; stat -c "%U %G %a" /var/lib/ekaci /etc/ekaci',
		unit: 'systemd-analyze verify ekaci.service ekaci.socket',
		enabled: 'systemctl is-enabled ekaci.service; systemctl is-enabled ekaci.socket || true',
		page: 'zcat /usr/share/man/man1/ekaci-diff.1.gz | head -n 20',
		complete: 'bash -c ". /usr/share/bash-completion/completions/ekaci; complete -p ekaci"',
		preload: 'ldd /usr/bin/ekaci | grep "not found" || true; ls /usr/lib/ekaci',
	});
	for (const [name, { code, text }] of Object.entries(said))
		equal(code, 0, `${name}: ${text}`);
	equal(said.version.text, `ekaci ${version}\n`);
	match(said.user.text, /^ekaci:\/var\/lib\/ekaci:\/\S*nologin\nekaci ekaci 750\nroot root 755\n$/);
	equal(said.unit.text, '');
	equal(said.enabled.text.trim().split('\n'), ['enabled', 'disabled']);
	match(said.page.text, /^\.Nm ekaci.diff$/m);
	match(said.complete.text, /^complete .*ekaci$/m);
	equal(said.preload.text.trim(), 'nixcost.so\nnixlines.so');
	match(fs.readFileSync(path.join(top, 'deploy/ekaci.service'), 'utf8'), /^ConditionPathExists=\/etc\/ekaci\/ekaci\.toml$/m);
});

test(`as its user, with the unit's PATH and credentials, the bot starts, answers, and is seen by root without a secret${no_machine}`, () => {
	if (no_machine)
		return;
	const unit_path = fs.readFileSync(path.join(top, 'deploy/ekaci.service'), 'utf8').match(/^Environment=(PATH=.*)$/m)[1];
	const said = machine({
		first: `${install} /package.deb; ${settle}`,
		secrets: 'mkdir -m 700 /run/credentials && openssl genrsa -out /run/credentials/private-key 2048 2>/dev/null && echo x >/run/credentials/webhook-secret && chown -R ekaci: /run/credentials',
		start: `mkfifo /tmp/ready; cd /; setpriv --reuid ekaci --regid ekaci --init-groups env -i ${unit_path} NIX_CONFIG="substituters =" CREDENTIALS_DIRECTORY=/run/credentials \
			sh -c 'umask 077; exec /usr/bin/ekaci serve --config /etc/ekaci/ekaci.toml --ready-fd 3 3>/tmp/ready.txt >/tmp/log 2>&1' & echo $! >/tmp/pid
			n=0; until [ -s /tmp/ready.txt ]; do n=$((n + 1)); [ $n -lt 300 ] || { cat /tmp/log; exit 1; }; sleep 0.1; done; cat /tmp/ready.txt`,
		health: 'curl -sS "$(sed "s/.*\\(http[^\\"]*\\).*/\\1/" /tmp/ready.txt)/healthz"',
		status: 'cd / && ekaci status --json',
		owner: 'stat -c "%U %a" /var/lib/ekaci/ekaci.db',
		stop: 'kill -TERM $(cat /tmp/pid); n=0; while kill -0 $(cat /tmp/pid) 2>/dev/null; do n=$((n + 1)); [ $n -lt 150 ] || exit 1; sleep 0.1; done; tail -n 1 /tmp/log',
	});
	for (const [name, { code, text }] of Object.entries(said))
		equal(code, 0, `${name}: ${text}`);
	match(said.health.text, /ok/);
	ok(JSON.parse(said.status.text));
	match(said.owner.text, /^ekaci 600$/m);
});

test(`make install brings the same below /usr/local: user and state by systemd, units that are right, pages and completions${no_machine}`, () => {
	if (no_machine)
		return;
	const made = sh(`make -s install-built B=${built} DESTDIR=${dir}/installed`, { cwd: top });
	equal([made.status, made.stderr], [0, '']);
	const said = machine({
		copy: 'cp -a /installed/usr/local/. /usr/local/ && rm -r /installed && mkdir -p /etc/ekaci && touch /etc/ekaci/ekaci.toml',
		user: 'systemd-sysusers && systemd-tmpfiles --create ekaci.conf && stat -c "%U %G %a" /var/lib/ekaci',
		unit: 'systemd-analyze verify ekaci.service ekaci.socket',
		version: 'ekaci --version; ls /usr/local/lib/ekaci',
		where: 'grep ^ExecStart= /usr/local/lib/systemd/system/ekaci.service',
		page: 'zcat -f /usr/local/share/man/man1/ekaci-diff.1 | head -n 3',
	});
	fs.rmSync(`${dir}/installed`, { recursive: true });
	for (const [name, { code, text }] of Object.entries(said))
		equal(code, 0, `${name}: ${text}`);
	match(said.user.text, /ekaci ekaci 750$/m);
	equal(said.unit.text, '');
	match(said.version.text, /^ekaci [\d.]+\n[^]*nixlines\.so$/m);
	equal(said.where.text, 'ExecStart=/usr/local/bin/ekaci serve --config /etc/ekaci/ekaci.toml\n');
});

const no_git = has('git', '-C', top, 'rev-parse', 'HEAD') ? '' : ' # SKIP this is no clone';
test(`make dist has everything that is committed, below a folder with the version${no_git}`, () => {
	if (no_git)
		return;
	const out = path.join(dir, 'dist.tar.gz');
	const script = spawnSync('env', ['-u', 'MAKEFLAGS', '-u', 'MFLAGS', '-u', 'MAKELEVEL', 'make', '--no-print-directory', '-n', 'dist'],
		{ cwd: top, encoding: 'utf8' }).stdout;
	match(script, new RegExp(`-o build/ekaci-${version}\\.tar\\.gz HEAD`));
	const made = sh(script.replaceAll(`build/ekaci-${version}.tar.gz`, out), { cwd: top });
	equal([made.status, made.stderr], [0, '']);
	const listed = sh(`tar -tf ${out}`).stdout.trim().split('\n').filter(f => !f.endsWith('/')).sort();
	const committed = sh('git ls-tree -r --name-only -z HEAD', { cwd: top }).stdout.split('\0').filter(Boolean).map(f => `ekaci-${version}/${f}`).sort();
	equal(listed, committed);
	for (const file of ['VERSION', 'Makefile', 'LICENSE', 'app-manifest.json', 'deploy/debian/rules', 'tests/package-lock.json'])
		ok(listed.includes(`ekaci-${version}/${file}`), file);
});

// Where the official installer and Lix' put Nix, where NixOS has it, where Debian does.
test(`with the unit's environment alone, as its user, Nix is found and its daemon used wherever Nix comes from${no_machine}`, () => {
	if (no_machine)
		return;
	const environment = fs.readFileSync(path.join(top, 'deploy/ekaci.service'), 'utf8').match(/^Environment=(.*)$/gm).map(l => l.slice(12)).join(' ');
	const check = `cd / && setpriv --reuid ekaci --regid ekaci --init-groups env -i ${environment} sh -c 'command -v nix-store; ekaci check-config'`;
	const daemon = at => `${at}/nix-daemon </dev/null >/tmp/daemon.log 2>&1 & n=0; until [ -S /nix/var/nix/daemon-socket/socket ]; do n=$((n + 1)); [ $n -lt 100 ] || { cat /tmp/daemon.log; exit 1; }; sleep 0.1; done`;
	const nix = '/nix/store/00000000000000000000000000000000-nix-of-the-installer/bin';
	const places = { installer: '/nix/var/nix/profiles/default/bin', nixos: '/run/current-system/sw/bin' };
	const steps = {
		first: `${install} /package.deb; ${settle}; mkdir -p ${nix} && mv /usr/bin/nix* ${nix}; rm -rf /nix/var/nix/daemon-socket; chmod 755 /nix /nix/var /nix/var/nix`,
		none: check,
		// The store belongs to root, whose daemon writes it.
		daemon: daemon(nix),
	};
	for (const [name, at] of Object.entries(places))
		steps[name] = `mkdir -p ${path.dirname(at)} && ln -s ${nix} ${at} && { ${check}; code=$?; rm ${at}; exit $code; }`;
	steps.debian = `mv ${nix}/nix* /usr/bin; ${check}`;
	const said = machine(steps);
	for (const name of ['first', 'daemon'])
		equal(said[name].code, 0, `${name}: ${said[name].text}`);
	match(said.none.text, /no nix-store on PATH/);
	for (const [name, at] of Object.entries({ ...places, debian: '/usr/bin' })) {
		match(said[name].text, new RegExp(`^${at}/nix-store$`, 'm'), name);
		match(said[name].text, /^store: by Nix' daemon$/m);
		match(said[name].text, /^evaluations: in a sandbox/m);
		match(said[name].text, /^evaluator: ekaci \d+, nix/m, 'it has evaluated something in the sandbox');
		equal(said[name].code, 0, said[name].text);
	}
});

test(`an upgrade keeps settings and state and takes away what was the old one's; so does a removal; a purge asks${no_machine}`, () => {
	if (no_machine)
		return;
	// There is no earlier release yet: the same, of a lower version and with a file that the new one does not have.
	const made = sh(`dpkg-deb -R ${deb} ${dir}/before && cd ${dir}/before && sed -i 's/^Version: .*/Version: 0.0.1/' DEBIAN/control &&
		mkdir -p usr/share && echo x >usr/share/ekaci-before && dpkg-deb --root-owner-group -b . ${before}`);
	equal(made.status, 0, made.stderr);
	const said = machine({
		old: `${install} /before.deb`,
		old_version: `dpkg-query -W -f '\${Version}\n' ekaci`,
		used: `${settle}; echo db >/var/lib/ekaci/ekaci.db; systemctl disable ekaci.service; ${there}`,
		upgrade: `${install} /package.deb`,
		new_version: `dpkg-query -W -f '\${Version}\n' ekaci`,
		kept: `${there}; systemctl is-enabled ekaci.service || true`,
		remove: 'dpkg --remove ekaci',
		after_remove: `${there}; getent passwd ekaci >/dev/null && echo user; ls /lib/systemd/system/ekaci.* 2>/dev/null || true`,
		again: `${install} /package.deb; ${there}`,
		purge_no: purge('false'),
		after_no: there,
		once_more: `${install} /package.deb`,
		purge_yes: purge('true'),
		after_yes: `${there}; ls -d /etc/ekaci /var/lib/ekaci 2>/dev/null; dpkg-query -W -f '\${Status}\n' ekaci 2>&1 || true`,
	});
	for (const name of Object.keys(said))
		equal(said[name].code, 0, `${name}: ${said[name].text}`);
	const lines = name => said[name].text.trim().split('\n').filter(l => !/^(Synchroniz|Executing|Removed)/.test(l));
	const state = ['/etc/ekaci/ekaci.toml', '/var/lib/ekaci/ekaci.db'];
	equal([said.old_version.text.trim(), said.new_version.text.trim()], ['0.0.1', version]);
	equal(lines('used'), ['/usr/bin/ekaci', ...state, '/usr/share/ekaci-before']);
	equal(lines('kept'), ['/usr/bin/ekaci', ...state, 'disabled'], 'what the administrator switched off stays off');
	equal(lines('after_remove'), [...state, 'user']);
	equal(lines('after_no'), state);
	match(said.after_yes.text.trim(), /^(dpkg-query: )?no packages? found|unknown|^$/);
	ok(!said.after_yes.text.includes('/ekaci'), said.after_yes.text);
});

await run({ limit_ms: 300000, before_end: async () => fs.rmSync(dir, { recursive: true, force: true }) });
