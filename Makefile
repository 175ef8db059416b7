# ekaci. `make demo` and `make check` do all the set-up on a fresh Debian 12, 13 or unstable; see README.md.
#
#   make            the program, build/release/ekaci
#   make check      everything that is tested (SAN=address,undefined: with sanitizers; PART=evaluation, PART=builds, PART=deploy: these)
#   make deps       only installs what tests need
#   make unit       the C tests alone               make coverage   what they do not go through
#   make matrix     both on Debian 12, 13 and unstable, in root trees (RELEASES=trixie, PARTS="demo builds", MATRIX_FRESH=1)
#   make demo       one pull request, end to end (DEMO=docs, DEMO=rebuild: other stories)
#   make fuzz       the readers of hostile bytes, with libFuzzer (FUZZ=drv, FUZZ_SECONDS=600)
#   make bench      figures, one line each: name, value, unit
#   make regen      golden files and the tables in ARCHITECTURE.md, each difference shown
#   make lint       gcc -fanalyzer, clang-tidy, cppcheck, the format of sources      make format     clang-format
#   make install    DESTDIR, PREFIX               make dist       a tarball               make deb        a Debian package
#
# The sources stand here by hand, in the order of the flow: this list is the second table of contents.

CLI = cli/cli.c cli/local.c cli/request.c cli/sides.c cli/progress.c cli/durations.c cli/ownnix.c cli/status.c cli/operate.c cli/place.c cli/start.c cli/check.c cli/backup.c cli/manual.c cli/completion.c cli/shell.c cli/watch.c cli/operator_token.c cli/remote.c cli/printlog.c
BOT = bot/daemon.c bot/deliveries.c bot/commands.c bot/obeying.c bot/quota.c bot/situation.c bot/reports.c bot/standing.c bot/repositories.c bot/reconcile.c bot/moved.c bot/teams.c bot/conflicts.c bot/control.c bot/service.c bot/overlaps.c
WALK = walk/table.c walk/flow.c walk/steps.c walk/early.c walk/jobs.c walk/trust.c walk/sweep.c walk/giving.c walk/means.c
WORKER = worker/pool.c worker/call.c worker/serve.c worker/ending.c
CONFIG = config/config.c config/allowed.c config/environment.c
FORGE = \
	forge/forges.c forge/forge.c forge/event.c forge/command.c forge/signature.c \
	forge/github/github.c forge/github/needs.c forge/github/setup.c forge/github/pull.c forge/github/online.c forge/github/webhook.c forge/github/payload.c \
	forge/github/jwt.c forge/github/http.c forge/github/token.c forge/github/answer.c forge/github/client.c forge/github/lane.c \
	forge/github/budget.c forge/github/shape.c forge/github/task.c forge/github/task_check.c forge/github/task_talk.c forge/github/task_status.c forge/github/task_reviewers.c forge/github/lists.c forge/github/sender.c
CHANGESET = \
	changeset/mirroring.c changeset/gitcmd.c changeset/gitdir.c changeset/gitmodules.c changeset/submodules.c changeset/clone.c \
	changeset/merge.c changeset/worktree.c changeset/pulled.c changeset/planning.c changeset/commits.c changeset/untold.c changeset/paths.c changeset/rules.c changeset/spending.c \
	changeset/reader.c changeset/glob.c changeset/repository.c changeset/source.c
EVALUATE = \
	evaluate/evaluate.c evaluate/key.c evaluate/try.c evaluate/checkout.c evaluate/treefs.c evaluate/idle.c evaluate/reads.c evaluate/named.c evaluate/gitlinks.c evaluate/evaluator.c evaluate/program.c \
	evaluate/evaluating.c evaluate/execute.c evaluate/surroundings.c evaluate/hearing.c evaluate/doubts.c evaluate/sandbox.c evaluate/evalconf.c evaluate/searchpath.c evaluate/flake.c evaluate/fetches.c \
	evaluate/fetchrepo.c evaluate/eval_rows.c evaluate/stored.c \
	evaluate/builtin/evaljobs.c evaluate/builtin/coordinator.c evaluate/builtin/attrtree.c evaluate/builtin/preamble.c evaluate/builtin/outlay.c \
	evaluate/builtin/drvinputs.c evaluate/builtin/walker.c evaluate/builtin/aggregate.c evaluate/builtin/late.c
GRAPH = \
	graph/diff.c graph/attrs.c graph/closure.c graph/ahead.c graph/cache.c graph/pairing.c graph/compare.c graph/cause.c graph/distance.c graph/alone.c graph/spread.c graph/radius.c graph/intervals.c graph/carry.c graph/costs.c graph/write.c graph/explain.c graph/tools.c graph/reach.c
REPORT = report/report.c report/model.c report/verdict.c report/limits.c report/view.c report/view_part.c report/view_rules.c report/view_roots.c report/picture.c report/view_failures.c report/view_packages.c report/view_meta.c report/view_sizes.c report/view_distance.c report/cost.c report/view_cost.c report/view_evalcost.c report/ladder.c report/checks.c report/attribute_checks.c report/how.c report/position.c report/labels.c report/document.c report/failing.c report/html.c report/run_page.c report/words.c report/explanation.c report/first_told.c report/view_idle.c
OVERLAP = overlap/space.c overlap/pairs.c overlap/overlapping.c
BUILD = build/query.c build/facts.c build/sizes.c build/products.c build/build.c build/outcome.c build/copy.c
QUEUE = \
	queue/schedule.c queue/retry.c queue/tell.c queue/capacity.c queue/replica.c queue/queue.c queue/items.c queue/wants.c queue/critical.c queue/order.c queue/why.c queue/estimate.c queue/push.c
RECORDS = \
	records/fields_write.c records/list.c records/record.c records/all.c records/array.c \
	records/build_state.c records/run_state.c records/failure.c records/run_told.c records/retention.c records/mirror.c records/plan.c records/evaluation.c records/first.c records/class.c records/difference.c records/building.c records/reporting.c records/page_told.c records/operator_order.c records/wish.c records/overlap.c records/means_told.c
FORMATS = formats/stored_file.c formats/rows.c formats/difference_file.c formats/log_file.c formats/table_file.c formats/token_file.c
NIX = \
	nix/path.c nix/access.c nix/version.c nix/settings.c nix/trusted.c nix/machines.c nix/session.c nix/wire.c nix/roots.c nix/drv.c nix/drvshow.c \
	nix/path_info.c nix/dry_run.c nix/quote.c nix/preload.c nix/saying.c nix/unknown.c nix/build_words.c
STORE = \
	store/db.c store/delivery.c store/installation.c store/run.c store/builds.c store/run_check.c store/open.c store/duration.c store/desired.c store/compared.c store/pace.c store/prune.c store/people.c store/pushes.c store/overview.c store/now.c store/restored.c store/figures.c store/derivation.c store/hosts.c store/measure.c store/overlapped.c
WEB = web/web.c web/server.c web/intake.c web/link.c web/page.c web/pages.c web/build_log.c web/metrics.c web/show.c web/dashboard.c web/plots.c web/since.c web/failures.c web/forms.c web/page_run.c web/filter.c web/again.c web/ask_why.c web/beside.c web/live.c web/measures.c web/log_html.c web/log_page.c web/tokens.c web/orders.c web/asked.c web/refuse.c web/plot.c web/history.c web/pulls.c
SUPPORT = \
	support/base/err.c support/base/mem.c support/base/str.c support/base/map.c support/base/log.c support/base/clock.c support/base/release.c \
	support/os/child.c support/os/lock.c support/os/cgroup.c support/os/peer.c support/os/files.c support/os/packed.c support/os/zstream.c support/os/tar.c support/os/notify.c \
	support/os/loop.c support/text/escape.c support/text/values.c support/text/template.c support/text/jscan.c \
	support/text/json.c support/text/mistakes.c support/text/prometheus.c support/text/usage.c support/text/nearest.c support/text/metric.c
SOURCES = main.c $(CLI) $(BOT) $(WALK) $(WORKER) $(CONFIG) $(FORGE) $(CHANGESET) $(EVALUATE) $(GRAPH) $(OVERLAP) $(REPORT) $(BUILD) $(QUEUE) \
	$(RECORDS) $(FORMATS) $(NIX) $(STORE) $(WEB) $(SUPPORT)
# C++ libraries, each behind one C header; no exception leaves these files.
SOURCES_CC = records/fields_read.cc evaluate/reduce.cc support/text/toml.cc

# Test programs, tests/unit/NAME.c, one a subject, linked with everything but main; in the order of the flow, too.
UNIT = \
	support records architecture escape template config trust jobs walk sweep github_verify github_event github_command changeset_glob changeset_rules \
	changeset_plan changeset_mirror changeset_submodules evaluate_rows nix_saying nix_unknown evaluate_searchpath evaluate_stored evaluate_sandbox evaluate_cgroup nix_drv nix_drvshow graph_compare graph_diff \
	graph_radius graph_property graph_cache graph_golden difference_file table_file log_file graph_commands report_position report_verdict report_attributes report_classes report_golden report_limits store queue_order cost build_sizes build_outcome nix_build_words github_jwt github_http github_shape github_desired web_server overlap
# Readers of hostile bytes, tests/fuzz/NAME.c, in the order of the flow: fuzzed by `make fuzz`; the inputs kept in fixtures/fuzz/NAME
# are tried by `make check`.
FUZZ = \
	fields toml tar event comment gitmodules rules glob eval_output saying rows drv difference nix_json products http escape
# Shell and Node tests, each a TAP program.
TAP_CHECK = tests/check/layers tests/check/style
TAP_NODE = tests/pages/run.js tests/pages/real.js tests/pages/pages.js tests/pages/flow.js tests/pages/again.js \
	tests/fakes/selftest.js tests/eval/builtin.js tests/eval/rows.js tests/eval/stage.js tests/eval/flake.js tests/eval/fetch.js tests/eval/unknown.js tests/eval/own.js tests/eval/user.js tests/eval/cgroup.js tests/eval/real.js tests/eval/escape.js tests/eval/report.js tests/send/sender.js \
	tests/schedule/builds.js tests/schedule/session.js tests/schedule/remote.js tests/e2e/builds.js \
	tests/e2e/demo.js tests/e2e/webhooks-examples.js tests/e2e/classes.js tests/e2e/story.js tests/e2e/evaluation.js \
	tests/e2e/explain.js tests/e2e/flakes.js tests/e2e/sizes.js tests/e2e/cost.js tests/e2e/caches.js tests/e2e/setup.js tests/e2e/network.js tests/e2e/online.js tests/e2e/user.js tests/e2e/annotations.js tests/e2e/cli.js tests/e2e/revisions.js tests/e2e/alone.js tests/e2e/proof.js tests/e2e/moves.js tests/e2e/repositories.js tests/e2e/submodules.js tests/e2e/people.js tests/e2e/commands.js tests/e2e/crash.js tests/e2e/trouble.js tests/e2e/lost.js tests/e2e/scenarios.js tests/e2e/faults60.js tests/e2e/hostile.js tests/deploy/dependencies.js tests/deploy/matrix.js tests/deploy/nix.js tests/e2e/interrupt.js tests/e2e/pulls.js tests/e2e/terminal.js tests/e2e/operators.js tests/e2e/restore.js tests/deploy/unit.js tests/deploy/package.js tests/deploy/monitoring.js tests/deploy/proxies.js tests/deploy/builders.js tests/deploy/container.js tests/e2e/metrics.js tests/e2e/check.js tests/e2e/remote.js tests/e2e/hosts.js tests/e2e/first.js tests/e2e/beside.js tests/e2e/turns.js tests/e2e/evalcost.js tests/e2e/unproved.js

LIBS = libmicrohttpd fuse3 libcurl libcrypto jansson libgit2 sqlite3 libuv libzstd zlib simdjson
SAN =
comma = ,
VARIANT = $(if $(SAN),san-$(subst $(comma),-,$(SAN)),release)
B = build/$(VARIANT)

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla -Wundef -Wswitch-enum \
	-Wconversion -Wno-sign-conversion
WARN_CC = -Wall -Wextra -Wformat=2 -Wundef
HARDEN = -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fPIE
OPT = -O2 -g
ifneq ($(SAN),)
HARDEN = -fPIE
OPT = -O1 -g -fsanitize=$(SAN) -fno-sanitize=unreachable -fno-omit-frame-pointer -fno-sanitize-recover=all
endif
PKG_CFLAGS := $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
# Of cmark-gfm only the core: what its .pc file names are the extensions, too, which nothing here uses.
PKG_LIBS := $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lcmark-gfm
# The tree's path stays out of the program, so that two builds are the same to the bit.
COMMON = $(OPT) $(HARDEN) -Isrc -D_GNU_SOURCE -ffile-prefix-map=$(CURDIR)/= $(PKG_CFLAGS) -MMD -MP $(WERROR)
CFLAGS_ALL = -std=c17 $(WARN) $(COMMON) $(CFLAGS)
CXXFLAGS_ALL = -std=c++17 $(WARN_CC) $(COMMON) $(CXXFLAGS)
LDFLAGS_ALL = $(OPT) -pie -Wl,-z,relro,-z,now $(LDFLAGS)

OBJECTS = $(SOURCES:%.c=$(B)/%.o) $(SOURCES_CC:%.cc=$(B)/%.o) $(B)/templates.o
OBJECTS_TEST = $(filter-out $(B)/main.o,$(OBJECTS))
UNIT_PROGRAMS = $(UNIT:%=$(B)/tests/%)
FUZZ_PROGRAMS = $(FUZZ:%=$(B)/fuzz/%)

# `make V=1` shows the commands.
Q = $(if $(V),,@echo '  $@';)

all: $(B)/ekaci $(B)/nixlines.so $(B)/nixcost.so

$(B)/ekaci: $(B)/main.o $(B)/libekaci.a
	$(Q)$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

# All but main, for every test program and driver.
$(B)/libekaci.a: $(OBJECTS_TEST)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(B)/store/db.o: $(wildcard src/store/schema/*.sql)
$(B)/forge/github/needs.o: app-manifest.json
$(B)/support/base/release.o: VERSION

# Dependencies are kept by the source's whole name: of one that is gone, or has become C from C++, nothing is read any more.
$(B)/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -MF $(@:.o=.c.d) -c -o $@ $<

$(B)/%.o: src/%.cc Makefile
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CXXFLAGS_ALL) -MF $(@:.o=.cc.d) -c -o $@ $<

# templates/ compiled in, so that the program is one file: each file an array of bytes, by its path below templates/.
TEMPLATES = $(sort $(shell find templates -type f 2>/dev/null \( -name '*.html' -o -name '*.md' -o -name '*.txt' -o -name '*.css' \
	-o -name '*.js' -o -name '*.svg' -o -name '*.json' \)))

$(B)/templates.c: $(TEMPLATES) $(wildcard templates) Makefile
	@mkdir -p $(@D)
	@{ echo '#include "support/text/template.h"'; n=0; list=; \
	for f in $(TEMPLATES:templates/%=%); do \
		echo "static const unsigned char f$$n[] = {"; \
		od -An -v -tu1 "templates/$$f" | sed 's/  *\([0-9][0-9]*\)/\1,/g'; echo '0};'; \
		list="$$list{\"$$f\", {(const char *)f$$n, sizeof(f$$n) - 1}}, "; n=$$((n + 1)); \
	done; \
	echo "const struct template_file template_files[] = {$$list{0, {0, 0}}};"; \
	echo "const size_t template_count = $$n;"; } > $@.new && mv $@.new $@

$(B)/templates.o: $(B)/templates.c
	$(Q)$(CC) $(CFLAGS_ALL) -c -o $@ $<

# Test programs: of tests/unit with cmocka; figures; the scheduler with a loop of its own (tests/schedule); and what the Nix here
# says of a build, for the samples in fixtures/nix.
$(B)/tests/%.o: tests/unit/%.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -Itests -I. -c -o $@ $<

$(B)/bench/%.o: tests/bench/%.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -Itests -I. -c -o $@ $<

$(B)/tests/schedule_driver.o $(B)/tests/session_record.o: $(B)/tests/%.o: Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -Itests -c -o $@ $(filter %.c,$^)
$(B)/tests/schedule_driver.o: tests/schedule/driver.c
$(B)/tests/session_record.o: tests/schedule/record.c

$(B)/tests/%: $(B)/tests/%.o $(B)/libekaci.a
	$(Q)$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lcmocka

$(B)/bench/%: $(B)/bench/%.o $(B)/libekaci.a
	$(Q)$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(B)/fuzz/%.o: tests/fuzz/%.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -Itests -c -o $@ $<

# Alone, a program that reads the files kept of it; in `make fuzz` libFuzzer has a main of its own.
FUZZ_MAIN = $(B)/fuzz/replay.o
$(B)/fuzz/%: $(B)/fuzz/%.o $(FUZZ_MAIN) $(B)/libekaci.a
	$(Q)$(CXX) $(LDFLAGS_ALL) $(FUZZ_LINK) -o $@ $^ $(PKG_LIBS)

# Preloaded into Nix by the built-in evaluator, when they lie beside the program or in ../lib/ekaci; see there.
$(B)/nixlines.so: src/nix/nixlines.c
$(B)/nixcost.so: src/nix/nixcost.c
$(B)/nixlines.so $(B)/nixcost.so: Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c17 $(WARN) -O2 -g -D_GNU_SOURCE -ffile-prefix-map=$(CURDIR)/= -fPIC -shared -fvisibility=hidden -Wl,-z,relro,-z,now -o $@ $(filter %.c,$^)

# --- tests ---

# The C programs alone; they stand nearly all on their own, so this is what sanitizers are run on in CI (SAN=address,undefined).
unit: $(UNIT_PROGRAMS) $(FUZZ_PROGRAMS) $(B)/ekaci
	@EKACI=$(abspath $(B)/ekaci) tests/check/run $(UNIT_PROGRAMS) $(FUZZ_PROGRAMS)

# Lines and branches that those go through, by folder, against tests/check/coverage.floor.
coverage:
	@find build/coverage -name '*.gcda' -delete 2>/dev/null || true
	$(MAKE) VARIANT=coverage HARDEN=-fPIE OPT='-O0 -g --coverage -fprofile-update=atomic' unit
	@tests/check/coverage build/coverage

# What is missing is installed first; -Werror holds for everything that is tested. tests/check/run closes with
# `N passed, N failed`. Sanitizers slow the end-to-end tests down but leave them as they are.
PART =
PART_evaluation = $(B)/tests/evaluate_% $(B)/tests/nix_saying $(B)/tests/nix_unknown tests/eval/% tests/e2e/flakes.js tests/e2e/submodules.js
PART_deploy = tests/deploy/%
PART_builds = $(B)/tests/build_% $(B)/tests/queue_% $(B)/tests/nix_build_words tests/schedule/% tests/e2e/builds.js
TESTS = $(filter $(if $(PART),$(PART_$(PART)),%),$(UNIT_PROGRAMS) $(FUZZ_PROGRAMS) $(TAP_CHECK) $(TAP_NODE))
deps:
	deploy/dependencies.sh check
check: deps
	$(MAKE) WERROR=-Werror SAN=$(SAN) all tests build/node.stamp build/openapi/github.json
	@EKACI=$(abspath $(B)/ekaci) tests/check/run $(TESTS)

# All that may go wrong at GitHub, of which `make check` plays some: so many seeds over all scenarios, and of each of the first sixty
# requests of a pull request each fault; half an hour on two quiet cores.
SEEDS = 300
scenarios: all build/node.stamp build/openapi/github.json
	@SEEDS=$(SEEDS) EKACI=$(abspath $(B)/ekaci) node tests/e2e/scenarios.js
	@ALL=1 EKACI=$(abspath $(B)/ekaci) node tests/e2e/faults60.js

tests: $(UNIT_PROGRAMS) $(FUZZ_PROGRAMS) $(B)/tests/send_driver $(B)/tests/schedule_driver $(B)/tests/session_record

# New inputs for the readers of FUZZ, for so many seconds each: by libFuzzer of clang, with sanitizers. What makes one fall over
# stays in build/fuzz/found and belongs, once it is mended, into fixtures/fuzz/NAME. toml++ marks as unreachable what it reaches with
# letters beyond ASCII outside of texts; what compilers make of it is right, so that sanitizer is off.
FUZZ_SECONDS = 60
fuzz:
	$(MAKE) VARIANT=fuzz CC=clang CXX=clang++ HARDEN=-fPIE FUZZ_MAIN= FUZZ_LINK=-fsanitize=fuzzer \
		OPT='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=unreachable -fno-sanitize-recover=undefined \
		-fno-omit-frame-pointer' \
		$(FUZZ:%=build/fuzz/fuzz/%)
	@tests/fuzz/run $(FUZZ_SECONDS) $(FUZZ)

# On machines as people have them, each a root tree made by debootstrap; as root.
RELEASES = bookworm trixie sid
PARTS = demo check evaluation builds package clang
matrix:
	@RELEASES='$(RELEASES)' PARTS='$(PARTS)' MATRIX_FRESH='$(MATRIX_FRESH)' tests/matrix/run

# GitHub's description of its API, cut to what the bot uses; and the packages of the tests.
build/openapi/github.json: tests/openapi/cut.js tests/openapi/operations.js
	@mkdir -p $(@D)
	$(Q)node tests/openapi/cut.js $@

build/node.stamp: tests/package.json tests/package-lock.json
	@mkdir -p $(@D)
	$(Q)npm ci --prefix tests --ignore-scripts --no-audit --no-fund --silent && touch $@

DEMO = bump
demo: deps
	$(MAKE) all build/node.stamp build/openapi/github.json
	@node tests/e2e/show.js $(DEMO)

bench: all build/node.stamp build/openapi/github.json
	@tests/bench/run

regen: $(UNIT_PROGRAMS) $(B)/ekaci
	EKACI_REGEN=1 CMOCKA_MESSAGE_OUTPUT=TAP EKACI=$(abspath $(B)/ekaci) prove -e '' $(UNIT_PROGRAMS)
	git --no-pager diff -- fixtures src/ARCHITECTURE.md deploy/README.md

# --- care ---

FORMATTED = $(shell git ls-files -co --exclude-standard -- 'src/*.c' 'src/*.h' 'src/*.cc' 'tests/*.c' 'tests/*.h')
format:
	clang-format -i $(FORMATTED)

# As Debian 12 has them: gcc -fanalyzer, clang-tidy, cppcheck, clang-format. None finds anything; another version is left out, and
# that is said.
lint:
	deploy/dependencies.sh lint
	@LINT_FLAGS='-Isrc -D_GNU_SOURCE $(PKG_CFLAGS)' EKACI_TEST_SECONDS=2400 tests/check/run tests/check/lint
# For editors: how each file is compiled.
compile_commands.json: Makefile
	@{ echo '['; comma=; for f in $(SOURCES:%=src/%) $(UNIT:%=tests/unit/%.c) $(FUZZ:%=tests/fuzz/%.c); do \
		printf '%s{"directory": "%s", "file": "%s", "command": "%s"}' "$$comma" '$(CURDIR)' "$$f" "$(CC) $(CFLAGS_ALL) -Itests -I. -c $$f"; \
		comma="$$(printf ',\nx')"; comma=$${comma%x}; \
	done; for f in $(SOURCES_CC:%=src/%); do \
		printf ',\n{"directory": "%s", "file": "%s", "command": "%s"}' '$(CURDIR)' "$$f" "$(CXX) $(CXXFLAGS_ALL) -c $$f"; \
	done; echo; echo ']'; } >$@

analyze:
	$(MAKE) VARIANT=analyze HARDEN= OPT='-O1 -fanalyzer' WERROR=-Werror all

# What a machine needs to run it, as packages take it, too. The units name the program where it is installed.
PREFIX = /usr/local
SHARE = $(DESTDIR)$(PREFIX)/share
EXAMPLES = nginx.conf Caddyfile nix.conf machines grafana.json alerts.yml
install: all
	$(MAKE) install-built

install-built:
	install -Dm755 $(B)/ekaci $(DESTDIR)$(PREFIX)/bin/ekaci
	install -Dm644 -t $(DESTDIR)$(PREFIX)/lib/ekaci $(B)/nixlines.so $(B)/nixcost.so
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(SHARE)/man/man1 $(SHARE)/bash-completion/completions \
		$(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	sed '/^ExecStart=\|^Documentation=/s|/usr/local|$(PREFIX)|g' deploy/ekaci.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/ekaci.service
	install -m644 deploy/ekaci.socket $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -Dm644 deploy/ekaci.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/ekaci.conf
	install -Dm644 deploy/ekaci.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/ekaci.conf
	$(B)/ekaci help --man >$(SHARE)/man/man1/ekaci.1
	for c in $$($(B)/ekaci help --names); do $(B)/ekaci help --man $$c >$(SHARE)/man/man1/ekaci-$$c.1 || exit; done
	$(B)/ekaci completion bash >$(SHARE)/bash-completion/completions/ekaci
	$(B)/ekaci completion zsh >$(SHARE)/zsh/site-functions/_ekaci
	$(B)/ekaci completion fish >$(SHARE)/fish/vendor_completions.d/ekaci.fish
	install -d $(SHARE)/doc/ekaci/examples
	install -m644 README.md LICENSE $(addprefix deploy/,ekaci.toml.example config.json.md repositories.md) $(SHARE)/doc/ekaci
	install -m644 deploy/README.md $(SHARE)/doc/ekaci/operating.md
	install -m644 $(addprefix deploy/,$(EXAMPLES)) $(SHARE)/doc/ekaci/examples

# Everything that is committed, and so everything to build and test with.
VERSION := $(shell cat VERSION)
DIST = ekaci-$(VERSION)
dist:
	@mkdir -p build
	git archive --format=tar.gz --prefix=$(DIST)/ -o build/$(DIST).tar.gz HEAD

# The Debian package, of that tarball: build/ekaci_VERSION_ARCH.deb. DEB is where it is made; debian/rules has EKACI_BUILT.
DEB = build/deb
deb: dist
	deploy/dependencies.sh deb
	rm -rf $(DEB) && mkdir -p $(DEB)
	tar -C $(DEB) -xf build/$(DIST).tar.gz
	mv $(DEB)/$(DIST)/deploy/debian $(DEB)/$(DIST)/debian
	cd $(DEB)/$(DIST) && env -u MAKEFLAGS -u MAKELEVEL dpkg-buildpackage -b -us -uc $(DEB_OPTIONS)
	cp $(DEB)/*.deb build/

clean:
	rm -rf build

.PHONY: all deps unit coverage check tests scenarios fuzz matrix demo bench regen format lint analyze install install-built dist deb clean
.SECONDARY:
-include $(SOURCES:%=$(B)/%.d) $(SOURCES_CC:%=$(B)/%.d) $(B)/templates.d $(wildcard $(B)/tests/*.d $(B)/bench/*.d $(B)/fuzz/*.d)
