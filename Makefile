# ekaci. `make demo` and `make check` do all the set-up on a fresh Debian 12; see README.md.
#
# The sources stand here by hand, in the order of the flow: this list is the second table of contents.

ROOT = main.c cli.c pipeline.c worker.c
ACCEPT =
CHANGESET =
EVALUATE = \
	evaluate/stage.c evaluate/run.c evaluate/checkout.c evaluate/evaluator.c evaluate/rows.c evaluate/meta.c \
	evaluate/stored.c evaluate/evaljobs.c evaluate/setup.c evaluate/walker.c evaluate/walk.c evaluate/drvfile.c evaluate/roots.c
GRAPH =
REPORT =
SCHEDULE =
SEND =
STORE =
SUPPORT = \
	support/base/err.c support/base/mem.c support/base/str.c support/base/map.c support/base/log.c \
	support/base/clock.c support/os/child.c support/os/peer.c support/os/sandbox.c support/os/files.c support/os/record.c support/text/json.c
WEB =
SOURCES = $(ROOT) $(ACCEPT) $(CHANGESET) $(EVALUATE) $(GRAPH) $(REPORT) $(SCHEDULE) $(SEND) $(STORE) $(SUPPORT) $(WEB)
# C++ libraries, each behind one C header; no exception leaves these files.
SOURCES_CC = $(TEXT_CC) $(EVALUATE_CC)
TEXT_CC =
EVALUATE_CC = evaluate/reduce.cc

# Test programs: tests/unit/NAME.c, one a module, linked with everything but main.
UNIT = $(UNIT_SUPPORT) $(UNIT_ACCEPT) $(UNIT_CHANGESET) $(UNIT_EVALUATE) $(UNIT_GRAPH) $(UNIT_REPORT) $(UNIT_SCHEDULE) \
	$(UNIT_SEND) $(UNIT_STORE) $(UNIT_WEB)
UNIT_SUPPORT =
UNIT_ACCEPT =
UNIT_CHANGESET =
UNIT_EVALUATE = evaluate_rows evaluate_stored evaluate_sandbox
UNIT_GRAPH =
UNIT_REPORT =
UNIT_SCHEDULE =
UNIT_SEND =
UNIT_STORE =
UNIT_WEB =

LIBS = libmicrohttpd libcurl libcrypto jansson libgit2 sqlite3 libuv libzstd simdjson
SAN =
VARIANT = $(if $(SAN),san-$(subst $(comma),-,$(SAN)),release)
comma = ,
B = build/$(VARIANT)

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla -Wundef -Wswitch-enum \
	-Wconversion -Wno-sign-conversion
WARN_CC = -Wall -Wextra -Wformat=2 -Wundef
HARDEN = -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fPIE
OPT = -O2 -g
ifneq ($(SAN),)
HARDEN = -fPIE
OPT = -O1 -g -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
endif
PKG_CFLAGS = $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
PKG_LIBS = $(shell pkg-config --libs $(LIBS) 2>/dev/null)
# The tree's path stays out of the program, so that two builds are the same to the bit.
COMMON = $(OPT) $(HARDEN) -Isrc -I$(B) -D_GNU_SOURCE -ffile-prefix-map=$(CURDIR)/= $(PKG_CFLAGS) -MMD -MP $(WERROR)
CFLAGS_ALL = -std=c17 $(WARN) $(COMMON) $(CFLAGS)
CXXFLAGS_ALL = -std=c++17 $(WARN_CC) $(COMMON) $(CXXFLAGS)
LDFLAGS_ALL = $(OPT) -pie -Wl,-z,relro,-z,now $(LDFLAGS)

OBJECTS = $(SOURCES:%.c=$(B)/%.o) $(SOURCES_CC:%.cc=$(B)/%.o)
OBJECTS_TEST = $(filter-out $(B)/main.o,$(OBJECTS))
LINK = $(if $(SOURCES_CC),$(CXX),$(CC))

# `make V=1` shows the commands.
Q = $(if $(V),,@echo '  $@';)

all: $(B)/ekaci $(B)/nixlines.so

$(B)/ekaci: $(OBJECTS)
	$(Q)$(LINK) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(B)/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -c -o $@ $<

$(B)/%.o: src/%.cc Makefile
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CXXFLAGS_ALL) -c -o $@ $<

$(B)/tests/%: tests/unit/%.c $(OBJECTS_TEST)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -Itests -c -o $@.o $<
	$(Q)$(LINK) $(LDFLAGS_ALL) -o $@ $@.o $(OBJECTS_TEST) $(PKG_LIBS) -lcmocka

# Preloaded into an old Nix by the built-in evaluator, when it lies beside the program or in ../lib/ekaci; see there.
$(B)/nixlines.so: src/evaluate/nixlines.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c17 $(WARN) -O2 -D_GNU_SOURCE -fPIC -shared -fvisibility=hidden -Wl,-z,relro,-z,now -o $@ $<

unit: $(UNIT:%=$(B)/tests/%) $(B)/ekaci
	CMOCKA_MESSAGE_OUTPUT=TAP EKACI=$(abspath $(B)/ekaci) prove $(if $(V),-v) -e '' $(UNIT:%=$(B)/tests/%)

clean:
	rm -rf build

.PHONY: all unit clean
-include $(OBJECTS:.o=.d)
